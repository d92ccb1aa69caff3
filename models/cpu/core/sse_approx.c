/* SPDX-License-Identifier: Apache-2.0 */
/* See sse_approx.h. Integers only: a significand of 24 bits stands for 1 to 2. */
#include "sse_approx.h"

#define SIGN 0x80000000u
#define INFINITE 0x7f800000u
#define QUIET 0x00400000u
#define DEFAULT_NAN 0xffc00000u
#define BIAS 127
#define FRACTION_BITS 23
#define RESULT_BITS 12 /* of the significand */

static uint32_t exponent_of(uint32_t x) { return x >> FRACTION_BITS & 0xff; }
static uint32_t significand_of(uint32_t x) { return (x & 0x7fffff) | 1u << FRACTION_BITS; }

/* significand: RESULT_BITS bits, or 2^RESULT_BITS by rounding up. */
static uint32_t pack(uint32_t sign, int exponent, uint32_t significand)
{
    if (significand >> RESULT_BITS) {
        significand >>= 1;
        exponent++;
    }
    if (exponent + BIAS <= 0) /* tiny results are flushed to zero */
        return sign;
    const uint32_t fraction = (significand << (FRACTION_BITS + 1 - RESULT_BITS)) & 0x7fffff;
    return sign | (uint32_t)(exponent + BIAS) << FRACTION_BITS | fraction;
}

uint32_t sse_approx_rcp(uint32_t x)
{
    const uint32_t sign = x & SIGN, exponent = exponent_of(x);
    if (exponent == 0) /* denormals are taken for zeros */
        return sign | INFINITE;
    if (exponent == 0xff)
        return (x & 0x7fffff) ? x | QUIET : sign;
    /* 1 / (m / 2^23) lies in (1/2, 1]: times 2^12 it is the significand. */
    const uint64_t m = significand_of(x), one = (uint64_t)1 << (FRACTION_BITS + RESULT_BITS);
    return pack(sign, BIAS - (int)exponent - 1, (uint32_t)((one + m / 2) / m));
}

/* Nearest to the square root of 2^47 / m. */
static uint32_t nearest_root(uint64_t m)
{
    const uint64_t v = ((uint64_t)1 << (FRACTION_BITS + 2 * RESULT_BITS)) / m;
    uint64_t root = 0;
    for (uint64_t bit = 1u << RESULT_BITS; bit != 0; bit >>= 1)
        if ((root + bit) * (root + bit) <= v)
            root += bit;
    const uint64_t half = 2 * root + 1; /* above: (half / 2)^2 < 2^47 / m */
    return (uint32_t)(half * half * m < (uint64_t)4 << (FRACTION_BITS + 2 * RESULT_BITS) ? root + 1 : root);
}

uint32_t sse_approx_rsqrt(uint32_t x)
{
    const uint32_t sign = x & SIGN, exponent = exponent_of(x);
    if (exponent == 0)
        return sign | INFINITE;
    if (exponent == 0xff && (x & 0x7fffff))
        return x | QUIET;
    if (sign)
        return DEFAULT_NAN;
    if (exponent == 0xff)
        return 0;
    /* x = m * 2^(2 k) with m in [1, 4): the result is 2^-k / sqrt(m), and 1 / sqrt(m) lies in (1/2, 1]. */
    const int e = (int)exponent - BIAS, odd = e & 1, k = (e - odd) / 2;
    const uint64_t m = (uint64_t)significand_of(x) << odd;
    return pack(0, -k - 1, nearest_root(m));
}
