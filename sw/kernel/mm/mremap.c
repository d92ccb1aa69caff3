/* SPDX-License-Identifier: Apache-2.0 */
/* mremap: shrinks, grows in place, or moves an area's pages without copying them. */
#include "arch/syscall.h"

#include "mm/pagetable.h"
#include "sched/task.h"

struct request {
    uint64_t old, old_bytes, new_bytes, flags, new;
};

/* Moves [old, old + old_bytes), which lies in one area, to a free place; old_bytes = 0 (shared) maps it once more. */
static int64_t move_to(struct mm *mm, const struct request *r, uint64_t place)
{
    int result = area_isolate(mm, r->old, r->old + r->old_bytes);
    if (result)
        return result;
    struct area *from = mm_find(mm, r->old);
    struct area *to = area_create(place, place + r->new_bytes, from->flags, from->inode, area_offset(from, r->old));
    if (!to) {
        area_merge(mm, r->old, r->old + r->old_bytes);
        return -ENOMEM;
    }
    area_link(mm, to);
    result = pt_move(mm, r->old, place, MIN(r->old_bytes, r->new_bytes));
    if (result)
        mm_unmap(mm, place, r->new_bytes);
    else if (r->old_bytes && !(r->flags & MREMAP_DONTUNMAP))
        mm_unmap(mm, r->old, r->old_bytes); /* cannot fail: nothing is left to be split */
    area_merge(mm, r->old, r->old + r->old_bytes);
    area_merge(mm, place, place + r->new_bytes);
    return result ? result : (int64_t)place;
}

/* Whether what stays of the old range may become new_bytes long. */
static int check(struct mm *mm, const struct request *r)
{
    struct area *a = mm_find(mm, r->old);
    if (!a)
        return -EFAULT;
    if (!r->old_bytes && !(a->flags & AREA_SHARED))
        return -EINVAL;
    if (MIN(r->old_bytes, r->new_bytes) > a->end - r->old)
        return -EFAULT;
    uint64_t offset = area_offset(a, r->old);
    return r->new_bytes > r->old_bytes && offset + r->new_bytes < offset ? -EINVAL : 0;
}

static int64_t move_fixed(struct mm *mm, struct request *r)
{
    bool is_fixed = r->flags & MREMAP_FIXED;
    int64_t result = check(mm, r);
    if (result >= 0)
        result = area_place(mm, r->new, r->new_bytes, is_fixed ? MAP_FIXED : 0);
    if (result < 0)
        return result;
    uint64_t place = (uint64_t)result, surplus = r->old_bytes > r->new_bytes ? r->old_bytes - r->new_bytes : 0;
    result = mm_unmap(mm, place, r->new_bytes);
    if (!result && surplus)
        result = mm_unmap(mm, r->old + r->new_bytes, surplus);
    r->old_bytes -= surplus;
    return result ? result : move_to(mm, r, place);
}

static bool grow_in_place(struct mm *mm, const struct request *r)
{
    struct area *a = mm_find(mm, r->old), *next = area_next(mm, a);
    uint64_t end = r->old + r->new_bytes;
    if (r->old + r->old_bytes != a->end || end < a->end || end > USER_END || (next && next->start < end))
        return false;
    a->end = end;
    area_merge(mm, a->start, end);
    return true;
}

static bool is_senseless(const struct request *r)
{
    bool may_move = r->flags & MREMAP_MAYMOVE, is_fixed = r->flags & MREMAP_FIXED, stays = r->flags & MREMAP_DONTUNMAP;
    if (r->flags & ~(uint64_t)(MREMAP_FIXED | MREMAP_MAYMOVE | MREMAP_DONTUNMAP) || r->old % PAGE_BYTES)
        return true;
    if (!r->new_bytes || r->new_bytes > USER_END || ((is_fixed || stays) && !may_move))
        return true;
    if (stays && r->old_bytes != r->new_bytes)
        return true;
    bool overlaps = r->old + r->old_bytes > r->new && r->new + r->new_bytes > r->old;
    return (is_fixed || stays) && (r->new % PAGE_BYTES || r->new > USER_END - r->new_bytes || overlaps);
}

SYSCALL5(mremap, uint64_t, old, uint64_t, old_bytes, uint64_t, new_bytes, uint64_t, flags, uint64_t, new)
{
    struct mm *mm = current->mm;
    struct request r = {old, ALIGN_UP(old_bytes, PAGE_BYTES), ALIGN_UP(new_bytes, PAGE_BYTES), flags, new};
    if (is_senseless(&r))
        return -EINVAL;
    if (!mm_find(mm, old))
        return -EFAULT;
    if (flags & (MREMAP_FIXED | MREMAP_DONTUNMAP))
        return move_fixed(mm, &r);
    if (r.old_bytes >= r.new_bytes) {
        int result = r.old_bytes > r.new_bytes ? mm_unmap(mm, old + r.new_bytes, r.old_bytes - r.new_bytes) : 0;
        return result ? result : (int64_t)old;
    }
    int result = check(mm, &r);
    if (result)
        return result;
    if (grow_in_place(mm, &r))
        return (int64_t)old;
    int64_t place = flags & MREMAP_MAYMOVE ? area_place(mm, 0, r.new_bytes, 0) : -ENOMEM;
    return place < 0 ? place : move_to(mm, &r, (uint64_t)place);
}
