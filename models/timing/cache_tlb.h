/* SPDX-License-Identifier: Apache-2.0 */
/* The translation caches of one core: a first level for data and one for instructions, a common second level, and a
 * cache of page-directory entries that shortens walks. Pages of 4 KiB and larger ones lie in arrays of their own in the
 * first level and share the second. Large pages of 1 GiB are kept as 2 MiB pieces.
 *
 * A miss of both levels walks: the walk function tells which table entries it reads; each is a load that goes through
 * the data caches (the load function). What the simulated core caches of translations for its own speed plays no part.
 * Address-space identifiers (PCID) are not modelled: a change of CR3 drops what is not global. */
#ifndef CACHE_TLB_H
#define CACHE_TLB_H

#include "cache_array.h"
#include "timing_model.h"

#ifdef __cplusplus
extern "C" {
#endif

struct tlb_config {
    uint32_t dtlb_entries, dtlb_large, itlb_entries, itlb_large, stlb_entries;
    uint32_t stlb_cycles; /* more for a hit of the second level */
    uint32_t walk_cycles; /* of a walk, beside its loads        */
};

struct tlb_stats {
#define CACHE_STAT(name, unit, sentence) uint64_t name;
#include "cache_tlb_stats.def"
#undef CACHE_STAT
};

struct tlb_unit {
    struct tlb_config config;
    struct cache_array small[2], large[2]; /* first level: 0 data, 1 instructions */
    struct cache_array second, directory;
    struct tlb_stats stats;
    uint64_t lost[2]; /* counts entries that left the first level: data, instructions */
    /* The page of the last access, its number and its size: the first of its set, so another access changes nothing. */
    struct tlb_last {
        uint64_t page; /* UINT64_MAX: unknown */
        uint32_t shift;
    } last[2];
};

/* What a walk needs of the rest of the model. */
struct tlb_walker {
    void *ctx;
    /* Which entries translate the address. False: nothing does; the entries up to the one that says so. */
    bool (*walk)(void *ctx, uint64_t linear, struct timing_walk *walk);
    uint32_t (*load)(void *ctx, uint64_t physical); /* cycles of one dependent load */
};

/* Ways of a set if there are so many entries: as few as remain, but more than 4, if the sets are as many as possible.
 * 96 entries are 16 sets of 6. */
uint32_t tlb_unit_ways(uint32_t entries);
/* False: no memory; destroy it all the same. Sizes need not be powers of two. */
VP_NODISCARD bool tlb_unit_create(struct tlb_unit *t, const struct tlb_config *config);
void tlb_unit_destroy(struct tlb_unit *t); /* accepts one that is all zero */

/* Cycles beyond those of a hit in the first level. */
uint32_t tlb_unit_access(struct tlb_unit *t, uint64_t linear, bool is_fetch, const struct tlb_walker *walker);
/* The same for one that ends in a page fault: a translation that was at hand does not save the walk, and none is kept.
 */
uint32_t tlb_unit_fault(struct tlb_unit *t, uint64_t linear, bool is_fetch, const struct tlb_walker *walker);
/* An access on the page of the last one: it hits, is counted, and is done. */
static inline bool tlb_unit_same_page(struct tlb_unit *t, uint64_t linear, bool is_fetch)
{
    if (linear >> t->last[is_fetch].shift != t->last[is_fetch].page)
        return false;
    if (is_fetch)
        t->stats.itlb_hits++;
    else
        t->stats.dtlb_hits++;
    return true;
}
void tlb_unit_flush(struct tlb_unit *t, bool keep_global);
void tlb_unit_invalidate(struct tlb_unit *t, uint64_t linear);

#ifdef __cplusplus
}
#endif
#endif
