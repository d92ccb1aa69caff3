/* SPDX-License-Identifier: Apache-2.0 */
/* Reading directories and links; the working directory. */
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

enum { BUFFER_BYTES = 32768, DOTS = 2 /* positions that . and .. take: the file system's begin after them */ };

struct dirent_buffer {
    char *memory;
    size_t bytes, used;
    bool is_full;
    uint64_t position; /* of the entry that is being emitted */
    struct dirent64 *last;
};

static bool emit_dirent(void *ctx, const char *name, size_t len, uint64_t ino, unsigned type)
{
    struct dirent_buffer *b = ctx;
    size_t bytes = ALIGN_UP(offsetof(struct dirent64, name) + len + 1, (size_t)8);
    b->is_full = bytes > b->bytes - b->used;
    if (b->is_full)
        return false;
    struct dirent64 *d = (struct dirent64 *)(b->memory + b->used);
    memset(d, 0, bytes);
    d->ino = ino;
    d->bytes = (uint16_t)bytes;
    d->type = (uint8_t)type;
    memcpy(d->name, name, len);
    if (b->last)
        b->last->next = (int64_t)b->position + DOTS;
    b->last = d;
    b->used += bytes;
    return true;
}

static void fill(struct inode *dir, struct dirent_buffer *b, uint64_t *position)
{
    uint64_t up = dir->parent ? dir->parent->ino : dir->ino;
    for (; *position < DOTS; ++*position) {
        b->position = *position - DOTS;
        if (!emit_dirent(b, "..", *position + 1, *position ? up : dir->ino, S_IFDIR >> 12))
            return;
    }
    b->position = *position - DOTS;
    dir->ops->list(dir, &b->position, emit_dirent, b);
    *position = b->position + DOTS;
    if (b->last)
        b->last->next = (int64_t)*position;
}

SYSCALL3(getdents64, int, fd, uint64_t, buffer, uint32_t, bytes)
{
    struct file *f = fd_file(fd);
    if (!f)
        return -EBADF;
    if (!S_ISDIR(f->inode->mode))
        return -ENOTDIR;
    struct dirent_buffer b = {.memory = kmalloc(BUFFER_BYTES), .bytes = MIN(bytes, (uint32_t)BUFFER_BYTES)};
    uint64_t position = f->position;
    if (!b.memory)
        return -ENOMEM;
    fill(f->inode, &b, &position);
    long result = (long)b.used;
    if (b.is_full && !b.used)
        result = -EINVAL;
    else if (copy_to_user(buffer, b.memory, b.used))
        result = -EFAULT;
    else
        f->position = position;
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

static long change_directory(struct inode *i, uint64_t unused_a, uint64_t unused_b)
{
    (void)unused_a, (void)unused_b;
    if (!S_ISDIR(i->mode))
        return -ENOTDIR;
    inode_get(i);
    inode_put(current->fs->cwd);
    current->fs->cwd = i;
    return 0;
}

SYSCALL1(chdir, uint64_t, path) { return at_path(AT_FDCWD, path, 0, change_directory, 0, 0); }
SYSCALL1(fchdir, int, fd) { return at_file(fd, change_directory, 0, 0); }

static long read_link(struct inode *i, uint64_t buffer, uint64_t bytes)
{
    if ((int)bytes <= 0 || !S_ISLNK(i->mode))
        return -EINVAL;
    char *text = i->ops->read_link(i);
    if (!text)
        return -ENOMEM;
    size_t length = MIN(strlen(text), bytes);
    int error = copy_to_user(buffer, text, length);
    kfree(text);
    return error ? error : (long)length;
}

SYSCALL3(readlink, uint64_t, path, uint64_t, buffer, uint32_t, bytes)
{
    return at_path(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, read_link, buffer, bytes);
}
SYSCALL4(readlinkat, int, dirfd, uint64_t, path, uint64_t, buffer, uint32_t, bytes)
{
    return at_path(dirfd, path, AT_SYMLINK_NOFOLLOW, read_link, buffer, bytes);
}
