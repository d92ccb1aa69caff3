/* SPDX-License-Identifier: Apache-2.0 */
/* See cache_array.h. */
#include "cache_array.h"

#include <stdlib.h>
#include <string.h>

enum { GROUP = CACHE_ARRAY_GROUP, HOST_LINE = 64 };

bool cache_array_create(struct cache_array *a, uint32_t sets, uint32_t way_count)
{
    a->sets = sets;
    a->way_count = way_count;
    a->stride = way_count < GROUP ? way_count : (way_count + GROUP - 1) / GROUP * GROUP;
    a->mask = (sets & (sets - 1)) == 0 ? sets - 1 : 0;
    size_t ways = (size_t)sets * a->stride;
    a->allocated = calloc(ways * (sizeof *a->numbers + sizeof *a->marks) + HOST_LINE, 1);
    if (!a->allocated)
        return false;
    a->numbers = (uint64_t *)(((uintptr_t)a->allocated + HOST_LINE - 1) & ~(uintptr_t)(HOST_LINE - 1));
    a->marks = (uint16_t *)(a->numbers + ways);
    return true;
}

void cache_array_destroy(struct cache_array *a)
{
    free(a->allocated);
    *a = (struct cache_array){0};
}

static void clear(struct cache_array *a, size_t first, size_t ways)
{
    memset(a->numbers + first, 0, ways * sizeof *a->numbers);
    memset(a->marks + first, 0, ways * sizeof *a->marks);
}

void cache_array_clear(struct cache_array *a) { clear(a, 0, (size_t)a->sets * a->stride); }

static inline uint32_t oldest_way(const struct cache_array *a, size_t first)
{
    const unsigned oldest = (a->way_count - 1) << 2 | 3;
    if (a->stride < GROUP) {
        uint32_t i = 0;
        while ((cache_array_mark(a, first, i) | 3) != oldest)
            i++;
        return i;
    }
    const __m128i wanted = _mm_set1_epi16((short)oldest), any_state = _mm_set1_epi16(3);
    for (uint32_t at = 0;; at += GROUP) {
        __m128i marks = *(const __m128i *)(const void *)(a->marks + first + at);
        marks = _mm_or_si128(_mm_xor_si128(marks, cache_array_first_marks(a, at)), any_state);
        unsigned found = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi16(marks, wanted));
        if (found)
            return at + (uint32_t)__builtin_ctz(found) / 2;
    }
}

unsigned cache_array_peek(const struct cache_array *a, uint64_t number)
{
    size_t first = cache_array_first(a, number);
    uint32_t i = cache_array_find(a, first, number);
    return i < a->way_count ? cache_array_mark(a, first, i) & 3 : 0;
}

uint32_t cache_array_age(const struct cache_array *a, uint64_t number)
{
    size_t first = cache_array_first(a, number);
    uint32_t i = cache_array_find(a, first, number);
    return i < a->way_count ? cache_array_mark(a, first, i) >> 2 : a->way_count;
}

uint64_t cache_array_oldest(const struct cache_array *a, uint64_t number)
{
    size_t first = cache_array_first(a, number);
    return a->numbers[first + oldest_way(a, first)] - 1; /* of an empty way: CACHE_ARRAY_NONE */
}

struct cache_victim cache_array_insert(struct cache_array *a, uint64_t number, unsigned state)
{
    size_t first = cache_array_first(a, number);
    uint32_t i = oldest_way(a, first);
    struct cache_victim victim = {a->numbers[first + i] - 1, cache_array_mark(a, first, i) & 3};
    a->numbers[first + i] = number + 1;
    cache_array_set_mark(a, first, i, (a->way_count - 1) << 2 | state);
    cache_array_rejuvenate(a, first, i);
    return victim;
}

void cache_array_set_state(struct cache_array *a, uint64_t number, unsigned state)
{
    size_t first = cache_array_first(a, number);
    uint32_t i = cache_array_find(a, first, number);
    if (i < a->way_count)
        cache_array_set_mark(a, first, i, (cache_array_mark(a, first, i) & ~3u) | state);
}

/* The way is empty and the oldest: those that were older grow younger by one. */
static void empty(struct cache_array *a, size_t first, uint32_t i)
{
    unsigned mark = cache_array_mark(a, first, i) | 3;
    a->numbers[first + i] = 0;
    for (uint32_t k = 0; k < a->way_count; k++) {
        unsigned other = cache_array_mark(a, first, k);
        cache_array_set_mark(a, first, k, other - (other > mark ? 1u << 2 : 0));
    }
    cache_array_set_mark(a, first, i, (a->way_count - 1) << 2);
}

void cache_array_remove(struct cache_array *a, uint64_t number)
{
    size_t first = cache_array_first(a, number);
    uint32_t i = cache_array_find(a, first, number);
    if (i < a->way_count)
        empty(a, first, i);
}

static void remove_state(struct cache_array *a, size_t first, unsigned state)
{
    uint32_t gone = 0, others = 0;
    for (uint32_t i = 0; i < a->way_count; i++) {
        unsigned its = cache_array_mark(a, first, i) & 3;
        gone += its == state;
        others += its != state && its != 0;
    }
    if (others == 0 && gone != 0) /* the usual case */
        clear(a, first, a->stride);
    for (uint32_t i = 0; others != 0 && gone != 0 && i < a->way_count; i++)
        if ((cache_array_mark(a, first, i) & 3) == state)
            empty(a, first, i);
}

void cache_array_remove_state(struct cache_array *a, unsigned state)
{
    for (size_t first = 0; first < (size_t)a->sets * a->stride; first += a->stride)
        remove_state(a, first, state);
}

void cache_array_prefetch(const struct cache_array *a, uint64_t number)
{
    size_t first = cache_array_first(a, number);
    __builtin_prefetch(a->numbers + first, 1);
    __builtin_prefetch(a->marks + first, 1);
}
