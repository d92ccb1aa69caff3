/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that make, move, remove and list names, and that read links; the working directory. */
#include "arch/syscall.h"
#include "ext2/ext2.h"
#include "mm/mm.h"
#include "sched/task.h"
#include "string.h"

static long give_name(const struct path_result *r, uint64_t inode)
{
    if (r->inode)
        return -EEXIST;
    if (ext2_owns(r->parent))
        return ext2_name(r->parent, r->name, (struct inode *)inode, NULL);
    return tmpfs_owns(r->parent) ? tmpfs_name(r->parent, r->name, (struct inode *)inode) : -EPERM;
}

int vfs_name(const char *path, struct inode *i)
{
    long error = i ? at_kernel_path(AT_FDCWD, path, NAME_ITSELF, give_name, (uint64_t)i) : -ENOMEM;
    inode_put(i);
    return (int)error;
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
    uint64_t flags = i && S_ISDIR(i->mode) ? DIRECTORY_ITSELF : NAME_ITSELF;
    long error = i ? at_path(dir, path, flags, give_name, (uint64_t)i) : -ENOMEM;
    inode_put(i);
    return error;
}

static long make_node(int dir, uint64_t path, uint32_t mode, uint64_t rdev)
{
    mode |= mode & S_IFMT ? 0 : S_IFREG;
    if (!S_ISREG(mode) && !S_ISCHR(mode) && !S_ISFIFO(mode) && !S_ISSOCK(mode))
        return S_ISDIR(mode) ? -EPERM : -EINVAL;
    struct inode *i = tmpfs_create(mode & ~fs_umask());
    if (i)
        i->rdev = rdev;
    return name_user(dir, path, i);
}

SYSCALL3(mknod, uint64_t, path, uint16_t, mode, uint32_t, rdev) { return make_node(AT_FDCWD, path, mode, rdev); }
SYSCALL4(mknodat, int, dir, uint64_t, path, uint16_t, mode, uint32_t, rdev) { return make_node(dir, path, mode, rdev); }

SYSCALL2(mkdir, uint64_t, path, uint32_t, mode)
{
    return name_user(AT_FDCWD, path, tmpfs_create(S_IFDIR | (mode & 01777 & ~fs_umask())));
}

SYSCALL2(symlink, uint64_t, target, uint64_t, path)
{
    char *text;
    long error = string_from_user(&text, target, PATH_BYTES);
    if (error)
        return error;
    error = *text ? name_user(AT_FDCWD, path, tmpfs_symlink(text)) : -ENOENT;
    kfree(text);
    return error;
}

/* It is the root, or the path ends with . or .., which is no name to be removed. */
static bool has_no_name(const struct path_result *r)
{
    return !*r->name || !strcmp(r->name, ".") || !strcmp(r->name, "..");
}

static long remove_name(const struct path_result *r, uint64_t is_directory)
{
    if (!r->inode)
        return -ENOENT;
    if (!tmpfs_owns(r->parent) && !ext2_owns(r->parent))
        return -EPERM;
    if (S_ISDIR(r->inode->mode) != is_directory)
        return is_directory ? -ENOTDIR : -EISDIR;
    if (has_no_name(r))
        return !*r->name ? -EBUSY : r->name[1] ? -ENOTEMPTY : -EINVAL;
    return ext2_owns(r->parent) ? ext2_unlink(r->parent, r->name) : tmpfs_unlink(r->inode);
}

SYSCALL1(rmdir, uint64_t, path) { return at_path(AT_FDCWD, path, DIRECTORY_ITSELF, remove_name, true); }
SYSCALL1(unlink, uint64_t, path) { return at_path(AT_FDCWD, path, NAME_ITSELF, remove_name, false); }
SYSCALL3(unlinkat, int, dir, uint64_t, path, uint32_t, flags)
{
    return flags & ~(uint32_t)AT_REMOVEDIR
               ? -EINVAL
               : at_path(dir, path, flags ? DIRECTORY_ITSELF : NAME_ITSELF, remove_name, flags != 0);
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
    struct inode *old = from->inode, *replaced = to->inode;
    if (!old)
        return -ENOENT;
    if (has_no_name(from) || has_no_name(to))
        return -EBUSY;
    bool is_disk = ext2_owns(from->parent) && ext2_owns(to->parent);
    if (!is_disk && (!tmpfs_owns(from->parent) || !tmpfs_owns(to->parent)))
        return -EXDEV;
    if (S_ISDIR(old->mode) && is_ancestor(to->parent, old))
        return -EINVAL;
    if (old == replaced)
        return 0;
    if (replaced && S_ISDIR(old->mode) != S_ISDIR(replaced->mode))
        return S_ISDIR(old->mode) ? -ENOTDIR : -EISDIR;
    return is_disk ? ext2_rename(from->parent, from->name, to->parent, to->name)
                   : tmpfs_rename(old, to->parent, to->name, replaced);
}

static long rename_from(const struct path_result *from, uint64_t to)
{
    bool is_directory = from->inode && S_ISDIR(from->inode->mode);
    return at_path(AT_FDCWD, to, is_directory ? DIRECTORY_ITSELF : NAME_ITSELF, rename_to, (uint64_t)from);
}

SYSCALL2(rename, uint64_t, from, uint64_t, to) { return at_path(AT_FDCWD, from, DIRECTORY_ITSELF, rename_from, to); }

/* Linux's record of getdents64; no user-space header has it. */
struct dirent64 {
    uint64_t ino;
    int64_t next; /* position of the record after this one */
    uint16_t bytes;
    uint8_t type;
    char name[NAME_BYTES + 1 + 8];
};

/* As the next() of directories, with . and .. */
static struct inode *next_entry(struct inode *dir, uint64_t *position, const char **name)
{
    if (*position >= DOTS)
        return dir->ops->next(dir, position, name);
    bool is_up = (*position)++;
    *name = is_up ? ".." : ".";
    return inode_get(is_up && dir->parent ? dir->parent : dir);
}

SYSCALL3(getdents64, int, fd, uint64_t, to, uint32_t, bytes)
{
    struct file *f = fd_file(fd);
    long used = 0;
    if (!f)
        return -EBADF;
    if (!S_ISDIR(f->inode->mode))
        return -ENOTDIR;
    for (int error = 0;;) {
        const char *name;
        uint64_t position = f->position;
        struct inode *i = next_entry(f->inode, &position, &name);
        if (!i || inode_error(i))
            return used ? used : inode_error(i);
        size_t len = strlen(name), record = ALIGN_UP(offsetof(struct dirent64, name) + len + 1, (size_t)8);
        struct dirent64 d = {i->ino, (int64_t)position, (uint16_t)record, (uint8_t)(i->mode >> 12), ""};
        memcpy(d.name, name, len);
        inode_put(i);
        error = record > (size_t)(bytes - used) ? -EINVAL : copy_to_user(to + (uint64_t)used, &d, record);
        if (error)
            return used ? used : error;
        used += (long)record;
        f->position = position;
    }
}

SYSCALL2(getcwd, uint64_t, to, size_t, bytes)
{
    char path[PATH_BYTES];
    long error = path_of_inode(current->files->cwd, path, sizeof path);
    if (error)
        return error;
    size_t length = strlen(path) + 1;
    return length > bytes ? -ERANGE : copy_to_user(to, path, length) ? -EFAULT : (long)length;
}

static long change_directory(const struct path_result *r, uint64_t unused)
{
    struct inode *i = r->inode;
    (void)unused;
    if (!S_ISDIR(i->mode))
        return -ENOTDIR;
    inode_get(i);
    inode_put(current->files->cwd);
    current->files->cwd = i;
    return 0;
}

SYSCALL1(chdir, uint64_t, path) { return at_path(AT_FDCWD, path, 0, change_directory, 0); }
SYSCALL1(fchdir, int, fd) { return at_file(fd, change_directory, 0); }

static long read_link(const struct path_result *r, uint64_t to)
{
    struct inode *i = r->inode;
    const struct iovec *v = (const struct iovec *)to;
    if (!S_ISLNK(i->mode))
        return -EINVAL;
    char *text = i->ops->read_link(i);
    if (!text)
        return -ENOMEM;
    size_t length = MIN(strlen(text), v->iov_len);
    int error = copy_to_user((uint64_t)v->iov_base, text, length);
    kfree(text);
    return error ? error : (long)length;
}

SYSCALL3(readlink, uint64_t, path, uint64_t, to, int, bytes)
{
    const struct iovec v = {(void *)to, (size_t)bytes};
    return bytes <= 0 ? -EINVAL : at_path(AT_FDCWD, path, PATH_NO_FOLLOW, read_link, (uint64_t)&v);
}
