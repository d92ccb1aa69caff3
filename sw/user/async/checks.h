/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of uring_checks share: a ring per group of checks, one line per check. */
#ifndef ASYNC_CHECKS_H
#define ASYNC_CHECKS_H

#include <liburing.h>
#include <stdbool.h>
#include <stdint.h>

enum { NOTHING = -100000 /* no completion came */ };

extern bool is_linux; /* the real one: what it lacks or has besides is skipped */

bool line(bool is_right, const char *format, ...) __attribute__((format(printf, 2, 3)));
void skip(const char *text);
void expect(long result, long expected, const char *text); /* also errors: -errno */
_Noreturn void give_up(const char *what);                  /* the group cannot go on */

/* A ring of the group's own. */
struct io_uring *open_ring(unsigned entries, unsigned flags);
struct io_uring_sqe *next_sqe(struct io_uring *ring, uint64_t user_data);
/* The result of the next completion, and whose it is; NOTHING after some time. */
int await(struct io_uring *ring, uint64_t *user_data);
int submit_and_await(struct io_uring *ring); /* submits what is there, one completion's result */
bool has_nothing(struct io_uring *ring);     /* no completion is there or comes within 30 ms */
void close_ring(struct io_uring *ring);
void make_pipe(int fds[2]);
int make_file(const char *text); /* without a name, at its end */
/* An SQE: READ at offset 0. */
void read_into(struct io_uring *ring, int fd, void *to, unsigned bytes, uint64_t user_data);
uint64_t now_us(void);
void sleep_ms(long ms);
long proc_count(const char *name); /* of /proc/io_uring; -1: there is none */

/* uring_operations.c */
void check_files(void);
void check_fifo_open(void);
void check_pipes(void);
void check_sockets(void);
void check_timeouts(void);
void check_cancel(void);
/* uring_rings.c */
void check_links(void);
void check_drain(void);
void check_overflow(void);
void check_registered(void);
void check_submission_thread(void);
void check_bad_input(void);
void check_ends(void);
void check_signals(void);
/* uring_corners.c */
void check_in_flight(void);
void check_chain_ends(void);
void check_cancel_keys(void);
void check_enter(void);
void check_connections(void);
void check_shared(void);
void check_user_interrupts(void); /* uring_uintr.c */

#endif
