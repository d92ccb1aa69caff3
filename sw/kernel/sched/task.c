/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of tasks and processes. Numbers come from one counter: a process has that of its first task. */
#include "sched/task.h"
#include "arch/cpu.h"
#include "mm/mm.h"
#include "proc/process.h"
#include "string.h"

enum { TIDS_MAX = 32768 };

extern char first_run[]; /* arch/entry.S */

struct list process_list = {&process_list, &process_list};
struct process *init_process;
static struct task *tasks[TIDS_MAX];
static int last_tid;

static int new_tid(void)
{
    for (int i = 0; i < TIDS_MAX; i++) {
        last_tid = last_tid + 1 < TIDS_MAX ? last_tid + 1 : 1;
        if (!tasks[last_tid])
            return last_tid;
    }
    return 0;
}

struct task *task_create(struct process *process, const char *name)
{
    struct task *t = kzalloc(sizeof *t);
    uint8_t *stack = kmalloc(KERNEL_STACK_BYTES);
    int tid = new_tid();
    if (!t || !stack || !tid) {
        kfree(stack);
        kfree(t);
        return NULL;
    }
    t->kernel_stack = stack;
    t->tid = tid;
    t->state = TASK_SLEEPING;
    t->process = process;
    t->affinity = ~UINT64_C(0);
    t->account_ns = clock_now();
    memcpy(t->name, name, MIN(strlen(name), sizeof t->name - 1));
    list_init(&t->in_queue);
    list_init(&t->in_process);
    timer_init(&t->sleep_timer, NULL);
    tasks[tid] = t;
    return t;
}

void task_free(struct task *t)
{
    timer_stop(&t->sleep_timer);
    if (t->tid)
        tasks[t->tid] = NULL;
    kfree(t->fpu);
    kfree(t->kernel_stack);
    kfree(t);
}

struct task *task_find(int tid) { return tid > 0 && tid < TIDS_MAX ? tasks[tid] : NULL; }

struct process *process_create(struct process *parent)
{
    struct process *p = kzalloc(sizeof *p);
    if (!p)
        return NULL;
    list_init(&p->children);
    list_init(&p->sibling);
    list_init(&p->threads);
    wait_queue_init(&p->child_event);
    timer_init(&p->alarm, NULL);
    p->parent = parent;
    p->started_ns = clock_now();
    list_append(&process_list, &p->all);
    if (parent)
        list_append(&parent->children, &p->sibling);
    return p;
}

/* A process has the number of its first task, which stays as long as it does. */
struct process *process_find(int pid)
{
    const struct task *t = task_find(pid);
    return t && t->process && t->process->pid == pid ? t->process : NULL;
}

void process_free(struct process *p)
{
    timer_stop(&p->alarm);
    list_remove(&p->all);
    list_remove(&p->sibling);
    kfree(p);
}

void task_exchange_tids(struct task *a, struct task *b)
{
    int tid = a->tid;
    a->tid = b->tid;
    b->tid = tid;
    tasks[a->tid] = a;
    tasks[b->tid] = b;
}

bool task_has_signal(const struct task *t)
{
    if (!t->process)
        return false;
    uint64_t pending = t->pending | t->process->pending;
    return pending & (~t->blocked | SIGNAL_BIT(SIGKILL)) || t->process->group_exiting;
}

/* What switch_to() pops: six registers, then the address to return to. */
void task_prepare_first_run(struct task *child)
{
    uint64_t *sp = (uint64_t *)child->frame - 7;
    memset(sp, 0, 6 * sizeof *sp);
    sp[6] = (uint64_t)first_run;
    child->kernel_rsp = (uint64_t)sp;
}
