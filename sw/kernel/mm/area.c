/* SPDX-License-Identifier: Apache-2.0 */
/* Areas: a list by address, splitting, merging, and the search for free addresses, from above as Linux does. */
#include "fs/vfs.h"
#include "mm/internal.h"

enum { AREAS_MAX = 65530, LOWEST = 0x10000 };

struct area *area_insert(struct mm *mm, const struct area *model)
{
    struct area *a = mm->area_count < AREAS_MAX ? kmalloc(sizeof *a) : NULL;
    if (!a)
        return NULL;
    *a = *model;
    if (a->inode)
        inode_get(a->inode);
    struct area *next = area_after(mm, a->start);
    list_insert_before(next ? &next->link : &mm->areas, &a->link);
    mm->area_count++;
    return a;
}

void area_free(struct mm *mm, struct area *a)
{
    list_remove(&a->link);
    mm->area_count--;
    mm->recent = NULL;
    inode_put(a->inode);
    kfree(a);
}

struct area *area_after(struct mm *mm, uint64_t address)
{
    struct area *a = mm->recent; /* all that lie before it end where it starts, or earlier */
    struct list *node = a && a->start <= address ? &a->link : mm->areas.next;
    for (mm->recent = NULL; node != &mm->areas && !mm->recent; node = node->next)
        if (LIST_ITEM(node, struct area, link)->end > address)
            mm->recent = LIST_ITEM(node, struct area, link);
    return mm->recent;
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
    struct area upper = *a;
    upper.start = address;
    upper.offset = area_offset(a, address);
    a->end = address;
    if (area_insert(mm, &upper))
        return 0;
    a->end = upper.end;
    return -ENOMEM;
}

int area_isolate(struct mm *mm, uint64_t start, uint64_t end)
{
    int result = split(mm, start);
    return result ? result : split(mm, end);
}

void area_merge(struct mm *mm)
{
    struct area *a, *before = NULL;
    LIST_FOR_EACH(a, &mm->areas, link)
    {
        if (before && before->end == a->start && before->flags == a->flags && before->inode == a->inode &&
            before->name == a->name && area_offset(before, a->start) == a->offset) {
            before->end = a->end;
            area_free(mm, a);
        } else {
            before = a;
        }
    }
}

bool area_has_room(struct mm *mm, uint64_t start, uint64_t end)
{
    const struct area *a = area_after(mm, start);
    return !a || end <= a->start;
}

/* The highest gap below MMAP_TOP; 0: none. */
static uint64_t find_gap(struct mm *mm, uint64_t bytes)
{
    uint64_t high = MMAP_TOP;
    for (struct list *node = mm->areas.prev;; node = node->prev) {
        const struct area *a = node == &mm->areas ? NULL : LIST_ITEM(node, struct area, link);
        uint64_t bottom = a ? a->end : LOWEST;
        if (high >= bottom && high - bottom >= bytes)
            return high - bytes;
        if (!a)
            return 0;
        high = MIN(high, a->start);
    }
}

int64_t area_place(struct mm *mm, uint64_t address, uint64_t bytes, uint32_t map_flags)
{
    if (bytes > USER_END)
        return -ENOMEM;
    bool is_inside = address >= LOWEST && address <= USER_END - bytes;
    if (map_flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) {
        if (address % PAGE_BYTES)
            return -EINVAL;
        if (!is_inside)
            return address < LOWEST ? -EPERM : -ENOMEM;
        if (map_flags & MAP_FIXED_NOREPLACE && !area_has_room(mm, address, address + bytes))
            return -EEXIST;
        return (int64_t)address;
    }
    address = ALIGN_DOWN(address, PAGE_BYTES);
    if (is_inside && area_has_room(mm, address, address + bytes))
        return (int64_t)address;
    uint64_t found = find_gap(mm, bytes);
    return found ? (int64_t)found : -ENOMEM;
}
