/* SPDX-License-Identifier: Apache-2.0 */
/* A set-associative array of tags with true LRU replacement: caches, translation caches and branch targets are made of
 * it. Each way holds a number (line, page) and a state from 1 to 3; 0 means that the way is empty. The ways of a set
 * stand in the order of their last use, the most recent first, empty ones last: so the usual hit is the first
 * comparison, and the victim is the last way. Sets need not be a power of two. */
#ifndef CACHE_ARRAY_H
#define CACHE_ARRAY_H

#include "vp.h"

#ifdef __cplusplus
extern "C" {
#endif

#define CACHE_ARRAY_NONE UINT64_MAX /* no number: what an insertion into an empty way replaces */

struct cache_array {
    uint64_t *ways; /* sets * way_count keys; 0: empty */
    uint32_t sets, way_count;
    uint32_t mask; /* sets - 1 where sets is a power of two, else 0 */
};

struct cache_victim {
    uint64_t number; /* or CACHE_ARRAY_NONE */
    unsigned state;
};

/* sets and way_count at least 1. False: no memory. */
VP_NODISCARD bool cache_array_create(struct cache_array *a, uint32_t sets, uint32_t way_count);
void cache_array_destroy(struct cache_array *a); /* accepts one that is all zero */

static inline uint64_t *cache_array_set(const struct cache_array *a, uint64_t number)
{
    uint64_t set = a->mask || a->sets == 1 ? number & a->mask : number % a->sets;
    return a->ways + set * a->way_count;
}

static inline uint64_t cache_array_key(uint64_t number, unsigned state) { return (number + 1) << 2 | state; }

/* State of the number, 0 if it is not there. touch makes it the most recently used of its set. */
unsigned cache_array_peek(const struct cache_array *a, uint64_t number);
unsigned cache_array_touch_slow(struct cache_array *a, uint64_t *set, uint64_t number);
static inline unsigned cache_array_touch(struct cache_array *a, uint64_t number)
{
    uint64_t *set = cache_array_set(a, number), key = cache_array_key(number, 0), first = set[0];
    if ((first ^ key) < 4)
        return (unsigned)(first ^ key);
    if (a->way_count > 1 && (set[1] ^ key) < 4) { /* two streams that take turns in one set */
        key = set[0] = set[1];
        set[1] = first;
        return (unsigned)(key & 3);
    }
    return cache_array_touch_slow(a, set, number);
}

/* Puts a number that is not there in front of its set; answers what had to go. state: 1 to 3. */
struct cache_victim cache_array_insert(struct cache_array *a, uint64_t number, unsigned state);
/* Both accept a number that is not there. Neither changes the order of the others. */
void cache_array_set_state(struct cache_array *a, uint64_t number, unsigned state);
void cache_array_remove(struct cache_array *a, uint64_t number);
void cache_array_remove_state(struct cache_array *a, unsigned state); /* every number in this state */
void cache_array_clear(struct cache_array *a);

#ifdef __cplusplus
}
#endif
#endif
