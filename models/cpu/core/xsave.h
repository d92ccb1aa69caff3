/* SPDX-License-Identifier: Apache-2.0 */
/* The XSAVE feature set: which state components exist, how they lie in memory, and the instructions on them.
 * Source: SDM Vol. 1, chapter "Managing State Using the XSAVE Feature Set"; Vol. 2, "FXSAVE", "FXRSTOR". */
#ifndef CPU_XSAVE_H
#define CPU_XSAVE_H

#include "cpu_state.h"

#define XSTATE_X87 UINT64_C(1)
#define XSTATE_SSE UINT64_C(2)
#define XSTATE_UINTR_NUMBER 14u
#define XSTATE_UINTR (UINT64_C(1) << XSTATE_UINTR_NUMBER)
#define XSAVE_COMPONENTS 63u

/* Components from 2 on; size 0: there is none with this number on this core. */
struct xsave_component {
    uint32_t size;
    uint32_t offset; /* in the standard format; 0 for supervisor components */
    bool is_supervisor;
};
struct xsave_component xsave_component(const struct cpu *cpu, unsigned number);

uint64_t xsave_user_mask(const struct cpu *cpu);       /* what XCR0 may have */
uint64_t xsave_supervisor_mask(const struct cpu *cpu); /* what IA32_XSS may have */
uint64_t xsave_in_use(const struct cpu *cpu);          /* XINUSE */
/* Bytes of an area that holds the components of `mask`. */
uint32_t xsave_standard_size(const struct cpu *cpu, uint64_t mask);
uint32_t xsave_compacted_size(const struct cpu *cpu, uint64_t mask);

/* The instructions, for an area at linear address la. is_wide: REX.W, x87 pointers of 64 bits. VP_FAULT: raised, no
 * register has changed and nothing was written. */
VP_NODISCARD enum vp_status xsave_fxsave(struct cpu *cpu, uint64_t la, bool is_wide);
VP_NODISCARD enum vp_status xsave_fxrstor(struct cpu *cpu, uint64_t la, bool is_wide);

enum xsave_kind { XSAVE_PLAIN, XSAVE_OPT, XSAVE_C, XSAVE_S };
VP_NODISCARD enum vp_status xsave_save(struct cpu *cpu, uint64_t la, uint64_t rfbm, enum xsave_kind kind, bool is_wide);
/* supervisor: XRSTORS. */
VP_NODISCARD enum vp_status xsave_restore(struct cpu *cpu, uint64_t la, uint64_t rfbm, bool supervisor, bool is_wide);

VP_NODISCARD enum vp_status xsave_set_xcr0(struct cpu *cpu, uint64_t value); /* VP_FAULT: #GP(0) raised */

#endif
