/* SPDX-License-Identifier: Apache-2.0 */
/* New tasks: fork, vfork, clone, clone3. There are no namespaces, and no process can share the signal actions of
 * another: CLONE_SIGHAND without CLONE_THREAD gives the child a copy. */
#include "arch/cpu.h"
#include "arch/syscall.h"
#include "fs/vfs.h"
#include "mm/mm.h"
#include "proc/exec.h"
#include "proc/signal.h"
#include "string.h"
#include "uintr/uintr.h"
#include <linux/sched.h>

#define CLONE_NAMESPACES                                                                                               \
    (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET)
#define CLONE_LEGACY 0xffffffffull

static long check(const struct clone_args *a)
{
    uint64_t f = a->flags;
    bool is_thread = f & CLONE_THREAD;
    if (f & (CLONE_NAMESPACES | CLONE_PIDFD | CLONE_INTO_CGROUP))
        return -EINVAL;
    if ((is_thread && !(f & CLONE_SIGHAND)) || (f & CLONE_SIGHAND && !(f & CLONE_VM)))
        return -EINVAL;
    if (f & CLONE_SIGHAND && f & CLONE_CLEAR_SIGHAND)
        return -EINVAL;
    if (f & CLONE_PARENT && current->process == init_process)
        return -EINVAL;
    return f & CLONE_SETTLS && a->tls >= USER_END ? -EPERM : 0;
}

/* A process like the current one; its first thread is still to come. */
static struct process *copy_process(const struct clone_args *a)
{
    struct process *self = current->process;
    bool is_sibling = a->flags & CLONE_PARENT;
    struct process *p = process_create(is_sibling ? self->parent : self);
    if (!p)
        return NULL;
    p->pgrp = self->pgrp;
    p->session = self->session;
    p->tty = self->tty;
    p->uid = self->uid;
    p->gid = self->gid;
    p->exit_signal = is_sibling ? self->exit_signal : (int)a->exit_signal;
    p->continue_reported = true; /* nothing to report */
    memcpy(p->action, self->action, sizeof p->action);
    memcpy(p->rlimit, self->rlimit, sizeof p->rlimit);
    memcpy(p->executable, self->executable, sizeof p->executable);
    p->command = kmalloc(self->command_bytes);
    if (p->command) {
        memcpy(p->command, self->command, self->command_bytes);
        p->command_bytes = self->command_bytes;
    }
    if (a->flags & CLONE_CLEAR_SIGHAND)
        signal_reset_actions(p);
    p->is_not_dumpable = self->is_not_dumpable;
    p->has_no_new_privileges = self->has_no_new_privileges;
    return p;
}

static bool copy_parts(struct task *child, uint64_t flags)
{
    struct task *t = current;
    if (flags & CLONE_VM) {
        mm_get(t->mm);
        child->mm = t->mm;
    } else {
        child->mm = mm_fork(t->mm);
    }
    child->files = flags & CLONE_FILES ? files_get(t->files) : files_copy(t->files);
    if (flags & CLONE_FS) {
        t->fs->refs++;
        child->fs = t->fs;
    } else {
        child->fs = fs_context_copy(t->fs);
    }
    child->fpu = fpu_copy(t);
    return child->mm && child->files && child->fs && child->fpu;
}

static void copy_state(struct task *child, const struct clone_args *a)
{
    const struct task *t = current;
    child->frame = (struct frame *)(child->kernel_stack + KERNEL_STACK_BYTES) - 1;
    *child->frame = *t->frame;
    child->frame->rax = 0;
    child->frame->error = UINT64_MAX;
    if (a->stack)
        child->frame->rsp = a->stack + a->stack_size;
    child->fs_base = a->flags & CLONE_SETTLS ? a->tls : t->fs_base;
    child->gs_base = t->gs_base;
    child->cpu = t->cpu;
    child->affinity = t->affinity;
    child->nice = t->nice;
    child->blocked = t->blocked;
    child->alternate_stack.ss_flags = SS_DISABLE;
    if ((a->flags & (CLONE_VM | CLONE_VFORK)) != CLONE_VM) /* two may not run on one stack at the same time */
        child->alternate_stack = t->alternate_stack;
    child->clear_child_tid = a->flags & CLONE_CHILD_CLEARTID ? a->child_tid : 0;
}

static void discard(struct task *child, bool has_own_process)
{
    struct process *p = child->process;
    if (child->mm)
        mm_put(child->mm);
    child->mm = NULL;
    task_release_parts(child);
    if (has_own_process) {
        process_release(p);
    } else {
        list_remove(&child->in_process);
        task_free(child);
    }
}

/* The parent sleeps until the child has left the address space; only its own death ends that earlier. */
static void wait_for_vfork(int tid, struct wait_queue *done)
{
    struct waiter w;
    struct task *child;
    int result = 0;
    while ((child = task_find(tid)) != NULL && child->vfork_done == done) {
        if (result) {
            child->vfork_done = NULL; /* the queue goes with our stack */
            return;
        }
        wait_begin(done, &w);
        result = task_sleep_uninterrupted(NEVER);
        wait_end(&w);
    }
}

static long create(const struct clone_args *a)
{
    long error = check(a);
    if (error)
        return error;
    struct task *t = current;
    bool is_process = !(a->flags & CLONE_THREAD);
    struct process *p = is_process ? copy_process(a) : t->process;
    if (!p)
        return -ENOMEM;
    struct task *child = task_create(p, t->name);
    if (!child) {
        if (is_process)
            process_release(p);
        return -ENOMEM;
    }
    list_append(&p->threads, &child->in_process);
    if (is_process) {
        p->pid = child->tid;
        p->leader = child;
    }
    if (!copy_parts(child, a->flags)) {
        discard(child, is_process);
        return -ENOMEM;
    }
    copy_state(child, a);
    if (!is_process && p->is_stopped)
        child->pending |= SIGNAL_BIT(SIGSTOP); /* as its siblings */

    int tid = child->tid; /* like Linux, deaf to bad addresses */
    if (a->flags & CLONE_PARENT_SETTID)
        (void)PUT_USER(a->parent_tid, tid);
    if (a->flags & CLONE_CHILD_SETTID)
        (void)exec_store(child->mm, a->child_tid, &tid, sizeof tid);
    struct wait_queue done;
    wait_queue_init(&done);
    if (a->flags & CLONE_VFORK)
        child->vfork_done = &done;
    trace_name(tid, child->name);
    task_prepare_first_run(child);
    task_start(child);
    if (a->flags & CLONE_VFORK)
        wait_for_vfork(tid, &done);
    return tid;
}

SYSCALL0(fork)
{
    const struct clone_args a = {.exit_signal = SIGCHLD};
    return create(&a);
}

SYSCALL0(vfork)
{
    const struct clone_args a = {.flags = CLONE_VM | CLONE_VFORK, .exit_signal = SIGCHLD};
    return create(&a);
}

SYSCALL5(clone, uint64_t, flags, uint64_t, stack, uint64_t, parent_tid, uint64_t, child_tid, uint64_t, tls)
{
    const struct clone_args a = {.flags = flags & CLONE_LEGACY & ~(uint64_t)CSIGNAL,
                                 .exit_signal = flags & CSIGNAL,
                                 .stack = stack,
                                 .parent_tid = parent_tid,
                                 .child_tid = child_tid,
                                 .tls = tls};
    return create(&a);
}

/* What a later version of the structure has beyond ours must be zero. */
static long read_arguments(struct clone_args *a, uint64_t from, size_t bytes)
{
    uint8_t rest[64];
    memset(a, 0, sizeof *a);
    if (bytes < CLONE_ARGS_SIZE_VER0)
        return -EINVAL;
    if (bytes > PAGE_BYTES)
        return -E2BIG;
    for (size_t at = sizeof *a, n; at < bytes; at += n) {
        n = MIN(bytes - at, sizeof rest);
        if (copy_from_user(rest, from + at, n))
            return -EFAULT;
        for (size_t i = 0; i < n; i++)
            if (rest[i])
                return -E2BIG;
    }
    return copy_from_user(a, from, MIN(bytes, sizeof *a));
}

SYSCALL2(clone3, uint64_t, from, size_t, bytes)
{
    struct clone_args a;
    long error = read_arguments(&a, from, bytes);
    if (error)
        return error;
    if (a.flags & ~(CLONE_LEGACY | CLONE_CLEAR_SIGHAND | CLONE_INTO_CGROUP) || a.flags & (CSIGNAL | CLONE_DETACHED))
        return -EINVAL;
    if (a.exit_signal > SIGNALS || (a.exit_signal && a.flags & (CLONE_THREAD | CLONE_PARENT)))
        return -EINVAL;
    if (a.set_tid || a.set_tid_size || !a.stack != !a.stack_size)
        return -EINVAL;
    if (a.stack && !user_range_is_valid(a.stack, a.stack_size))
        return -EINVAL;
    return create(&a);
}
