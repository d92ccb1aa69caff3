/* SPDX-License-Identifier: Apache-2.0 */
/* Private to models/uintr_unit/core: the state of the unit and the helpers that its files share. Tests may include it,
 * other models may not.
 */
#ifndef UINTR_STATE_H
#define UINTR_STATE_H

#include "uintr.h"
#include "uintr_formats.h"

/* SDM Vol. 3, "User-Interrupt State". */
struct uintr {
    struct uintr_config config;
    struct uintr_bus bus;
    uint64_t uirr;          /* IA32_UINTR_RR: requested user interrupts; recognition is uirr != 0, nothing else */
    uint64_t uihandler;     /* IA32_UINTR_HANDLER                                                              */
    uint64_t uistackadjust; /* IA32_UINTR_STACKADJUST                                                          */
    uint64_t pd;            /* IA32_UINTR_PD: UPIDADDR                                                         */
    uint64_t tt;            /* IA32_UINTR_TT: UITTADDR and, in bit 0, the enable bit of SENDUIPI               */
    uint32_t uittsz;        /* IA32_UINTR_MISC[31:0]: highest valid index of the UITT                          */
    uint8_t uinv;           /* IA32_UINTR_MISC[39:32]                                                          */
    uint64_t timer;         /* IA32_UINTR_TIMER: deadline and vector; 0 if there is no such feature            */
    bool uif;               /* in no MSR; only CLUI, STUI, UIRET, delivery and XRSTORS change it               */
};

/* May `value` be loaded into the MSR? The checks of WRMSR, which XRSTORS repeats. */
bool uintr_msr_is_valid(const struct uintr *u, uint32_t msr, uint64_t value);

/* Writes a value that uintr_msr_is_valid has accepted. */
void uintr_msr_load(struct uintr *u, uint32_t msr, uint64_t value);

/* Fills *fault with #GP(0). Answers VP_FAULT, so that a check is one line. */
VP_NODISCARD enum vp_status uintr_gp0(struct vp_fault *fault);

static inline void uintr_step_done(const struct uintr *u, enum uintr_step step, const struct uintr_step_info *info)
{
    u->bus.step(u->bus.ctx, step, info);
}

#endif
