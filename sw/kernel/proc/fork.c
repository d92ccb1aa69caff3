/* SPDX-License-Identifier: Apache-2.0 */
/* New tasks: fork, vfork, clone, clone3. A process is its creator's child, has signal actions of its own and ends with
 * SIGCHLD. */
#include "arch/cpu.h"
#include "arch/syscall.h"
#include "fs/vfs.h"
#include "mm/mm.h"
#include "proc/process.h"
#include "string.h"
#include <linux/sched.h>

#define CLONE_KNOWN                                                                                                    \
    (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_VFORK | CLONE_SYSVSEM | CLONE_SETTLS |   \
     CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID)

/* A process like the current one; its first thread is still to come. */
static struct process *copy_process(void)
{
    struct process *self = current->process, *p = process_create(self);
    if (!p)
        return NULL;
    p->pgrp = self->pgrp;
    p->session = self->session;
    p->tty = self->tty;
    memcpy(p->action, self->action, sizeof p->action);
    memcpy(p->rlimit, self->rlimit, sizeof p->rlimit);
    memcpy(p->executable, self->executable, sizeof p->executable);
    memcpy(p->command, self->command, sizeof p->command);
    p->command_bytes = self->command_bytes;
    return p;
}

static bool copy_parts(struct task *child, uint64_t flags)
{
    struct task *t = current;
    if (flags & CLONE_VM)
        mm_get(t->mm);
    child->mm = flags & CLONE_VM ? t->mm : mm_fork(t->mm);
    child->files = flags & CLONE_FILES ? files_get(t->files) : files_copy(t->files);
    child->fpu = fpu_copy(t);
    return child->mm && child->files && child->fpu;
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
    child->cpu = t->cpu;
    child->affinity = t->affinity;
    child->nice = t->nice;
    child->blocked = t->blocked;
    if ((a->flags & (CLONE_VM | CLONE_VFORK)) != CLONE_VM) /* two may not run on one stack at the same time */
        child->alternate_stack = t->alternate_stack;
    child->clear_child_tid = a->flags & CLONE_CHILD_CLEARTID ? a->child_tid : 0;
}

static long create(const struct clone_args *a)
{
    const uint64_t f = a->flags;
    bool is_thread = f & CLONE_THREAD;
    if (f & ~CLONE_KNOWN || (!is_thread && a->exit_signal != SIGCHLD) || (is_thread && !(f & CLONE_SIGHAND)) ||
        (f & CLONE_SIGHAND && !(f & CLONE_VM)))
        return -EINVAL;
    if (f & CLONE_SETTLS && a->tls >= USER_END)
        return -EPERM;
    struct task *t = current;
    struct process *p = is_thread ? t->process : copy_process();
    struct task *child = p ? task_create(p, t->name) : NULL;
    if (!child || !copy_parts(child, f)) {
        if (child) {
            task_release_parts(child);
            task_free(child);
        }
        if (p && !is_thread)
            process_free(p);
        return -ENOMEM;
    }
    list_append(&p->threads, &child->in_process);
    if (!is_thread) {
        p->pid = child->tid;
        p->leader = child;
    }
    copy_state(child, a);
    if (is_thread && p->is_stopped)
        child->pending |= SIGNAL_BIT(SIGSTOP); /* as its siblings */

    int tid = child->tid; /* like Linux, deaf to bad addresses */
    if (f & CLONE_PARENT_SETTID)
        (void)PUT_USER(a->parent_tid, tid);
    if (f & CLONE_CHILD_SETTID)
        (void)exec_store(child->mm, a->child_tid, &tid, sizeof tid);
    if (f & CLONE_VFORK)
        child->vfork_parent = t->tid;
    trace_name(tid, child->name);
    task_prepare_first_run(child);
    task_start(child);
    /* vfork: until the child has left the address space; only our own death ends that earlier. */
    for (int error = 0; f & CLONE_VFORK && !error && child && child->vfork_parent == t->tid; child = task_find(tid))
        error = task_sleep_uninterrupted(NEVER);
    return tid;
}

SYSCALL0(fork) { return create(&(struct clone_args){.exit_signal = SIGCHLD}); }
SYSCALL0(vfork) { return create(&(struct clone_args){.flags = CLONE_VM | CLONE_VFORK, .exit_signal = SIGCHLD}); }

SYSCALL5(clone, uint64_t, flags, uint64_t, stack, uint64_t, parent_tid, uint64_t, child_tid, uint64_t, tls)
{
    return create(&(struct clone_args){.flags = (uint32_t)flags & ~(uint64_t)CSIGNAL,
                                       .exit_signal = flags & CSIGNAL,
                                       .stack = stack,
                                       .parent_tid = parent_tid,
                                       .child_tid = child_tid,
                                       .tls = tls});
}

SYSCALL2(clone3, uint64_t, from, size_t, bytes)
{
    struct clone_args a = {0};
    if (bytes < CLONE_ARGS_SIZE_VER0)
        return -EINVAL;
    if (bytes > sizeof a)
        return -E2BIG;
    if (copy_from_user(&a, from, bytes))
        return -EFAULT;
    if (a.flags & CSIGNAL || (a.flags & CLONE_THREAD && a.exit_signal) || a.set_tid || !a.stack != !a.stack_size)
        return -EINVAL;
    return create(&a);
}
