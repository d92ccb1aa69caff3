/* SPDX-License-Identifier: Apache-2.0 */
/* A vector register, or a memory operand of up to 16 bytes, in all its readings. Vector instructions are executed by
 * the same instructions of the host (an x86-64-v2 processor), so their results are those of real hardware. */
#ifndef CPU_VEC_H
#define CPU_VEC_H

#include <emmintrin.h>
#include <stdint.h>

union vec {
    __m128i i;
    __m128 ps;
    __m128d pd;
    uint8_t u8[16];
    uint16_t u16[8];
    uint32_t u32[4];
    uint64_t u64[2];
    float f32[4];
    double f64[2];
};

#endif
