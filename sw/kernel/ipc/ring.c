/* SPDX-License-Identifier: Apache-2.0 */
/* Rings of bytes, with a reader's and a writer's end. */
#include "ipc/ipc.h"
#include "mm/mm.h"
#include "proc/process.h"
#include <asm/ioctls.h>

enum { PIPE_BUF = 4096 };

struct ring *ring_create(void)
{
    struct ring *r = kzalloc(sizeof *r);
    if (r)
        r->bytes = kmalloc(RING_BYTES);
    if (!r || !r->bytes) {
        kfree(r);
        return NULL;
    }
    wait_queue_init(&r->changed);
    return r;
}

void ring_free(struct ring *r)
{
    if (r)
        kfree(r->bytes);
    kfree(r);
}

bool ring_has_room(const struct ring *r) { return RING_BYTES - r->used >= PIPE_BUF; }

/* Copies up to `limit` bytes out of the ring or into it, in one or two pieces, for the caller to account; what a bad
 * page of the user's cut off stays outside. */
static int64_t copy(struct ring *r, struct uio *u, size_t limit, bool is_read)
{
    size_t done = 0;
    while (done < limit) {
        size_t at = (r->start + (is_read ? 0 : r->used) + done) % RING_BYTES;
        size_t n = MIN(limit - done, RING_BYTES - at), left = u->left;
        int error = is_read ? uio_to(u, r->bytes + at, n) : uio_from(u, r->bytes + at, n);
        done += left - u->left;
        if (error && (!done || (!is_read && limit <= PIPE_BUF)))
            return error; /* a short write is all or nothing */
        if (error)
            break;
    }
    return (int64_t)done;
}

int64_t ring_read(struct ring *r, struct uio *u, uint64_t deadline, bool is_peek)
{
    if (!u->left)
        return 0;
    while (!r->used) {
        if (!r->writers)
            return 0;
        int error = ipc_wait(&r->changed, deadline);
        if (error)
            return error;
    }
    bool was_full = !ring_has_room(r);
    int64_t n = copy(r, u, MIN(u->left, (size_t)r->used), true);
    if (n < 0 || is_peek)
        return n;
    r->start = (r->start + (uint32_t)n) % RING_BYTES;
    r->used -= (uint32_t)n;
    if (was_full)
        wake_all(&r->changed);
    return n;
}

/* Up to PIPE_BUF bytes go in one piece; longer writes could go in smaller ones, but poll would not call that writable.
 */
int64_t ring_write(struct ring *r, struct uio *u, uint64_t deadline, bool is_quiet)
{
    int64_t done = 0, error = 0;
    while (u->left && error >= 0) {
        size_t room = RING_BYTES - r->used;
        if (!r->readers) {
            error = -EPIPE;
            if (!is_quiet)
                signal_send(current, SIGPIPE, NULL, false);
        } else if (room < MIN(u->left, (size_t)PIPE_BUF)) {
            error = ipc_wait(&r->changed, deadline);
        } else {
            error = copy(r, u, MIN(u->left, room), false);
            if (error > 0) {
                done += error;
                r->used += (uint32_t)error;
                wake_all(&r->changed); /* even if it was not empty: every write is an edge for epoll */
            }
        }
    }
    return done ? done : error;
}

int64_t ring_ioctl(const struct ring *r, uint32_t request, uint64_t argument)
{
    int bytes = (int)r->used;
    return request == FIONREAD ? PUT_USER(argument, bytes) : -ENOTTY;
}
