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
    void *bytes =
        mmap(NULL, (size_t)size_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
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

/* memcpy that may be called with no bytes and no pointers, which ISO C forbids. */
static void copy(void *to, const void *from, uint64_t size)
{
    if (size != 0)
        memcpy(to, from, (size_t)size);
}

static void copy_enabled(uint8_t *to, const uint8_t *from, uint64_t size, const uint8_t *enables, uint64_t enable_count)
{
    for (uint64_t i = 0; i < size; i++)
        if (enables[i % enable_count] != 0)
            to[i] = from[i];
}

enum mem_status mem_read(struct memory *m, uint64_t offset, void *bytes, uint64_t size)
{
    if (!mem_is_inside(m, offset, size))
        return MEM_OUT_OF_RANGE;
    copy(bytes, m->bytes + offset, size);
    m->stats.reads++;
    return MEM_OK;
}

enum mem_status mem_write(struct memory *m, uint64_t offset, const void *bytes, uint64_t size)
{
    if (!mem_is_inside(m, offset, size))
        return MEM_OUT_OF_RANGE;
    copy(m->bytes + offset, bytes, size);
    m->stats.writes++;
    return MEM_OK;
}

enum mem_status mem_read_enabled(struct memory *m, uint64_t offset, void *bytes, uint64_t size, const uint8_t *enables,
                                 uint64_t enable_count)
{
    VP_ASSERT(enable_count > 0);
    if (!mem_is_inside(m, offset, size))
        return MEM_OUT_OF_RANGE;
    copy_enabled(bytes, m->bytes + offset, size, enables, enable_count);
    m->stats.reads++;
    return MEM_OK;
}

enum mem_status mem_write_enabled(struct memory *m, uint64_t offset, const void *bytes, uint64_t size,
                                  const uint8_t *enables, uint64_t enable_count)
{
    VP_ASSERT(enable_count > 0);
    if (!mem_is_inside(m, offset, size))
        return MEM_OUT_OF_RANGE;
    copy_enabled(m->bytes + offset, bytes, size, enables, enable_count);
    m->stats.writes++;
    return MEM_OK;
}

static uint64_t part_inside(const struct memory *m, uint64_t offset, uint64_t size)
{
    if (offset >= m->size)
        return 0;
    return size < m->size - offset ? size : m->size - offset;
}

uint64_t mem_debug_read(const struct memory *m, uint64_t offset, void *bytes, uint64_t size)
{
    uint64_t count = part_inside(m, offset, size);
    if (count != 0)
        memcpy(bytes, m->bytes + offset, (size_t)count);
    return count;
}

uint64_t mem_debug_write(struct memory *m, uint64_t offset, const void *bytes, uint64_t size)
{
    uint64_t count = part_inside(m, offset, size);
    if (count != 0)
        memcpy(m->bytes + offset, bytes, (size_t)count);
    return count;
}
