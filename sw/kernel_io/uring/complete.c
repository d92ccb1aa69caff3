/* SPDX-License-Identifier: Apache-2.0 */
/* Completions: into the completion queue or, while that is full, a list behind it (IORING_FEAT_NODROP), and to
 * everybody who wants to know. Called from tasks and interrupts. */
#include "uring/uring.h"

#include "arch/cpu.h"
#include "mm/page.h"
#include "string.h"

struct overflow {
    struct list link;
    struct io_uring_cqe cqe;
};

uint32_t uring_cq_ready(const struct uring *r)
{
    uint32_t ready = r->cq_tail - __atomic_load_n(&r->header->cq_head, __ATOMIC_ACQUIRE);
    return MIN(ready, r->cq_entries); /* a head that is nonsense: full */
}

static bool put_cqe(struct uring *r, const struct io_uring_cqe *cqe)
{
    if (uring_cq_ready(r) == r->cq_entries)
        return false;
    memcpy(&r->header->cqe[r->cq_tail & (r->cq_entries - 1)], cqe, sizeof *cqe);
    __atomic_store_n(&r->header->cq_tail, ++r->cq_tail, __ATOMIC_RELEASE);
    return true;
}

bool uring_flush_overflow(struct uring *r)
{
    while (!list_is_empty(&r->overflow)) {
        struct overflow *o = LIST_FIRST(&r->overflow, struct overflow, link);
        if (!put_cqe(r, &o->cqe))
            return false;
        list_remove(&o->link);
        r->overflowed--;
        kfree(o);
    }
    __atomic_fetch_and(&r->header->sq_flags, ~(uint32_t)IORING_SQ_CQ_OVERFLOW, __ATOMIC_RELAXED);
    return true;
}

void uring_free_overflow(struct uring *r)
{
    while (!list_is_empty(&r->overflow))
        kfree(LIST_POP(&r->overflow, struct overflow, link));
}

static void keep_cqe(struct uring *r, const struct io_uring_cqe *cqe)
{
    struct overflow *o = kmalloc(sizeof *o);
    if (!o) {
        r->header->cq_overflow++;
        return;
    }
    o->cqe = *cqe;
    list_append(&r->overflow, &o->link);
    r->overflowed++;
    __atomic_fetch_or(&r->header->sq_flags, IORING_SQ_CQ_OVERFLOW, __ATOMIC_RELAXED);
}

static void tell_everybody(struct uring *r)
{
    struct uring_sleeper *s;
    for (LIST_EACH(s, &r->sleepers, link)) {
        if (uring_cq_ready(r) >= s->wanted || !list_is_empty(&r->overflow))
            task_wake(s->task);
    }
    wake_all(&r->changed);
    if (r->eventfd && !(r->header->cq_flags & IORING_CQ_EVENTFD_DISABLED))
        eventfd_add(r->eventfd, 1);
    uring_notify(r);
}

static void post(struct uring *r, const struct request *q, int32_t result)
{
    const struct io_uring_cqe cqe = {.user_data = q->sqe.user_data, .res = result};
    if (r->is_closed)
        return;
    if (!list_is_empty(&r->overflow) || !put_cqe(r, &cqe))
        keep_cqe(r, &cqe);
    tell_everybody(r);
}

/* The CQE of one request, unless it is not wanted; q is gone afterwards. */
static void end_request(struct request *q, int32_t result, bool is_silent)
{
    struct uring *r = uring_get(q->ring); /* the request's own may be the last */
    bool is_timeout = q->sqe.opcode == IORING_OP_TIMEOUT;
    trace(TRACE_URING_COMPLETE, q->serial << 8 | q->sqe.opcode);
    uring_counts.completed++;
    r->active--;
    if (!is_silent)
        post(r, q, result);
    request_free(q);
    if (!is_timeout && !is_silent) {
        r->completions++;
        timeouts_check(r);
    }
    uring_put(r);
}

/* Less than all that was wanted breaks a chain, too; a time-out, unless the user says that it is expected. */
static bool has_failed(const struct request *q, int64_t result)
{
    bool is_expected = q->sqe.opcode == IORING_OP_TIMEOUT && q->sqe.timeout_flags & IORING_TIMEOUT_ETIME_SUCCESS;
    return result < 0 ? !(is_expected && result == -ETIME) : q->is_whole && (uint64_t)result != q->asked;
}

struct request *request_complete(struct request *q, int64_t result)
{
    struct request *next = q->link;
    struct uring *r = q->ring;
    bool failed = has_failed(q, result), skips = q->sqe.flags & IOSQE_CQE_SKIP_SUCCESS;
    bool breaks = failed && (q->is_failed || !(q->sqe.flags & IOSQE_IO_HARDLINK));
    uring_get(r);
    end_request(q, (int32_t)result, skips && !failed);
    while (next && breaks) {
        struct request *after = next->link;
        end_request(next, next->is_failed ? next->result : -ECANCELED, skips);
        next = after;
    }
    if (!r->active)
        r->drain_runs = false;
    uring_start_deferred(r);
    uring_put(r);
    return next;
}
