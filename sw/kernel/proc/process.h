/* SPDX-License-Identifier: Apache-2.0 */
/* Signals and the life of processes. */
#ifndef KERNEL_PROCESS_H
#define KERNEL_PROCESS_H

#include "sched/task.h"

#define SIGNAL_BIT(number) (UINT64_C(1) << ((number)-1)) /* in a set of signals */

/* --- proc/signal.c --- */
/* To one task or, is_process, to any thread of its process. info NULL: from the kernel (SI_KERNEL). Wakes and kicks. */
void signal_send(struct task *t, int number, const siginfo_t *info, bool is_process);
void signal_send_process(struct process *p, int number, const siginfo_t *info);
/* number 0 only asks. -ESRCH: nobody. pgrp -1: everyone but process 1 and the caller's own. */
int signal_send_group(int pgrp, int number, const siginfo_t *info);
/* A fault of user code: cannot be ignored or blocked (then it kills). */
void signal_fault(struct task *t, int number, int code, uint64_t address);
void signal_reset_actions(struct process *p); /* exec: handlers to default */
bool signal_is_ignored(struct process *p, int number);
/* The mask of a task; what it no longer takes may wake another thread of the process. */
void signal_set_blocked(struct task *t, uint64_t mask);

/* --- proc/signal_deliver.c --- */
/* On the way to user mode: delivers what is pending into f, restarts or ends interrupted calls; may not return (exit).
 */
void signal_deliver(struct frame *f);
/* Whether signal_deliver() must be called: also for a call that was interrupted by a signal that somebody else took, or
 * by a user interrupt. */
bool signal_has_work(const struct task *t, const struct frame *f);

/* --- proc/job.c --- */
/* Nobody outside of the group but inside of its session is there to continue it. */
bool job_is_orphaned(int pgrp);

/* --- proc/exec.c, exit.c --- */
_Noreturn void process_exit(int wait_status); /* the whole process: code << 8, or the signal */
/* Bytes into an address space that need not be the current one. 0 or -EFAULT. */
int exec_store(struct mm *mm, uint64_t to, const void *from, size_t bytes);
/* Process 1; may be called again if that program cannot be run. */
long process_start_init(const char *path, const char *const argv[], const char *const envp[]);
/* The current task leaves its address space for another one (NULL: none), and what was promised for that moment is
 * done: clear_child_tid, vfork. */
void task_replace_mm(struct task *t, struct mm *mm);
/* Gives back what t has besides itself and its mm. */
void task_release_parts(struct task *t);
/* A process without living threads, when nobody will ask for it any more: frees it and its leader, unless that is the
 * caller, who then has to be buried. */
void process_release(struct process *p);
bool process_has_thread(struct process *p, const struct task *except); /* a living one */
/* CPU time of a task; of all threads of a process, living and dead. */
void task_times(const struct task *t, uint64_t *user_ns, uint64_t *system_ns);
void process_times(const struct process *p, uint64_t *user_ns, uint64_t *system_ns);

/* --- proc/system.c --- */
_Noreturn void machine_end(uint32_t status); /* ends the simulation */
/* The same numbers in every run; not for secrets. */
uint64_t kernel_random(void);

#endif
