/* SPDX-License-Identifier: Apache-2.0 */
/* read, write and their relatives with vectors and offsets, lseek, ioctl: what is the same for every kind of file; and
 * bytes on their way between a file and its reader's or writer's memory. */
#include "arch/syscall.h"
#include "fs/vfs.h"
#include "mm/mm.h"
#include "string.h"
#include <linux/fs.h>

const char zero_page[PAGE_BYTES];

/* access_ok: cheap, says nothing about mappings. */
static bool user_range_is_valid(uint64_t at, uint64_t bytes) { return bytes <= INT64_MAX && at <= INT64_MAX - bytes; }

void uio_user(struct uio *u, uint64_t address, size_t bytes)
{
    *u = (struct uio){.address = address, .length = bytes, .left = bytes};
}

int uio_vectors(struct uio *u, uint64_t vectors, size_t count)
{
    struct iovec v;
    *u = (struct uio){.vectors = vectors, .vector_count = count};
    if (count > UIO_MAXIOV)
        return -EINVAL;
    for (size_t i = 0; i < count; i++) {
        if (GET_USER(v, vectors + i * sizeof v))
            return -EFAULT;
        if (v.iov_len > INT64_MAX)
            return -EINVAL;
        if (!user_range_is_valid((uint64_t)v.iov_base, v.iov_len))
            return -EFAULT;
        u->left += MIN(v.iov_len, TRANSFER_MAX - u->left);
    }
    return 0;
}

/* The next piece; what the user has changed since uio_vectors() cannot do harm, as copies check the addresses. */
static int next_vector(struct uio *u)
{
    struct iovec v;
    if (!u->vector_count || (!u->has_own_vectors && GET_USER(v, u->vectors)))
        return -EFAULT;
    if (u->has_own_vectors)
        v = *(const struct iovec *)u->vectors;
    u->vectors += sizeof v;
    u->vector_count--;
    u->address = (uint64_t)v.iov_base;
    u->length = v.iov_len;
    return 0;
}

/* In stretches that end with a piece or a page of the user's, each of which is moved as a whole or not. */
static int move_bytes(struct uio *u, char *memory, size_t bytes, bool is_read)
{
    int error = 0;
    for (bytes = MIN(bytes, u->left); bytes;) {
        size_t n = MIN(bytes, u->length), in_page = PAGE_BYTES - u->address % PAGE_BYTES;
        n = MIN(n, in_page);
        if (!n)
            error = next_vector(u);
        else if (u->is_kernel)
            memcpy(is_read ? (void *)u->address : memory, is_read ? memory : (void *)u->address, n);
        else
            error = is_read ? copy_to_user(u->address, memory, n) : copy_from_user(memory, u->address, n);
        if (error)
            break;
        memory += n;
        bytes -= n;
        u->left -= n;
        u->address += n;
        u->length -= n;
    }
    return error;
}

int uio_to(struct uio *u, const void *from, size_t bytes) { return move_bytes(u, (char *)from, bytes, true); }
int uio_from(struct uio *u, void *to, size_t bytes) { return move_bytes(u, to, bytes, false); }

/* count bytes at the address, or that many vectors; at: the offset, NULL: the file's own. */
static int64_t transfer(int fd, uint64_t address, size_t count, bool is_vectors, const int64_t *at, bool is_write)
{
    struct uio u;
    struct file *f = fd_file(fd);
    if (at && *at < 0)
        return -EINVAL;
    if (!f || !(is_write ? file_can_write(f) : file_can_read(f)))
        return -EBADF;
    if (at && !f->can_seek)
        return -ESPIPE;
    if (S_ISDIR(f->inode->mode))
        return -EISDIR;
    if (!(is_write ? f->ops->write : f->ops->read))
        return -EINVAL;
    int64_t result = is_vectors ? uio_vectors(&u, address, count) : user_range_is_valid(address, count) ? 0 : -EFAULT;
    if (result)
        return result;
    if (!is_vectors)
        uio_user(&u, address, MIN(count, TRANSFER_MAX));
    file_get(f);
    uint64_t own = at ? (uint64_t)*at : 0, *position = at ? &own : &f->position;
    if (f->can_seek && *position + u.left > FILE_BYTES_MAX)
        result = -EINVAL;
    else if (u.left || !is_vectors)
        result = (is_write ? f->ops->write : f->ops->read)(f, &u, position);
    file_put(f);
    return result;
}

SYSCALL3(read, int, fd, uint64_t, to, size_t, bytes) { return transfer(fd, to, bytes, false, NULL, false); }
SYSCALL3(write, int, fd, uint64_t, from, size_t, bytes) { return transfer(fd, from, bytes, false, NULL, true); }
SYSCALL3(readv, int, fd, uint64_t, to, size_t, count) { return transfer(fd, to, count, true, NULL, false); }
SYSCALL3(writev, int, fd, uint64_t, from, size_t, count) { return transfer(fd, from, count, true, NULL, true); }
SYSCALL4(pread64, int, fd, uint64_t, to, size_t, n, int64_t, at) { return transfer(fd, to, n, false, &at, false); }
SYSCALL4(pwrite64, int, fd, uint64_t, from, size_t, n, int64_t, at) { return transfer(fd, from, n, false, &at, true); }
SYSCALL4(preadv, int, fd, uint64_t, to, size_t, n, int64_t, at) { return transfer(fd, to, n, true, &at, false); }
SYSCALL4(pwritev, int, fd, uint64_t, from, size_t, n, int64_t, at) { return transfer(fd, from, n, true, &at, true); }
SYSCALL0(sendfile) { return -EINVAL; } /* busybox always tries it, then copies by itself */

SYSCALL3(lseek, int, fd, int64_t, offset, uint32_t, whence)
{
    struct file *f = fd_file(fd);
    if (!f)
        return -EBADF;
    if (whence > SEEK_END)
        return -EINVAL;
    if (!f->can_seek)
        return -ESPIPE;
    uint64_t from = whence == SEEK_CUR ? f->position : whence == SEEK_END ? f->inode->size : 0;
    int64_t to;
    if (__builtin_add_overflow((int64_t)from, offset, &to) || to < 0)
        return -EINVAL;
    f->position = (uint64_t)to;
    return to;
}

SYSCALL3(ioctl, int, fd, uint32_t, request, uint64_t, argument)
{
    struct file *f = fd_file(fd);
    return !f ? -EBADF : f->ops->ioctl ? f->ops->ioctl(f, request, argument) : -ENOTTY;
}
