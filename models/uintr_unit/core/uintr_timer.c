/* SPDX-License-Identifier: Apache-2.0 */
/* The user timer (UTMR): IA32_UINTR_TIMER, and what happens when its deadline has passed. When that may be looked at
 * (CR4.UINTR, UIF, CPL 3, 64-bit mode) and what the time is, is for the CPU to say. The register belongs to no XSAVE
 * component.
 *
 * Source: Intel Architecture Instruction Set Extensions Programming Reference (319433-052), "User-Timer Events and
 * Interrupts".
 */
#include "uintr_state.h"

uint64_t uintr_timer_read(const struct uintr *u) { return u->timer; }

/* There are no reserved bits: vector and deadline fill the register. */
void uintr_timer_write(struct uintr *u, uint64_t value) { u->timer = value; }

uint64_t uintr_timer_deadline(const struct uintr *u) { return u->timer & UINTR_TIMER_DEADLINE_MASK; }

bool uintr_timer_is_pending(const struct uintr *u, uint64_t tsc)
{
    uint64_t deadline = uintr_timer_deadline(u);
    return deadline != 0 && deadline <= tsc;
}

/* The request joins the others in UIRR; the whole register becomes 0, the vector too. */
void uintr_timer_expire(struct uintr *u)
{
    VP_ASSERT(uintr_timer_deadline(u) != 0);
    u->uirr |= UINT64_C(1) << (u->timer & UINTR_TIMER_VECTOR_MASK);
    u->timer = 0;
}
