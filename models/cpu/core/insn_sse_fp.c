/* SPDX-License-Identifier: Apache-2.0 */
/* Floating-point arithmetic, logic and unpacking of SSE, SSE2 and SSE3. */
#define CPU_HAS_TWINS 1
#include "sse.h"
#include "sse_approx.h"

SSE_FP(sqrtps)
SSE_FP(sqrtpd)
SSE_FP_SS(sqrtss)
SSE_FP_SD(sqrtsd)
SSE_ARITH(addps, ADD, PS)
SSE_ARITH(addpd, ADD, PD)
SSE_ARITH(addss, ADD, SS)
SSE_ARITH(addsd, ADD, SD)
SSE_ARITH(mulps, MUL, PS)
SSE_ARITH(mulpd, MUL, PD)
SSE_ARITH(mulss, MUL, SS)
SSE_ARITH(mulsd, MUL, SD)
SSE_ARITH(subps, SUB, PS)
SSE_ARITH(subpd, SUB, PD)
SSE_ARITH(subss, SUB, SS)
SSE_ARITH(subsd, SUB, SD)
SSE_FP(minps)
SSE_FP(minpd)
SSE_FP_SS(minss)
SSE_FP_SD(minsd)
SSE_ARITH(divps, DIV, PS)
SSE_ARITH(divpd, DIV, PD)
SSE_ARITH(divss, DIV, SS)
SSE_ARITH(divsd, DIV, SD)
SSE_FP(maxps)
SSE_FP(maxpd)
SSE_FP_SS(maxss)
SSE_FP_SD(maxsd)

/* Approximations: of software, the same on every host. */
#define APPROXIMATE(insn)                                                                                              \
    OP(sse_##insn##ps)                                                                                                 \
    {                                                                                                                  \
        RM_READ_VEC(b, true);                                                                                          \
        const union vec source = {.i = b};                                                                             \
        for (unsigned i = 0; i < 4; i++)                                                                               \
            XMM(op->reg).u32[i] = sse_approx_##insn(source.u32[i]);                                                    \
        NEXT();                                                                                                        \
    }                                                                                                                  \
    OP(sse_##insn##ss)                                                                                                 \
    {                                                                                                                  \
        RM_READ_VEC_LOW(32, b);                                                                                        \
        XMM(op->reg).u32[0] = sse_approx_##insn((uint32_t)_mm_cvtsi128_si32(b));                                       \
        NEXT();                                                                                                        \
    }
APPROXIMATE(rsqrt)
APPROXIMATE(rcp)

SSE_INT(andps)
SSE_INT(andpd)
SSE_INT(andnps)
SSE_INT(andnpd)
SSE_INT(orps)
SSE_INT(orpd)
SSE_INT(xorps)
SSE_INT(xorpd)
SSE_ARITH(haddps, HADD, PS)
SSE_ARITH(haddpd, HADD, PD)
SSE_ARITH(hsubps, HSUB, PS)
SSE_ARITH(hsubpd, HSUB, PD)
SSE_ARITH(addsubps, ADDSUB, PS)
SSE_ARITH(addsubpd, ADDSUB, PD)
SSE_INT(unpcklps)
SSE_INT(unpcklpd)
SSE_INT(unpckhps)
SSE_INT(unpckhpd)
