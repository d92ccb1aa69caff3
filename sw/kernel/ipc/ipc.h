/* SPDX-License-Identifier: Apache-2.0 */
/* What pipes, sockets, poll, epoll and futexes share, and what the rest of the kernel needs of them. */
#ifndef KERNEL_IPC_H
#define KERNEL_IPC_H

#include "fs/vfs.h"
#include <linux/eventpoll.h>

struct mm;

/* --- ipc/poll.c --- */
struct poll_entry {
    struct waiter waiter;
    struct list in_owner; /* of an epoll's interest, which may go away while the task sleeps */
};

/* One look at a set of files: what the caller wants to know of each, and where it waits if nothing is ready. */
struct poll_table {
    unsigned wanted;    /* EPOLL bits of the file at hand; poll callbacks need not name queues of others */
    bool registers;     /* poll_wait() queues the task; cleared once something is ready                  */
    bool failed;        /* no memory for a place in some queue                                           */
    uint64_t sequences; /* sum of those of the queues named                                              */
    uint64_t pass;      /* number of this look                                                           */
    struct list *owner; /* of struct poll_entry.in_owner; NULL: nobody                                   */
    struct poll_chunk *chunks;
    unsigned used; /* of first[] or of the newest chunk */
    struct poll_entry first[6];
};
void poll_table_begin(struct poll_table *pt, bool registers);
void poll_table_end(struct poll_table *pt); /* leaves all queues */
/* For files with a queue for each direction: names those that `wanted` is about. */
void poll_wait_both(struct poll_table *pt, struct wait_queue *readable, struct wait_queue *writable);

/* The signal mask for the length of one call, from user memory (address 0: none). 0, -EINVAL, -EFAULT. */
int mask_begin(uint64_t address, size_t bytes);
void mask_end(bool by_signal); /* by_signal: signal_deliver() puts the old mask back after the handler */

/* --- ipc/pipe.c: helpers of all files without a name --- */
/* Sleeps once on q. 0: test again; -EAGAIN at the deadline (0: do not sleep at all), -ERESTARTSYS or, with a deadline,
 * -EINTR for a signal. */
int ipc_wait(struct wait_queue *q, uint64_t deadline);
static inline uint64_t file_deadline(const struct file *f) { return f->flags & O_NONBLOCK ? 0 : NEVER; }
void ipc_sigpipe(void);
/* A file on a fresh inode of this mode (S_IF and permissions), so that fstat knows what it is; NULL: no memory. */
struct file *ipc_file(uint32_t mode, const struct file_ops *ops, uint32_t flags, void *data);
/* Two files into the table and their numbers to user memory: 0 or -errno, the references are gone in any case. */
int ipc_install_pair(struct file *a, struct file *b, bool close_on_exec, uint64_t to);

/* --- ipc/futex.c: for the end of a thread --- */
int futex_wake_address(struct mm *mm, uint64_t address, uint32_t count); /* how many, or -errno */
void futex_exit_robust(struct task *t); /* t is the current task, its mm is still there */

#endif
