/* SPDX-License-Identifier: Apache-2.0 */
/* System calls about where and in which order tasks run. */
#include "arch/cpu.h"
#include "arch/syscall.h"
#include "mm/mm.h"
#include "proc/process.h"
#include "sched/time.h"
#include <linux/resource.h>
#include <linux/sched.h>
#include <linux/sched/types.h>

enum { RT_PRIORITY_MAX = 99, NICE_OFFSET = 20 };

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

SYSCALL1(sched_getscheduler, int, tid)
{
    const struct task *t = task_or_self(tid);
    return tid < 0 ? -EINVAL : t ? t->policy : -ESRCH;
}

SYSCALL2(sched_getparam, int, tid, uint64_t, to)
{
    const struct task *t = task_or_self(tid);
    if (!to || tid < 0)
        return -EINVAL;
    if (!t)
        return -ESRCH;
    int32_t priority = t->rt_priority;
    return PUT_USER(to, priority);
}

static long set_scheduler(int tid, int policy, uint64_t from)
{
    struct task *t = task_or_self(tid);
    int32_t priority;
    if (!from || tid < 0)
        return -EINVAL;
    if (GET_USER(priority, from))
        return -EFAULT;
    if (!t)
        return -ESRCH;
    int kind = policy < 0 ? t->policy : policy & ~SCHED_RESET_ON_FORK;
    bool is_rt = kind == SCHED_FIFO || kind == SCHED_RR;
    if (!is_rt && kind != SCHED_NORMAL && kind != SCHED_BATCH && kind != SCHED_IDLE)
        return -EINVAL;
    if (priority < (is_rt ? 1 : 0) || priority > (is_rt ? RT_PRIORITY_MAX : 0))
        return -EINVAL;
    t->policy = kind;
    t->rt_priority = priority;
    return 0;
}

SYSCALL3(sched_setscheduler, int, tid, int, policy, uint64_t, from)
{
    return policy < 0 ? -EINVAL : set_scheduler(tid, policy, from);
}

SYSCALL2(sched_setparam, int, tid, uint64_t, from) { return set_scheduler(tid, -1, from); }

static long priority_bound(int policy, int realtime)
{
    switch (policy) {
    case SCHED_FIFO:
    case SCHED_RR: return realtime;
    case SCHED_NORMAL:
    case SCHED_BATCH:
    case SCHED_IDLE:
    case SCHED_DEADLINE: return 0;
    default: return -EINVAL;
    }
}

SYSCALL1(sched_get_priority_max, int, policy) { return priority_bound(policy, RT_PRIORITY_MAX); }

SYSCALL1(sched_get_priority_min, int, policy) { return priority_bound(policy, 1); }

SYSCALL2(sched_rr_get_interval, int, tid, uint64_t, to)
{
    const struct task *t = task_or_self(tid);
    if (tid < 0)
        return -EINVAL;
    if (!t)
        return -ESRCH;
    struct __kernel_timespec slice = timespec_of(t->policy == SCHED_FIFO ? 0 : 4000000);
    return PUT_USER(to, slice);
}

/* Whether t is meant by which and who of getpriority(). */
static bool is_meant(const struct task *t, int which, int who)
{
    switch (which) {
    case PRIO_PROCESS: return t->tid == (who ? who : current->tid);
    case PRIO_PGRP: return t->process->pgrp == (who ? who : current->process->pgrp);
    default: return (uint32_t)who == t->process->uid;
    }
}

SYSCALL2(getpriority, int, which, int, who)
{
    struct process *p;
    struct task *t;
    long best = -ESRCH;
    if (which < PRIO_PROCESS || which > PRIO_USER)
        return -EINVAL;
    LIST_FOR_EACH(p, &process_list, all)
    {
        struct list *threads = &p->threads;
        for (struct list *n = threads->next; n != threads; n = n->next) {
            t = LIST_ITEM(n, struct task, in_process);
            if (is_meant(t, which, who) && NICE_OFFSET - t->nice > best)
                best = NICE_OFFSET - t->nice;
        }
    }
    return best;
}

SYSCALL3(setpriority, int, which, int, who, int, nice)
{
    struct process *p;
    bool found = false;
    if (which < PRIO_PROCESS || which > PRIO_USER)
        return -EINVAL;
    nice = nice < -NICE_OFFSET ? -NICE_OFFSET : MIN(nice, NICE_OFFSET - 1);
    LIST_FOR_EACH(p, &process_list, all)
    {
        for (struct list *n = p->threads.next; n != &p->threads; n = n->next) {
            struct task *t = LIST_ITEM(n, struct task, in_process);
            if (!is_meant(t, which, who))
                continue;
            found = true;
            task_set_nice(t, nice);
        }
    }
    return found ? 0 : -ESRCH;
}

SYSCALL3(getcpu, uint64_t, cpu, uint64_t, node, uint64_t, unused)
{
    uint32_t index = this_cpu_index(), zero = 0;
    (void)unused;
    if ((cpu && PUT_USER(cpu, index)) || (node && PUT_USER(node, zero)))
        return -EFAULT;
    return 0;
}
