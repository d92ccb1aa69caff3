/* SPDX-License-Identifier: Apache-2.0 */
/* XSAVES, XRSTORS and their relatives, raw; the header and the user-interrupt component of an area in compacted format.
 * SDM Vol. 1, "Managing State Using the XSAVE Feature Set".
 */
#ifndef CONFORMANCE_XSAVE_H
#define CONFORMANCE_XSAVE_H

#include <stdint.h>

#define CR4_OSXSAVE 0x00040000
#define MSR_XSS 0xda0
#define XSTATE_X87 0x1ull
#define XSTATE_SSE 0x2ull
#define XSTATE_AVX 0x4ull
#define XSTATE_UINTR 0x4000ull
#define XCOMP_COMPACTED 0x8000000000000000ull

/* The component, 48 bytes. */
struct uintr_xstate {
    uint64_t handler, stack_adjust, misc, pd, rr, tt;
};

struct xsave_area {
    uint8_t legacy[512];
    uint64_t xstate_bv, xcomp_bv, reserved[6];
    uint8_t extended[3520]; /* a page in all */
} __attribute__((aligned(64)));
_Static_assert(sizeof(struct xsave_area) == 4096, "an area fills a page");

#define XSAVE_INSN(name)                                                                                               \
    static inline void name(struct xsave_area *area, uint64_t mask)                                                    \
    {                                                                                                                  \
        __asm__ volatile(#name "64 (%0)" ::"r"(area), "a"((uint32_t)mask), "d"((uint32_t)(mask >> 32)) : "memory");    \
    }
XSAVE_INSN(xsave)
XSAVE_INSN(xsavec)
XSAVE_INSN(xsaves)
XSAVE_INSN(xrstor)
XSAVE_INSN(xrstors)
#undef XSAVE_INSN

static inline void xsetbv(uint64_t value)
{
    __asm__ volatile("xsetbv" ::"c"(0), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)) : "memory");
}
static inline uint64_t xgetbv(void)
{
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (uint64_t)high << 32 | low;
}

#endif
