/* SPDX-License-Identifier: Apache-2.0 */
/* Reading directories and links; the working directory. */
#include "arch/syscall.h"
#include "fs/vfs.h"
#include "mm/mm.h"
#include "sched/task.h"
#include "string.h"

enum { DOTS = 2 }; /* positions that . and .. take: the file system's begin after them */

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
    if (*position < DOTS) {
        bool is_up = (*position)++;
        *name = is_up ? ".." : ".";
        return inode_get(is_up && dir->parent ? dir->parent : dir);
    }
    uint64_t at = *position - DOTS;
    struct inode *i = dir->ops->next(dir, &at, name);
    *position = at + DOTS;
    return i;
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
        if (!i)
            return used;
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
    long error = path_of_inode(current->fs->cwd, path, sizeof path);
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
    inode_put(current->fs->cwd);
    current->fs->cwd = i;
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

static long read_link_at(int dir, uint64_t path, uint64_t to, int bytes)
{
    struct iovec v = {(void *)to, (size_t)bytes};
    return bytes <= 0 ? -EINVAL : at_path(dir, path, PATH_NO_FOLLOW, read_link, (uint64_t)&v);
}

SYSCALL3(readlink, uint64_t, path, uint64_t, to, int, n) { return read_link_at(AT_FDCWD, path, to, n); }
SYSCALL4(readlinkat, int, dir, uint64_t, path, uint64_t, to, int, n) { return read_link_at(dir, path, to, n); }
