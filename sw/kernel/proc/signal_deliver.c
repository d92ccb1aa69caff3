/* SPDX-License-Identifier: Apache-2.0 */
/* Taking signals on the way to user mode: default actions, handlers, and what becomes of the interrupted call. */
#include "arch/syscall.h"
#include "proc/signal.h"
#include <asm/unistd_64.h>

static bool has_left_call(const struct frame *f) { return f->vector == FRAME_SYSCALL && f->error != UINT64_MAX; }

static bool is_interrupted_call(const struct frame *f)
{
    if (!has_left_call(f))
        return false;
    int64_t answer = (int64_t)f->rax;
    return answer == -ERESTARTSYS || answer == -ERESTARTNOHAND || answer == -ERESTART_RESTARTBLOCK;
}

bool signal_has_work(const struct task *t, const struct frame *f)
{
    return task_has_signal(t) || t->has_saved_blocked || is_interrupted_call(f);
}

/* Once for each call, with the first handler that runs, or NULL if none does. A second try begins at the SYSCALL
 * instruction, two bytes long, with the number in RAX that it had. */
static void answer_interrupted(struct frame *f, const struct sigaction *handler)
{
    if (!is_interrupted_call(f))
        return;
    int64_t answer = (int64_t)f->rax;
    bool again = !handler || (answer == -ERESTARTSYS && handler->sa_flags & SA_RESTART);
    if (again) {
        f->rax = answer == -ERESTART_RESTARTBLOCK ? __NR_restart_syscall : f->error;
        f->rip -= 2;
    } else {
        f->rax = (uint64_t)-EINTR;
    }
    f->error = UINT64_MAX;
}

static void default_action(const siginfo_t *info)
{
    const struct process *p = current->process;
    int number = info->si_signo;
    bool is_foreign = info->si_code <= 0 && info->si_pid != p->pid;
    if (SIGNALS_IGNORED & SIGNAL_BIT(number) || (p == init_process && is_foreign)) /* was blocked when it was sent */
        return;
    if (!(SIGNALS_STOP & SIGNAL_BIT(number)))
        process_exit(number);
    job_stop(number);
}

static void enter_handler(struct frame *f, const siginfo_t *info)
{
    struct task *t = current;
    int number = info->si_signo;
    struct sigaction action = t->process->action[number];
    if (action.sa_flags & SA_RESETHAND)
        t->process->action[number].sa_handler = SIG_DFL;
    answer_interrupted(f, &action);
    if (signal_frame_push(f, info, &action)) {
        if (number == SIGSEGV)
            process_exit(SIGSEGV);
        signal_fault(t, SIGSEGV, SI_KERNEL, 0);
        return;
    }
    f->error = UINT64_MAX; /* RAX is the handler's now */
    t->has_saved_blocked = false;
    uint64_t own = action.sa_flags & SA_NODEFER ? 0 : SIGNAL_BIT(number);
    signal_set_blocked(t, t->blocked | action.sa_mask | own);
}

void signal_deliver(struct frame *f)
{
    struct task *t = current;
    struct process *p = t->process;
    siginfo_t info;
    int number;
    for (;;) {
        if (p->group_exiting || (t->pending | p->pending) & SIGNAL_BIT(SIGKILL))
            process_exit(SIGKILL);
        number = signal_take(t, ~t->blocked | SIGNALS_UNBLOCKABLE, &info);
        if (!number)
            break;
        __sighandler_t handler = p->action[number].sa_handler;
        if (handler == SIG_DFL)
            default_action(&info);
        else if (handler != SIG_IGN)
            enter_handler(f, &info);
    }
    answer_interrupted(f, NULL);
    if (t->has_saved_blocked) { /* may uncover further signals: the caller looks again */
        t->has_saved_blocked = false;
        signal_set_blocked(t, t->saved_blocked);
    }
}
