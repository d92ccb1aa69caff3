/* SPDX-License-Identifier: Apache-2.0 */
/* io_uring: rings of requests and completions that user memory shares with the kernel. ABI: <linux/io_uring.h> and the
 * manual pages io_uring(7), io_uring_setup(2), io_uring_enter(2), io_uring_register(2).
 *
 * THE ASYNCHRONOUS PATH. A request belongs to the task that submitted it (struct uring_task) and never outlives it: the
 * end of a task, and exec, cancel its requests and wait for those that are being worked on. So a request may use its
 * owner's address space, descriptors and process at any moment without holding them.
 *
 *   submit.c    takes the SQE, copies what it points at, and runs the request at once with current->nowait set:
 *               whatever would sleep answers -EAGAIN instead.
 *   request.c   Then, if the file can be polled, the request leaves places in the file's wait queues and is ARMED. The
 *               wake-up comes from any task or interrupt, in the midst of the file's own work, so it only moves the
 *               request to a queue: that of its owner if that sleeps in io_uring_enter() or is a submission thread
 *               (sqpoll.c), else that of the workers. There it is tried again, and perhaps armed again. A file that
 *               cannot be polled (opening a FIFO, fsync, a disk) goes to the workers, too.
 *   worker.c    Kernel threads that act for the owner of a request and may sleep. Cancelling it ends the sleep.
 *   complete.c  posts the CQE, from a task or an interrupt (TIMEOUT), and tells everybody: who sleeps in
 *               io_uring_enter(), pollers of the ring, its eventfd, and the user interrupt (notify.c). What is linked
 *               to the request or has waited for it (IOSQE_IO_DRAIN) is started: directly where the caller can run it,
 *               else by way of the same queues.
 *
 * Everything happens under the kernel lock, so only a request that sleeps (RUNNING) can be overtaken. A ring lives
 * until its file is closed and its last request and its submission thread are gone. */
#ifndef KERNEL_URING_H
#define KERNEL_URING_H

#include "arch/uintr.h"
#include "block/cache.h"
#include "ipc/socket.h"
#include "sched/task.h"
#include <linux/io_uring.h>

enum {
    URING_SQ_MAX = 32768,
    URING_CQ_MAX = 2 * URING_SQ_MAX,
    URING_REQUESTS_MAX = 16384, /* of a ring, in flight; then nothing is submitted: EAGAIN */
    URING_OVERFLOW_MAX = 1024   /* CQEs without room; likewise: EBUSY */
};

/* The first page of the region that is mapped at IORING_OFF_SQ_RING and IORING_OFF_CQ_RING; user memory may write all
 * of it. The CQEs follow at `cqe`, then the array of indices of SQEs. */
struct uring_header {
    uint32_t sq_head, sq_tail, cq_head, cq_tail, sq_mask, cq_mask, sq_entries, cq_entries;
    uint32_t sq_dropped, sq_flags, cq_flags, cq_overflow, unused[4];
    struct io_uring_cqe cqe[];
};
_Static_assert(offsetof(struct uring_header, cqe) == 64, "as recent Linux has it");

struct uring {
    uint32_t refs;  /* of file, requests, submission thread */
    uint32_t flags; /* IORING_SETUP_ */
    bool is_closed, is_disabled;
    struct inode *memory; /* a reference: the pages below */
    struct uring_header *header;
    uint32_t *array;
    struct io_uring_sqe *sqes;
    uint32_t sq_entries, cq_entries, sq_head, cq_tail; /* the kernel's own, which nobody can spoil */
    int issuer;                                        /* tid, IORING_SETUP_SINGLE_ISSUER; 0: not yet known */
    struct list all;
    /* requests */
    struct list requests; /* struct request.in_ring: all that have no CQE yet */
    struct list deferred; /* struct request.in_queue: IOSQE_IO_DRAIN, and what came after one */
    struct list timeouts; /* struct request.in_queue */
    uint32_t active;      /* requests that are not deferred */
    bool drain_runs, is_drain_refused;
    /* completions: complete.c */
    uint32_t completions;             /* CQEs posted, without those of TIMEOUT */
    uint32_t overflowed;              /* of the following */
    struct list overflow;             /* struct overflow: CQEs without room */
    struct list sleepers;             /* struct uring_sleeper: in io_uring_enter() */
    struct wait_queue changed, space; /* for poll; room in the SQ of a submission thread */
    struct file *eventfd;             /* a reference; NULL: none */
    /* user interrupt: notify.c */
    struct uitte target;          /* a UITT of one entry, which only this kernel uses */
    struct upid_object *receiver; /* a reference; NULL: none */
    /* registered: register.c */
    struct file **files; /* references, NULL: an empty place */
    struct iovec *buffers;
    uint32_t file_count, buffer_count;
    struct submitter *submitter; /* sqpoll.c; NULL: none, or it has ended */
};

enum request_state {
    REQUEST_LINKED,   /* another one goes before, or it is just being made */
    REQUEST_DEFERRED, /* in ring->deferred        */
    REQUEST_ARMED,    /* in queues of its file    */
    REQUEST_TIMED,    /* in ring->timeouts        */
    REQUEST_QUEUED,   /* for its owner or workers */
    REQUEST_RUNNING
};

struct request {
    struct list in_task, in_ring, in_queue;
    struct uring *ring; /* a reference */
    struct uring_task *owner;
    struct request *link; /* starts when this one is complete; NULL: nothing */
    struct io_uring_sqe sqe;
    const struct operation *op;
    enum request_state state;
    uint32_t serial;
    int result;     /* of is_failed */
    bool is_failed; /* shall not run, but complete with `result` */
    bool is_punted; /* has been with the workers: they may sleep in it */
    bool is_cancelled;
    bool was_armed;       /* has waited for its file before */
    bool is_contradicted; /* the file says that it is ready, and is not */
    bool is_final;        /* -EAGAIN is the answer and no reason to wait */
    bool is_reading;      /* RUNNING, but nobody waits: the disk's interrupt moves `read` on */
    bool is_whole;        /* less than `asked` is a failure: files, MSG_WAITALL */
    struct file *file;    /* a reference, from the first try on */
    struct task *worker;  /* whom cancelling has to wake */
    union {
        struct place {
            struct waiter waiter;
            struct request *request;
        } place[3];            /* in queues of the file, the last one in `pollers` */
        struct file_read read; /* a file of the disk is in none */
    };
    unsigned places;      /* in use */
    uint64_t asked, done; /* bytes wanted, and moved so far */
    struct timer timer;   /* TIMEOUT */
    union {               /* what the SQE pointed at */
        struct {
            struct uio uio;
            struct iovec *own; /* kernel copy; NULL: one piece */
            uint64_t from;     /* offset in the file, of the first byte of all */
        } vectors;
        char *path;
        union socket_name name; /* CONNECT */
        struct {
            uint64_t deadline;
            uint32_t completions; /* ring->completions that end it */
        } timeout;
    };
};

/* What a task has submitted. */
struct uring_task {
    struct task *task;
    struct list requests; /* struct request.in_task  */
    struct list ready;    /* struct request.in_queue */
    bool runs_ready;      /* it looks at `ready` when woken */
    bool is_ending;
};

/* --- for the rest of the kernel --- */
/* The current task ends or execs: its requests are gone afterwards, with the last task of a process its submission
 * threads, too. Sleeps. */
void uring_task_exit(struct task *t);
/* What lives, for /proc/io_uring and the check that nothing is lost. */
extern struct uring_counts {
    uint32_t rings, requests, workers, submitters;
    uint64_t submitted, completed, posts;
} uring_counts;

/* --- ring.c --- */
struct uring *uring_of(const struct file *f); /* NULL: another kind of file */
struct uring *uring_get(struct uring *r);     /* the argument */
void uring_put(struct uring *r);
extern struct list uring_all;

/* --- submit.c --- */
/* Up to `count` SQEs; how many were taken, or -errno if none could be. */
long uring_submit(struct uring *r, uint32_t count);
uint32_t uring_sq_pending(const struct uring *r); /* SQEs that wait */
void uring_start_deferred(struct uring *r);       /* what IOSQE_IO_DRAIN no longer holds up */

/* --- request.c --- */
enum { ISSUE_PENDING = INT32_MIN };             /* of an operation: it will complete by other means */
struct uring_task *uring_task_of_current(void); /* made at first use; NULL: no memory */
struct request *request_create(struct uring *r, struct uring_task *owner); /* NULL: no memory, or too many */
void request_free(struct request *q);
/* Runs q, and what is linked to it, as far as it gets without waiting. may_sleep: in a worker. */
void request_run(struct request *q, bool may_sleep);
void request_queue(struct request *q);                  /* is run soon, by its owner or a worker */
int request_cancel(struct request *q);                  /* 0; -EALREADY: it is being worked on, and told to stop */
void request_finish(struct request *q, int64_t result); /* from anywhere: completes, queues what is linked to it */
void request_cancel_ring(struct uring *r);              /* everything of it */
/* Queues q at its file. 0: armed; EPOLL bits that hold already. */
int request_arm(struct request *q, unsigned wanted);
void uring_run_ready(struct uring_task *t); /* of the current task */
void uring_hand_over(struct uring_task *t); /* the rest goes to the workers */
/* Between two requests: one task's long work lets others at the kernel lock and interrupts in. */
void uring_breathe(void);

/* --- complete.c --- */
struct uring_sleeper {
    struct list link;
    struct task *task;
    uint32_t wanted; /* CQEs */
};
struct request *request_complete(struct request *q, int64_t result); /* q is gone; what is to be run next, or NULL */
uint32_t uring_cq_ready(const struct uring *r);
bool uring_flush_overflow(struct uring *r); /* false: some are left */
void uring_free_overflow(struct uring *r);

/* --- notify.c --- */
int uring_set_receiver(struct uring *r, int fd);
int uring_clear_receiver(struct uring *r); /* -ENXIO */
void uring_notify(struct uring *r);

/* --- worker.c --- */
int workers_start(void); /* with the first ring: 0 or -ENOMEM. From then on there is always one */
void worker_queue(struct request *q);
/* A thread of the kernel, which has yet to be started and is buried when `main` returns; NULL: no memory. */
struct task *kernel_thread(const char *name, int number, void (*main)(void *argument), void *argument);

/* --- sqpoll.c --- */
int submitter_start(struct uring *r, const struct io_uring_params *p);
void submitter_stop(struct uring *r);           /* does not wait */
void submitter_stop_process(struct process *p); /* and waits */
void submitter_wake(struct uring *r);
bool submitter_is_gone(const struct uring *r);

/* --- operations.c; op_*.c define them --- */
struct operation {
    int (*prepare)(struct request *q); /* checks the SQE, copies what it points at: 0 or -errno; NULL: nothing to do */
    int64_t (*issue)(struct request *q); /* the result, -EAGAIN: would sleep, ISSUE_PENDING */
    void (*release)(struct request *q);  /* what prepare made; NULL: nothing */
    unsigned poll;                       /* EPOLL bits to wait for after -EAGAIN; 0: a worker has to sleep in it */
    bool needs_file, always_punts, takes_ioprio, takes_buffers;
};
extern const struct operation operations[IORING_OP_LAST];
static inline bool operation_exists(unsigned opcode) { return opcode < IORING_OP_LAST && operations[opcode].issue; }
struct file *request_find_file(const struct request *q); /* a reference, or NULL */

#define OPERATION(name)                                                                                                \
    int prepare_##name(struct request *q);                                                                             \
    int64_t issue_##name(struct request *q)
OPERATION(rw); /* op_file.c: READ, WRITE and their relatives */
OPERATION(fsync);
OPERATION(path); /* OPENAT */
OPERATION(close);
int64_t issue_statx(struct request *q); /* prepared as OPENAT */
OPERATION(accept);                      /* op_socket.c */
OPERATION(connect);
OPERATION(transfer); /* SEND, RECV */
OPERATION(poll);     /* op_wait.c */
OPERATION(timeout);
OPERATION(cancel);
#undef OPERATION
void release_rw(struct request *q), release_path(struct request *q);
void timeouts_check(struct uring *r); /* those that wait for a number of completions */

/* --- register.c --- */
void uring_forget_files(struct uring *r);

#endif
