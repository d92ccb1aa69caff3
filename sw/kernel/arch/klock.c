/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel lock: tickets, so that cores get it in the order in which they asked. */
#include "arch/cpu.h"
#include "arch/insn.h"
#include "mm/mm.h"

static uint32_t next_ticket, now_serving;

void klock_acquire(void)
{
    uint32_t ticket = __atomic_fetch_add(&next_ticket, 1, __ATOMIC_RELAXED);
    while (__atomic_load_n(&now_serving, __ATOMIC_ACQUIRE) != ticket) {
        tlb_shootdown_poll(); /* whoever holds the lock may be waiting for this core, which has interrupts off */
        cpu_pause();
    }
}

void klock_release(void) { __atomic_store_n(&now_serving, now_serving + 1, __ATOMIC_RELEASE); }
