/* SPDX-License-Identifier: Apache-2.0 */
/* UIRET after its #UD checks, which are the CPU's: return from a user-interrupt handler. The vector has been removed
 * from the stack by software; UIRET finds RIP, RFLAGS, RSP. It works at any CPL and changes neither CPL nor segments.
 *
 * Source: Intel SDM Vol. 2, "UIRET". Shadow stacks are not modelled.
 */
#include "uintr_state.h"

enum vp_status uintr_uiret(struct uintr *u, struct uintr_regs *regs, unsigned linear_width, struct vp_fault *fault)
{
    struct uintr_step_info info = {.upid_la = u->pd, .frame_la = regs->rsp};
    uintr_step_done(u, UINTR_STEP_UIRET_BEGIN, &info);

    /* 1. Pop the three values with the privilege of the current CPL; nothing changes before all are known to be good.
     */
    uint64_t image[3]; /* RIP, RFLAGS, RSP */
    for (unsigned i = 0; i < 3; i++)
        if (u->bus.load_stack(u->bus.ctx, regs->rsp + 8 * (uint64_t)i, &image[i], fault) != VP_OK)
            return VP_FAULT;

    /* 2. Only the new RIP is checked; a bad RSP faults when it is used. */
    if (!bits_is_canonical(image[0], linear_width))
        return uintr_gp0(fault);

    /* 3. Commit. IF, IOPL, VM, VIF and VIP are kept, at CPL 0 too. */
    regs->rip = image[0];
    regs->rflags = (regs->rflags & ~UINTR_RFLAGS_UIRET_MASK) | (image[1] & UINTR_RFLAGS_UIRET_MASK);
    regs->rsp = image[2];
    u->uif = u->config.flexible_uiret ? (image[1] & UINTR_RFLAGS_FIXED1_MASK) != 0 : true;

    uintr_step_done(u, UINTR_STEP_RETURNED, &info);
    return VP_OK;
}
