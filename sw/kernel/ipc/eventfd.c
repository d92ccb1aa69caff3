/* SPDX-License-Identifier: Apache-2.0 */
/* eventfd: a 64-bit counter that is written by adding and read by taking. */
#include "arch/syscall.h"
#include "ipc/ipc.h"
#include "mm/page.h"

#define EFD_SEMAPHORE 1
#define COUNT_MAX (UINT64_MAX - 1)

struct eventfd {
    uint64_t count;
    bool is_semaphore;         /* a read takes 1, not all */
    struct wait_queue changed; /* for readers and writers */
};

static int64_t eventfd_read(struct file *f, struct uio *u, uint64_t *position)
{
    struct eventfd *e = f->data;
    (void)position;
    int error = u->left < sizeof e->count ? -EINVAL : 0;
    while (!error && !e->count)
        error = ipc_wait(&e->changed, file_deadline(f));
    if (error)
        return error;
    uint64_t taken = e->is_semaphore ? 1 : e->count;
    e->count -= taken;
    wake_all(&e->changed);
    error = uio_to(u, &taken, sizeof taken);
    return error ? error : (int64_t)sizeof taken;
}

static int64_t eventfd_write(struct file *f, struct uio *u, uint64_t *position)
{
    struct eventfd *e = f->data;
    uint64_t added;
    (void)position;
    int error = u->left < sizeof added ? -EINVAL : uio_from(u, &added, sizeof added);
    if (!error && added > COUNT_MAX)
        error = -EINVAL;
    while (!error && added > COUNT_MAX - e->count)
        error = ipc_wait(&e->changed, file_deadline(f));
    if (error)
        return error;
    e->count += added;
    wake_all(&e->changed);
    return sizeof added;
}

static unsigned eventfd_poll(struct file *f, struct poll_table *pt)
{
    struct eventfd *e = f->data;
    poll_wait(pt, &e->changed);
    return (e->count ? EPOLLIN : 0) | (e->count < COUNT_MAX ? EPOLLOUT : 0);
}

static void eventfd_release(struct file *f) { kfree(f->data); }

static const struct file_ops eventfd_ops = {
    .read = eventfd_read, .write = eventfd_write, .poll = eventfd_poll, .release = eventfd_release};

bool eventfd_add(struct file *f, uint64_t count)
{
    struct eventfd *e = f->data;
    if (f->ops != &eventfd_ops)
        return false;
    e->count += MIN(count, COUNT_MAX - e->count);
    wake_all(&e->changed);
    return true;
}

SYSCALL2(eventfd2, uint32_t, count, uint32_t, flags)
{
    if (flags & ~(uint32_t)(EFD_SEMAPHORE | O_CLOEXEC | O_NONBLOCK))
        return -EINVAL;
    struct file *f = ipc_file(0600, &eventfd_ops, O_RDWR | (flags & O_NONBLOCK), sizeof(struct eventfd));
    if (!f)
        return -ENOMEM;
    struct eventfd *e = f->data;
    e->count = count;
    e->is_semaphore = flags & EFD_SEMAPHORE;
    wait_queue_init(&e->changed);
    return fd_install(f, flags & O_CLOEXEC, 0);
}

SYSCALL1(eventfd, uint32_t, count) { return do_eventfd2(count, 0); }
