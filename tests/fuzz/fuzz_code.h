/* SPDX-License-Identifier: Apache-2.0 */
/* Random guest code: instructions of the opcode table with random operands, and plain random bytes. */
#ifndef FUZZ_CODE_H
#define FUZZ_CODE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* xorshift64*, so that a case is the same on every host. */
struct fuzz_random {
    uint64_t state; /* not 0 */
};
static inline uint64_t fuzz_next(struct fuzz_random *r)
{
    r->state ^= r->state >> 12;
    r->state ^= r->state << 25;
    r->state ^= r->state >> 27;
    return r->state * 0x2545f4914f6cdd1du;
}
static inline uint64_t fuzz_below(struct fuzz_random *r, uint64_t n) { return (fuzz_next(r) >> 11) % n; }
/* A value that likes edges: small, powers of two, all ones, addresses below `ram`. */
uint64_t fuzz_value(struct fuzz_random *r, uint64_t ram);

/* Fills `size` bytes with code; mode_bits 16, 32 or 64. */
void fuzz_code(struct fuzz_random *r, unsigned mode_bits, uint8_t *bytes, size_t size);

#ifdef __cplusplus
}
#endif
#endif
