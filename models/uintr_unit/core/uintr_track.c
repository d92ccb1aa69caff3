/* SPDX-License-Identifier: Apache-2.0 */
/* The life of user interrupts across cores; contract in uintr_track.h, storage in uintr_track_pool.c.
 *
 * A record is first in PIR, then in UIRR, then on the stack of a handler. At most one record per (UPID, vector) is in
 * PIR and one in UIRR, as the hardware has one bit for each. Where software changes these bits behind the
 * tracker's back, the next step that disagrees with a record ends it as incomplete.
 */
#include "uintr_track.h"
#include "uintr_track_pool.h"

#include <stdlib.h>

/* A record that a core is working on. The number tells whether the slot still holds the same record. */
struct hold {
    uint32_t slot;
    uint64_t number; /* 0: none */
    uint64_t cycle;  /* at which the step began */
};

struct core {
    struct uintr_track_stats stats;
    bool sending, notifying;
    bool own_ipi; /* of the notification in progress */
    uint64_t send_begin, notify_begin;
    struct hold sent;      /* posted, SENDUIPI not yet retired       */
    bool delivering;       /* between deliver_begin and delivered    */
    uint64_t deliver_upid; /* of that delivery                       */
    struct hold delivery;  /* its record                             */
    uint64_t user_since;   /* for the next delivery                  */
    uint64_t woken;        /* likewise                               */
    struct hold uiret;     /* between uiret_begin and returned       */
};

struct uintr_track {
    uintr_track_done_fn *done;
    void *ctx;
    uint64_t last_number;
    struct track_pool pool;
    uint32_t core_count;
    struct core cores[];
};

struct uintr_track *uintr_track_create(uint32_t cores, uintr_track_done_fn *done, void *ctx)
{
    if (cores == 0 || !done)
        return NULL;
    struct uintr_track *t = calloc(1, sizeof *t + cores * sizeof t->cores[0]);
    if (!t)
        return NULL;
    t->done = done;
    t->ctx = ctx;
    t->core_count = cores;
    track_pool_init(&t->pool);
    return t;
}

void uintr_track_destroy(struct uintr_track *t)
{
    if (!t)
        return;
    track_pool_free(&t->pool);
    free(t);
}

static struct core *core_of(struct uintr_track *t, uint32_t core)
{
    VP_ASSERT(core < t->core_count);
    return &t->cores[core];
}

static struct hold hold_of(const struct uintr_track *t, uint32_t slot, uint64_t cycle)
{
    return (struct hold){slot, t->pool.slots[slot].record.number, cycle};
}

/* The record, if it still exists and is where it was. */
static struct track_slot *held(struct uintr_track *t, const struct hold *hold, enum track_place place)
{
    if (hold->number == 0)
        return NULL;
    struct track_slot *slot = &t->pool.slots[hold->slot];
    return slot->record.number == hold->number && slot->place == place ? slot : NULL;
}

/* Notes that a border was reached. Borders that were passed without a report get the time of the one before; no border
 * is before its predecessor. A border that was reached already stays. */
static void mark(struct uintr_record *r, enum uintr_border border, uint64_t cycle)
{
    for (; r->reached <= border; r->reached++) {
        uint64_t previous = r->reached ? r->at[r->reached - 1] : 0;
        uint64_t at = r->reached == border ? cycle : previous;
        r->at[r->reached] = at > previous ? at : previous;
    }
}

/* Another post, which itself carries `carried` others, ends in this record. */
static void merge(struct uintr_record *r, uint32_t carried)
{
    uint64_t merged = (uint64_t)r->merged + carried + 1;
    r->merged = merged < UINT32_MAX ? (uint32_t)merged : UINT32_MAX;
}

static void end_record(struct uintr_track *t, uint32_t slot, bool complete)
{
    struct uintr_record record = t->pool.slots[slot].record;
    track_pool_remove(&t->pool, slot);
    t->done(t->ctx, &record, complete);
}

void uintr_track_send_begin(struct uintr_track *t, uint32_t core, uint64_t cycle)
{
    struct core *c = core_of(t, core);
    c->sending = true;
    c->send_begin = cycle;
    c->sent.number = 0;
}

uint64_t uintr_track_posted(struct uintr_track *t, uint32_t core, uint64_t upid, uint8_t vector, bool notify,
                            bool suppressed, bool again, uint64_t cycle)
{
    struct core *c = core_of(t, core);
    uint64_t begin = c->sending ? c->send_begin : cycle;
    c->sending = false;
    c->sent.number = 0;
    c->stats.posted++;
    if (notify)
        c->stats.sent++;
    else if (suppressed)
        c->stats.suppressed++;
    else
        c->stats.coalesced++;

    uint32_t slot = track_pool_find_vector(&t->pool, TRACK_IN_PIR, upid, vector);
    if (slot != TRACK_NONE && again) {
        struct uintr_record *first = &t->pool.slots[slot].record;
        merge(first, 0);
        c->stats.merged++;
        return first->number;
    }
    if (slot != TRACK_NONE) /* software has taken the bit out of PIR, or this is another UPID at the same place */
        end_record(t, slot, false);

    slot = track_pool_add(&t->pool, ++t->last_number, upid, vector);
    if (slot == TRACK_NONE) {
        c->stats.dropped++;
        return 0;
    }
    struct uintr_record *r = &t->pool.slots[slot].record;
    r->sender = core;
    r->suppressed = !notify && suppressed;
    r->coalesced = !notify && !suppressed;
    mark(r, UINTR_AT_SEND_BEGIN, begin);
    mark(r, UINTR_AT_POSTED, cycle);
    if (notify)
        c->sent = hold_of(t, slot, cycle);
    else
        mark(r, UINTR_AT_ARRIVED, r->at[UINTR_AT_POSTED]);
    return r->number;
}

void uintr_track_sent(struct uintr_track *t, uint32_t core, uint64_t cycle)
{
    struct core *c = core_of(t, core);
    struct track_slot *slot = held(t, &c->sent, TRACK_IN_PIR);
    c->sent.number = 0;
    if (slot)
        mark(&slot->record, UINTR_AT_SENT, cycle);
}

/* A number whose record has been drained meanwhile, by an earlier notification, or merged is no news. */
void uintr_track_arrived(struct uintr_track *t, uint64_t number, uint32_t core, uint64_t cycle)
{
    struct core *c = core_of(t, core);
    uint32_t slot = track_pool_find_number(&t->pool, number);
    if (slot == TRACK_NONE || t->pool.slots[slot].place != TRACK_IN_PIR)
        return;
    if (c->sent.number == number) /* to the sender's own core: it arrives while it is being sent, and does not travel */
        mark(&t->pool.slots[slot].record, UINTR_AT_SENT, cycle);
    mark(&t->pool.slots[slot].record, UINTR_AT_ARRIVED, cycle);
}

void uintr_track_notify_begin(struct uintr_track *t, uint32_t core, uint64_t cycle)
{
    struct core *c = core_of(t, core);
    c->notifying = true;
    c->own_ipi = false;
    c->notify_begin = cycle;
}

void uintr_track_own_ipi(struct uintr_track *t, uint32_t core) { core_of(t, core)->own_ipi = true; }

/* A bit of PIR went to UIRR on core c, whose notification has taken from `begin` to `cycle`. */
static void drained(struct uintr_track *t, const struct core *c, uint64_t upid, uint8_t vector, bool already,
                    uint64_t begin, uint64_t cycle)
{
    uint32_t first = track_pool_find_vector(&t->pool, TRACK_IN_UIRR, upid, vector);
    if (first != TRACK_NONE && !already) { /* software has cleared the UIRR bit */
        end_record(t, first, false);
        first = TRACK_NONE;
    }
    uint32_t slot = track_pool_find_vector(&t->pool, TRACK_IN_PIR, upid, vector);
    if (slot == TRACK_NONE)
        return; /* the PIR bit was set by software */
    struct uintr_record *r = &t->pool.slots[slot].record;
    if (first != TRACK_NONE) {
        merge(&t->pool.slots[first].record, r->merged);
        t->cores[r->sender].stats.merged++;
        track_pool_remove(&t->pool, slot);
        return;
    }
    /* An IPI that has not arrived is overtaken: travel ends where another one's notification begins. */
    mark(r, UINTR_AT_ARRIVED, begin);
    mark(r, UINTR_AT_NOTIFY_BEGIN, begin);
    mark(r, UINTR_AT_NOTIFIED, cycle);
    r->by_own_ipi = c->own_ipi;
    track_pool_move(&t->pool, slot, TRACK_IN_UIRR, 0);
}

void uintr_track_notified(struct uintr_track *t, uint32_t core, uint64_t upid, uint64_t mask, uint64_t already,
                          uint64_t cycle)
{
    struct core *c = core_of(t, core);
    uint64_t begin = c->notifying ? c->notify_begin : cycle;
    c->notifying = false;
    for (; mask != 0; mask &= mask - 1) {
        uint8_t vector = (uint8_t)__builtin_ctzll(mask);
        drained(t, c, upid, vector, (already >> vector & 1) != 0, begin, cycle);
    }
    c->own_ipi = false;
}

/* The lookup is by UPID and vector on any core: UIRR may have been saved on another one. A delivery that faults begins
 * again, and the last beginning counts. */
void uintr_track_deliver_begin(struct uintr_track *t, uint32_t core, uint64_t upid, uint8_t vector, uint64_t cycle)
{
    struct core *c = core_of(t, core);
    uint32_t slot = track_pool_find_vector(&t->pool, TRACK_IN_UIRR, upid, vector);
    c->delivering = true;
    c->deliver_upid = upid;
    c->delivery = (struct hold){0};
    if (slot != TRACK_NONE)
        c->delivery = hold_of(t, slot, cycle);
}

void uintr_track_receiver(struct uintr_track *t, uint32_t core, uint64_t user_since, uint64_t woken)
{
    struct core *c = core_of(t, core);
    c->user_since = user_since;
    c->woken = woken;
}

void uintr_track_delivered(struct uintr_track *t, uint32_t core, uint64_t frame, uint64_t cycle)
{
    struct core *c = core_of(t, core);
    struct hold hold = c->delivery;
    if (c->delivering) {
        /* Whoever had this frame can never return to it. */
        uint32_t old = track_pool_find_frame(&t->pool, c->deliver_upid, frame);
        if (old != TRACK_NONE)
            end_record(t, old, false);
    }
    struct track_slot *slot = held(t, &hold, TRACK_IN_UIRR);
    c->delivering = false;
    c->delivery.number = 0;
    if (!slot) {
        c->stats.untracked++;
        return;
    }
    c->stats.delivered++;
    slot->record.receiver = core;
    slot->record.user_since = c->user_since;
    slot->record.woken = c->woken;
    mark(&slot->record, UINTR_AT_DELIVER_BEGIN, hold.cycle);
    mark(&slot->record, UINTR_AT_DELIVERED, cycle);
    track_pool_move(&t->pool, hold.slot, TRACK_ON_STACK, frame);
}

void uintr_track_uiret_begin(struct uintr_track *t, uint32_t core, uint64_t upid, uint64_t frame, uint64_t cycle)
{
    struct core *c = core_of(t, core);
    uint32_t slot = track_pool_find_frame(&t->pool, upid, frame - 8); /* software has popped the vector */
    c->uiret = (struct hold){0};
    if (slot != TRACK_NONE)
        c->uiret = hold_of(t, slot, cycle);
}

void uintr_track_returned(struct uintr_track *t, uint32_t core, uint64_t cycle)
{
    struct core *c = core_of(t, core);
    struct hold hold = c->uiret;
    struct track_slot *slot = held(t, &hold, TRACK_ON_STACK);
    c->uiret.number = 0;
    if (!slot)
        return;
    c->stats.returned++;
    mark(&slot->record, UINTR_AT_UIRET_BEGIN, hold.cycle);
    mark(&slot->record, UINTR_AT_RETURNED, cycle);
    end_record(t, hold.slot, true);
}

static int by_number(const void *a, const void *b)
{
    uint64_t x = ((const struct track_slot *)a)->record.number;
    uint64_t y = ((const struct track_slot *)b)->record.number;
    return (x > y) - (x < y);
}

/* Sorting the slots breaks the pool's chains, but they are not needed any more: the pool is emptied. */
void uintr_track_finish(struct uintr_track *t)
{
    struct track_pool pool = t->pool;
    track_pool_init(&t->pool);
    for (uint32_t i = 0; i < t->core_count; i++)
        t->cores[i] = (struct core){.stats = t->cores[i].stats};
    if (pool.used != 0)
        qsort(pool.slots, pool.used, sizeof pool.slots[0], by_number);
    for (uint32_t i = 0; i < pool.used; i++)
        if (pool.slots[i].place != TRACK_FREE)
            t->done(t->ctx, &pool.slots[i].record, false);
    track_pool_free(&pool);
}

const struct uintr_track_stats *uintr_track_core_stats(const struct uintr_track *t, uint32_t core)
{
    VP_ASSERT(core < t->core_count);
    return &t->cores[core].stats;
}
