/* SPDX-License-Identifier: Apache-2.0 */
/* The host's MXCSR changes hands; see host_fp.h. */
#include "host_fp.h"

#include <xmmintrin.h>

#define FLUSH_TO_ZERO 0x8000u
#define OVERFLOW_MASK 0x0400u
#define UNDERFLOW_MASK 0x0800u

void cpu_host_fp_enter(struct cpu *cpu)
{
    bool all_masked = (cpu->mxcsr & MXCSR_MASKS) == MXCSR_MASKS;
    if (cpu->host_fp == HOST_FP_AWAY)
        cpu->host_mxcsr = _mm_getcsr();
    cpu->host_fp = all_masked ? HOST_FP_LIVE : HOST_FP_CAREFUL;
    uint32_t mxcsr = (cpu->mxcsr & ~MXCSR_FLAGS) | MXCSR_MASKS;
    if (!(cpu->mxcsr & UNDERFLOW_MASK)) /* SDM Vol. 1, "Flush-To-Zero": only where underflow is masked */
        mxcsr &= ~FLUSH_TO_ZERO;
    _mm_setcsr(mxcsr);
}

void cpu_host_fp_leave(struct cpu *cpu)
{
    cpu->mxcsr |= _mm_getcsr() & MXCSR_FLAGS;
    _mm_setcsr(cpu->host_mxcsr);
    cpu->host_fp = HOST_FP_AWAY;
}

#define PRECOMPUTATION 0x07u /* IE, DE, ZE */

/* What the host has flagged since cpu_host_fp_enter; it is the simulator's again. */
static uint32_t take_flags(struct cpu *cpu)
{
    const uint32_t flags = _mm_getcsr() & MXCSR_FLAGS;
    _mm_setcsr(cpu->host_mxcsr);
    cpu->host_fp = HOST_FP_AWAY;
    return flags;
}

static bool raise(struct cpu *cpu, uint32_t flags)
{
    const uint32_t unmasked = ~(cpu->mxcsr >> MXCSR_MASK_SHIFT) & MXCSR_FLAGS;
    /* An unmasked exception found before the computation leaves no result to overflow, underflow or be inexact. */
    if (flags & unmasked & PRECOMPUTATION)
        flags &= PRECOMPUTATION;
    cpu->mxcsr |= flags;
    if (!(flags & unmasked))
        return false;
    (void)cpu_raise(cpu, (cpu->cr4 & CR4_OSXMMEXCPT) ? EXC_XM : EXC_UD, 0);
    return true;
}

bool cpu_host_fp_raises(struct cpu *cpu) { return raise(cpu, take_flags(cpu)); }

bool cpu_host_fp_arith_raises(struct cpu *cpu, enum sse_arith arith, enum sse_type type, const union vec *a,
                              const union vec *b)
{
    uint32_t flags = take_flags(cpu);
    if ((cpu->mxcsr & (OVERFLOW_MASK | UNDERFLOW_MASK)) != (OVERFLOW_MASK | UNDERFLOW_MASK))
        flags = (flags & PRECOMPUTATION) | sse_exact_flags(arith, type, cpu->mxcsr, a, b);
    return raise(cpu, flags);
}
