/* SPDX-License-Identifier: Apache-2.0 */
/* See host_memory.h. */
#include "host_memory.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define LARGE_PAGE (2u << 20)

static size_t round_up(size_t bytes, size_t unit) { return (bytes + unit - 1) / unit * unit; }

/* Small tables come from the heap. */
static bool is_large(size_t bytes) { return bytes >= LARGE_PAGE / 2; }

/* Mapped with room to begin at a large page; the room is given back. */
static void *map_large(size_t bytes)
{
    size_t size = round_up(bytes, LARGE_PAGE), room = size + LARGE_PAGE;
    char *at = mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED)
        return NULL;
    size_t before = round_up((uintptr_t)at, LARGE_PAGE) - (uintptr_t)at;
    if (before)
        (void)munmap(at, before);
    (void)munmap(at + before + size, room - before - size);
    (void)madvise(at + before, size, MADV_HUGEPAGE); /* a wish */
    return at + before;
}

void *host_memory_create(size_t bytes)
{
    if (is_large(bytes))
        return map_large(bytes);
    size_t size = round_up(bytes ? bytes : 1, HOST_LINE);
    void *memory = aligned_alloc(HOST_LINE, size);
    if (memory)
        memset(memory, 0, size);
    return memory;
}

void host_memory_destroy(void *memory, size_t bytes)
{
    if (!memory)
        return;
    if (is_large(bytes))
        (void)munmap(memory, round_up(bytes, LARGE_PAGE));
    else
        free(memory);
}
