/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that make, move and remove names. */
#include "arch/syscall.h"
#include "ext2/ext2.h"
#include "mm/mm.h"

#define NAME_ITSELF (PATH_PARENT | PATH_NO_FOLLOW)

static long give_name(const struct path_result *r, uint64_t inode)
{
    struct inode *i = (struct inode *)inode;
    if (r->inode)
        return -EEXIST;
    if (r->is_slashed && !S_ISDIR(i->mode))
        return -ENOENT;
    if (ext2_owns(r->parent))
        return ext2_name(r->parent, r->name, i, NULL);
    return !tmpfs_owns(r->parent) ? -EPERM : ext2_owns(i) ? -EXDEV : tmpfs_link(r->parent, r->name, i);
}

int vfs_name(const char *path, struct inode *i)
{
    struct path_result r;
    int error = i ? path_lookup(AT_FDCWD, path, NAME_ITSELF, &r) : -ENOMEM;
    if (!error) {
        error = (int)give_name(&r, (uint64_t)i);
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
    return vfs_name(path, i);
}

static long name_user(int dir, uint64_t path, struct inode *i)
{
    long error = i ? at_path(dir, path, NAME_ITSELF, give_name, (uint64_t)i) : -ENOMEM;
    inode_put(i);
    return error;
}

static long make_node(int dir, uint64_t path, uint32_t mode, uint64_t rdev)
{
    mode |= mode & S_IFMT ? 0 : S_IFREG;
    if (!S_ISREG(mode) && !S_ISCHR(mode) && !S_ISFIFO(mode) && !S_ISSOCK(mode))
        return S_ISDIR(mode) ? -EPERM : -EINVAL;
    struct inode *i = tmpfs_create(mode & ~fs_umask());
    if (i && S_ISCHR(mode))
        i->rdev = rdev;
    return name_user(dir, path, i);
}

SYSCALL3(mknod, uint64_t, path, uint16_t, mode, uint32_t, rdev) { return make_node(AT_FDCWD, path, mode, rdev); }
SYSCALL4(mknodat, int, dir, uint64_t, path, uint16_t, mode, uint32_t, rdev) { return make_node(dir, path, mode, rdev); }

static long make_directory(int dir, uint64_t path, uint32_t mode)
{
    return name_user(dir, path, tmpfs_create(S_IFDIR | (mode & 01777 & ~fs_umask())));
}

SYSCALL2(mkdir, uint64_t, path, uint32_t, mode) { return make_directory(AT_FDCWD, path, mode); }
SYSCALL3(mkdirat, int, dir, uint64_t, path, uint32_t, mode) { return make_directory(dir, path, mode); }

static long make_symlink(uint64_t target, int dir, uint64_t path)
{
    char *text;
    long error = string_from_user(&text, target, PATH_BYTES);
    if (error)
        return error;
    error = *text ? name_user(dir, path, tmpfs_symlink(text)) : -ENOENT;
    kfree(text);
    return error;
}

SYSCALL2(symlink, uint64_t, target, uint64_t, path) { return make_symlink(target, AT_FDCWD, path); }
SYSCALL3(symlinkat, uint64_t, target, int, dir, uint64_t, path) { return make_symlink(target, dir, path); }

static long link_to(const struct path_result *r, uint64_t to)
{
    if (S_ISDIR(r->inode->mode))
        return -EPERM;
    bool can_link = tmpfs_owns(r->inode) || ext2_owns(r->inode);
    return can_link ? at_path(AT_FDCWD, to, NAME_ITSELF, give_name, (uint64_t)r->inode) : -EXDEV;
}

SYSCALL2(link, uint64_t, from, uint64_t, to) { return at_path(AT_FDCWD, from, PATH_NO_FOLLOW, link_to, to); }

static long remove_name(const struct path_result *r, uint64_t is_directory)
{
    if (!r->inode)
        return -ENOENT;
    if (!tmpfs_owns(r->parent) && !ext2_owns(r->parent))
        return -EPERM;
    if (S_ISDIR(r->inode->mode) != is_directory)
        return is_directory ? -ENOTDIR : -EISDIR;
    return ext2_owns(r->parent) ? ext2_unlink(r->parent, r->name) : tmpfs_unlink(r->parent, r->name);
}

SYSCALL1(rmdir, uint64_t, path) { return at_path(AT_FDCWD, path, NAME_ITSELF, remove_name, true); }
SYSCALL1(unlink, uint64_t, path) { return at_path(AT_FDCWD, path, NAME_ITSELF, remove_name, false); }
SYSCALL3(unlinkat, int, dir, uint64_t, path, uint32_t, flags)
{
    return flags & ~(uint32_t)AT_REMOVEDIR ? -EINVAL : at_path(dir, path, NAME_ITSELF, remove_name, flags != 0);
}

static bool is_ancestor(const struct inode *of, const struct inode *maybe)
{
    while (of && of != maybe)
        of = of->parent;
    return of;
}

static long rename_to(const struct path_result *to, uint64_t argument)
{
    const struct path_result *from = (const struct path_result *)argument;
    const struct inode *old = from->inode, *replaced = to->inode;
    if (!old)
        return -ENOENT;
    bool is_disk = ext2_owns(from->parent) && ext2_owns(to->parent);
    if (!is_disk && (!tmpfs_owns(from->parent) || !tmpfs_owns(to->parent)))
        return -EXDEV;
    if (S_ISDIR(old->mode) && is_ancestor(to->parent, old))
        return -EINVAL;
    if (replaced && is_ancestor(from->parent, replaced))
        return -ENOTEMPTY;
    if (old == replaced)
        return 0;
    if (replaced && S_ISDIR(old->mode) != S_ISDIR(replaced->mode))
        return S_ISDIR(old->mode) ? -ENOTDIR : -EISDIR;
    if (to->is_slashed && !S_ISDIR(old->mode))
        return -ENOTDIR;
    return (is_disk ? ext2_rename : tmpfs_rename)(from->parent, from->name, to->parent, to->name);
}

static long rename_from(const struct path_result *from, uint64_t to)
{
    return at_path(AT_FDCWD, to, NAME_ITSELF, rename_to, (uint64_t)from);
}

SYSCALL2(rename, uint64_t, from, uint64_t, to) { return at_path(AT_FDCWD, from, NAME_ITSELF, rename_from, to); }
