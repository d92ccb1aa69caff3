/* SPDX-License-Identifier: Apache-2.0 */
/* The clock and timers. Time is ns since boot, from the TSC. */
#ifndef KERNEL_TIMER_H
#define KERNEL_TIMER_H

#include "lib/list.h"

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
bool timer_is_running(const struct timer *t);
void timer_interrupt(void); /* runs what is due on this core, programs the next deadline */

#endif
