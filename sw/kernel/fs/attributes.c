/* SPDX-License-Identifier: Apache-2.0 */
/* What inodes know about themselves, asked and changed: stat, statfs, access, size, mode, times. All is root's. */
#include "arch/syscall.h"
#include "ext2/ext2.h"
#include "mm/mm.h"
#include "sched/task.h"
#include "sched/time.h"
#include <asm/statfs.h>
#include <linux/magic.h>
#include <linux/time_types.h>

enum { DEVICE_TMPFS = 1, DEVICE_PROC = 2 };

static uint32_t device_of(const struct inode *i)
{
    return tmpfs_owns(i) ? DEVICE_TMPFS : ext2_owns(i) ? BLOCK_DEVICE : DEVICE_PROC;
}

static long stat_inode(const struct path_result *r, uint64_t to)
{
    struct inode *i = r->inode;
    struct stat s = {
        .st_dev = device_of(i),
        .st_ino = i->ino,
        .st_nlink = i->nlink,
        .st_mode = i->mode,
        .st_rdev = i->rdev,
        .st_size = (int64_t)i->size,
        .st_blksize = PAGE_BYTES,
        .st_blocks = (int64_t)i->pages * (PAGE_BYTES / 512),
        .st_atime = i->atime / NS_PER_SECOND,
        .st_atime_nsec = i->atime % NS_PER_SECOND,
        .st_mtime = i->mtime / NS_PER_SECOND,
        .st_mtime_nsec = i->mtime % NS_PER_SECOND,
        .st_ctime = i->ctime / NS_PER_SECOND,
        .st_ctime_nsec = i->ctime % NS_PER_SECOND,
    };
    return PUT_USER(to, s);
}

SYSCALL2(stat, uint64_t, path, uint64_t, to) { return at_path(AT_FDCWD, path, 0, stat_inode, to); }
SYSCALL2(lstat, uint64_t, path, uint64_t, to) { return at_path(AT_FDCWD, path, PATH_NO_FOLLOW, stat_inode, to); }
SYSCALL2(fstat, int, fd, uint64_t, to) { return at_file(fd, stat_inode, to); }
SYSCALL4(newfstatat, int, dir, uint64_t, path, uint64_t, to, uint32_t, flags)
{
    return at_path(dir, path, flags, stat_inode, to);
}

long statx_inode(const struct path_result *r, uint64_t to)
{
    const struct inode *i = r->inode;
    struct statx s = {
        .stx_mask = STATX_BASIC_STATS,
        .stx_blksize = PAGE_BYTES,
        .stx_nlink = i->nlink,
        .stx_mode = (uint16_t)i->mode,
        .stx_ino = i->ino,
        .stx_size = i->size,
        .stx_blocks = i->pages * (PAGE_BYTES / 512),
        .stx_atime = {.tv_sec = (int64_t)(i->atime / NS_PER_SECOND), .tv_nsec = (uint32_t)(i->atime % NS_PER_SECOND)},
        .stx_ctime = {.tv_sec = (int64_t)(i->ctime / NS_PER_SECOND), .tv_nsec = (uint32_t)(i->ctime % NS_PER_SECOND)},
        .stx_mtime = {.tv_sec = (int64_t)(i->mtime / NS_PER_SECOND), .tv_nsec = (uint32_t)(i->mtime % NS_PER_SECOND)},
        .stx_rdev_major = (uint32_t)(i->rdev >> 8),
        .stx_rdev_minor = (uint8_t)i->rdev,
        .stx_dev_minor = device_of(i),
    };
    return PUT_USER(to, s);
}

SYSCALL5(statx, int, dir, uint64_t, path, uint32_t, flags, uint32_t, mask, uint64_t, to)
{
    return mask & STATX__RESERVED ? -EINVAL : at_path(dir, path, flags, statx_inode, to);
}

static long statfs_inode(const struct path_result *r, uint64_t to)
{
    struct inode *i = r->inode;
    struct statfs s = {.f_type = PROC_SUPER_MAGIC, .f_bsize = PAGE_BYTES, .f_namelen = NAME_BYTES};
    uint64_t pages, free;
    tmpfs_usage(&pages, &free);
    if (tmpfs_owns(i)) {
        s.f_type = TMPFS_MAGIC;
        s.f_blocks = (int64_t)pages;
        s.f_bfree = s.f_bavail = (int64_t)free;
    }
    if (ext2_owns(i))
        ext2_usage(i, &s);
    return PUT_USER(to, s);
}

SYSCALL2(statfs, uint64_t, path, uint64_t, to) { return at_path(AT_FDCWD, path, 0, statfs_inode, to); }

static long check_access(const struct path_result *r, uint64_t mode)
{
    enum { EXECUTE = 1, MODES = 7 };
    if (mode & ~(uint64_t)MODES)
        return -EINVAL;
    return mode & EXECUTE && !S_ISDIR(r->inode->mode) && !(r->inode->mode & 0111) ? -EACCES : 0;
}

SYSCALL2(access, uint64_t, path, uint32_t, mode) { return at_path(AT_FDCWD, path, 0, check_access, mode); }
SYSCALL3(faccessat, int, dir, uint64_t, path, uint32_t, mode) { return at_path(dir, path, 0, check_access, mode); }

static long set_size(const struct path_result *r, uint64_t size)
{
    struct inode *i = r->inode;
    if (S_ISDIR(i->mode))
        return -EISDIR;
    return size <= FILE_BYTES_MAX && S_ISREG(i->mode) && i->ops->truncate ? i->ops->truncate(i, size) : -EINVAL;
}

SYSCALL2(truncate, uint64_t, path, uint64_t, size) { return at_path(AT_FDCWD, path, 0, set_size, size); }
SYSCALL2(ftruncate, int, fd, uint64_t, size)
{
    return fd_file(fd) && !file_can_write(fd_file(fd)) ? -EINVAL : at_file(fd, set_size, size);
}

static long set_mode(const struct path_result *r, uint64_t mode)
{
    struct inode *i = r->inode;
    i->mode = (i->mode & S_IFMT) | (mode & 07777);
    i->ctime = clock_realtime();
    return 0;
}

SYSCALL2(chmod, uint64_t, path, uint32_t, mode) { return at_path(AT_FDCWD, path, 0, set_mode, mode); }
SYSCALL2(fchmod, int, fd, uint32_t, mode) { return at_file(fd, set_mode, mode); }
SYSCALL3(fchmodat, int, dir, uint64_t, path, uint32_t, mode) { return at_path(dir, path, 0, set_mode, mode); }

static long set_times(const struct path_result *r, uint64_t times)
{
    enum { NOW = 0x3fffffff, OMIT = 0x3ffffffe };
    uint64_t *fields[] = {&r->inode->atime, &r->inode->mtime}, now = clock_realtime();
    struct __kernel_timespec t[2] = {{.tv_nsec = NOW}, {.tv_nsec = NOW}};
    if (times && GET_USER(t, times))
        return -EFAULT;
    for (size_t i = 0; i < 2; i++)
        if (t[i].tv_nsec != NOW && t[i].tv_nsec != OMIT && !timespec_is_valid(&t[i]))
            return -EINVAL;
    r->inode->ctime = now;
    for (size_t i = 0; i < 2; i++)
        if (t[i].tv_nsec != OMIT)
            *fields[i] = t[i].tv_nsec == NOW ? now : (uint64_t)(t[i].tv_sec * NS_PER_SECOND + t[i].tv_nsec);
    return 0;
}

SYSCALL4(utimensat, int, dir, uint64_t, path, uint64_t, times, uint32_t, flags)
{
    return path ? at_path(dir, path, flags, set_times, times) : at_file(dir, set_times, times);
}

SYSCALL1(umask, uint32_t, mask)
{
    uint32_t old = current->files->umask;
    current->files->umask = mask & 0777;
    return old;
}

/* fchown: all is root's. */
SYSCALL1(check_fd, int, fd) { return fd_file(fd) ? 0 : -EBADF; }
