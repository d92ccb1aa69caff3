/* SPDX-License-Identifier: Apache-2.0 */
/* Conversions between MM and XMM registers. They are SSE instructions with rounding and exceptions of MXCSR, and MMX
 * instructions with a transition of the x87 stack. Unused lanes are zero, so they raise nothing.
 * Source: SDM Vol. 2, CVTPI2PS, CVTPI2PD, CVTPS2PI, CVTTPS2PI, CVTPD2PI, CVTTPD2PI. */
#include "mmx.h"

/* The compiler does not know that conversions depend on MXCSR: its order with FP_BEGIN and FP_END is made by hand. */
#define PIN(v) __asm__ volatile("" : "+x"(v))

OP(mmx_cvtpi2ps)
{
    MMX_BEGIN();
    RM_READ_MMX(64, raw);
    __m128i b = mmx_vec(raw);
    FP_BEGIN();
    PIN(b);
    __m128 result = _mm_cvtepi32_ps(b);
    PIN(result);
    FP_END();
    MMX_ENTER();
    XMM(op->reg).u64[0] = mmx_low(_mm_castps_si128(result));
    NEXT();
}

/* Exact. A memory operand is no business of MMX: no transition, no pending exception. */
OP(mmx_cvtpi2pd)
{
    if (!(op->flags & OPF_MEM))
        MMX_BEGIN();
    RM_READ_MMX(64, raw);
    if (!(op->flags & OPF_MEM))
        MMX_ENTER();
    XMM(op->reg).pd = _mm_cvtepi32_pd(mmx_vec(raw));
    NEXT();
}

#define TO_MMX(name, read, convert, cast)                                                                              \
    OP(name)                                                                                                           \
    {                                                                                                                  \
        MMX_BEGIN();                                                                                                   \
        read;                                                                                                          \
        FP_BEGIN();                                                                                                    \
        PIN(b);                                                                                                        \
        __m128i result = convert(cast(b));                                                                             \
        PIN(result);                                                                                                   \
        FP_END();                                                                                                      \
        MMX_ENTER();                                                                                                   \
        mmx_write(cpu, op->reg, mmx_low(result));                                                                      \
        NEXT();                                                                                                        \
    }
#define READ_LOW                                                                                                       \
    RM_READ_VEC_LOW(64, whole_);                                                                                       \
    __m128i b = _mm_move_epi64(whole_)
#define READ_ALL RM_READ_VEC(b, true)
TO_MMX(mmx_cvtps2pi, READ_LOW, _mm_cvtps_epi32, _mm_castsi128_ps)
TO_MMX(mmx_cvttps2pi, READ_LOW, _mm_cvttps_epi32, _mm_castsi128_ps)
TO_MMX(mmx_cvtpd2pi, READ_ALL, _mm_cvtpd_epi32, _mm_castsi128_pd)
TO_MMX(mmx_cvttpd2pi, READ_ALL, _mm_cvttpd_epi32, _mm_castsi128_pd)
