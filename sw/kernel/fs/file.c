/* SPDX-License-Identifier: Apache-2.0 */
/* Lives of inodes and open files; bytes on their way between a file and its reader's or writer's memory. */
#include "fs/vfs.h"
#include "mm/mm.h"
#include "sched/timer.h"

const char zero_page[PAGE_BYTES];

static const struct inode_ops no_inode_ops;
static struct inode anonymous = {.refs = 1, .ino = 1, .mode = 0600, .nlink = 1, .ops = &no_inode_ops};

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
    list_init(&i->entries);
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
        struct inode *parent = i->parent;
        if (i->ops->free)
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
    f->inode = &anonymous;
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
    if (f->inode != &anonymous)
        inode_put(f->inode);
    kfree(f);
}

void uio_user(struct uio *u, struct iovec *one, uint64_t address, size_t bytes)
{
    *one = (struct iovec){.iov_base = (void *)address, .iov_len = bytes};
    *u = (struct uio){.vectors = one, .left = bytes};
}

bool user_range_is_valid(uint64_t address, uint64_t bytes)
{
    uint64_t end;
    return !__builtin_add_overflow(address, bytes, &end) && end <= INT64_MAX;
}

int uio_vectors(struct uio *u, uint64_t vectors, size_t count)
{
    *u = (struct uio){.vectors = NULL};
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
        else if (!user_range_is_valid((uint64_t)v[i].iov_base, v[i].iov_len))
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

/* In stretches that end with a vector or a page of the user's, each of which is moved as a whole or not. */
static int move_bytes(struct uio *u, char *memory, size_t bytes, bool is_read)
{
    for (bytes = MIN(bytes, u->left); bytes;) {
        const struct iovec *v = &u->vectors[u->index];
        uint64_t address = (uint64_t)v->iov_base + u->within;
        size_t n = MIN(bytes, v->iov_len - u->within);
        n = MIN(n, PAGE_BYTES - address % PAGE_BYTES);
        int error = is_read ? copy_to_user(address, memory, n) : copy_from_user(memory, address, n);
        if (error)
            return error;
        memory += n;
        bytes -= n;
        u->left -= n;
        u->within += n;
        if (u->within == v->iov_len) {
            u->index++;
            u->within = 0;
        }
    }
    return 0;
}

int uio_to(struct uio *u, const void *from, size_t bytes) { return move_bytes(u, (char *)from, bytes, true); }
int uio_from(struct uio *u, void *to, size_t bytes) { return move_bytes(u, to, bytes, false); }
