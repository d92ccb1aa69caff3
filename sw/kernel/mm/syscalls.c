/* SPDX-License-Identifier: Apache-2.0 */
/* System calls of memory. The order of the tests is Linux's: which errno a call with two faults gets depends on it. */
#include "arch/syscall.h"

#include "fs/vfs.h"
#include "mm/pagetable.h"
#include "sched/task.h"

#define DEV_ZERO ((1u << 8) | 5u) /* st_rdev of character device 1, 5 */
/* What MAP_SHARED_VALIDATE knows; MAP_SHARED ignores the rest. */
#define SHARED_FLAGS                                                                                                   \
    (MAP_TYPE | MAP_FIXED | MAP_ANONYMOUS | MAP_32BIT | MAP_GROWSDOWN | MAP_DENYWRITE | MAP_EXECUTABLE | MAP_LOCKED |  \
     MAP_NORESERVE | MAP_POPULATE | MAP_NONBLOCK | MAP_STACK | MAP_HUGETLB | MAP_UNINITIALIZED)

static uint64_t whole_pages(uint64_t bytes) { return ALIGN_UP(bytes, PAGE_BYTES); } /* 0: too many */

static uint32_t protection(uint64_t prot)
{
    return (prot & PROT_READ ? AREA_READ : 0) | (prot & PROT_WRITE ? AREA_WRITE : 0) |
           (prot & PROT_EXEC ? AREA_EXEC : 0);
}

static int check_anonymous(uint64_t flags, uint32_t *area_flags)
{
    uint64_t type = flags & MAP_TYPE;
    if ((type != MAP_SHARED && type != MAP_PRIVATE) || (type == MAP_SHARED && flags & MAP_GROWSDOWN))
        return -EINVAL;
    *area_flags |= type == MAP_SHARED ? AREA_SHARED : 0;
    *area_flags |= flags & MAP_GROWSDOWN ? AREA_GROWS_DOWN : 0;
    return 0;
}

static int check_file(const struct file *f, uint64_t flags, uint64_t bytes, uint64_t offset, uint32_t *area_flags)
{
    const struct inode *inode = f->inode;
    bool is_zero = inode && (inode->mode & S_IFMT) == S_IFCHR && inode->rdev == DEV_ZERO;
    bool may_write = (f->flags & O_ACCMODE) != O_RDONLY, may_read = (f->flags & O_ACCMODE) != O_WRONLY;
    uint64_t type = flags & MAP_TYPE;
    if (inode && (inode->mode & S_IFMT) == S_IFREG && (offset > INT64_MAX || bytes > INT64_MAX - offset))
        return -EOVERFLOW;
    if (type != MAP_PRIVATE && type != MAP_SHARED && type != MAP_SHARED_VALIDATE)
        return -EINVAL;
    if (type == MAP_SHARED_VALIDATE && flags & ~(uint64_t)(SHARED_FLAGS | 21u << 26 | 30u << 26))
        return -EOPNOTSUPP;
    if (type != MAP_PRIVATE && *area_flags & AREA_WRITE && !may_write)
        return -EACCES;
    if (!may_read)
        return -EACCES;
    if (!is_zero && !(inode && inode->ops && inode->ops->page)) /* what has no name lies on nothing executable */
        return -ENODEV;
    if (flags & MAP_GROWSDOWN)
        return -EINVAL;
    if (type != MAP_PRIVATE)
        *area_flags |= may_write ? AREA_SHARED : AREA_SHARED | AREA_NEVER_WRITE;
    return 0;
}

SYSCALL6(mmap, uint64_t, address, uint64_t, bytes, uint64_t, prot, uint64_t, flags, int, fd, uint64_t, offset)
{
    struct mm *mm = current->mm;
    bool is_anonymous = flags & MAP_ANONYMOUS;
    if (offset % PAGE_BYTES)
        return -EINVAL;
    struct file *f = is_anonymous ? NULL : fd_file(fd);
    if (!is_anonymous && (!f || f->flags & O_PATH))
        return -EBADF;
    if (flags & MAP_HUGETLB)
        return is_anonymous ? -ENOMEM : -EINVAL; /* none are reserved */
    if (!bytes)
        return -EINVAL;
    bytes = whole_pages(bytes);
    if (!bytes)
        return -ENOMEM;
    int64_t place = area_place(mm, address, bytes, (uint32_t)flags);
    if (place < 0)
        return place;
    uint32_t area_flags = protection(prot) | (flags & MAP_LOCKED ? AREA_LOCKED : 0);
    int result = f ? check_file(f, flags, bytes, offset, &area_flags) : check_anonymous(flags, &area_flags);
    if (result)
        return result;
    struct inode *inode = f && f->inode->ops && f->inode->ops->page ? f->inode : NULL; /* NULL: /dev/zero, too */
    place = mm_map(mm, (uint64_t)place, bytes, area_flags, MAP_FIXED, inode, offset);
    bool is_wanted_now = (flags & (MAP_POPULATE | MAP_NONBLOCK)) == MAP_POPULATE || flags & MAP_LOCKED;
    if (place >= 0 && is_wanted_now) /* whether it succeeds or not */
        mm_populate(mm, (uint64_t)place, (uint64_t)place + bytes,
                    (area_flags & (AREA_WRITE | AREA_SHARED)) == AREA_WRITE);
    return place;
}

SYSCALL2(munmap, uint64_t, address, uint64_t, bytes) { return mm_unmap(current->mm, address, bytes); }

SYSCALL1(brk, uint64_t, end) { return (long)mm_brk(current->mm, end); }

/* Within one area: flags of `mask` become `value`. */
static int change_flags(struct mm *mm, uint64_t start, uint64_t end, uint32_t mask, uint32_t value)
{
    if ((mm_find(mm, start)->flags & mask) == value)
        return 0;
    int result = area_isolate(mm, start, end);
    if (result)
        return result;
    struct area *a = mm_find(mm, start);
    a->flags = (a->flags & ~mask) | value;
    if (mask & AREA_PROTECTION)
        pt_protect(mm, a);
    area_merge(mm, start, end);
    return 0;
}

SYSCALL3(mprotect, uint64_t, start, uint64_t, bytes, uint64_t, prot)
{
    struct mm *mm = current->mm;
    uint64_t grows = prot & (PROT_GROWSDOWN | PROT_GROWSUP), end = start + whole_pages(bytes);
    prot &= ~grows;
    if (grows == (PROT_GROWSDOWN | PROT_GROWSUP) || start % PAGE_BYTES)
        return -EINVAL;
    if (!bytes)
        return 0;
    if (end <= start)
        return -ENOMEM;
    if (prot & ~(uint64_t)(PROT_READ | PROT_WRITE | PROT_EXEC | PROT_SEM))
        return -EINVAL;
    struct area *a = area_after(mm, start);
    if (!a || (grows & PROT_GROWSDOWN ? a->start >= end : a->start > start))
        return -ENOMEM;
    if ((grows & PROT_GROWSDOWN && !(a->flags & AREA_GROWS_DOWN)) || grows & PROT_GROWSUP)
        return -EINVAL;
    if (grows)
        start = a->start;
    for (uint64_t upto; start < end; start = upto) {
        a = mm_find(mm, start);
        if (!a)
            return -ENOMEM;
        if (prot & PROT_WRITE && a->flags & AREA_NEVER_WRITE)
            return -EACCES;
        upto = MIN(end, a->end);
        int result = change_flags(mm, start, upto, AREA_PROTECTION, protection(prot));
        if (result)
            return result;
    }
    return 0;
}

/* --- madvise --- */

static int advise(struct mm *mm, struct area *a, uint64_t start, uint64_t end, int advice)
{
    bool is_private_memory = !a->inode && !(a->flags & AREA_SHARED), is_locked = a->flags & AREA_LOCKED;
    switch (advice) {
    case MADV_DONTNEED:
    case MADV_DONTNEED_LOCKED:
        if (is_locked && advice == MADV_DONTNEED)
            return -EINVAL;
        pt_unmap(mm, start, end, 0, 0);
        return 0;
    case MADV_FREE: return is_private_memory && !is_locked ? 0 : -EINVAL; /* may be taken, need not */
    case MADV_COLD:
    case MADV_PAGEOUT: return is_locked ? -EINVAL : 0;
    case MADV_REMOVE:
        if (!a->inode)
            return -EINVAL;
        return a->flags & AREA_SHARED && !(a->flags & AREA_NEVER_WRITE) ? -EOPNOTSUPP : -EACCES;
    case MADV_DONTFORK: return change_flags(mm, start, end, AREA_NO_FORK, AREA_NO_FORK);
    case MADV_DOFORK: return change_flags(mm, start, end, AREA_NO_FORK, 0);
    case MADV_WIPEONFORK:
        return is_private_memory ? change_flags(mm, start, end, AREA_WIPE_FORK, AREA_WIPE_FORK) : -EINVAL;
    case MADV_KEEPONFORK: return change_flags(mm, start, end, AREA_WIPE_FORK, 0);
    default: return 0;
    }
}

/* MADV_POPULATE_: as mm_populate, but what can only be written or executed is not read. */
static int populate(struct mm *mm, uint64_t start, uint64_t end, bool is_write)
{
    for (uint64_t upto; start < end; start = upto) {
        struct area *a = mm_find(mm, start);
        if (!a)
            return -ENOMEM;
        if (!(a->flags & (is_write ? AREA_WRITE : AREA_READ)))
            return -EINVAL;
        upto = MIN(end, a->end);
        int result = mm_populate(mm, start, upto, is_write);
        if (result)
            return result;
    }
    return 0;
}

SYSCALL3(madvise, uint64_t, start, uint64_t, bytes, int, advice)
{
    struct mm *mm = current->mm;
    bool is_known =
        (advice >= MADV_NORMAL && advice <= MADV_DONTNEED) || (advice >= MADV_FREE && advice <= MADV_DONTNEED_LOCKED);
    if (!is_known || start % PAGE_BYTES)
        return -EINVAL;
    uint64_t end = start + whole_pages(bytes);
    if ((bytes && !whole_pages(bytes)) || end < start)
        return -EINVAL;
    if (advice == MADV_POPULATE_READ || advice == MADV_POPULATE_WRITE)
        return populate(mm, start, end, advice == MADV_POPULATE_WRITE);
    int missing = 0; /* holes are told in the end, the rest is done all the same */
    for (uint64_t upto; start < end; start = upto) {
        struct area *a = area_after(mm, start);
        if (!a || a->start >= end)
            return -ENOMEM;
        if (a->start > start)
            missing = -ENOMEM;
        start = a->start > start ? a->start : start;
        upto = MIN(end, a->end);
        int result = advise(mm, a, start, upto, advice);
        if (result)
            return result;
    }
    return missing;
}

/* --- calls that find everything in memory already --- */

SYSCALL3(msync, uint64_t, start, uint64_t, bytes, int, flags)
{
    struct mm *mm = current->mm;
    uint64_t end = start + whole_pages(bytes);
    if (flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC) || start % PAGE_BYTES ||
        (flags & (MS_ASYNC | MS_SYNC)) == (MS_ASYNC | MS_SYNC))
        return -EINVAL;
    if (end < start)
        return -ENOMEM;
    int missing = 0;
    for (struct area *a; start < end; start = a->end) {
        a = area_after(mm, start);
        if (!a || a->start >= end)
            return -ENOMEM;
        if (a->start > start)
            missing = -ENOMEM;
        if (flags & MS_INVALIDATE && a->flags & AREA_LOCKED)
            return -EBUSY;
    }
    return missing;
}

static uint8_t is_in_memory(struct mm *mm, struct area *a, uint64_t va)
{
    uint64_t *e = pt_entry(mm, va, false);
    if (e && *e)
        return 1;
    uint64_t offset = area_offset(a, va);
    if (!a->inode || offset >= a->inode->size)
        return 0;
    uint64_t page = a->inode->ops->page(a->inode, offset / PAGE_BYTES, false);
    if (page)
        page_put(page);
    return page != 0;
}

SYSCALL3(mincore, uint64_t, start, uint64_t, bytes, uint64_t, vector)
{
    struct mm *mm = current->mm;
    uint64_t pages = whole_pages(bytes) / PAGE_BYTES;
    if (start % PAGE_BYTES)
        return -EINVAL;
    if (bytes > USER_END || start > USER_END - bytes)
        return -ENOMEM;
    if (vector > USER_END - pages)
        return -EFAULT;
    struct area *a = NULL;
    for (uint64_t end = start + pages * PAGE_BYTES; start < end;) {
        uint8_t answer[256];
        size_t n = 0;
        for (; n < sizeof answer && start < end && (a = mm_find(mm, start)) != NULL; n++, start += PAGE_BYTES)
            answer[n] = is_in_memory(mm, a, start);
        int result = copy_to_user(vector, answer, n);
        if (result || !a)
            return result ? result : -ENOMEM;
        vector += n;
    }
    return 0;
}

/* Nothing is ever swapped out: to lock is to have it here. */
static long lock(uint64_t start, uint64_t bytes, uint32_t locked)
{
    struct mm *mm = current->mm;
    uint64_t first = ALIGN_DOWN(start, PAGE_BYTES), end = first + whole_pages(bytes + start % PAGE_BYTES);
    if (end < first)
        return -EINVAL;
    for (uint64_t at = first, upto; at < end; at = upto) {
        struct area *a = mm_find(mm, at);
        if (!a)
            return -ENOMEM;
        upto = MIN(end, a->end);
        int result = change_flags(mm, at, upto, AREA_LOCKED, locked);
        if (result)
            return result;
    }
    for (uint64_t at = first, upto; locked && at < end; at = upto) {
        struct area *a = mm_find(mm, at);
        upto = MIN(end, a->end);
        int result = mm_populate(mm, at, upto, (a->flags & (AREA_WRITE | AREA_SHARED)) == AREA_WRITE);
        if (result)
            return result == -ENOMEM ? -EAGAIN : -ENOMEM;
    }
    return 0;
}

SYSCALL2(mlock, uint64_t, start, uint64_t, bytes) { return lock(start, bytes, AREA_LOCKED); }
SYSCALL2(munlock, uint64_t, start, uint64_t, bytes) { return lock(start, bytes, 0); }
