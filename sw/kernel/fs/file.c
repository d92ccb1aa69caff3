/* SPDX-License-Identifier: Apache-2.0 */
/* Lives of inodes and open files; bytes on their way between a file and its reader's or writer's memory. */
#include "fs/vfs.h"
#include "mm/mm.h"
#include "sched/timer.h"
#include "string.h"

struct inode *inode_create(uint32_t mode, const struct inode_ops *ops, const struct file_ops *file_ops)
{
    static uint64_t last_ino;
    struct inode *i = kzalloc(sizeof *i);
    if (!i)
        return NULL;
    i->refs = 1;
    i->ino = ++last_ino;
    i->mode = mode;
    i->nlink = S_ISDIR(mode) ? 2 : 1;
    i->atime = i->mtime = i->ctime = clock_realtime();
    i->ops = ops;
    i->file_ops = file_ops;
    return i;
}

struct inode *inode_get(struct inode *i)
{
    i->refs++;
    return i;
}

void inode_put(struct inode *i)
{
    /* A loop and no recursion: removed directories may hang on each other in a chain of any length. */
    while (i && --i->refs == 0) {
        struct inode *parent = i->owns_parent ? i->parent : NULL;
        if (i->ops && i->ops->free)
            i->ops->free(i);
        kfree(i);
        i = parent;
    }
}

struct file *file_create(const struct file_ops *ops, uint32_t flags, void *data)
{
    struct file *f = kzalloc(sizeof *f);
    if (!f)
        return NULL;
    f->refs = 1;
    f->flags = flags;
    f->ops = ops;
    f->data = data;
    list_init(&f->epolls);
    return f;
}

struct file *file_get(struct file *f)
{
    f->refs++;
    return f;
}

void file_put(struct file *f)
{
    if (!f || --f->refs)
        return;
    epoll_file_gone(f);
    if (f->ops->release)
        f->ops->release(f);
    inode_put(f->inode);
    kfree(f->path);
    kfree(f);
}

void uio_kernel(struct uio *u, void *memory, size_t bytes) { *u = (struct uio){.kernel = memory, .left = bytes}; }

void uio_user(struct uio *u, struct iovec *one, uint64_t address, size_t bytes)
{
    *one = (struct iovec){.iov_base = (void *)address, .iov_len = bytes};
    *u = (struct uio){.vectors = one, .count = 1, .left = bytes};
}

bool user_range_is_valid(uint64_t address, uint64_t bytes)
{
    uint64_t end;
    return !__builtin_add_overflow(address, bytes, &end) && end <= INT64_MAX;
}

int uio_vectors(struct uio *u, uint64_t vectors, size_t count)
{
    *u = (struct uio){.count = count};
    if (count > UIO_MAXIOV)
        return -EINVAL;
    if (!count)
        return 0;
    struct iovec *v = kmalloc(count * sizeof *v);
    if (!v)
        return -ENOMEM;
    int error = copy_from_user(v, vectors, count * sizeof *v);
    for (size_t i = 0; !error && i < count; i++) {
        if (v[i].iov_len > INT64_MAX)
            error = -EINVAL;
    }
    for (size_t i = 0; !error && i < count; i++) {
        if (!user_range_is_valid((uint64_t)v[i].iov_base, v[i].iov_len))
            error = -EFAULT;
        u->left += MIN(v[i].iov_len, TRANSFER_MAX - u->left);
    }
    if (error)
        kfree(v);
    else
        u->vectors = v;
    return error;
}

void uio_free(struct uio *u) { kfree((void *)u->vectors); }

enum move { TO_READER, FROM_WRITER, ZEROES };

/* At most n bytes, all or nothing: the stretch ends with a vector or a page of the user's. Its length or -EFAULT. */
static int64_t move_stretch(struct uio *u, char *memory, size_t n, enum move move)
{
    while (u->within == u->vectors[u->index].iov_len) {
        u->index++;
        u->within = 0;
    }
    const struct iovec *v = &u->vectors[u->index];
    uint64_t address = (uint64_t)v->iov_base + u->within;
    n = MIN(n, v->iov_len - u->within);
    n = MIN(n, PAGE_BYTES - address % PAGE_BYTES);
    int error = move == TO_READER     ? copy_to_user(address, memory, n)
                : move == FROM_WRITER ? copy_from_user(memory, address, n)
                                      : clear_user(address, n);
    if (error)
        return error;
    u->within += n;
    return (int64_t)n;
}

static int move_bytes(struct uio *u, char *memory, size_t bytes, enum move move)
{
    bytes = MIN(bytes, u->left);
    while (bytes) {
        int64_t n = (int64_t)bytes;
        if (u->vectors) {
            n = move_stretch(u, memory, bytes, move);
            if (n < 0)
                return (int)n;
        } else {
            if (move == TO_READER)
                memcpy(u->kernel, memory, bytes);
            else if (move == FROM_WRITER)
                memcpy(memory, u->kernel, bytes);
            else
                memset(u->kernel, 0, bytes);
            u->kernel += n;
        }
        memory = memory ? memory + n : NULL;
        bytes -= (size_t)n;
        u->left -= (size_t)n;
    }
    return 0;
}

int uio_to(struct uio *u, const void *from, size_t bytes) { return move_bytes(u, (char *)from, bytes, TO_READER); }
int uio_from(struct uio *u, void *to, size_t bytes) { return move_bytes(u, to, bytes, FROM_WRITER); }
int uio_clear(struct uio *u, size_t bytes) { return move_bytes(u, NULL, bytes, ZEROES); }
