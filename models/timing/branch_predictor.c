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

struct lookup {
    struct tage_entry *entry[TAGE_TABLES];
    uint16_t tag[TAGE_TABLES];
    int provider, alternate; /* tables; -1: the bimodal one */
    int8_t *bimodal;
    bool provided, alternative; /* predictions of the two */
};

static void look_up(struct branch_predictor *p, uint64_t from, struct lookup *l)
{
    l->bimodal = &p->bimodal[(from ^ from >> BIMODAL_BITS) & ((1 << BIMODAL_BITS) - 1)];
    l->provider = l->alternate = -1;
    uint64_t mixed = mix(from);
    for (int i = 0; i < TAGE_TABLES; i++) {
        uint64_t h = hash(mixed, p->history & history_mask[i], (uint64_t)i);
        l->entry[i] = &p->tage[i][h >> (64 - TAGE_BITS)];
        l->tag[i] = (uint16_t)((h >> 40 & 0x7ff) | 0x800); /* never 0: an entry that was never used matches nothing */
        if (l->entry[i]->tag == l->tag[i]) {
            l->alternate = l->provider;
            l->provider = i;
        }
    }
    l->alternative = l->alternate >= 0 ? l->entry[l->alternate]->counter >= 0 : *l->bimodal >= 0;
    l->provided = l->provider >= 0 ? l->entry[l->provider]->counter >= 0 : *l->bimodal >= 0;
    if (l->provider < 0)
        l->alternative = l->provided;
}

static int8_t toward(int8_t counter, bool taken, int low, int high)
{
    return (int8_t)(taken ? counter < high ? counter + 1 : high : counter > low ? counter - 1 : low);
}

/* After a misprediction: an entry with a longer history. The first free one, or all that are longer grow older. */
static void allocate(struct lookup *l, bool taken)
{
    for (int i = l->provider + 1; i < TAGE_TABLES; i++)
        if (l->entry[i]->useful == 0) {
            *l->entry[i] = (struct tage_entry){l->tag[i], (int8_t)(taken ? 0 : -1), 0};
            return;
        }
    for (int i = l->provider + 1; i < TAGE_TABLES; i++)
        l->entry[i]->useful--;
}

bool predictor_conditional(struct branch_predictor *p, uint64_t from, bool taken)
{
    struct lookup l;
    look_up(p, from, &l);
    /* A new entry has no opinion yet: then the other prediction counts. */
    bool is_new = l.provider >= 0 && l.entry[l.provider]->useful == 0 &&
                  (l.entry[l.provider]->counter == 0 || l.entry[l.provider]->counter == -1);
    bool predicted = is_new ? l.alternative : l.provided;
    if (l.provider >= 0) {
        struct tage_entry *e = l.entry[l.provider];
        if (l.provided != l.alternative)
            e->useful = (uint8_t)(l.provided == taken ? e->useful < 3 ? e->useful + 1 : 3 : e->useful ? e->useful - 1 : 0);
        e->counter = toward(e->counter, taken, -4, 3);
        if (is_new)
            *l.bimodal = toward(*l.bimodal, taken, -2, 1);
    } else {
        *l.bimodal = toward(*l.bimodal, taken, -2, 1);
    }
    if (predicted != taken)
        allocate(&l, taken);
    p->history = p->history << 1 | taken;
    p->stats.conditional++;
    p->stats.conditional_missed += predicted != taken;
    return predicted == taken;
}

bool predictor_indirect(struct branch_predictor *p, uint64_t from, uint64_t to)
{
    uint64_t by_history = hash(mix(from), p->history & history_mask[2], TAGE_TABLES) >> (64 - TARGET_BITS);
    uint64_t *near = &p->target[0][(from ^ from >> TARGET_BITS) & ((1 << TARGET_BITS) - 1)];
    uint64_t *far = &p->target[1][by_history];
    bool right = (*far ? *far : *near) == to;
    if (*near != to || *far) /* a target that never changes needs no entry of the second table */
        *far = to;
    *near = to;
    p->history = p->history << 2 | ((to >> 2 ^ to >> 5) & 3);
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
