/* SPDX-License-Identifier: Apache-2.0 */
/* System calls about signals, but for rt_sigreturn: signal_frame.c. */
#include "arch/syscall.h"
#include "mm/mm.h"
#include "proc/signal.h"
#include "sched/time.h"

#define SA_KNOWN                                                                                                       \
    (SA_NOCLDSTOP | SA_NOCLDWAIT | SA_SIGINFO | SA_ONSTACK | SA_RESTART | SA_NODEFER | SA_RESETHAND |                  \
     SA_EXPOSE_TAGBITS | SA_RESTORER)

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
        new.sa_flags &= SA_KNOWN; /* so that a program can find out what is known */
        new.sa_mask &= ~SIGNALS_UNBLOCKABLE;
        p->action[number] = new;
        if (signal_is_ignored(p, number))
            signal_remove(p, SIGNAL_BIT(number));
    }
    return former ? PUT_USER(former, old) : 0;
}

SYSCALL4(rt_sigprocmask, int, how, uint64_t, from, uint64_t, former, size_t, set_bytes)
{
    struct task *t = current;
    uint64_t set, old = t->blocked;
    if (set_bytes != sizeof set)
        return -EINVAL;
    if (from) {
        if (GET_USER(set, from))
            return -EFAULT;
        switch (how) {
        case SIG_BLOCK: set |= old; break;
        case SIG_UNBLOCK: set = old & ~set; break;
        case SIG_SETMASK: break;
        default: return -EINVAL;
        }
        signal_set_blocked(t, set);
    }
    return former ? PUT_USER(former, old) : 0;
}

SYSCALL2(rt_sigpending, uint64_t, to, size_t, set_bytes)
{
    const struct task *t = current;
    uint64_t set = (t->pending | t->process->pending) & t->blocked;
    if (set_bytes > sizeof set)
        return -EINVAL;
    return copy_to_user(to, &set, set_bytes);
}

/* Sleeps until there is something to deliver; signal_deliver() makes -EINTR of the answer if a handler runs. */
static long wait_for_signal(void)
{
    while (task_sleep(NEVER) != -EINTR)
        ;
    return -ERESTARTNOHAND;
}

SYSCALL0(pause) { return wait_for_signal(); }

SYSCALL2(rt_sigsuspend, uint64_t, from, size_t, set_bytes)
{
    struct task *t = current;
    uint64_t set;
    if (set_bytes != sizeof set)
        return -EINVAL;
    if (GET_USER(set, from))
        return -EFAULT;
    t->saved_blocked = t->blocked;
    t->has_saved_blocked = true;
    signal_set_blocked(t, set);
    return wait_for_signal();
}

SYSCALL4(rt_sigtimedwait, uint64_t, from, uint64_t, to, uint64_t, timeout, size_t, set_bytes)
{
    struct task *t = current;
    uint64_t set, deadline;
    siginfo_t info;
    if (set_bytes != sizeof set)
        return -EINVAL;
    if (GET_USER(set, from))
        return -EFAULT;
    int error = deadline_from_user(timeout, &deadline);
    if (error)
        return error;
    set &= ~SIGNALS_UNBLOCKABLE;
    int number = signal_take(t, set, &info), result = 0;
    if (!number && deadline > clock_now()) {
        t->saved_blocked = t->blocked; /* these are not ignored while we wait: signal_post() */
        t->has_saved_blocked = true;
        t->blocked &= ~set; /* they shall wake */
        do
            result = task_sleep(deadline);
        while (!result);
        number = signal_take(t, set, &info);
        t->has_saved_blocked = false;
        signal_set_blocked(t, t->saved_blocked);
    }
    if (!number)
        return result == -EINTR ? -EINTR : -EAGAIN;
    return to && PUT_USER(to, info) ? -EFAULT : number;
}

bool signal_is_on_stack(const struct task *t, uint64_t sp, bool is_strict)
{
    const stack_t *s = &t->alternate_stack;
    uint64_t base = (uint64_t)s->ss_sp;
    return (is_strict || !(s->ss_flags & (int)SS_AUTODISARM)) && sp > base && sp - base <= s->ss_size;
}

int signal_set_stack(struct task *t, const stack_t *new, uint64_t sp)
{
    unsigned flags = (unsigned)new->ss_flags, mode = flags & ~SS_AUTODISARM;
    if (signal_is_on_stack(t, sp, false))
        return -EPERM;
    if (mode != SS_DISABLE && mode != SS_ONSTACK && mode != 0)
        return -EINVAL;
    if (mode != SS_DISABLE && new->ss_size < MINSIGSTKSZ)
        return -ENOMEM;
    t->alternate_stack = *new;
    if (mode == SS_DISABLE) {
        t->alternate_stack.ss_sp = NULL;
        t->alternate_stack.ss_size = 0;
    }
    return 0;
}

SYSCALL2(sigaltstack, uint64_t, from, uint64_t, former)
{
    struct task *t = current;
    uint64_t sp = t->frame->rsp;
    const stack_t *s = &t->alternate_stack;
    stack_t new, old;
    if (from && GET_USER(new, from))
        return -EFAULT;
    int state = !s->ss_size ? SS_DISABLE : signal_is_on_stack(t, sp, false) ? SS_ONSTACK : 0;
    __builtin_memset(&old, 0, sizeof old); /* the padding goes to the user */
    old.ss_sp = s->ss_sp;
    old.ss_size = s->ss_size;
    old.ss_flags = state | (s->ss_flags & (int)SS_AUTODISARM);
    int error = from ? signal_set_stack(t, &new, sp) : 0;
    return error ? error : former ? PUT_USER(former, old) : 0;
}

/* --- sending --- */

static siginfo_t sender_info(int code)
{
    siginfo_t info = {.si_code = code};
    info.si_pid = current->process->pid;
    info.si_uid = current->process->uid;
    return info;
}

static bool may_signal(const struct process *p, int number)
{
    const struct process *self = current->process;
    return !self->uid || self->uid == p->uid || (number == SIGCONT && self->session == p->session);
}

static long send_to(struct task *t, int number, const siginfo_t *info, bool is_process)
{
    if (number && !is_number(number))
        return -EINVAL;
    if (!may_signal(t->process, number))
        return -EPERM;
    return number ? signal_post(t, number, info, is_process) : 0;
}

/* Every process that `pgrp` (0: all but process 1 and the caller's own) selects. */
static long kill_many(int pgrp, int number, const siginfo_t *info)
{
    struct process *p;
    long result = -ESRCH;
    LIST_FOR_EACH(p, &process_list, all)
    {
        if (pgrp ? p->pgrp != pgrp : p == init_process || p == current->process)
            continue;
        long one = send_to(p->leader, number, info, true);
        result = result == 0 ? 0 : one;
    }
    return result;
}

SYSCALL2(kill, int, pid, int, number)
{
    siginfo_t info = sender_info(SI_USER);
    if (pid > 0) {
        struct process *p = process_find(pid);
        return p ? send_to(p->leader, number, &info, true) : -ESRCH;
    }
    if (pid == INT32_MIN)
        return -ESRCH;
    if (pid == -1)
        return kill_many(0, number, &info);
    int pgrp = pid ? -pid : current->process->pgrp;
    return pgrp ? kill_many(pgrp, number, &info) : -ESRCH;
}

static long kill_thread(int pid, int tid, int number)
{
    siginfo_t info = sender_info(SI_TKILL);
    struct task *t = task_find(tid);
    if (!t || !t->process || (pid && t->process->pid != pid))
        return -ESRCH;
    return send_to(t, number, &info, false);
}

SYSCALL2(tkill, int, tid, int, number) { return tid > 0 ? kill_thread(0, tid, number) : -EINVAL; }

SYSCALL3(tgkill, int, pid, int, tid, int, number)
{
    return pid > 0 && tid > 0 ? kill_thread(pid, tid, number) : -EINVAL;
}

SYSCALL3(rt_sigqueueinfo, int, pid, int, number, uint64_t, from)
{
    siginfo_t info;
    if (GET_USER(info, from))
        return -EFAULT;
    /* Only to oneself may one pretend to be the kernel, kill() or tgkill(). */
    if ((info.si_code >= 0 || info.si_code == SI_TKILL) && pid != current->tid)
        return -EPERM;
    struct process *p = process_find(pid);
    return p ? send_to(p->leader, number, &info, true) : -ESRCH;
}
