/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the tracker: the records under way, found by number and by where they are. Slots are addressed by index,
 * because the array moves when it grows.
 */
#ifndef UINTR_TRACK_POOL_H
#define UINTR_TRACK_POOL_H

#include "uintr_track.h"

#define TRACK_NONE UINT32_MAX /* no slot */

enum track_place {
    TRACK_FREE,     /* the slot holds no record                    */
    TRACK_IN_PIR,   /* posted; found by UPID and vector            */
    TRACK_IN_UIRR,  /* drained; found by UPID and vector           */
    TRACK_ON_STACK, /* delivered; found by frame (and UPID)        */
};

struct track_slot {
    struct uintr_record record;
    enum track_place place;
    uint64_t frame;      /* if TRACK_ON_STACK                     */
    uint32_t next_place; /* chain of the same bucket; or free list */
    uint32_t next_number;
};

struct track_pool {
    struct track_slot *slots;
    uint32_t *by_place, *by_number; /* heads of chains, `capacity` each   */
    uint32_t capacity;              /* 0 or a power of two                */
    uint32_t used;                  /* slots that were ever in use        */
    uint32_t free;                  /* list of free slots below `used`    */
};

void track_pool_init(struct track_pool *p);
void track_pool_free(struct track_pool *p);

/* A new record in PIR with nothing but the arguments set; TRACK_NONE at the limit or without memory. */
uint32_t track_pool_add(struct track_pool *p, uint64_t number, uint64_t upid, uint8_t vector);
void track_pool_remove(struct track_pool *p, uint32_t slot);
/* frame counts if place is TRACK_ON_STACK. */
void track_pool_move(struct track_pool *p, uint32_t slot, enum track_place place, uint64_t frame);

/* Each answers TRACK_NONE if there is none. place: TRACK_IN_PIR or TRACK_IN_UIRR. */
uint32_t track_pool_find_vector(const struct track_pool *p, enum track_place place, uint64_t upid, uint8_t vector);
uint32_t track_pool_find_frame(const struct track_pool *p, uint64_t upid, uint64_t frame);
uint32_t track_pool_find_number(const struct track_pool *p, uint64_t number);

#endif
