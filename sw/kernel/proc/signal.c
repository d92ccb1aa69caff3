/* SPDX-License-Identifier: Apache-2.0 */
/* Signals that are sent and wait to be taken: who gets them, who is woken, what is not even kept. One of each number
 * can be pending, for a task and for a process; realtime signals are not counted. */
#include "proc/process.h"

#define SIGNALS_SYNCHRONOUS                                                                                            \
    (SIGNAL_BIT(SIGSEGV) | SIGNAL_BIT(SIGBUS) | SIGNAL_BIT(SIGILL) | SIGNAL_BIT(SIGTRAP) | SIGNAL_BIT(SIGFPE))

bool signal_is_ignored(const struct process *p, int number)
{
    __sighandler_t handler = p->action[number].sa_handler;
    return handler == SIG_IGN || (handler == SIG_DFL && SIGNALS_IGNORED & SIGNAL_BIT(number));
}

/* t has something to look at. SIGKILL ends stops and sleeps that no other signal ends. */
static void notify(struct task *t)
{
    bool is_killed = t->pending & SIGNAL_BIT(SIGKILL);
    if (is_killed)
        task_continue(t);
    if (is_killed || t->state == TASK_SLEEPING)
        task_wake(t);
    task_kick(t);
}

void signal_send_threads(struct process *p, int number, const struct task *except)
{
    struct task *t;
    for (LIST_EACH(t, &p->threads, in_process)) {
        if (t == except || t->state == TASK_ZOMBIE)
            continue;
        t->pending |= SIGNAL_BIT(number);
        notify(t);
    }
}

void signal_retarget(struct process *p, uint64_t numbers, const struct task *except)
{
    struct task *t;
    for (LIST_EACH(t, &p->threads, in_process)) {
        if (t == except || (t->state != TASK_RUNNABLE && t->state != TASK_SLEEPING) || !(numbers & ~t->blocked))
            continue;
        notify(t);
        numbers &= t->blocked;
    }
}

void signal_send(struct task *t, int number, const siginfo_t *given, bool is_process)
{
    struct process *p = t->process;
    if (!p || p->is_dead || (!is_process && t->state == TASK_ZOMBIE))
        return;
    if (number == SIGKILL) {
        if (p != init_process || p == current->process) /* nobody else can end process 1: default_action() */
            signal_send_threads(p, SIGKILL, NULL);
        return;
    }
    job_prepare(p, number);
    /* One that is blocked is kept even if it is ignored: sigtimedwait() may want it. */
    uint64_t bit = SIGNAL_BIT(number), blocked = t->blocked | (t->has_saved_blocked ? t->saved_blocked : 0);
    if (!(blocked & bit) && signal_is_ignored(p, number))
        return;
    uint64_t *pending = is_process ? &p->pending : &t->pending;
    siginfo_t *info = is_process ? &p->info[number] : &t->info[number];
    if (!(*pending & bit)) {
        *info = given ? *given : (siginfo_t){.si_code = SI_KERNEL};
        info->si_signo = number;
    }
    *pending |= bit;
    if (is_process)
        signal_retarget(p, bit, NULL);
    else if (!(t->blocked & bit))
        notify(t);
}

void signal_send_process(struct process *p, int number, const siginfo_t *info)
{
    signal_send(p->leader, number, info, true);
}

int signal_send_group(int pgrp, int number, const siginfo_t *info)
{
    struct process *p;
    int result = -ESRCH;
    for (LIST_EACH(p, &process_list, all)) {
        if (pgrp == -1 ? p == init_process || p == current->process : p->pgrp != pgrp)
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
    notify(t);
}

static int take(uint64_t *pending, uint64_t numbers, const siginfo_t *infos, siginfo_t *info)
{
    uint64_t candidates = *pending & numbers, urgent = candidates & SIGNALS_SYNCHRONOUS;
    if (!candidates)
        return 0;
    int number = __builtin_ctzll(urgent ? urgent : candidates) + 1; /* a fault's frame must be that of the fault */
    *pending &= ~SIGNAL_BIT(number);
    *info = infos[number];
    info->si_signo = number; /* a SIGSTOP that a sibling passed on has no more than its bit */
    return number;
}

int signal_take(struct task *t, uint64_t numbers, siginfo_t *info)
{
    int number = take(&t->pending, numbers, t->info, info);
    return number ? number : take(&t->process->pending, numbers, t->process->info, info);
}

void signal_remove(struct process *p, uint64_t numbers)
{
    struct task *t;
    p->pending &= ~numbers;
    for (LIST_EACH(t, &p->threads, in_process))
        t->pending &= ~numbers;
}

void signal_set_blocked(struct task *t, uint64_t mask)
{
    uint64_t added = mask & ~t->blocked;
    t->blocked = mask & ~SIGNALS_UNBLOCKABLE;
    signal_retarget(t->process, t->process->pending & added, t);
}
