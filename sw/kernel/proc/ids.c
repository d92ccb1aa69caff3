/* SPDX-License-Identifier: Apache-2.0 */
/* What threads, processes, groups and sessions are called, and whose they are: everybody is root. */
#include "arch/cpu.h"
#include "arch/insn.h"
#include "arch/msr.h"
#include "arch/syscall.h"
#include "mm/mm.h"
#include "proc/process.h"
#include "string.h"
#include <asm/prctl.h>
#include <linux/prctl.h>

static struct process *process_or_self(int pid) { return pid ? process_find(pid) : current->process; }

SYSCALL0(gettid) { return current->tid; }
SYSCALL0(getpid) { return current->process->pid; }
SYSCALL0(getppid) { return current->process->parent ? current->process->parent->pid : 0; }
SYSCALL0(getpgrp) { return current->process->pgrp; }
SYSCALL1(getpgid, int, pid) { return process_or_self(pid) ? process_or_self(pid)->pgrp : -ESRCH; }
SYSCALL1(getsid, int, pid) { return process_or_self(pid) ? process_or_self(pid)->session : -ESRCH; }

/* Some member of a group; NULL: there is no such group. */
static const struct process *group_member(int pgrp)
{
    const struct process *p;
    LIST_FOR_EACH(p, &process_list, all)
    {
        if (p->pgrp == pgrp)
            return p;
    }
    return NULL;
}

SYSCALL2(setpgid, int, pid, int, pgrp)
{
    struct process *self = current->process, *p = process_or_self(pid);
    if (pgrp < 0)
        return -EINVAL;
    if (!p || (p != self && p->parent != self))
        return -ESRCH;
    if (!pgrp)
        pgrp = p->pid;
    const struct process *member = group_member(pgrp);
    if (p->is_session_leader || p->session != self->session ||
        (pgrp != p->pid && (!member || member->session != self->session)))
        return -EPERM;
    p->pgrp = pgrp;
    return 0;
}

SYSCALL0(setsid)
{
    struct process *p = current->process;
    if (p->is_session_leader || group_member(p->pid))
        return -EPERM;
    p->session = p->pgrp = p->pid;
    p->is_session_leader = true;
    p->tty = NULL;
    return p->pid;
}

/* setuid and setgid; -1 leaves an id as it is in the others. */
SYSCALL1(set_id, uint32_t, id) { return id ? -EPERM : 0; }

SYSCALL3(set_ids, uint32_t, real, uint32_t, effective, uint32_t, saved)
{
    return (real && ~real) || (effective && ~effective) || (saved && ~saved) ? -EPERM : 0;
}

/* --- of threads --- */

SYSCALL1(set_tid_address, uint64_t, address)
{
    current->clear_child_tid = address;
    return current->tid;
}

SYSCALL2(prctl, int, option, uint64_t, argument)
{
    char name[TASK_NAME_BYTES] = {0};
    if (option == PR_GET_NAME)
        return PUT_USER(argument, current->name);
    if (option != PR_SET_NAME)
        return -EINVAL;
    int64_t length = copy_string_from_user(name, argument, sizeof name - 1);
    if (length < 0 && length != -ENAMETOOLONG) /* too long: what fits */
        return length;
    memcpy(current->name, name, sizeof name);
    trace_name(current->tid, name);
    return 0;
}

/* The base of FS, where a thread finds what is its own. */
SYSCALL2(arch_prctl, int, option, uint64_t, argument)
{
    if (option == ARCH_GET_FS)
        return PUT_USER(argument, current->fs_base);
    if (option != ARCH_SET_FS)
        return -EINVAL;
    if (argument >= USER_END)
        return -EPERM;
    current->fs_base = argument;
    wrmsr(MSR_FS_BASE, argument);
    return 0;
}
