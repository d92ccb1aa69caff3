/* SPDX-License-Identifier: Apache-2.0 */
/* Size, mode, owner and times of files; the calls about disks and mounts, which there are none of here. */
#include "arch/syscall.h"
#include "fs/vfs.h"
#include "mm/mm.h"
#include "sched/task.h"
#include "sched/timer.h"
#include "string.h"
#include <linux/falloc.h>
#include <linux/memfd.h>
#include <linux/mount.h>
#include <linux/time_types.h>
#include <linux/utime.h>

static int set_size(struct inode *i, int64_t size)
{
    if (S_ISDIR(i->mode))
        return -EISDIR;
    if (!S_ISREG(i->mode) || !i->ops->truncate)
        return -EINVAL;
    if ((uint64_t)size > i->size && (uint64_t)size > file_size_limit())
        return file_too_large();
    return i->ops->truncate(i, (uint64_t)size);
}

SYSCALL2(truncate, uint64_t, path, int64_t, size)
{
    struct inode *i;
    if (size < 0)
        return -EINVAL;
    int error = path_inode(AT_FDCWD, path, 0, &i);
    if (error)
        return error;
    error = set_size(i, size);
    inode_put(i);
    return error;
}

SYSCALL2(ftruncate, int, fd, int64_t, size)
{
    if (size < 0)
        return -EINVAL;
    struct file *f = fd_file(fd);
    if (!f)
        return -EBADF;
    if (!f->inode || !S_ISREG(f->inode->mode) || !file_can_write(f))
        return -EINVAL;
    return set_size(f->inode, size);
}

/* Pages of [from, to) are there afterwards; the file has that size unless the caller keeps it: then it is only a
 * promise, but no false one. */
static int allocate(struct inode *i, uint64_t from, uint64_t to, bool keeps_size)
{
    uint64_t pages, free, size = i->size;
    tmpfs_usage(&pages, &free);
    if ((to - from) / PAGE_BYTES > free) /* part of it may be there already, but then it is still much too much */
        return -ENOSPC;
    if (keeps_size)
        return 0;
    if (to > size && i->ops->truncate(i, to))
        return -EFBIG;
    for (uint64_t index = from / PAGE_BYTES; index * PAGE_BYTES < to; index++) {
        uint64_t page = i->ops->page(i, index, true);
        if (!page) {
            i->ops->truncate(i, size);
            return -ENOSPC;
        }
        page_put(page);
    }
    return 0;
}

SYSCALL4(fallocate, int, fd, uint32_t, mode, int64_t, offset, int64_t, bytes)
{
    int64_t end;
    struct file *f = fd_file(fd);
    if (!f)
        return -EBADF;
    if (offset < 0 || bytes <= 0)
        return -EINVAL;
    if (mode & ~(uint32_t)FALLOC_FL_KEEP_SIZE)
        return -EOPNOTSUPP;
    if (!file_can_write(f))
        return -EBADF;
    if (!f->inode || S_ISFIFO(f->inode->mode))
        return -ESPIPE;
    if (S_ISDIR(f->inode->mode))
        return -EISDIR;
    if (!S_ISREG(f->inode->mode))
        return -ENODEV;
    if (!tmpfs_owns(f->inode))
        return -EOPNOTSUPP;
    if (__builtin_add_overflow(offset, bytes, &end))
        return -EFBIG;
    if ((uint64_t)end > file_size_limit() && (uint64_t)end > f->inode->size)
        return file_too_large();
    return allocate(f->inode, (uint64_t)offset, (uint64_t)end, mode & FALLOC_FL_KEEP_SIZE);
}

static int set_mode(struct inode *i, uint32_t mode)
{
    if (S_ISLNK(i->mode))
        return -EOPNOTSUPP;
    i->mode = (i->mode & S_IFMT) | (mode & 07777);
    i->ctime = clock_realtime();
    return 0;
}

static int set_mode_of_path(int dirfd, uint64_t path, uint32_t mode)
{
    struct inode *i;
    int error = path_inode(dirfd, path, 0, &i);
    if (error)
        return error;
    error = set_mode(i, mode);
    inode_put(i);
    return error;
}

SYSCALL2(chmod, uint64_t, path, uint32_t, mode) { return set_mode_of_path(AT_FDCWD, path, mode); }
SYSCALL3(fchmodat, int, dirfd, uint64_t, path, uint32_t, mode) { return set_mode_of_path(dirfd, path, mode); }
SYSCALL2(fchmod, int, fd, uint32_t, mode)
{
    struct file *f = fd_file(fd);
    return !f ? -EBADF : f->inode ? set_mode(f->inode, mode) : 0;
}

static void set_owner(struct inode *i, uint32_t uid, uint32_t gid)
{
    if (uid != UINT32_MAX)
        i->uid = uid;
    if (gid != UINT32_MAX)
        i->gid = gid;
    if (!S_ISDIR(i->mode)) /* set-uid and set-gid were given to the file of another */
        i->mode &= ~(uint32_t)(i->mode & 010 ? S_ISUID | S_ISGID : S_ISUID);
    i->ctime = clock_realtime();
}

static int set_owner_of_path(int dirfd, uint64_t path, uint32_t uid, uint32_t gid, uint32_t flags)
{
    struct inode *i;
    if (flags & ~(uint32_t)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    int error = path_inode(dirfd, path, flags, &i);
    if (error)
        return error;
    set_owner(i, uid, gid);
    inode_put(i);
    return 0;
}

SYSCALL3(chown, uint64_t, path, uint32_t, uid, uint32_t, gid) { return set_owner_of_path(AT_FDCWD, path, uid, gid, 0); }
SYSCALL3(lchown, uint64_t, path, uint32_t, uid, uint32_t, gid)
{
    return set_owner_of_path(AT_FDCWD, path, uid, gid, AT_SYMLINK_NOFOLLOW);
}
SYSCALL5(fchownat, int, dirfd, uint64_t, path, uint32_t, uid, uint32_t, gid, uint32_t, flags)
{
    return set_owner_of_path(dirfd, path, uid, gid, flags);
}
SYSCALL3(fchown, int, fd, uint32_t, uid, uint32_t, gid)
{
    struct file *f = fd_file(fd);
    if (!f)
        return -EBADF;
    if (f->inode)
        set_owner(f->inode, uid, gid);
    return 0;
}

enum { ACCESSED, MODIFIED, NS_NOW = 0x3fffffff, NS_OMIT = 0x3ffffffe, NS_PER_SECOND = 1000000000 };

/* ns since 1970 as inodes have it: what lies beyond the years 1678 and 2262 is moved there. */
static uint64_t inode_time(const struct __kernel_timespec *t)
{
    const int64_t most = INT64_MAX / NS_PER_SECOND - 1;
    int64_t seconds = t->tv_sec > most ? most : t->tv_sec < -most ? -most : t->tv_sec;
    return (uint64_t)(seconds * NS_PER_SECOND + t->tv_nsec);
}

static int set_times(struct inode *i, const struct __kernel_timespec t[2])
{
    uint64_t now = clock_realtime();
    for (int k = 0; k < 2; k++) {
        bool is_special = t[k].tv_nsec == NS_NOW || t[k].tv_nsec == NS_OMIT;
        if (!is_special && (uint64_t)t[k].tv_nsec >= NS_PER_SECOND)
            return -EINVAL;
    }
    if (t[ACCESSED].tv_nsec != NS_OMIT)
        i->atime = t[ACCESSED].tv_nsec == NS_NOW ? now : inode_time(&t[ACCESSED]);
    if (t[MODIFIED].tv_nsec != NS_OMIT)
        i->mtime = t[MODIFIED].tv_nsec == NS_NOW ? now : inode_time(&t[MODIFIED]);
    i->ctime = now;
    return 0;
}

static int set_times_of(int dirfd, uint64_t path, const struct __kernel_timespec t[2], uint32_t flags)
{
    struct inode *i;
    if (flags & ~(uint32_t)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    if (!path && dirfd != AT_FDCWD) { /* futimens */
        struct file *f = fd_file(dirfd);
        if (flags)
            return -EINVAL;
        return !f ? -EBADF : f->inode ? set_times(f->inode, t) : 0;
    }
    int error = path_inode(dirfd, path, flags, &i);
    if (error)
        return error;
    error = set_times(i, t);
    inode_put(i);
    return error;
}

static const struct __kernel_timespec now_twice[2] = {{.tv_nsec = NS_NOW}, {.tv_nsec = NS_NOW}};

SYSCALL4(utimensat, int, dirfd, uint64_t, path, uint64_t, times, uint32_t, flags)
{
    struct __kernel_timespec t[2];
    if (!times)
        return set_times_of(dirfd, path, now_twice, flags);
    if (GET_USER(t, times))
        return -EFAULT;
    if (t[0].tv_nsec == NS_OMIT && t[1].tv_nsec == NS_OMIT)
        return 0;
    return set_times_of(dirfd, path, t, flags);
}

SYSCALL3(futimesat, int, dirfd, uint64_t, path, uint64_t, times)
{
    struct __kernel_old_timeval v[2];
    struct __kernel_timespec t[2];
    if (!times)
        return set_times_of(dirfd, path, now_twice, 0);
    if (GET_USER(v, times))
        return -EFAULT;
    for (int i = 0; i < 2; i++) {
        if ((uint64_t)v[i].tv_usec >= 1000000)
            return -EINVAL;
        t[i] = (struct __kernel_timespec){v[i].tv_sec, v[i].tv_usec * 1000};
    }
    return set_times_of(dirfd, path, t, 0);
}

SYSCALL2(utimes, uint64_t, path, uint64_t, times) { return do_futimesat(AT_FDCWD, path, times); }

SYSCALL2(utime, uint64_t, path, uint64_t, times)
{
    struct utimbuf b;
    if (!times)
        return set_times_of(AT_FDCWD, path, now_twice, 0);
    if (GET_USER(b, times))
        return -EFAULT;
    struct __kernel_timespec t[2] = {{.tv_sec = b.actime}, {.tv_sec = b.modtime}};
    return set_times_of(AT_FDCWD, path, t, 0);
}

SYSCALL1(umask, uint32_t, mask)
{
    uint32_t old = current->fs->umask;
    current->fs->umask = mask & 0777;
    return old;
}

/* Memory has nothing to write out, but only files and directories may be asked. */
static int sync_descriptor(int fd)
{
    struct file *f = fd_file(fd);
    if (!f)
        return -EBADF;
    return f->inode && (S_ISREG(f->inode->mode) || S_ISDIR(f->inode->mode)) ? 0 : -EINVAL;
}

SYSCALL1(fsync, int, fd) { return sync_descriptor(fd); }
SYSCALL1(fdatasync, int, fd) { return sync_descriptor(fd); }
SYSCALL0(sync) { return 0; }

SYSCALL2(flock, int, fd, uint32_t, operation) /* as record locks: checked, and never in anybody's way */
{
    uint32_t kind = operation & ~(uint32_t)LOCK_NB;
    if (operation & LOCK_MAND)
        return 0; /* as Linux does since it no longer has them */
    if (kind != LOCK_SH && kind != LOCK_EX && kind != LOCK_UN)
        return -EINVAL;
    struct file *f = fd_file(fd);
    return f && (file_can_read(f) || file_can_write(f) || kind == LOCK_UN) ? 0 : -EBADF;
}

SYSCALL2(memfd_create, uint64_t, name, uint32_t, flags)
{
    enum { NO_EXECUTE = 8, EXECUTE = 16, NAME_MAX_BYTES = 250 };
    static const char prefix[] = "/memfd:", suffix[] = " (deleted)";
    char path[sizeof prefix + NAME_MAX_BYTES + sizeof suffix];
    struct file *f;
    if (flags & ~(uint32_t)(MFD_CLOEXEC | MFD_ALLOW_SEALING | NO_EXECUTE | EXECUTE) ||
        (flags & NO_EXECUTE && flags & EXECUTE))
        return -EINVAL;
    memcpy(path, prefix, sizeof prefix);
    int64_t length = copy_string_from_user(path + sizeof prefix - 1, name, NAME_MAX_BYTES);
    if (length < 0)
        return length == -ENAMETOOLONG ? -EINVAL : length;
    memcpy(path + sizeof prefix - 1 + length, suffix, sizeof suffix);
    struct inode *i = tmpfs_create(S_IFREG | (flags & NO_EXECUTE ? 0666 : 0777));
    if (!i)
        return -ENOMEM;
    int error = vfs_open_inode(i, O_RDWR | O_LARGEFILE, &f);
    inode_put(i);
    if (error)
        return error;
    f->path = kstrdup(path);
    return fd_install(f, flags & MFD_CLOEXEC, 0);
}

/* What scripts mount is in its place from the start; there is nothing else to mount. */
SYSCALL5(mount, uint64_t, source, uint64_t, target, uint64_t, type, uint64_t, flags, uint64_t, data)
{
    static const char *const known[] = {"proc", "tmpfs", "devtmpfs", "ramfs", "sysfs", "devpts"};
    struct inode *i;
    char name[32];
    (void)source;
    (void)data;
    int error = path_inode(AT_FDCWD, target, 0, &i);
    if (error)
        return error;
    bool is_directory = S_ISDIR(i->mode);
    inode_put(i);
    if (!is_directory)
        return -ENOTDIR;
    if (flags & MS_REMOUNT)
        return 0;
    if (flags & (MS_BIND | MS_MOVE))
        return -EPERM;
    int64_t length = copy_string_from_user(name, type, sizeof name);
    if (length < 0)
        return length == -ENAMETOOLONG ? -ENODEV : length;
    for (size_t k = 0; k < ARRAY_SIZE(known); k++) {
        if (!strcmp(name, known[k]))
            return 0;
    }
    return -ENODEV;
}

SYSCALL2(umount2, uint64_t, target, uint32_t, flags)
{
    struct inode *i;
    (void)flags;
    int error = path_inode(AT_FDCWD, target, 0, &i);
    if (error)
        return error;
    error = i->parent && i->parent->ops != i->ops ? -EBUSY : -EINVAL; /* mounted, or not */
    inode_put(i);
    return error;
}
