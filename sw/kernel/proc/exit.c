/* SPDX-License-Identifier: Apache-2.0 */
/* The ends of threads and processes. A thread is buried at once; the first thread of a process stays as a zombie, with
 * its stack, until somebody has waited for the process. */
#include "arch/syscall.h"
#include "fs/tty.h"
#include "ipc/ipc.h"
#include "mm/mm.h"
#include "proc/signal.h"
#include "uintr/uintr.h"

void task_replace_mm(struct task *t, struct mm *mm)
{
    struct mm *old = t->mm;
    if (old) {
        const uint32_t zero = 0;
        if (t->clear_child_tid && old->refs > 1 && !PUT_USER(t->clear_child_tid, zero))
            futex_wake_address(old, t->clear_child_tid, 1);
        t->clear_child_tid = t->robust_list = t->rseq.address = 0;
    }
    t->mm = mm;
    if (t == current)
        mm_activate(mm);
    if (old)
        mm_put(old);
    if (t->vfork_done)
        wake_all(t->vfork_done);
    t->vfork_done = NULL;
}

void task_release_parts(struct task *t)
{
    files_put(t->files);
    t->files = NULL;
    fs_context_put(t->fs);
    t->fs = NULL;
    pending_remove(pending_of_task(t), UINT64_MAX);
}

void process_release(struct process *p)
{
    struct task *leader = p->leader;
    list_remove(&p->sibling);
    pending_remove(pending_of_process(p), UINT64_MAX);
    if (leader) {
        list_remove(&leader->in_process);
        if (leader != current)
            task_free(leader);
    }
    p->leader = NULL;
    kfree(p->command);
    p->command = NULL;
    process_put(p);
}

/* true: the parent does not want to know. */
static bool tell_parent(struct process *p)
{
    struct process *parent = p->parent;
    const struct sigaction *action = &parent->action[SIGCHLD];
    int by_signal = p->exit_status & 0x7f;
    siginfo_t info =
        job_child_info(p, by_signal ? CLD_KILLED : CLD_EXITED, by_signal ? by_signal : p->exit_status >> 8);
    bool is_unwanted = p->exit_signal == SIGCHLD && (action->sa_handler == SIG_IGN || action->sa_flags & SA_NOCLDWAIT);
    if (p->exit_signal > 0 && p->exit_signal <= SIGNALS)
        signal_send_process(parent, p->exit_signal, &info);
    wake_all(&parent->child_event);
    return is_unwanted;
}

static void give_children_away(struct process *p)
{
    struct process *child;
    LIST_FOR_EACH(child, &p->children, sibling)
    {
        list_remove(&child->sibling);
        list_append(&init_process->children, &child->sibling);
        child->parent = init_process;
        child->exit_signal = SIGCHLD;
        int number = child->death_signal;
        if (number)
            signal_send_process(child, number, NULL);
        job_unlink(p, child, NULL);
        if (child->is_dead && tell_parent(child))
            process_release(child);
    }
}

/* The last thread has gone. true: the parent does not want to know, and nothing of p is needed any more. */
static bool end_process(struct process *p)
{
    if (p == init_process)
        machine_end((uint32_t)(p->exit_status & 0x7f ? 128 + (p->exit_status & 0x7f) : p->exit_status >> 8));
    p->is_dead = true;
    p->is_stopped = false;
    timer_stop(&p->alarm);
    if (p->is_session_leader)
        tty_hang_up_session(p->session);
    give_children_away(p);
    job_unlink(p->parent, p, p);
    return tell_parent(p);
}

static bool has_living_thread(struct process *p)
{
    struct task *t;
    LIST_FOR_EACH(t, &p->threads, in_process)
    {
        if (t->state != TASK_ZOMBIE)
            return true;
    }
    return false;
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
    if (has_living_thread(p)) {
        signal_retarget(p, t);
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

void task_exit(int code)
{
    struct task *t = current;
    if (t == t->process->leader && !t->process->group_exiting)
        t->process->exit_status = (code & 0xff) << 8;
    leave();
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

SYSCALL1(exit, int, code) { task_exit(code); }

SYSCALL1(exit_group, int, code) { process_exit((code & 0xff) << 8); }
