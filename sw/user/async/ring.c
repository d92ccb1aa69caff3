/* SPDX-License-Identifier: Apache-2.0 */
/* See ring.h. */
#include "ring.h"

#include "ring_handler.h"
#include "uring_uintr.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { IDLE_MS = 2000 }; /* of the submission thread, before it sleeps */

const char *const form_names[] = {"normal", "uring", "uintr"};

static struct ring *the_ring; /* whose completions are user interrupts */
static unsigned lock_depth;

_Noreturn void fail(const char *what)
{
    fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, strerror(errno));
    exit(EXIT_FAILURE);
}

uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

enum form form_of(const char *name)
{
    for (unsigned i = 0; i < sizeof form_names / sizeof *form_names; i++)
        if (strcmp(name, form_names[i]) == 0)
            return (enum form)i;
    fprintf(stderr, "%s: %s: normal, uring or uintr is expected\n", program_invocation_short_name, name);
    exit(2);
}

static void on_interrupt(void) { the_ring->by_interrupt += ring_reap(the_ring); }

void ring_open(struct ring *ring, enum form form, unsigned entries, completion_fn *complete)
{
    struct io_uring_params params = {.flags = IORING_SETUP_SQPOLL, .sq_thread_idle = IDLE_MS};
    *ring = (struct ring){.form = form, .complete = complete, .vector_fd = -1};
    int error = io_uring_queue_init_params(entries, &ring->uring, &params);
    if (error) {
        errno = -error;
        fail("io_uring_setup");
    }
    if (form != FORM_UINTR)
        return;
    the_ring = ring;
    ring->vector_fd = handler_install(on_interrupt);
    if (ring->vector_fd < 0)
        fail("user interrupts");
    error = io_uring_register((unsigned)ring->uring.ring_fd, IORING_REGISTER_UINTR, &ring->vector_fd, 1);
    if (error) {
        errno = -error;
        fail("a user interrupt for the ring");
    }
}

void ring_close(struct ring *ring)
{
    if (ring->form == FORM_UINTR)
        handler_remove(ring->vector_fd);
    io_uring_queue_exit(&ring->uring);
}

void ring_lock(struct ring *ring)
{
    if (ring->form == FORM_UINTR && lock_depth++ == 0)
        handler_mask();
}

void ring_unlock(struct ring *ring)
{
    if (ring->form == FORM_UINTR && --lock_depth == 0)
        handler_unmask();
}

struct io_uring_sqe *ring_request(struct ring *ring, uint64_t user_data)
{
    struct io_uring_sqe *sqe;
    while (!(sqe = io_uring_get_sqe(&ring->uring)))
        ring_submit(ring);
    /* What io_uring_prep_*() leaves alone. */
    sqe->user_data = user_data;
    ring->in_flight++;
    return sqe;
}

void ring_submit(struct ring *ring)
{
    int done = io_uring_submit(&ring->uring);
    if (done < 0 && done != -EBUSY && done != -EINTR && done != -EAGAIN) {
        errno = -done;
        fail("io_uring_submit");
    }
}

unsigned ring_reap(struct ring *ring)
{
    struct io_uring_cqe *cqe;
    unsigned count = 0;
    lock_depth++; /* what is called from here finds interrupts masked, as they are in a handler */
    while (io_uring_peek_cqe(&ring->uring, &cqe) == 0) {
        uint64_t user_data = cqe->user_data;
        int result = cqe->res;
        bool is_last = !(cqe->flags & IORING_CQE_F_MORE);
        io_uring_cqe_seen(&ring->uring, cqe);
        ring->in_flight -= is_last;
        count++;
        ring->complete(ring, user_data, result);
    }
    lock_depth--;
    return count;
}

void ring_wait(struct ring *ring)
{
    struct io_uring_cqe *cqe;
    uint64_t before = ring->by_interrupt;
    ring_lock(ring);
    while (ring->in_flight && before == ring->by_interrupt) {
        /* Masked, so that nobody takes the completion away between the look and the sleep. */
        int error = io_uring_wait_cqe(&ring->uring, &cqe);
        if (error && error != -EINTR) {
            errno = -error;
            fail("io_uring_wait_cqe");
        }
        unsigned found = ring_reap(ring);
        ring->by_waiting += found;
        if (found)
            break;
    }
    ring_unlock(ring);
}
