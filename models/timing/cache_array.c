/* SPDX-License-Identifier: Apache-2.0 */
/* See cache_array.h. */
#include "cache_array.h"
#include "host_memory.h"

#include <string.h>

enum { GROUP = CACHE_ARRAY_GROUP };

static size_t bytes_of(const struct cache_array *a)
{
    return cache_array_ways(a) * (sizeof *a->numbers + sizeof *a->marks);
}

bool cache_array_create(struct cache_array *a, uint32_t sets, uint32_t way_count)
{
    a->sets = sets;
    a->way_count = way_count;
    a->stride = way_count < GROUP ? way_count : (way_count + GROUP - 1) / GROUP * GROUP;
    a->mask = (sets & (sets - 1)) == 0 ? sets - 1 : 0;
    a->numbers = host_memory_create(bytes_of(a));
    if (!a->numbers)
        return false;
    a->marks = (uint16_t *)(a->numbers + cache_array_ways(a));
    return true;
}

void cache_array_destroy(struct cache_array *a)
{
    host_memory_destroy(a->numbers, bytes_of(a));
    *a = (struct cache_array){0};
}

static void clear(struct cache_array *a, size_t first, size_t ways)
{
    memset(a->numbers + first, 0, ways * sizeof *a->numbers);
    memset(a->marks + first, 0, ways * sizeof *a->marks);
}

void cache_array_clear(struct cache_array *a) { clear(a, 0, cache_array_ways(a)); }

/* Two bits per way. */
static inline unsigned equal_marks(__m128i eight, __m128i anything, __m128i its)
{
    return (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi16(_mm_or_si128(eight, anything), its));
}

/* Of a set's ways the first whose mark, with the bits of `any`, is `wanted`; way_count: none. */
__attribute__((always_inline)) static inline uint32_t find_mark(const struct cache_array *a, size_t first, unsigned any,
                                                                unsigned wanted)
{
    const uint16_t *marks = a->marks + first;
    uint32_t i = 0;
    if (a->stride < GROUP) {
        while (i < a->way_count && (marks[i] | any) != wanted)
            i++;
        return i;
    }
    const __m128i anything = _mm_set1_epi16((short)any), its = _mm_set1_epi16((short)wanted);
    const __m128i *eight = (const __m128i *)(const void *)marks;
    unsigned found = 0;
    if (VP_LIKELY(a->stride == 2 * GROUP)) {
        found = equal_marks(eight[0], anything, its) | equal_marks(eight[1], anything, its) << 16;
    } else {
        for (;; i += GROUP, eight++) {
            found = equal_marks(*eight, anything, its);
            if (found || i + GROUP >= a->stride)
                break;
        }
    }
    return found ? i + (uint32_t)__builtin_ctz(found) / 2 : a->way_count; /* ways come before what fills up */
}

/* Rank 1 if the set is full, else the first that is empty. */
static inline uint32_t oldest_way(const struct cache_array *a, size_t first)
{
    uint32_t i = find_mark(a, first, 3, 1 << 2 | 3);
    return i < a->way_count ? i : find_mark(a, first, 0, 0);
}

unsigned cache_array_peek(const struct cache_array *a, uint64_t number)
{
    size_t first = cache_array_first(a, number);
    uint32_t i = cache_array_find(a, first, number);
    return i < a->way_count ? a->marks[first + i] & 3 : 0;
}

uint32_t cache_array_age(const struct cache_array *a, uint64_t number)
{
    size_t first = cache_array_first(a, number);
    uint32_t i = cache_array_find(a, first, number);
    return i < a->way_count ? a->way_count - (a->marks[first + i] >> 2) : a->way_count;
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
    struct cache_victim victim = {a->numbers[first + i] - 1, a->marks[first + i] & 3};
    a->numbers[first + i] = number + 1;
    (void)cache_array_rejuvenate(a, first, i);
    a->marks[first + i] = (uint16_t)(a->way_count << 2 | state);
    return victim;
}

void cache_array_set_state(struct cache_array *a, uint64_t number, unsigned state)
{
    size_t first = cache_array_first(a, number);
    uint32_t i = cache_array_find(a, first, number);
    if (i < a->way_count)
        a->marks[first + i] = (uint16_t)((a->marks[first + i] & ~3u) | state);
}

/* The way is empty: those of a lower rank go up by one. */
static void empty(struct cache_array *a, size_t first, uint32_t i)
{
    uint16_t *marks = a->marks + first, mark = marks[i];
    a->numbers[first + i] = 0;
    marks[i] = 0;
    for (uint32_t k = 0; k < a->way_count; k++)
        marks[k] = (uint16_t)(marks[k] + (marks[k] != 0 && marks[k] < mark ? 1 << 2 : 0));
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
        unsigned its = a->marks[first + i] & 3;
        gone += its == state;
        others += its != state && its != 0;
    }
    if (others == 0 && gone != 0) /* the usual case */
        clear(a, first, a->stride);
    for (uint32_t i = 0; others != 0 && gone != 0 && i < a->way_count; i++)
        if ((a->marks[first + i] & 3u) == state)
            empty(a, first, i);
}

void cache_array_remove_state(struct cache_array *a, unsigned state)
{
    for (size_t first = 0; first < cache_array_ways(a); first += a->stride)
        remove_state(a, first, state);
}
