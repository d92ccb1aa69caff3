/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that make, move and remove names. */
#include "arch/syscall.h"
#include "fs/vfs.h"
#include "mm/mm.h"

static int name_found(const struct path_result *r, struct inode *i)
{
    if (r->inode)
        return -EEXIST;
    if (r->is_slashed && !S_ISDIR(i->mode))
        return -ENOENT;
    return tmpfs_owns(r->parent) ? tmpfs_link(r->parent, r->name, i) : -EPERM;
}

int vfs_name(int dirfd, const char *path, struct inode *i)
{
    struct path_result r;
    int error = i ? path_lookup(dirfd, path, PATH_PARENT | PATH_NO_FOLLOW, &r) : -ENOMEM;
    if (!error) {
        error = name_found(&r, i);
        path_result_free(&r);
    }
    inode_put(i);
    return error;
}

int vfs_mknod(const char *path, uint32_t mode, uint64_t rdev)
{
    struct inode *i = tmpfs_create(mode);
    if (i)
        i->rdev = rdev;
    return vfs_name(AT_FDCWD, path, i);
}

static int name_user(int dirfd, uint64_t path, struct inode *i)
{
    char *text;
    int error = string_from_user(&text, path, PATH_BYTES);
    if (error) {
        inode_put(i);
        return error;
    }
    error = vfs_name(dirfd, text, i);
    kfree(text);
    return error;
}

static int make_node(int dirfd, uint64_t path, uint32_t mode, uint64_t rdev)
{
    uint32_t type = mode & S_IFMT ? mode & S_IFMT : S_IFREG;
    if (type == S_IFDIR)
        return -EPERM;
    if (type != S_IFREG && type != S_IFCHR && type != S_IFBLK && type != S_IFIFO && type != S_IFSOCK)
        return -EINVAL;
    struct inode *i = tmpfs_create(type | (mode & 07777 & ~fs_umask()));
    if (i && (type == S_IFCHR || type == S_IFBLK))
        i->rdev = rdev;
    return name_user(dirfd, path, i);
}

SYSCALL3(mknod, uint64_t, path, uint16_t, mode, uint32_t, rdev) { return make_node(AT_FDCWD, path, mode, rdev); }
SYSCALL4(mknodat, int, dirfd, uint64_t, path, uint16_t, mode, uint32_t, rdev)
{
    return make_node(dirfd, path, mode, rdev);
}

static int make_directory(int dirfd, uint64_t path, uint32_t mode)
{
    return name_user(dirfd, path, tmpfs_create(S_IFDIR | (mode & 01777 & ~fs_umask())));
}

SYSCALL2(mkdir, uint64_t, path, uint16_t, mode) { return make_directory(AT_FDCWD, path, mode); }
SYSCALL3(mkdirat, int, dirfd, uint64_t, path, uint16_t, mode) { return make_directory(dirfd, path, mode); }

static int make_symlink(uint64_t target, int dirfd, uint64_t path)
{
    char *text;
    int error = string_from_user(&text, target, PATH_BYTES);
    if (error)
        return error;
    error = *text ? name_user(dirfd, path, tmpfs_symlink(text)) : -ENOENT;
    kfree(text);
    return error;
}

SYSCALL2(symlink, uint64_t, target, uint64_t, path) { return make_symlink(target, AT_FDCWD, path); }
SYSCALL3(symlinkat, uint64_t, target, int, dirfd, uint64_t, path) { return make_symlink(target, dirfd, path); }

static long link_inode(struct inode *i, uint64_t to_dirfd, uint64_t to)
{
    struct path_result r;
    int error = path_lookup_user((int)to_dirfd, to, PATH_PARENT | PATH_NO_FOLLOW, &r);
    if (error)
        return error;
    if (tmpfs_owns(i) != tmpfs_owns(r.parent))
        error = -EXDEV;
    else if (S_ISDIR(i->mode))
        error = -EPERM;
    else
        error = name_found(&r, i);
    path_result_free(&r);
    return error;
}

static long make_link(int from_dirfd, uint64_t from, int to_dirfd, uint64_t to, uint32_t flags)
{
    if (flags & ~(uint32_t)AT_SYMLINK_FOLLOW)
        return -EINVAL;
    return at_path(from_dirfd, from, flags ? 0 : AT_SYMLINK_NOFOLLOW, link_inode, (uint32_t)to_dirfd, to);
}

SYSCALL2(link, uint64_t, from, uint64_t, to) { return make_link(AT_FDCWD, from, AT_FDCWD, to, 0); }
SYSCALL5(linkat, int, from_dirfd, uint64_t, from, int, to_dirfd, uint64_t, to, uint32_t, flags)
{
    return make_link(from_dirfd, from, to_dirfd, to, flags);
}

static int remove_found(const struct path_result *r, bool is_directory)
{
    if (path_is_special(r))
        return !is_directory ? -EISDIR : !r->name[0] ? -EBUSY : r->name[1] ? -ENOTEMPTY : -EINVAL;
    if (!r->inode)
        return -ENOENT;
    if (!tmpfs_owns(r->parent))
        return -EPERM;
    if (S_ISDIR(r->inode->mode) != is_directory)
        return is_directory ? -ENOTDIR : -EISDIR;
    return tmpfs_unlink(r->parent, r->name);
}

static int remove_name(int dirfd, uint64_t path, bool is_directory)
{
    struct path_result r;
    int error = path_lookup_user(dirfd, path, PATH_PARENT | PATH_NO_FOLLOW, &r);
    if (error)
        return error;
    error = remove_found(&r, is_directory);
    path_result_free(&r);
    return error;
}

SYSCALL1(rmdir, uint64_t, path) { return remove_name(AT_FDCWD, path, true); }
SYSCALL1(unlink, uint64_t, path) { return remove_name(AT_FDCWD, path, false); }
SYSCALL3(unlinkat, int, dirfd, uint64_t, path, uint32_t, flags)
{
    return flags & ~(uint32_t)AT_REMOVEDIR ? -EINVAL : remove_name(dirfd, path, flags);
}

static bool is_ancestor(const struct inode *of, const struct inode *maybe)
{
    for (; of && of != maybe; of = of->parent)
        ;
    return of;
}

static int rename_found(const struct path_result *from, const struct path_result *to)
{
    struct inode *old = from->inode, *replaced = to->inode;
    if (tmpfs_owns(from->parent) != tmpfs_owns(to->parent))
        return -EXDEV;
    if (path_is_special(from) || path_is_special(to))
        return -EBUSY;
    if (!old)
        return -ENOENT;
    if (!tmpfs_owns(from->parent))
        return -EPERM;
    if (S_ISDIR(old->mode) && is_ancestor(to->parent, old))
        return -EINVAL;
    if (replaced && is_ancestor(from->parent, replaced))
        return -ENOTEMPTY;
    if (old == replaced)
        return 0;
    if (!S_ISDIR(old->mode) && to->is_slashed)
        return -ENOTDIR;
    if (replaced && S_ISDIR(old->mode) != S_ISDIR(replaced->mode))
        return S_ISDIR(old->mode) ? -ENOTDIR : -EISDIR;
    return tmpfs_rename(from->parent, from->name, to->parent, to->name);
}

static int rename_path(int from_dirfd, uint64_t from, int to_dirfd, uint64_t to)
{
    struct path_result a, b;
    int error = path_lookup_user(from_dirfd, from, PATH_PARENT | PATH_NO_FOLLOW, &a);
    if (error)
        return error;
    error = path_lookup_user(to_dirfd, to, PATH_PARENT | PATH_NO_FOLLOW, &b);
    if (!error) {
        error = rename_found(&a, &b);
        path_result_free(&b);
    }
    path_result_free(&a);
    return error;
}

SYSCALL2(rename, uint64_t, from, uint64_t, to) { return rename_path(AT_FDCWD, from, AT_FDCWD, to); }
SYSCALL4(renameat, int, from_dirfd, uint64_t, from, int, to_dirfd, uint64_t, to)
{
    return rename_path(from_dirfd, from, to_dirfd, to);
}
SYSCALL5(renameat2, int, from_dirfd, uint64_t, from, int, to_dirfd, uint64_t, to, uint32_t, flags)
{
    return flags ? -EINVAL : rename_path(from_dirfd, from, to_dirfd, to);
}
