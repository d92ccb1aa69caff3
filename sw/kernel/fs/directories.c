/* SPDX-License-Identifier: Apache-2.0 */
/* Reading directories and links; the working directory and the root of a process. */
#include "arch/syscall.h"
#include "fs/vfs.h"
#include "mm/mm.h"
#include "sched/task.h"
#include "string.h"

/* Linux's record of getdents64; no user-space header has it. */
struct dirent64 {
    uint64_t ino;
    int64_t next; /* position of the record after this one */
    uint16_t bytes;
    uint8_t type;
    char name[];
};

enum { BUFFER_BYTES = 32768, DIRECTORY = S_IFDIR >> 12 };

struct dirent_buffer {
    char *memory;
    size_t bytes, used;
    struct dirent64 *last;
    bool is_full;
    uint64_t dots; /* positions that . and .. take: the file system's begin after them */
    uint64_t at;   /* position of the entry that is being emitted, without those */
};

static bool emit_dirent(void *ctx, const char *name, size_t len, uint64_t ino, unsigned type)
{
    struct dirent_buffer *b = ctx;
    size_t bytes = ALIGN_UP(offsetof(struct dirent64, name) + len + 1, (size_t)8);
    if (bytes > b->bytes - b->used) {
        b->is_full = true;
        return false;
    }
    struct dirent64 *d = (struct dirent64 *)(b->memory + b->used);
    memset(d, 0, bytes);
    d->ino = ino;
    d->bytes = (uint16_t)bytes;
    d->type = (uint8_t)type;
    memcpy(d->name, name, len);
    if (b->last)
        b->last->next = (int64_t)(b->at + b->dots);
    b->last = d;
    b->used += bytes;
    return true;
}

/* From position b->at on. */
static int fill(struct inode *dir, struct dirent_buffer *b)
{
    uint64_t up = dir->parent ? dir->parent->ino : dir->ino;
    int error = 0;
    if (b->at == 0 && emit_dirent(b, ".", 1, dir->ino, DIRECTORY))
        b->at = 1;
    if (b->at == 1 && emit_dirent(b, "..", 2, up, DIRECTORY))
        b->at = 2;
    if (b->at >= 2 && dir->ops->list) {
        b->dots = 2;
        b->at -= b->dots;
        error = dir->ops->list(dir, &b->at, emit_dirent, b);
        b->at += b->dots;
    }
    if (b->last)
        b->last->next = (int64_t)b->at;
    return error;
}

SYSCALL3(getdents64, int, fd, uint64_t, buffer, uint32_t, bytes)
{
    struct file *f = fd_file(fd);
    if (!f)
        return -EBADF;
    if (!f->inode || !S_ISDIR(f->inode->mode))
        return -ENOTDIR;
    if (!f->inode->nlink)
        return -ENOENT;
    struct dirent_buffer b = {.bytes = MIN(bytes, (uint32_t)BUFFER_BYTES), .at = f->position};
    b.memory = kmalloc(BUFFER_BYTES);
    if (!b.memory)
        return -ENOMEM;
    long result = fill(f->inode, &b);
    if (b.used && copy_to_user(buffer, b.memory, b.used)) {
        result = -EFAULT;
    } else if (b.is_full && !b.used) {
        result = -EINVAL;
    } else if (result >= 0) {
        f->position = b.at;
        result = (long)b.used;
    }
    kfree(b.memory);
    return result;
}

SYSCALL2(getcwd, uint64_t, buffer, size_t, bytes)
{
    char *path = kmalloc(PATH_BYTES);
    if (!path)
        return -ENOMEM;
    long result = path_of_inode(current->fs->cwd, path, PATH_BYTES);
    if (!result) {
        size_t length = strlen(path) + 1;
        result = length > bytes ? -ERANGE : copy_to_user(buffer, path, length) ? -EFAULT : (long)length;
    }
    kfree(path);
    return result;
}

/* One of the caller's two directories becomes i, whose reference goes. */
static int set_directory(struct inode **which, struct inode *i)
{
    if (!S_ISDIR(i->mode)) {
        inode_put(i);
        return -ENOTDIR;
    }
    inode_put(*which);
    *which = i;
    return 0;
}

SYSCALL1(chdir, uint64_t, path)
{
    struct inode *i;
    int error = path_inode(AT_FDCWD, path, 0, &i);
    return error ? error : set_directory(&current->fs->cwd, i);
}

SYSCALL1(fchdir, int, fd)
{
    struct file *f = fd_file_any(fd);
    if (!f)
        return -EBADF;
    return f->inode ? set_directory(&current->fs->cwd, inode_get(f->inode)) : -ENOTDIR;
}

SYSCALL1(chroot, uint64_t, path)
{
    struct inode *i;
    int error = path_inode(AT_FDCWD, path, 0, &i);
    return error ? error : set_directory(&current->fs->root, i);
}

static long read_link(int dirfd, uint64_t path, uint64_t buffer, int bytes)
{
    struct path_result r;
    if (bytes <= 0)
        return -EINVAL;
    int error = path_lookup_user(dirfd, path, PATH_NO_FOLLOW | PATH_EMPTY, &r);
    if (error)
        return error;
    long result =
        r.name[0] || r.is_slashed ? -EINVAL : -ENOENT; /* an empty path: the descriptor of a link, by O_PATH */
    if (S_ISLNK(r.inode->mode)) {
        char *text = r.inode->ops->read_link(r.inode);
        result = text ? (long)MIN(strlen(text), (size_t)bytes) : -ENOMEM;
        if (text && copy_to_user(buffer, text, (size_t)result))
            result = -EFAULT;
        kfree(text);
    }
    path_result_free(&r);
    return result;
}

SYSCALL3(readlink, uint64_t, path, uint64_t, buffer, int, bytes) { return read_link(AT_FDCWD, path, buffer, bytes); }
SYSCALL4(readlinkat, int, dirfd, uint64_t, path, uint64_t, buffer, int, bytes)
{
    return read_link(dirfd, path, buffer, bytes);
}
