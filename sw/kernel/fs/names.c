/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that make, move and remove names. */
#include "arch/syscall.h"
#include "fs/vfs.h"
#include "mm/mm.h"
#include "sched/task.h"
#include "string.h"
#include <linux/fs.h>

void inode_inherit(struct inode *i, const struct inode *dir)
{
    if (dir->mode & S_ISGID) {
        i->gid = dir->gid;
        i->mode |= S_ISDIR(i->mode) ? S_ISGID : 0;
    }
}

int vfs_name_new(const struct path_result *r, struct inode *i)
{
    inode_inherit(i, r->parent);
    return r->parent->ops->link(r->parent, r->name, strlen(r->name), i);
}

/* Gives a new inode its name; the caller's reference goes. NULL: there was no memory for it. */
static int name_inode(int dirfd, const char *path, struct inode *i)
{
    struct path_result r;
    if (!i)
        return -ENOMEM;
    int error = path_lookup(dirfd, path, PATH_PARENT | PATH_NO_FOLLOW, &r);
    if (!error) {
        if (r.inode)
            error = -EEXIST;
        else if (r.is_slashed && !S_ISDIR(i->mode))
            error = -ENOENT;
        else if (!r.parent->ops->link)
            error = -EPERM;
        else
            error = vfs_name_new(&r, i);
        path_result_free(&r);
    }
    inode_put(i);
    return error;
}

int vfs_mkdir(const char *path, uint32_t mode)
{
    return name_inode(AT_FDCWD, path, tmpfs_create(S_IFDIR | (mode & 07777)));
}

int vfs_mknod(const char *path, uint32_t mode, uint64_t rdev)
{
    struct inode *i = tmpfs_create(mode);
    if (i && (S_ISCHR(mode) || S_ISBLK(mode)))
        i->rdev = rdev;
    return name_inode(AT_FDCWD, path, i);
}

int vfs_symlink(const char *target, const char *path) { return name_inode(AT_FDCWD, path, tmpfs_symlink(target)); }

int vfs_attach(const char *path, struct inode *dir)
{
    struct path_result r;
    int error = path_lookup(AT_FDCWD, path, PATH_PARENT | PATH_NO_FOLLOW, &r);
    if (error)
        return error;
    if (r.inode)
        error = r.parent->ops->unlink(r.parent, r.name, strlen(r.name));
    if (!error)
        error = r.parent->ops->link(r.parent, r.name, strlen(r.name), dir);
    path_result_free(&r);
    return error;
}

static int make_node(int dirfd, uint64_t path, uint32_t mode, uint64_t rdev)
{
    char *text;
    if (!(mode & S_IFMT))
        mode |= S_IFREG;
    if (S_ISDIR(mode))
        return -EPERM;
    if (!S_ISREG(mode) && !S_ISCHR(mode) && !S_ISBLK(mode) && !S_ISFIFO(mode) && !S_ISSOCK(mode))
        return -EINVAL;
    int error = string_from_user(&text, path, PATH_BYTES);
    if (error)
        return error;
    struct inode *i = tmpfs_create((mode & (S_IFMT | 07777)) & ~fs_umask());
    if (i && (S_ISCHR(mode) || S_ISBLK(mode)))
        i->rdev = rdev;
    error = name_inode(dirfd, text, i);
    kfree(text);
    return error;
}

SYSCALL3(mknod, uint64_t, path, uint16_t, mode, uint32_t, rdev) { return make_node(AT_FDCWD, path, mode, rdev); }
SYSCALL4(mknodat, int, dirfd, uint64_t, path, uint16_t, mode, uint32_t, rdev)
{
    return make_node(dirfd, path, mode, rdev);
}

static int make_directory(int dirfd, uint64_t path, uint32_t mode)
{
    char *text;
    int error = string_from_user(&text, path, PATH_BYTES);
    if (error)
        return error;
    error = name_inode(dirfd, text, tmpfs_create(S_IFDIR | (mode & 01777 & ~fs_umask())));
    kfree(text);
    return error;
}

SYSCALL2(mkdir, uint64_t, path, uint16_t, mode) { return make_directory(AT_FDCWD, path, mode); }
SYSCALL3(mkdirat, int, dirfd, uint64_t, path, uint16_t, mode) { return make_directory(dirfd, path, mode); }

static int make_symlink(uint64_t target, int dirfd, uint64_t path)
{
    char *text, *name;
    int error = string_from_user(&text, target, PATH_BYTES);
    if (error)
        return error;
    error = *text ? string_from_user(&name, path, PATH_BYTES) : -ENOENT;
    if (!error) {
        error = name_inode(dirfd, name, tmpfs_symlink(text));
        kfree(name);
    }
    kfree(text);
    return error;
}

SYSCALL2(symlink, uint64_t, target, uint64_t, path) { return make_symlink(target, AT_FDCWD, path); }
SYSCALL3(symlinkat, uint64_t, target, int, dirfd, uint64_t, path) { return make_symlink(target, dirfd, path); }

static int link_to(struct inode *i, const struct path_result *to)
{
    if (to->inode)
        return -EEXIST;
    if (to->is_slashed)
        return -ENOENT;
    if (tmpfs_owns(i) != tmpfs_owns(to->parent))
        return -EXDEV;
    if (S_ISDIR(i->mode) || !to->parent->ops->link)
        return -EPERM;
    if (!i->nlink)
        return -ENOENT;
    return to->parent->ops->link(to->parent, to->name, strlen(to->name), i);
}

static int make_link(int from_dirfd, uint64_t from, int to_dirfd, uint64_t to, uint32_t flags)
{
    struct inode *i;
    struct path_result r;
    if (flags & ~(uint32_t)(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    uint32_t at_flags = (flags & AT_EMPTY_PATH) | (flags & AT_SYMLINK_FOLLOW ? 0 : AT_SYMLINK_NOFOLLOW);
    int error = path_inode(from_dirfd, from, at_flags, &i);
    if (error)
        return error;
    error = path_lookup_user(to_dirfd, to, PATH_PARENT | PATH_NO_FOLLOW, &r);
    if (!error) {
        error = link_to(i, &r);
        path_result_free(&r);
    }
    inode_put(i);
    return error;
}

SYSCALL2(link, uint64_t, from, uint64_t, to) { return make_link(AT_FDCWD, from, AT_FDCWD, to, 0); }
SYSCALL5(linkat, int, from_dirfd, uint64_t, from, int, to_dirfd, uint64_t, to, uint32_t, flags)
{
    return make_link(from_dirfd, from, to_dirfd, to, flags);
}

static int remove_file(const struct path_result *r)
{
    if (path_is_special(r))
        return -EISDIR;
    if (!r->inode)
        return -ENOENT;
    if (r->is_slashed)
        return S_ISDIR(r->inode->mode) ? -EISDIR : -ENOTDIR;
    if (!r->parent->ops->unlink)
        return -EPERM;
    if (S_ISDIR(r->inode->mode))
        return -EISDIR;
    return r->parent->ops->unlink(r->parent, r->name, strlen(r->name));
}

static int remove_directory(const struct path_result *r)
{
    if (path_is_special(r))
        return !r->name[0] ? -EBUSY : r->name[1] ? -ENOTEMPTY : -EINVAL;
    if (!r->inode)
        return -ENOENT;
    if (!r->parent->ops->unlink)
        return -EPERM;
    if (!S_ISDIR(r->inode->mode))
        return -ENOTDIR;
    return r->parent->ops->unlink(r->parent, r->name, strlen(r->name));
}

static int remove_name(int dirfd, uint64_t path, bool is_directory)
{
    struct path_result r;
    int error = path_lookup_user(dirfd, path, PATH_PARENT | PATH_NO_FOLLOW, &r);
    if (error)
        return error;
    error = is_directory ? remove_directory(&r) : remove_file(&r);
    path_result_free(&r);
    return error;
}

SYSCALL1(rmdir, uint64_t, path) { return remove_name(AT_FDCWD, path, true); }
SYSCALL1(unlink, uint64_t, path) { return remove_name(AT_FDCWD, path, false); }
SYSCALL3(unlinkat, int, dirfd, uint64_t, path, uint32_t, flags)
{
    if (flags & ~(uint32_t)AT_REMOVEDIR)
        return -EINVAL;
    return remove_name(dirfd, path, flags & AT_REMOVEDIR);
}

static bool is_ancestor(const struct inode *of, const struct inode *maybe)
{
    for (; of && of != maybe; of = of->parent)
        ;
    return of;
}

static int rename_found(const struct path_result *from, const struct path_result *to, uint32_t flags)
{
    struct inode *old = from->inode, *replaced = to->inode;
    bool is_exchange = flags & RENAME_EXCHANGE;
    if (tmpfs_owns(from->parent) != tmpfs_owns(to->parent))
        return -EXDEV;
    if (path_is_special(from))
        return -EBUSY;
    if (path_is_special(to))
        return flags & RENAME_NOREPLACE ? -EEXIST : -EBUSY;
    if (!old || (is_exchange && !replaced))
        return -ENOENT;
    if (flags & RENAME_NOREPLACE && replaced)
        return -EEXIST;
    bool is_directory = S_ISDIR(old->mode), replaces_directory = replaced && S_ISDIR(replaced->mode);
    if (!is_directory && (from->is_slashed || (!is_exchange && to->is_slashed)))
        return -ENOTDIR;
    if (is_exchange && !replaces_directory && to->is_slashed)
        return -ENOTDIR;
    if (is_directory && is_ancestor(to->parent, old))
        return -EINVAL;
    if (replaces_directory && is_ancestor(from->parent, replaced))
        return is_exchange ? -EINVAL : -ENOTEMPTY;
    if (old == replaced)
        return 0;
    if (!from->parent->ops->rename)
        return -EPERM;
    if (replaced && !is_exchange && is_directory != replaces_directory)
        return is_directory ? -ENOTDIR : -EISDIR;
    if (!tmpfs_owns(old) || (replaced && !tmpfs_owns(replaced)))
        return -EBUSY; /* something is mounted there */
    return from->parent->ops->rename(from->parent, from->name, strlen(from->name), to->parent, to->name,
                                     strlen(to->name), is_exchange);
}

static int rename_path(int from_dirfd, uint64_t from, int to_dirfd, uint64_t to, uint32_t flags)
{
    struct path_result a, b;
    if (flags & ~(uint32_t)(RENAME_NOREPLACE | RENAME_EXCHANGE) ||
        (flags & (RENAME_NOREPLACE | RENAME_EXCHANGE)) == (RENAME_NOREPLACE | RENAME_EXCHANGE))
        return -EINVAL;
    int error = path_lookup_user(from_dirfd, from, PATH_PARENT | PATH_NO_FOLLOW, &a);
    if (error)
        return error;
    error = path_lookup_user(to_dirfd, to, PATH_PARENT | PATH_NO_FOLLOW, &b);
    if (!error) {
        error = rename_found(&a, &b, flags);
        path_result_free(&b);
    }
    path_result_free(&a);
    return error;
}

SYSCALL2(rename, uint64_t, from, uint64_t, to) { return rename_path(AT_FDCWD, from, AT_FDCWD, to, 0); }
SYSCALL4(renameat, int, from_dirfd, uint64_t, from, int, to_dirfd, uint64_t, to)
{
    return rename_path(from_dirfd, from, to_dirfd, to, 0);
}
SYSCALL5(renameat2, int, from_dirfd, uint64_t, from, int, to_dirfd, uint64_t, to, uint32_t, flags)
{
    return rename_path(from_dirfd, from, to_dirfd, to, flags);
}
