/* SPDX-License-Identifier: Apache-2.0 */
/* The ends of threads and processes, and waiting for them. A thread is buried at once; the first thread of a process
 * stays as a zombie, with its stack, until somebody has waited for the process. */
#include "arch/syscall.h"
#include "block/block.h"
#include "fs/tty.h"
#include "ipc/ipc.h"
#include "mm/mm.h"
#include "proc/signal.h"
#include "sched/time.h"
#include "string.h"
#include "uintr/uintr.h"
#include <linux/resource.h>
#include <linux/wait.h>

void task_times(const struct task *t, uint64_t *user_ns, uint64_t *system_ns)
{
    uint64_t running_ns = t->on_cpu ? clock_now() - t->account_ns : 0; /* only one task is in the kernel: we */
    *user_ns = t->user_ns + (t == current ? 0 : running_ns);
    *system_ns = t->system_ns + (t == current ? running_ns : 0);
}

void process_times(const struct process *p, uint64_t *user_ns, uint64_t *system_ns)
{
    struct task *t;
    *user_ns = p->dead_user_ns;
    *system_ns = p->dead_system_ns;
    LIST_FOR_EACH(t, &p->threads, in_process)
    {
        uint64_t user, system;
        task_times(t, &user, &system);
        *user_ns += user;
        *system_ns += system;
    }
}

void task_replace_mm(struct task *t, struct mm *mm)
{
    struct mm *old = t->mm;
    const uint32_t zero = 0;
    if (old && t->clear_child_tid && old->refs > 1 && !PUT_USER(t->clear_child_tid, zero))
        futex_wake_address(old, t->clear_child_tid, 1);
    t->clear_child_tid = 0;
    t->mm = mm;
    mm_activate(mm);
    if (old)
        mm_put(old);
    if (t->vfork_parent)
        task_wake(t->vfork_parent);
    t->vfork_parent = NULL;
}

void task_release_parts(struct task *t)
{
    files_put(t->files);
    t->files = NULL;
    fs_context_put(t->fs);
    t->fs = NULL;
}

void process_release(struct process *p)
{
    if (p->leader != current)
        task_free(p->leader);
    process_free(p);
}

bool process_has_thread(struct process *p, const struct task *except)
{
    struct task *t;
    LIST_FOR_EACH(t, &p->threads, in_process)
    {
        if (t != except && t->state != TASK_ZOMBIE)
            return true;
    }
    return false;
}

/* true: the parent does not want to know. */
static bool tell_end(struct process *p)
{
    int by_signal = p->exit_status & 0x7f;
    job_tell_parent(p, by_signal ? CLD_KILLED : CLD_EXITED, by_signal ? by_signal : p->exit_status >> 8);
    const struct sigaction *action = &p->parent->action[SIGCHLD];
    return action->sa_handler == SIG_IGN || action->sa_flags & SA_NOCLDWAIT;
}

static void give_children_away(struct process *p)
{
    struct process *child;
    LIST_FOR_EACH(child, &p->children, sibling)
    {
        list_remove(&child->sibling);
        list_append(&init_process->children, &child->sibling);
        child->parent = init_process;
        if (child->is_dead && tell_end(child))
            process_release(child);
    }
}

/* The last thread has gone. true: the parent does not want to know, and nothing of p is needed any more. */
static bool end_process(struct process *p)
{
    int by_signal = p->exit_status & 0x7f;
    if (p == init_process) {
        storage_end();
        machine_end((uint32_t)(by_signal ? 128 + by_signal : p->exit_status >> 8));
    }
    p->is_dead = true;
    p->is_stopped = false;
    timer_stop(&p->alarm);
    if (p->is_session_leader)
        tty_hang_up_session(p->session);
    give_children_away(p);
    return tell_end(p);
}

static _Noreturn void leave(void)
{
    struct task *t = current;
    struct process *p = t->process;
    uintr_task_exit(t);
    task_replace_mm(t, NULL);
    task_release_parts(t);
    t->state = TASK_ZOMBIE;
    bool is_kept = t == p->leader;
    if (!is_kept) {
        list_remove(&t->in_process);
        p->dead_user_ns += t->user_ns;
        p->dead_system_ns += t->system_ns + (clock_now() - t->account_ns);
    }
    if (process_has_thread(p, NULL)) {
        signal_retarget(p, p->pending, t);
        wake_all(&p->child_event); /* exec waits for the others' ends */
    } else if (end_process(p)) {
        process_release(p);
        is_kept = false;
    }
    if (is_kept) {
        schedule();
        panic("zombie %d runs", t->tid);
    }
    t->process = NULL;
    sched_bury(t);
}

void process_exit(int wait_status)
{
    struct process *p = current->process;
    if (!p->group_exiting) { /* else somebody was first, or another thread execs */
        p->group_exiting = true;
        p->exit_status = wait_status;
        p->is_stopped = false;
        signal_kill_threads(p, current);
    }
    leave();
}

SYSCALL1(exit, int, code)
{
    struct process *p = current->process;
    if (current == p->leader && !p->group_exiting)
        p->exit_status = (code & 0xff) << 8;
    leave();
}

SYSCALL1(exit_group, int, code) { process_exit((code & 0xff) << 8); }

/* --- waiting --- */

/* A dead child is done with: what it used is its parent's children's. */
static int reap(struct process *child, struct rusage *usage)
{
    struct process *parent = child->parent;
    uint64_t user, system;
    int pid = child->pid;
    process_times(child, &user, &system);
    user += child->children_user_ns;
    system += child->children_system_ns;
    *usage = (struct rusage){.ru_utime = timeval_of(user), .ru_stime = timeval_of(system)};
    parent->children_user_ns += user;
    parent->children_system_ns += system;
    process_release(child);
    return pid;
}

/* The pid of the child if it has something to tell, which it does once. */
static int ask(struct process *child, uint32_t options, int *status, struct rusage *usage)
{
    *status = child->is_dead ? child->exit_status : child->job_status;
    if (child->is_dead)
        return reap(child, usage);
    if (!*status || !(options & (*status == STATUS_CONTINUED ? WCONTINUED : WUNTRACED)))
        return 0;
    child->job_status = 0;
    return child->pid;
}

static bool is_meant(int id, const struct process *child)
{
    return id == -1 || id == child->pid || -id == child->pgrp || (!id && child->pgrp == current->process->pgrp);
}

/* As wait4() answers; 0: no child has something to tell (WNOHANG). */
static long wait_for(int id, uint32_t options, int *status, struct rusage *usage)
{
    struct process *self = current->process, *child;
    struct waiter w;
    for (bool is_interrupted = false;;) {
        bool exists = false;
        LIST_FOR_EACH(child, &self->children, sibling)
        {
            if (!is_meant(id, child))
                continue;
            exists = true;
            int pid = ask(child, options, status, usage);
            if (pid)
                return pid;
        }
        if (!exists)
            return -ECHILD;
        if (options & WNOHANG)
            return 0;
        if (is_interrupted)
            return -ERESTARTSYS;
        wait_begin(&self->child_event, &w);
        is_interrupted = task_sleep(NEVER) == -EINTR;
        wait_end(&w);
    }
}

SYSCALL4(wait4, int, id, uint64_t, status_to, uint32_t, options, uint64_t, usage_to)
{
    struct rusage usage;
    int status;
    memset(&usage, 0, sizeof usage);
    if (options & ~(WNOHANG | WUNTRACED | WCONTINUED | __WALL))
        return -EINVAL;
    if (id == INT32_MIN)
        return -ESRCH;
    long pid = wait_for(id, options, &status, &usage);
    if (pid > 0 && ((status_to && PUT_USER(status_to, status)) || (usage_to && PUT_USER(usage_to, usage))))
        return -EFAULT;
    return pid;
}
