/* SPDX-License-Identifier: Apache-2.0 */
/* Pipes and FIFOs: a ring that lives as long as one of its ends is open. Its inode holds it in `data`. A pipe is a FIFO
 * without a name. */
#include "arch/syscall.h"
#include "ipc/ipc.h"

static const struct inode_ops nameless_ops;

static int64_t pipe_read(struct file *f, struct uio *u, uint64_t *position)
{
    (void)position;
    return ring_read(f->data, u, file_deadline(f), false);
}

static int64_t pipe_write(struct file *f, struct uio *u, uint64_t *position)
{
    (void)position;
    return ring_write(f->data, u, file_deadline(f), false);
}

static unsigned pipe_poll(struct file *f, struct poll_table *pt)
{
    struct ring *r = f->data;
    unsigned bits = 0;
    poll_wait(pt, &r->changed);
    if (file_can_read(f)) {
        bits |= r->used ? EPOLLIN | EPOLLRDNORM : 0;
        /* A FIFO that was opened before its first writer has not been hung up by anyone. */
        bits |= !r->writers && f->position != r->opens[1] ? EPOLLHUP : 0;
    }
    if (file_can_write(f)) {
        bits |= ring_has_room(r) ? EPOLLOUT | EPOLLWRNORM : 0;
        bits |= !r->readers ? EPOLLERR : 0;
    }
    return bits;
}

static int64_t pipe_ioctl(struct file *f, uint32_t request, uint64_t argument)
{
    return ring_ioctl(f->data, request, argument);
}

static void pipe_release(struct file *f)
{
    struct ring *r = f->data;
    r->readers -= file_can_read(f);
    r->writers -= file_can_write(f);
    if (r->readers || r->writers) {
        wake_all(&r->changed);
        return;
    }
    f->inode->data = NULL;
    ring_free(r);
}

static int fifo_open(struct file *f)
{
    bool reads = file_can_read(f), writes = file_can_write(f), waits = !(f->flags & O_NONBLOCK);
    bool is_named = f->inode->ops != &nameless_ops; /* else it waits for nobody, also by way of /proc/PID/fd */
    struct ring *r = f->inode->data;
    if (!reads && !writes)
        return -EINVAL;
    if (is_named && !reads && !waits && (!r || !r->readers))
        return -ENXIO;
    if (!r)
        r = f->inode->data = ring_create();
    if (!r)
        return -ENOMEM;
    f->data = r;
    r->readers += reads;
    r->writers += writes;
    r->opens[0] += reads;
    r->opens[1] += writes;
    wake_all(&r->changed);
    f->position = is_named && reads && !r->writers ? r->opens[1] : 0;
    /* Our own count keeps the ring through the sleep. Who comes and goes meanwhile has been there. */
    bool lacks_peer = is_named && waits && (!r->writers || !r->readers);
    const uint32_t *opens = &r->opens[reads];
    for (uint32_t before = *opens; lacks_peer && *opens == before;) {
        int error = ipc_wait(&r->changed, NEVER);
        if (error) {
            pipe_release(f);
            return error;
        }
    }
    return 0;
}

const struct file_ops fifo_file_ops = {.read = pipe_read,
                                       .write = pipe_write,
                                       .poll = pipe_poll,
                                       .ioctl = pipe_ioctl,
                                       .open = fifo_open,
                                       .release = pipe_release};

static int create_pair(uint64_t to, uint32_t flags)
{
    struct file *reader = NULL, *writer = NULL;
    if (flags & ~(uint32_t)(O_CLOEXEC | O_NONBLOCK)) /* no packets: O_DIRECT */
        return -EINVAL;
    struct inode *i = inode_create(S_IFIFO | 0600, &nameless_ops, NULL);
    int error = i ? vfs_open_inode(i, O_RDONLY | (flags & O_NONBLOCK), &reader) : -ENOMEM;
    if (!error)
        error = vfs_open_inode(i, O_WRONLY | (flags & O_NONBLOCK), &writer);
    inode_put(i);
    if (error) {
        file_put(reader);
        return error;
    }
    return ipc_install_pair(reader, writer, flags & O_CLOEXEC, to);
}

SYSCALL1(pipe, uint64_t, to) { return create_pair(to, 0); }
SYSCALL2(pipe2, uint64_t, to, uint32_t, flags) { return create_pair(to, flags); }
