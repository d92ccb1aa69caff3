/* SPDX-License-Identifier: Apache-2.0 */
/* What the files about signals and job control share. */
#ifndef KERNEL_SIGNAL_H
#define KERNEL_SIGNAL_H

#include "proc/process.h"
#include <linux/signal.h>

#define SIGNALS_STOP (SIGNAL_BIT(SIGSTOP) | SIGNAL_BIT(SIGTSTP) | SIGNAL_BIT(SIGTTIN) | SIGNAL_BIT(SIGTTOU))
#define SIGNALS_IGNORED (SIGNAL_BIT(SIGCONT) | SIGNAL_BIT(SIGCHLD) | SIGNAL_BIT(SIGURG) | SIGNAL_BIT(SIGWINCH))
#define SIGNALS_UNBLOCKABLE (SIGNAL_BIT(SIGKILL) | SIGNAL_BIT(SIGSTOP))
#define SIGNALS_SYNCHRONOUS                                                                                            \
    (SIGNAL_BIT(SIGSEGV) | SIGNAL_BIT(SIGBUS) | SIGNAL_BIT(SIGILL) | SIGNAL_BIT(SIGTRAP) | SIGNAL_BIT(SIGFPE) |        \
     SIGNAL_BIT(SIGSYS))

/* --- proc/signal_queue.c: what waits to be taken, of a task or of a process --- */
struct pending {
    uint64_t *set;
    siginfo_t *info; /* of the first one of each number */
};
static inline struct pending pending_of_task(struct task *t) { return (struct pending){&t->pending, t->info}; }
static inline struct pending pending_of_process(struct process *p) { return (struct pending){&p->pending, p->info}; }
/* Signals below SIGRTMIN are not counted: one that is pending already is lost. -EAGAIN: no room for one more. */
int pending_add(struct pending q, const siginfo_t *info);
void pending_remove(struct pending q, uint64_t numbers);
int pending_take(struct pending q, uint64_t numbers, siginfo_t *info); /* the number, 0: none of those */
void signal_remove(struct process *p, uint64_t numbers);               /* of it and all its threads */
/* The next signal for t, its own before the process's. */
int signal_take(struct task *t, uint64_t numbers, siginfo_t *info);

/* --- proc/signal.c --- */
/* signal_send() with an answer: -EAGAIN. */
int signal_post(struct task *t, int number, const siginfo_t *info, bool is_process);
void signal_notify(struct task *t); /* it has something to look at: wakes or kicks it */
void signal_kill_threads(struct process *p, const struct task *except);
/* What was sent to the process as a whole and is now not for `self`: others may have to be woken. */
void signal_retarget(struct process *p, const struct task *self);

/* --- proc/signal_frame.c --- */
/* Makes f enter the handler of info's signal on the user's stack; -EFAULT: it has no good one. */
int signal_frame_push(struct frame *f, const siginfo_t *info, const struct sigaction *action);

/* --- proc/signal_calls.c --- */
/* As sigaltstack(), for a program whose stack pointer is sp: 0, -EPERM, -EINVAL, -ENOMEM. */
int signal_set_stack(struct task *t, const stack_t *new, uint64_t sp);
/* sp lies on the alternate stack (strictly: whatever its SS_AUTODISARM says). */
bool signal_is_on_stack(const struct task *t, uint64_t sp, bool is_strict);

/* --- proc/job.c --- */
/* Before a signal is sent: a stop takes back SIGCONT and the other way round; SIGCONT continues. */
void job_prepare(struct process *p, int number);
void job_stop(int number); /* the current task's process, by default action; returns when it is continued or killed */
/* child has lost its parent, or is itself the one that ends (without): if that leaves its group an orphan with stopped
 * members, they get SIGHUP and SIGCONT. */
void job_unlink(const struct process *parent, const struct process *child, const struct process *without);
/* SIGCHLD's information about p. */
siginfo_t job_child_info(const struct process *p, int code, int status);

#endif
