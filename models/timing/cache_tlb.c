/* SPDX-License-Identifier: Apache-2.0 */
/* See cache_tlb.h. Numbers in the arrays are page numbers (4 KiB or 2 MiB); in the second level with one more bit that
 * tells which. State 1: an ordinary translation, 2: a global one. */
#include "cache_tlb.h"

enum { SMALL_SHIFT = 12, LARGE_SHIFT = 21, NOT_GLOBAL = 1, GLOBAL = 2 };
enum { DIRECTORY_ENTRIES = 32 };

uint32_t tlb_unit_ways(uint32_t entries)
{
    while (entries % 2 == 0 && entries > 8)
        entries /= 2;
    return entries;
}

static bool create_array(struct cache_array *a, uint32_t entries)
{
    uint32_t ways = tlb_unit_ways(entries);
    return cache_array_create(a, entries / ways, ways);
}

static void forget_last(struct tlb_unit *t) { t->last[0] = t->last[1] = (struct tlb_last){UINT64_MAX, SMALL_SHIFT}; }

bool tlb_unit_create(struct tlb_unit *t, const struct tlb_config *config)
{
    *t = (struct tlb_unit){.config = *config};
    forget_last(t);
    return create_array(&t->small[0], config->dtlb_entries) && create_array(&t->large[0], config->dtlb_large) &&
           create_array(&t->small[1], config->itlb_entries) && create_array(&t->large[1], config->itlb_large) &&
           create_array(&t->second, config->stlb_entries) && create_array(&t->directory, DIRECTORY_ENTRIES);
}

void tlb_unit_destroy(struct tlb_unit *t)
{
    for (int i = 0; i < 2; i++) {
        cache_array_destroy(&t->small[i]);
        cache_array_destroy(&t->large[i]);
    }
    cache_array_destroy(&t->second);
    cache_array_destroy(&t->directory);
}

static uint64_t page_of(uint64_t linear, bool large) { return linear >> (large ? LARGE_SHIFT : SMALL_SHIFT); }
static uint64_t second_number(uint64_t linear, bool large) { return page_of(linear, large) << 1 | large; }

static void fill_first(struct tlb_unit *t, uint64_t linear, bool is_fetch, bool large, unsigned state)
{
    struct cache_array *a = large ? &t->large[is_fetch] : &t->small[is_fetch];
    if (cache_array_insert(a, page_of(linear, large), state).number != CACHE_ARRAY_NONE)
        t->lost[is_fetch]++;
    t->last[is_fetch] = (struct tlb_last){page_of(linear, large), large ? LARGE_SHIFT : SMALL_SHIFT};
}

static uint32_t load_entries(struct tlb_unit *t, const struct timing_walk *w, uint32_t first,
                             const struct tlb_walker *walker)
{
    uint32_t cycles = 0;
    for (uint32_t i = first; i < w->count; i++) {
        cycles += walker->load(walker->ctx, w->entry[i]);
        t->stats.walk_loads++;
    }
    return cycles;
}

static uint32_t walk(struct tlb_unit *t, uint64_t linear, bool is_fetch, const struct tlb_walker *walker)
{
    struct timing_walk w = {0};
    uint32_t cycles = t->config.walk_cycles;
    t->stats.walks++;
    if (!walker->walk || !walker->walk(walker->ctx, linear, &w))
        return cycles; /* the access itself has taken the translation away */
    /* The last entry of the upper levels is remembered: a walk begins behind it. */
    bool large = w.page_shift >= LARGE_SHIFT;
    uint32_t first = 0;
    if (!large && cache_array_touch(&t->directory, linear >> LARGE_SHIFT))
        first = w.count - 1;
    else if (!large)
        (void)cache_array_insert(&t->directory, linear >> LARGE_SHIFT, w.global ? GLOBAL : NOT_GLOBAL);
    cycles += load_entries(t, &w, first, walker);
    unsigned state = w.global ? GLOBAL : NOT_GLOBAL;
    (void)cache_array_insert(&t->second, second_number(linear, large), state);
    fill_first(t, linear, is_fetch, large, state);
    return cycles;
}

static bool find_first(struct tlb_unit *t, uint64_t linear, bool is_fetch)
{
    for (int large = 0; large < 2; large++)
        if (cache_array_touch(large ? &t->large[is_fetch] : &t->small[is_fetch], page_of(linear, large))) {
            t->last[is_fetch] = (struct tlb_last){page_of(linear, large), large ? LARGE_SHIFT : SMALL_SHIFT};
            return true;
        }
    return false;
}

static void count_miss(struct tlb_unit *t, bool is_fetch)
{
    if (is_fetch)
        t->stats.itlb_misses++;
    else
        t->stats.dtlb_misses++;
}

uint32_t tlb_unit_fault(struct tlb_unit *t, uint64_t linear, bool is_fetch, const struct tlb_walker *walker)
{
    struct timing_walk w = {0};
    count_miss(t, is_fetch);
    t->stats.walks++;
    if (walker->walk)
        (void)walker->walk(walker->ctx, linear, &w);
    bool is_known = w.count > 0 && cache_array_touch(&t->directory, linear >> LARGE_SHIFT);
    return t->config.stlb_cycles + t->config.walk_cycles + load_entries(t, &w, is_known ? w.count - 1 : 0, walker);
}

uint32_t tlb_unit_access(struct tlb_unit *t, uint64_t linear, bool is_fetch, const struct tlb_walker *walker)
{
    if (VP_LIKELY(find_first(t, linear, is_fetch))) {
        if (is_fetch)
            t->stats.itlb_hits++;
        else
            t->stats.dtlb_hits++;
        return 0;
    }
    count_miss(t, is_fetch);
    for (int large = 0; large < 2; large++) {
        unsigned state = cache_array_touch(&t->second, second_number(linear, large));
        if (state) {
            t->stats.stlb_hits++;
            fill_first(t, linear, is_fetch, large, state);
            return t->config.stlb_cycles;
        }
    }
    return t->config.stlb_cycles + walk(t, linear, is_fetch, walker);
}

void tlb_unit_flush(struct tlb_unit *t, bool keep_global)
{
    struct cache_array *all[] = {&t->small[0], &t->small[1], &t->large[0], &t->large[1], &t->second};
    for (unsigned i = 0; i < sizeof all / sizeof all[0]; i++)
        if (keep_global)
            cache_array_remove_state(all[i], NOT_GLOBAL);
        else
            cache_array_clear(all[i]);
    cache_array_clear(&t->directory); /* MOV CR3 and INVLPG drop paging-structure caches: SDM Vol. 3, "Invalidation" */
    t->lost[0]++;
    t->lost[1]++;
    forget_last(t);
}

void tlb_unit_invalidate(struct tlb_unit *t, uint64_t linear)
{
    for (int large = 0; large < 2; large++) {
        for (int i = 0; i < 2; i++)
            cache_array_remove(large ? &t->large[i] : &t->small[i], page_of(linear, large));
        cache_array_remove(&t->second, second_number(linear, large));
    }
    cache_array_clear(&t->directory);
    t->lost[0]++;
    t->lost[1]++;
    forget_last(t);
}
