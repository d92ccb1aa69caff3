/* SPDX-License-Identifier: Apache-2.0 */
/* Which physical memory holds code that some core has cached, in chunks of 64 bytes: one map for all cores of a
 * platform, so that a store by any of them, or by a device, drops the code everywhere. */
#include "cpu_state.h"

#include <stdlib.h>

#define CODE_MAP_CORES 256u

struct cpu_code_map {
    uint64_t pages;
    uint64_t *chunks; /* per page: bit i = bytes 64*i .. 64*i+63 */
    struct cpu *cores[CODE_MAP_CORES];
    unsigned count;
};

struct cpu_code_map *cpu_code_map_create(uint64_t memory_bytes)
{
    struct cpu_code_map *map = calloc(1, sizeof *map);
    if (!map)
        return NULL;
    map->pages = (memory_bytes + PAGE_SIZE - 1) >> PAGE_SHIFT;
    map->chunks = calloc(map->pages ? map->pages : 1, sizeof *map->chunks);
    if (!map->chunks) {
        free(map);
        return NULL;
    }
    return map;
}

void cpu_code_map_destroy(struct cpu_code_map *map)
{
    if (!map)
        return;
    free(map->chunks);
    free(map);
}

bool code_map_register(struct cpu_code_map *map, struct cpu *cpu)
{
    if (map->count == CODE_MAP_CORES)
        return false;
    map->cores[map->count++] = cpu;
    return true;
}

void code_map_unregister(struct cpu_code_map *map, struct cpu *cpu)
{
    for (unsigned i = 0; i < map->count; i++)
        if (map->cores[i] == cpu)
            map->cores[i] = map->cores[--map->count];
}

/* Bits of the chunks that [pa, pa + size) touches within its first page. */
static uint64_t chunk_mask(uint64_t pa, uint64_t size)
{
    uint64_t first = (pa & ~PAGE_MASK) >> 6, end = (pa & ~PAGE_MASK) + size;
    uint64_t last = ((end > PAGE_SIZE ? PAGE_SIZE : end) - 1) >> 6;
    return (UINT64_MAX >> (63 - last)) & (UINT64_MAX << first);
}

void code_map_mark(struct cpu_code_map *map, uint64_t pa, uint32_t size)
{
    uint64_t page = pa >> PAGE_SHIFT;
    if (page >= map->pages)
        return;
    bool is_new = map->chunks[page] == 0;
    map->chunks[page] |= chunk_mask(pa, size);
    if (is_new)
        for (unsigned i = 0; i < map->count; i++)
            cpu_tlb_protect_code(map->cores[i], pa & PAGE_MASK);
}

bool code_map_is_code_page(const struct cpu_code_map *map, uint64_t pa)
{
    uint64_t page = pa >> PAGE_SHIFT;
    return page < map->pages && map->chunks[page] != 0;
}

bool code_map_hits(const struct cpu_code_map *map, uint64_t pa, uint64_t size)
{
    uint64_t page = pa >> PAGE_SHIFT;
    return page < map->pages && (map->chunks[page] & chunk_mask(pa, size)) != 0;
}

void cpu_code_map_written(struct cpu_code_map *map, uint64_t pa, uint64_t size)
{
    while (size > 0) {
        uint64_t in_page = PAGE_SIZE - (pa & ~PAGE_MASK);
        uint64_t n = size < in_page ? size : in_page;
        if (code_map_hits(map, pa, n)) {
            for (unsigned i = 0; i < map->count; i++)
                block_drop_page(map->cores[i], pa & PAGE_MASK);
            map->chunks[pa >> PAGE_SHIFT] = 0;
        }
        pa += n;
        size -= n;
    }
}
