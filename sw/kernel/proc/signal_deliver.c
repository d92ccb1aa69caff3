/* SPDX-License-Identifier: Apache-2.0 */
/* Taking signals on the way to user mode: default actions, what becomes of the interrupted call, the frame of a handler
 * on the user's stack, and the way back. The layout is Linux's struct rt_sigframe:
 *
 *     fpstate    extended state, aligned to 64
 *     info       siginfo_t
 *     context    struct ucontext
 *     RSP ->     address of the restorer, as if it had called the handler: RSP is 8 modulo 16 */
#include "arch/control.h"
#include "arch/cpu.h"
#include "arch/syscall.h"
#include "mm/mm.h"
#include "proc/process.h"
#include "string.h"
#include <asm/sigcontext.h>
#include <asm/ucontext.h>
#include <asm/unistd_64.h>
#include <linux/signal.h>

#define UC_FLAGS (UC_FP_XSTATE | UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS)
#define RFLAGS_RESTORED (RFLAGS_STATUS_MASK | RFLAGS_TF | RFLAGS_DF | RFLAGS_RF | RFLAGS_AC)

enum { RED_ZONE_BYTES = 128, FPSTATE_ALIGNMENT = 64 };

struct signal_frame {
    uint64_t return_address;
    struct ucontext context;
    siginfo_t info;
};
_Static_assert(sizeof(struct signal_frame) == 440 && offsetof(struct signal_frame, info) == 312, "Linux's layout");

static void save_registers(struct sigcontext *c, const struct frame *f)
{
    c->r8 = f->r8, c->r9 = f->r9, c->r10 = f->r10, c->r11 = f->r11;
    c->r12 = f->r12, c->r13 = f->r13, c->r14 = f->r14, c->r15 = f->r15;
    c->rdi = f->rdi, c->rsi = f->rsi, c->rbp = f->rbp, c->rbx = f->rbx;
    c->rdx = f->rdx, c->rax = f->rax, c->rcx = f->rcx;
    c->rsp = f->rsp, c->rip = f->rip, c->eflags = f->rflags;
    c->cs = (uint16_t)f->cs, c->ss = (uint16_t)f->ss;
}

static void load_registers(struct frame *f, const struct sigcontext *c)
{
    f->r8 = c->r8, f->r9 = c->r9, f->r10 = c->r10, f->r11 = c->r11;
    f->r12 = c->r12, f->r13 = c->r13, f->r14 = c->r14, f->r15 = c->r15;
    f->rdi = c->rdi, f->rsi = c->rsi, f->rbp = c->rbp, f->rbx = c->rbx;
    f->rdx = c->rdx, f->rax = c->rax, f->rcx = c->rcx;
    f->rsp = c->rsp, f->rip = c->rip;
    f->rflags = (f->rflags & ~(uint64_t)RFLAGS_RESTORED) | (c->eflags & RFLAGS_RESTORED);
}

static bool is_on_stack(const struct task *t, uint64_t sp)
{
    uint64_t base = (uint64_t)t->alternate_stack.ss_sp;
    return sp > base && sp - base <= t->alternate_stack.ss_size;
}

SYSCALL2(sigaltstack, uint64_t, from, uint64_t, former)
{
    struct task *t = current;
    stack_t new, old = t->alternate_stack;
    bool is_on = is_on_stack(t, t->frame->rsp);
    if (from) {
        if (GET_USER(new, from))
            return -EFAULT;
        if (is_on)
            return -EPERM;
        if (new.ss_flags & ~(SS_ONSTACK | SS_DISABLE))
            return -EINVAL;
        if (!(new.ss_flags &SS_DISABLE) && new.ss_size < MINSIGSTKSZ)
            return -ENOMEM;
        t->alternate_stack = new.ss_flags &SS_DISABLE ? (stack_t){.ss_flags = SS_DISABLE} : new;
    }
    old.ss_flags = !old.ss_size ? SS_DISABLE : is_on ? SS_ONSTACK : 0;
    return former ? PUT_USER(former, old) : 0;
}

/* Makes f enter the handler; -EFAULT: the user has no good stack. */
static int push_frame(struct task *t, struct frame *f, const siginfo_t *info, const struct sigaction *action)
{
    const stack_t *other = &t->alternate_stack;
    bool is_on = is_on_stack(t, f->rsp), changes = !is_on && other->ss_size && action->sa_flags & SA_ONSTACK;
    uint64_t top = changes ? (uint64_t)other->ss_sp + other->ss_size : f->rsp - RED_ZONE_BYTES;
    uint64_t fpstate = ALIGN_DOWN(top - fpu_signal_bytes(), (uint64_t)FPSTATE_ALIGNMENT);
    uint64_t sp = ALIGN_DOWN(fpstate - sizeof(struct signal_frame), (uint64_t)16) - 8;
    if (((is_on || changes) && !is_on_stack(t, sp)) || !(action->sa_flags & SA_RESTORER) ||
        (uint64_t)action->sa_handler >= USER_END)
        return -EFAULT;
    struct signal_frame s;
    memset(&s, 0, sizeof s);
    s.return_address = (uint64_t)action->sa_restorer;
    s.info = *info;
    s.context.uc_flags = UC_FLAGS;
    s.context.uc_stack = *other;
    s.context.uc_sigmask = t->has_saved_blocked ? t->saved_blocked : t->blocked;
    save_registers(&s.context.uc_mcontext, f);
    s.context.uc_mcontext.fpstate = (void *)fpstate;
    if (PUT_USER(sp, s) || fpu_to_user(fpstate))
        return -EFAULT;
    f->rdi = (uint64_t)info->si_signo;
    f->rsi = sp + offsetof(struct signal_frame, info);
    f->rdx = sp + offsetof(struct signal_frame, context);
    f->rax = 0;
    f->rsp = sp;
    f->rip = (uint64_t)action->sa_handler;
    f->rflags &= ~(uint64_t)(RFLAGS_DF | RFLAGS_RF | RFLAGS_TF);
    f->cs = SEL_USER_CODE; /* it may have been 32-bit code */
    f->ss = SEL_USER_DATA;
    return 0;
}

/* An address that is not the user's must not get into RIP: IRET to one that is not canonical faults in the kernel. */
SYSCALL0(rt_sigreturn)
{
    struct task *t = current;
    struct frame *f = t->frame;
    struct ucontext c;
    f->error = UINT64_MAX; /* whatever RAX becomes: no call to be restarted */
    if (GET_USER(c, f->rsp - 8 + offsetof(struct signal_frame, context)) || c.uc_mcontext.rip >= USER_END ||
        (c.uc_mcontext.fpstate && fpu_from_user((uint64_t)c.uc_mcontext.fpstate))) {
        signal_fault(t, SIGSEGV, SI_KERNEL, 0);
        return 0;
    }
    signal_set_blocked(t, c.uc_sigmask);
    load_registers(f, &c.uc_mcontext);
    return (long)f->rax;
}

static bool is_interrupted_call(const struct frame *f)
{
    int64_t answer = (int64_t)f->rax;
    return f->vector == FRAME_SYSCALL && f->error != UINT64_MAX &&
           (answer == -ERESTARTSYS || answer == -ERESTARTNOHAND || answer == -ERESTART_RESTARTBLOCK);
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
    if (!handler || (answer == -ERESTARTSYS && handler->sa_flags & SA_RESTART)) {
        f->rax = answer == -ERESTART_RESTARTBLOCK ? __NR_restart_syscall : f->error;
        f->rip -= 2;
    } else {
        f->rax = (uint64_t)-EINTR;
    }
    f->error = UINT64_MAX;
}

/* Process 1 is spared what others ask for. */
static void default_action(const siginfo_t *info)
{
    const struct process *p = current->process;
    int number = info->si_signo;
    bool is_foreign = info->si_code <= 0 && info->si_pid != p->pid;
    if (SIGNALS_IGNORED & SIGNAL_BIT(number) || (p == init_process && is_foreign))
        return;
    if (!(SIGNALS_STOP & SIGNAL_BIT(number)))
        process_exit(number);
    job_stop(number);
}

static void enter_handler(struct task *t, struct frame *f, const siginfo_t *info)
{
    int number = info->si_signo;
    struct sigaction action = t->process->action[number];
    if (action.sa_flags & SA_RESETHAND)
        t->process->action[number].sa_handler = SIG_DFL;
    answer_interrupted(f, &action);
    if (push_frame(t, f, info, &action)) {
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
    for (;;) {
        if (p->group_exiting || (t->pending | p->pending) & SIGNAL_BIT(SIGKILL))
            process_exit(SIGKILL);
        int number = signal_take(t, ~t->blocked | SIGNALS_UNBLOCKABLE, &info);
        if (!number)
            break;
        __sighandler_t handler = p->action[number].sa_handler;
        if (handler == SIG_DFL)
            default_action(&info);
        else if (handler != SIG_IGN)
            enter_handler(t, f, &info);
    }
    answer_interrupted(f, NULL);
    if (t->has_saved_blocked) { /* may uncover further signals: the caller looks again */
        t->has_saved_blocked = false;
        signal_set_blocked(t, t->saved_blocked);
    }
}
