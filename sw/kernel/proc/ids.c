/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers of processes, groups and sessions; users and groups. There is one user id and one group id for each process:
 * real, effective and saved ones are the same, and only root may change them. */
#include "arch/syscall.h"
#include "mm/mm.h"
#include "proc/process.h"

SYSCALL0(getpid) { return current->process->pid; }

SYSCALL0(gettid) { return current->tid; }

SYSCALL0(getppid) { return current->process->parent ? current->process->parent->pid : 0; }

static struct process *process_or_self(int pid) { return pid ? process_find(pid) : current->process; }

SYSCALL1(getpgid, int, pid)
{
    const struct process *p = process_or_self(pid);
    return p ? p->pgrp : -ESRCH;
}

SYSCALL0(getpgrp) { return current->process->pgrp; }

SYSCALL1(getsid, int, pid)
{
    const struct process *p = process_or_self(pid);
    return p ? p->session : -ESRCH;
}

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
    if (!p)
        return task_find(pid) ? -EINVAL : -ESRCH; /* a thread that is not its process's first */
    if (p != self && p->parent != self)
        return -ESRCH;
    if (p != self && p->session != self->session)
        return -EPERM;
    if (p != self && p->has_execed)
        return -EACCES;
    if (p->is_session_leader)
        return -EPERM;
    if (!pgrp)
        pgrp = p->pid;
    const struct process *member = group_member(pgrp);
    if (pgrp != p->pid && (!member || member->session != self->session))
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

/* --- users --- */

SYSCALL0(getuid) { return current->process->uid; }

SYSCALL0(geteuid) { return current->process->uid; }

SYSCALL0(getgid) { return current->process->gid; }

SYSCALL0(getegid) { return current->process->gid; }

/* The last one of those given (not -1) stays: it is the effective or the saved one. */
static long set_id(uint32_t *id, const uint32_t *wanted, size_t count)
{
    bool is_root = !current->process->uid;
    for (size_t i = 0; i < count; i++)
        if (wanted[i] != UINT32_MAX && wanted[i] != *id && !is_root)
            return -EPERM;
    for (size_t i = 0; i < count; i++)
        if (wanted[i] != UINT32_MAX)
            *id = wanted[i];
    return 0;
}

static long set_single(uint32_t *id, uint32_t wanted)
{
    return wanted == UINT32_MAX ? -EINVAL : set_id(id, &wanted, 1);
}

SYSCALL1(setuid, uint32_t, uid) { return set_single(&current->process->uid, uid); }

SYSCALL1(setgid, uint32_t, gid) { return set_single(&current->process->gid, gid); }

SYSCALL2(setreuid, uint32_t, real, uint32_t, effective)
{
    return set_id(&current->process->uid, (const uint32_t[]){real, effective}, 2);
}

SYSCALL2(setregid, uint32_t, real, uint32_t, effective)
{
    return set_id(&current->process->gid, (const uint32_t[]){real, effective}, 2);
}

SYSCALL3(setresuid, uint32_t, real, uint32_t, effective, uint32_t, saved)
{
    return set_id(&current->process->uid, (const uint32_t[]){real, saved, effective}, 3);
}

SYSCALL3(setresgid, uint32_t, real, uint32_t, effective, uint32_t, saved)
{
    return set_id(&current->process->gid, (const uint32_t[]){real, saved, effective}, 3);
}

static long put_three(uint64_t a, uint64_t b, uint64_t c, uint32_t id)
{
    return PUT_USER(a, id) || PUT_USER(b, id) || PUT_USER(c, id) ? -EFAULT : 0;
}

SYSCALL3(getresuid, uint64_t, real, uint64_t, effective, uint64_t, saved)
{
    return put_three(real, effective, saved, current->process->uid);
}

SYSCALL3(getresgid, uint64_t, real, uint64_t, effective, uint64_t, saved)
{
    return put_three(real, effective, saved, current->process->gid);
}

/* No supplementary groups: nothing asks for them. */
SYSCALL2(getgroups, int, room, uint64_t, to)
{
    (void)to;
    return room < 0 ? -EINVAL : 0;
}

SYSCALL2(setgroups, int, count, uint64_t, from)
{
    uint32_t group;
    if (current->process->uid)
        return -EPERM;
    if ((uint32_t)count > 65536)
        return -EINVAL;
    for (int i = 0; i < count; i++)
        if (GET_USER(group, from + (uint64_t)i * sizeof group))
            return -EFAULT;
    return 0;
}
