/* SPDX-License-Identifier: Apache-2.0 */
/* Private state of a memory. */
#ifndef MEMORY_STATE_H
#define MEMORY_STATE_H

#include "memory.h"

struct memory {
    uint8_t *bytes;
    uint64_t size;
    struct mem_stats stats;
};

/* Written so that offset + size cannot overflow. */
static inline bool mem_is_inside(const struct memory *m, uint64_t offset, uint64_t size)
{
    return size <= m->size && offset <= m->size - size;
}

#endif
