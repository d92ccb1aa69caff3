/* SPDX-License-Identifier: Apache-2.0 */
/* Job control: stopping and continuing processes, and groups that nobody is left to continue. */
#include "proc/signal.h"

void job_tell_parent(const struct process *p, int code, int status)
{
    struct process *parent = p->parent;
    siginfo_t info = {.si_code = code};
    if (!parent)
        return;
    info.si_pid = p->pid;
    info.si_status = status;
    if (p->is_dead || !(parent->action[SIGCHLD].sa_flags & SA_NOCLDSTOP))
        signal_send_process(parent, SIGCHLD, &info);
    wake_all(&parent->child_event);
}

void job_prepare(struct process *p, int number)
{
    struct task *t;
    if (SIGNALS_STOP & SIGNAL_BIT(number))
        signal_remove(p, SIGNAL_BIT(SIGCONT));
    if (number != SIGCONT)
        return;
    signal_remove(p, SIGNALS_STOP);
    if (!p->is_stopped)
        return;
    p->is_stopped = false;
    p->job_status = STATUS_CONTINUED;
    LIST_FOR_EACH(t, &p->threads, in_process) { task_continue(t); }
    job_tell_parent(p, CLD_CONTINUED, SIGCONT);
}

/* The other threads learn of it by a SIGSTOP of their own, which ends their sleep as any signal does. */
static void begin_stop(struct process *p, int number)
{
    struct task *t;
    p->is_stopped = true;
    p->job_status = number << 8 | STATUS_STOPPED;
    LIST_FOR_EACH(t, &p->threads, in_process)
    {
        if (t == current || t->state == TASK_ZOMBIE)
            continue;
        t->pending |= SIGNAL_BIT(SIGSTOP);
        signal_notify(t);
    }
    job_tell_parent(p, CLD_STOPPED, number);
}

void job_stop(int number)
{
    struct task *t = current;
    struct process *p = t->process;
    if (!p->is_stopped) {
        if (p == init_process || (number != SIGSTOP && job_is_orphaned(p->pgrp)))
            return;
        begin_stop(p, number);
    }
    while (p->is_stopped && !(t->pending & SIGNAL_BIT(SIGKILL))) {
        t->state = TASK_STOPPED;
        schedule();
    }
}

bool job_is_orphaned(int pgrp)
{
    struct process *p;
    LIST_FOR_EACH(p, &process_list, all)
    {
        const struct process *parent = p->parent;
        if (p->pgrp == pgrp && !p->is_dead && parent && parent != init_process && parent->pgrp != pgrp &&
            parent->session == p->session)
            return false;
    }
    return true;
}
