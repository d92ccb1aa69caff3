/* SPDX-License-Identifier: Apache-2.0 */
/* SSE arithmetic runs on the host with the guest's rounding mode, FTZ and DAZ, so the host's MXCSR changes hands. It is
 * the guest's from the first floating-point handler until control leaves threaded code for anything outside the core:
 * the end of cpu_run, every callback of the bus and every question to the timing model. All of these go through
 * cpu_bus() and cpu_timing(), which give the simulator its own MXCSR back.
 *
 * Guest exceptions stay masked on the host. If the guest unmasks one, each instruction looks at the flags that it alone
 * raised (HOST_FP_CAREFUL). Source: SDM Vol. 1, "SIMD Floating-Point Exceptions". */
#ifndef CPU_HOST_FP_H
#define CPU_HOST_FP_H

#include "handler.h"
#include "sse_exact.h"

#define MXCSR_FLAGS 0x3fu
#define MXCSR_MASKS 0x1f80u
#define MXCSR_MASK_SHIFT 7
#define MXCSR_DEFINED 0xffffu

void cpu_host_fp_enter(struct cpu *cpu);
/* After one instruction in HOST_FP_CAREFUL: true if it raised an unmasked exception, which is then noted as #XM (or #UD
 * without CR4.OSXMMEXCPT). */
bool cpu_host_fp_raises(struct cpu *cpu);
/* The same after arithmetic that may overflow or underflow; a and b as sse_exact_flags takes them. */
bool cpu_host_fp_arith_raises(struct cpu *cpu, enum sse_arith arith, enum sse_type type, const union vec *a,
                              const union vec *b);

/* Around the arithmetic of a handler. FP_END comes before anything is written. */
#ifdef CPU_FAST
#define FP_BEGIN()                                                                                                     \
    if (VP_UNLIKELY(cpu->host_fp != HOST_FP_LIVE))                                                                     \
    MISS()
#define FP_END() ((void)0)
#define FP_END_ARITH(arith, type, a, b) ((void)0)
#else
#define FP_BEGIN()                                                                                                     \
    if (VP_UNLIKELY(cpu->host_fp != HOST_FP_LIVE))                                                                     \
    cpu_host_fp_enter(cpu)
#define FP_END()                                                                                                       \
    if (VP_UNLIKELY(cpu->host_fp == HOST_FP_CAREFUL) && cpu_host_fp_raises(cpu))                                       \
    LEAVE()
#define FP_END_ARITH(arith, type, a, b)                                                                                \
    do {                                                                                                               \
        if (VP_UNLIKELY(cpu->host_fp == HOST_FP_CAREFUL)) {                                                            \
            const union vec a_ = {.i = (a)}, b_ = {.i = (b)};                                                          \
            if (cpu_host_fp_arith_raises(cpu, arith, type, &a_, &b_))                                                  \
                LEAVE();                                                                                               \
        }                                                                                                              \
    } while (0)
#endif

#endif
