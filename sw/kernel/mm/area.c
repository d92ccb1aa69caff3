/* SPDX-License-Identifier: Apache-2.0 */
/* Areas: the list by address, and the system calls that change it. The order of the tests is Linux's: which errno a
 * call with two faults gets depends on it. */
#include "arch/syscall.h"
#include "fs/vfs.h"
#include "mm/mm.h"
#include "sched/task.h"

enum { AREAS_MAX = 65530, LOWEST = 0x10000 };

#define DEV_ZERO ((1u << 8) | 5u) /* st_rdev of character device 1, 5 */

/* The first that ends above it; NULL: none. */
static struct area *area_after(struct mm *mm, uint64_t address)
{
    struct area *a = mm->recent; /* all that lie before it end where it starts, or earlier */
    struct list *node = a && a->start <= address ? &a->link : mm->areas.next;
    for (mm->recent = NULL; node != &mm->areas && !mm->recent; node = node->next)
        if (LIST_ITEM(node, struct area, link)->end > address)
            mm->recent = LIST_ITEM(node, struct area, link);
    return mm->recent;
}

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

static void area_free(struct mm *mm, struct area *a)
{
    list_remove(&a->link);
    mm->area_count--;
    mm->recent = NULL;
    inode_put(a->inode);
    kfree(a);
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

/* No area crosses start or end any more. */
static int isolate(struct mm *mm, uint64_t start, uint64_t end) { return split(mm, start) ?: split(mm, end); }

/* Neighbours that are alike. */
static void merge(struct mm *mm)
{
    struct area *a, *before = NULL;
    for (LIST_EACH(a, &mm->areas, link)) {
        if (before && before->end == a->start && before->flags == a->flags && before->inode == a->inode &&
            area_offset(before, a->start) == a->offset) {
            before->end = a->end;
            area_free(mm, a);
        } else {
            before = a;
        }
    }
}

static bool has_room(struct mm *mm, uint64_t start, uint64_t end)
{
    const struct area *a = area_after(mm, start);
    return !a || end <= a->start;
}

/* Where a mapping of whole pages shall lie: an address, or mmap's error. Changes nothing. */
static int64_t place(struct mm *mm, uint64_t address, uint64_t bytes, uint32_t map_flags)
{
    if (!bytes || bytes > USER_END)
        return -ENOMEM;
    bool is_inside = address >= LOWEST && address <= USER_END - bytes;
    if (map_flags & MAP_FIXED) {
        int64_t error = address % PAGE_BYTES ? -EINVAL : address < LOWEST ? -EPERM : -ENOMEM;
        return is_inside && address % PAGE_BYTES == 0 ? (int64_t)address : error;
    }
    address = ALIGN_DOWN(address, PAGE_BYTES);
    if (is_inside && has_room(mm, address, address + bytes))
        return (int64_t)address;
    address = MMAP_START;
    while (!has_room(mm, address, address + bytes))
        address = area_after(mm, address)->end;
    return address + bytes <= MMAP_TOP ? (int64_t)address : -ENOMEM;
}

static struct inode *shared_memory(uint64_t bytes)
{
    struct inode *inode = tmpfs_create(S_IFREG | 0600);
    if (inode)
        inode->size = bytes;
    return inode;
}

int64_t mm_map(struct mm *mm, uint64_t address, uint64_t bytes, uint32_t area_flags, uint32_t map_flags,
               struct inode *inode, uint64_t offset)
{
    bytes = ALIGN_UP(bytes, PAGE_BYTES);
    int64_t start = place(mm, address, bytes, map_flags);
    if (start < 0)
        return start;
    struct inode *own = area_flags & AREA_SHARED && !inode ? shared_memory(bytes) : NULL;
    if (area_flags & AREA_SHARED && !inode && !own)
        return -ENOMEM;
    struct area model = {.start = (uint64_t)start, .end = (uint64_t)start + bytes, .flags = area_flags};
    model.inode = own ? own : inode;
    model.offset = inode ? offset : 0;
    int64_t result = mm_unmap(mm, model.start, bytes);
    if (!result && !area_insert(mm, &model))
        result = -ENOMEM;
    inode_put(own);
    merge(mm);
    return result ? result : start;
}

int mm_unmap(struct mm *mm, uint64_t address, uint64_t bytes)
{
    if (address % PAGE_BYTES || address > USER_END || bytes > USER_END - address || !bytes)
        return -EINVAL;
    uint64_t end = address + ALIGN_UP(bytes, PAGE_BYTES);
    int result = isolate(mm, address, end);
    if (result)
        return result;
    for (struct area *a; (a = area_after(mm, address)) != NULL && a->start < end;) {
        pt_unmap(mm, a->start, a->end);
        area_free(mm, a);
    }
    return 0;
}

/* --- system calls --- */

/* What can be mapped of a file, NULL for private zeros; or why not. */
static int check_file(const struct file *f, bool is_shared, uint32_t *area_flags, struct inode **inode)
{
    bool may_write = (f->flags & O_ACCMODE) != O_RDONLY, may_read = (f->flags & O_ACCMODE) != O_WRONLY;
    if (!may_read || (is_shared && *area_flags & AREA_WRITE && !may_write))
        return -EACCES;
    if (is_shared && !may_write)
        *area_flags |= AREA_NEVER_WRITE;
    *inode = f->inode && S_ISREG(f->inode->mode) && f->inode->ops->page ? f->inode : NULL;
    bool is_zero = f->inode && S_ISCHR(f->inode->mode) && f->inode->rdev == DEV_ZERO;
    return *inode || is_zero ? 0 : -ENODEV;
}

SYSCALL6(mmap, uint64_t, address, uint64_t, bytes, uint64_t, prot, uint64_t, flags, int, fd, uint64_t, offset)
{
    struct inode *inode = NULL;
    uint64_t type = flags & MAP_TYPE;
    bool is_anonymous = flags & MAP_ANONYMOUS, is_shared = type == MAP_SHARED || type == MAP_SHARED_VALIDATE;
    uint32_t area_flags = (prot & AREA_PROTECTION) | (is_shared ? AREA_SHARED : 0);
    if (offset % PAGE_BYTES)
        return -EINVAL;
    const struct file *f = is_anonymous ? NULL : fd_file(fd);
    if (!is_anonymous && (!f || f->flags & O_PATH))
        return -EBADF;
    if (!bytes || (!is_shared && type != MAP_PRIVATE))
        return -EINVAL;
    if (flags & MAP_HUGETLB)
        return -ENOMEM; /* none are reserved */
    int result = f ? check_file(f, is_shared, &area_flags, &inode) : 0;
    return result ? result : mm_map(current->mm, address, bytes, area_flags, (uint32_t)flags, inode, offset);
}

SYSCALL2(munmap, uint64_t, address, uint64_t, bytes) { return mm_unmap(current->mm, address, bytes); }

SYSCALL1(brk, uint64_t, end)
{
    struct mm *mm = current->mm;
    uint64_t old_top = ALIGN_UP(mm->brk_end, PAGE_BYTES), top = ALIGN_UP(end, PAGE_BYTES);
    const struct area heap = {.start = old_top, .end = top, .flags = AREA_READ | AREA_WRITE};
    bool is_done = end >= mm->brk_start && end <= USER_END;
    if (is_done && top < old_top)
        is_done = !mm_unmap(mm, top, old_top - top);
    else if (is_done && top > old_top)
        is_done = has_room(mm, old_top, top + PAGE_BYTES) && area_insert(mm, &heap);
    if (is_done)
        mm->brk_end = end;
    merge(mm);
    return (long)mm->brk_end;
}

SYSCALL3(mprotect, uint64_t, start, uint64_t, bytes, uint64_t, prot)
{
    struct mm *mm = current->mm;
    uint64_t end = start + ALIGN_UP(bytes, PAGE_BYTES);
    if (start % PAGE_BYTES || prot & ~(uint64_t)AREA_PROTECTION)
        return -EINVAL;
    if (!bytes)
        return 0;
    if (end <= start)
        return -ENOMEM;
    int result = isolate(mm, start, end);
    while (start < end && !result) { /* as far as it goes */
        struct area *a = mm_find(mm, start);
        if (!a) {
            result = -ENOMEM;
        } else if (prot & PROT_WRITE && a->flags & AREA_NEVER_WRITE) {
            result = -EACCES;
        } else {
            a->flags = (a->flags & ~(uint32_t)AREA_PROTECTION) | (uint32_t)prot;
            pt_protect(mm, a);
            start = a->end;
        }
    }
    merge(mm);
    return result;
}

SYSCALL3(madvise, uint64_t, start, uint64_t, bytes, int, advice)
{
    uint64_t end = start + ALIGN_UP(bytes, PAGE_BYTES);
    if (start % PAGE_BYTES || (bytes && end <= start) || advice < MADV_NORMAL || advice > MADV_DONTNEED)
        return -EINVAL;
    if (advice == MADV_DONTNEED) /* the rest is mere advice */
        pt_unmap(current->mm, MIN(start, USER_END), MIN(end, USER_END));
    for (const struct area *a; start < end && (a = mm_find(current->mm, start)) != NULL;)
        start = a->end;
    return start < end ? -ENOMEM : 0;
}

SYSCALL4(mremap, uint64_t, old, uint64_t, old_bytes, uint64_t, new_bytes, uint64_t, flags)
{
    struct mm *mm = current->mm;
    old_bytes = ALIGN_UP(old_bytes, PAGE_BYTES);
    new_bytes = ALIGN_UP(new_bytes, PAGE_BYTES);
    if (flags & ~(uint64_t)MREMAP_MAYMOVE || old % PAGE_BYTES || !old_bytes || !new_bytes || new_bytes > USER_END)
        return -EINVAL;
    struct area *a = mm_find(mm, old);
    if (!a || MIN(old_bytes, new_bytes) > a->end - old)
        return -EFAULT;
    if (new_bytes <= old_bytes) {
        int result = new_bytes < old_bytes ? mm_unmap(mm, old + new_bytes, old_bytes - new_bytes) : 0;
        return result ? result : (int64_t)old;
    }
    if (a->end == old + old_bytes && old + new_bytes <= MMAP_TOP && has_room(mm, a->end, old + new_bytes)) {
        a->end = old + new_bytes;
        merge(mm);
        return (int64_t)old;
    }
    int64_t start = flags & MREMAP_MAYMOVE ? place(mm, 0, new_bytes, 0) : -ENOMEM;
    int64_t result = start < 0 ? start : isolate(mm, old, old + old_bytes);
    if (result)
        return result;
    a = mm_find(mm, old);
    struct area model = *a;
    model.start = (uint64_t)start;
    model.end = model.start + new_bytes;
    result = area_insert(mm, &model) ? pt_copy(mm, model.start, mm, a) : -ENOMEM;
    mm_unmap(mm, result ? model.start : old, result ? new_bytes : old_bytes); /* nothing is left to be split */
    merge(mm);
    return result ? result : start;
}
