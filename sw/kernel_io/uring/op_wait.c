/* SPDX-License-Identifier: Apache-2.0 */
/* Operations that wait, and the one that ends the waiting: POLL_ADD (one shot), TIMEOUT, ASYNC_CANCEL. */
#include "uring/uring.h"

#include "mm/mm.h"
#include "sched/time.h"

/* --- POLL_ADD --- */

int prepare_poll(struct request *q)
{
    const struct io_uring_sqe *s = &q->sqe;
    return s->buf_index || s->off || s->addr || s->len ? -EINVAL : 0; /* len: multishot and updates */
}

int64_t issue_poll(struct request *q)
{
    int ready = request_arm(q, q->sqe.poll32_events & ~(uint32_t)(EPOLLET | EPOLLONESHOT | EPOLLEXCLUSIVE));
    return ready ? ready : ISSUE_PENDING;
}

/* --- TIMEOUT --- */

enum {
    TIMEOUT_FLAGS =
        IORING_TIMEOUT_ABS | IORING_TIMEOUT_BOOTTIME | IORING_TIMEOUT_REALTIME | IORING_TIMEOUT_ETIME_SUCCESS
};

int prepare_timeout(struct request *q)
{
    const struct io_uring_sqe *s = &q->sqe;
    struct __kernel_timespec ts;
    if (s->buf_index || s->len != 1 || s->splice_fd_in || s->timeout_flags & ~(uint32_t)TIMEOUT_FLAGS ||
        (s->timeout_flags & IORING_TIMEOUT_CLOCK_MASK) == IORING_TIMEOUT_CLOCK_MASK)
        return -EINVAL;
    if (GET_USER(ts, s->addr))
        return -EFAULT;
    if (!timespec_is_valid(&ts))
        return -EINVAL;
    q->timeout.deadline = timespec_ns(&ts);
    return 0;
}

static void expired(struct timer *timer)
{
    struct request *q = CONTAINER_OF(timer, struct request, timer);
    list_remove(&q->in_queue);
    request_finish(q, -ETIME);
}

int64_t issue_timeout(struct request *q)
{
    uint64_t deadline = q->timeout.deadline, now = clock_now();
    if (!(q->sqe.timeout_flags & IORING_TIMEOUT_ABS)) {
        deadline = add_ns(now, deadline);
    } else if (q->sqe.timeout_flags & IORING_TIMEOUT_REALTIME && deadline != NEVER) {
        uint64_t real = clock_realtime();
        deadline = add_ns(now, deadline > real ? deadline - real : 0);
    }
    q->timeout.completions = q->ring->completions + (uint32_t)q->sqe.off;
    q->state = REQUEST_TIMED;
    list_append(&q->ring->timeouts, &q->in_queue);
    timer_init(&q->timer, expired);
    timer_start(&q->timer, deadline);
    return ISSUE_PENDING;
}

void timeouts_check(struct uring *r)
{
    struct request *q;
    for (LIST_EACH(q, &r->timeouts, in_queue)) {
        if (!q->sqe.off || (int32_t)(r->completions - q->timeout.completions) < 0)
            continue;
        list_remove(&q->in_queue);
        request_finish(q, 0);
    }
}

/* --- ASYNC_CANCEL --- */

enum {
    CANCEL_FLAGS =
        IORING_ASYNC_CANCEL_ALL | IORING_ASYNC_CANCEL_FD | IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_FD_FIXED
};

int prepare_cancel(struct request *q)
{
    const struct io_uring_sqe *s = &q->sqe;
    bool names_file = s->cancel_flags & IORING_ASYNC_CANCEL_FD, is_any = s->cancel_flags & IORING_ASYNC_CANCEL_ANY;
    if (s->off || s->splice_fd_in || s->cancel_flags & ~(uint32_t)CANCEL_FLAGS || (names_file && is_any))
        return -EINVAL;
    return 0;
}

static bool is_meant(const struct request *q, const struct request *other)
{
    if (other == q || other->is_cancelled || other->state == REQUEST_LINKED || other->state == REQUEST_DEFERRED)
        return false;
    if (q->sqe.cancel_flags & IORING_ASYNC_CANCEL_ANY)
        return true;
    return q->file ? other->file == q->file : other->sqe.user_data == q->sqe.addr;
}

/* The first one that is meant; NULL: none. */
static struct request *find(const struct request *q)
{
    struct request *other;
    for (LIST_EACH(other, &q->ring->requests, in_ring)) {
        if (is_meant(q, other))
            return other;
    }
    return NULL;
}

int64_t issue_cancel(struct request *q)
{
    bool all = q->sqe.cancel_flags & (IORING_ASYNC_CANCEL_ALL | IORING_ASYNC_CANCEL_ANY);
    struct request *other;
    int64_t count = 0;
    if (q->sqe.cancel_flags & IORING_ASYNC_CANCEL_FD) {
        if (q->sqe.cancel_flags & IORING_ASYNC_CANCEL_FD_FIXED)
            q->sqe.flags |= IOSQE_FIXED_FILE;
        if (!q->file && !(q->file = request_find_file(q)))
            return -EBADF;
    }
    while ((other = find(q)) != NULL) {
        int result = request_cancel(other);
        if (!all)
            return result;
        count++;
    }
    return all ? count : -ENOENT;
}
