/* SPDX-License-Identifier: Apache-2.0 */
/* See cache_array.h. */
#include "cache_array.h"

#include <emmintrin.h>
#include <stdlib.h>
#include <string.h>

bool cache_array_create(struct cache_array *a, uint32_t sets, uint32_t way_count)
{
    a->sets = sets;
    a->way_count = way_count;
    a->mask = (sets & (sets - 1)) == 0 ? sets - 1 : 0;
    a->ways = calloc((size_t)sets * way_count + 3, sizeof *a->ways); /* find() reads four at a time */
    return a->ways != NULL;
}

void cache_array_destroy(struct cache_array *a)
{
    free(a->ways);
    a->ways = NULL;
}

/* Index of the way, or way_count. An empty way's key is 0, which is no number's. Four ways at a time; of each key two
 * bytes of a mask tell whether its halves are equal. */
static inline uint32_t find(const struct cache_array *a, const uint64_t *set, uint64_t number)
{
    const __m128i wanted = _mm_set1_epi64x((long long)cache_array_key(number, 0));
    const __m128i state_mask = _mm_set1_epi64x(~3ll);
    for (uint32_t i = 0; i < a->way_count; i += 4) {
        const __m128i *keys = (const __m128i *)(const void *)(set + i);
        __m128i low = _mm_cmpeq_epi32(_mm_and_si128(_mm_loadu_si128(keys), state_mask), wanted);
        __m128i high = _mm_cmpeq_epi32(_mm_and_si128(_mm_loadu_si128(keys + 1), state_mask), wanted);
        unsigned halves = (unsigned)_mm_movemask_epi8(_mm_packs_epi32(low, high));
        halves &= halves >> 2 & 0x1111u;
        if (halves) {
            i += (uint32_t)__builtin_ctz(halves) / 4;
            return i < a->way_count ? i : a->way_count; /* beyond: the next set's */
        }
    }
    return a->way_count;
}

unsigned cache_array_peek(const struct cache_array *a, uint64_t number)
{
    const uint64_t *set = cache_array_set(a, number);
    uint32_t i = find(a, set, number);
    return i < a->way_count ? (unsigned)(set[i] & 3) : 0;
}

/* Moves the first n keys back by one. */
static inline void make_room(uint64_t *set, uint32_t n)
{
    for (; n >= 2; n -= 2) /* from the end, two at a time: the load comes before the store that overlaps it */
        _mm_storeu_si128((__m128i *)(void *)(set + n - 1),
                         _mm_loadu_si128((const __m128i *)(const void *)(set + n - 2)));
    if (n)
        set[1] = set[0];
}

unsigned cache_array_touch_slow(struct cache_array *a, uint64_t *set, uint64_t number)
{
    uint32_t i = find(a, set, number);
    if (i == a->way_count)
        return 0;
    uint64_t key = set[i];
    make_room(set, i);
    set[0] = key;
    return (unsigned)(key & 3);
}

struct cache_victim cache_array_insert(struct cache_array *a, uint64_t number, unsigned state)
{
    uint64_t *set = cache_array_set(a, number), last = set[a->way_count - 1];
    make_room(set, a->way_count - 1);
    set[0] = cache_array_key(number, state);
    return last == 0 ? (struct cache_victim){CACHE_ARRAY_NONE, 0}
                     : (struct cache_victim){(last >> 2) - 1, (unsigned)(last & 3)};
}

void cache_array_set_state(struct cache_array *a, uint64_t number, unsigned state)
{
    uint64_t *set = cache_array_set(a, number);
    uint32_t i = find(a, set, number);
    if (i < a->way_count)
        set[i] = cache_array_key(number, state);
}

static void close_gap(const struct cache_array *a, uint64_t *set, uint32_t i)
{
    memmove(set + i, set + i + 1, (a->way_count - 1 - i) * sizeof *set);
    set[a->way_count - 1] = 0;
}

void cache_array_remove(struct cache_array *a, uint64_t number)
{
    uint64_t *set = cache_array_set(a, number);
    uint32_t i = find(a, set, number);
    if (i < a->way_count)
        close_gap(a, set, i);
}

void cache_array_remove_state(struct cache_array *a, unsigned state)
{
    for (uint32_t s = 0; s < a->sets; s++) {
        uint64_t *set = a->ways + (size_t)s * a->way_count;
        for (uint32_t i = 0; i < a->way_count;)
            if ((set[i] & 3) == state)
                close_gap(a, set, i);
            else
                i++;
    }
}

void cache_array_clear(struct cache_array *a) { memset(a->ways, 0, (size_t)a->sets * a->way_count * sizeof *a->ways); }
