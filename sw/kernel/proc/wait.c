/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting for children: wait4, waitid. */
#include "arch/syscall.h"
#include "mm/mm.h"
#include "proc/signal.h"
#include "sched/time.h"
#include "string.h"
#include <linux/resource.h>
#include <linux/wait.h>

enum { STATUS_STOPPED = 0x7f, STATUS_CONTINUED = 0xffff };

struct wait_request {
    int kind, id; /* P_ALL, P_PID, P_PGID */
    uint32_t options;
};

struct wait_result {
    int pid, uid;
    int status;       /* as wait4 tells it            */
    int code, detail; /* as waitid does: CLD_, si_status */
    struct rusage usage;
};

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

static bool is_meant(const struct wait_request *r, const struct process *child)
{
    if ((r->kind == P_PID && child->pid != r->id) || (r->kind == P_PGID && child->pgrp != r->id))
        return false;
    bool is_clone = child->exit_signal != SIGCHLD;
    return r->options & __WALL || is_clone == !!(r->options & __WCLONE);
}

static void describe(struct process *child, int code, int detail, int status, struct wait_result *to)
{
    uint64_t user, system;
    process_times(child, &user, &system);
    *to = (struct wait_result){
        .pid = child->pid, .uid = (int)child->uid, .status = status, .code = code, .detail = detail};
    to->usage.ru_utime = timeval_of(user + child->children_user_ns);
    to->usage.ru_stime = timeval_of(system + child->children_system_ns);
    const struct task *leader = child->leader;
    to->usage.ru_minflt = (long)leader->faults;
    to->usage.ru_nvcsw = (long)leader->switches_voluntary;
    to->usage.ru_nivcsw = (long)leader->switches_forced;
}

static void reap(struct process *child)
{
    struct process *parent = child->parent;
    uint64_t user, system;
    process_times(child, &user, &system);
    parent->children_user_ns += user + child->children_user_ns;
    parent->children_system_ns += system + child->children_system_ns;
    process_release(child);
}

/* Has this child something to tell? If so, it is told once, unless WNOWAIT. */
static bool ask(struct process *child, uint32_t options, struct wait_result *to)
{
    bool is_consumed = !(options & WNOWAIT);
    if (child->is_dead) {
        int by_signal = child->exit_status & 0x7f;
        if (!(options & WEXITED))
            return false;
        describe(child, by_signal ? CLD_KILLED : CLD_EXITED, by_signal ? by_signal : child->exit_status >> 8,
                 child->exit_status, to);
        if (is_consumed)
            reap(child);
        return true;
    }
    if (options & WSTOPPED && child->is_stopped && !child->stop_reported) {
        describe(child, CLD_STOPPED, child->stop_signal, child->stop_signal << 8 | STATUS_STOPPED, to);
        child->stop_reported = is_consumed;
        return true;
    }
    if (options & WCONTINUED && !child->is_stopped && !child->continue_reported) {
        describe(child, CLD_CONTINUED, SIGCONT, STATUS_CONTINUED, to);
        child->continue_reported = is_consumed;
        return true;
    }
    return false;
}

/* The pid of the child that told something; 0: none has (WNOHANG); -ECHILD, -ERESTARTSYS. */
static long wait_for(const struct wait_request *r, struct wait_result *to)
{
    struct process *self = current->process, *child;
    struct waiter w;
    for (bool is_interrupted = false;;) {
        bool exists = false;
        LIST_FOR_EACH(child, &self->children, sibling)
        {
            if (!is_meant(r, child))
                continue;
            exists = true;
            if (ask(child, r->options, to))
                return to->pid;
        }
        if (!exists)
            return -ECHILD;
        if (r->options & WNOHANG)
            return 0;
        if (is_interrupted)
            return -ERESTARTSYS;
        wait_begin(&self->child_event, &w);
        is_interrupted = task_sleep(NEVER) == -EINTR;
        wait_end(&w);
    }
}

SYSCALL4(wait4, int, id, uint64_t, status, uint32_t, options, uint64_t, usage)
{
    struct wait_request r = {.kind = P_PID, .id = id, .options = options | WEXITED};
    struct wait_result result;
    if (options & ~(WNOHANG | WUNTRACED | WCONTINUED | __WNOTHREAD | __WCLONE | __WALL))
        return -EINVAL;
    if (id == INT32_MIN)
        return -ESRCH;
    if (id == -1)
        r.kind = P_ALL;
    else if (id <= 0)
        r.kind = P_PGID, r.id = id ? -id : current->process->pgrp;
    long pid = wait_for(&r, &result);
    if (pid <= 0)
        return pid;
    if ((status && PUT_USER(status, result.status)) || (usage && PUT_USER(usage, result.usage)))
        return -EFAULT;
    return pid;
}

SYSCALL5(waitid, int, kind, int, id, uint64_t, to, uint32_t, options, uint64_t, usage)
{
    struct wait_request r = {.kind = kind, .id = id, .options = options};
    struct wait_result result;
    if (options & ~(WNOHANG | WNOWAIT | WEXITED | WSTOPPED | WCONTINUED | __WNOTHREAD | __WCLONE | __WALL) ||
        !(options & (WEXITED | WSTOPPED | WCONTINUED)))
        return -EINVAL;
    switch (kind) {
    case P_ALL: break;
    case P_PID:
        if (id <= 0)
            return -EINVAL;
        break;
    case P_PGID:
        if (id < 0)
            return -EINVAL;
        if (!id)
            r.id = current->process->pgrp;
        break;
    case P_PIDFD: return id < 0 ? -EINVAL : -EBADF; /* there are no such descriptors */
    default: return -EINVAL;
    }
    memset(&result, 0, sizeof result);
    long pid = wait_for(&r, &result);
    if (pid > 0 && usage && PUT_USER(usage, result.usage))
        return -EFAULT;
    if (to) { /* only these fields, zeros if there is nothing to tell */
        const int32_t head[3] = {pid > 0 ? SIGCHLD : 0, 0, result.code};
        const int32_t child[3] = {result.pid, result.uid, result.detail};
        if (PUT_USER(to + offsetof(siginfo_t, si_signo), head) || PUT_USER(to + offsetof(siginfo_t, si_pid), child))
            return -EFAULT;
    }
    return pid > 0 ? 0 : pid;
}
