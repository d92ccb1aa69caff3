/* SPDX-License-Identifier: Apache-2.0 */
/* Areas: a list by address, splitting, merging, and the search for free addresses, from above as Linux does. */
#include "mm/area.h"

#include "fs/vfs.h"

enum { AREAS_MAX = 65530, LOWEST = 0x10000 };
#define LOW_START 0x40000000ull /* for MAP_32BIT */
#define LOW_END 0x80000000ull

struct area *area_create(uint64_t start, uint64_t end, uint32_t flags, struct inode *inode, uint64_t offset)
{
    struct area *a = kzalloc(sizeof *a);
    if (!a)
        return NULL;
    list_init(&a->link);
    a->start = start;
    a->end = end;
    a->flags = flags;
    a->inode = inode ? inode_get(inode) : NULL;
    a->offset = inode ? offset : 0;
    return a;
}

void area_discard(struct area *a)
{
    if (a->inode)
        inode_put(a->inode);
    kfree(a);
}

void area_free(struct mm *mm, struct area *a)
{
    list_remove(&a->link);
    mm->area_count--;
    if (mm->recent == a)
        mm->recent = NULL;
    area_discard(a);
}

void area_link(struct mm *mm, struct area *a)
{
    struct area *next = area_after(mm, a->start);
    list_insert_before(next ? &next->link : &mm->areas, &a->link);
    mm->area_count++;
}

struct area *area_after(struct mm *mm, uint64_t address)
{
    struct area *a = mm->recent; /* all that lie before it end where it starts, or earlier */
    if (!a || a->start > address)
        a = list_is_empty(&mm->areas) ? NULL : LIST_FIRST(&mm->areas, struct area, link);
    while (a && a->end <= address)
        a = area_next(mm, a);
    return mm->recent = a;
}

struct area *area_next(struct mm *mm, struct area *a)
{
    return a->link.next == &mm->areas ? NULL : LIST_ITEM(a->link.next, struct area, link);
}

struct area *area_previous(struct mm *mm, struct area *a)
{
    return a->link.prev == &mm->areas ? NULL : LIST_ITEM(a->link.prev, struct area, link);
}

struct area *mm_find(struct mm *mm, uint64_t address)
{
    struct area *a = area_after(mm, address);
    return a && a->start <= address ? a : NULL;
}

uint64_t area_offset(const struct area *a, uint64_t address) { return a->inode ? a->offset + (address - a->start) : 0; }

static int split(struct mm *mm, uint64_t address)
{
    struct area *a = mm_find(mm, address);
    if (!a || a->start == address)
        return 0;
    if (mm->area_count >= AREAS_MAX)
        return -ENOMEM;
    struct area *upper = area_create(address, a->end, a->flags, a->inode, area_offset(a, address));
    if (!upper)
        return -ENOMEM;
    upper->name = a->name;
    a->end = address;
    area_link(mm, upper);
    return 0;
}

int area_isolate(struct mm *mm, uint64_t start, uint64_t end)
{
    int result = split(mm, start);
    if (!result)
        result = split(mm, end);
    if (result)
        area_merge(mm, start, end);
    return result;
}

static bool is_continued_by(const struct area *a, const struct area *b)
{
    return a->end == b->start && a->flags == b->flags && a->inode == b->inode && a->name == b->name &&
           area_offset(a, a->end) == b->offset;
}

void area_merge(struct mm *mm, uint64_t start, uint64_t end)
{
    struct area *a = area_after(mm, start ? start - 1 : 0), *after;
    for (struct area *next = a ? area_next(mm, a) : NULL; next && a->start < end; next = after) {
        after = area_next(mm, next);
        if (is_continued_by(a, next)) {
            a->end = next->end;
            area_free(mm, next);
        } else {
            a = next;
        }
    }
}

/* An area that grows down keeps its distance; the result is the first address that belongs to it. */
static uint64_t guarded_start(const struct area *a)
{
    return a->flags & AREA_GROWS_DOWN ? a->start - MIN(a->start, STACK_GUARD) : a->start;
}

bool area_has_room(struct mm *mm, uint64_t start, uint64_t bytes)
{
    struct area *a = area_after(mm, start);
    return !a || start + bytes <= guarded_start(a);
}

/* The highest gap in [low, high); 0: none. */
static uint64_t find_gap(struct mm *mm, uint64_t bytes, uint64_t low, uint64_t high)
{
    struct list *node = mm->areas.prev;
    for (;; node = node->prev) {
        struct area *a = node == &mm->areas ? NULL : LIST_ITEM(node, struct area, link);
        uint64_t bottom = a && a->end > low ? a->end : low;
        if (high >= bottom && high - bottom >= bytes)
            return high - bytes;
        if (!a || guarded_start(a) <= low)
            return 0;
        high = MIN(high, guarded_start(a));
    }
}

static int64_t place_fixed(struct mm *mm, uint64_t address, uint64_t bytes, uint32_t map_flags)
{
    if (address > USER_END - bytes)
        return -ENOMEM;
    if (address % PAGE_BYTES)
        return -EINVAL;
    if (address < LOWEST)
        return -EPERM;
    struct area *a = area_after(mm, address);
    if (map_flags & MAP_FIXED_NOREPLACE && a && a->start < address + bytes)
        return -EEXIST;
    return (int64_t)address;
}

int64_t area_place(struct mm *mm, uint64_t address, uint64_t bytes, uint32_t map_flags)
{
    if (bytes > USER_END || mm->area_count >= AREAS_MAX)
        return -ENOMEM;
    if (map_flags & (MAP_FIXED | MAP_FIXED_NOREPLACE))
        return place_fixed(mm, address, bytes, map_flags);
    bool is_low = map_flags & MAP_32BIT;
    address = ALIGN_DOWN(address, PAGE_BYTES);
    if (address && address < LOWEST)
        address = LOWEST;
    uint64_t end = is_low ? LOW_END : USER_END;
    if (address && bytes <= end && address <= end - bytes && area_has_room(mm, address, bytes))
        return (int64_t)address;
    uint64_t found = is_low ? find_gap(mm, bytes, LOW_START, LOW_END) : find_gap(mm, bytes, LOWEST, mm->mmap_top);
    if (!found && !is_low)
        found = find_gap(mm, bytes, LOWEST, USER_END);
    return found ? (int64_t)found : -ENOMEM;
}
