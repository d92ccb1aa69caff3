/* SPDX-License-Identifier: Apache-2.0 */
/* Operations on sockets: ACCEPT, CONNECT, RECV, SEND. They are the system calls of that name on the request's file, so
 * whatever kind of socket those know, these do. */
#include "uring/uring.h"

#include "arch/syscall.h"

long sys_accept4(const uint64_t *a), sys_sendto(const uint64_t *a), sys_recvfrom(const uint64_t *a);

enum { MSG_DONTWAIT = 0x40, MSG_WAITALL = 0x100, MSG_NOSIGNAL = 0x4000 }; /* not in Linux's own headers for programs */

int prepare_accept(struct request *q)
{
    const struct io_uring_sqe *s = &q->sqe;
    if (s->len || s->buf_index || s->ioprio || s->file_index) /* neither multishot nor direct descriptors */
        return -EINVAL;
    return s->accept_flags & ~(uint32_t)(O_CLOEXEC | O_NONBLOCK) ? -EINVAL : 0;
}

int64_t issue_accept(struct request *q)
{
    const uint64_t a[] = {(uint64_t)FD_LENT, q->sqe.addr, q->sqe.addr2, q->sqe.accept_flags};
    return sys_accept4(a);
}

int prepare_connect(struct request *q)
{
    const struct io_uring_sqe *s = &q->sqe;
    if (s->len || s->buf_index || s->rw_flags || s->splice_fd_in)
        return -EINVAL;
    return socket_name_from_user(&q->name, s->addr, (int)MIN(s->addr2, (uint64_t)INT32_MAX));
}

int64_t issue_connect(struct request *q) { return socket_connect(q->file, &q->name); }

int prepare_transfer(struct request *q)
{
    const struct io_uring_sqe *s = &q->sqe;
    if (s->off || s->file_index || s->ioprio & ~IORING_RECVSEND_POLL_FIRST)
        return -EINVAL;
    q->asked = s->len;
    q->is_final = s->msg_flags & MSG_DONTWAIT;
    q->is_whole = s->msg_flags & MSG_WAITALL;
    return 0;
}

int64_t issue_transfer(struct request *q)
{
    const struct io_uring_sqe *s = &q->sqe;
    bool sends = s->opcode == IORING_OP_SEND;
    if (s->ioprio & IORING_RECVSEND_POLL_FIRST && !q->was_armed && q->file->ops->poll && !q->is_final)
        return -EAGAIN;
    uint64_t flags = (s->msg_flags & ~(uint32_t)MSG_WAITALL) | MSG_NOSIGNAL; /* waiting for all is done here */
    for (;;) {
        const uint64_t arguments[6] = {(uint64_t)FD_LENT, s->addr + q->done, q->asked - q->done, flags};
        int64_t n = sends ? sys_sendto(arguments) : sys_recvfrom(arguments);
        if (n < 0)
            return q->done && (n != -EAGAIN || q->is_final) ? (int64_t)q->done : n;
        q->done += (uint64_t)n;
        if (!n || !q->is_whole || q->done >= q->asked)
            return (int64_t)q->done;
    }
}
