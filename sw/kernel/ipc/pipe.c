/* SPDX-License-Identifier: Apache-2.0 */
/* Files without a name, rings of bytes, and the pipes and FIFOs made of rings: a FIFO's inode holds its ring in `data`
 * as long as one of the ends is open; a pipe is a FIFO without a name. */
#include "arch/syscall.h"
#include "ipc/ipc.h"
#include "mm/mm.h"
#include "proc/process.h"

static const struct inode_ops nameless_ops;

struct file *ipc_file(uint32_t mode, const struct file_ops *ops, uint32_t flags, size_t bytes)
{
    void *data = kzalloc(bytes);
    struct inode *i = data ? inode_create(mode, &nameless_ops, NULL) : NULL;
    struct file *f = i ? file_create(ops, flags, data) : NULL;
    if (f) {
        f->inode = i;
        return f;
    }
    inode_put(i);
    kfree(data);
    return NULL;
}

int ipc_install_pair(struct file *a, struct file *b, bool close_on_exec, uint64_t to)
{
    int fds[2];
    fds[0] = fd_install(a, close_on_exec, 0);
    fds[1] = fd_install(b, close_on_exec, 0);
    int error = fds[1] < 0 ? fds[1] : PUT_USER(to, fds);
    if (error) {
        fd_close(fds[0]);
        fd_close(fds[1]);
    }
    return error;
}

/* --- rings --- */

void ring_init(struct ring *r, uint32_t ends)
{
    *r = (struct ring){.readers = ends, .writers = ends};
    wait_queue_init(&r->changed);
}

/* Copies up to `limit` bytes out of the ring or into it, in one or two pieces, for the caller to account. */
static int64_t copy(struct ring *r, struct uio *u, size_t limit, bool is_read)
{
    size_t done = 0;
    int error = 0;
    while (done < limit && !error) {
        size_t at = (r->start + (is_read ? 0 : r->used) + done) % RING_BYTES, n = MIN(limit - done, RING_BYTES - at);
        error = is_read ? uio_to(u, r->bytes + at, n) : uio_from(u, r->bytes + at, n);
        done += error ? 0 : n;
    }
    return done ? (int64_t)done : error;
}

int64_t ring_read(struct ring *r, struct uio *u, uint64_t deadline)
{
    while (u->left && !r->used && r->writers) {
        int error = ipc_wait(&r->changed, deadline);
        if (error)
            return error;
    }
    bool was_full = !ring_has_room(r);
    int64_t n = copy(r, u, MIN(u->left, (size_t)r->used), true);
    if (n < 0)
        return n;
    r->start = (r->start + (uint32_t)n) % RING_BYTES;
    r->used -= (uint32_t)n;
    if (was_full)
        wake_all(&r->changed);
    return n;
}

/* Up to PIPE_BUF bytes go in one piece; longer writes could go in smaller ones, but poll would not call it so. */
int64_t ring_write(struct ring *r, struct uio *u, uint64_t deadline, bool is_quiet)
{
    int64_t done = 0, n = 0;
    if (!r->bytes && !(r->bytes = kmalloc(RING_BYTES)))
        return -ENOMEM;
    while (u->left && n >= 0) {
        size_t room = RING_BYTES - r->used;
        if (!r->readers) {
            n = -EPIPE;
            if (!is_quiet)
                signal_send(current, SIGPIPE, NULL, false);
        } else if (room < MIN(u->left, (size_t)PIPE_BUF)) {
            n = ipc_wait(&r->changed, deadline);
        } else {
            n = copy(r, u, MIN(u->left, room), false);
            if (n > 0) {
                done += n;
                r->used += (uint32_t)n;
                wake_all(&r->changed); /* even if it was not empty: every write is an edge for epoll */
            }
        }
    }
    return done ? done : n;
}

/* --- pipes --- */

static int64_t pipe_read(struct file *f, struct uio *u, uint64_t *position)
{
    (void)position;
    return ring_read(f->data, u, file_deadline(f));
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
    kfree(r->bytes);
    kfree(r);
}

static int fifo_open(struct file *f)
{
    bool reads = file_can_read(f), writes = file_can_write(f);
    bool is_named = f->inode->ops != &nameless_ops; /* else it waits for nobody, also by way of /proc/PID/fd */
    bool waits = is_named && !(f->flags & O_NONBLOCK);
    struct ring *r = f->inode->data;
    if (!reads && !writes)
        return -EINVAL;
    if (is_named && !reads && !waits && (!r || !r->readers))
        return -ENXIO;
    if (!r) {
        r = f->inode->data = kmalloc(sizeof *r);
        if (!r)
            return -ENOMEM;
        ring_init(r, 0);
    }
    f->data = r;
    r->readers += reads;
    r->writers += writes;
    r->opens[0] += reads;
    r->opens[1] += writes;
    wake_all(&r->changed);
    f->position = is_named && !r->writers ? r->opens[1] : 0;
    /* Our own count keeps the ring through the sleep. Who comes and goes meanwhile has been there. */
    uint32_t before = r->opens[reads];
    bool lacks_peer = waits && (!r->writers || !r->readers);
    int error = 0;
    while (!error && lacks_peer && r->opens[reads] == before)
        error = ipc_wait(&r->changed, NEVER);
    if (error)
        pipe_release(f);
    return error;
}

const struct file_ops fifo_file_ops = {
    .read = pipe_read, .write = pipe_write, .poll = pipe_poll, .open = fifo_open, .release = pipe_release};

SYSCALL2(pipe2, uint64_t, to, uint32_t, flags)
{
    struct file *reader = NULL, *writer = NULL;
    if (flags & ~(uint32_t)(O_CLOEXEC | O_NONBLOCK)) /* no packets: O_DIRECT */
        return -EINVAL;
    struct inode *i = inode_create(S_IFIFO | 0600, &nameless_ops, NULL);
    int error = i ? vfs_open_inode(i, O_RDONLY | (flags & O_NONBLOCK), &reader) : -ENOMEM;
    if (!error)
        error = vfs_open_inode(i, O_WRONLY | (flags & O_NONBLOCK), &writer);
    inode_put(i);
    if (!error)
        return ipc_install_pair(reader, writer, flags & O_CLOEXEC, to);
    file_put(reader);
    return error;
}

SYSCALL1(pipe, uint64_t, to) { return do_pipe2(to, 0); }
