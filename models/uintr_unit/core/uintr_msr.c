/* SPDX-License-Identifier: Apache-2.0 */
/* The six IA32_UINTR_* MSRs: which values they accept and what they hold. The privilege check of RDMSR and WRMSR is the
 * CPU's. They are accessible whatever CR4.UINTR says, and no write of UIRR delivers by itself.
 *
 * Source: Intel SDM Vol. 3, chapter "User Interrupts", "User-Interrupt MSRs"; Vol. 4, "Architectural MSRs".
 */
#include "uintr_state.h"

struct msr_rule {
    uint32_t msr;
    bool
        canonical; /* must be canonical for the widest linear address that CPUID enumerates, whatever the paging mode */
    uint64_t reserved; /* must be 0 */
};

static const struct msr_rule rules[] = {
    {UINTR_MSR_RR, false, 0},
    {UINTR_MSR_HANDLER, true, 0},
    {UINTR_MSR_STACKADJUST, true, 0}, /* bits 2:0 may be set; bit 0 has a meaning */
    {UINTR_MSR_MISC, false, UINTR_MISC_RESERVED_MASK},
    {UINTR_MSR_PD, true, UINTR_PD_RESERVED_MASK},
    {UINTR_MSR_TT, true, UINTR_TT_RESERVED_MASK},
};

bool uintr_msr_is_valid(const struct uintr *u, uint32_t msr, uint64_t value)
{
    VP_ASSERT(msr >= UINTR_MSR_RR && msr <= UINTR_MSR_TT);
    const struct msr_rule *rule = &rules[msr - UINTR_MSR_RR];
    VP_ASSERT(rule->msr == msr);
    return !(value & rule->reserved) && (!rule->canonical || bits_is_canonical(value, u->config.linear_width));
}

void uintr_msr_load(struct uintr *u, uint32_t msr, uint64_t value)
{
    switch (msr) {
    case UINTR_MSR_RR: u->uirr = value; break;
    case UINTR_MSR_HANDLER: u->uihandler = value; break;
    case UINTR_MSR_STACKADJUST: u->uistackadjust = value; break;
    case UINTR_MSR_MISC:
        u->uittsz = (uint32_t)(value & UINTR_MISC_UITTSZ_MASK);
        u->uinv = (uint8_t)(value >> UINTR_MISC_UINV_SHIFT);
        break;
    case UINTR_MSR_PD:
        u->pd = value; /* the UPID in memory is not touched */
        break;
    case UINTR_MSR_TT: u->tt = value; break;
    default: vp_assert_failed("not an IA32_UINTR_* MSR", __FILE__, __LINE__);
    }
}

uint64_t uintr_msr_read(const struct uintr *u, uint32_t msr)
{
    switch (msr) {
    case UINTR_MSR_RR: return u->uirr;
    case UINTR_MSR_HANDLER: return u->uihandler;
    case UINTR_MSR_STACKADJUST: return u->uistackadjust;
    case UINTR_MSR_MISC: /* bit 63 reads 0: UIF shows only in the XSAVE image */
        return (uint64_t)u->uinv << UINTR_MISC_UINV_SHIFT | u->uittsz;
    case UINTR_MSR_PD: return u->pd;
    case UINTR_MSR_TT: return u->tt;
    default: vp_assert_failed("not an IA32_UINTR_* MSR", __FILE__, __LINE__);
    }
}

enum vp_status uintr_msr_write(struct uintr *u, uint32_t msr, uint64_t value)
{
    if (!uintr_msr_is_valid(u, msr, value))
        return VP_FAULT;
    uintr_msr_load(u, msr, value);
    return VP_OK;
}
