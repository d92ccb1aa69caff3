/* SPDX-License-Identifier: Apache-2.0 */
/* Private L1I, L1D and L2 per core, a shared L3, and the directory that keeps them coherent (MESI). Tags only: no data,
 * no time of its own; an access answers the cycles by which it is slower than a hit in L1.
 *
 * Data structures
 *   core     L1I, L1D, L2: arrays of tags (cache_array.h) with a MESI state per line. L2 includes both L1: a line that
 *            leaves L2 leaves L1 too. L1D and L2 always agree about a line's state; L1I only knows "there".
 *   L3       shared; filled with what leaves an L2 (a victim cache, as on server cores since Skylake-SP) and with what
 *            a modified owner writes back when another core reads. It may hold lines that private caches hold too.
 *   directory  owner or sharers of each line in private caches (cache_directory.h).
 *
 * An access, from near to far
 *   L1 hit            0; a store needs E or M. E becomes M silently
 *   store to S        upgrade: the others' copies go; costs a transfer
 *   L2 hit            l2 - l1
 *   another core's    owner in E or M, or sharers and no copy in L3: transfer, plus the way between the two cores.
 *                     A load makes both sharers, a store leaves one owner
 *   L3 hit            l3 - l1, plus the way to the line's slice (a store to a line that others share also throws their
 *                     copies away, and costs a transfer if that is dearer)
 *   memory            dram - l1, plus the same way: the slice is asked first; nobody else has it: E for a load, M for a
 *                     store
 *
 * One at a time: while a line moves from core to core it is in flight, and the next core that wants it waits until it
 * has arrived, so that cores that write one line in turn get it one after the other, however many they are.
 *
 * The way: lines that somebody waits for, and those that leave an L2 for L3 behind the access's back, take links of the
 * interconnect. Requests, invalidations and their answers are not counted: they are small.
 *
 * Order: cores run ahead of each other by at most a quantum, so accesses of different cores arrive slightly out of the
 * order of their cycles. Each is done whole when it arrives. That is deterministic (the order of quanta is), and an
 * interrupt that one access causes is never seen before it; but two cores that write one line in turn within a quantum
 * transfer it less often than they would. Who comes with a cycle before the line left does not wait for it. */
#ifndef CACHE_HIERARCHY_H
#define CACHE_HIERARCHY_H

#include "cache_array.h"
#include "cache_directory.h"
#include "timing_model.h"

#ifdef __cplusplus
extern "C" {
#endif

#define CACHE_LINE_SHIFT TIMING_LINE_SHIFT

enum mesi { MESI_I, MESI_S, MESI_E, MESI_M };

struct cache_size {
    uint32_t sets, ways;
};

struct hierarchy_config {
    uint32_t cores; /* 1 to DIRECTORY_CORES_MAX */
    struct cache_size l1i, l1d, l2, l3;
    uint32_t l1_cycles, l2_cycles, l3_cycles, dram_cycles; /* from the access to its data */
    uint32_t transfer_cycles;                              /* a line from another core */
    /* The way between two cores, and between a core and the slice of L3 that has a line, as in struct timing_setup:
     * the distance alone, and with a line on it that leaves at a cycle. NULL: none. */
    uint32_t (*distance)(void *ctx, uint32_t from, uint32_t to);
    uint32_t (*slice_distance)(void *ctx, uint32_t core, uint64_t line);
    uint32_t (*send_between)(void *ctx, uint32_t from, uint32_t to, uint64_t cycle);
    uint32_t (*send_slice)(void *ctx, uint32_t core, uint64_t line, bool to_core, uint64_t cycle);
    void *distance_ctx;
};

struct hierarchy_stats {
#define CACHE_STAT(name, unit, sentence) uint64_t name;
#include "cache_hierarchy_stats.def"
#undef CACHE_STAT
};

/* What a core need not ask about: lines that were used last in their set of L1, and so are there and first in it; for
 * stores those in state M. physical: their numbers, by which other cores' accesses find them; of L1D, of L1I. */
struct cache_known {
    struct timing_filter filter;
    uint64_t physical[2][TIMING_LINES];
};

/* A line's latest time of moving between cores without a pause. */
struct line_flight {
    uint64_t line; /* + 1; 0: none */
    uint64_t from, until;
};
#define LINE_FLIGHTS 1024u /* by the line's number; one that takes another's place makes its waiting forgotten */

struct hierarchy_core {
    struct cache_array l1i, l1d, l2;
    struct cache_known known;
    struct hierarchy_stats stats;
};

struct hierarchy {
    struct hierarchy_config config;
    struct cache_array l3;
    struct directory directory;
    struct hierarchy_core *core;
    struct line_flight flights[LINE_FLIGHTS];
};

/* False: no memory; destroy it all the same. */
VP_NODISCARD bool hierarchy_create(struct hierarchy *h, const struct hierarchy_config *config);
void hierarchy_destroy(struct hierarchy *h); /* accepts one that is all zero */

/* line: physical address >> CACHE_LINE_SHIFT; cycle: when. Answers the cycles beyond those of a hit in L1.
 * linear: the line's number by which it was reached, which the core's filter then knows; TIMING_NO_LINE: by none.
 * Whoever names one must forget when the line can no longer be reached by it. */
uint32_t hierarchy_data(struct hierarchy *h, uint32_t core, uint64_t line, uint64_t linear, bool write, uint64_t cycle);
uint32_t hierarchy_fetch(struct hierarchy *h, uint32_t core, uint64_t line, uint64_t linear, uint64_t cycle);
/* CLFLUSH: the line leaves every cache. */
void hierarchy_flush(struct hierarchy *h, uint64_t line);
/* WBINVD: every line leaves the core's caches and L3; other cores keep theirs. */
void hierarchy_flush_all(struct hierarchy *h, uint32_t core);
void hierarchy_forget(struct hierarchy *h, uint32_t core, bool is_fetch);

/* Looks for a broken rule of coherence among the lines [0, lines): NULL, or the sentence. For tests. */
const char *hierarchy_check(const struct hierarchy *h, uint64_t lines);

#ifdef __cplusplus
}
#endif
#endif
