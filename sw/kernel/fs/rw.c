/* SPDX-License-Identifier: Apache-2.0 */
/* read, write and their relatives with vectors and offsets, lseek, ioctl. What is the same for every kind of file is
 * checked here; the rest is the file's own. */
#include "arch/syscall.h"
#include "fs/vfs.h"
#include "mm/mm.h"
#include "string.h"
#include <linux/fs.h>

int64_t vfs_read_at(struct inode *i, void *to, size_t bytes, uint64_t offset)
{
    size_t done = 0;
    if (!i->ops->page)
        return -EINVAL;
    while (done < bytes && offset < i->size) {
        uint64_t within = offset % PAGE_BYTES, page = i->ops->page(i, offset / PAGE_BYTES, false);
        size_t n = MIN(i->size - offset, PAGE_BYTES - within);
        if ((int64_t)page < 0)
            return (int64_t)page;
        n = MIN(n, bytes - done);
        memcpy((char *)to + done, (page ? phys_to_virt(page) : zero_page) + within, n);
        if (page)
            page_put(page);
        done += n;
        offset += n;
    }
    return (int64_t)done;
}

/* count bytes at the address, or that many vectors; at: the offset, NULL: the file's own. */
static int64_t transfer(int fd, uint64_t address, size_t count, bool is_vectors, const int64_t *at, bool is_write)
{
    struct iovec one;
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
        uio_user(&u, &one, address, MIN(count, TRANSFER_MAX));
    file_get(f);
    uint64_t own = at ? (uint64_t)*at : 0, *position = at ? &own : &f->position;
    if (f->can_seek && *position + u.left > FILE_BYTES_MAX)
        result = -EINVAL;
    else if (u.left || !is_vectors)
        result = (is_write ? f->ops->write : f->ops->read)(f, &u, position);
    file_put(f);
    if (is_vectors)
        uio_free(&u);
    return result;
}

SYSCALL3(read, int, fd, uint64_t, to, size_t, bytes) { return transfer(fd, to, bytes, false, NULL, false); }
SYSCALL3(write, int, fd, uint64_t, from, size_t, bytes) { return transfer(fd, from, bytes, false, NULL, true); }
SYSCALL3(readv, int, fd, uint64_t, to, size_t, count) { return transfer(fd, to, count, true, NULL, false); }
SYSCALL3(writev, int, fd, uint64_t, from, size_t, count) { return transfer(fd, from, count, true, NULL, true); }
SYSCALL4(pread64, int, fd, uint64_t, to, size_t, n, int64_t, at) { return transfer(fd, to, n, false, &at, false); }
SYSCALL4(pwrite64, int, fd, uint64_t, from, size_t, n, int64_t, at) { return transfer(fd, from, n, false, &at, true); }
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
    if (!f)
        return -EBADF;
    return f->ops->ioctl ? f->ops->ioctl(f, request, argument) : -ENOTTY;
}
