/* SPDX-License-Identifier: Apache-2.0 */
/* See wait.h. */
#include "sched/wait.h"
#include "proc/process.h"
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

void wake_all(struct wait_queue *q)
{
    q->sequence++;
    while (!list_is_empty(&q->waiters)) {
        struct waiter *w = LIST_POP(&q->waiters, struct waiter, link);
        w->woken ? w->woken(w) : task_wake(w->task);
    }
    if (q->is_polled) {
        q->is_polled = false;
        wake_all(&pollers);
    }
}

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
    t->sleep_timer.expired = sleep_is_over;
    timer_start(&t->sleep_timer, deadline);
    t->state = state;
    schedule();
    timer_stop(&t->sleep_timer);
    return t->timed_out ? -ETIMEDOUT : 0;
}

int task_sleep(uint64_t deadline)
{
    if (task_has_signal(current) || !uintr_sleep_begin(current))
        return -EINTR;
    int result = sleep_in(TASK_SLEEPING, deadline);
    return uintr_sleep_end(current) || task_has_signal(current) ? -EINTR : result;
}

int task_sleep_uninterrupted(uint64_t deadline)
{
    int result = current->pending & SIGNAL_BIT(SIGKILL) ? 0 : sleep_in(TASK_DEEP, deadline);
    return current->pending & SIGNAL_BIT(SIGKILL) ? -EINTR : result;
}
