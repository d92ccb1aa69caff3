/* SPDX-License-Identifier: Apache-2.0 */
/* The other cores: find them, start them, give them work. An idle core waits in HLT with interrupts enabled. */
#ifndef SMP_H
#define SMP_H

#include "percpu.h"
#include <stdint.h>

/* Starts every core the MADT lists (without an MADT: whoever answers a broadcast); returns the number running. The
 * first core calls it once; later calls return the same number. */
uint32_t smp_start(void);
uint32_t smp_listed(void); /* processors in the MADT, 0 without one */

/* Gives fn(arg) to another core; returns at once. It runs there at CPL 0 with IF = 0. */
void start_on_cpu(uint32_t cpu, uint64_t (*fn)(void *arg), void *arg);
uint64_t wait_for_cpu(uint32_t cpu);                                 /* its result */
uint64_t on_cpu(uint32_t cpu, uint64_t (*fn)(void *arg), void *arg); /* both; runs directly if cpu is the caller */

/* Waits, bounded, until a condition holds; true if it does. */
#define WAIT_BOUND 20000000ull
#define wait_until(condition)                                                                                          \
    ({                                                                                                                 \
        uint64_t wait_count_ = 0;                                                                                      \
        while (!(condition) && wait_count_++ < WAIT_BOUND)                                                             \
            cpu_pause();                                                                                               \
        (condition);                                                                                                   \
    })

void delay(uint64_t tsc_cycles);
/* Long enough for everything under way (IPIs, mostly) to arrive. */
void settle(void);

#endif
