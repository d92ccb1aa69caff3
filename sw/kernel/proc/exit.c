/* SPDX-License-Identifier: Apache-2.0 */
/* The ends of threads and processes, and waiting for them. A thread is buried at once; the first thread of a process
 * stays as a zombie, with its stack, until somebody has waited for the process. */
#include "arch/syscall.h"
#include "block/block.h"
#include "fs/tty.h"
#include "ipc/ipc.h"
#include "mm/mm.h"
#include "proc/process.h"
#include "sched/time.h"
#include "uintr/uintr.h"
#include "uring/uring.h"
#include <linux/resource.h>
#include <linux/wait.h>

void task_times(const struct task *t, uint64_t *user_ns, uint64_t *system_ns)
{
    uint64_t now = clock_now(); /* another core's may be ahead */
    uint64_t running_ns = t->on_cpu && now > t->account_ns ? now - t->account_ns : 0;
    /* Only one task is in the kernel: we. */
    *user_ns = t->user_ns + (t == current ? 0 : running_ns);
    *system_ns = t->system_ns + (t == current ? running_ns : 0);
}

void process_times(const struct process *p, uint64_t *user_ns, uint64_t *system_ns)
{
    struct task *t;
    *user_ns = p->dead_user_ns;
    *system_ns = p->dead_system_ns;
    for (LIST_EACH(t, &p->threads, in_process)) {
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
    struct task *vfork_parent = task_find(t->vfork_parent);
    t->vfork_parent = 0;
    if (vfork_parent)
        task_wake(vfork_parent);
}

void task_release_parts(struct task *t)
{
    files_put(t->files);
    t->files = NULL;
    if (t->mm)
        mm_put(t->mm);
    t->mm = NULL;
}

/* A process without living threads, when nobody will ask for it any more: frees it and its leader, unless that is the
 * caller, who then has to be buried. */
static void process_release(struct process *p)
{
    if (p->leader != current)
        task_free(p->leader);
    process_free(p);
}

bool process_has_thread(struct process *p, const struct task *except)
{
    struct task *t;
    for (LIST_EACH(t, &p->threads, in_process))
        if (t != except && t->state != TASK_ZOMBIE)
            return true;
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

/* The last thread has gone; p's children become process 1's. true: nothing of p is needed any more. */
static bool end_process(struct process *p)
{
    int by_signal = p->exit_status & 0x7f;
    struct process *child;
    if (p == init_process) {
        storage_end();
        machine_end((uint32_t)(by_signal ? 128 + by_signal : p->exit_status >> 8));
    }
    p->is_dead = true;
    p->is_stopped = false;
    timer_stop(&p->alarm);
    if (p->is_session_leader)
        tty_hang_up_session(p->session);
    for (LIST_EACH(child, &p->children, sibling)) {
        list_remove(&child->sibling);
        list_append(&init_process->children, &child->sibling);
        child->parent = init_process;
        if (child->is_dead && tell_end(child))
            process_release(child);
    }
    return tell_end(p);
}

static _Noreturn void leave(void)
{
    struct task *t = current;
    struct process *p = t->process;
    uring_task_exit(t);
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
        if (p->group_exiting)
            task_wake(p->leader); /* which may exec and wait for the others' ends */
    } else if (end_process(p)) {
        process_release(p);
        is_kept = false;
    }
    if (is_kept)
        schedule(); /* for ever: nobody wakes a zombie */
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
        signal_send_threads(p, SIGKILL, current);
    }
    leave();
}

SYSCALL1(set_tid_address, uint64_t, address)
{
    current->clear_child_tid = address;
    return current->tid;
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

/* The pid of the child if it has something to tell, which it does once. A dead one is done with: what it used is its
 * parent's children's. */
static int ask(struct process *child, uint32_t options, int *status, struct rusage *usage)
{
    struct process *parent = child->parent;
    uint64_t user, system;
    int pid = child->pid;
    *status = child->is_dead ? child->exit_status : child->job_status;
    if (child->is_dead) {
        process_times(child, &user, &system);
        user += child->children_user_ns;
        system += child->children_system_ns;
        usage->ru_utime = timeval_of(user);
        usage->ru_stime = timeval_of(system);
        parent->children_user_ns += user;
        parent->children_system_ns += system;
        process_release(child);
        return pid;
    }
    if (!*status || !(options & (*status == STATUS_CONTINUED ? WCONTINUED : WUNTRACED)))
        return 0;
    child->job_status = 0;
    return pid;
}

/* The pid of one of these children that has something to tell; 0: none has, -ECHILD: there is none. */
static long ask_children(int id, uint32_t options, int *status, struct rusage *usage)
{
    struct process *self = current->process, *child;
    long result = -ECHILD;
    for (LIST_EACH(child, &self->children, sibling)) {
        if (id != -1 && id != child->pid && (id ? -id : self->pgrp) != child->pgrp)
            continue;
        result = ask(child, options, status, usage);
        if (result)
            break;
    }
    return result;
}

SYSCALL4(wait4, int, id, uint64_t, status_to, uint32_t, options, uint64_t, usage_to)
{
    struct rusage usage = {0};
    int status;
    long pid = 0;
    if (options & ~(WNOHANG | WUNTRACED | WCONTINUED | __WALL))
        return -EINVAL;
    if (id == INT32_MIN)
        return -ESRCH;
    if (wait_event(&current->process->child_event,
                   pid || (pid = ask_children(id, options, &status, &usage)) || options & WNOHANG))
        return -ERESTARTSYS;
    if (pid > 0 && ((status_to && PUT_USER(status_to, status)) || (usage_to && PUT_USER(usage_to, usage))))
        return -EFAULT;
    return pid;
}
