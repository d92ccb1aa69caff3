/* SPDX-License-Identifier: Apache-2.0 */
/* Which physical memory holds code that some core has cached, in chunks of 64 bytes: one map for all cores of a
 * platform, so that a store by any of them, or by a device, drops the code everywhere. Lines that a
 * core monitors are kept beside it: their stores must take the same slow way. */
#include "wait.h"

#include <stdlib.h>

#define CODE_MAP_CORES 256u

struct cpu_code_map {
    uint64_t pages;
    uint64_t *chunks;  /* per page: bit i = bytes 64*i .. 64*i+63 hold cached code */
    uint64_t *watched; /* the same for lines that a core monitors */
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
    map->watched = calloc(map->pages ? map->pages : 1, sizeof *map->watched);
    if (!map->chunks || !map->watched) {
        cpu_code_map_destroy(map);
        return NULL;
    }
    return map;
}

void cpu_code_map_destroy(struct cpu_code_map *map)
{
    if (!map)
        return;
    free(map->chunks);
    free(map->watched);
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

static void mark(struct cpu_code_map *map, uint64_t *set, uint64_t pa, uint32_t size)
{
    uint64_t page = pa >> PAGE_SHIFT;
    if (page >= map->pages)
        return;
    bool is_new = !code_map_is_code_page(map, pa);
    set[page] |= chunk_mask(pa, size);
    if (is_new)
        for (unsigned i = 0; i < map->count; i++)
            cpu_tlb_protect_code(map->cores[i], pa & PAGE_MASK);
}

void code_map_mark(struct cpu_code_map *map, uint64_t pa, uint32_t size) { mark(map, map->chunks, pa, size); }
void code_map_watch(struct cpu_code_map *map, uint64_t pa, uint32_t size) { mark(map, map->watched, pa, size); }

void code_map_unwatch(struct cpu_code_map *map, uint64_t pa)
{
    uint64_t page = pa >> PAGE_SHIFT;
    if (page >= map->pages)
        return;
    map->watched[page] = 0;
    for (unsigned i = 0; i < map->count; i++)
        if (map->cores[i]->monitor_armed && map->cores[i]->monitor_pa >> PAGE_SHIFT == page)
            map->watched[page] |= chunk_mask(map->cores[i]->monitor_pa, MONITOR_LINE);
}

bool code_map_is_code_page(const struct cpu_code_map *map, uint64_t pa)
{
    uint64_t page = pa >> PAGE_SHIFT;
    return page < map->pages && (map->chunks[page] | map->watched[page]) != 0;
}

bool code_map_hits(const struct cpu_code_map *map, uint64_t pa, uint64_t size)
{
    uint64_t page = pa >> PAGE_SHIFT;
    return page < map->pages && ((map->chunks[page] | map->watched[page]) & chunk_mask(pa, size)) != 0;
}

static void drop_code(struct cpu_code_map *map, uint64_t pa)
{
    for (unsigned i = 0; i < map->count; i++)
        block_drop_page(map->cores[i], pa & PAGE_MASK);
    map->chunks[pa >> PAGE_SHIFT] = 0;
}

/* A device's store has no core's cycle: a waiting core looks at its own time. */
static void wake_monitors(struct cpu_code_map *map, uint64_t pa, uint64_t size, struct cpu *writer)
{
    bool woke = false;
    uint64_t cycle = writer ? writer->cycles : 0;
    for (unsigned i = 0; i < map->count; i++)
        if (cpu_monitor_hit(map->cores[i], pa, size, cycle) && writer && map->cores[i] != writer)
            woke = true;
    code_map_unwatch(map, pa);
    if (woke && writer->bus.monitor_woke)
        cpu_bus(writer)->monitor_woke(writer->bus.ctx, cycle);
}

void code_map_written(struct cpu_code_map *map, uint64_t pa, uint64_t size, struct cpu *writer)
{
    while (size > 0) {
        uint64_t in_page = PAGE_SIZE - (pa & ~PAGE_MASK), page = pa >> PAGE_SHIFT;
        uint64_t n = size < in_page ? size : in_page, touched = chunk_mask(pa, n);
        if (page < map->pages && (map->chunks[page] & touched))
            drop_code(map, pa);
        if (page < map->pages && (map->watched[page] & touched))
            wake_monitors(map, pa, n, writer);
        pa += n;
        size -= n;
    }
}

void cpu_code_map_written(struct cpu_code_map *map, uint64_t pa, uint64_t size)
{
    code_map_written(map, pa, size, NULL);
}
