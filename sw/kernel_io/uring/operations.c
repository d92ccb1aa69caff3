/* SPDX-License-Identifier: Apache-2.0 */
/* The operations of io_uring: one row each, and the only list of them. What has no row is unknown to the probe. */
#include "uring/uring.h"

#define READABLE (EPOLLIN | EPOLLRDNORM)
#define WRITABLE (EPOLLOUT | EPOLLWRNORM)

static int64_t issue_nop(struct request *q)
{
    (void)q;
    return 0;
}

static int prepare_nop(struct request *q) { return q->sqe.rw_flags ? -EINVAL : 0; }

/* What READ, WRITE and their relatives have in common; `take`: with buffers of a group, of which there are none. */
#define TRANSFER(bits, take)                                                                                           \
    {                                                                                                                  \
        .prepare = prepare_rw, .issue = issue_rw, .release = release_rw, .poll = (bits), .needs_file = true,           \
        .takes_ioprio = true, .takes_buffers = (take)                                                                  \
    }

const struct operation operations[IORING_OP_LAST] = {
    [IORING_OP_NOP] = {.prepare = prepare_nop, .issue = issue_nop},
    [IORING_OP_READ] = TRANSFER(READABLE, true),
    [IORING_OP_READV] = TRANSFER(READABLE, true),
    [IORING_OP_READ_FIXED] = TRANSFER(READABLE, false),
    [IORING_OP_WRITE] = TRANSFER(WRITABLE, false),
    [IORING_OP_WRITEV] = TRANSFER(WRITABLE, false),
    [IORING_OP_WRITE_FIXED] = TRANSFER(WRITABLE, false),
    [IORING_OP_FSYNC] = {.prepare = prepare_fsync, .issue = issue_fsync, .needs_file = true, .always_punts = true},
    [IORING_OP_OPENAT] = {.prepare = prepare_path, .issue = issue_path, .release = release_path},
    [IORING_OP_CLOSE] = {.prepare = prepare_close, .issue = issue_close},
    [IORING_OP_STATX] = {.prepare = prepare_path, .issue = issue_statx, .release = release_path},
    [IORING_OP_ACCEPT] =
        {.prepare = prepare_accept, .issue = issue_accept, .poll = READABLE, .needs_file = true, .takes_ioprio = true},
    [IORING_OP_CONNECT] = {.prepare = prepare_connect, .issue = issue_connect, .needs_file = true},
    [IORING_OP_RECV] = {.prepare = prepare_transfer,
                        .issue = issue_transfer,
                        .poll = READABLE,
                        .needs_file = true,
                        .takes_ioprio = true,
                        .takes_buffers = true},
    [IORING_OP_SEND] = {.prepare = prepare_transfer,
                        .issue = issue_transfer,
                        .poll = WRITABLE,
                        .needs_file = true,
                        .takes_ioprio = true},
    [IORING_OP_POLL_ADD] = {.prepare = prepare_poll, .issue = issue_poll, .needs_file = true},
    [IORING_OP_TIMEOUT] = {.prepare = prepare_timeout, .issue = issue_timeout},
    [IORING_OP_ASYNC_CANCEL] = {.prepare = prepare_cancel, .issue = issue_cancel},
};

struct file *request_find_file(const struct request *q)
{
    const struct uring *r = q->ring;
    int fd = q->sqe.fd;
    struct file *f = fd_file(fd);
    if (q->sqe.flags & IOSQE_FIXED_FILE)
        f = (uint32_t)fd < r->file_count ? r->files[fd] : NULL;
    return f ? file_get(f) : NULL;
}
