/* SPDX-License-Identifier: Apache-2.0 */
/* Operations on files: READ, READV, READ_FIXED, WRITE, WRITEV, WRITE_FIXED, FSYNC, OPENAT, CLOSE, STATX. */
#include "uring/uring.h"

#include "arch/syscall.h"
#include "mm/mm.h"
#include <linux/fs.h>

long sys_close(const uint64_t *a);

enum { IOPRIO_CLASS_SHIFT = 13, IOPRIO_CLASSES = 4, HARMLESS_FLAGS = RWF_NOWAIT | RWF_DSYNC | RWF_SYNC };

/* --- read and write --- */

static bool is_write(const struct request *q)
{
    uint8_t op = q->sqe.opcode;
    return op == IORING_OP_WRITE || op == IORING_OP_WRITEV || op == IORING_OP_WRITE_FIXED;
}

/* The range must lie in the registered buffer. */
static int use_buffer(struct request *q)
{
    const struct uring *r = q->ring;
    uint64_t start = q->sqe.addr, bytes = q->sqe.len;
    if (q->sqe.buf_index >= r->buffer_count)
        return -EFAULT;
    const struct iovec *v = &r->buffers[q->sqe.buf_index];
    uint64_t offset = start - (uint64_t)v->iov_base;
    if (start < (uint64_t)v->iov_base || offset > v->iov_len || bytes > v->iov_len - offset || !v->iov_len)
        return -EFAULT;
    uio_user(&q->vectors.uio, start, bytes);
    return 0;
}

/* The user may do with the array what it likes once the request is submitted. */
static int copy_vectors(struct request *q)
{
    struct uio *u = &q->vectors.uio;
    size_t bytes = q->sqe.len * sizeof(struct iovec);
    int error = uio_vectors(u, q->sqe.addr, q->sqe.len);
    if (error || !bytes)
        return error;
    if (!(q->vectors.own = kmalloc(bytes)))
        return -ENOMEM;
    error = copy_from_user(q->vectors.own, q->sqe.addr, bytes);
    u->vectors = (uint64_t)q->vectors.own;
    u->has_own_vectors = true;
    if (error)
        kfree(q->vectors.own);
    return error;
}

int prepare_rw(struct request *q)
{
    const struct io_uring_sqe *s = &q->sqe;
    int error = 0;
    if (s->ioprio >> IOPRIO_CLASS_SHIFT >= IOPRIO_CLASSES)
        return -EINVAL;
    switch (s->opcode) {
    case IORING_OP_READV:
    case IORING_OP_WRITEV: error = copy_vectors(q); break;
    case IORING_OP_READ_FIXED:
    case IORING_OP_WRITE_FIXED: error = use_buffer(q); break;
    default:
        if (s->addr > USER_END - s->len)
            return -EFAULT;
        uio_user(&q->vectors.uio, s->addr, MIN((size_t)s->len, TRANSFER_MAX));
    }
    q->asked = error ? 0 : q->vectors.uio.left;
    q->is_final = s->rw_flags & RWF_NOWAIT;
    q->is_whole = true;
    return error;
}

void release_rw(struct request *q) { kfree(q->vectors.own); }

static int check_file(const struct request *q, const struct file *f, bool writes)
{
    if (!(writes ? file_can_write(f) : file_can_read(f)))
        return -EBADF;
    if (!(writes ? f->ops->write : f->ops->read))
        return !writes && S_ISDIR(f->inode->mode) ? -EISDIR : -EINVAL;
    if (q->sqe.rw_flags & ~(uint32_t)HARMLESS_FLAGS)
        return q->sqe.rw_flags & RWF_HIPRI ? -EINVAL : -EOPNOTSUPP;
    return 0;
}

static int64_t read_pieces(struct request *q);

/* False: that was the end of the file, or an error. */
static bool note_read(struct request *q, int64_t result)
{
    struct uio *u = &q->vectors.uio;
    uint64_t asked = MIN(u->left, u->length), moved = result > 0 ? (uint64_t)result : 0;
    u->address += moved;
    u->length -= moved;
    u->left -= moved;
    q->done += moved;
    return moved == asked;
}

static int64_t end_read(struct request *q, int64_t result)
{
    if (q->sqe.off == UINT64_MAX)
        q->file->position = q->vectors.from + q->done;
    return q->done ? (int64_t)q->done : result;
}

/* In the disk's interrupt. */
static void on_read(struct file_read *r, int64_t result)
{
    struct request *q = CONTAINER_OF(r, struct request, read);
    q->is_reading = false;
    result = note_read(q, result) && !q->is_cancelled ? read_pieces(q) : end_read(q, result);
    if (result != ISSUE_PENDING)
        request_finish(q, result);
}

/* Each piece after the other, without a task that waits. */
static int64_t read_pieces(struct request *q)
{
    struct uio *u = &q->vectors.uio;
    while (u->left) {
        if (!u->length) {
            const struct iovec *v = (const struct iovec *)u->vectors;
            if (!u->vector_count--) /* the user has changed them between the look at their sum and the copy */
                return end_read(q, -EFAULT);
            u->vectors += sizeof *v;
            u->address = (uint64_t)v->iov_base;
            u->length = v->iov_len;
            continue;
        }
        int64_t n = file_read_begin(&q->read, q->file, q->owner->task->mm, u->address, MIN(u->left, u->length),
                                    q->vectors.from + q->done, on_read);
        q->is_reading = n == FILE_READ_PENDING;
        if (q->is_reading)
            return ISSUE_PENDING;
        if (!note_read(q, n))
            return end_read(q, n);
    }
    return end_read(q, 0);
}

int64_t issue_rw(struct request *q)
{
    struct file *f = q->file;
    bool writes = is_write(q), goes_on = S_ISREG(f->inode->mode); /* until nothing more comes */
    int error = check_file(q, f, writes);
    if (error)
        return error;
    if (!writes && current->nowait && !q->is_final && file_mapping(f)) {
        q->vectors.from = q->sqe.off == UINT64_MAX ? f->position : q->sqe.off;
        bool is_valid = q->vectors.from <= FILE_BYTES_MAX && q->vectors.uio.left <= FILE_BYTES_MAX - q->vectors.from;
        return is_valid ? read_pieces(q) : -EINVAL;
    }
    for (;;) {
        uint64_t own = q->sqe.off + q->done;
        uint64_t *position = q->sqe.off == UINT64_MAX || !f->can_seek ? &f->position : &own;
        if (f->can_seek && (*position > FILE_BYTES_MAX || q->vectors.uio.left > FILE_BYTES_MAX - *position))
            return -EINVAL;
        int64_t n = (writes ? f->ops->write : f->ops->read)(f, &q->vectors.uio, position);
        q->done += n > 0 ? (uint64_t)n : 0;
        if (n == -EAGAIN && !q->is_final)
            return n;
        if (n <= 0 || !goes_on || !q->vectors.uio.left)
            return q->done ? (int64_t)q->done : n;
    }
}

/* --- the others --- */

int prepare_fsync(struct request *q)
{
    const struct io_uring_sqe *s = &q->sqe;
    return s->addr || s->buf_index || s->splice_fd_in || s->fsync_flags & ~(uint32_t)IORING_FSYNC_DATASYNC ? -EINVAL
                                                                                                           : 0;
}

int64_t issue_fsync(struct request *q) { return storage_sync_file(q->file); }

/* No direct descriptors: file_index. */
int prepare_path(struct request *q)
{
    const struct io_uring_sqe *s = &q->sqe;
    if (s->buf_index || s->file_index)
        return -EINVAL;
    if (s->flags & IOSQE_FIXED_FILE)
        return -EBADF;
    return string_from_user(&q->path, s->addr, PATH_BYTES);
}

void release_path(struct request *q) { kfree(q->path); }

int64_t issue_path(struct request *q)
{
    struct file *f;
    uint32_t flags = q->sqe.open_flags | O_LARGEFILE;
    int error = *q->path ? fd_lowest(0) : -ENOENT;
    if (error >= 0)
        error = vfs_open(q->sqe.fd, q->path, flags, q->sqe.len, &f);
    return error < 0 ? error : fd_install(f, flags & O_CLOEXEC, 0);
}

int64_t issue_statx(struct request *q)
{
    const uint64_t known = PATH_NO_FOLLOW | PATH_EMPTY | AT_NO_AUTOMOUNT | AT_STATX_SYNC_TYPE;
    uint64_t flags = q->sqe.statx_flags;
    struct path_result r;
    if (q->sqe.len & STATX__RESERVED || flags & ~known || (flags & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE)
        return -EINVAL;
    int64_t result = path_lookup(q->sqe.fd, q->path, flags & (PATH_NO_FOLLOW | PATH_EMPTY), &r);
    if (!result) {
        result = statx_inode(&r, q->sqe.off);
        path_result_free(&r);
    }
    return result;
}

int prepare_close(struct request *q)
{
    const struct io_uring_sqe *s = &q->sqe;
    if (s->off || s->addr || s->len || s->rw_flags || s->buf_index || s->file_index)
        return -EINVAL;
    return s->flags & IOSQE_FIXED_FILE ? -EBADF : 0;
}

int64_t issue_close(struct request *q)
{
    const uint64_t fd = (uint64_t)q->sqe.fd;
    return uring_of(fd_file(q->sqe.fd)) ? -EBADF : sys_close(&fd);
}
