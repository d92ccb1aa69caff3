/* SPDX-License-Identifier: Apache-2.0 */
/* The page tree of files in memory. All trees together take at most half of the memory, as tmpfs does on Linux: then a
 * program that fills the disk gets ENOSPC, and there is memory left to deal with it. */
#include "fs/pages.h"
#include "mm/page.h"
#include "string.h"

enum { FANOUT_BITS = 6, FANOUT = 1 << FANOUT_BITS, HEIGHT_MAX = 9 /* 2^54 pages: more than any offset */ };

/* A node has FANOUT slots: pointers to nodes, in the lowest level physical addresses of pages. */
typedef uint64_t node[FANOUT];

static uint64_t used_bytes;

void pages_usage(uint64_t *limit, uint64_t *free)
{
    uint64_t used = (used_bytes + PAGE_BYTES - 1) / PAGE_BYTES;
    *limit = pages_total() / 2;
    *free = MIN(used < *limit ? *limit - used : 0, pages_free());
}

static bool reserve(size_t bytes)
{
    if (used_bytes + bytes > pages_total() / 2 * PAGE_BYTES)
        return false;
    used_bytes += bytes;
    return true;
}

static uint64_t node_create(uint64_t first)
{
    if (!reserve(sizeof(node)))
        return 0;
    uint64_t *n = kzalloc(sizeof(node));
    if (n)
        n[0] = first;
    else
        used_bytes -= sizeof(node);
    return (uint64_t)n;
}

static unsigned slot_of(uint64_t index, unsigned level) { return index >> level * FANOUT_BITS & (FANOUT - 1); }
static bool fits(uint64_t index, unsigned height) { return height >= HEIGHT_MAX || index >> height * FANOUT_BITS == 0; }

uint64_t pages_find(const struct pages *p, uint64_t index)
{
    uint64_t at = fits(index, p->height) ? p->root : 0;
    for (unsigned level = p->height; at && level-- > 0;)
        at = ((uint64_t *)at)[slot_of(index, level)];
    return at;
}

uint64_t pages_make(struct pages *p, uint64_t index)
{
    while (!fits(index, p->height)) {
        uint64_t root = p->root ? node_create(p->root) : 0;
        if (p->root && !root)
            return 0;
        p->root = root;
        p->height++;
    }
    uint64_t *slot = &p->root;
    for (unsigned level = p->height; level-- > 0;) {
        if (!*slot)
            *slot = node_create(0);
        if (!*slot)
            return 0; /* empty nodes stay until pages_trim */
        slot = &((uint64_t *)*slot)[slot_of(index, level)];
    }
    if (!*slot && reserve(PAGE_BYTES)) {
        *slot = page_alloc_zero();
        if (*slot)
            p->count++;
        else
            used_bytes -= PAGE_BYTES;
    }
    return *slot;
}

/* Frees what lies at and after index first, counted from the start of this subtree; true if nothing is left of it. */
static bool trim(struct pages *p, uint64_t at, unsigned level, uint64_t first)
{
    if (!level) {
        page_put(at);
        p->count--;
        used_bytes -= PAGE_BYTES;
        return true;
    }
    uint64_t *n = (uint64_t *)at;
    unsigned shift = (level - 1) * FANOUT_BITS;
    bool is_empty = true;
    for (uint64_t i = 0; i < FANOUT; i++) {
        if (n[i] && i >= first >> shift) {
            uint64_t within = i == first >> shift ? first & ((1ull << shift) - 1) : 0;
            if (trim(p, n[i], level - 1, within))
                n[i] = 0;
        }
        is_empty &= !n[i];
    }
    if (is_empty) {
        kfree(n);
        used_bytes -= sizeof(node);
    }
    return is_empty;
}

void pages_trim(struct pages *p, uint64_t first)
{
    if (!p->root || (first && !fits(first, p->height)))
        return;
    if (!p->height && first)
        return;
    if (trim(p, p->root, p->height, first)) {
        p->root = 0;
        p->height = 0;
    }
}
