/* SPDX-License-Identifier: Apache-2.0 */
/* IORING_SETUP_SQPOLL: a kernel thread for the ring that looks at the submission queue, so that its user need not enter
 * the kernel. After some time without work it says so (IORING_SQ_NEED_WAKEUP) and sleeps. It acts for the process that
 * made the ring, and ends before that process gives up its address space, or with the ring. While it looks it gives up
 * the kernel lock and lets interrupts in. */
#include "uring/uring.h"

#include "arch/cpu.h"
#include "arch/insn.h"
#include "mm/mm.h"
#include "proc/process.h"

enum {
    IDLE_DEFAULT_MS = 1000,
    LOOKS = 64, /* without the lock, at a stretch */
    PAUSE_NS = 1000000
};

struct submitter {
    struct uring *ring; /* a reference */
    struct task *task;
    uint64_t idle_ns;
    bool must_stop;
    struct task *waits_for_end;
};

static bool has_work(const struct submitter *s)
{
    const volatile bool *must_stop = &s->must_stop;
    return uring_sq_pending(s->ring) || *must_stop || (s->task->uring && !list_is_empty(&s->task->uring->ready));
}

static void look_without_lock(const struct submitter *s)
{
    const volatile bool *need_resched = &s->task->need_resched;
    klock_release();
    sti();
    for (unsigned i = 0; i < LOOKS && !has_work(s) && !*need_resched; i++)
        cpu_pause();
    cli();
    klock_acquire();
    if (s->task->need_resched)
        schedule();
}

static void set_flag(struct uring *r, uint32_t flag, bool on)
{
    if (on)
        __atomic_fetch_or(&r->header->sq_flags, flag, __ATOMIC_SEQ_CST); /* before the last look at the tail */
    else
        __atomic_fetch_and(&r->header->sq_flags, ~flag, __ATOMIC_SEQ_CST);
}

static void sleep_until_called(struct submitter *s)
{
    set_flag(s->ring, IORING_SQ_NEED_WAKEUP, true);
    if (!has_work(s))
        (void)task_sleep(NEVER);
    set_flag(s->ring, IORING_SQ_NEED_WAKEUP, false);
}

static void submitter_main(void *argument)
{
    struct submitter *s = argument;
    struct uring *r = s->ring;
    struct task *self = current;
    uint64_t busy_until = clock_now() + s->idle_ns;
    struct uring_task *own = uring_task_of_current();
    if (own)
        own->runs_ready = true;
    while (!s->must_stop && !self->process->group_exiting && own) {
        bool had_ready = !list_is_empty(&own->ready);
        uring_run_ready(own);
        long n = r->is_disabled ? 0 : uring_submit(r, UINT32_MAX);
        uring_flush_overflow(r);
        if (n > 0 || had_ready)
            busy_until = clock_now() + s->idle_ns;
        uring_breathe();
        if (r->is_disabled || n < 0) /* nothing can be submitted, though there may be something */
            (void)task_sleep(n < 0 ? clock_now() + PAUSE_NS : NEVER);
        else if (clock_now() < busy_until)
            look_without_lock(s);
        else
            sleep_until_called(s);
    }
    s->must_stop = true;
    set_flag(r, IORING_SQ_NEED_WAKEUP, true); /* whoever calls is told */
    wake_all(&r->space);
    uring_task_exit(self);
    self->mm = NULL;
    mm_activate(NULL);
    task_release_parts(self);
    r->submitter = NULL;
    uring_put(r);
    uring_counts.submitters--;
    if (s->waits_for_end)
        task_wake(s->waits_for_end);
    kfree(s);
}

int submitter_start(struct uring *r, const struct io_uring_params *p)
{
    struct submitter *s = kzalloc(sizeof *s);
    struct task *owner = current, *t = s ? kernel_thread("iou-sqp", owner->process->pid, submitter_main, s) : NULL;
    if (!t) {
        kfree(s);
        return -ENOMEM;
    }
    uint32_t ms = p->sq_thread_idle ? p->sq_thread_idle : IDLE_DEFAULT_MS;
    *s = (struct submitter){.ring = uring_get(r), .task = t, .idle_ns = ms * UINT64_C(1000000)};
    r->submitter = s;
    if (p->flags & IORING_SETUP_SQ_AFF)
        t->affinity = UINT64_C(1) << p->sq_thread_cpu;
    t->process = owner->process; /* which stops it before it gives these up */
    t->mm = owner->mm;
    t->files = files_get(owner->files);
    uring_counts.submitters++;
    task_start(t);
    return 0;
}

void submitter_stop(struct uring *r)
{
    if (!r->submitter)
        return;
    r->submitter->must_stop = true;
    task_wake(r->submitter->task);
}

void submitter_stop_process(struct process *p)
{
    struct uring *r = NULL;
    do {
        struct list *n = uring_all.next;
        for (r = NULL; !r && n != &uring_all; n = n->next) {
            struct uring *each = LIST_ITEM(n, struct uring, all);
            r = each->submitter && each->submitter->task->process == p ? each : NULL;
        }
        if (r) {
            r->submitter->waits_for_end = current;
            submitter_stop(r);
            current->state = TASK_DEEP;
            schedule();
        }
    } while (r);
}

void submitter_wake(struct uring *r)
{
    if (r->submitter)
        task_wake(r->submitter->task);
}

bool submitter_is_gone(const struct uring *r)
{
    return r->flags & IORING_SETUP_SQPOLL && (!r->submitter || r->submitter->must_stop);
}
