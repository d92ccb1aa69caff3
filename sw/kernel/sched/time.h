/* SPDX-License-Identifier: Apache-2.0 */
/* The clock, in ns since boot from the TSC; timers; times of the user's structures as ns. */
#ifndef KERNEL_TIME_H
#define KERNEL_TIME_H

#include "lib/list.h"
#include <linux/time.h>
#include <linux/time_types.h>

#define NS_PER_SECOND 1000000000ull

struct task;

struct timer {
    struct list link;                /* in the owning core's list, by deadline */
    uint64_t deadline;               /* ns */
    void (*expired)(struct timer *); /* in the timer interrupt, under the kernel lock; may arm it again */
};

uint64_t clock_now(void);      /* ns since boot, CLOCK_MONOTONIC                */
uint64_t clock_realtime(void); /* ns since 1970; the RTC at boot plus clock_now */
void clock_init(void);
uint64_t clock_tsc_at(uint64_t ns); /* the TSC at that time */

void timer_init(struct timer *t, void (*expired)(struct timer *));
void timer_start(struct timer *t, uint64_t deadline); /* on this core; one that runs is moved; NEVER only stops it */
void timer_stop(struct timer *t);                     /* harmless if it does not run */
static inline bool timer_is_running(const struct timer *t) { return !list_is_empty(&t->link); }
void timer_interrupt(void); /* runs what is due on this core, programs the next deadline */

static inline bool timespec_is_valid(const struct __kernel_timespec *t)
{
    return t->tv_sec >= 0 && t->tv_nsec >= 0 && t->tv_nsec < (long long)NS_PER_SECOND;
}
/* Saturates: a time beyond the end of 64 bits is NEVER. */
static inline uint64_t timespec_ns(const struct __kernel_timespec *t)
{
    return (uint64_t)t->tv_sec >= UINT64_MAX / NS_PER_SECOND - 1
               ? UINT64_MAX
               : (uint64_t)t->tv_sec * NS_PER_SECOND + (uint64_t)t->tv_nsec;
}
static inline struct __kernel_timespec timespec_of(uint64_t ns)
{
    return (struct __kernel_timespec){(long long)(ns / NS_PER_SECOND), (long long)(ns % NS_PER_SECOND)};
}
static inline struct __kernel_old_timeval timeval_of(uint64_t ns)
{
    return (struct __kernel_old_timeval){(long)(ns / NS_PER_SECOND), (long)(ns % NS_PER_SECOND / 1000)};
}
static inline uint64_t add_ns(uint64_t a, uint64_t b) { return a + b < a ? UINT64_MAX : a + b; }

/* A call that goes on with these arguments (struct restart) if -ERESTART_RESTARTBLOCK ended it. */
long call_restartable(long (*again)(struct task *self), uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e);
/* The timeout of a call at address (0: none, NEVER), from now on or a time of a clock: *deadline in clock_now() time, 0
 * if it is over. -EFAULT, -EINVAL. */
int deadline_from_user(uint64_t address, int clock, bool is_absolute, uint64_t *deadline);

#endif
