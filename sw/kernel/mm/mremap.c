/* SPDX-License-Identifier: Apache-2.0 */
/* mremap: shrinks, grows in place, or moves an area's pages without copying them. */
#include "arch/syscall.h"
#include "mm/internal.h"
#include "sched/task.h"

static bool grow_in_place(struct mm *mm, uint64_t old_end, uint64_t end)
{
    struct area *a = mm_find(mm, old_end - 1);
    if (a->end != old_end || end > USER_END || !area_has_room(mm, old_end, end))
        return false;
    a->end = end;
    area_merge(mm);
    return true;
}

/* [old, old + old_bytes) lies in one area, the place is free. */
static int64_t move(struct mm *mm, uint64_t old, uint64_t old_bytes, uint64_t place, uint64_t new_bytes)
{
    int result = area_isolate(mm, old, old + old_bytes);
    if (result)
        return result;
    struct area model = *mm_find(mm, old);
    model.start = place;
    model.end = place + new_bytes;
    if (!area_insert(mm, &model))
        return -ENOMEM;
    result = pt_move(mm, old, place, old_bytes);
    mm_unmap(mm, result ? place : old, result ? new_bytes : old_bytes); /* cannot fail: nothing is left to be split */
    area_merge(mm);
    return result ? result : (int64_t)place;
}

SYSCALL4(mremap, uint64_t, old, uint64_t, old_bytes, uint64_t, new_bytes, uint64_t, flags)
{
    struct mm *mm = current->mm;
    old_bytes = ALIGN_UP(old_bytes, PAGE_BYTES);
    new_bytes = ALIGN_UP(new_bytes, PAGE_BYTES);
    if (flags & ~(uint64_t)MREMAP_MAYMOVE || old % PAGE_BYTES || !old_bytes || !new_bytes || new_bytes > USER_END)
        return -EINVAL;
    const struct area *a = mm_find(mm, old);
    if (!a || MIN(old_bytes, new_bytes) > a->end - old)
        return -EFAULT;
    if (new_bytes < old_bytes) {
        int result = mm_unmap(mm, old + new_bytes, old_bytes - new_bytes);
        return result ? result : (int64_t)old;
    }
    if (new_bytes == old_bytes || grow_in_place(mm, old + old_bytes, old + new_bytes))
        return (int64_t)old;
    int64_t place = flags & MREMAP_MAYMOVE ? area_place(mm, 0, new_bytes, 0) : -ENOMEM;
    return place < 0 ? place : move(mm, old, old_bytes, (uint64_t)place, new_bytes);
}
