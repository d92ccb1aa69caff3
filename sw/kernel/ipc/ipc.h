/* SPDX-License-Identifier: Apache-2.0 */
/* What pipes, sockets, eventfds and epolls share, and what the rest of the kernel needs of them and of futexes. */
#ifndef KERNEL_IPC_H
#define KERNEL_IPC_H

#include "fs/vfs.h"
#include <linux/eventpoll.h>

struct mm;

/* --- ipc/poll.c --- */
/* One look at a file. Who wants to sleep until the next look finds something waits on `pollers` (sched/wait.h). */
struct poll_table {
    uint64_t sequences; /* sum of those of the queues that the file named */
};
unsigned file_poll(struct file *f, struct poll_table *pt);
/* Looks until that finds something, and answers it; 0: nothing at the deadline (0: looks once); -EINTR. */
long poll_until(long (*look)(void *what), void *what, uint64_t deadline);
/* The signal mask for the length of one call, from user memory (address 0: none), until signal_deliver(). */
int mask_begin(uint64_t address, size_t bytes);

/* --- ipc/file.c: files without a name --- */
/* Sleeps once on q. 0: test again; -EAGAIN at the deadline (0: do not sleep at all), -ERESTARTSYS or, with a deadline,
 * -EINTR for a signal. */
int ipc_wait(struct wait_queue *q, uint64_t deadline);
static inline uint64_t file_deadline(const struct file *f) { return f->flags & O_NONBLOCK ? 0 : NEVER; }
/* A file on a fresh inode of this mode (S_IF and permissions), so that fstat knows what it is; NULL: no memory. */
struct file *ipc_file(uint32_t mode, const struct file_ops *ops, uint32_t flags, void *data);
/* Two files into the table and their numbers to user memory: 0 or -errno, the references are gone in any case. */
int ipc_install_pair(struct file *a, struct file *b, bool close_on_exec, uint64_t to);

/* --- ipc/ring.c: bytes on their way one way: a pipe, or half of a connection --- */
enum { RING_BYTES = 65536 };
struct ring {
    char *bytes;
    uint32_t start, used;      /* of bytes */
    uint32_t readers, writers; /* a connection's: 1 until it is shut down */
    struct wait_queue changed; /* readers wait while it is empty and writers while it is full: not both at once */
    uint32_t opens[2];         /* pipes: of readers, of writers, ever */
};
struct ring *ring_create(void); /* nobody has it open; NULL: no memory */
void ring_free(struct ring *r);
bool ring_has_room(const struct ring *r); /* for any write that must not be cut into pieces */
/* As read and write of a pipe. is_peek: the bytes stay; is_quiet: no SIGPIPE. */
int64_t ring_read(struct ring *r, struct uio *u, uint64_t deadline, bool is_peek);
int64_t ring_write(struct ring *r, struct uio *u, uint64_t deadline, bool is_quiet);
int64_t ring_ioctl(const struct ring *r, uint32_t request, uint64_t argument);

/* --- ipc/futex.c: for the end of a thread --- */
int futex_wake_address(struct mm *mm, uint64_t address, uint32_t count); /* how many, or -errno */

#endif
