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

enum { STATUS_STOPPED = 0x7f, STATUS_CONTINUED = 0xffff }; /* in process->job_status, as wait4 tells it */

/* --- proc/signal.c --- */
/* The next signal for t among these, its own before the process's: its number, 0: none. */
int signal_take(struct task *t, uint64_t numbers, siginfo_t *info);
void signal_remove(struct process *p, uint64_t numbers); /* of it and all its threads */
void signal_notify(struct task *t);                      /* it has something to look at: wakes or kicks it */
void signal_kill_threads(struct process *p, const struct task *except);
/* Pending signals of the process as a whole: for each somebody who takes it is told. If there is nobody, it waits for
 * the first that goes to user mode or unblocks it. */
void signal_retarget(struct process *p, uint64_t numbers, const struct task *except);

bool signal_is_on_stack(const struct task *t, uint64_t sp); /* the alternate one: proc/signal_deliver.c */

/* --- proc/job.c --- */
/* Before a signal is sent: a stop takes back SIGCONT and the other way round; SIGCONT continues. */
void job_prepare(struct process *p, int number);
void job_stop(int number); /* the current task's process, by default action; returns when it is continued or killed */
/* SIGCHLD with CLD_ and si_status; ends its wait. */
void job_tell_parent(const struct process *p, int code, int status);

#endif
