/* SPDX-License-Identifier: Apache-2.0 */
/* The frame of a handler on the user's stack, and the way back: rt_sigreturn. The layout is Linux's struct rt_sigframe:
 *
 *     fpstate    extended state, aligned to 64
 *     info       siginfo_t
 *     context    struct ucontext
 *     RSP ->     address of the restorer, as if it had called the handler: RSP is 8 modulo 16
 *
 * Handlers start with the extended state of the interrupted code; Linux gives them a fresh one. */
#include "arch/control.h"
#include "arch/cpu.h"
#include "arch/syscall.h"
#include "mm/mm.h"
#include "proc/signal.h"
#include "string.h"
#include <asm/sigcontext.h>
#include <asm/ucontext.h>

#define UC_FLAGS (UC_FP_XSTATE | UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS)
#define RFLAGS_RESTORED (RFLAGS_STATUS_MASK | RFLAGS_TF | RFLAGS_DF | RFLAGS_RF | RFLAGS_AC)

enum { RED_ZONE_BYTES = 128, FPSTATE_ALIGNMENT = 64 };

struct signal_frame {
    uint64_t return_address;
    struct ucontext context;
    siginfo_t info;
};
_Static_assert(offsetof(struct signal_frame, context) == 8 && offsetof(struct signal_frame, info) == 312 &&
                   sizeof(struct signal_frame) == 440,
               "Linux's layout");

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
    f->cs = SEL_USER_CODE;
    f->ss = SEL_USER_DATA;
}

/* Where the frame lies; 0: the alternate stack has no room for it. *fpstate: the place of the extended state. */
static uint64_t place_frame(const struct task *t, uint64_t rsp, bool wants_alternate, uint64_t *fpstate)
{
    uint64_t sp = rsp - RED_ZONE_BYTES;
    bool is_alternate = signal_is_on_stack(t, rsp);
    if (wants_alternate && !is_alternate && t->alternate_stack.ss_size) {
        sp = (uint64_t)t->alternate_stack.ss_sp + t->alternate_stack.ss_size;
        is_alternate = true;
    }
    *fpstate = ALIGN_DOWN(sp - fpu_signal_bytes(), (uint64_t)FPSTATE_ALIGNMENT);
    sp = ALIGN_DOWN(*fpstate - sizeof(struct signal_frame), (uint64_t)16) - 8;
    return is_alternate && !signal_is_on_stack(t, sp) ? 0 : sp;
}

int signal_frame_push(struct frame *f, const siginfo_t *info, const struct sigaction *action)
{
    struct task *t = current;
    uint64_t fpstate, sp = place_frame(t, f->rsp, action->sa_flags & SA_ONSTACK, &fpstate);
    if (!sp || !(action->sa_flags & SA_RESTORER) || (uint64_t)action->sa_handler >= USER_END)
        return -EFAULT;
    struct signal_frame s;
    memset(&s, 0, sizeof s);
    s.return_address = (uint64_t)action->sa_restorer;
    s.info = *info;
    s.context.uc_flags = UC_FLAGS;
    s.context.uc_stack = t->alternate_stack;
    s.context.uc_sigmask = t->has_saved_blocked ? t->saved_blocked : t->blocked;
    save_registers(&s.context.uc_mcontext, f);
    s.context.uc_mcontext.fpstate = (void *)fpstate;
    if (PUT_USER(sp, s) || fpu_to_user(t, fpstate))
        return -EFAULT;
    f->rdi = (uint64_t)info->si_signo;
    f->rsi = sp + offsetof(struct signal_frame, info);
    f->rdx = sp + offsetof(struct signal_frame, context);
    f->rax = 0;
    f->rsp = sp;
    f->rip = (uint64_t)action->sa_handler;
    f->rflags &= ~(uint64_t)(RFLAGS_DF | RFLAGS_RF | RFLAGS_TF);
    f->cs = SEL_USER_CODE;
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
        (c.uc_mcontext.fpstate && fpu_from_user(t, (uint64_t)c.uc_mcontext.fpstate))) {
        signal_fault(t, SIGSEGV, SI_KERNEL, 0);
        return 0;
    }
    signal_set_blocked(t, c.uc_sigmask);
    load_registers(f, &c.uc_mcontext);
    t->restart.again = NULL;
    return (long)f->rax;
}
