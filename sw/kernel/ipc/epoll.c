/* SPDX-License-Identifier: Apache-2.0 */
/* epoll. Nothing is prepared while files become ready: epoll_wait looks at all of its interests, as poll does. An
 * interest holds no reference to its file; the file's end takes it away. No epolls in epolls. */
#include "arch/syscall.h"
#include "ipc/ipc.h"
#include "mm/mm.h"
#include "sched/time.h"

struct epoll {
    struct list interests;
    size_t count;
};

struct interest {
    struct list in_epoll, in_file;
    struct epoll *epoll;
    struct file *file; /* no reference */
    int fd;
    struct epoll_event event; /* no events: disarmed by EPOLLONESHOT */
    uint64_t seen;            /* EPOLLET: sequences of the file's queues at the last look; NEVER: none yet */
};

static void drop(struct interest *i)
{
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

/* The bits to be reported; *sequences: of the file's queues. */
static uint32_t look(const struct interest *i, uint64_t *sequences)
{
    struct poll_table pt = {0};
    uint32_t ready = file_poll(i->file, &pt) & i->event.events;
    *sequences = pt.sequences;
    return i->event.events & EPOLLET && i->seen == pt.sequences ? 0 : ready;
}

static unsigned epoll_poll(struct file *f, struct poll_table *pt)
{
    struct epoll *ep = f->data;
    struct interest *i;
    unsigned bits = 0;
    (void)pt;
    for (LIST_EACH(i, &ep->interests, in_epoll)) {
        uint64_t unused;
        if (look(i, &unused))
            bits = EPOLLIN | EPOLLRDNORM;
    }
    return bits;
}

static const struct file_ops epoll_ops = {.poll = epoll_poll, .release = epoll_release};

struct epoll_call {
    struct epoll *epoll;
    uint64_t events;
    int max;
};

/* What is ready goes to the user. The list turns as it is read, so that nobody starves behind a full array. */
static long collect(void *what)
{
    const struct epoll_call *call = what;
    struct epoll *ep = call->epoll;
    long n = 0;
    for (size_t left = ep->count; left && n < call->max; left--) {
        struct interest *i = LIST_POP(&ep->interests, struct interest, in_epoll);
        uint64_t sequences;
        list_append(&ep->interests, &i->in_epoll);
        struct epoll_event found = {look(i, &sequences), i->event.data};
        if (found.events) {
            if (PUT_USER(call->events + (uint64_t)n * sizeof found, found))
                return n ? n : -EFAULT;
            n++;
            if (i->event.events & EPOLLONESHOT)
                i->event.events = 0;
        }
        i->seen = sequences;
    }
    return n;
}

SYSCALL6(epoll_pwait, int, fd, uint64_t, events, int, max, int, timeout, uint64_t, mask, size_t, mask_bytes)
{
    struct file *f = fd_file(fd);
    if (max <= 0 || !f || f->ops != &epoll_ops)
        return f ? -EINVAL : -EBADF;
    long result = mask_begin(mask, mask_bytes);
    if (result)
        return result;
    struct epoll_call call = {f->data, events, max};
    file_get(f);
    result = poll_until(collect, &call, timeout < 0 ? NEVER : clock_now() + (uint64_t)timeout * 1000000);
    file_put(f);
    return result;
}

SYSCALL4(epoll_wait, int, fd, uint64_t, events, int, max, int, timeout)
{
    return do_epoll_pwait(fd, events, max, timeout, 0, 0);
}

/* --- epoll_ctl --- */

static struct interest *find(const struct epoll *ep, struct file *f, int fd)
{
    struct interest *i;
    for (LIST_EACH(i, &f->epolls, in_file))
        if (i->epoll == ep && i->fd == fd)
            return i;
    return NULL;
}

SYSCALL4(epoll_ctl, int, epfd, int, op, int, fd, uint64_t, event_address)
{
    struct epoll_event event;
    struct file *epf = fd_file(epfd), *f = fd_file(fd);
    if (op != EPOLL_CTL_DEL && GET_USER(event, event_address))
        return -EFAULT;
    if (!epf || !f)
        return -EBADF;
    if (!f->ops->poll)
        return -EPERM;
    if (epf->ops != &epoll_ops || f->ops == &epoll_ops || op < EPOLL_CTL_ADD || op > EPOLL_CTL_MOD)
        return -EINVAL;
    struct epoll *ep = epf->data;
    struct interest *i = find(ep, f, fd);
    if (!i != (op == EPOLL_CTL_ADD))
        return i ? -EEXIST : -ENOENT;
    if (op == EPOLL_CTL_DEL) {
        drop(i);
        return 0;
    }
    if (!i) {
        i = kmalloc(sizeof *i);
        if (!i)
            return -ENOMEM;
        *i = (struct interest){.file = f, .epoll = ep, .fd = fd};
        list_append(&ep->interests, &i->in_epoll);
        list_append(&f->epolls, &i->in_file);
        ep->count++;
    }
    i->event = (struct epoll_event){event.events | EPOLLERR | EPOLLHUP, event.data};
    i->seen = NEVER;
    wake_all(&pollers); /* whoever waits on the set looks at the new one */
    return 0;
}

SYSCALL1(epoll_create1, uint32_t, flags)
{
    if (flags & ~(uint32_t)EPOLL_CLOEXEC)
        return -EINVAL;
    struct file *f = ipc_file(0600, &epoll_ops, O_RDWR, sizeof(struct epoll));
    if (!f)
        return -ENOMEM;
    struct epoll *ep = f->data;
    list_init(&ep->interests);
    return fd_install(f, flags & EPOLL_CLOEXEC, 0);
}

SYSCALL1(epoll_create, int, size) { return size <= 0 ? -EINVAL : do_epoll_create1(0); }
