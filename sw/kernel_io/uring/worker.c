/* SPDX-License-Identifier: Apache-2.0 */
/* Threads of the kernel, and those among them that work on requests in their owners' place, where they may sleep. There
 * are as many as sleep inside requests and one more; those that found nothing to do for a while end, the last one when
 * there is no ring any more. */
#include "uring/uring.h"

#include "arch/cpu.h"
#include "mm/page.h"
#include "printf.h"

enum { WORKERS_MAX = 64, IDLE_NS = 100000000 };

/* --- threads of the kernel: tasks without a user's frame --- */

static void begin(void)
{
    finish_switch();
    struct task *self = current;
    void (*main)(void *) = (void (*)(void *))self->restart.argument[0];
    main((void *)self->restart.argument[1]);
    self->process = NULL;
    sched_bury(self);
}

struct task *kernel_thread(const char *name, int number, void (*main)(void *argument), void *argument)
{
    struct task *t = task_create(NULL, name);
    if (!t)
        return NULL;
    t->blocked = UINT64_MAX;
    t->restart = (struct restart){.argument = {(uint64_t)main, (uint64_t)argument}};
    /* switch_to() pops six registers and returns to begin(), which finds the stack as after a call. */
    uint64_t *sp = (uint64_t *)(t->kernel_stack + KERNEL_STACK_BYTES) - 8;
    for (int i = 0; i < 8; i++)
        sp[i] = i == 6 ? (uint64_t)begin : 0;
    t->kernel_rsp = (uint64_t)sp;
    snprintf(t->name, sizeof t->name, "%s-%d", name, number);
    trace_name(t->tid, t->name);
    return t;
}

/* --- workers --- */

static struct list work = {&work, &work}; /* struct request.in_queue */
static struct wait_queue idle = {.waiters = {&idle.waiters, &idle.waiters}};
static uint32_t inside; /* workers that are in a request: unless it is the caller, one that sleeps there */

/* True: something came. Otherwise the time is over. */
static bool wait_for_work(void)
{
    struct waiter me;
    int result = 0;
    while (list_is_empty(&work) && result != -ETIMEDOUT) {
        wait_begin(&idle, &me);
        result = task_sleep(clock_now() + IDLE_NS);
        wait_end(&me);
    }
    return !list_is_empty(&work);
}

static void worker_main(void *unused)
{
    (void)unused;
    do {
        while (!list_is_empty(&work)) {
            inside++;
            request_run(LIST_POP(&work, struct request, in_queue), true);
            inside--;
        }
    } while (wait_for_work() || (uring_counts.workers == 1 && uring_counts.rings));
    uring_counts.workers--;
}

static int worker_create(void)
{
    static int number;
    struct task *t = uring_counts.workers < WORKERS_MAX ? kernel_thread("iou-wrk", ++number, worker_main, NULL) : NULL;
    if (!t)
        return -ENOMEM;
    uring_counts.workers++;
    task_start(t);
    return 0;
}

int workers_start(void) { return uring_counts.workers ? 0 : worker_create(); }

void worker_queue(struct request *q)
{
    list_append(&work, &q->in_queue);
    if (!list_is_empty(&idle.waiters))
        task_wake(LIST_POP(&idle.waiters, struct waiter, link)->task);
    else if (inside == uring_counts.workers)
        (void)worker_create(); /* else one of those that are there comes to it */
}
