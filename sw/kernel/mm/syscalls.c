/* SPDX-License-Identifier: Apache-2.0 */
/* System calls of memory. The order of the tests is Linux's: which errno a call with two faults gets depends on it. */
#include "arch/syscall.h"
#include "fs/vfs.h"
#include "mm/internal.h"
#include "sched/task.h"

#define DEV_ZERO ((1u << 8) | 5u) /* st_rdev of character device 1, 5 */

static uint64_t whole_pages(uint64_t bytes) { return ALIGN_UP(bytes, PAGE_BYTES); } /* 0: too many */

static uint32_t protection(uint64_t prot)
{
    return (prot & PROT_READ ? AREA_READ : 0) | (prot & PROT_WRITE ? AREA_WRITE : 0) |
           (prot & PROT_EXEC ? AREA_EXEC : 0);
}

/* What can be mapped of a file, NULL for private zeros; or why not. */
static int check_file(const struct file *f, bool is_shared, uint32_t *area_flags, struct inode **inode)
{
    bool may_write = (f->flags & O_ACCMODE) != O_RDONLY, may_read = (f->flags & O_ACCMODE) != O_WRONLY;
    if (!may_read || (is_shared && *area_flags & AREA_WRITE && !may_write))
        return -EACCES;
    if (is_shared && !may_write)
        *area_flags |= AREA_NEVER_WRITE;
    *inode = f->inode && f->inode->ops && f->inode->ops->page ? f->inode : NULL;
    bool is_zero = f->inode && S_ISCHR(f->inode->mode) && f->inode->rdev == DEV_ZERO;
    return *inode || is_zero ? 0 : -ENODEV;
}

SYSCALL6(mmap, uint64_t, address, uint64_t, bytes, uint64_t, prot, uint64_t, flags, int, fd, uint64_t, offset)
{
    struct inode *inode = NULL;
    uint64_t type = flags & MAP_TYPE;
    bool is_anonymous = flags & MAP_ANONYMOUS, is_shared = type == MAP_SHARED || type == MAP_SHARED_VALIDATE;
    uint32_t area_flags = protection(prot) | (is_shared ? AREA_SHARED : 0);
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

SYSCALL1(brk, uint64_t, end) { return (long)mm_brk(current->mm, end); }

SYSCALL3(mprotect, uint64_t, start, uint64_t, bytes, uint64_t, prot)
{
    struct mm *mm = current->mm;
    uint64_t end = start + whole_pages(bytes);
    if (start % PAGE_BYTES || prot & ~(uint64_t)(PROT_READ | PROT_WRITE | PROT_EXEC))
        return -EINVAL;
    if (!bytes)
        return 0;
    if (end <= start)
        return -ENOMEM;
    int result = area_isolate(mm, start, end);
    while (start < end && !result) { /* as far as it goes */
        struct area *a = mm_find(mm, start);
        if (!a) {
            result = -ENOMEM;
        } else if (prot & PROT_WRITE && a->flags & AREA_NEVER_WRITE) {
            result = -EACCES;
        } else {
            a->flags = (a->flags & ~(uint32_t)AREA_PROTECTION) | protection(prot);
            pt_protect(mm, a);
            start = a->end;
        }
    }
    area_merge(mm);
    return result;
}

SYSCALL3(madvise, uint64_t, start, uint64_t, bytes, int, advice)
{
    uint64_t end = start + whole_pages(bytes);
    if (start % PAGE_BYTES || end < start || end > USER_END)
        return -EINVAL;
    if (advice == MADV_DONTNEED)
        pt_unmap(current->mm, start, end);
    bool is_mere_advice = advice >= MADV_NORMAL && advice <= MADV_WILLNEED; /* which nobody has to follow */
    return is_mere_advice || advice == MADV_DONTNEED || advice == MADV_FREE ? 0 : -EINVAL;
}
