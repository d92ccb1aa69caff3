/* SPDX-License-Identifier: Apache-2.0 */
/* A piece of work for programs that compute while their I/O goes on: 1000 multiplications, each of which needs the one
 * before. */
#ifndef ASYNC_COMPUTE_H
#define ASYNC_COMPUTE_H

#include <stdint.h>

static volatile uint64_t computed; /* so that the compiler does not leave it out */

static inline void compute(void)
{
    uint64_t x = computed;
    for (unsigned i = 0; i < 1000; i++)
        x = x * 6364136223846793005ull + 1;
    computed = x;
}

#endif
