/* SPDX-License-Identifier: Apache-2.0 */
/* Opening: from a path or an inode to a file, and to a descriptor. ioctl, which is the file's own but for a few. */
#include "arch/syscall.h"
#include "fs/vfs.h"
#include "mm/mm.h"
#include "sched/task.h"
#include "string.h"
#include <asm/ioctls.h>

enum {
    OPEN_FLAGS = O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | O_NONBLOCK | O_SYNC | FASYNC |
                 O_DIRECT | O_LARGEFILE | O_DIRECTORY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC | O_PATH | __O_TMPFILE,
    PATH_FLAGS = O_DIRECTORY | O_NOFOLLOW | O_PATH | O_CLOEXEC,
    OPEN_ONLY_FLAGS = O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC, /* fcntl does not show them */
    MEMORY_MAJOR = 1 /* null, zero and their kind: the character devices that have offsets */
};

/* Of directories, O_PATH and files that could not be opened: nothing can be done with them. */
static const struct file_ops no_ops;

static const struct file_ops *ops_of(const struct inode *i, uint32_t flags)
{
    if (flags & O_PATH)
        return &no_ops;
    switch (i->mode & S_IFMT) {
    case S_IFDIR: return i->file_ops ? i->file_ops : &no_ops;
    case S_IFCHR:
    case S_IFBLK: return dev_file_ops(i->mode, i->rdev);
    case S_IFIFO: return &fifo_file_ops;
    case S_IFREG: return i->file_ops;
    default: return NULL; /* sockets, and what has no kind: an epoll found by way of /proc/PID/fd */
    }
}

int vfs_open_inode(struct inode *i, uint32_t flags, struct file **out)
{
    const struct file_ops *ops = ops_of(i, flags);
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
    char *path = kmalloc(PATH_BYTES);
    bool is_directory = S_ISDIR(r->inode->mode);
    if (!path)
        return NULL;
    char *kept = NULL;
    if (!path_of_inode(is_directory ? r->inode : r->parent, path, PATH_BYTES)) {
        size_t length = strlen(path), name = is_directory ? 0 : strlen(r->name);
        if (length == 1 && name)
            length = 0;
        kept = kmalloc(length + name + 2);
        if (kept) {
            memcpy(kept, path, length);
            kept[length] = '/';
            memcpy(kept + length + !!name, r->name, name);
            kept[length + !!name + name] = 0;
        }
    }
    kfree(path);
    return kept;
}

static int create_regular(struct path_result *r, uint32_t mode)
{
    if (!r->parent->ops->link || !tmpfs_owns(r->parent))
        return -EACCES;
    struct inode *i = tmpfs_create(S_IFREG | (mode & 07777 & ~fs_umask()));
    if (!i)
        return -ENOMEM;
    int error = vfs_name_new(r, i);
    if (error)
        inode_put(i);
    else
        r->inode = i;
    return error;
}

/* May what was found be opened in this way? */
static int check_found(const struct path_result *r, uint32_t flags)
{
    uint32_t mode = r->inode->mode;
    bool writes = flags & O_ACCMODE || flags & O_TRUNC;
    if (flags & O_CREAT) {
        if (r->is_slashed && !path_is_special(r))
            return -EISDIR;
        if (flags & O_EXCL)
            return -EEXIST;
        if (S_ISDIR(mode))
            return -EISDIR;
    }
    if ((flags & O_DIRECTORY || r->is_slashed) && !S_ISDIR(mode))
        return -ENOTDIR;
    if (flags & O_PATH)
        return 0;
    if (S_ISLNK(mode))
        return -ELOOP;
    return S_ISDIR(mode) && writes ? -EISDIR : 0;
}

static int open_found(struct path_result *r, uint32_t flags, bool is_new, struct file **out)
{
    int error = is_new ? 0 : check_found(r, flags);
    struct inode *i = r->inode;
    if (!error)
        error = vfs_open_inode(i, flags, out);
    if (error)
        return error;
    if (flags & O_TRUNC && !is_new && S_ISREG(i->mode) && i->ops->truncate)
        error = i->ops->truncate(i, 0);
    if (error)
        file_put(*out);
    else
        (*out)->path = absolute_path(r);
    return error;
}

static int open_nameless(struct inode *dir, uint32_t flags, uint32_t mode, struct file **out)
{
    if (!S_ISDIR(dir->mode))
        return -ENOTDIR;
    if (!tmpfs_owns(dir))
        return -EOPNOTSUPP;
    struct inode *i = tmpfs_create(S_IFREG | (mode & 07777 & ~fs_umask()));
    if (!i)
        return -ENOMEM;
    inode_inherit(i, dir);
    int error = vfs_open_inode(i, flags, out);
    inode_put(i);
    return error;
}

int vfs_open(int dirfd, const char *path, uint32_t flags, uint32_t mode, struct file **out)
{
    struct path_result r;
    bool is_nameless = flags & __O_TMPFILE;
    flags &= flags & O_PATH ? PATH_FLAGS : OPEN_FLAGS;
    if (is_nameless && !(flags & O_PATH) && (!(flags & O_DIRECTORY) || !(flags & O_ACCMODE)))
        return -EINVAL;
    if ((flags & (O_CREAT | O_DIRECTORY)) == (O_CREAT | O_DIRECTORY))
        return -EINVAL;
    bool no_follow = flags & O_NOFOLLOW || (flags & O_CREAT && flags & O_EXCL);
    unsigned how = (no_follow ? PATH_NO_FOLLOW : 0) | PATH_PARENT;
    if (path[0] && path[strlen(path) - 1] == '/') /* "link/" is what the link leads to, but cannot be made */
        how = PATH_PARENT | (flags & O_CREAT ? PATH_NO_FOLLOW : 0);
    int error = path_lookup(dirfd, path, how, &r);
    if (error)
        return error;
    bool is_new = !r.inode;
    if (is_new && !(flags & O_CREAT))
        error = -ENOENT;
    else if (is_new)
        error = r.is_slashed ? -EISDIR : create_regular(&r, mode);
    if (!error && flags & __O_TMPFILE)
        error = open_nameless(r.inode, flags, mode, out);
    else if (!error)
        error = open_found(&r, flags, is_new, out);
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
    error = *text ? fd_lowest(0) : -ENOENT;
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

static int64_t set_flag(struct file *f, uint32_t flag, uint64_t argument)
{
    int on;
    if (GET_USER(on, argument))
        return -EFAULT;
    f->flags = on ? f->flags | flag : f->flags & ~flag;
    return 0;
}

SYSCALL3(ioctl, int, fd, uint32_t, request, uint64_t, argument)
{
    struct file *f = fd_file(fd);
    if (!f)
        return -EBADF;
    switch (request) {
    case FIOCLEX:
    case FIONCLEX: fd_set_close_on_exec(fd, request == FIOCLEX); return 0;
    case FIONBIO: return set_flag(f, O_NONBLOCK, argument);
    case FIOASYNC: return set_flag(f, FASYNC, argument);
    default: break;
    }
    if (request == FIONREAD && f->inode && S_ISREG(f->inode->mode)) {
        int left = (int)(f->inode->size - f->position);
        return PUT_USER(argument, left);
    }
    if (!f->ops->ioctl)
        return -ENOTTY;
    file_get(f);
    int64_t result = f->ops->ioctl(f, request, argument);
    file_put(f);
    return result;
}
