/* SPDX-License-Identifier: Apache-2.0 */
/* Reading and writing: read, write and their relatives with vectors and offsets, lseek, sendfile. What is the same for
 * every kind of file is checked here; the transfer is the file's own. */
#include "arch/syscall.h"
#include "fs/vfs.h"
#include "mm/mm.h"
#include "proc/process.h"
#include "string.h"
#include <linux/fs.h>
#include <linux/resource.h>

uint64_t file_size_limit(void)
{
    struct task *t = current;
    uint64_t limit = t && t->process ? t->process->rlimit[RLIMIT_FSIZE][0] : UINT64_MAX;
    return MIN(limit, (uint64_t)FILE_BYTES_MAX);
}

int file_too_large(void)
{
    if (file_size_limit() < FILE_BYTES_MAX)
        signal_send(current, SIGXFSZ, NULL, false);
    return -EFBIG;
}

int64_t vfs_read_at(struct inode *i, void *to, size_t bytes, uint64_t offset)
{
    size_t done = 0;
    if (!S_ISREG(i->mode) || !i->ops->page)
        return -EINVAL;
    while (done < bytes && offset < i->size) {
        uint64_t within = offset % PAGE_BYTES, page = i->ops->page(i, offset / PAGE_BYTES, false);
        size_t n = MIN(i->size - offset, PAGE_BYTES - within);
        n = MIN(n, bytes - done);
        if (page) {
            memcpy((char *)to + done, (char *)phys_to_virt(page) + within, n);
            page_put(page);
        } else {
            memset((char *)to + done, 0, n);
        }
        done += n;
        offset += n;
    }
    return (int64_t)done;
}

/* A reference to the file of a transfer if it may be done at all: at all offsets where at is NULL. */
static int begin(int fd, bool is_write, const int64_t *at, struct file **out)
{
    if (at && *at < 0)
        return -EINVAL;
    struct file *f = fd_file(fd);
    if (!f)
        return -EBADF;
    if (at && !f->can_seek)
        return -ESPIPE;
    if (!(is_write ? file_can_write(f) : file_can_read(f)))
        return -EBADF;
    *out = file_get(f);
    return 0;
}

/* Can the file do it at all? The answer of directories is one that only a transfer gives. */
static bool has_op(const struct file *f, bool is_write)
{
    return is_write ? f->ops->write != NULL : f->ops->read || (f->inode && S_ISDIR(f->inode->mode));
}

/* count: bytes as the user asked, before they were cut to TRANSFER_MAX. */
static int64_t transfer(struct file *f, struct uio *u, const int64_t *at, size_t count, bool is_write)
{
    uint64_t own = at ? (uint64_t)*at : 0, *position = at ? &own : &f->position;
    if (f->can_seek && *position + count > FILE_BYTES_MAX)
        return -EINVAL;
    if (!is_write && !f->ops->read)
        return -EISDIR;
    return (is_write ? f->ops->write : f->ops->read)(f, u, position);
}

static int64_t transfer_one(int fd, uint64_t address, size_t count, const int64_t *at, bool is_write)
{
    struct file *f;
    struct iovec one;
    struct uio u;
    int64_t result = begin(fd, is_write, at, &f);
    if (result)
        return result;
    if (!has_op(f, is_write)) {
        result = -EINVAL;
    } else if (!user_range_is_valid(address, count)) {
        result = -EFAULT;
    } else {
        uio_user(&u, &one, address, MIN(count, TRANSFER_MAX));
        result = transfer(f, &u, at, count, is_write);
    }
    file_put(f);
    return result;
}

static int64_t transfer_vectors(int fd, uint64_t vectors, size_t count, const int64_t *at, bool is_write)
{
    struct file *f;
    struct uio u;
    int64_t result = begin(fd, is_write, at, &f);
    if (result)
        return result;
    result = has_op(f, is_write) ? uio_vectors(&u, vectors, count) : -EINVAL;
    if (!result) {
        if (u.left)
            result = transfer(f, &u, at, u.left, is_write);
        uio_free(&u);
    }
    file_put(f);
    return result;
}

SYSCALL3(read, int, fd, uint64_t, buffer, size_t, count) { return transfer_one(fd, buffer, count, NULL, false); }
SYSCALL3(write, int, fd, uint64_t, buffer, size_t, count) { return transfer_one(fd, buffer, count, NULL, true); }
SYSCALL4(pread64, int, fd, uint64_t, buffer, size_t, count, int64_t, at)
{
    return transfer_one(fd, buffer, count, &at, false);
}
SYSCALL4(pwrite64, int, fd, uint64_t, buffer, size_t, count, int64_t, at)
{
    return transfer_one(fd, buffer, count, &at, true);
}
SYSCALL3(readv, int, fd, uint64_t, vectors, size_t, count) { return transfer_vectors(fd, vectors, count, NULL, false); }
SYSCALL3(writev, int, fd, uint64_t, vectors, size_t, count) { return transfer_vectors(fd, vectors, count, NULL, true); }
SYSCALL4(preadv, int, fd, uint64_t, vectors, size_t, count, int64_t, at)
{
    return transfer_vectors(fd, vectors, count, &at, false);
}
SYSCALL4(pwritev, int, fd, uint64_t, vectors, size_t, count, int64_t, at)
{
    return transfer_vectors(fd, vectors, count, &at, true);
}

SYSCALL3(lseek, int, fd, int64_t, offset, uint32_t, whence)
{
    struct file *f = fd_file(fd);
    if (!f)
        return -EBADF;
    if (whence > SEEK_HOLE)
        return -EINVAL;
    if (!f->can_seek)
        return -ESPIPE;
    if (f->inode && S_ISCHR(f->inode->mode))
        return 0; /* no place in null or zero is like another */
    int64_t size = f->inode ? (int64_t)f->inode->size : 0, to = offset;
    switch (whence) {
    case SEEK_CUR:
        if (__builtin_add_overflow((int64_t)f->position, offset, &to))
            return -EINVAL;
        break;
    case SEEK_END:
        if (f->inode && S_ISDIR(f->inode->mode))
            return -EINVAL;
        if (__builtin_add_overflow(size, offset, &to))
            return -EINVAL;
        break;
    case SEEK_DATA: /* a file counts as data from start to end, which is always allowed */
    case SEEK_HOLE:
        if (f->inode && !S_ISREG(f->inode->mode))
            return -EINVAL;
        if (offset < 0 || offset >= size)
            return -ENXIO;
        to = whence == SEEK_HOLE ? size : offset;
        break;
    default: break;
    }
    if (to < 0)
        return -EINVAL;
    f->position = (uint64_t)to;
    return to;
}

enum { CHUNK_BYTES = 16384 };

/* Moves count bytes through a buffer; bytes moved, or the first error. What the receiver did not take was not read. */
static int64_t send_chunks(struct file *out, struct file *in, uint64_t *position, size_t count)
{
    char *buffer = kmalloc(CHUNK_BYTES);
    int64_t done = 0, error = 0;
    if (!buffer)
        return -ENOMEM;
    while ((size_t)done < count && !error) {
        struct uio u;
        uint64_t at = *position;
        uio_kernel(&u, buffer, MIN(count - (size_t)done, (size_t)CHUNK_BYTES));
        int64_t n = in->ops->read(in, &u, &at), written = 0;
        if (n <= 0) {
            error = n;
            break;
        }
        while (written < n && !error) {
            uio_kernel(&u, buffer + written, (size_t)(n - written));
            int64_t w = out->ops->write(out, &u, &out->position);
            if (w > 0)
                written += w;
            else
                error = w ? w : -EIO;
        }
        *position += (uint64_t)written;
        done += written;
        if (current->need_resched)
            schedule(); /* a large file would hold up everybody */
        if (task_has_signal(current))
            break;
    }
    kfree(buffer);
    return done ? done : error;
}

SYSCALL4(sendfile, int, out_fd, int, in_fd, uint64_t, offset, size_t, count)
{
    int64_t at = 0, result;
    if (offset && GET_USER(at, offset))
        return -EFAULT;
    struct file *in, *out;
    result = begin(in_fd, false, offset ? &(int64_t){0} : NULL, &in);
    if (result)
        return result;
    result = at < 0 ? -EINVAL : begin(out_fd, true, NULL, &out);
    if (result) {
        file_put(in);
        return result;
    }
    uint64_t position = offset ? (uint64_t)at : in->position;
    if (!in->can_seek || !in->ops->read || !out->ops->write || out->flags & O_APPEND || count > INT64_MAX ||
        position + count > FILE_BYTES_MAX || (out->can_seek && out->position + count > FILE_BYTES_MAX))
        result = -EINVAL;
    else
        result = send_chunks(out, in, &position, MIN(count, TRANSFER_MAX));
    if (result > 0 && !offset)
        in->position = position;
    if (result > 0 && offset && PUT_USER(offset, position))
        result = -EFAULT;
    file_put(in);
    file_put(out);
    return result;
}
