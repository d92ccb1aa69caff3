/* SPDX-License-Identifier: Apache-2.0 */
/* Storage of the tracker: an array of slots with a free list and two hash tables with chains through the slots. It
 * grows by doubling up to UINTR_TRACK_LIMIT. A guest chooses UPIDs, vectors and frames, so keys are mixed with a strong
 * enough function that ordinary patterns (aligned addresses) spread over the buckets.
 */
#include "uintr_track_pool.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_CAPACITY 64u

/* Finaliser of MurmurHash3: every input bit reaches every output bit. */
static uint64_t mix(uint64_t v)
{
    v = (v ^ v >> 33) * UINT64_C(0xff51afd7ed558ccd);
    v = (v ^ v >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
    return v ^ v >> 33;
}

static uint32_t place_bucket(const struct track_pool *p, enum track_place place, uint64_t upid, uint64_t key)
{
    return (uint32_t)mix(mix(upid) + 4 * key + (uint64_t)place) & (p->capacity - 1);
}

static uint32_t *place_head(struct track_pool *p, const struct track_slot *s)
{
    uint64_t key = s->place == TRACK_ON_STACK ? s->frame : s->record.vector;
    return &p->by_place[place_bucket(p, s->place, s->record.upid, key)];
}

static uint32_t *number_head(const struct track_pool *p, uint64_t number)
{
    return &p->by_number[(uint32_t)number & (p->capacity - 1)]; /* numbers are consecutive */
}

static void link_place(struct track_pool *p, uint32_t slot)
{
    uint32_t *head = place_head(p, &p->slots[slot]);
    p->slots[slot].next_place = *head;
    *head = slot;
}

static void link_number(struct track_pool *p, uint32_t slot)
{
    uint32_t *head = number_head(p, p->slots[slot].record.number);
    p->slots[slot].next_number = *head;
    *head = slot;
}

static void unlink_place(struct track_pool *p, uint32_t slot)
{
    uint32_t *link = place_head(p, &p->slots[slot]);
    while (*link != slot)
        link = &p->slots[*link].next_place;
    *link = p->slots[slot].next_place;
}

static void unlink_number(struct track_pool *p, uint32_t slot)
{
    uint32_t *link = number_head(p, p->slots[slot].record.number);
    while (*link != slot)
        link = &p->slots[*link].next_number;
    *link = p->slots[slot].next_number;
}

void track_pool_init(struct track_pool *p) { *p = (struct track_pool){.free = TRACK_NONE}; }

void track_pool_free(struct track_pool *p)
{
    free(p->slots);
    free(p->by_place);
    free(p->by_number);
    track_pool_init(p);
}

/* Called with every slot in use. */
static bool grow(struct track_pool *p)
{
    uint32_t capacity = p->capacity ? 2 * p->capacity : FIRST_CAPACITY;
    if (capacity > UINTR_TRACK_LIMIT)
        return false;
    uint32_t *by_place = malloc(capacity * sizeof *by_place);
    uint32_t *by_number = malloc(capacity * sizeof *by_number);
    struct track_slot *slots = by_place && by_number ? realloc(p->slots, capacity * sizeof *slots) : NULL;
    if (!slots) {
        free(by_place);
        free(by_number);
        return false;
    }
    free(p->by_place);
    free(p->by_number);
    p->slots = slots;
    p->by_place = by_place;
    p->by_number = by_number;
    p->capacity = capacity;
    memset(by_place, 0xff, capacity * sizeof *by_place); /* TRACK_NONE */
    memset(by_number, 0xff, capacity * sizeof *by_number);
    for (uint32_t i = 0; i < p->used; i++) {
        link_place(p, i);
        link_number(p, i);
    }
    return true;
}

uint32_t track_pool_add(struct track_pool *p, uint64_t number, uint64_t upid, uint8_t vector)
{
    uint32_t slot = p->free;
    if (slot != TRACK_NONE) {
        p->free = p->slots[slot].next_place;
    } else {
        if (p->used == p->capacity && !grow(p))
            return TRACK_NONE;
        slot = p->used++;
    }
    p->slots[slot] = (struct track_slot){
        .record = {.number = number, .upid = upid, .vector = vector},
        .place = TRACK_IN_PIR,
    };
    link_place(p, slot);
    link_number(p, slot);
    return slot;
}

void track_pool_remove(struct track_pool *p, uint32_t slot)
{
    unlink_place(p, slot);
    unlink_number(p, slot);
    p->slots[slot].place = TRACK_FREE;
    p->slots[slot].record.number = 0;
    p->slots[slot].next_place = p->free;
    p->free = slot;
}

void track_pool_move(struct track_pool *p, uint32_t slot, enum track_place place, uint64_t frame)
{
    unlink_place(p, slot);
    p->slots[slot].place = place;
    p->slots[slot].frame = frame;
    link_place(p, slot);
}

uint32_t track_pool_find_vector(const struct track_pool *p, enum track_place place, uint64_t upid, uint8_t vector)
{
    if (p->capacity == 0)
        return TRACK_NONE;
    uint32_t slot = p->by_place[place_bucket(p, place, upid, vector)];
    for (; slot != TRACK_NONE; slot = p->slots[slot].next_place) {
        const struct track_slot *s = &p->slots[slot];
        if (s->place == place && s->record.upid == upid && s->record.vector == vector)
            break;
    }
    return slot;
}

uint32_t track_pool_find_frame(const struct track_pool *p, uint64_t upid, uint64_t frame)
{
    if (p->capacity == 0)
        return TRACK_NONE;
    uint32_t slot = p->by_place[place_bucket(p, TRACK_ON_STACK, upid, frame)];
    for (; slot != TRACK_NONE; slot = p->slots[slot].next_place) {
        const struct track_slot *s = &p->slots[slot];
        if (s->place == TRACK_ON_STACK && s->record.upid == upid && s->frame == frame)
            break;
    }
    return slot;
}

uint32_t track_pool_find_number(const struct track_pool *p, uint64_t number)
{
    if (p->capacity == 0)
        return TRACK_NONE;
    uint32_t slot = *number_head(p, number);
    while (slot != TRACK_NONE && p->slots[slot].record.number != number)
        slot = p->slots[slot].next_number;
    return slot;
}
