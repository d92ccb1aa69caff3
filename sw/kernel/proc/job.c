/* SPDX-License-Identifier: Apache-2.0 */
/* Who processes are, their groups and sessions, and job control: stopping and continuing. */
#include "arch/syscall.h"
#include "proc/process.h"

static struct process *process_or_self(int pid) { return pid ? process_find(pid) : current->process; }

SYSCALL0(gettid) { return current->tid; }
SYSCALL0(getpid) { return current->process->pid; }
SYSCALL0(getppid) { return current->process->parent ? current->process->parent->pid : 0; }
SYSCALL0(getpgrp) { return current->process->pgrp; }
SYSCALL1(getpgid, int, pid) { return process_or_self(pid) ? process_or_self(pid)->pgrp : -ESRCH; }
SYSCALL1(getsid, int, pid) { return process_or_self(pid) ? process_or_self(pid)->session : -ESRCH; }

/* Of some member of the group; 0: there is no such group. */
static int session_of(int pgrp)
{
    const struct process *p;
    for (LIST_EACH(p, &process_list, all))
        if (p->pgrp == pgrp)
            return p->session;
    return 0;
}

SYSCALL2(setpgid, int, pid, int, pgrp)
{
    struct process *self = current->process, *p = process_or_self(pid);
    if (pgrp < 0)
        return -EINVAL;
    if (!p || (p != self && p->parent != self))
        return -ESRCH;
    if (!pgrp)
        pgrp = p->pid;
    if (p->is_session_leader || p->session != self->session || (pgrp != p->pid && session_of(pgrp) != self->session))
        return -EPERM;
    p->pgrp = pgrp;
    return 0;
}

SYSCALL0(setsid)
{
    struct process *p = current->process;
    if (p->is_session_leader || session_of(p->pid))
        return -EPERM;
    p->session = p->pgrp = p->pid;
    p->is_session_leader = true;
    p->tty = NULL;
    return p->pid;
}

/* --- stopping and continuing --- */

void job_tell_parent(const struct process *p, int code, int status)
{
    struct process *parent = p->parent;
    siginfo_t info = {.si_code = code};
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
    for (LIST_EACH(t, &p->threads, in_process))
        task_continue(t);
    job_tell_parent(p, CLD_CONTINUED, SIGCONT);
}

void job_stop(int number)
{
    struct task *t = current;
    struct process *p = t->process;
    if (!p->is_stopped) {
        if (p == init_process || (number != SIGSTOP && job_is_orphaned(p->pgrp)))
            return;
        p->is_stopped = true;
        p->job_status = number << 8 | STATUS_STOPPED;
        signal_send_threads(p, SIGSTOP, t);
        job_tell_parent(p, CLD_STOPPED, number);
    }
    while (p->is_stopped && !(t->pending & SIGNAL_BIT(SIGKILL))) {
        t->state = TASK_STOPPED;
        schedule();
    }
}

bool job_is_orphaned(int pgrp)
{
    struct process *p;
    for (LIST_EACH(p, &process_list, all)) {
        const struct process *parent = p->parent;
        if (p->pgrp == pgrp && !p->is_dead && parent && parent != init_process && parent->pgrp != pgrp &&
            parent->session == p->session)
            return false;
    }
    return true;
}
