/* SPDX-License-Identifier: Apache-2.0 */
/* io_uring_enter(): submits, wakes the submission thread, waits for completions. While the caller sleeps here it works
 * on those of its own requests that become ready, which saves a worker. */
#include "uring/uring.h"

#include "arch/syscall.h"
#include "ipc/ipc.h"
#include "mm/mm.h"
#include "sched/time.h"

enum { ENTER_FLAGS = IORING_ENTER_GETEVENTS | IORING_ENTER_SQ_WAKEUP | IORING_ENTER_SQ_WAIT | IORING_ENTER_EXT_ARG };

struct waiting { /* the last two arguments, whichever form they have */
    uint64_t mask, mask_bytes, deadline;
};

static int get_arguments(struct waiting *w, uint32_t flags, uint64_t argument, size_t bytes)
{
    struct io_uring_getevents_arg a;
    struct __kernel_timespec ts;
    *w = (struct waiting){argument, bytes, NEVER};
    if (!(flags & IORING_ENTER_EXT_ARG))
        return 0;
    if (bytes != sizeof a)
        return -EINVAL;
    if (GET_USER(a, argument))
        return -EFAULT;
    *w = (struct waiting){a.sigmask, a.sigmask_sz, NEVER};
    if (!a.ts)
        return 0;
    if (GET_USER(ts, a.ts))
        return -EFAULT;
    if (!timespec_is_valid(&ts))
        return -EINVAL;
    w->deadline = add_ns(clock_now(), timespec_ns(&ts));
    return 0;
}

static long wait_for_completions(struct uring *r, uint32_t wanted, uint64_t deadline)
{
    struct uring_sleeper me = {.task = current, .wanted = MIN(wanted, r->cq_entries)};
    struct uring_task *own = current->uring;
    long result = 0;
    for (;;) {
        if (own)
            uring_run_ready(own);
        uring_flush_overflow(r);
        if (uring_cq_ready(r) >= me.wanted)
            result = 0;
        else if (!result) {
            list_append(&r->sleepers, &me.link);
            if (own)
                own->runs_ready = true;
            result = task_sleep(deadline);
            list_remove(&me.link);
            if (own)
                own->runs_ready = false;
            result = result == -ETIMEDOUT ? -ETIME : result;
            continue;
        }
        break;
    }
    if (own)
        uring_hand_over(own);
    return uring_cq_ready(r) ? 0 : result; /* some are better than an error */
}

static long get_events(struct uring *r, uint32_t wanted, uint32_t flags, uint64_t argument, size_t bytes)
{
    struct waiting w;
    long result = get_arguments(&w, flags, argument, bytes);
    if (result)
        return result;
    uring_flush_overflow(r);
    if (uring_cq_ready(r) >= MIN(wanted, r->cq_entries))
        return 0;
    result = mask_begin(w.mask, w.mask_bytes);
    if (result)
        return result;
    return wait_for_completions(r, wanted, w.deadline);
}

/* Until the submission thread has made room. */
static long wait_for_space(struct uring *r)
{
    return wait_event(&r->space, uring_sq_pending(r) < r->sq_entries || submitter_is_gone(r));
}

static long submit(struct uring *r, uint32_t count, uint32_t flags)
{
    if (!(r->flags & IORING_SETUP_SQPOLL)) {
        if (r->flags & IORING_SETUP_SINGLE_ISSUER && count) {
            if (r->issuer && r->issuer != current->tid)
                return -EEXIST;
            r->issuer = current->tid;
        }
        return uring_submit(r, count);
    }
    if (submitter_is_gone(r))
        return -EOWNERDEAD;
    if (flags & IORING_ENTER_SQ_WAKEUP)
        submitter_wake(r);
    long error = flags & IORING_ENTER_SQ_WAIT ? wait_for_space(r) : 0;
    return error ? error : (long)count;
}

static long enter(struct uring *r, uint32_t count, uint32_t wanted, uint32_t flags, uint64_t argument, size_t bytes)
{
    if (r->is_disabled)
        return -EBADFD;
    long submitted = submit(r, count, flags);
    if (submitted < 0 || submitted != (long)count || !(flags & IORING_ENTER_GETEVENTS))
        return submitted;
    long result = get_events(r, wanted, flags, argument, bytes);
    return submitted ? submitted : result;
}

SYSCALL6(io_uring_enter, int, fd, uint32_t, count, uint32_t, wanted, uint32_t, flags, uint64_t, argument, size_t, bytes)
{
    if (flags & ~(uint32_t)ENTER_FLAGS)
        return -EINVAL;
    struct file *f = fd_file(fd);
    struct uring *r = uring_of(f);
    if (!r)
        return f ? -EOPNOTSUPP : -EBADF;
    file_get(f);
    long result = enter(r, count, wanted, flags, argument, bytes);
    file_put(f);
    return result;
}
