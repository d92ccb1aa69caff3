/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks (what Linux calls threads) and processes (thread groups). An idle task has neither process nor mm. */
#ifndef KERNEL_TASK_H
#define KERNEL_TASK_H

#include "arch/frame.h"
#include "lib/list.h"
#include "sched/time.h"
#include "sched/wait.h"
#include <asm/siginfo.h>
#include <asm/signal.h>

struct mm;
struct files;
struct fpu;
struct uintr_task;
struct file;

enum { CPUS_MAX = 8, KERNEL_STACK_BYTES = 16384, TASK_NAME_BYTES = 16, SIGNALS = 64 };

enum task_state {
    TASK_RUNNABLE, /* running or in a run queue       */
    TASK_SLEEPING, /* a signal wakes it               */
    TASK_DEEP,     /* sleeps; only SIGKILL wakes it   */
    TASK_STOPPED,  /* by SIGSTOP and its kind         */
    TASK_ZOMBIE    /* exited; never runs again        */
};

struct task {
    uint64_t kernel_rsp;   /* known to assembly: arch/entry.S */
    uint8_t *kernel_stack; /* lowest address; KERNEL_STACK_BYTES */
    struct frame *frame;   /* user registers, at the top of the kernel stack */
    int tid;
    enum task_state state;
    struct process *process;
    struct list in_process; /* process->threads */
    struct mm *mm;
    struct files *files;
    struct fpu *fpu; /* arch/fpu.h */
    uint64_t fs_base;
    char name[TASK_NAME_BYTES];

    /* scheduling: sched/sched.c */
    uint32_t cpu;      /* where it runs, ran last, or is queued */
    uint64_t affinity; /* bit per CPU                           */
    int nice;          /* -20..19                               */
    bool on_cpu, need_resched;
    struct list in_queue;
    uint64_t virtual_time;                   /* ns weighted by nice               */
    uint64_t slice_started;                  /* ns, when it was put on the CPU    */
    uint64_t user_ns, system_ns, account_ns; /* account_ns: last change of mode */
    uint64_t switches_voluntary, switches_forced, faults;
    bool timed_out;
    struct timer sleep_timer;

    /* signals: proc/signal.c */
    uint64_t blocked, pending; /* bit n - 1: signal n */
    uint64_t saved_blocked;    /* to be restored after the handler: sigsuspend, ppoll */
    bool has_saved_blocked;
    siginfo_t info[SIGNALS + 1]; /* of pending signals */
    stack_t alternate_stack;
    struct restart {                      /* what restart_syscall() does */
        long (*again)(struct task *self); /* NULL: -EINTR */
        uint64_t rsp;                     /* with which the call was made */
        uint64_t argument[5];
    } restart;

    /* exit: proc/exit.c */
    uint64_t clear_child_tid;
    int vfork_parent; /* its tid: sleeps until this task gives up its mm; 0: no vfork */

    struct uintr_task *uintr; /* uintr/uintr.h; NULL: never used */
    struct uring_task *uring; /* uring/uring.h; likewise */
    struct file *lent_file;   /* what descriptor FD_LENT means */
    bool nowait;              /* whatever would sleep in ipc_wait() answers -EAGAIN */
};

struct process {
    int pid;
    struct process *parent;
    struct list children, sibling;
    struct list threads; /* of struct task.in_process */
    struct list all;     /* every process */
    struct task *leader;
    int pgrp, session;
    bool is_session_leader, is_dead, group_exiting, is_stopped;
    int exit_status;  /* as wait4 reports it */
    int job_status;   /* stopped or continued, as wait4 reports it; 0: nothing to report */
    uint64_t pending; /* signals to the process as a whole */
    siginfo_t info[SIGNALS + 1];
    struct sigaction action[SIGNALS + 1];
    struct wait_queue child_event; /* wait4 */
    struct tty *tty;
    uint64_t rlimit[16][2];
    uint64_t started_ns, dead_user_ns, dead_system_ns, children_user_ns, children_system_ns;
    struct timer alarm;
    uint64_t alarm_interval;
    char executable[256], command[512]; /* path; argv joined by NULs, as much as fits, for /proc */
    size_t command_bytes;
};

struct task *current_task(void);
#define current (current_task())

/* --- sched/task.c: the table of tasks and processes --- */
struct task *task_create(struct process *process, const char *name); /* state SLEEPING, no mm; NULL: no memory */
void task_free(struct task *t); /* what task_create made; the task is not running and in no list */
struct task *task_find(int tid);
struct process *process_create(struct process *parent);  /* NULL: no memory */
void process_free(struct process *p);                    /* takes it out of process_list, too */
void task_exchange_tids(struct task *a, struct task *b); /* a thread that survives exec; process 1 */
struct process *process_find(int pid);
extern struct list process_list; /* struct process.all, in order of birth */
extern struct process *init_process;
bool task_has_signal(const struct task *t); /* one that is pending and not blocked, or SIGKILL */

/* --- sched/sched.c --- */
_Noreturn void sched_start_cpu(void);         /* on each core, with the kernel lock held: its idle loop */
struct task *sched_create_idle(uint32_t cpu); /* a core's idle task; NULL: no memory. Core 0 needs none */
/* Gives the CPU to whoever should have it; returns when this task is picked again. */
void schedule(void);
void task_start(struct task *t); /* a new one becomes runnable */
/* SLEEPING or DEEP becomes runnable. A reschedule IPI goes to the chosen core if that must look up. */
void task_wake(struct task *t);
void task_continue(struct task *t); /* STOPPED becomes runnable: SIGCONT, SIGKILL */
void task_kick(struct task *t);     /* runs in user mode elsewhere: makes it look at its signals */
/* The last thing a task does that nobody waits for: it is freed once off the CPU. */
_Noreturn void sched_bury(struct task *t);
void finish_switch(void); /* the first call of a thread of the kernel, which switch_to() begins with */
void task_prepare_first_run(struct task *child); /* it will go to user mode through child->frame */
void task_yield(void);
void task_set_affinity(struct task *t, uint64_t mask); /* mask has an online CPU; migrates at once */
uint64_t cpus_online(void);                            /* mask */
uint32_t this_cpu_index(void);

#endif
