/* SPDX-License-Identifier: Apache-2.0 */
/* Shapes of SSE handlers. In each, `a` is the destination's old value and `b` the r/m operand; `expr` gives the
 * destination's new value. a, b and expr are __m128i, in _PS __m128, in _PD __m128d.
 *   SSE_OP               16-byte operand, aligned in memory: integer, logic, shuffles
 *   SSE_FP_PS, _PD       the same with floating-point arithmetic: rounding and exceptions
 *   SSE_FP_SS, _SD       only the low 32 or 64 bits of the operand are read, no alignment
 * Source: SDM Vol. 2, the instructions' pages; alignment: Vol. 1, "Memory Alignment" of the SSE programming chapters.
 */
#ifndef CPU_SSE_H
#define CPU_SSE_H

#include "host_fp.h"
#include "mem.h"

#define SSE_OP(name, expr)                                                                                             \
    OP(name)                                                                                                           \
    {                                                                                                                  \
        RM_READ_VEC(b, true);                                                                                          \
        const __m128i a = XMM(op->reg).i;                                                                              \
        XMM(op->reg).i = (expr);                                                                                       \
        NEXT();                                                                                                        \
    }
/* The common body: `read` declares raw_, the operand. */
#define SSE_FP_BODY(name, type, member, cast, read, expr)                                                              \
    OP(name)                                                                                                           \
    {                                                                                                                  \
        read;                                                                                                          \
        FP_BEGIN();                                                                                                    \
        const type a = XMM(op->reg).member, b = cast(raw_);                                                            \
        const type result_ = (expr);                                                                                   \
        FP_END();                                                                                                      \
        (void)a;                                                                                                       \
        XMM(op->reg).member = result_;                                                                                 \
        NEXT();                                                                                                        \
    }
#define SSE_FP_PS(name, expr) SSE_FP_BODY(name, __m128, ps, _mm_castsi128_ps, RM_READ_VEC(raw_, true), expr)
#define SSE_FP_PD(name, expr) SSE_FP_BODY(name, __m128d, pd, _mm_castsi128_pd, RM_READ_VEC(raw_, true), expr)
#define SSE_FP_SS(name, expr) SSE_FP_BODY(name, __m128, ps, _mm_castsi128_ps, RM_READ_VEC_LOW(32, raw_), expr)
#define SSE_FP_SD(name, expr) SSE_FP_BODY(name, __m128d, pd, _mm_castsi128_pd, RM_READ_VEC_LOW(64, raw_), expr)

#endif
