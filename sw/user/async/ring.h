/* SPDX-License-Identifier: Apache-2.0 */
/* A ring in one of three forms, which is what the programs here compare:
 *   normal   no ring: whoever reads is blocked until the data is there
 *   uring    requests go to the kernel's submission thread; the program looks for completions when it likes to
 *   uintr    the same, and each completion is a user interrupt: ring_reap() runs in its handler
 *
 * Completions arrive at one function of the program, in every form that has a ring. In the form uintr it runs inside
 * the handler, between two instructions of whatever the program computes. So it must not wait for anything that the
 * interrupted code holds (malloc, stdio), and whoever touches the ring or shares variables with it outside of it masks
 * user interrupts with ring_lock(). Vector registers are saved around it. */
#ifndef ASYNC_RING_H
#define ASYNC_RING_H

#include <liburing.h>
#include <stdbool.h>
#include <stdint.h>

enum form { FORM_NORMAL, FORM_URING, FORM_UINTR };

struct ring;
typedef void completion_fn(struct ring *ring, uint64_t user_data, int result);

struct ring {
    struct io_uring uring;
    enum form form;
    completion_fn *complete;
    int vector_fd;
    unsigned in_flight; /* submitted and not completed, as far as the program knows */
    /* Where completions were found: in the handler of a user interrupt, by looking, or by waiting in the kernel. */
    uint64_t by_interrupt, by_polling, by_waiting;
};

/* "normal", "uring" or "uintr"; ends the program with status 2 for anything else. */
enum form form_of(const char *name);
extern const char *const form_names[];

/* One ring of the program, of form uring or uintr. entries: of the submission queue. Ends the program if the kernel has
 * no rings, or no user interrupts where they are wanted. */
void ring_open(struct ring *ring, enum form form, unsigned entries, completion_fn *complete);
void ring_close(struct ring *ring);

/* Room for one request; submits first where the queue is full. The caller prepares it with io_uring_prep_*(). */
struct io_uring_sqe *ring_request(struct ring *ring, uint64_t user_data);
void ring_submit(struct ring *ring);
/* Calls complete for everything that is done; how many. For the forms' own use, and for polling. */
unsigned ring_reap(struct ring *ring);
/* Waits until something was completed, in the handler or here. Returns at once if nothing is in flight. */
void ring_wait(struct ring *ring);

/* Between these two no completion runs. They nest. */
void ring_lock(struct ring *ring);
void ring_unlock(struct ring *ring);

_Noreturn void fail(const char *what); /* with errno, status 1 */
uint64_t now_ns(void);                 /* CLOCK_MONOTONIC */

#endif
