/* SPDX-License-Identifier: Apache-2.0 */
/* Bit fields and address arithmetic used by more than one model. Pure functions. */
#ifndef VP_COMMON_BITS_H
#define VP_COMMON_BITS_H

#include <stdbool.h>
#include <stdint.h>

/* Bits hi..lo of v, right-aligned; 0 <= lo <= hi <= 63. */
static inline uint64_t bits_get(uint64_t v, unsigned hi, unsigned lo)
{
    return (v >> lo) & (UINT64_MAX >> (63u - (hi - lo)));
}

/* v is canonical for linear addresses of `width` bits (48 or 57): bits 63..width-1 are all equal. */
static inline bool bits_is_canonical(uint64_t v, unsigned width)
{
    int64_t top = (int64_t)v >> (width - 1);
    return top == 0 || top == -1;
}

/* Index of the highest set bit; v must not be 0. */
static inline unsigned bits_msb(uint64_t v) { return 63u - (unsigned)__builtin_clzll(v); }

#endif
