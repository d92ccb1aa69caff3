/* SPDX-License-Identifier: Apache-2.0 */
/* epoll. Nothing is prepared while files become ready: epoll_wait looks at all of its interests, as poll does, and
 * queues at each if it must sleep. An interest holds no reference to its file; the file's end takes it away, also from
 * under a sleeper's feet. Epolls in epolls are looked at in the same pass, each once. */
#include "arch/syscall.h"
#include "ipc/ipc.h"
#include "mm/mm.h"
#include "sched/task.h"
#include "sched/time.h"

enum { NESTING_MAX = 4 /* epolls below the outermost one */ };

#define ALWAYS (EPOLLERR | EPOLLHUP)
#define MODE_BITS (EPOLLET | EPOLLONESHOT | EPOLLWAKEUP | EPOLLEXCLUSIVE)
#define EXCLUSIVE_ALLOWS (EPOLLIN | EPOLLOUT | ALWAYS | EPOLLWAKEUP | EPOLLET | EPOLLEXCLUSIVE)

struct epoll {
    struct list interests;
    size_t count;
    struct file *file;         /* no reference */
    struct wait_queue changed; /* the set of interests */
    uint64_t pass, sequences;  /* of the last look through another epoll, and what it found */
    bool is_ready;
    uint64_t walk; /* the last one of count_levels() */
    int levels;
};

struct interest {
    struct list in_epoll, in_file;
    struct epoll *epoll;
    struct file *file; /* no reference */
    int fd;
    struct epoll_event event; /* no bits beside MODE_BITS: disarmed by EPOLLONESHOT */
    uint64_t seen;            /* EPOLLET: sequences of the file's queues when last looked at */
    bool is_fresh;            /* EPOLLET: not looked at since it was set                     */
    struct list entries;      /* of struct poll_entry.in_owner: sleepers' places in the file's queues */
};

static unsigned epoll_poll(struct file *f, struct poll_table *pt);
static void epoll_release(struct file *f);
static const struct file_ops epoll_ops = {.poll = epoll_poll, .release = epoll_release};

static struct epoll *epoll_of(const struct file *f) { return f->ops == &epoll_ops ? f->data : NULL; }

static void drop(struct interest *i)
{
    while (!list_is_empty(&i->entries)) {
        struct poll_entry *e = LIST_POP(&i->entries, struct poll_entry, in_owner);
        wait_end(&e->waiter);
    }
    list_remove(&i->in_epoll);
    list_remove(&i->in_file);
    i->epoll->count--;
    kfree(i);
}

void epoll_file_gone(struct file *f)
{
    while (!list_is_empty(&f->epolls))
        drop(LIST_FIRST(&f->epolls, struct interest, in_file));
}

static void epoll_release(struct file *f)
{
    struct epoll *ep = f->data;
    while (!list_is_empty(&ep->interests))
        drop(LIST_FIRST(&ep->interests, struct interest, in_epoll));
    kfree(ep);
}

/* --- looking --- */

/* The bits to be reported; *sequences: of the file's queues. Keeps what pt says of the file around this one. */
static uint32_t look(struct interest *i, struct poll_table *pt, uint64_t *sequences)
{
    uint32_t events = i->event.events;
    *sequences = i->seen;
    if (!(events & ~MODE_BITS))
        return 0;
    struct list *owner = pt->owner;
    unsigned wanted = pt->wanted;
    uint64_t sum = pt->sequences;
    pt->owner = &i->entries;
    pt->wanted = events & ~MODE_BITS;
    pt->sequences = 0;
    uint32_t ready = file_poll(i->file, pt) & pt->wanted;
    *sequences = pt->sequences;
    pt->sequences += sum;
    pt->wanted = wanted;
    pt->owner = owner;
    return events & EPOLLET && !i->is_fresh && i->seen == *sequences ? 0 : ready;
}

static unsigned epoll_poll(struct file *f, struct poll_table *pt)
{
    struct epoll *ep = f->data;
    struct interest *i;
    struct poll_table quiet;
    if (!pt) {
        poll_table_begin(&quiet, false);
        pt = &quiet;
    }
    if (ep->pass != pt->pass) {
        uint64_t before = pt->sequences, unused;
        poll_wait(pt, &ep->changed);
        ep->pass = pt->pass;
        ep->is_ready = false;
        LIST_FOR_EACH(i, &ep->interests, in_epoll)
        {
            if (look(i, pt, &unused))
                ep->is_ready = true;
        }
        ep->sequences = pt->sequences - before;
    } else {
        pt->sequences += ep->sequences;
    }
    return ep->is_ready ? EPOLLIN | EPOLLRDNORM : 0;
}

/* One look at all interests; what is ready goes to the user. The list turns as it is read, so that nobody starves
 * behind a full array. */
static long collect(struct epoll *ep, struct poll_table *pt, uint64_t events, int max)
{
    long n = 0;
    poll_wait(pt, &ep->changed);
    for (size_t left = ep->count; left && n < max; left--) {
        struct interest *i = LIST_FIRST(&ep->interests, struct interest, in_epoll);
        uint64_t sequences;
        list_remove(&i->in_epoll);
        list_append(&ep->interests, &i->in_epoll);
        struct epoll_event found = {look(i, pt, &sequences), i->event.data};
        if (found.events) {
            pt->registers = false;
            if (PUT_USER(events + (uint64_t)n * sizeof found, found))
                return n ? n : -EFAULT;
            n++;
            if (i->event.events & EPOLLONESHOT)
                i->event.events &= MODE_BITS;
        }
        i->seen = sequences;
        i->is_fresh = false;
    }
    return n;
}

/* fd's file with a reference if it is an epoll, or NULL and *error. */
static struct file *epoll_file(int fd, int *error)
{
    struct file *f = fd_file(fd);
    *error = !f ? -EBADF : !epoll_of(f) ? -EINVAL : 0;
    return *error ? NULL : file_get(f);
}

static long wait_for_events(int fd, uint64_t events, int max, int timeout)
{
    int error;
    if (max <= 0 || max > INT32_MAX / (int)sizeof(struct epoll_event))
        return -EINVAL;
    if (!user_range_is_valid(events, (uint64_t)max * sizeof(struct epoll_event)))
        return -EFAULT;
    struct file *f = epoll_file(fd, &error);
    if (!f)
        return error;
    uint64_t deadline = timeout < 0 ? NEVER : clock_now() + (uint64_t)timeout * 1000000;
    long result = 0;
    for (int slept = timeout ? 0 : -ETIMEDOUT;;) {
        struct poll_table pt;
        bool is_last = slept;
        poll_table_begin(&pt, !is_last);
        result = collect(f->data, &pt, events, max);
        if (!result && pt.failed)
            result = -ENOMEM;
        if (!result && !is_last)
            slept = task_sleep(deadline);
        poll_table_end(&pt);
        if (!result && is_last && slept == -EINTR)
            result = -EINTR;
        if (result || is_last)
            break;
    }
    file_put(f);
    return result;
}

SYSCALL4(epoll_wait, int, fd, uint64_t, events, int, max, int, timeout)
{
    return wait_for_events(fd, events, max, timeout);
}

SYSCALL6(epoll_pwait, int, fd, uint64_t, events, int, max, int, timeout, uint64_t, mask, size_t, mask_bytes)
{
    long result = mask_begin(mask, mask_bytes);
    if (result)
        return result;
    result = wait_for_events(fd, events, max, timeout);
    mask_end(result == -EINTR);
    return result;
}

/* --- epoll_ctl --- */

/* How many levels of epolls lie below ep, more than allowed if `sought` is among them; or above, if it is NULL. What
 * there is obeys the limits, so the recursion is as shallow, and no epoll is counted twice. */
static int count_levels(struct epoll *ep, const struct epoll *sought, uint64_t walk)
{
    struct list *head = sought ? &ep->interests : &ep->file->epolls;
    if (ep == sought)
        return NESTING_MAX + 1;
    if (ep->walk == walk)
        return ep->levels;
    ep->levels = 0;
    for (struct list *node = head->next; node != head; node = node->next) {
        struct epoll *next = sought ? epoll_of(LIST_ITEM(node, struct interest, in_epoll)->file)
                                    : LIST_ITEM(node, struct interest, in_file)->epoll;
        int levels = next ? 1 + count_levels(next, sought, walk) : 0;
        ep->levels = levels > ep->levels ? levels : ep->levels;
    }
    ep->walk = walk;
    return ep->levels;
}

static int add(struct epoll *ep, struct file *f, int fd, struct epoll_event event)
{
    static uint64_t walks;
    struct epoll *inner = epoll_of(f);
    walks += 2;
    if (inner && count_levels(inner, ep, walks) + 1 + count_levels(ep, NULL, walks + 1) > NESTING_MAX)
        return -ELOOP;
    struct interest *i = kzalloc(sizeof *i);
    if (!i)
        return -ENOMEM;
    i->epoll = ep;
    i->file = f;
    i->fd = fd;
    i->event = event;
    i->is_fresh = true;
    list_init(&i->entries);
    list_append(&ep->interests, &i->in_epoll);
    list_append(&f->epolls, &i->in_file);
    ep->count++;
    return 0;
}

static struct interest *find(struct epoll *ep, struct file *f, int fd)
{
    struct interest *i;
    LIST_FOR_EACH(i, &f->epolls, in_file)
    {
        if (i->epoll == ep && i->fd == fd)
            return i;
    }
    return NULL;
}

SYSCALL4(epoll_ctl, int, epfd, int, op, int, fd, uint64_t, event_address)
{
    struct epoll_event event = {0, 0};
    if (op != EPOLL_CTL_DEL && GET_USER(event, event_address))
        return -EFAULT;
    struct file *epf = fd_file(epfd), *f = fd_file(fd);
    if (!epf || !f)
        return -EBADF;
    if (!f->ops->poll)
        return -EPERM;
    struct epoll *ep = epoll_of(epf);
    if (f == epf || !ep)
        return -EINVAL;
    if (op != EPOLL_CTL_DEL && event.events & EPOLLEXCLUSIVE &&
        (op == EPOLL_CTL_MOD || epoll_of(f) || event.events & ~EXCLUSIVE_ALLOWS))
        return -EINVAL;
    struct interest *i = find(ep, f, fd);
    int error = 0;
    event.events |= ALWAYS;
    switch (op) {
    case EPOLL_CTL_ADD: error = i ? -EEXIST : add(ep, f, fd, event); break;
    case EPOLL_CTL_MOD:
        if (!i)
            return -ENOENT;
        if (i->event.events & EPOLLEXCLUSIVE)
            return -EINVAL;
        i->event = event;
        i->is_fresh = true;
        break;
    case EPOLL_CTL_DEL:
        if (!i)
            return -ENOENT;
        drop(i);
        break;
    default: return -EINVAL;
    }
    if (!error && op != EPOLL_CTL_DEL)
        wake_all(&ep->changed);
    return error;
}

static int create(uint32_t flags)
{
    if (flags & ~(uint32_t)EPOLL_CLOEXEC)
        return -EINVAL;
    struct epoll *ep = kzalloc(sizeof *ep);
    struct file *f = ep ? ipc_file(0600, &epoll_ops, O_RDWR, ep) : NULL;
    if (!f) {
        kfree(ep);
        return -ENOMEM;
    }
    list_init(&ep->interests);
    wait_queue_init(&ep->changed);
    ep->file = f;
    return fd_install(f, flags & EPOLL_CLOEXEC, 0);
}

SYSCALL1(epoll_create, int, size) { return size <= 0 ? -EINVAL : create(0); }
SYSCALL1(epoll_create1, uint32_t, flags) { return create(flags); }
