/* SPDX-License-Identifier: Apache-2.0 */
/* Sending signals: who gets them, who is woken, what is not even queued. Taking them is signal_deliver.c's. */
#include "proc/signal.h"

bool signal_is_ignored(struct process *p, int number)
{
    __sighandler_t handler = p->action[number].sa_handler;
    return handler == SIG_IGN || (handler == SIG_DFL && SIGNALS_IGNORED & SIGNAL_BIT(number));
}

/* Nobody else can end process 1 by what it did not ask for. Linux spares it from its own signals too; here it may be
 * the only program, and its abort() and alarm() shall work. */
static bool is_protected(const struct process *p, const siginfo_t *info)
{
    bool is_own = current->process == p || (info->si_signo == SIGALRM && info->si_code == SI_KERNEL);
    return p == init_process && p->action[info->si_signo].sa_handler == SIG_DFL && !is_own;
}

void signal_notify(struct task *t)
{
    if (t->state == TASK_SLEEPING)
        task_wake(t);
    else
        task_kick(t);
}

static bool takes_now(const struct task *t, int number)
{
    return !(t->blocked & SIGNAL_BIT(number)) && (t->state == TASK_RUNNABLE || t->state == TASK_SLEEPING);
}

/* If nobody takes it now, it waits for the first thread that goes to user mode or unblocks it. */
static void notify_any(struct process *p, struct task *first, int number)
{
    struct task *t;
    if (takes_now(first, number)) {
        signal_notify(first);
        return;
    }
    LIST_FOR_EACH(t, &p->threads, in_process)
    {
        if (takes_now(t, number)) {
            signal_notify(t);
            return;
        }
    }
}

void signal_kill_threads(struct process *p, const struct task *except)
{
    struct task *t;
    LIST_FOR_EACH(t, &p->threads, in_process)
    {
        if (t == except || t->state == TASK_ZOMBIE)
            continue;
        t->pending |= SIGNAL_BIT(SIGKILL);
        if (t->state == TASK_STOPPED)
            task_continue(t);
        else if (!task_wake(t))
            task_kick(t);
    }
}

void signal_retarget(struct process *p, const struct task *self)
{
    struct task *t;
    LIST_FOR_EACH(t, &p->threads, in_process)
    {
        if (t != self && p->pending & ~t->blocked)
            signal_notify(t);
    }
}

int signal_post(struct task *t, int number, const siginfo_t *given, bool is_process)
{
    struct process *p = t->process;
    siginfo_t info = {.si_code = SI_KERNEL};
    if (given)
        info = *given;
    info.si_signo = number;
    if (!p || p->is_dead || (!is_process && t->state == TASK_ZOMBIE))
        return 0;
    if (number == SIGKILL && !is_protected(p, &info)) {
        signal_kill_threads(p, NULL);
        return 0;
    }
    job_prepare(p, number);
    /* One that is blocked is kept even if it is ignored: sigtimedwait() may want it. */
    uint64_t blocked = t->blocked | (t->has_saved_blocked ? t->saved_blocked : 0);
    bool is_unwanted = signal_is_ignored(p, number) || is_protected(p, &info);
    if (p->group_exiting || (!(blocked & SIGNAL_BIT(number)) && is_unwanted))
        return 0;
    int error = pending_add(is_process ? pending_of_process(p) : pending_of_task(t), &info);
    if (error)
        return error;
    if (is_process)
        notify_any(p, t, number);
    else if (takes_now(t, number))
        signal_notify(t);
    return 0;
}

void signal_send(struct task *t, int number, const siginfo_t *info, bool is_process)
{
    (void)signal_post(t, number, info, is_process);
}

void signal_send_process(struct process *p, int number, const siginfo_t *info)
{
    if (p->leader)
        (void)signal_post(p->leader, number, info, true);
}

int signal_send_group(int pgrp, int number, const siginfo_t *info)
{
    struct process *p;
    int result = -ESRCH;
    LIST_FOR_EACH(p, &process_list, all)
    {
        if (p->pgrp != pgrp)
            continue;
        result = 0;
        if (number)
            signal_send_process(p, number, info);
    }
    return result;
}

void signal_fault(struct task *t, int number, int code, uint64_t address)
{
    struct sigaction *action = &t->process->action[number];
    if (t->blocked & SIGNAL_BIT(number) || action->sa_handler == SIG_IGN) {
        action->sa_handler = SIG_DFL;
        t->blocked &= ~SIGNAL_BIT(number);
    }
    /* The fault's information goes before that of one that was sent and not yet taken. */
    t->info[number] = (siginfo_t){.si_signo = number, .si_code = code, .si_addr = (void *)address};
    t->pending |= SIGNAL_BIT(number);
    signal_notify(t);
}

void signal_reset_actions(struct process *p)
{
    for (int number = 1; number <= SIGNALS; number++) {
        __sighandler_t kept = p->action[number].sa_handler == SIG_IGN ? SIG_IGN : SIG_DFL;
        p->action[number] = (struct sigaction){.sa_handler = kept};
    }
}

void signal_set_blocked(struct task *t, uint64_t mask)
{
    uint64_t added = mask & ~t->blocked;
    t->blocked = mask & ~SIGNALS_UNBLOCKABLE;
    if (t->process->pending & added)
        signal_retarget(t->process, t);
}
