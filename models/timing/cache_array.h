/* SPDX-License-Identifier: Apache-2.0 */
/* A set-associative array of tags with true LRU replacement: caches and translation caches are made of it. Each way
 * holds a number (line, page) and a state from 1 to 3; 0 means that the way is empty. Sets need not be a power of two,
 * nor the ways of a set.
 *
 * Data structures: for each way its number, its state, and its rank: way_count for the most recently used of its set,
 * one less for the next, and so on; 0 for an empty way, so an array that is all zero is empty, and large ones cost the
 * host only what is used of them. The next victim is an empty way or, if there is none, that of rank 1. From eight ways
 * on they lie in groups of eight, so that the host looks at eight at a time; ways that fill up the last group are never
 * used. */
#ifndef CACHE_ARRAY_H
#define CACHE_ARRAY_H

#include "vp.h"

#include <emmintrin.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CACHE_ARRAY_NONE UINT64_MAX /* no number: what an insertion into an empty way replaces */
#define CACHE_ARRAY_WAYS_MAX 16383u /* ranks have 14 bits */

struct cache_array {
    uint64_t *numbers; /* sets * stride numbers + 1; 0: empty */
    uint16_t *marks;   /* rank << 2 | state */
    uint32_t sets, way_count;
    uint32_t stride; /* ways from set to set: way_count, from 8 on rounded up to groups */
    uint32_t mask;   /* sets - 1 where sets is a power of two, else 0 */
};

struct cache_victim {
    uint64_t number; /* or CACHE_ARRAY_NONE */
    unsigned state;
};

/* sets and way_count at least 1, way_count at most CACHE_ARRAY_WAYS_MAX. False: no memory. */
VP_NODISCARD bool cache_array_create(struct cache_array *a, uint32_t sets, uint32_t way_count);
void cache_array_destroy(struct cache_array *a); /* accepts one that is all zero */

/* State of the number, 0 if it is not there. touch makes it the most recently used of its set. */
unsigned cache_array_peek(const struct cache_array *a, uint64_t number);
__attribute__((always_inline)) static inline unsigned cache_array_touch(struct cache_array *a, uint64_t number);
/* How many ways of its set were used after the number, way_count if it is not there. */
uint32_t cache_array_age(const struct cache_array *a, uint64_t number);
/* The number that an insertion into this number's set would replace, or CACHE_ARRAY_NONE. */
uint64_t cache_array_oldest(const struct cache_array *a, uint64_t number);

/* The number in a way of the whole array, from 0 on, or CACHE_ARRAY_NONE. */
static inline size_t cache_array_ways(const struct cache_array *a) { return (size_t)a->sets * a->stride; }
static inline uint64_t cache_array_at(const struct cache_array *a, size_t way) { return a->numbers[way] - 1; }

/* Puts a number that is not there into its set, as the most recently used; answers what had to go. state: 1 to 3. */
struct cache_victim cache_array_insert(struct cache_array *a, uint64_t number, unsigned state);
/* Both accept a number that is not there. Neither changes the order of the others. */
void cache_array_set_state(struct cache_array *a, uint64_t number, unsigned state);
void cache_array_remove(struct cache_array *a, uint64_t number);
void cache_array_remove_state(struct cache_array *a, unsigned state); /* every number in this state */
void cache_array_clear(struct cache_array *a);

/* Tells the host that the number's set will be needed. */
static inline void cache_array_prefetch(const struct cache_array *a, uint64_t number);

/* --- inside --- */

enum { CACHE_ARRAY_GROUP = 8 };

/* Where the number's set begins. */
static inline size_t cache_array_first(const struct cache_array *a, uint64_t number)
{
    size_t set;
    if (VP_LIKELY(a->mask || a->sets == 1))
        set = number & a->mask;
    else /* hosts divide 32 bits much faster */
        set = number <= UINT32_MAX ? (uint32_t)number % a->sets : number % a->sets;
    return set * a->stride;
}

/* Bits 2 * i and 2 * i + 1: the halves of way i of the group are those of `wanted`. */
static inline unsigned cache_array_compare(const uint64_t *numbers, __m128i wanted)
{
    const __m128i *n = (const __m128i *)(const void *)numbers;
    __m128i low = _mm_packs_epi32(_mm_cmpeq_epi32(n[0], wanted), _mm_cmpeq_epi32(n[1], wanted));
    __m128i high = _mm_packs_epi32(_mm_cmpeq_epi32(n[2], wanted), _mm_cmpeq_epi32(n[3], wanted));
    return (unsigned)_mm_movemask_epi8(_mm_packs_epi16(low, high));
}

/* Index of the number's way in its set, or way_count. Up to 16 ways without a branch on where it is, which the host
 * would guess wrong half the time. */
__attribute__((always_inline)) static inline uint32_t cache_array_find(const struct cache_array *a, size_t first,
                                                                       uint64_t number)
{
    const uint64_t key = number + 1;
    const __m128i wanted = _mm_set1_epi64x((long long)key);
    const uint64_t *numbers = a->numbers + first;
    uint32_t at = 0;
    unsigned found;
    if (VP_LIKELY(a->stride == 2 * CACHE_ARRAY_GROUP)) {
        found = cache_array_compare(numbers, wanted) | cache_array_compare(numbers + CACHE_ARRAY_GROUP, wanted) << 16;
        found &= found >> 1 & 0x55555555u;
    } else if (a->stride < CACHE_ARRAY_GROUP) {
        while (at < a->way_count && numbers[at] != key)
            at++;
        return at;
    } else {
        for (;; at += CACHE_ARRAY_GROUP) {
            found = cache_array_compare(numbers + at, wanted);
            found &= found >> 1 & 0x5555u;
            if (found || at + CACHE_ARRAY_GROUP >= a->stride)
                break;
        }
    }
    return found ? at + (uint32_t)__builtin_ctz(found) / 2 : a->way_count;
}

/* Of eight ways, those of a higher rank than in `limit` go down by one. */
static inline void cache_array_grow_old(uint16_t *marks, __m128i limit)
{
    __m128i *at = (__m128i *)(void *)marks, old = *at;
    __m128i is_not_higher = _mm_cmpeq_epi16(_mm_subs_epu16(old, limit), _mm_setzero_si128());
    *at = _mm_sub_epi16(old, _mm_andnot_si128(is_not_higher, _mm_set1_epi16(1 << 2)));
}

/* Way i becomes the most recently used. Answers its state. */
static inline unsigned cache_array_rejuvenate(struct cache_array *a, size_t first, uint32_t i)
{
    uint16_t *marks = a->marks + first;
    const unsigned state = marks[i] & 3, limit = marks[i] | 3;
    if (VP_LIKELY(a->stride == 2 * CACHE_ARRAY_GROUP)) {
        const __m128i limits = _mm_set1_epi16((short)limit);
        cache_array_grow_old(marks, limits);
        cache_array_grow_old(marks + CACHE_ARRAY_GROUP, limits);
    } else if (a->stride >= CACHE_ARRAY_GROUP) {
        for (uint32_t at = 0; at < a->stride; at += CACHE_ARRAY_GROUP)
            cache_array_grow_old(marks + at, _mm_set1_epi16((short)limit));
    } else {
        for (uint32_t k = 0; k < a->way_count; k++)
            marks[k] = (uint16_t)(marks[k] - (marks[k] > limit ? 1 << 2 : 0));
    }
    marks[i] = (uint16_t)(a->way_count << 2 | state);
    return state;
}

static inline void cache_array_prefetch(const struct cache_array *a, uint64_t number)
{
    size_t first = cache_array_first(a, number);
    __builtin_prefetch(a->numbers + first, 1);
    if (a->stride > CACHE_ARRAY_GROUP)
        __builtin_prefetch(a->numbers + first + CACHE_ARRAY_GROUP, 1);
    __builtin_prefetch(a->marks + first, 1);
}

__attribute__((always_inline)) static inline unsigned cache_array_touch(struct cache_array *a, uint64_t number)
{
    size_t first = cache_array_first(a, number);
    uint32_t i = cache_array_find(a, first, number);
    return i == a->way_count ? 0 : cache_array_rejuvenate(a, first, i);
}

#ifdef __cplusplus
}
#endif
#endif
