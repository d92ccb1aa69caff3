/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a request between its SQE and its CQE: tried, armed at its file, queued, tried again, cancelled. */
#include "uring/uring.h"

#include "arch/cpu.h"
#include "arch/insn.h"
#include "arch/syscall.h"
#include "mm/mm.h"
#include "proc/process.h"
#include "string.h"

enum {
    TRIES_MAX = 4, /* of a file that says it is ready and is not; then a worker sleeps in it */
    STRETCH_NS = 1000000
};
#define ALWAYS ((unsigned)(EPOLLERR | EPOLLHUP))

struct uring_task *uring_task_of_current(void)
{
    struct task *t = current;
    if (!t->uring && (t->uring = kzalloc(sizeof *t->uring)) != NULL) {
        t->uring->task = t;
        list_init(&t->uring->requests);
        list_init(&t->uring->ready);
    }
    return t->uring;
}

/* --- memory: kmalloc() would keep for ever what a program once needs for many requests --- */

enum { SLOT_BYTES = 512, SLOTS = PAGE_BYTES / SLOT_BYTES };
_Static_assert(sizeof(struct request) <= SLOT_BYTES, "one slot");

static struct list free_slots = {&free_slots, &free_slots}; /* struct request.in_task */
static unsigned free_count;

/* The page of the slots has a reference from each that is in use, and one from here. */
static struct request *take_slot(void)
{
    uint64_t pa = list_is_empty(&free_slots) ? page_alloc() : 0;
    for (unsigned i = 0; pa && i < SLOTS; i++, free_count++)
        list_append(&free_slots, phys_to_virt(pa + i * SLOT_BYTES));
    if (list_is_empty(&free_slots))
        return NULL;
    struct request *q = LIST_POP(&free_slots, struct request, in_task);
    free_count--;
    page_get(ALIGN_DOWN(virt_to_phys(q), (uint64_t)PAGE_BYTES));
    return memset(q, 0, sizeof *q);
}

static void give_slot(struct request *q)
{
    uint64_t pa = ALIGN_DOWN(virt_to_phys(q), (uint64_t)PAGE_BYTES);
    list_insert_before(free_slots.next, &q->in_task);
    free_count++;
    page_put(pa);
    if (page_refs(pa) > 1 || free_count < 4 * SLOTS)
        return;
    for (unsigned i = 0; i < SLOTS; i++, free_count--)
        list_remove(phys_to_virt(pa + i * SLOT_BYTES));
    page_put(pa);
}

struct request *request_create(struct uring *r, struct uring_task *owner)
{
    static uint32_t serial;
    struct request *q = r->refs < URING_REQUESTS_MAX ? take_slot() : NULL;
    if (!q)
        return NULL;
    q->serial = ++serial;
    q->ring = uring_get(r);
    q->owner = owner;
    timer_init(&q->timer, NULL);
    list_init(&q->in_queue);
    list_append(&owner->requests, &q->in_task);
    list_append(&r->requests, &q->in_ring);
    uring_counts.requests++;
    return q;
}

static void disarm(struct request *q)
{
    while (q->places)
        wait_end(&q->place[--q->places].waiter);
}

void request_free(struct request *q)
{
    struct uring_task *owner = q->owner;
    disarm(q);
    timer_stop(&q->timer);
    if (q->op && q->op->release)
        q->op->release(q);
    list_remove(&q->in_queue);
    list_remove(&q->in_task);
    list_remove(&q->in_ring);
    file_put(q->file);
    uring_put(q->ring);
    give_slot(q);
    uring_counts.requests--;
    if (owner->is_ending)
        task_wake(owner->task);
}

/* --- waiting for the file --- */

static void on_ready(struct waiter *w)
{
    struct request *q = CONTAINER_OF(w, struct place, waiter)->request;
    if (q->state == REQUEST_ARMED)
        request_queue(q);
}

static void take_place(struct request *q, struct wait_queue *queue)
{
    struct place *p = &q->place[q->places++];
    wait_begin(queue, &p->waiter);
    p->waiter.woken = on_ready;
    p->request = q;
}

struct look {
    struct poll_table table;
    struct request *request;
    unsigned queues;
};

static void visit(struct poll_table *pt, struct wait_queue *queue)
{
    struct look *l = CONTAINER_OF(pt, struct look, table);
    if (l->queues++ < ARRAY_SIZE(l->request->place) - 1)
        take_place(l->request, queue);
}

/* What names no queue (an epoll, which names those of others), or too many, is looked at when any is woken. */
int request_arm(struct request *q, unsigned wanted)
{
    struct look l = {.table.visit = visit, .request = q};
    unsigned ready = file_poll(q->file, &l.table) & (wanted | ALWAYS);
    if (!ready && (!q->places || l.queues > q->places))
        take_place(q, &pollers);
    if (ready)
        disarm(q);
    else
        q->state = REQUEST_ARMED;
    return (int)ready;
}

/* --- queues --- */

void request_queue(struct request *q)
{
    struct uring_task *owner = q->owner;
    q->state = REQUEST_QUEUED;
    if (owner->runs_ready) {
        list_append(&owner->ready, &q->in_queue);
        task_wake(owner->task);
    } else {
        worker_queue(q);
    }
}

void uring_run_ready(struct uring_task *t)
{
    while (!list_is_empty(&t->ready))
        request_run(LIST_POP(&t->ready, struct request, in_queue), false);
}

void uring_hand_over(struct uring_task *t)
{
    t->runs_ready = false;
    while (!list_is_empty(&t->ready))
        request_queue(LIST_POP(&t->ready, struct request, in_queue));
}

/* --- running --- */

/* One call of the operation; whatever would sleep answers -EAGAIN unless it may. */
static int64_t issue(struct request *q, bool may_sleep)
{
    struct task *t = current;
    t->nowait = !may_sleep;
    t->lent_file = q->file;
    int64_t result = q->op->issue(q);
    t->lent_file = NULL;
    t->nowait = false;
    if (!t->frame) /* the kernel's threads have no use for SIGPIPE, and the kill was for this request */
        t->pending = 0;
    return result == -ERESTARTSYS || result == -ERESTARTNOHAND || result == -ERESTART_RESTARTBLOCK ? -EINTR : result;
}

static int64_t punt(struct request *q)
{
    q->is_punted = true;
    q->state = REQUEST_QUEUED;
    worker_queue(q);
    return ISSUE_PENDING;
}

/* The result, or ISSUE_PENDING: it is armed, queued or waits for time. */
static int64_t attempt(struct request *q, bool may_sleep)
{
    const struct operation *op = q->op;
    q->state = REQUEST_RUNNING;
    q->worker = may_sleep ? current : NULL;
    disarm(q);
    if (q->is_failed)
        return q->result;
    if (q->is_cancelled || q->ring->is_closed || q->owner->is_ending) /* nobody would cancel it any more */
        return -ECANCELED;
    if (op->needs_file && !q->file && !(q->file = request_find_file(q)))
        return -EBADF;
    if (!may_sleep && !q->is_punted && (op->always_punts || q->sqe.flags & IOSQE_ASYNC))
        return punt(q);
    bool can_poll = op->poll && q->file->ops->poll && !q->is_contradicted;
    may_sleep &= !can_poll;
    for (unsigned tries = 0; tries < TRIES_MAX; tries++) {
        int64_t result = issue(q, may_sleep);
        if (result != -EAGAIN || may_sleep || q->is_final)
            return result;
        if (!can_poll)
            return punt(q);
        q->was_armed = true;
        if (!request_arm(q, op->poll))
            return ISSUE_PENDING;
    }
    q->is_contradicted = true;
    return punt(q);
}

void uring_breathe(void)
{
    if (clock_now() - current->slice_started < STRETCH_NS)
        return;
    klock_release();
    sti_nop_cli();
    klock_acquire();
    schedule();
}

/* A worker takes over what the owner of its request has. No references: the owner does not go before the request. */
static void act_for(struct task *t, struct mm *mm, struct files *files, struct process *process)
{
    t->mm = mm;
    t->files = files;
    t->process = process;
    mm_activate(mm);
}

void request_run(struct request *q, bool may_sleep)
{
    struct task *self = current;
    while (q) {
        const struct task *owner = q->owner->task;
        if (owner != self)
            act_for(self, owner->mm, owner->files, owner->process);
        int64_t result = attempt(q, may_sleep);
        if (owner != self)
            act_for(self, NULL, NULL, NULL);
        if (result == ISSUE_PENDING)
            return;
        q = request_complete(q, result);
        uring_breathe();
    }
}

void request_finish(struct request *q, int64_t result)
{
    struct request *next = request_complete(q, result);
    if (next)
        request_queue(next);
}

/* --- the end before its time --- */

int request_cancel(struct request *q)
{
    if (q->is_reading && file_read_cancel(&q->read)) {
        q->is_reading = false;
    } else if (q->state == REQUEST_RUNNING) {
        q->is_cancelled = true;
        if (q->worker) { /* ends its sleep */
            q->worker->pending |= SIGNAL_BIT(SIGKILL);
            task_wake(q->worker);
        }
        return -EALREADY;
    }
    if (q->state == REQUEST_DEFERRED) { /* its chain with it */
        for (struct request *each = q; each; each = each->link)
            each->ring->active++;
    }
    list_remove(&q->in_queue);
    request_finish(q, q->done ? (int64_t)q->done : -ECANCELED);
    return 0;
}

/* Each end may take others with it, or start them: then again from the beginning. */
static void cancel_all(struct list *head, size_t member)
{
    for (struct list *n = head->next; n != head;) {
        struct request *q = (struct request *)((uint8_t *)n - member);
        n = q->state != REQUEST_LINKED && !request_cancel(q) ? head->next : n->next;
    }
}

void request_cancel_ring(struct uring *r) { cancel_all(&r->requests, offsetof(struct request, in_ring)); }

void uring_task_exit(struct task *t)
{
    struct uring_task *u = t->uring;
    if (u) {
        u->is_ending = true;
        uring_hand_over(u);
        cancel_all(&u->requests, offsetof(struct request, in_task));
        while (!list_is_empty(&u->requests)) { /* not even a kill ends this; the workers have been told to stop */
            t->state = TASK_DEEP;
            schedule();
            cancel_all(&u->requests, offsetof(struct request, in_task));
        }
        t->uring = NULL;
        kfree(u);
    }
    if (!process_has_thread(t->process, t))
        submitter_stop_process(t->process);
}
