/* SPDX-License-Identifier: Apache-2.0 */
/* See wait.h. */
#include "sched/wait.h"

#include "sched/task.h"
#include "uintr/uintr.h"

struct wait_queue pollers = {.waiters = {&pollers.waiters, &pollers.waiters}};

void wait_queue_init(struct wait_queue *q)
{
    list_init(&q->waiters);
    q->sequence = 0;
    q->is_polled = false;
}

void wait_begin(struct wait_queue *q, struct waiter *w)
{
    *w = (struct waiter){.task = current};
    list_append(&q->waiters, &w->link);
}

void wait_end(struct waiter *w) { list_remove(&w->link); }

static void wake(struct wait_queue *q, bool everyone)
{
    struct waiter *w;
    bool is_done = false;
    q->sequence++;
    LIST_FOR_EACH(w, &q->waiters, link)
    {
        if (w->exclusive && is_done && !everyone)
            continue;
        is_done |= w->exclusive;
        w->is_woken = true;
        list_remove(&w->link);
        task_wake(w->task);
    }
    if (q->is_polled) {
        q->is_polled = false;
        wake(&pollers, true);
    }
}

void wake_all(struct wait_queue *q) { wake(q, true); }

void wake_one(struct wait_queue *q) { wake(q, false); }

static void sleep_is_over(struct timer *timer)
{
    struct task *t = CONTAINER_OF(timer, struct task, sleep_timer);
    t->timed_out = true;
    task_wake(t);
}

static int sleep_in(enum task_state state, uint64_t deadline)
{
    struct task *t = current;
    t->timed_out = false;
    if (deadline != NEVER) {
        timer_init(&t->sleep_timer, sleep_is_over);
        timer_start(&t->sleep_timer, deadline);
    }
    t->state = state;
    schedule();
    if (deadline != NEVER)
        timer_stop(&t->sleep_timer);
    return t->timed_out ? -ETIMEDOUT : 0;
}

int task_sleep(uint64_t deadline)
{
    if (task_has_signal(current))
        return -EINTR;
    if (!uintr_sleep_begin(current))
        return -EINTR;
    int result = sleep_in(TASK_SLEEPING, deadline);
    if (uintr_sleep_end(current))
        return -EINTR;
    return task_has_signal(current) ? -EINTR : result;
}

int task_sleep_uninterrupted(uint64_t deadline)
{
    const uint64_t kill = UINT64_C(1) << (SIGKILL - 1);
    if (current->pending & kill)
        return -EINTR;
    int result = sleep_in(TASK_DEEP, deadline);
    return current->pending & kill ? -EINTR : result;
}
