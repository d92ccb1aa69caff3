/* SPDX-License-Identifier: Apache-2.0 */
/* Compares into masks (CMPccPS and relatives) and into flags (COMISS, UCOMISS, PTEST). */
#define CPU_HAS_TWINS 1
#include "flags.h"
#include "sse.h"
#include "sse_imm.h"

#include <smmintrin.h>

/* Only the low three bits of the predicate count outside VEX encodings: SDM Vol. 2, "CMPPS". */
#define COMPARE(insn, read)                                                                                            \
    OP(sse_##insn)                                                                                                     \
    {                                                                                                                  \
        read;                                                                                                          \
        FP_BEGIN();                                                                                                    \
        const __m128i result = sse_imm_##insn[op->imm & 7](XMM(op->reg).i, b);                                         \
        FP_END();                                                                                                      \
        XMM(op->reg).i = result;                                                                                       \
        NEXT();                                                                                                        \
    }
COMPARE(cmpps, RM_READ_VEC(b, true))
COMPARE(cmppd, RM_READ_VEC(b, true))
COMPARE(cmpss, RM_READ_VEC_LOW(32, b))
COMPARE(cmpsd, RM_READ_VEC_LOW(64, b))

/* ZF, PF, CF by the host; OF, SF and AF are cleared. */
#define COMPARE_FLAGS(insn, bits)                                                                                      \
    static inline uint64_t exec_##insn(__m128i a, __m128i b)                                                           \
    {                                                                                                                  \
        bool z, p, c;                                                                                                  \
        __asm__ volatile(#insn " %4, %3" : "=@ccz"(z), "=@ccp"(p), "=@ccc"(c) : "x"(a), "x"(b));                       \
        return (z ? FLAG_ZF : 0) | (p ? FLAG_PF : 0) | (c ? FLAG_CF : 0);                                              \
    }                                                                                                                  \
    OP(sse_##insn)                                                                                                     \
    {                                                                                                                  \
        RM_READ_VEC_LOW(bits, b);                                                                                      \
        FP_BEGIN();                                                                                                    \
        const uint64_t flags = exec_##insn(XMM(op->reg).i, b);                                                         \
        FP_END();                                                                                                      \
        cc_set_flags(cpu, flags);                                                                                      \
        NEXT();                                                                                                        \
    }
COMPARE_FLAGS(ucomiss, 32)
COMPARE_FLAGS(comiss, 32)
COMPARE_FLAGS(ucomisd, 64)
COMPARE_FLAGS(comisd, 64)

OP(sse_ptest)
{
    RM_READ_VEC(b, true);
    const __m128i a = XMM(op->reg).i;
    cc_set_flags(cpu, (_mm_testz_si128(a, b) ? FLAG_ZF : 0) | (_mm_testc_si128(a, b) ? FLAG_CF : 0));
    NEXT();
}
