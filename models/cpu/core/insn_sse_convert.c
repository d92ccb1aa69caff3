/* SPDX-License-Identifier: Apache-2.0 */
/* Conversions between integers, single and double precision. */
#define CPU_HAS_TWINS 1
#include "sse.h"

SSE_FP_SD(cvtps2pd)
SSE_ARITH(cvtpd2ps, NARROW, PD)
SSE_FP_SS(cvtss2sd)
SSE_ARITH(cvtsd2ss, NARROW, SD)
SSE_FP(cvtdq2ps)
SSE_FP(cvtps2dq)
SSE_FP(cvttps2dq)
SSE_LOW_64(cvtdq2pd)
SSE_FP(cvttpd2dq)
SSE_FP(cvtpd2dq)

/* From a general register or memory; the rest of the destination stays. */
#define FROM_INTEGER(insn, bits, suffix)                                                                               \
    static inline __m128i exec_##insn##_##bits(__m128i a, uint##bits##_t b)                                            \
    {                                                                                                                  \
        __asm__ volatile(#insn suffix " %1, %0" : "+x"(a) : "r"(b));                                                   \
        return a;                                                                                                      \
    }                                                                                                                  \
    OP(sse_##insn##_##bits)                                                                                            \
    {                                                                                                                  \
        RM_READ(bits, b);                                                                                              \
        FP_BEGIN();                                                                                                    \
        const __m128i result = exec_##insn##_##bits(XMM(op->reg).i, b);                                                \
        FP_END();                                                                                                      \
        XMM(op->reg).i = result;                                                                                       \
        NEXT();                                                                                                        \
    }
FROM_INTEGER(cvtsi2ss, 32, "l")
FROM_INTEGER(cvtsi2ss, 64, "q")
FROM_INTEGER(cvtsi2sd, 32, "l")
FROM_INTEGER(cvtsi2sd, 64, "q")

/* To a general register, rounded by MXCSR or (CVTT) towards zero. */
#define TO_INTEGER(insn, source_bits, bits)                                                                            \
    static inline uint##bits##_t exec_##insn##_##bits(__m128i b)                                                       \
    {                                                                                                                  \
        uint##bits##_t result;                                                                                         \
        __asm__ volatile(#insn " %1, %0" : "=r"(result) : "x"(b));                                                     \
        return result;                                                                                                 \
    }                                                                                                                  \
    OP(sse_##insn##_##bits)                                                                                            \
    {                                                                                                                  \
        RM_READ_VEC_LOW(source_bits, b);                                                                               \
        FP_BEGIN();                                                                                                    \
        const uint##bits##_t result = exec_##insn##_##bits(b);                                                         \
        FP_END();                                                                                                      \
        set_reg_##bits(cpu, op->reg, result);                                                                          \
        NEXT();                                                                                                        \
    }
TO_INTEGER(cvtss2si, 32, 32)
TO_INTEGER(cvtss2si, 32, 64)
TO_INTEGER(cvttss2si, 32, 32)
TO_INTEGER(cvttss2si, 32, 64)
TO_INTEGER(cvtsd2si, 64, 32)
TO_INTEGER(cvtsd2si, 64, 64)
TO_INTEGER(cvttsd2si, 64, 32)
TO_INTEGER(cvttsd2si, 64, 64)
