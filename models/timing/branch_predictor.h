/* SPDX-License-Identifier: Apache-2.0 */
/* The branch predictor of one core: direction by a small TAGE (a bimodal table, and four tagged tables that see 4, 10,
 * 24 and 60 branches of history), targets of indirect branches by two tables (by address, and by address and history),
 * returns by a stack. Direct targets are known at decoding and cost nothing here.
 *
 * Source of the structure: A. Seznec, P. Michaud, "A case for (partially) TAgged GEometric history length branch
 * prediction", Journal of Instruction-Level Parallelism 8, 2006. Simplified: history of 64 branches, hashed by a
 * multiplication instead of folded registers; entries age when no table can take a new one. */
#ifndef BRANCH_PREDICTOR_H
#define BRANCH_PREDICTOR_H

#include "timing_model.h"
#include "vp.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    TAGE_TABLES = 4,
    TAGE_BITS = 10,
    BIMODAL_BITS = 13,
    TARGET_BITS = 9,
    RETURN_STACK = 32,
    GROUP_BITS = 6, /* of each table */
};

struct tage_entry {
    uint16_t tag;
    int8_t counter; /* -4 to 3; not negative: taken */
    uint8_t useful; /* 0 to 3 */
};

/* A branch that, met again with the same history and outcome while the entries it depends on have not changed, is
 * predicted right and changes nothing but the history: what steady loops consist of. Such settled branches are what is
 * known in struct timing_branches; nobody looks them up, and the result is the same. An entry that changes unsettles
 * those that depend on its group of entries: one group of each tagged table, one of the bimodal table. A branch is
 * settled when it is met for the second time: what follows a random outcome is not met again. */
struct settled_set {
    bool is_used;                          /* some bit is set */
    uint64_t places[TIMING_BRANCHES / 64]; /* bits: of known[], some of which may have been taken by others */
};

struct predictor_stats {
#define CACHE_STAT(name, unit, sentence) uint64_t name;
#include "branch_predictor_stats.def"
#undef CACHE_STAT
};

struct branch_predictor {
    struct timing_branches settled;
    uint32_t top; /* of the return stack */
    struct predictor_stats stats;
    int8_t bimodal[1 << BIMODAL_BITS];                /* -2 to 1; not negative: taken */
    struct tage_entry tage[TAGE_TABLES << TAGE_BITS]; /* table by table */
    uint64_t target[2][1 << TARGET_BITS];             /* by address; by address and history */
    uint64_t returns[RETURN_STACK];
    uint32_t met_once[TIMING_BRANCHES];                             /* a hash of what could be settled */
    struct settled_set dependent[TAGE_TABLES + 1][1 << GROUP_BITS]; /* on groups of tage, and of bimodal */
};

/* A predictor that is all zero is ready. Each answers whether the prediction was right, and learns. The first looks up
 * settled branches too. */
bool predictor_conditional(struct branch_predictor *p, uint64_t from, bool taken);
bool predictor_indirect(struct branch_predictor *p, uint64_t from, uint64_t to);
bool predictor_return(struct branch_predictor *p, uint64_t to);
void predictor_call(struct branch_predictor *p, uint64_t return_to);

#ifdef __cplusplus
}
#endif
#endif
