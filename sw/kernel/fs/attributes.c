/* SPDX-License-Identifier: Apache-2.0 */
/* What inodes know about themselves, asked and changed: stat, statfs, access, size, mode, owner, times. Everybody is
 * root. */
#include "arch/syscall.h"
#include "fs/vfs.h"
#include "mm/mm.h"
#include "sched/task.h"
#include "sched/timer.h"
#include <asm/statfs.h>
#include <linux/magic.h>
#include <linux/time_types.h>

enum { DEVICE_TMPFS = 1, DEVICE_OTHER = 2, NS_PER_SECOND = 1000000000 };

static long stat_inode(struct inode *i, uint64_t to, uint64_t unused)
{
    (void)unused;
    struct stat s = {
        .st_dev = tmpfs_owns(i) ? DEVICE_TMPFS : DEVICE_OTHER,
        .st_ino = i->ino,
        .st_nlink = i->nlink,
        .st_mode = i->mode,
        .st_uid = i->uid,
        .st_gid = i->gid,
        .st_rdev = i->rdev,
        .st_size = (int64_t)i->size,
        .st_blksize = PAGE_BYTES,
        .st_blocks = (int64_t)i->pages * 8,
        .st_atime = i->atime / NS_PER_SECOND,
        .st_atime_nsec = i->atime % NS_PER_SECOND,
        .st_mtime = i->mtime / NS_PER_SECOND,
        .st_mtime_nsec = i->mtime % NS_PER_SECOND,
        .st_ctime = i->ctime / NS_PER_SECOND,
        .st_ctime_nsec = i->ctime % NS_PER_SECOND,
    };
    return PUT_USER(to, s);
}

SYSCALL2(stat, uint64_t, path, uint64_t, to) { return at_path(AT_FDCWD, path, 0, stat_inode, to, 0); }
SYSCALL2(lstat, uint64_t, path, uint64_t, to)
{
    return at_path(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, stat_inode, to, 0);
}
SYSCALL2(fstat, int, fd, uint64_t, to) { return at_file(fd, stat_inode, to, 0); }
SYSCALL4(newfstatat, int, dirfd, uint64_t, path, uint64_t, to, uint32_t, flags)
{
    return at_path(dirfd, path, flags, stat_inode, to, 0);
}

static struct statx_timestamp timestamp(uint64_t ns)
{
    return (struct statx_timestamp){.tv_sec = (int64_t)(ns / NS_PER_SECOND), .tv_nsec = (uint32_t)(ns % NS_PER_SECOND)};
}

static long statx_inode(struct inode *i, uint64_t to, uint64_t unused)
{
    (void)unused;
    struct statx x = {
        .stx_mask = STATX_BASIC_STATS,
        .stx_blksize = PAGE_BYTES,
        .stx_nlink = i->nlink,
        .stx_uid = i->uid,
        .stx_gid = i->gid,
        .stx_mode = (uint16_t)i->mode,
        .stx_ino = i->ino,
        .stx_size = i->size,
        .stx_blocks = i->pages * 8,
        .stx_atime = timestamp(i->atime),
        .stx_mtime = timestamp(i->mtime),
        .stx_ctime = timestamp(i->ctime),
        .stx_rdev_major = (uint32_t)i->rdev >> 8,
        .stx_rdev_minor = i->rdev & 0xff,
        .stx_dev_minor = tmpfs_owns(i) ? DEVICE_TMPFS : DEVICE_OTHER,
    };
    return PUT_USER(to, x);
}

SYSCALL5(statx, int, dirfd, uint64_t, path, uint32_t, flags, uint32_t, mask, uint64_t, to)
{
    (void)mask;
    return at_path(dirfd, path, flags & ~(uint32_t)AT_STATX_SYNC_TYPE, statx_inode, to, 0);
}

static long statfs_inode(struct inode *i, uint64_t to, uint64_t unused)
{
    struct statfs s = {.f_type = PROC_SUPER_MAGIC, .f_bsize = PAGE_BYTES, .f_namelen = NAME_BYTES};
    uint64_t pages, free;
    (void)unused;
    tmpfs_usage(&pages, &free);
    if (tmpfs_owns(i)) {
        s.f_type = TMPFS_MAGIC;
        s.f_blocks = (int64_t)pages;
        s.f_bfree = s.f_bavail = (int64_t)free;
    }
    return PUT_USER(to, s);
}

SYSCALL2(statfs, uint64_t, path, uint64_t, to) { return at_path(AT_FDCWD, path, 0, statfs_inode, to, 0); }
SYSCALL2(fstatfs, int, fd, uint64_t, to) { return at_file(fd, statfs_inode, to, 0); }

static long check_access(struct inode *i, uint64_t mode, uint64_t unused)
{
    enum { EXECUTE = 1, MODES = 7 };
    (void)unused;
    if (mode & ~(uint64_t)MODES)
        return -EINVAL;
    return mode & EXECUTE && !S_ISDIR(i->mode) && !(i->mode & 0111) ? -EACCES : 0;
}

SYSCALL2(access, uint64_t, path, uint32_t, mode) { return at_path(AT_FDCWD, path, 0, check_access, mode, 0); }
SYSCALL3(faccessat, int, dirfd, uint64_t, path, uint32_t, mode)
{
    return at_path(dirfd, path, 0, check_access, mode, 0);
}
SYSCALL4(faccessat2, int, dirfd, uint64_t, path, uint32_t, mode, uint32_t, flags)
{
    return at_path(dirfd, path, flags, check_access, mode, 0);
}

static long set_size(struct inode *i, uint64_t size, uint64_t unused)
{
    (void)unused;
    if (S_ISDIR(i->mode))
        return -EISDIR;
    if ((int64_t)size < 0 || !S_ISREG(i->mode) || !i->ops->truncate)
        return -EINVAL;
    return i->executing ? -ETXTBSY : i->ops->truncate(i, size);
}

SYSCALL2(truncate, uint64_t, path, uint64_t, size) { return at_path(AT_FDCWD, path, 0, set_size, size, 0); }
SYSCALL2(ftruncate, int, fd, uint64_t, size)
{
    struct file *f = fd_file(fd);
    return f && !file_can_write(f) ? -EINVAL : at_file(fd, set_size, size, 0);
}

static long set_mode(struct inode *i, uint64_t mode, uint64_t unused)
{
    (void)unused;
    i->mode = (i->mode & S_IFMT) | (mode & 07777);
    i->ctime = clock_realtime();
    return 0;
}

SYSCALL2(chmod, uint64_t, path, uint32_t, mode) { return at_path(AT_FDCWD, path, 0, set_mode, mode, 0); }
SYSCALL2(fchmod, int, fd, uint32_t, mode) { return at_file(fd, set_mode, mode, 0); }
SYSCALL3(fchmodat, int, dirfd, uint64_t, path, uint32_t, mode) { return at_path(dirfd, path, 0, set_mode, mode, 0); }

static long set_owner(struct inode *i, uint64_t uid, uint64_t gid)
{
    if (uid != UINT32_MAX)
        i->uid = (uint32_t)uid;
    if (gid != UINT32_MAX)
        i->gid = (uint32_t)gid;
    i->ctime = clock_realtime();
    return 0;
}

SYSCALL3(chown, uint64_t, path, uint32_t, uid, uint32_t, gid)
{
    return at_path(AT_FDCWD, path, 0, set_owner, uid, gid);
}
SYSCALL3(lchown, uint64_t, path, uint32_t, uid, uint32_t, gid)
{
    return at_path(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, set_owner, uid, gid);
}
SYSCALL3(fchown, int, fd, uint32_t, uid, uint32_t, gid) { return at_file(fd, set_owner, uid, gid); }
SYSCALL5(fchownat, int, dirfd, uint64_t, path, uint32_t, uid, uint32_t, gid, uint32_t, flags)
{
    return at_path(dirfd, path, flags, set_owner, uid, gid);
}

static bool set_time(uint64_t *to, const struct __kernel_timespec *t)
{
    enum { NOW = 0x3fffffff, OMIT = 0x3ffffffe };
    if (t->tv_nsec == NOW)
        *to = clock_realtime();
    else if (t->tv_nsec != OMIT && (uint64_t)t->tv_nsec < NS_PER_SECOND)
        *to = (uint64_t)t->tv_sec * NS_PER_SECOND + (uint64_t)t->tv_nsec;
    else
        return t->tv_nsec == OMIT;
    return true;
}

static long set_times(struct inode *i, uint64_t times, uint64_t unused)
{
    struct __kernel_timespec t[2];
    (void)unused;
    if (times && GET_USER(t, times))
        return -EFAULT;
    if (!times)
        i->atime = i->mtime = clock_realtime();
    else if (!set_time(&i->atime, &t[0]) || !set_time(&i->mtime, &t[1]))
        return -EINVAL;
    i->ctime = clock_realtime();
    return 0;
}

SYSCALL4(utimensat, int, dirfd, uint64_t, path, uint64_t, times, uint32_t, flags)
{
    return path ? at_path(dirfd, path, flags, set_times, times, 0) : at_file(dirfd, set_times, times, 0);
}

SYSCALL1(umask, uint32_t, mask)
{
    uint32_t old = current->fs->umask;
    current->fs->umask = mask & 0777;
    return old;
}

/* Memory has nothing to write out. */
SYSCALL1(fsync, int, fd) { return fd_file(fd) ? 0 : -EBADF; }
SYSCALL1(fdatasync, int, fd) { return fd_file(fd) ? 0 : -EBADF; }
SYSCALL0(sync) { return 0; }
