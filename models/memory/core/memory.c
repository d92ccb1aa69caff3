/* SPDX-License-Identifier: Apache-2.0 */
/* RAM: storage and bounded reads and writes. Read-modify-writes are memory_atomic.c's. */
#include "memory_state.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

struct memory *mem_create(uint64_t size_bytes)
{
    if (size_bytes == 0 || size_bytes % 4096 != 0 || size_bytes > SIZE_MAX / 2)
        return NULL;
    struct memory *m = calloc(1, sizeof *m);
    if (!m)
        return NULL;
    /* Pages that the guest never touches cost nothing. */
    void *bytes = mmap(NULL, (size_t)size_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (bytes == MAP_FAILED) {
        free(m);
        return NULL;
    }
    m->bytes = bytes;
    m->size = size_bytes;
    return m;
}

void mem_destroy(struct memory *m)
{
    if (!m)
        return;
    munmap(m->bytes, (size_t)m->size);
    free(m);
}

uint64_t mem_size(const struct memory *m) { return m->size; }
uint8_t *mem_bytes(struct memory *m) { return m->bytes; }
const struct mem_stats *mem_stats(const struct memory *m) { return &m->stats; }

enum mem_status mem_read(struct memory *m, uint64_t offset, void *bytes, uint64_t size)
{
    if (!mem_is_inside(m, offset, size))
        return MEM_OUT_OF_RANGE;
    memcpy(bytes, m->bytes + offset, (size_t)size);
    m->stats.reads++;
    return MEM_OK;
}

enum mem_status mem_write(struct memory *m, uint64_t offset, const void *bytes, uint64_t size)
{
    if (!mem_is_inside(m, offset, size))
        return MEM_OUT_OF_RANGE;
    memcpy(m->bytes + offset, bytes, (size_t)size);
    m->stats.writes++;
    return MEM_OK;
}
