/* SPDX-License-Identifier: Apache-2.0 */
/* alu: a mix of 64- and 32-bit integer operations on registers. */
#include "guest.h"
const char kernel_name[] = "alu";
const uint64_t kernel_iters = 200000;

static inline uint64_t rol(uint64_t v, int n) { return v << n | v >> (64 - n); }

uint64_t kernel(uint64_t n)
{
    uint64_t a = 0x9e3779b97f4a7c15, b = 0xbf58476d1ce4e5b9, c = 0x94d049bb133111eb;
    uint32_t x = 0x12345678, y = 0x9abcdef0;

    for (uint64_t i = 0; i < n; i++) {
        a += rol(b, 13) ^ i;
        b = b * 0xff51afd7ed558ccd + (a >> 7);
        c ^= (a - b) & ~rol(c, 29);
        x += (uint32_t)a ^ y << 5;
        y = (y ^ x >> 3) * 33 + (uint32_t)(c >> 32);
        a = (int64_t)b < (int64_t)c ? a + c : a - b; /* cmov */
        c += (uint64_t)__builtin_ctzll(a | 1ull << 63) << (x & 31);
        b ^= (uint64_t)((unsigned __int128)a * c >> 64); /* wide multiply */
        if ((i & 7) == 0)
            x ^= (uint32_t)(a / (y | 1u)); /* divide, one in eight */
    }
    return a ^ b ^ c ^ ((uint64_t)x << 32 | y);
}
