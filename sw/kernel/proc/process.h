/* SPDX-License-Identifier: Apache-2.0 */
/* Signals, job control and the life of processes. */
#ifndef KERNEL_PROCESS_H
#define KERNEL_PROCESS_H

#include "sched/task.h"

#define SIGNAL_BIT(number) (UINT64_C(1) << ((number)-1)) /* in a set of signals */
#define SIGNALS_STOP (SIGNAL_BIT(SIGSTOP) | SIGNAL_BIT(SIGTSTP) | SIGNAL_BIT(SIGTTIN) | SIGNAL_BIT(SIGTTOU))
#define SIGNALS_IGNORED (SIGNAL_BIT(SIGCONT) | SIGNAL_BIT(SIGCHLD) | SIGNAL_BIT(SIGURG) | SIGNAL_BIT(SIGWINCH))
#define SIGNALS_UNBLOCKABLE (SIGNAL_BIT(SIGKILL) | SIGNAL_BIT(SIGSTOP))

enum { STATUS_STOPPED = 0x7f, STATUS_CONTINUED = 0xffff }; /* in process->job_status, as wait4 tells it */

/* --- proc/signal.c --- */
/* To one task or, is_process, to any thread of its process. info NULL: from the kernel (SI_KERNEL). Wakes and kicks. */
void signal_send(struct task *t, int number, const siginfo_t *info, bool is_process);
void signal_send_process(struct process *p, int number, const siginfo_t *info);
void signal_send_threads(struct process *p, int number, const struct task *except); /* to each; SIGKILL, SIGSTOP */
/* number 0 only asks. -ESRCH: nobody. pgrp -1: everyone but process 1 and the caller's own. */
int signal_send_group(int pgrp, int number, const siginfo_t *info);
void signal_fault(struct task *t, int number, int code, uint64_t address); /* kills if it is ignored or blocked */
/* The next signal for t among these, its own before the process's: its number, 0: none. */
int signal_take(struct task *t, uint64_t numbers, siginfo_t *info);
void signal_remove(struct process *p, uint64_t numbers); /* of it and all its threads */
bool signal_is_ignored(const struct process *p, int number);
/* For each of these that are pending for p as a whole somebody who takes it is told, if there is anybody. */
void signal_retarget(struct process *p, uint64_t numbers, const struct task *except);
void signal_set_blocked(struct task *t, uint64_t mask); /* what it no longer takes may wake another thread */

/* --- proc/signal_deliver.c --- */
/* On the way to user mode: delivers what is pending into f, restarts or ends interrupted calls; may not return. */
void signal_deliver(struct frame *f);
bool signal_has_work(const struct task *t, const struct frame *f); /* it must be called */

/* --- proc/job.c --- */
/* Before a signal is sent: a stop takes back SIGCONT and the other way round; SIGCONT continues. */
void job_prepare(struct process *p, int number);
void job_stop(int number); /* the current task's process, by default action; returns when it is continued or killed */
void job_tell_parent(const struct process *p, int code, int status); /* SIGCHLD with CLD_; ends its wait */
bool job_is_orphaned(int pgrp); /* nobody of its session, but outside of the group, is there to continue it */

/* --- proc/exec.c, exit.c --- */
_Noreturn void process_exit(int wait_status); /* the whole process: code << 8, or the signal */
/* Bytes into an address space that need not be the current one. 0 or -EFAULT. */
int exec_store(struct mm *mm, uint64_t to, const void *from, size_t bytes);
/* Process 1; may be called again if that program cannot be run. */
long process_start_init(const char *path, const char *const argv[], const char *const envp[]);
/* The current task leaves its address space for another one (NULL: none), and what was promised for that moment is
 * done: clear_child_tid, vfork. */
void task_replace_mm(struct task *t, struct mm *mm);
void task_release_parts(struct task *t);                               /* what t has besides itself */
bool process_has_thread(struct process *p, const struct task *except); /* a living one */
void task_times(const struct task *t, uint64_t *user_ns, uint64_t *system_ns);
void process_times(const struct process *p, uint64_t *user_ns, uint64_t *system_ns); /* all threads, living and dead */

/* --- proc/system.c --- */
_Noreturn void machine_end(uint32_t status); /* ends the simulation */
uint64_t kernel_random(void);                /* the same numbers in every run */

#endif
