/* SPDX-License-Identifier: Apache-2.0 */
/* The scheduler: a run queue for each core, ordered by virtual time (ns of CPU, weighted by nice). A core that runs dry
 * takes a task of another one, a wake-up chooses where least is to do. Everything here runs under the
 * kernel lock, which the switch hands on to the next task.
 *
 * No wake-up is lost: whoever queues a task on a core either finds its tick running or makes it look (look_again), and
 * a core leaves schedule() with a tick if somebody waits in its queue. */
#include "arch/cpu.h"
#include "arch/insn.h"
#include "mm/mm.h"
#include "proc/process.h"
#include "string.h"
#include "uintr/uintr.h"

enum {
    SLICE_NS = 4000000,
    SLEEPER_BONUS_NS = 3000000, /* how far behind the others one that slept may begin  */
    WAKE_LEAD_NS = 1000000,     /* how far ahead it must be to take the CPU at once    */
    NICE_0_WEIGHT = 1024
};

void switch_to(uint64_t *save_rsp, uint64_t load_rsp);
void task_first_run(struct frame *f);

static struct task *dead[CPUS_MAX]; /* off the CPU for ever after the next switch */
static struct timer ticks[CPUS_MAX];

/* Each step of nice is worth a quarter more or less CPU. */
static uint64_t weight(int nice)
{
    uint64_t w = NICE_0_WEIGHT;
    for (; nice > 0; nice--)
        w = w * 4 / 5;
    for (; nice < 0; nice++)
        w = w * 5 / 4;
    return w;
}

static void account(struct task *t)
{
    uint64_t now = clock_now();
    if (now <= t->slice_started) /* set by another core, whose TSC may be ahead */
        return;
    t->virtual_time += (now - t->slice_started) * NICE_0_WEIGHT / weight(t->nice);
    t->slice_started = now;
}

static void enqueue(struct cpu *cpu, struct task *t)
{
    struct list *at = cpu->run_queue.next;
    while (at != &cpu->run_queue && LIST_ITEM(at, struct task, in_queue)->virtual_time <= t->virtual_time)
        at = at->next;
    list_insert_before(at, &t->in_queue);
    t->cpu = cpu->index;
    cpu->runnable++;
}

static void dequeue(struct task *t)
{
    list_remove(&t->in_queue);
    cpus[t->cpu].runnable--;
}

static bool may_run_on(const struct task *t, uint32_t cpu) { return t->affinity >> cpu & 1; }

static void look_again(struct cpu *cpu)
{
    cpu->running->need_resched = true;
    if (cpu != this_cpu())
        apic_send(cpu->index, VECTOR_RESCHEDULE);
}

/* Where t runs best: where least is to do, and there where it was if that is no worse. */
static struct cpu *choose_cpu(const struct task *t)
{
    struct cpu *best = NULL;
    uint32_t least = UINT32_MAX;
    for (uint32_t i = 0; i < cpu_count; i++) {
        uint32_t load = 2 * (cpus[i].runnable + (cpus[i].running != cpus[i].idle)) + (i != t->cpu);
        if (!may_run_on(t, i) || load >= least)
            continue;
        best = &cpus[i];
        least = load;
    }
    return best;
}

static void make_runnable(struct task *t)
{
    struct cpu *cpu = choose_cpu(t);
    uint64_t floor = cpu->virtual_time > SLEEPER_BONUS_NS ? cpu->virtual_time - SLEEPER_BONUS_NS : 0;
    if (t->virtual_time < floor || t->virtual_time > cpu->virtual_time + 10 * SLICE_NS)
        t->virtual_time = floor;
    t->state = TASK_RUNNABLE;
    enqueue(cpu, t);
    struct task *running = cpu->running;
    if (running != cpu->idle)
        account(running);
    bool ran_alone = cpu->runnable == 1 && !timer_is_running(&ticks[cpu->index]); /* without a tick */
    if (ran_alone || running == cpu->idle || t->virtual_time + WAKE_LEAD_NS < running->virtual_time)
        look_again(cpu);
}

void task_wake(struct task *t)
{
    if (t->state == TASK_SLEEPING || t->state == TASK_DEEP)
        make_runnable(t);
}

void task_start(struct task *t)
{
    t->virtual_time = this_cpu()->virtual_time;
    make_runnable(t);
}

void task_continue(struct task *t)
{
    if (t->state == TASK_STOPPED)
        make_runnable(t);
}

void task_kick(struct task *t)
{
    if (t->on_cpu && t != current)
        apic_send(t->cpu, VECTOR_RESCHEDULE);
}

/* Takes a task that may run on cpu from the longest other queue that has one. */
static struct task *steal(struct cpu *cpu)
{
    struct task *t, *best = NULL;
    for (uint32_t i = 0; i < cpu_count; i++)
        for (LIST_EACH(t, &cpus[i].run_queue, in_queue))
            if (may_run_on(t, cpu->index) && (!best || cpus[i].runnable > cpus[best->cpu].runnable))
                best = t;
    if (!best)
        return NULL;
    uint64_t moved = best->virtual_time + cpu->virtual_time, former = cpus[best->cpu].virtual_time;
    dequeue(best);
    best->cpu = cpu->index;
    best->virtual_time = moved > former ? moved - former : 0; /* keeps its lead or lag */
    return best;
}

static struct task *pick(struct cpu *cpu)
{
    if (list_is_empty(&cpu->run_queue))
        return steal(cpu) ?: cpu->idle;
    struct task *t = LIST_FIRST(&cpu->run_queue, struct task, in_queue);
    dequeue(t);
    return t;
}

static void on_tick(struct timer *timer)
{
    struct cpu *cpu = this_cpu();
    struct task *t = cpu->running;
    uint64_t now = clock_now();
    if (t == cpu->idle)
        return;
    t->need_resched = true;
    if (cpu->runnable)
        timer_start(timer, now + SLICE_NS);
}

static void begin_running(struct cpu *cpu, struct task *t)
{
    uint64_t now = clock_now();
    t->on_cpu = true;
    t->need_resched = false;
    t->slice_started = t->account_ns = now;
    cpu->running = t;
    cpu->switches++;
    if (t->virtual_time > cpu->virtual_time)
        cpu->virtual_time = t->virtual_time;
    if (cpu->runnable && !timer_is_running(&ticks[cpu->index]))
        timer_start(&ticks[cpu->index], now + SLICE_NS);
    trace(TRACE_SWITCH, t == cpu->idle ? 0 : (uint32_t)t->tid);
}

/* The first thing after a switch, on the stack of the task that was switched to. */
void finish_switch(void)
{
    struct task **grave = &dead[this_cpu_index()];
    if (*grave)
        task_free(*grave);
    *grave = NULL;
}

void schedule(void)
{
    struct cpu *cpu = this_cpu();
    struct task *previous = cpu->running;
    previous->system_ns += clock_now() - previous->account_ns;
    if (previous != cpu->idle)
        account(previous);
    if (previous->state != TASK_RUNNABLE) {
        previous->switches_voluntary++;
    } else if (previous != cpu->idle) {
        previous->switches_forced++;
        if (may_run_on(previous, cpu->index))
            enqueue(cpu, previous);
        else
            make_runnable(previous);
    }
    struct task *next = pick(cpu);
    if (next == previous) {
        begin_running(cpu, next);
        return;
    }
    previous->on_cpu = false;
    uintr_switch_out(previous);
    fpu_save(previous);
    mm_activate(next->mm);
    if (next != cpu->idle)
        cpu_set_task(next);
    begin_running(cpu, next);
    switch_to(&previous->kernel_rsp, next->kernel_rsp);
    finish_switch();
}

void task_first_run(struct frame *f)
{
    finish_switch();
    prepare_return(f);
}

_Noreturn void sched_bury(struct task *t)
{
    KASSERT(t == current);
    t->state = TASK_ZOMBIE;
    dead[this_cpu_index()] = t;
    schedule();
    panic("a dead task runs");
}

void task_yield(void)
{
    struct task *t = current;
    struct cpu *cpu = this_cpu();
    if (!list_is_empty(&cpu->run_queue)) { /* behind whoever waits */
        struct task *last = LIST_ITEM(cpu->run_queue.prev, struct task, in_queue);
        if (t->virtual_time <= last->virtual_time)
            t->virtual_time = last->virtual_time + 1;
    }
    schedule();
}

void task_set_affinity(struct task *t, uint64_t mask)
{
    t->affinity = mask;
    if (may_run_on(t, t->cpu))
        return;
    if (t->state == TASK_RUNNABLE && !t->on_cpu) {
        dequeue(t);
        make_runnable(t);
    } else if (t == current) {
        schedule();
    } else if (t->on_cpu) {
        look_again(&cpus[t->cpu]);
    }
}

uint64_t cpus_online(void) { return (UINT64_C(1) << cpu_count) - 1; }

struct task *sched_create_idle(uint32_t cpu)
{
    static struct task idle[CPUS_MAX];
    struct task *t = &idle[cpu];
    if (cpu > 0 && !(t->kernel_stack = kmalloc(KERNEL_STACK_BYTES)))
        return NULL;
    t->state = TASK_RUNNABLE;
    t->cpu = cpu;
    memcpy(t->name, "idle", 5);
    list_init(&t->in_queue);
    timer_init(&ticks[cpu], on_tick);
    return cpus[cpu].running = cpus[cpu].idle = t;
}

_Noreturn void sched_start_cpu(void)
{
    struct cpu *cpu = this_cpu();
    begin_running(cpu, cpu->idle);
    for (;;) {
        schedule();
        klock_release();
        sti_hlt(); /* an interrupt that came since is taken now and ends the HLT */
        cli();
        klock_acquire();
    }
}
