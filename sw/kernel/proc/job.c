/* SPDX-License-Identifier: Apache-2.0 */
/* Job control: stopping and continuing processes, and groups that nobody is left to continue. */
#include "proc/signal.h"
#include "sched/time.h"

siginfo_t job_child_info(const struct process *p, int code, int status)
{
    enum { TICK_NS = NS_PER_SECOND / 100 };
    uint64_t user, system;
    process_times(p, &user, &system);
    siginfo_t info = {.si_signo = SIGCHLD, .si_code = code};
    info.si_pid = p->pid;
    info.si_uid = p->uid;
    info.si_status = status;
    info.si_utime = (long)(user / TICK_NS);
    info.si_stime = (long)(system / TICK_NS);
    return info;
}

static void tell_parent(struct process *p, int code, int status)
{
    struct process *parent = p->parent;
    if (!parent)
        return;
    siginfo_t info = job_child_info(p, code, status);
    if (!(parent->action[SIGCHLD].sa_flags & SA_NOCLDSTOP))
        signal_send_process(parent, SIGCHLD, &info);
    wake_all(&parent->child_event);
}

static void continue_process(struct process *p)
{
    struct task *t;
    p->is_stopped = false;
    p->continue_reported = false;
    LIST_FOR_EACH(t, &p->threads, in_process) { task_continue(t); }
    tell_parent(p, CLD_CONTINUED, SIGCONT);
}

void job_prepare(struct process *p, int number)
{
    if (SIGNALS_STOP & SIGNAL_BIT(number))
        signal_remove(p, SIGNAL_BIT(SIGCONT));
    if (number != SIGCONT)
        return;
    signal_remove(p, SIGNALS_STOP);
    if (p->is_stopped)
        continue_process(p);
}

/* The other threads learn of it by a SIGSTOP of their own, which ends their sleep as any signal does. */
static void stop_threads(struct process *p)
{
    struct task *t;
    LIST_FOR_EACH(t, &p->threads, in_process)
    {
        if (t == current || t->state == TASK_ZOMBIE)
            continue;
        t->pending |= SIGNAL_BIT(SIGSTOP);
        signal_notify(t);
    }
}

void job_stop(int number)
{
    struct task *t = current;
    struct process *p = t->process;
    if (!p->is_stopped) {
        if (p == init_process || (number != SIGSTOP && job_is_orphaned(p->pgrp, NULL)))
            return;
        p->is_stopped = true;
        p->stop_reported = false;
        p->stop_signal = number;
        stop_threads(p);
        tell_parent(p, CLD_STOPPED, number);
    }
    while (p->is_stopped && !(t->pending & SIGNAL_BIT(SIGKILL))) {
        t->state = TASK_STOPPED;
        schedule();
    }
}

bool job_is_orphaned(int pgrp, const struct process *without)
{
    struct process *p;
    LIST_FOR_EACH(p, &process_list, all)
    {
        const struct process *parent = p->parent;
        if (p->pgrp == pgrp && p != without && !p->is_dead && parent && parent != init_process &&
            parent->pgrp != pgrp && parent->session == p->session)
            return false;
    }
    return true;
}

static bool has_stopped_member(int pgrp)
{
    struct process *p;
    LIST_FOR_EACH(p, &process_list, all)
    {
        if (p->pgrp == pgrp && p->is_stopped)
            return true;
    }
    return false;
}

void job_unlink(const struct process *parent, const struct process *child, const struct process *without)
{
    if (!parent || parent->pgrp == child->pgrp || parent->session != child->session ||
        !has_stopped_member(child->pgrp) || !job_is_orphaned(child->pgrp, without))
        return;
    signal_send_group(child->pgrp, SIGHUP, NULL);
    signal_send_group(child->pgrp, SIGCONT, NULL);
}
