/* SPDX-License-Identifier: Apache-2.0 */
/* From the submission queue to requests: checks that are the same for every operation, chains (IOSQE_IO_LINK), and
 * requests that wait until all before them are complete (IOSQE_IO_DRAIN). */
#include "uring/uring.h"

#include "arch/cpu.h"
#include "string.h"

enum {
    LINKS = IOSQE_IO_LINK | IOSQE_IO_HARDLINK,
    KNOWN_FLAGS = LINKS | IOSQE_FIXED_FILE | IOSQE_IO_DRAIN | IOSQE_ASYNC | IOSQE_BUFFER_SELECT | IOSQE_CQE_SKIP_SUCCESS
};

uint32_t uring_sq_pending(const struct uring *r)
{
    uint32_t pending = __atomic_load_n(&r->header->sq_tail, __ATOMIC_ACQUIRE) - r->sq_head;
    return MIN(pending, r->sq_entries);
}

/* --- IOSQE_IO_DRAIN --- */

static bool is_drain(const struct request *q) { return q->sqe.flags & IOSQE_IO_DRAIN; }

static void count_active(struct request *head)
{
    for (struct request *q = head; q; q = q->link)
        q->ring->active++;
}

/* True if head need not wait; it counts as active then. */
static bool may_start(struct uring *r, struct request *head)
{
    if (r->active && (r->drain_runs || is_drain(head)))
        return false;
    r->drain_runs = is_drain(head);
    count_active(head);
    return true;
}

void uring_start_deferred(struct uring *r)
{
    while (!list_is_empty(&r->deferred)) {
        struct request *head = LIST_FIRST(&r->deferred, struct request, in_queue);
        if (!may_start(r, head))
            return;
        list_remove(&head->in_queue);
        request_queue(head);
    }
}

/* --- chains --- */

struct batch { /* the chain that is being put together */
    struct request *first, *last;
};

static void start(struct uring *r, struct request *head)
{
    if (list_is_empty(&r->deferred) && may_start(r, head)) {
        request_run(head, false);
    } else {
        head->state = REQUEST_DEFERRED;
        list_append(&r->deferred, &head->in_queue);
    }
}

static void start_chain(struct uring *r, struct batch *b)
{
    struct request *head = b->first;
    b->first = b->last = NULL;
    if (head)
        start(r, head);
}

static void set_failed(struct request *q, int error)
{
    q->is_failed = true;
    q->result = error;
}

/* What can be wrong with any SQE. The order is Linux's where it can be seen. */
static int check(struct request *q)
{
    const struct io_uring_sqe *s = &q->sqe;
    struct uring *r = q->ring;
    if (!operation_exists(s->opcode))
        return -EINVAL;
    q->op = &operations[s->opcode];
    if (s->flags & ~(uint32_t)KNOWN_FLAGS)
        return -EINVAL;
    if (s->flags & IOSQE_BUFFER_SELECT && !q->op->takes_buffers)
        return -EOPNOTSUPP;
    if (s->flags & IOSQE_CQE_SKIP_SUCCESS)
        r->is_drain_refused = true;
    if (s->flags & IOSQE_IO_DRAIN && r->is_drain_refused)
        return -EOPNOTSUPP;
    if ((s->ioprio && !q->op->takes_ioprio) || s->personality)
        return -EINVAL;
    if (s->flags & IOSQE_BUFFER_SELECT)
        return -ENOBUFS; /* there is no group of buffers */
    return q->op->prepare ? q->op->prepare(q) : 0;
}

/* An operation that was never prepared has nothing to release. */
static const struct operation no_operation;
#define KILL (UINT64_C(1) << (SIGKILL - 1))

/* Adds q to the chain, or starts it. An error ends the batch. */
static int submit_one(struct uring *r, struct request *q, struct batch *b)
{
    q->op = &no_operation;
    int error = check(q);
    if (error) {
        q->op = &no_operation;
        set_failed(q, error);
        if (b->first && !b->first->is_failed)
            set_failed(b->first, -ECANCELED);
    }
    bool goes_on = q->sqe.flags & LINKS;
    if (b->first) {
        b->last->link = q;
        if (is_drain(q)) /* the whole chain waits */
            b->first->sqe.flags |= IOSQE_IO_DRAIN;
    } else {
        b->first = q;
    }
    b->last = q;
    if (goes_on)
        return 0;
    start_chain(r, b);
    return error;
}

/* --- the queue --- */

/* False: the index leads nowhere. */
static bool take_sqe(struct uring *r, struct io_uring_sqe *sqe)
{
    uint32_t index = __atomic_load_n(&r->array[r->sq_head & (r->sq_entries - 1)], __ATOMIC_RELAXED);
    bool is_good = index < r->sq_entries;
    if (is_good)
        memcpy(sqe, &r->sqes[index], sizeof *sqe);
    else
        r->header->sq_dropped++;
    r->sq_head++;
    __atomic_store_n(&r->header->sq_head, r->sq_head, __ATOMIC_RELEASE);
    return is_good;
}

long uring_submit(struct uring *r, uint32_t count)
{
    struct uring_task *owner = uring_task_of_current();
    struct batch b = {NULL, NULL};
    uint32_t taken = 0;
    count = MIN(count, uring_sq_pending(r));
    if (!count)
        return 0;
    if (r->overflowed >= URING_OVERFLOW_MAX && !uring_flush_overflow(r))
        return -EBUSY;
    if (!owner)
        return -ENOMEM;
    for (; taken < count; taken++) {
        if (taken && (r->is_closed || current->pending & KILL))
            break;
        struct request *q = request_create(r, owner);
        if (!q)
            break;
        if (!take_sqe(r, &q->sqe)) {
            request_free(q);
            break;
        }
        uring_counts.submitted++;
        trace(TRACE_URING_SUBMIT, q->serial << 8 | q->sqe.opcode);
        if (submit_one(r, q, &b) && !(r->flags & IORING_SETUP_SUBMIT_ALL)) {
            taken++;
            break;
        }
    }
    start_chain(r, &b);
    if (!list_is_empty(&r->deferred))
        uring_start_deferred(r);
    if (taken)
        wake_all(&r->space);
    return taken || uring_sq_pending(r) < count ? (long)taken : -EAGAIN;
}
