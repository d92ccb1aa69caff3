/* SPDX-License-Identifier: Apache-2.0 */
/* A test-and-test-and-set lock. Does not touch IF: do not take it in an interrupt handler that can interrupt a holder.
 */
#ifndef SPINLOCK_H
#define SPINLOCK_H

#include "arch/insn.h"
#include <stdbool.h>

struct spinlock {
    volatile bool is_held;
};

static inline void spinlock_acquire(struct spinlock *lock)
{
    while (__atomic_exchange_n(&lock->is_held, true, __ATOMIC_ACQUIRE))
        while (lock->is_held)
            cpu_pause();
}

static inline void spinlock_release(struct spinlock *lock)
{
    __atomic_store_n(&lock->is_held, false, __ATOMIC_RELEASE);
}

#endif
