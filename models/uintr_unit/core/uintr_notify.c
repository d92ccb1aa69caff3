/* SPDX-License-Identifier: Apache-2.0 */
/* User-interrupt notification processing: what a core does instead of going through the IDT when an acknowledged
 * interrupt is its notification vector. Identification (V = UINV, CR4.UINTR, IA32_EFER.LMA) is the CPU's, because it
 * owns the acknowledge. Neither CPL nor UIF matters here.
 *
 * Source: Intel SDM Vol. 3, "User-Interrupt Notification Identification" and "User-Interrupt Notification Processing".
 */
#include "uintr_state.h"

#define PF_VECTOR 14
#define ERROR_CODE_EXT_MASK 1u /* the event was external to the program; #PF has no such bit */

struct drain {
    bool ran;
    uint64_t pir; /* out: the bits taken */
};

/* Clearing ON and taking PIR as one access. The manual allows it; if they are two, ON must be first, because a post
 * between the two orders would leave ON = 1 with nobody on the way. Even in that order two accesses can leave ON = 1
 * with PIR = 0 if the thread is switched out before the second notification: tests/explore finds how. Reserved bits are
 * not checked, SN is kept, and PIR is drained even if ON was 0 (operating systems send themselves the notification
 * after setting PIR). */
static bool drain_locked(void *arg, void *bytes)
{
    struct drain *drain = arg;
    struct uintr_upid upid = uintr_upid_get(bytes);
    drain->ran = true;
    drain->pir = upid.pir;
    upid.low &= ~UINTR_UPID_ON_MASK;
    upid.pir = 0;
    uintr_upid_put(bytes, upid);
    return true;
}

enum vp_status uintr_notify(struct uintr *u, struct vp_fault *fault)
{
    struct uintr_step_info info = {.upid_la = u->pd};
    uintr_step_done(u, UINTR_STEP_NOTIFY_BEGIN, &info);

    /* EOI before the UPID is touched: a fault below must not leave the vector in service. */
    u->bus.eoi(u->bus.ctx);

    /* 1., 2. Clear ON; exchange PIR with 0. */
    struct drain drain = {0};
    if (u->bus.modify_supervisor(u->bus.ctx, u->pd, UINTR_UPID_SIZE, drain_locked, &drain, fault) != VP_OK) {
        if (fault->has_error_code && fault->vector != PF_VECTOR)
            fault->error_code |= ERROR_CODE_EXT_MASK;
        return VP_FAULT;
    }
    VP_ASSERT(drain.ran);

    /* 3. UIRR collects: what was requested before stays requested. */
    info.mask = drain.pir;
    info.already = drain.pir & u->uirr;
    u->uirr |= drain.pir;
    uintr_step_done(u, UINTR_STEP_NOTIFIED, &info);
    return VP_OK;
}
