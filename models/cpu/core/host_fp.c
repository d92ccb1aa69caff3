/* SPDX-License-Identifier: Apache-2.0 */
/* The host's MXCSR changes hands; see host_fp.h. */
#include "host_fp.h"

#include <xmmintrin.h>

void cpu_host_fp_enter(struct cpu *cpu)
{
    bool all_masked = (cpu->mxcsr & MXCSR_MASKS) == MXCSR_MASKS;
    if (cpu->host_fp == HOST_FP_AWAY)
        cpu->host_mxcsr = _mm_getcsr();
    cpu->host_fp = all_masked ? HOST_FP_LIVE : HOST_FP_CAREFUL;
    _mm_setcsr((cpu->mxcsr & ~MXCSR_FLAGS) | MXCSR_MASKS);
}

void cpu_host_fp_leave(struct cpu *cpu)
{
    cpu->mxcsr |= _mm_getcsr() & MXCSR_FLAGS;
    _mm_setcsr(cpu->host_mxcsr);
    cpu->host_fp = HOST_FP_AWAY;
}

#define PRECOMPUTATION 0x07u /* IE, DE, ZE */

bool cpu_host_fp_raises(struct cpu *cpu)
{
    uint32_t flags = _mm_getcsr() & MXCSR_FLAGS, unmasked = ~(cpu->mxcsr >> MXCSR_MASK_SHIFT) & MXCSR_FLAGS;
    _mm_setcsr(cpu->host_mxcsr);
    cpu->host_fp = HOST_FP_AWAY;
    /* An unmasked exception found before the computation leaves no result to overflow, underflow or be inexact. */
    if (flags & unmasked & PRECOMPUTATION)
        flags &= PRECOMPUTATION;
    cpu->mxcsr |= flags;
    if (!(flags & unmasked))
        return false;
    (void)cpu_raise(cpu, (cpu->cr4 & CR4_OSXMMEXCPT) ? EXC_XM : EXC_UD, 0);
    return true;
}
