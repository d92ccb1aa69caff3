/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that make, move and remove names. */
#include "arch/syscall.h"
#include "fs/vfs.h"
#include "mm/mm.h"

#define NAME_ITSELF (PATH_PARENT | PATH_NO_FOLLOW)

static long give_name(const struct path_result *r, uint64_t inode)
{
    struct inode *i = (struct inode *)inode;
    if (r->inode)
        return -EEXIST;
    if (r->is_slashed && !S_ISDIR(i->mode))
        return -ENOENT;
    return tmpfs_owns(r->parent) ? tmpfs_link(r->parent, r->name, i) : -EPERM;
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

/* The caller's reference goes. */
static long name_user(int dir, uint64_t path, struct inode *i)
{
    long error = i ? at_path(dir, path, NAME_ITSELF, give_name, (uint64_t)i) : -ENOMEM;
    inode_put(i);
    return error;
}

static long make_node(int dir, uint64_t path, uint32_t mode, uint64_t rdev)
{
    uint32_t type = mode & S_IFMT ? mode & S_IFMT : S_IFREG;
    if (type == S_IFDIR)
        return -EPERM;
    if (type != S_IFREG && type != S_IFCHR && type != S_IFIFO && type != S_IFSOCK)
        return -EINVAL;
    struct inode *i = tmpfs_create(type | (mode & 07777 & ~fs_umask()));
    if (i && type == S_IFCHR)
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

struct place {
    int dir;
    uint64_t path;
};

static long link_to(const struct path_result *r, uint64_t argument)
{
    struct inode *i = r->inode;
    const struct place *to = (const struct place *)argument;
    if (S_ISDIR(i->mode))
        return -EPERM;
    return tmpfs_owns(i) ? at_path(to->dir, to->path, NAME_ITSELF, give_name, (uint64_t)i) : -EXDEV;
}

static long make_link(int dir, uint64_t path, struct place to, uint32_t flags)
{
    if (flags & ~(uint32_t)AT_SYMLINK_FOLLOW)
        return -EINVAL;
    return at_path(dir, path, flags ? 0 : PATH_NO_FOLLOW, link_to, (uint64_t)&to);
}

SYSCALL2(link, uint64_t, from, uint64_t, to) { return make_link(AT_FDCWD, from, (struct place){AT_FDCWD, to}, 0); }
SYSCALL5(linkat, int, from_dir, uint64_t, from, int, to_dir, uint64_t, to, uint32_t, flags)
{
    return make_link(from_dir, from, (struct place){to_dir, to}, flags);
}

static long remove_name(const struct path_result *r, uint64_t is_directory)
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
    if (path_is_special(from) || path_is_special(to))
        return -EBUSY;
    if (!old)
        return -ENOENT;
    if (!tmpfs_owns(from->parent) || !tmpfs_owns(to->parent))
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
    return tmpfs_rename(from->parent, from->name, to->parent, to->name);
}

static long rename_from(const struct path_result *from, uint64_t argument)
{
    const struct place *to = (const struct place *)argument;
    return at_path(to->dir, to->path, NAME_ITSELF, rename_to, (uint64_t)from);
}

static long rename_path(int dir, uint64_t from, struct place to)
{
    return at_path(dir, from, NAME_ITSELF, rename_from, (uint64_t)&to);
}

SYSCALL2(rename, uint64_t, from, uint64_t, to) { return rename_path(AT_FDCWD, from, (struct place){AT_FDCWD, to}); }
SYSCALL4(renameat, int, from_dir, uint64_t, from, int, to_dir, uint64_t, to)
{
    return rename_path(from_dir, from, (struct place){to_dir, to});
}
