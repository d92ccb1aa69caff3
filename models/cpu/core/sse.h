/* SPDX-License-Identifier: Apache-2.0 */
/* Shapes of SSE handlers. An instruction is executed by the same instruction of the host, written as assembly because
 * the compiler is free to exchange the operands of its intrinsics, which NaNs would tell.
 *   SSE_INT(insn)                 16-byte operand, aligned in memory: integer, logic, shuffles
 *   SSE_LOW_16/32/64(insn)        only the low bits of the operand are read, no alignment
 *   SSE_FP(insn)                  as SSE_INT with floating-point: rounding and exceptions
 *   SSE_FP_SS/SD(insn)            the low 32 or 64 bits
 *   SSE_ARITH(insn, arith, type)  of these, those that may overflow or underflow
 * Source: SDM Vol. 2, the instructions' pages; alignment: Vol. 1, "Memory Alignment" of the SSE programming chapters.
 */
#ifndef CPU_SSE_H
#define CPU_SSE_H

#include "host_fp.h"
#include "mem.h"

/* exec_<insn>(destination, source). Volatile: it may use and change MXCSR. */
#define SSE_EXEC(insn)                                                                                                 \
    static inline __m128i exec_##insn(__m128i a, __m128i b)                                                            \
    {                                                                                                                  \
        __asm__ volatile(#insn " %1, %0" : "+x"(a) : "x"(b));                                                          \
        return a;                                                                                                      \
    }
#define SSE_BODY(insn, read)                                                                                           \
    SSE_EXEC(insn)                                                                                                     \
    OP(sse_##insn)                                                                                                     \
    {                                                                                                                  \
        read;                                                                                                          \
        XMM(op->reg).i = exec_##insn(XMM(op->reg).i, b);                                                               \
        NEXT();                                                                                                        \
    }
/* The result is written only if no unmasked exception came up. */
#define SSE_FP_BODY(insn, read)                                                                                        \
    SSE_EXEC(insn)                                                                                                     \
    OP(sse_##insn)                                                                                                     \
    {                                                                                                                  \
        read;                                                                                                          \
        FP_BEGIN();                                                                                                    \
        const __m128i result = exec_##insn(XMM(op->reg).i, b);                                                         \
        FP_END();                                                                                                      \
        XMM(op->reg).i = result;                                                                                       \
        NEXT();                                                                                                        \
    }
/* Arithmetic that may overflow or underflow: type is PS PD SS SD, arith as in sse_exact.h. */
#define SSE_ARITH(insn, arith, type)                                                                                   \
    SSE_EXEC(insn)                                                                                                     \
    OP(sse_##insn)                                                                                                     \
    {                                                                                                                  \
        READ_##type(b);                                                                                                \
        FP_BEGIN();                                                                                                    \
        const __m128i result = exec_##insn(XMM(op->reg).i, b);                                                         \
        FP_END_ARITH(SSE_##arith, SSE_##type, XMM(op->reg).i, b);                                                      \
        XMM(op->reg).i = result;                                                                                       \
        NEXT();                                                                                                        \
    }
#define READ_PS(b) RM_READ_VEC(b, true)
#define READ_PD(b) RM_READ_VEC(b, true)
#define READ_SS(b) RM_READ_VEC_LOW(32, b)
#define READ_SD(b) RM_READ_VEC_LOW(64, b)
#define SSE_INT(insn) SSE_BODY(insn, RM_READ_VEC(b, true))
#define SSE_LOW_16(insn) SSE_BODY(insn, RM_READ_VEC_LOW(16, b))
#define SSE_LOW_32(insn) SSE_BODY(insn, RM_READ_VEC_LOW(32, b))
#define SSE_LOW_64(insn) SSE_BODY(insn, RM_READ_VEC_LOW(64, b))
#define SSE_FP(insn) SSE_FP_BODY(insn, RM_READ_VEC(b, true))
#define SSE_FP_SS(insn) SSE_FP_BODY(insn, RM_READ_VEC_LOW(32, b))
#define SSE_FP_SD(insn) SSE_FP_BODY(insn, RM_READ_VEC_LOW(64, b))

#endif
