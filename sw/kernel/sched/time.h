/* SPDX-License-Identifier: Apache-2.0 */
/* Times of the user's structures as ns. */
#ifndef KERNEL_TIME_H
#define KERNEL_TIME_H

#include "sched/timer.h"
#include <linux/time.h>
#include <linux/time_types.h>

#define NS_PER_SECOND 1000000000ull

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

/* The timeout of a call, relative, at address (0: none, NEVER): *deadline in clock_now() time. -EFAULT, -EINVAL. */
int deadline_from_user(uint64_t address, uint64_t *deadline);

#endif
