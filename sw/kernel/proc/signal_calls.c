/* SPDX-License-Identifier: Apache-2.0 */
/* System calls about signals, but for rt_sigreturn: signal_deliver.c. */
#include "arch/syscall.h"
#include "ipc/ipc.h"
#include "mm/mm.h"
#include "proc/process.h"
#include "sched/time.h"

static bool is_number(int number) { return number >= 1 && number <= SIGNALS; }

SYSCALL4(rt_sigaction, int, number, uint64_t, from, uint64_t, former, size_t, set_bytes)
{
    struct process *p = current->process;
    struct sigaction new, old;
    if (set_bytes != sizeof(sigset_t))
        return -EINVAL;
    if (from && GET_USER(new, from))
        return -EFAULT;
    if (!is_number(number) || (from && SIGNALS_UNBLOCKABLE & SIGNAL_BIT(number)))
        return -EINVAL;
    old = p->action[number];
    if (from) {
        new.sa_mask &= ~SIGNALS_UNBLOCKABLE;
        p->action[number] = new;
        if (signal_is_ignored(p, number))
            signal_remove(p, SIGNAL_BIT(number));
    }
    return former ? PUT_USER(former, old) : 0;
}

SYSCALL4(rt_sigprocmask, int, how, uint64_t, from, uint64_t, former, size_t, set_bytes)
{
    uint64_t set, old = current->blocked;
    if (set_bytes != sizeof set)
        return -EINVAL;
    if (from) {
        if (GET_USER(set, from))
            return -EFAULT;
        if (how != SIG_BLOCK && how != SIG_UNBLOCK && how != SIG_SETMASK)
            return -EINVAL;
        set = how == SIG_BLOCK ? old | set : how == SIG_UNBLOCK ? old & ~set : set;
        signal_set_blocked(current, set);
    }
    return former ? PUT_USER(former, old) : 0;
}

SYSCALL2(rt_sigpending, uint64_t, to, size_t, set_bytes)
{
    const struct task *t = current;
    uint64_t set = (t->pending | t->process->pending) & t->blocked;
    return set_bytes > sizeof set ? -EINVAL : copy_to_user(to, &set, set_bytes);
}

/* Sleeps until there is something to deliver; signal_deliver() makes -EINTR of the answer if a handler runs. */
SYSCALL2(rt_sigsuspend, uint64_t, from, size_t, set_bytes)
{
    int error = mask_begin(from, set_bytes);
    while (!error && task_sleep(NEVER) != -EINTR)
        ;
    return error ?: -ERESTARTNOHAND;
}

SYSCALL0(pause) { return do_rt_sigsuspend(0, 0); } /* without a mask */

SYSCALL4(rt_sigtimedwait, uint64_t, from, uint64_t, to, uint64_t, timeout, size_t, set_bytes)
{
    struct task *t = current;
    uint64_t set, deadline;
    siginfo_t info;
    if (set_bytes != sizeof set)
        return -EINVAL;
    if (GET_USER(set, from))
        return -EFAULT;
    int error = deadline_from_user(timeout, CLOCK_MONOTONIC, false, &deadline);
    if (error)
        return error;
    int number, result = 0;
    set &= ~SIGNALS_UNBLOCKABLE;
    t->saved_blocked = t->blocked; /* these are not ignored while we wait: signal_send() */
    t->has_saved_blocked = true;
    t->blocked &= ~set; /* they shall wake */
    while (!(number = signal_take(t, set, &info)) && !result)
        result = deadline > clock_now() ? task_sleep(deadline) : -EAGAIN;
    t->has_saved_blocked = false;
    signal_set_blocked(t, t->saved_blocked);
    if (!number)
        return result == -EINTR ? -EINTR : -EAGAIN;
    return to && PUT_USER(to, info) ? -EFAULT : number;
}

/* --- sending --- */

/* To a task of process pid, tid 0: to the process as a whole; info NULL: with that of kill() or tgkill(). */
static long send(int pid, int tid, int number, siginfo_t *info)
{
    siginfo_t own = {.si_code = tid ? SI_TKILL : SI_USER};
    struct task *t = task_find(tid ? tid : pid);
    own.si_pid = current->process->pid;
    if (number && !is_number(number))
        return -EINVAL;
    if (pid <= 0 && !tid)
        return signal_send_group(pid == -1 ? -1 : pid ? -pid : current->process->pgrp, number, &own);
    if (!t || !t->process || t->process->pid != pid)
        return -ESRCH;
    if (number)
        signal_send(t, number, info ? info : &own, !tid);
    return 0;
}

SYSCALL2(kill, int, pid, int, number) { return pid == INT32_MIN ? -ESRCH : send(pid, 0, number, NULL); }

SYSCALL3(tgkill, int, pid, int, tid, int, number)
{
    return pid <= 0 || tid <= 0 ? -EINVAL : send(pid, tid, number, NULL);
}

SYSCALL3(rt_sigqueueinfo, int, pid, int, number, uint64_t, from)
{
    siginfo_t info;
    if (GET_USER(info, from))
        return -EFAULT;
    /* Only to oneself may one pretend to be the kernel, kill() or tgkill(). */
    if ((info.si_code >= 0 || info.si_code == SI_TKILL) && pid != current->process->pid)
        return -EPERM;
    return pid <= 0 ? -ESRCH : send(pid, 0, number, &info);
}
