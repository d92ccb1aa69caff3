/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting for children, and the CPU time that tasks and processes have used. */
#include "arch/syscall.h"
#include "mm/mm.h"
#include "proc/signal.h"
#include "sched/time.h"
#include "string.h"
#include <linux/resource.h>
#include <linux/wait.h>

void task_times(const struct task *t, uint64_t *user_ns, uint64_t *system_ns)
{
    uint64_t running_ns = t->on_cpu ? clock_now() - t->account_ns : 0; /* only one task is in the kernel: we */
    *user_ns = t->user_ns + (t == current ? 0 : running_ns);
    *system_ns = t->system_ns + (t == current ? running_ns : 0);
}

void process_times(const struct process *p, uint64_t *user_ns, uint64_t *system_ns)
{
    struct task *t;
    *user_ns = p->dead_user_ns;
    *system_ns = p->dead_system_ns;
    LIST_FOR_EACH(t, &p->threads, in_process)
    {
        uint64_t user, system;
        task_times(t, &user, &system);
        *user_ns += user;
        *system_ns += system;
    }
}

/* A dead child is done with: what it used is its parent's children's. */
static int reap(struct process *child, struct rusage *usage)
{
    struct process *parent = child->parent;
    uint64_t user, system;
    int pid = child->pid;
    process_times(child, &user, &system);
    user += child->children_user_ns;
    system += child->children_system_ns;
    *usage = (struct rusage){.ru_utime = timeval_of(user), .ru_stime = timeval_of(system)};
    parent->children_user_ns += user;
    parent->children_system_ns += system;
    process_release(child);
    return pid;
}

/* The pid of the child if it has something to tell, which it does once. */
static int ask(struct process *child, uint32_t options, int *status, struct rusage *usage)
{
    *status = child->is_dead ? child->exit_status : child->job_status;
    if (child->is_dead)
        return reap(child, usage);
    if (!*status || !(options & (*status == STATUS_CONTINUED ? WCONTINUED : WUNTRACED)))
        return 0;
    child->job_status = 0;
    return child->pid;
}

static bool is_meant(int id, const struct process *child)
{
    return id == -1 || id == child->pid || -id == child->pgrp || (!id && child->pgrp == current->process->pgrp);
}

/* As wait4() answers; 0: no child has something to tell (WNOHANG). */
static long wait_for(int id, uint32_t options, int *status, struct rusage *usage)
{
    struct process *self = current->process, *child;
    struct waiter w;
    for (bool is_interrupted = false;;) {
        bool exists = false;
        LIST_FOR_EACH(child, &self->children, sibling)
        {
            if (!is_meant(id, child))
                continue;
            exists = true;
            int pid = ask(child, options, status, usage);
            if (pid)
                return pid;
        }
        if (!exists)
            return -ECHILD;
        if (options & WNOHANG)
            return 0;
        if (is_interrupted)
            return -ERESTARTSYS;
        wait_begin(&self->child_event, &w);
        is_interrupted = task_sleep(NEVER) == -EINTR;
        wait_end(&w);
    }
}

SYSCALL4(wait4, int, id, uint64_t, status_to, uint32_t, options, uint64_t, usage_to)
{
    struct rusage usage;
    int status;
    memset(&usage, 0, sizeof usage);
    if (options & ~(WNOHANG | WUNTRACED | WCONTINUED | __WALL))
        return -EINVAL;
    if (id == INT32_MIN)
        return -ESRCH;
    long pid = wait_for(id, options, &status, &usage);
    if (pid > 0 && ((status_to && PUT_USER(status_to, status)) || (usage_to && PUT_USER(usage_to, usage))))
        return -EFAULT;
    return pid;
}
