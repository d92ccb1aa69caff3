/* SPDX-License-Identifier: Apache-2.0 */
/* User-interrupt delivery: build the frame on the user stack and enter the handler. Whether a user interrupt may be
 * delivered at this boundary (CR4.UINTR, UIRR != 0, UIF, CPL 3, 64-bit mode, no MOV SS shadow) is for the CPU to say.
 *
 * Source: Intel SDM Vol. 3, "User-Interrupt Delivery", whose steps are the numbered comments. Shadow stacks and
 * end-branch tracking are not modelled.
 */
#include "uintr_state.h"

enum vp_status uintr_deliver(struct uintr *u, struct uintr_regs *regs, unsigned linear_width, struct vp_fault *fault)
{
    VP_ASSERT(u->uirr != 0);
    /* The highest vector goes first. */
    uint8_t vector = (uint8_t)bits_msb(u->uirr);
    struct uintr_step_info info = {.upid_la = u->pd, .vector = vector};
    uintr_step_done(u, UINTR_STEP_DELIVER_BEGIN, &info);

    /* 1. WRMSR checked against the widest address; the paging mode in use may be narrower. */
    if (!bits_is_canonical(u->uihandler, linear_width))
        return uintr_gp0(fault);

    /* 2. Adjust or load RSP, then align it. */
    uint64_t base = (u->uistackadjust & UINTR_STACKADJUST_LOAD_MASK) ? u->uistackadjust : regs->rsp - u->uistackadjust;
    base &= ~UINT64_C(0xf);

    /* 3. Push the old RSP, RFLAGS, RIP and the vector, with the privilege of the user program. A fault leaves registers
     * and UIRR as they were, so that delivery starts over when the fault's handler returns. */
    uint64_t frame = base - UINTR_FRAME_SIZE;
    const struct {
        uint64_t offset, value;
    } pushes[] = {
        {UINTR_FRAME_RSP, regs->rsp},
        {UINTR_FRAME_RFLAGS, regs->rflags},
        {UINTR_FRAME_RIP, regs->rip},
        {UINTR_FRAME_VECTOR, vector},
    };
    for (unsigned i = 0; i < sizeof pushes / sizeof pushes[0]; i++)
        if (u->bus.store_stack(u->bus.ctx, frame + pushes[i].offset, pushes[i].value, fault) != VP_OK)
            return VP_FAULT;

    /* 4. Commit. Only this vector's request ends; UIF = 0 holds the others back until UIRET or STUI. */
    u->uirr &= ~(UINT64_C(1) << vector);
    u->uif = false;
    regs->rsp = frame;
    regs->rflags &= ~(UINTR_RFLAGS_TF_MASK | UINTR_RFLAGS_RF_MASK);
    regs->rip = u->uihandler;

    info.frame_la = frame;
    uintr_step_done(u, UINTR_STEP_DELIVERED, &info);
    return VP_OK;
}
