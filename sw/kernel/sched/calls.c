/* SPDX-License-Identifier: Apache-2.0 */
/* System calls about time (clocks, sleeping, the alarm, CPU time used), and where and in which order tasks run. */
#include "arch/cpu.h"
#include "arch/syscall.h"
#include "mm/mm.h"
#include "proc/process.h"
#include "sched/time.h"
#include <linux/resource.h>
#include <linux/times.h>

enum {
    NICE_OFFSET = 20,
    ALARM_REST_NS = 50000 /* between two, whatever the interval: for what the program does itself */
};

/* Time now of a Linux clock id in ns; NEVER: there is no such clock. */
static uint64_t clock_read(int id)
{
    uint64_t user, system;
    switch (id) {
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_COARSE: return clock_realtime();
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_MONOTONIC_COARSE:
    case CLOCK_BOOTTIME: return clock_now();
    case CLOCK_PROCESS_CPUTIME_ID: process_times(current->process, &user, &system); break;
    case CLOCK_THREAD_CPUTIME_ID: task_times(current, &user, &system); break;
    default: return NEVER;
    }
    return user + system;
}

int deadline_from_user(uint64_t address, int clock, bool is_absolute, uint64_t *deadline)
{
    struct __kernel_timespec t;
    uint64_t passed = is_absolute ? clock_read(clock) : 0;
    *deadline = NEVER;
    if (!address)
        return 0;
    if (GET_USER(t, address))
        return -EFAULT;
    if (!timespec_is_valid(&t))
        return -EINVAL;
    *deadline = timespec_ns(&t) > passed ? add_ns(clock_now(), timespec_ns(&t) - passed) : 0;
    return 0;
}

SYSCALL2(clock_gettime, int, id, uint64_t, to)
{
    uint64_t ns = clock_read(id);
    struct __kernel_timespec t = timespec_of(ns);
    return ns == NEVER ? -EINVAL : PUT_USER(to, t);
}

SYSCALL2(gettimeofday, uint64_t, to, uint64_t, zone)
{
    struct __kernel_old_timeval t = timeval_of(clock_realtime());
    const int32_t utc[2] = {0, 0};
    return (to && PUT_USER(to, t)) || (zone && PUT_USER(zone, utc)) ? -EFAULT : 0;
}

SYSCALL1(time, uint64_t, to)
{
    int64_t now = (int64_t)(clock_realtime() / NS_PER_SECOND);
    return to && PUT_USER(to, now) ? -EFAULT : now;
}

/* --- sleeping --- */

/* Sleeps until deadline; an interrupted relative sleep tells what is left at `rest`, if the user asked. */
static long sleep_until(uint64_t deadline, uint64_t rest)
{
    int result = 0;
    while (clock_now() < deadline && result != -EINTR)
        result = task_sleep(deadline);
    uint64_t now = clock_now();
    if (result != -EINTR || now >= deadline)
        return 0;
    struct __kernel_timespec left = timespec_of(deadline - now);
    return rest && PUT_USER(rest, left) ? -EFAULT : -ERESTART_RESTARTBLOCK;
}

long call_restartable(long (*again)(struct task *self), uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e)
{
    current->restart = (struct restart){again, current->frame->rsp, {a, b, c, d, e}};
    return again(current);
}

static long sleep_again(struct task *self) { return sleep_until(self->restart.argument[0], self->restart.argument[1]); }

SYSCALL4(clock_nanosleep, int, id, int, flags, uint64_t, from, uint64_t, rest)
{
    uint64_t deadline;
    if (clock_read(id) == NEVER || id == CLOCK_THREAD_CPUTIME_ID)
        return -EINVAL;
    if (id == CLOCK_PROCESS_CPUTIME_ID)
        return -EOPNOTSUPP;
    int error = from ? deadline_from_user(from, id, flags & TIMER_ABSTIME, &deadline) : -EFAULT;
    if (error)
        return error;
    if (flags & TIMER_ABSTIME)
        return sleep_until(deadline, 0) ? -ERESTARTNOHAND : 0;
    return call_restartable(sleep_again, deadline, rest, 0, 0, 0);
}

SYSCALL2(nanosleep, uint64_t, from, uint64_t, rest) { return do_clock_nanosleep(CLOCK_MONOTONIC, 0, from, rest); }

/* A handler of user interrupts that ran in between may have made such a call itself, from deeper in the stack. */
SYSCALL0(restart_syscall)
{
    struct task *self = current;
    return self->restart.again && self->restart.rsp == self->frame->rsp ? self->restart.again(self) : -EINTR;
}

/* --- the alarm: the interval timer in real time --- */

static void alarm_is_due(struct timer *timer)
{
    struct process *p = CONTAINER_OF(timer, struct process, alarm);
    uint64_t next = add_ns(timer->deadline, p->alarm_interval), soonest = clock_now() + ALARM_REST_NS;
    if (p->alarm_interval)
        timer_start(timer, next > soonest ? next : soonest);
    signal_send_process(p, SIGALRM, NULL);
}

/* What was left of the former one. */
static uint64_t alarm_set(uint64_t ns, uint64_t interval)
{
    struct process *p = current->process;
    uint64_t now = clock_now(), left = 0;
    if (timer_is_running(&p->alarm))
        left = p->alarm.deadline > now ? p->alarm.deadline - now : 1;
    p->alarm.expired = alarm_is_due;
    p->alarm_interval = interval;
    timer_start(&p->alarm, ns ? add_ns(now, ns) : NEVER);
    return left;
}

SYSCALL1(alarm, uint32_t, seconds)
{
    return (long)((alarm_set(seconds * NS_PER_SECOND, 0) + NS_PER_SECOND - 1) / NS_PER_SECOND);
}

SYSCALL3(setitimer, int, which, uint64_t, from, uint64_t, former)
{
    struct __kernel_old_timeval pair[2] = {{0, 0}, {0, 0}}; /* interval, time */
    uint64_t ns[2], interval = current->process->alarm_interval;
    if (which != ITIMER_REAL)
        return -EINVAL;
    if (from && GET_USER(pair, from))
        return -EFAULT;
    for (int i = 0; i < 2; i++) {
        if (pair[i].tv_sec < 0 || pair[i].tv_usec < 0 || pair[i].tv_usec >= 1000000)
            return -EINVAL;
        struct __kernel_timespec t = {pair[i].tv_sec, pair[i].tv_usec * 1000};
        ns[i] = timespec_ns(&t);
    }
    pair[1] = timeval_of(alarm_set(ns[1], ns[0]));
    pair[0] = timeval_of(interval);
    return former ? PUT_USER(former, pair) : 0;
}

/* --- CPU time used --- */

SYSCALL1(times, uint64_t, to)
{
    const uint64_t tick = NS_PER_SECOND / 100;
    const struct process *p = current->process;
    uint64_t user, system;
    process_times(p, &user, &system);
    struct tms t = {.tms_utime = (long)(user / tick),
                    .tms_stime = (long)(system / tick),
                    .tms_cutime = (long)(p->children_user_ns / tick),
                    .tms_cstime = (long)(p->children_system_ns / tick)};
    return to && PUT_USER(to, t) ? -EFAULT : (long)(clock_now() / tick);
}

SYSCALL2(getrusage, int, who, uint64_t, to)
{
    const struct task *self = current;
    const struct process *p = self->process;
    uint64_t user = p->children_user_ns, system = p->children_system_ns;
    if (who != RUSAGE_SELF && who != RUSAGE_CHILDREN && who != RUSAGE_THREAD)
        return -EINVAL;
    if (who == RUSAGE_SELF)
        process_times(p, &user, &system);
    else if (who == RUSAGE_THREAD)
        task_times(self, &user, &system);
    struct rusage r = {.ru_utime = timeval_of(user), .ru_stime = timeval_of(system)};
    if (who != RUSAGE_CHILDREN) {
        r.ru_maxrss = (long)(self->mm->resident * PAGE_BYTES / 1024);
        r.ru_minflt = (long)self->faults;
        r.ru_nvcsw = (long)self->switches_voluntary;
        r.ru_nivcsw = (long)self->switches_forced;
    }
    return PUT_USER(to, r);
}

/* --- the scheduler --- */

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

SYSCALL2(getcpu, uint64_t, cpu, uint64_t, node)
{
    uint32_t index = this_cpu_index(), zero = 0;
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
