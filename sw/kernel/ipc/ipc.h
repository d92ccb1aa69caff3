/* SPDX-License-Identifier: Apache-2.0 */
/* What pipes, sockets, eventfds and epolls share, and what the rest of the kernel needs of futexes. */
#ifndef KERNEL_IPC_H
#define KERNEL_IPC_H

#include "fs/vfs.h"
#include <linux/eventpoll.h>

struct mm;

/* --- ipc/pipe.c: files without a name, and rings --- */
/* A file that owns so many zeroed bytes of data, which its release frees, on a fresh inode of this mode, so that fstat
 * knows what it is; NULL: no memory. */
struct file *ipc_file(uint32_t mode, const struct file_ops *ops, uint32_t flags, size_t bytes);
/* Two files into the table and their numbers to user memory: 0 or -errno, the references are gone in any case. */
int ipc_install_pair(struct file *a, struct file *b, bool close_on_exec, uint64_t to);
enum { RING_BYTES = 65536, PIPE_BUF = 4096 };
struct ring {    /* bytes on their way one way: a pipe, or half of a connection */
    char *bytes; /* NULL: nothing was written yet */
    uint32_t start, used;
    uint32_t readers, writers; /* of a connection: 1 until it is shut down */
    uint32_t opens[2];         /* of a pipe: by readers, by writers, ever */
    struct wait_queue changed; /* readers wait while it is empty, writers while it is full */
};
void ring_init(struct ring *r, uint32_t ends);
int64_t ring_read(struct ring *r, struct uio *u, uint64_t deadline);
int64_t ring_write(struct ring *r, struct uio *u, uint64_t deadline, bool is_quiet); /* is_quiet: no SIGPIPE */
static inline bool ring_has_room(const struct ring *r) { return RING_BYTES - r->used >= PIPE_BUF; }

/* --- ipc/poll.c --- */
/* Sleeps once on q. 0: test again; -EAGAIN at the deadline (0: do not sleep at all), -ERESTARTSYS or, with a deadline,
 * -EINTR for a signal. */
int ipc_wait(struct wait_queue *q, uint64_t deadline);
static inline uint64_t file_deadline(const struct file *f) { return f->flags & O_NONBLOCK ? 0 : NEVER; }
struct poll_table {
    uint64_t sequences;                                         /* sum of those of the queues that a file named */
    void (*visit)(struct poll_table *pt, struct wait_queue *q); /* is told of each; NULL: nobody */
};
unsigned file_poll(struct file *f, struct poll_table *pt);
/* Looks until that finds something, and answers it; 0: nothing at the deadline; -EINTR. */
long poll_until(long (*look)(void *what), void *what, uint64_t deadline);
/* The signal mask until the return to user mode, from user memory (address 0: as it is). */
int mask_begin(uint64_t address, size_t bytes);

/* --- ipc/eventfd.c: for io_uring --- */
bool eventfd_add(struct file *f, uint64_t count); /* from anywhere; not what is too much. false: no eventfd */

/* --- ipc/futex.c: for the end of a thread --- */
int futex_wake_address(struct mm *mm, uint64_t address, uint32_t count); /* how many, or -errno */

#endif
