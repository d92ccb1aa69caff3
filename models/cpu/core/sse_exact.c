/* SPDX-License-Identifier: Apache-2.0 */
/* See sse_exact.h. The host's x87 has an exponent of 15 bits, so with its precision control at 24 or 53 bits it rounds
 * what singles and doubles give as if their exponents were unbounded. */
#include "sse_exact.h"

#include "host_fp.h"
#include "x87_host.h"

#include <float.h>
#include <math.h>
#include <string.h>

#define OE 0x08u
#define UE 0x10u
#define PE 0x20u
#define DAZ 0x40u
#define OM (OE << MXCSR_MASK_SHIFT)
#define UM (UE << MXCSR_MASK_SHIFT)
#define FTZ 0x8000u
#define X87_PE 0x20u

enum { FADD, FMUL, FSUB = 4, FDIV = 6 }; /* as x87_host_arith counts */

/* An operand as the instruction takes it: denormals are zeros under DAZ. */
static long double operand(const union vec *v, unsigned lane, bool is_double, uint32_t mxcsr)
{
    const long double value = is_double ? (long double)v->f64[lane] : (long double)v->f32[lane];
    const long double least = is_double ? (long double)DBL_MIN : (long double)FLT_MIN;
    return (mxcsr & DAZ) && fabsl(value) < least ? 0 * value : value;
}

/* Flags of one operation with a result in single or double precision. */
static uint32_t flags_of(unsigned x87_op, bool is_double, uint32_t mxcsr, long double a, long double b, long double *r)
{
    union vec x = {.u64 = {0}}, y = {.u64 = {0}}, z = {.u64 = {0}};
    memcpy(&x, &a, 10);
    memcpy(&y, &b, 10);
    const uint16_t fcw = (uint16_t)(0x3f | (is_double ? 0x200 : 0) | (mxcsr >> 13 & 3) << 10);
    const bool is_inexact = x87_host_arith[x87_op](fcw, &z, &x, &y) & X87_PE;
    memcpy(r, &z, 10);
    if (!isfinite(a) || !isfinite(b) || (x87_op == FDIV && b == 0))
        return 0; /* invalid, zero divide, or exact */

    const long double size = fabsl(*r), most = is_double ? (long double)DBL_MAX : (long double)FLT_MAX;
    const long double least = is_double ? (long double)DBL_MIN : (long double)FLT_MIN;
    if (size > most)
        return OE | (is_inexact || (mxcsr & OM) ? PE : 0);
    if (size == 0 || size >= least)
        return is_inexact ? PE : 0;
    if (!(mxcsr & UM))
        return UE | (is_inexact ? PE : 0);
    const long double denormal = is_double ? (long double)(double)*r : (long double)(float)*r;
    return is_inexact || denormal != *r || (mxcsr & FTZ) ? UE | PE : 0;
}

uint32_t sse_exact_flags(enum sse_arith arith, enum sse_type type, uint32_t mxcsr, const union vec *a,
                         const union vec *b)
{
    const bool is_double = type == SSE_PD || type == SSE_SD;
    const unsigned lanes = type == SSE_PS ? 4 : type == SSE_PD ? 2 : 1;
    uint32_t flags = 0;
    for (unsigned i = 0; i < lanes; i++) {
        const union vec *left = a, *right = b;
        unsigned left_lane = i, right_lane = i, op = FADD;
        switch (arith) {
        case SSE_ADD:
        case SSE_NARROW: break;
        case SSE_SUB: op = FSUB; break;
        case SSE_MUL: op = FMUL; break;
        case SSE_DIV: op = FDIV; break;
        case SSE_ADDSUB: op = i % 2 ? FADD : FSUB; break;
        case SSE_HADD:
        case SSE_HSUB: /* neighbours of one operand */
            op = arith == SSE_HADD ? FADD : FSUB;
            left = right = 2 * i < lanes ? a : b;
            left_lane = 2 * i < lanes ? 2 * i : 2 * i - lanes;
            right_lane = left_lane + 1;
            break;
        }
        long double r;
        if (arith == SSE_NARROW) /* rounded by the addition of nothing */
            flags |= flags_of(op, false, mxcsr, operand(b, i, true, mxcsr), 0, &r);
        else
            flags |= flags_of(op, is_double, mxcsr, operand(left, left_lane, is_double, mxcsr),
                              operand(right, right_lane, is_double, mxcsr), &r);
    }
    return flags;
}
