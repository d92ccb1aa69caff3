/* SPDX-License-Identifier: Apache-2.0 */
/* Opening: from a path or an inode to a file, and to a descriptor. */
#include "arch/syscall.h"
#include "ext2/ext2.h"
#include "mm/mm.h"

enum {
    OPEN_ONLY_FLAGS = O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC, /* fcntl does not show them */
    MEMORY_MAJOR = 1 /* null and zero: the character devices that have offsets */
};

static const struct file_ops no_ops; /* of directories and of what could not be opened */

int vfs_open_inode(struct inode *i, uint32_t flags, struct file **out)
{
    const struct file_ops *ops = S_ISCHR(i->mode)    ? dev_file_ops(i->rdev)
                                 : S_ISFIFO(i->mode) ? &fifo_file_ops
                                 : S_ISDIR(i->mode)  ? &no_ops
                                                     : i->file_ops;
    if (!ops)
        return -ENXIO;
    struct file *f = file_create(ops, flags, NULL);
    if (!f)
        return -ENOMEM;
    f->inode = inode_get(i);
    f->can_seek = !S_ISFIFO(i->mode) && (!S_ISCHR(i->mode) || i->rdev >> 8 == MEMORY_MAJOR);
    int error = ops->open ? ops->open(f) : 0;
    if (error) {
        f->ops = &no_ops;
        file_put(f);
        return error;
    }
    f->flags &= ~(uint32_t)OPEN_ONLY_FLAGS;
    *out = f;
    return 0;
}

/* May what was found, if anything, be opened in this way? */
static int check_found(const struct path_result *r, uint32_t flags)
{
    if (!r->inode)
        return !(flags & O_CREAT) ? -ENOENT : tmpfs_owns(r->parent) || ext2_owns(r->parent) ? 0 : -EACCES;
    if ((flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
        return -EEXIST;
    if (S_ISDIR(r->inode->mode))
        return flags & (O_ACCMODE | O_TRUNC | O_CREAT) ? -EISDIR : 0;
    return flags & O_DIRECTORY ? -ENOTDIR : S_ISLNK(r->inode->mode) ? -ELOOP : 0;
}

int vfs_open(int dirfd, const char *path, uint32_t flags, uint32_t mode, struct file **out)
{
    struct path_result r;
    bool may_follow = !(flags & O_NOFOLLOW) && (flags & (O_CREAT | O_EXCL)) != (O_CREAT | O_EXCL);
    int error = path_lookup(dirfd, path, PATH_PARENT | (may_follow ? 0 : PATH_NO_FOLLOW), &r);
    if (error)
        return error;
    error = check_found(&r, flags);
    if (!error && !r.inode) {
        struct inode *i = tmpfs_create(S_IFREG | (mode & 07777 & ~fs_umask()));
        if (ext2_owns(r.parent)) {
            error = i ? ext2_name(r.parent, r.name, i, &r.inode) : -ENOMEM;
            inode_put(i);
        } else {
            r.inode = i;
            error = i ? tmpfs_name(r.parent, r.name, i) : -ENOMEM;
        }
    }
    if (!error)
        error = vfs_open_inode(r.inode, flags, out);
    if (!error && flags & O_TRUNC && r.inode->ops->truncate && S_ISREG(r.inode->mode))
        r.inode->ops->truncate(r.inode, 0);
    path_result_free(&r);
    return error;
}

static int open_at(int dir, uint64_t path, uint32_t flags, uint32_t mode)
{
    char *text;
    struct file *f = NULL;
    int error = string_from_user(&text, path, PATH_BYTES);
    if (error)
        return error;
    error = fd_lowest(0);
    if (error >= 0)
        error = vfs_open(dir, text, flags | O_LARGEFILE, mode, &f);
    kfree(text);
    return error < 0 ? error : fd_install(f, flags & O_CLOEXEC, 0);
}

SYSCALL3(open, uint64_t, path, uint32_t, flags, uint32_t, mode) { return open_at(AT_FDCWD, path, flags, mode); }
SYSCALL4(openat, int, dir, uint64_t, path, uint32_t, flag, uint32_t, mode) { return open_at(dir, path, flag, mode); }
SYSCALL2(creat, uint64_t, path, uint32_t, mode) { return open_at(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode); }
