/* SPDX-License-Identifier: Apache-2.0 */
/* See branch_predictor.h. */
#include "branch_predictor.h"

static const uint64_t history_mask[TAGE_TABLES] = {0xf, 0x3ff, 0xffffff, 0xfffffffffffffff};

/* Index and tag in one table: from the high bits of a product, which depend on all bits below. */
static inline uint64_t hash(uint64_t mixed_from, uint64_t history, uint64_t salt)
{
    return (mixed_from ^ history ^ salt << 60) * 0x9e3779b97f4a7c15u;
}
static inline uint64_t mix(uint64_t from)
{
    uint64_t h = from * 0xd1342543de82ef95u;
    return h ^ h >> 32;
}

/* A branch with its history, in each table: where, and under which tag. */
struct lookup {
    uint32_t index[TAGE_TABLES]; /* into p->tage */
    uint16_t tag[TAGE_TABLES];
};
static inline struct tage_entry *entry_at(struct branch_predictor *p, uint32_t index) { return &p->tage[index]; }

/* Groups of entries: struct settled_set. */
static inline uint8_t tage_group(uint32_t index)
{
    return (uint8_t)((index & ((1u << TAGE_BITS) - 1)) >> (TAGE_BITS - GROUP_BITS));
}
static void unsettle(struct branch_predictor *p, unsigned table, unsigned group)
{
    struct settled_set *set = &p->dependent[table][group];
    if (VP_LIKELY(!set->is_used))
        return;
    set->is_used = false;
    for (unsigned word = 0; word < TIMING_BRANCHES / 64; word++) {
        for (uint64_t places = set->places[word]; places; places &= places - 1)
            p->settled.known[word * 64 + (unsigned)__builtin_ctzll(places)].branch = 0;
        set->places[word] = 0;
    }
}
static inline void unsettle_entry(struct branch_predictor *p, uint32_t index)
{
    unsettle(p, index >> TAGE_BITS, tage_group(index));
}

/* One step up or down between low and high, without a branch of the host. */
static inline int8_t toward(int8_t counter, bool taken, int low, int high)
{
    return (int8_t)(counter + (taken & (counter < high)) - (!taken & (counter > low)));
}

/* Which tables know the branch with its history: bit i for table i. */
static inline unsigned look_up(struct branch_predictor *p, uint64_t from, struct lookup *l)
{
    uint64_t mixed = mix(from), history = p->settled.history;
    unsigned known = 0;
#pragma GCC unroll 4
    for (unsigned i = 0; i < TAGE_TABLES; i++) {
        uint64_t h = hash(mixed, history & history_mask[i], i);
        l->index[i] = (uint32_t)(h >> (64 - TAGE_BITS)) | i << TAGE_BITS;
        l->tag[i] = (uint16_t)((h >> 40 & 0x7ff) | 0x800); /* never 0: an entry that was never used matches nothing */
        known |= (unsigned)(entry_at(p, l->index[i])->tag == l->tag[i]) << i;
    }
    return known;
}

/* After a misprediction: an entry with a longer history, from table `first` on. The first free one, or all grow older.
 */
__attribute__((noinline)) static void allocate(struct branch_predictor *p, const struct lookup *l, unsigned first,
                                               bool taken)
{
    for (unsigned i = first; i < TAGE_TABLES; i++)
        if (entry_at(p, l->index[i])->useful == 0) {
            *entry_at(p, l->index[i]) = (struct tage_entry){l->tag[i], (int8_t)(taken ? 0 : -1), 0};
            unsettle_entry(p, l->index[i]);
            return;
        }
    for (unsigned i = first; i < TAGE_TABLES; i++) {
        entry_at(p, l->index[i])->useful--;
        unsettle_entry(p, l->index[i]);
    }
}

static void depend(struct settled_set *set, size_t place)
{
    set->is_used = true;
    set->places[place / 64] |= UINT64_C(1) << place % 64;
}

static void settle(struct branch_predictor *p, uint64_t from, const struct lookup *l, uint8_t bimodal_group, bool taken)
{
    struct timing_known_branch *known = timing_branch_at(&p->settled, from);
    size_t place = (size_t)(known - p->settled.known);
    uint64_t branch = timing_branch_key(from, taken);
    uint32_t met = (uint32_t)(hash(branch, p->settled.history, 0) >> 32);
    if (p->met_once[place] != met) {
        p->met_once[place] = met;
        return;
    }
    *known = (struct timing_known_branch){branch, p->settled.history};
    for (unsigned i = 0; i < TAGE_TABLES; i++)
        depend(&p->dependent[i][tage_group(l->index[i])], place);
    depend(&p->dependent[TAGE_TABLES][bimodal_group], place);
}

bool predictor_conditional(struct branch_predictor *p, uint64_t from, bool taken)
{
    struct lookup l;
    uint32_t at = (uint32_t)((from ^ from >> BIMODAL_BITS) & ((1 << BIMODAL_BITS) - 1));
    uint8_t bimodal_group = (uint8_t)(at >> (BIMODAL_BITS - GROUP_BITS));
    int8_t *bimodal = &p->bimodal[at];
    int8_t bimodal_before = *bimodal;
    unsigned known = look_up(p, from, &l), first = 0; /* first: the table after the one that predicts */
    bool predicted = bimodal_before >= 0, is_settled = true;
    if (known == 0) {
        *bimodal = toward(bimodal_before, taken, -2, 1);
    } else {
        unsigned provider = 31u - (unsigned)__builtin_clz(known), rest = known ^ 1u << provider;
        struct tage_entry *e = entry_at(p, l.index[provider]), before = *e;
        bool provided = before.counter >= 0, alternative = predicted;
        if (rest)
            alternative = entry_at(p, l.index[31 - __builtin_clz(rest)])->counter >= 0;
        /* A new entry has no opinion yet: then the other prediction counts, and goes on learning. */
        bool is_new = before.useful == 0 && (before.counter == 0 || before.counter == -1);
        predicted = is_new ? alternative : provided;
        if (provided != alternative)
            e->useful = (uint8_t)(before.useful + ((provided == taken) & (before.useful < 3)) -
                                  ((provided != taken) & (before.useful > 0)));
        e->counter = toward(before.counter, taken, -4, 3);
        if (is_new)
            *bimodal = toward(bimodal_before, taken, -2, 1);
        is_settled = e->counter == before.counter && e->useful == before.useful;
        if (!is_settled)
            unsettle_entry(p, l.index[provider]);
        first = provider + 1;
    }
    if (*bimodal != bimodal_before)
        unsettle(p, TAGE_TABLES, bimodal_group);
    else if (is_settled && predicted == taken)
        settle(p, from, &l, bimodal_group, taken);
    p->settled.history = p->settled.history << 1 | taken;
    p->stats.conditional++;
    if (VP_LIKELY(predicted == taken))
        return true;
    p->stats.conditional_missed++;
    allocate(p, &l, first, taken);
    return false;
}

bool predictor_indirect(struct branch_predictor *p, uint64_t from, uint64_t to)
{
    uint64_t by_history = hash(mix(from), p->settled.history & history_mask[2], TAGE_TABLES) >> (64 - TARGET_BITS);
    uint64_t *near = &p->target[0][(from ^ from >> TARGET_BITS) & ((1 << TARGET_BITS) - 1)];
    uint64_t *far = &p->target[1][by_history];
    bool right = (*far ? *far : *near) == to;
    if (*near != to || *far) /* a target that never changes needs no entry of the second table */
        *far = to;
    *near = to;
    p->settled.history = p->settled.history << 2 | ((to >> 2 ^ to >> 5) & 3);
    p->stats.indirect++;
    p->stats.indirect_missed += !right;
    return right;
}

void predictor_call(struct branch_predictor *p, uint64_t return_to)
{
    p->top = (p->top + 1) % RETURN_STACK;
    p->returns[p->top] = return_to;
}

bool predictor_return(struct branch_predictor *p, uint64_t to)
{
    bool right = p->returns[p->top] == to;
    p->top = (p->top + RETURN_STACK - 1) % RETURN_STACK;
    p->stats.returns++;
    p->stats.returns_missed += !right;
    return right;
}
