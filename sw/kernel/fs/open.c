/* SPDX-License-Identifier: Apache-2.0 */
/* Opening: from a path or an inode to a file, and to a descriptor. ioctl, which is the file's own but for a few. */
#include "arch/syscall.h"
#include "fs/vfs.h"
#include "mm/mm.h"
#include "printf.h"
#include "string.h"
#include <asm/ioctls.h>

enum {
    OPEN_FLAGS = O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | O_NONBLOCK | O_SYNC | O_DIRECT |
                 O_LARGEFILE | O_DIRECTORY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC,
    OPEN_ONLY_FLAGS = O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC, /* fcntl does not show them */
    MEMORY_MAJOR = 1 /* null, zero and their kind: the character devices that have offsets */
};

/* Of directories and files that could not be opened: nothing can be done with them. */
static const struct file_ops no_ops;

static const struct file_ops *ops_of(const struct inode *i)
{
    switch (i->mode & S_IFMT) {
    case S_IFDIR: return &no_ops;
    case S_IFCHR:
    case S_IFBLK: return dev_file_ops(i->mode, i->rdev);
    case S_IFIFO: return &fifo_file_ops;
    case S_IFREG: return i->file_ops;
    default: return NULL; /* sockets */
    }
}

static int open_inode(struct inode *i, uint32_t flags, struct file **out)
{
    const struct file_ops *ops = ops_of(i);
    if (!ops)
        return -ENXIO;
    struct file *f = file_create(ops, flags, NULL);
    if (!f)
        return -ENOMEM;
    f->inode = inode_get(i);
    f->can_seek = !S_ISFIFO(i->mode) && (!S_ISCHR(i->mode) || i->rdev >> 8 == MEMORY_MAJOR);
    int error = f->ops->open ? f->ops->open(f) : 0;
    if (error) {
        f->ops = &no_ops;
        file_put(f);
        return error;
    }
    f->flags &= ~(uint32_t)OPEN_ONLY_FLAGS;
    *out = f;
    return 0;
}

/* For /proc/PID/fd; a file without one is as good a file. */
static char *absolute_path(const struct path_result *r)
{
    bool is_directory = S_ISDIR(r->inode->mode);
    char *path = kmalloc(PATH_BYTES), *kept = NULL;
    if (path && !path_of_inode(is_directory ? r->inode : r->parent, path, PATH_BYTES)) {
        size_t length = strlen(path);
        if (!is_directory)
            snprintf(path + length, PATH_BYTES - length, length > 1 ? "/%s" : "%s", r->name);
        kept = kstrdup(path);
    }
    kfree(path);
    return kept;
}

static int create_regular(struct path_result *r, uint32_t mode)
{
    if (r->is_slashed)
        return -EISDIR;
    if (!tmpfs_owns(r->parent))
        return -EACCES;
    struct inode *i = tmpfs_create(S_IFREG | (mode & 07777 & ~fs_umask()));
    int error = i ? tmpfs_link(r->parent, r->name, i) : -ENOMEM;
    if (error)
        inode_put(i);
    else
        r->inode = i;
    return error;
}

/* May what was found be opened in this way? */
static int check_found(const struct inode *i, uint32_t flags)
{
    bool writes = flags & (O_ACCMODE | O_TRUNC);
    if ((flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
        return -EEXIST;
    if (S_ISDIR(i->mode))
        return writes || flags & O_CREAT ? -EISDIR : 0;
    if (flags & O_DIRECTORY)
        return -ENOTDIR;
    if (S_ISLNK(i->mode))
        return -ELOOP;
    return writes && i->executing ? -ETXTBSY : 0;
}

int vfs_open(int dirfd, const char *path, uint32_t flags, uint32_t mode, struct file **out)
{
    struct path_result r;
    bool is_exclusive = (flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL);
    flags &= OPEN_FLAGS;
    int error = path_lookup(dirfd, path, PATH_PARENT | (is_exclusive || flags & O_NOFOLLOW ? PATH_NO_FOLLOW : 0), &r);
    if (error)
        return error;
    bool is_new = !r.inode;
    if (is_new)
        error = flags & O_CREAT ? create_regular(&r, mode) : -ENOENT;
    else
        error = check_found(r.inode, flags);
    if (!error)
        error = open_inode(r.inode, flags, out);
    if (!error) {
        (*out)->path = absolute_path(&r);
        if (flags & O_TRUNC && !is_new && S_ISREG(r.inode->mode) && r.inode->ops->truncate)
            r.inode->ops->truncate(r.inode, 0);
    }
    path_result_free(&r);
    return error;
}

static int open_user(int dirfd, uint64_t path, uint32_t flags, uint32_t mode)
{
    char *text;
    struct file *f = NULL;
    int error = string_from_user(&text, path, PATH_BYTES);
    if (error)
        return error;
    error = fd_lowest(0);
    if (error >= 0)
        error = vfs_open(dirfd, text, flags | O_LARGEFILE, mode, &f);
    kfree(text);
    return error < 0 ? error : fd_install(f, flags & O_CLOEXEC, 0);
}

SYSCALL3(open, uint64_t, path, uint32_t, flags, uint32_t, mode) { return open_user(AT_FDCWD, path, flags, mode); }
SYSCALL4(openat, int, dirfd, uint64_t, path, uint32_t, flags, uint32_t, mode)
{
    return open_user(dirfd, path, flags, mode);
}
SYSCALL2(creat, uint64_t, path, uint32_t, mode)
{
    return open_user(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

SYSCALL3(ioctl, int, fd, uint32_t, request, uint64_t, argument)
{
    int on;
    struct file *f = fd_file(fd);
    if (!f)
        return -EBADF;
    if (request == FIONBIO) {
        if (GET_USER(on, argument))
            return -EFAULT;
        f->flags = on ? f->flags | O_NONBLOCK : f->flags & ~(uint32_t)O_NONBLOCK;
        return 0;
    }
    if (!f->ops->ioctl)
        return -ENOTTY;
    file_get(f);
    int64_t result = f->ops->ioctl(f, request, argument);
    file_put(f);
    return result;
}
