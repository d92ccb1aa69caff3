/* SPDX-License-Identifier: Apache-2.0 */
/* Sleeping and waking. All of the kernel runs under one lock with interrupts off (arch/smp.c), which only a switch to
 * another task gives up: between the test of a condition and the sleep nothing can change, and no wake-up is lost. */
#ifndef KERNEL_WAIT_H
#define KERNEL_WAIT_H

#include "lib/list.h"

struct task;

#define NEVER UINT64_MAX /* as a deadline in ns: none */

struct wait_queue {
    struct list waiters;
    uint64_t sequence; /* wake-ups so far: edge-triggered epoll compares it */
    bool is_polled;    /* the next wake-up also wakes `pollers` */
};

extern struct wait_queue pollers; /* who watches several queues at once (ipc/poll.c) */

/* A task's place in a queue; lies on the sleeper's stack. */
struct waiter {
    struct list link;
    struct task *task;
    void (*woken)(struct waiter *w); /* in place of task_wake(task), in the midst of wake_all(); NULL: none */
};

void wait_queue_init(struct wait_queue *q);
void wait_begin(struct wait_queue *q, struct waiter *w);                 /* appends the calling task */
static inline void wait_end(struct waiter *w) { list_remove(&w->link); } /* harmless if a wake removed it */
void wake_all(struct wait_queue *q);

/* Sleeps until task_wake(), the deadline (clock_now() in ns) or a signal that is not blocked; returns at once if one is
 * pending. 0: woken (perhaps for no reason: test again), -ETIMEDOUT, -EINTR. */
int task_sleep(uint64_t deadline);
int task_sleep_uninterrupted(uint64_t deadline); /* only SIGKILL ends it early (-EINTR) */

/* Waits on q until condition holds: 0, -ETIMEDOUT, or -EINTR with a signal pending. */
#define wait_event_until(q, condition, deadline)                                                                       \
    ({                                                                                                                 \
        struct waiter w_;                                                                                              \
        int result_ = 0;                                                                                               \
        while (!(condition) && !result_) {                                                                             \
            wait_begin((q), &w_);                                                                                      \
            result_ = task_sleep(deadline);                                                                            \
            wait_end(&w_);                                                                                             \
        }                                                                                                              \
        (condition) ? 0 : result_;                                                                                     \
    })
#define wait_event(q, condition) wait_event_until(q, condition, NEVER)

#endif
