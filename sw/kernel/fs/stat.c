/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of files and file systems: stat and its relatives, statfs, access. */
#include "arch/syscall.h"
#include "fs/vfs.h"
#include "mm/mm.h"
#include "string.h"
#include <asm/statfs.h>
#include <linux/magic.h>

enum { DEVICE_TMPFS = 1, DEVICE_OTHER = 2, AT_SYNC_FLAGS = AT_STATX_FORCE_SYNC | AT_STATX_DONT_SYNC };

/* Times before 1970 are negative; the part below the second never is. */
static uint64_t split_time(uint64_t ns, int64_t *seconds)
{
    int64_t rest = (int64_t)ns % 1000000000;
    *seconds = (int64_t)ns / 1000000000 - (rest < 0);
    return (uint64_t)(rest < 0 ? rest + 1000000000 : rest);
}

void inode_stat(const struct inode *i, struct stat *s)
{
    int64_t atime, mtime, ctime;
    *s = (struct stat){
        .st_dev = tmpfs_owns(i) ? DEVICE_TMPFS : DEVICE_OTHER,
        .st_ino = i->ino,
        .st_nlink = i->nlink,
        .st_mode = i->mode,
        .st_uid = i->uid,
        .st_gid = i->gid,
        .st_rdev = i->rdev,
        .st_size = (int64_t)i->size,
        .st_blksize = 4096,
        .st_blocks = (int64_t)i->pages * 8,
        .st_atime_nsec = split_time(i->atime, &atime),
        .st_mtime_nsec = split_time(i->mtime, &mtime),
        .st_ctime_nsec = split_time(i->ctime, &ctime),
    };
    s->st_atime = (uint64_t)atime;
    s->st_mtime = (uint64_t)mtime;
    s->st_ctime = (uint64_t)ctime;
}

static int stat_descriptor(int fd, struct stat *s)
{
    const struct file *f = fd_file_any(fd);
    if (!f)
        return -EBADF;
    if (f->inode)
        inode_stat(f->inode, s);
    else /* eventfd, epoll: Linux shows one inode that all of them share */
        *s = (struct stat){.st_dev = DEVICE_OTHER, .st_ino = 1, .st_mode = 0600, .st_nlink = 1, .st_blksize = 4096};
    return 0;
}

static int stat_path(int dirfd, uint64_t path, unsigned at_flags, struct stat *s)
{
    char first = at_flags & AT_EMPTY_PATH ? 0 : '.';
    if (!first && path && copy_from_user(&first, path, 1))
        return -EFAULT;
    if (!first && dirfd != AT_FDCWD)
        return stat_descriptor(dirfd, s); /* which need not have an inode */
    struct path_result r;
    unsigned flags = at_flags & AT_SYMLINK_NOFOLLOW ? PATH_NO_FOLLOW : 0;
    int error = first ? path_lookup_user(dirfd, path, flags, &r) : path_lookup(AT_FDCWD, "", PATH_EMPTY, &r);
    if (error)
        return error;
    inode_stat(r.inode, s);
    path_result_free(&r);
    return 0;
}

static long stat_to_user(int dirfd, uint64_t path, unsigned at_flags, uint64_t buffer)
{
    struct stat s;
    int error = stat_path(dirfd, path, at_flags, &s);
    return error ? error : PUT_USER(buffer, s);
}

SYSCALL2(stat, uint64_t, path, uint64_t, buffer) { return stat_to_user(AT_FDCWD, path, 0, buffer); }
SYSCALL2(lstat, uint64_t, path, uint64_t, buffer) { return stat_to_user(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, buffer); }

SYSCALL2(fstat, int, fd, uint64_t, buffer)
{
    struct stat s;
    int error = stat_descriptor(fd, &s);
    return error ? error : PUT_USER(buffer, s);
}

SYSCALL4(newfstatat, int, dirfd, uint64_t, path, uint64_t, buffer, uint32_t, flags)
{
    if (flags & ~(uint32_t)(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_SYNC_FLAGS))
        return -EINVAL;
    return stat_to_user(dirfd, path, flags, buffer);
}

static struct statx_timestamp timestamp(uint64_t seconds, uint64_t ns)
{
    return (struct statx_timestamp){.tv_sec = (int64_t)seconds, .tv_nsec = (uint32_t)ns};
}

static uint32_t major(uint64_t device) { return device >> 8 & 0xfff; }
static uint32_t minor(uint64_t device) { return (device & 0xff) | (device >> 12 & 0xfff00); }

SYSCALL5(statx, int, dirfd, uint64_t, path, uint32_t, flags, uint32_t, mask, uint64_t, buffer)
{
    struct stat s;
    if (mask & STATX__RESERVED || (flags & AT_SYNC_FLAGS) == AT_SYNC_FLAGS)
        return -EINVAL;
    if (flags & ~(uint32_t)(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_SYNC_FLAGS))
        return -EINVAL;
    int error = stat_path(dirfd, path, flags, &s);
    if (error)
        return error;
    struct statx x = {
        .stx_mask = STATX_BASIC_STATS,
        .stx_blksize = (uint32_t)s.st_blksize,
        .stx_nlink = (uint32_t)s.st_nlink,
        .stx_uid = s.st_uid,
        .stx_gid = s.st_gid,
        .stx_mode = (uint16_t)s.st_mode,
        .stx_ino = s.st_ino,
        .stx_size = (uint64_t)s.st_size,
        .stx_blocks = (uint64_t)s.st_blocks,
        .stx_atime = timestamp(s.st_atime, s.st_atime_nsec),
        .stx_mtime = timestamp(s.st_mtime, s.st_mtime_nsec),
        .stx_ctime = timestamp(s.st_ctime, s.st_ctime_nsec),
        .stx_rdev_major = major(s.st_rdev),
        .stx_rdev_minor = minor(s.st_rdev),
        .stx_dev_major = major(s.st_dev),
        .stx_dev_minor = minor(s.st_dev),
    };
    return PUT_USER(buffer, x);
}

static int statfs_to_user(const struct inode *i, uint64_t buffer)
{
    struct statfs s = {.f_type = PROC_SUPER_MAGIC, .f_bsize = 4096, .f_frsize = 4096, .f_namelen = NAME_BYTES};
    if (i && tmpfs_owns(i)) {
        uint64_t pages, free;
        tmpfs_usage(&pages, &free);
        s.f_type = TMPFS_MAGIC;
        s.f_blocks = s.f_files = (int64_t)pages;
        s.f_bfree = s.f_bavail = s.f_ffree = (int64_t)free;
    } else if (!i) {
        s.f_type = ANON_INODE_FS_MAGIC;
    }
    return PUT_USER(buffer, s);
}

SYSCALL2(statfs, uint64_t, path, uint64_t, buffer)
{
    struct inode *i;
    int error = path_inode(AT_FDCWD, path, 0, &i);
    if (error)
        return error;
    error = statfs_to_user(i, buffer);
    inode_put(i);
    return error;
}

SYSCALL2(fstatfs, int, fd, uint64_t, buffer)
{
    const struct file *f = fd_file_any(fd);
    return f ? statfs_to_user(f->inode, buffer) : -EBADF;
}

/* Everybody is root, who may read and write all, and execute what anybody may. */
static int check_access(int dirfd, uint64_t path, uint32_t mode, uint32_t flags)
{
    enum { EXECUTE = 1, MODES = 7 };
    struct inode *i;
    if (mode & ~(uint32_t)MODES || flags & ~(uint32_t)(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    int error = path_inode(dirfd, path, flags, &i);
    if (error)
        return error;
    if (mode & EXECUTE && !S_ISDIR(i->mode) && !(i->mode & 0111))
        error = -EACCES;
    inode_put(i);
    return error;
}

SYSCALL2(access, uint64_t, path, uint32_t, mode) { return check_access(AT_FDCWD, path, mode, 0); }
SYSCALL3(faccessat, int, dirfd, uint64_t, path, uint32_t, mode) { return check_access(dirfd, path, mode, 0); }
SYSCALL4(faccessat2, int, dirfd, uint64_t, path, uint32_t, mode, uint32_t, flags)
{
    return check_access(dirfd, path, mode, flags);
}
