/* SPDX-License-Identifier: Apache-2.0 */
/* System calls about time: clocks, sleeping, interval timers, CPU time used. */
#include "arch/cpu.h"
#include "arch/syscall.h"
#include "mm/mm.h"
#include "proc/process.h"
#include "sched/time.h"
#include <linux/resource.h>
#include <linux/times.h>

int deadline_from_user(uint64_t address, uint64_t *deadline)
{
    struct __kernel_timespec t;
    *deadline = NEVER;
    if (!address)
        return 0;
    if (GET_USER(t, address))
        return -EFAULT;
    if (!timespec_is_valid(&t))
        return -EINVAL;
    *deadline = add_ns(clock_now(), timespec_ns(&t));
    return 0;
}

bool clock_read(int id, uint64_t *ns)
{
    uint64_t user, system;
    switch (id) {
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_COARSE:
    case CLOCK_TAI: *ns = clock_realtime(); return true;
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_MONOTONIC_COARSE:
    case CLOCK_BOOTTIME: *ns = clock_now(); return true;
    case CLOCK_PROCESS_CPUTIME_ID:
        process_times(current->process, &user, &system);
        *ns = user + system;
        return true;
    case CLOCK_THREAD_CPUTIME_ID:
        task_times(current, &user, &system);
        *ns = user + system;
        return true;
    default: return false;
    }
}

SYSCALL2(clock_gettime, int, id, uint64_t, to)
{
    uint64_t ns;
    if (!clock_read(id, &ns))
        return -EINVAL;
    struct __kernel_timespec t = timespec_of(ns);
    return PUT_USER(to, t);
}

SYSCALL2(clock_getres, int, id, uint64_t, to)
{
    uint64_t ns;
    struct __kernel_timespec t = timespec_of(1);
    if (!clock_read(id, &ns))
        return -EINVAL;
    return to ? PUT_USER(to, t) : 0;
}

SYSCALL2(clock_settime, int, id, uint64_t, from)
{
    struct __kernel_timespec t;
    if (id != CLOCK_REALTIME)
        return -EINVAL;
    if (GET_USER(t, from))
        return -EFAULT;
    if (!timespec_is_valid(&t))
        return -EINVAL;
    clock_set_realtime(timespec_ns(&t));
    return 0;
}

SYSCALL2(gettimeofday, uint64_t, to, uint64_t, zone)
{
    struct __kernel_old_timeval t = timeval_of(clock_realtime());
    const int32_t utc[2] = {0, 0};
    if (to && PUT_USER(to, t))
        return -EFAULT;
    return zone ? PUT_USER(zone, utc) : 0;
}

SYSCALL2(settimeofday, uint64_t, from, uint64_t, zone)
{
    struct __kernel_old_timeval t;
    (void)zone;
    if (!from)
        return 0;
    if (GET_USER(t, from))
        return -EFAULT;
    if (t.tv_sec < 0 || t.tv_usec < 0 || t.tv_usec >= 1000000)
        return -EINVAL;
    clock_set_realtime((uint64_t)t.tv_sec * NS_PER_SECOND + (uint64_t)t.tv_usec * 1000);
    return 0;
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
    if (result != -EINTR || clock_now() >= deadline)
        return 0;
    if (rest) {
        struct __kernel_timespec left = timespec_of(deadline - clock_now());
        if (PUT_USER(rest, left))
            return -EFAULT;
    }
    return -ERESTART_RESTARTBLOCK;
}

static long sleep_again(struct task *self) { return sleep_until(self->restart.argument[0], self->restart.argument[1]); }

static long sleep_for(uint64_t ns, uint64_t rest)
{
    uint64_t deadline = add_ns(clock_now(), ns);
    current->restart = (struct restart){.again = sleep_again, .argument = {deadline, rest}};
    return sleep_until(deadline, rest);
}

SYSCALL2(nanosleep, uint64_t, from, uint64_t, rest)
{
    struct __kernel_timespec t;
    if (GET_USER(t, from))
        return -EFAULT;
    return timespec_is_valid(&t) ? sleep_for(timespec_ns(&t), rest) : -EINVAL;
}

SYSCALL4(clock_nanosleep, int, id, int, flags, uint64_t, from, uint64_t, rest)
{
    struct __kernel_timespec t;
    uint64_t now;
    if (!clock_read(id, &now) || id == CLOCK_THREAD_CPUTIME_ID)
        return -EINVAL;
    if (id == CLOCK_PROCESS_CPUTIME_ID)
        return -EOPNOTSUPP;
    if (GET_USER(t, from))
        return -EFAULT;
    if (!timespec_is_valid(&t))
        return -EINVAL;
    if (!(flags & TIMER_ABSTIME))
        return sleep_for(timespec_ns(&t), rest);
    uint64_t at = timespec_ns(&t);
    long result = at > now ? sleep_until(add_ns(clock_now(), at - now), 0) : 0;
    return result == -ERESTART_RESTARTBLOCK ? -ERESTARTNOHAND : result;
}

SYSCALL0(restart_syscall)
{
    struct task *self = current;
    return self->restart.again ? self->restart.again(self) : -EINTR;
}

/* --- interval timers: only the one in real time --- */

static void alarm_is_due(struct timer *timer)
{
    struct process *p = CONTAINER_OF(timer, struct process, alarm);
    if (p->alarm_interval)
        timer_start(timer, add_ns(timer->deadline, p->alarm_interval));
    signal_send_process(p, SIGALRM, NULL);
}

static uint64_t alarm_left(const struct process *p)
{
    if (!timer_is_running(&p->alarm))
        return 0;
    uint64_t now = clock_now();
    return p->alarm.deadline > now ? p->alarm.deadline - now : 1;
}

static void alarm_set(struct process *p, uint64_t ns, uint64_t interval)
{
    timer_stop(&p->alarm);
    timer_init(&p->alarm, alarm_is_due);
    p->alarm_interval = interval;
    if (ns)
        timer_start(&p->alarm, add_ns(clock_now(), ns));
}

SYSCALL1(alarm, uint32_t, seconds)
{
    struct process *p = current->process;
    uint64_t left = alarm_left(p);
    alarm_set(p, seconds * NS_PER_SECOND, 0);
    return (long)((left + NS_PER_SECOND - 1) / NS_PER_SECOND);
}

static long put_itimer(uint64_t to, uint64_t left, uint64_t interval)
{
    struct __kernel_old_timeval pair[2] = {timeval_of(interval), timeval_of(left)};
    return to ? PUT_USER(to, pair) : 0;
}

SYSCALL2(getitimer, int, which, uint64_t, to)
{
    struct process *p = current->process;
    if (which == ITIMER_REAL)
        return put_itimer(to, alarm_left(p), p->alarm_interval);
    return which == ITIMER_VIRTUAL || which == ITIMER_PROF ? put_itimer(to, 0, 0) : -EINVAL;
}

SYSCALL3(setitimer, int, which, uint64_t, from, uint64_t, former)
{
    struct process *p = current->process;
    struct __kernel_old_timeval pair[2] = {{0, 0}, {0, 0}};
    if (which != ITIMER_REAL)
        return which == ITIMER_VIRTUAL || which == ITIMER_PROF ? -EOPNOTSUPP : -EINVAL;
    if (from && GET_USER(pair, from))
        return -EFAULT;
    uint64_t ns[2], left = alarm_left(p), interval = p->alarm_interval;
    for (int i = 0; i < 2; i++) {
        if (pair[i].tv_sec < 0 || pair[i].tv_usec < 0 || pair[i].tv_usec >= 1000000)
            return -EINVAL;
        struct __kernel_timespec t = {pair[i].tv_sec, pair[i].tv_usec * 1000};
        ns[i] = timespec_ns(&t);
    }
    alarm_set(p, ns[1], ns[0]);
    return put_itimer(former, left, interval);
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
    if (to && PUT_USER(to, t))
        return -EFAULT;
    return (long)(clock_now() / tick);
}

SYSCALL2(getrusage, int, who, uint64_t, to)
{
    const struct task *self = current;
    const struct process *p = self->process;
    struct rusage r = {0};
    uint64_t user, system;
    task_times(self, &user, &system);
    if (who == RUSAGE_SELF)
        process_times(p, &user, &system);
    else if (who == RUSAGE_CHILDREN)
        user = p->children_user_ns, system = p->children_system_ns;
    else if (who != RUSAGE_THREAD)
        return -EINVAL;
    r.ru_utime = timeval_of(user);
    r.ru_stime = timeval_of(system);
    if (who != RUSAGE_CHILDREN) {
        r.ru_maxrss = (long)(self->mm ? self->mm->resident * PAGE_BYTES / 1024 : 0);
        r.ru_minflt = (long)self->faults;
        r.ru_nvcsw = (long)self->switches_voluntary;
        r.ru_nivcsw = (long)self->switches_forced;
    }
    return PUT_USER(to, r);
}
