/* SPDX-License-Identifier: Apache-2.0 */
/* Pipes and FIFOs: a ring of bytes that lives as long as any of its ends is open. Its inode, with a name or without,
 * holds it in `data`. */
#include "arch/syscall.h"
#include "ipc/ipc.h"
#include "mm/mm.h"
#include "proc/process.h"
#include "string.h"
#include <asm/ioctls.h>

enum { RING_BYTES = 65536, PIPE_BUF = 4096 };

struct pipe {
    char *ring;
    uint32_t start, used; /* bytes [start, start + used) of the ring are there */
    uint32_t readers, writers;
    uint32_t reader_opens, writer_opens; /* ever: who waits for the other side sees it even if it is gone again */
    struct wait_queue readable, writable, opened;
};

/* --- for all of ipc/ --- */

int ipc_wait(struct wait_queue *q, uint64_t deadline)
{
    struct waiter w;
    if (!deadline)
        return -EAGAIN;
    wait_begin(q, &w);
    int result = task_sleep(deadline);
    wait_end(&w);
    if (result == -EINTR)
        return deadline == NEVER ? -ERESTARTSYS : -EINTR;
    return result ? -EAGAIN : 0;
}

void ipc_sigpipe(void)
{
    siginfo_t info = {.si_signo = SIGPIPE, .si_code = SI_USER};
    info.si_pid = current->process->pid;
    info.si_uid = current->process->uid;
    signal_send(current, SIGPIPE, &info, false);
}

struct file *ipc_file(uint32_t mode, const struct file_ops *ops, uint32_t flags, void *data)
{
    static const struct inode_ops nothing;
    struct inode *i = inode_create(mode, &nothing, ops);
    struct file *f = i ? file_create(ops, flags, data) : NULL;
    if (!f) {
        inode_put(i);
        return NULL;
    }
    f->inode = i;
    return f;
}

int ipc_install_pair(struct file *a, struct file *b, bool close_on_exec, uint64_t to)
{
    int fds[2] = {fd_install(a, close_on_exec, 0), -EMFILE};
    if (fds[0] < 0) {
        file_put(b);
        return fds[0];
    }
    fds[1] = fd_install(b, close_on_exec, 0);
    int error = fds[1] < 0 ? fds[1] : PUT_USER(to, fds);
    if (error) {
        fd_close(fds[0]);
        fd_close(fds[1]);
    }
    return error;
}

/* --- reading and writing --- */

static struct pipe *pipe_create(void)
{
    struct pipe *p = kzalloc(sizeof *p);
    if (p)
        p->ring = kmalloc(RING_BYTES);
    if (!p || !p->ring) {
        kfree(p);
        return NULL;
    }
    wait_queue_init(&p->readable);
    wait_queue_init(&p->writable);
    wait_queue_init(&p->opened);
    return p;
}

static void pipe_free(struct pipe *p)
{
    kfree(p->ring);
    kfree(p);
}

static bool is_full(const struct pipe *p) { return RING_BYTES - p->used < PIPE_BUF; }

/* Moves up to `limit` bytes, in one or two pieces; what a bad page of the user's cut off stays outside. */
static int64_t move(struct pipe *p, struct uio *u, size_t limit, bool is_read)
{
    size_t done = 0;
    while (done < limit) {
        uint32_t at = (p->start + (is_read ? (uint32_t)done : p->used + (uint32_t)done)) % RING_BYTES;
        size_t n = MIN(limit - done, (size_t)RING_BYTES - at), left = u->left;
        int error = is_read ? uio_to(u, p->ring + at, n) : uio_from(u, p->ring + at, n);
        done += left - u->left;
        if (error && (!done || (!is_read && limit <= PIPE_BUF)))
            return error; /* a short write is all or nothing */
        if (error)
            break;
    }
    if (is_read)
        p->start = (p->start + (uint32_t)done) % RING_BYTES;
    p->used += is_read ? -(uint32_t)done : (uint32_t)done;
    return (int64_t)done;
}

static int64_t pipe_read(struct file *f, struct uio *u, uint64_t *position)
{
    struct pipe *p = f->data;
    (void)position;
    if (!u->left)
        return 0;
    while (!p->used) {
        if (!p->writers)
            return 0;
        int error = ipc_wait(&p->readable, file_deadline(f));
        if (error)
            return error;
    }
    bool was_full = is_full(p);
    int64_t n = move(p, u, MIN(u->left, (size_t)p->used), true);
    if (was_full && n > 0)
        wake_all(&p->writable);
    return n;
}

/* Up to PIPE_BUF bytes go in one piece; longer writes could go in smaller ones, but poll would not call that writable.
 */
static int64_t pipe_write(struct file *f, struct uio *u, uint64_t *position)
{
    struct pipe *p = f->data;
    int64_t done = 0, error = 0;
    (void)position;
    while (u->left && error >= 0) {
        size_t room = RING_BYTES - p->used;
        if (!p->readers) {
            ipc_sigpipe();
            error = -EPIPE;
        } else if (room < MIN(u->left, (size_t)PIPE_BUF)) {
            error = ipc_wait(&p->writable, file_deadline(f));
        } else {
            error = move(p, u, MIN(u->left, room), false);
            if (error > 0) {
                done += error;
                wake_all(&p->readable); /* even if it was not empty: every write is an edge for epoll */
            }
        }
    }
    return done ? done : error;
}

static unsigned pipe_poll(struct file *f, struct poll_table *pt)
{
    struct pipe *p = f->data;
    unsigned bits = 0;
    if (file_can_read(f)) {
        poll_wait(pt, &p->readable);
        bits |= p->used ? EPOLLIN | EPOLLRDNORM : 0;
        /* A FIFO that was opened before its first writer has not been hung up by anyone. */
        bits |= !p->writers && f->position != p->writer_opens ? EPOLLHUP : 0;
    }
    if (file_can_write(f)) {
        poll_wait(pt, &p->writable);
        bits |= !is_full(p) ? EPOLLOUT | EPOLLWRNORM : 0;
        bits |= !p->readers ? EPOLLERR : 0;
    }
    return bits;
}

static int64_t pipe_ioctl(struct file *f, uint32_t request, uint64_t argument)
{
    struct pipe *p = f->data;
    int bytes = (int)p->used;
    return request == FIONREAD ? PUT_USER(argument, bytes) : -ENOTTY;
}

/* --- opening and closing --- */

static void leave(struct inode *inode, struct pipe *p, bool reads, bool writes)
{
    p->readers -= reads;
    p->writers -= writes;
    if (!p->readers && !p->writers) {
        inode->data = NULL;
        pipe_free(p);
    } else if (!p->readers || !p->writers) {
        wake_all(&p->readable);
        wake_all(&p->writable);
    }
}

static void pipe_release(struct file *f) { leave(f->inode, f->data, file_can_read(f), file_can_write(f)); }

static void enter(struct pipe *p, bool reads, bool writes)
{
    p->readers += reads;
    p->writers += writes;
    p->reader_opens += reads;
    p->writer_opens += writes;
    wake_all(&p->opened);
}

static const struct file_ops pipe_file_ops = {
    .read = pipe_read, .write = pipe_write, .poll = pipe_poll, .ioctl = pipe_ioctl, .release = pipe_release};

static int fifo_open(struct file *f)
{
    bool reads = file_can_read(f), writes = file_can_write(f), waits = !(f->flags & O_NONBLOCK);
    bool is_named = f->inode->file_ops != &pipe_file_ops; /* else by way of /proc/PID/fd: nothing to wait for */
    struct pipe *p = f->inode->data;
    if (!reads && !writes)
        return -EINVAL;
    if (is_named && !reads && !waits && (!p || !p->readers))
        return -ENXIO;
    if (!p)
        p = f->inode->data = pipe_create();
    if (!p)
        return -ENOMEM;
    enter(p, reads, writes);
    f->data = p;
    f->position = 0;
    if (is_named && reads && !writes && !p->writers && !waits)
        f->position = p->writer_opens;
    /* Our own count keeps the pipe through the sleep. */
    bool lacks_peer = is_named && waits && ((!writes && !p->writers) || (!reads && !p->readers));
    const uint32_t *opens = reads ? &p->writer_opens : &p->reader_opens;
    for (uint32_t before = *opens; lacks_peer && *opens == before;) {
        int error = ipc_wait(&p->opened, NEVER);
        if (error) {
            leave(f->inode, p, reads, writes);
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
    if (flags & ~(uint32_t)(O_CLOEXEC | O_NONBLOCK)) /* no packets: O_DIRECT */
        return -EINVAL;
    struct pipe *p = pipe_create();
    struct file *reader = p ? ipc_file(S_IFIFO | 0600, &pipe_file_ops, O_RDONLY | (flags & O_NONBLOCK), p) : NULL;
    struct file *writer = reader ? file_create(&pipe_file_ops, O_WRONLY | (flags & O_NONBLOCK), p) : NULL;
    if (!reader) {
        if (p)
            pipe_free(p);
        return -ENOMEM;
    }
    reader->inode->data = p;
    enter(p, true, writer);
    if (!writer) {
        file_put(reader);
        return -ENOMEM;
    }
    writer->inode = inode_get(reader->inode);
    return ipc_install_pair(reader, writer, flags & O_CLOEXEC, to);
}

SYSCALL1(pipe, uint64_t, to) { return create_pair(to, 0); }
SYSCALL2(pipe2, uint64_t, to, uint32_t, flags) { return create_pair(to, flags); }
