/* SPDX-License-Identifier: Apache-2.0 */
/* Instructions with an immediate: shuffles, blends, rounding, dot products, shifts. */
#define CPU_HAS_TWINS 1
#include "sse.h"
#include "sse_imm.h"

#define SSE_IMM(insn)                                                                                                  \
    OP(sse_##insn)                                                                                                     \
    {                                                                                                                  \
        RM_READ_VEC(b, true);                                                                                          \
        XMM(op->reg).i = sse_imm_##insn[(uint8_t)op->imm](XMM(op->reg).i, b);                                          \
        NEXT();                                                                                                        \
    }
#define SSE_IMM_FP_BODY(insn, read)                                                                                    \
    OP(sse_##insn)                                                                                                     \
    {                                                                                                                  \
        read;                                                                                                          \
        FP_BEGIN();                                                                                                    \
        const __m128i result = sse_imm_##insn[(uint8_t)op->imm](XMM(op->reg).i, b);                                    \
        FP_END();                                                                                                      \
        XMM(op->reg).i = result;                                                                                       \
        NEXT();                                                                                                        \
    }
#define SSE_IMM_FP(insn) SSE_IMM_FP_BODY(insn, RM_READ_VEC(b, true))
#define SSE_IMM_FP_SS(insn) SSE_IMM_FP_BODY(insn, RM_READ_VEC_LOW(32, b))
#define SSE_IMM_FP_SD(insn) SSE_IMM_FP_BODY(insn, RM_READ_VEC_LOW(64, b))

SSE_IMM(pshufd)
SSE_IMM(pshufhw)
SSE_IMM(pshuflw)
SSE_IMM(shufps)
SSE_IMM(shufpd)
SSE_IMM(palignr)
SSE_IMM(blendps)
SSE_IMM(blendpd)
SSE_IMM(pblendw)
SSE_IMM(mpsadbw)
SSE_IMM_FP(roundps)
SSE_IMM_FP(roundpd)
SSE_IMM_FP_SS(roundss)
SSE_IMM_FP_SD(roundsd)

/* Dot products. Each product and each sum may raise exceptions, in this order; so where some are unmasked they are made
 * one by one first. */
#ifndef CPU_FAST
SSE_EXEC(mulps)
SSE_EXEC(mulpd)
SSE_EXEC(haddps)
SSE_EXEC(haddpd)

#define DOT_STEP(insn, arith, type, a, b)                                                                              \
    do {                                                                                                               \
        const union vec x_ = {.i = (a)}, y_ = {.i = (b)};                                                              \
        cpu_host_fp_enter(cpu);                                                                                        \
        (a) = exec_##insn(x_.i, y_.i);                                                                                 \
        if (cpu_host_fp_arith_raises(cpu, arith, type, &x_, &y_))                                                      \
            return true;                                                                                               \
    } while (0)
static __attribute__((noinline)) bool dot_raises(struct cpu *cpu, bool is_double, unsigned imm, __m128i a, __m128i b)
{
    if (is_double) {
        const __m128i used = _mm_set_epi64x(-(long long)(imm >> 5 & 1), -(long long)(imm >> 4 & 1));
        a = _mm_and_si128(a, used);
        b = _mm_and_si128(b, used);
        DOT_STEP(mulpd, SSE_MUL, SSE_PD, a, b);
        DOT_STEP(haddpd, SSE_HADD, SSE_PD, a, a);
        return false;
    }
    const __m128i used =
        _mm_set_epi32(-(int)(imm >> 7 & 1), -(int)(imm >> 6 & 1), -(int)(imm >> 5 & 1), -(int)(imm >> 4 & 1));
    a = _mm_and_si128(a, used);
    b = _mm_and_si128(b, used);
    DOT_STEP(mulps, SSE_MUL, SSE_PS, a, b);
    DOT_STEP(haddps, SSE_HADD, SSE_PS, a, a);
    DOT_STEP(haddps, SSE_HADD, SSE_PS, a, a);
    return false;
}
#define DOT_CHECK(is_double)                                                                                           \
    if (VP_UNLIKELY(cpu->host_fp == HOST_FP_CAREFUL)) {                                                                \
        if (dot_raises(cpu, is_double, (uint8_t)op->imm, XMM(op->reg).i, b))                                           \
            LEAVE();                                                                                                   \
        cpu_host_fp_enter(cpu);                                                                                        \
    }
#else
#define DOT_CHECK(is_double)
#endif
#define DOT(insn, is_double)                                                                                           \
    OP(sse_##insn)                                                                                                     \
    {                                                                                                                  \
        RM_READ_VEC(b, true);                                                                                          \
        FP_BEGIN();                                                                                                    \
        DOT_CHECK(is_double)                                                                                           \
        XMM(op->reg).i = sse_imm_##insn[(uint8_t)op->imm](XMM(op->reg).i, b);                                          \
        NEXT();                                                                                                        \
    }
DOT(dpps, false)
DOT(dppd, true)

/* From memory it takes one single, whatever bits 7:6 of the immediate say. */
OP(sse_insertps)
{
    RM_READ_VEC_LOW(32, b);
    unsigned imm = (op->flags & OPF_MEM) ? op->imm & 0x3f : op->imm & 0xff;
    XMM(op->reg).i = sse_imm_insertps[imm](XMM(op->reg).i, b);
    NEXT();
}

/* Shifts by an immediate are those by a register that holds it; r/m is the destination. */
#define SHIFT_IMM(insn)                                                                                                \
    SSE_EXEC(insn)                                                                                                     \
    OP(sse_##insn##_imm)                                                                                               \
    {                                                                                                                  \
        XMM(op->rm).i = exec_##insn(XMM(op->rm).i, _mm_cvtsi32_si128((uint8_t)op->imm));                               \
        NEXT();                                                                                                        \
    }
SHIFT_IMM(psrlw)
SHIFT_IMM(psraw)
SHIFT_IMM(psllw)
SHIFT_IMM(psrld)
SHIFT_IMM(psrad)
SHIFT_IMM(pslld)
SHIFT_IMM(psrlq)
SHIFT_IMM(psllq)

/* By bytes: PALIGNR with zeros on the other side. */
static unsigned byte_count(const struct op *op) { return (uint8_t)op->imm > 16 ? 16 : (uint8_t)op->imm; }
OP(sse_psrldq_imm)
{
    XMM(op->rm).i = sse_imm_palignr[byte_count(op)](_mm_setzero_si128(), XMM(op->rm).i);
    NEXT();
}
OP(sse_pslldq_imm)
{
    XMM(op->rm).i = sse_imm_palignr[16 - byte_count(op)](XMM(op->rm).i, _mm_setzero_si128());
    NEXT();
}
