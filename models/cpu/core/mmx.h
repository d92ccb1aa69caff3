/* SPDX-License-Identifier: Apache-2.0 */
/* Shapes of MMX handlers. The arithmetic is done in the low half of the host's XMM registers, never in its MMX
 * registers: the host's x87 stays empty. Each instruction raises a pending x87 exception first, and in the end leaves
 * the x87 stack with TOP 0 and all registers in use. In the macros `a` is the destination's old value and `b` the r/m
 * operand, __m128i with a zero upper half; `expr` gives the new value in its lower half. Source: SDM Vol. 3, "Effect of
 * MMX Instructions on x87 FPU, MMX Registers"; Vol. 2, the instructions' pages. */
#ifndef CPU_MMX_H
#define CPU_MMX_H

#include "x87_unit.h"

#include "host_fp.h"

#include <tmmintrin.h>

#define MMX_BEGIN() X87_BEGIN()
/* The instruction is certain to complete. */
#define MMX_ENTER()                                                                                                    \
    do {                                                                                                               \
        cpu->x87.fsw &= (uint16_t)~X87_TOP;                                                                            \
        cpu->x87.valid = 0xff;                                                                                         \
    } while (0)
/* A register that is written gets an exponent of ones. */
static inline void mmx_write(struct cpu *cpu, unsigned offset, uint64_t value)
{
    union vec *r = (union vec *)(void *)((char *)cpu->x87.r + offset);
    r->u64[0] = value;
    r->u64[1] = 0xffff;
}
static inline __m128i mmx_vec(uint64_t value) { return _mm_cvtsi64_si128((long long)value); }
static inline uint64_t mmx_low(__m128i v) { return (uint64_t)_mm_cvtsi128_si64(v); }
/* a in the lower, b in the upper half. */
static inline __m128i mmx_pair(__m128i a, __m128i b) { return _mm_unpacklo_epi64(a, b); }
static inline __m128i mmx_upper(__m128i v) { return _mm_unpackhi_epi64(v, v); }

/* The r/m operand, of which `bits` are read from memory. Declares uint64_t v. */
#define RM_READ_MMX(bits, v)                                                                                           \
    uint64_t v;                                                                                                        \
    do {                                                                                                               \
        if (op->flags & OPF_MEM) {                                                                                     \
            ADDRESS(rm_la_, (bits) / 8, false);                                                                        \
            LOAD(bits, rm_v_, rm_la_);                                                                                 \
            v = rm_v_;                                                                                                 \
        } else {                                                                                                       \
            v = MMX(op->rm);                                                                                           \
        }                                                                                                              \
    } while (0)

#define MMX_OP_BITS(name, bits, expr)                                                                                  \
    OP(name)                                                                                                           \
    {                                                                                                                  \
        MMX_BEGIN();                                                                                                   \
        RM_READ_MMX(bits, raw_);                                                                                       \
        const __m128i a = mmx_vec(MMX(op->reg)), b = mmx_vec(raw_);                                                    \
        (void)a;                                                                                                       \
        MMX_ENTER();                                                                                                   \
        mmx_write(cpu, op->reg, mmx_low(expr));                                                                        \
        NEXT();                                                                                                        \
    }
#define MMX_OP(name, expr) MMX_OP_BITS(name, 64, expr)

#endif
