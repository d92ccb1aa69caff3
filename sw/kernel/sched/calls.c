/* SPDX-License-Identifier: Apache-2.0 */
/* System calls about where and in which order tasks run. */
#include "arch/cpu.h"
#include "arch/syscall.h"
#include "mm/mm.h"
#include <linux/resource.h>

enum { NICE_OFFSET = 20 };

static struct task *task_or_self(int tid) { return tid ? task_find(tid) : current; }

SYSCALL0(sched_yield)
{
    task_yield();
    return 0;
}

SYSCALL3(sched_getaffinity, int, tid, uint32_t, bytes, uint64_t, to)
{
    const struct task *t = task_or_self(tid);
    if (bytes < sizeof(uint64_t) || bytes % sizeof(uint64_t))
        return -EINVAL;
    if (!t)
        return -ESRCH;
    uint64_t mask = t->affinity & cpus_online();
    return PUT_USER(to, mask) ? -EFAULT : (long)sizeof mask;
}

SYSCALL3(sched_setaffinity, int, tid, uint32_t, bytes, uint64_t, from)
{
    struct task *t = task_or_self(tid);
    uint64_t mask = 0;
    if (copy_from_user(&mask, from, MIN((size_t)bytes, sizeof mask)))
        return -EFAULT;
    if (!t || t->state == TASK_ZOMBIE)
        return -ESRCH;
    if (!(mask & cpus_online()))
        return -EINVAL;
    task_set_affinity(t, mask);
    return 0;
}

SYSCALL3(getcpu, uint64_t, cpu, uint64_t, node, uint64_t, unused)
{
    uint32_t index = this_cpu_index(), zero = 0;
    (void)unused;
    return (cpu && PUT_USER(cpu, index)) || (node && PUT_USER(node, zero)) ? -EFAULT : 0;
}

/* Of single tasks only. */
SYSCALL2(getpriority, int, which, int, tid)
{
    const struct task *t = task_or_self(tid);
    return which != PRIO_PROCESS ? -EINVAL : t ? NICE_OFFSET - t->nice : -ESRCH;
}

SYSCALL3(setpriority, int, which, int, tid, int, nice)
{
    struct task *t = task_or_self(tid);
    if (which != PRIO_PROCESS || !t)
        return which != PRIO_PROCESS ? -EINVAL : -ESRCH;
    t->nice = nice < -NICE_OFFSET ? -NICE_OFFSET : MIN(nice, NICE_OFFSET - 1);
    return 0;
}

/* Every thread of glibc asks for restartable sequences when it starts, and can do without. */
SYSCALL0(rseq) { return -ENOSYS; }
