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
    SETTLED_BITS = 9,
    GROUP_BITS = 6, /* of each table */
};

struct tage_entry {
    uint16_t tag;
    int8_t counter; /* -4 to 3; not negative: taken */
    uint8_t useful; /* 0 to 3 */
};

/* A branch that, met again with the same history and outcome while the entries it depends on have not changed, is
 * predicted right and changes nothing but the history: what steady loops consist of. It saves the look-up; the result
 * is the same. Changes are counted by groups of entries: one group of each tagged table, one of the bimodal table. */
struct settled_branch {
    uint64_t from, history;
    uint32_t changes; /* sum over its groups */
    uint8_t group[TAGE_TABLES + 1];
    bool taken, is_valid;
};

struct predictor_stats {
#define CACHE_STAT(name, unit, sentence) uint64_t name;
#include "branch_predictor_stats.def"
#undef CACHE_STAT
};

struct branch_predictor {
    uint64_t history; /* the latest outcome in bit 0 */
    uint32_t top;     /* of the return stack */
    struct predictor_stats stats;
    int8_t bimodal[1 << BIMODAL_BITS];                /* -2 to 1; not negative: taken */
    struct tage_entry tage[TAGE_TABLES << TAGE_BITS]; /* table by table */
    uint64_t target[2][1 << TARGET_BITS];             /* by address; by address and history */
    uint64_t returns[RETURN_STACK];
    uint32_t changes[TAGE_TABLES + 1][1 << GROUP_BITS]; /* of tage, and of bimodal */
    struct settled_branch settled[1 << SETTLED_BITS];
};

static inline struct settled_branch *predictor_settled(struct branch_predictor *p, uint64_t from)
{
    uint64_t i = from ^ from >> SETTLED_BITS ^ p->history ^ p->history >> SETTLED_BITS;
    return &p->settled[i & ((1 << SETTLED_BITS) - 1)];
}

static inline uint32_t predictor_changes(const struct branch_predictor *p, const struct settled_branch *s)
{
    uint32_t changes = 0;
#pragma GCC unroll 5
    for (unsigned i = 0; i <= TAGE_TABLES; i++)
        changes += p->changes[i][s->group[i]];
    return changes;
}
static inline bool predictor_is_settled(const struct branch_predictor *p, const struct settled_branch *s, uint64_t from,
                                        bool taken)
{
    return s->from == from && s->history == p->history && s->taken == taken && s->is_valid &&
           s->changes == predictor_changes(p, s);
}

static inline void predictor_repeat(struct branch_predictor *p, bool taken)
{
    p->history = p->history << 1 | taken;
    p->stats.conditional++;
}

/* A predictor that is all zero is ready. Each answers whether the prediction was right, and learns. */
bool predictor_conditional_slow(struct branch_predictor *p, uint64_t from, bool taken);
static inline bool predictor_conditional(struct branch_predictor *p, uint64_t from, bool taken)
{
    if (!predictor_is_settled(p, predictor_settled(p, from), from, taken))
        return predictor_conditional_slow(p, from, taken);
    predictor_repeat(p, taken);
    return true;
}
bool predictor_indirect(struct branch_predictor *p, uint64_t from, uint64_t to);
bool predictor_return(struct branch_predictor *p, uint64_t to);
void predictor_call(struct branch_predictor *p, uint64_t return_to);

#ifdef __cplusplus
}
#endif
#endif
