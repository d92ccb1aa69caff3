/* SPDX-License-Identifier: Apache-2.0 */
/* Overflow, underflow and inexact flags of SSE arithmetic where overflow or underflow is unmasked. They differ from
 * those of the masked response, which the host gives: a tiny result is then an underflow even if it is exact, and a
 * result is inexact only if rounding to the format's precision with an unbounded exponent is.
 * Source: SDM Vol. 1, "Numeric Overflow Exception", "Numeric Underflow Exception", "Inexact-Result (Precision)
 * Exception" of the floating-point chapter. */
#ifndef CPU_SSE_EXACT_H
#define CPU_SSE_EXACT_H

#include "vec.h"

enum sse_type { SSE_PS, SSE_PD, SSE_SS, SSE_SD };
enum sse_arith { SSE_ADD, SSE_SUB, SSE_MUL, SSE_DIV, SSE_ADDSUB, SSE_HADD, SSE_HSUB, SSE_NARROW /* PD to PS */ };

/* OE, UE and PE of MXCSR that the operation raises on a (the destination) and b under mxcsr. */
uint32_t sse_exact_flags(enum sse_arith arith, enum sse_type type, uint32_t mxcsr, const union vec *a,
                         const union vec *b);
#endif
