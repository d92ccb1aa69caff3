/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of syscall_fuzz share: one thread's dice and the arguments that it throws. */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdint.h>

enum { SCRATCH_BYTES = 1 << 16, NAMES = 4 };

struct fuzzer {
    uint64_t random;
    uint32_t worker, thread;
    uint8_t *scratch;  /* SCRATCH_BYTES that may be written, a page without access behind */
    uint8_t *readonly; /* a page */
    char name[NAMES][128];
    struct fuzzed_ring *ring; /* ring_fuzz.c; NULL: none at the moment */
};

uint64_t draw(struct fuzzer *f);
uint64_t below(struct fuzzer *f, uint64_t limit);
uint64_t any_number(struct fuzzer *f);
uint64_t any_pointer(struct fuzzer *f);
uint64_t any_path(struct fuzzer *f);
uint64_t any_descriptor(struct fuzzer *f);

void try_ring(struct fuzzer *f); /* ring_fuzz.c: one step with an io_uring */

#endif
