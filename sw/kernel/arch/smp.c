/* SPDX-License-Identifier: Apache-2.0 */
/* The other cores, those that the MADT lists: starting one after the other, and the lock that all of them need. SDM
 * Vol. 3A, "Multiple-Processor (MP) Initialization". */
#include "arch/apic.h"
#include "arch/cpu.h"
#include "arch/insn.h"
#include "madt.h"
#include "mm/mm.h"
#include "string.h"
#include "trampoline.h"

uint64_t ap_stack_top;
volatile uint32_t ap_index;

static void start_core(uint32_t apic_id)
{
    uint32_t index = cpu_count;
    if (index == CPUS_MAX || apic_id == this_cpu()->apic_id)
        return;
    struct task *idle = sched_create_idle(index);
    if (!idle)
        panic("no memory for core %u", index);
    ap_stack_top = (uint64_t)(idle->kernel_stack + KERNEL_STACK_BYTES);
    ap_index = index;
    apic_send_to(apic_id, ICR_INIT);
    for (uint64_t end = clock_now() + 10000; clock_now() < end;)
        cpu_pause();
    apic_send_to(apic_id, ICR_STARTUP | TRAMPOLINE_ADDRESS / 4096);
    for (uint64_t end = clock_now() + 10000000; clock_now() < end && !cpus[index].is_online;)
        cpu_pause();
    if (cpus[index].is_online)
        cpu_count++;
    else
        klog("core with APIC ID %u does not start", apic_id);
}

void smp_start(void)
{
    uint32_t ids[CPUS_MAX], count = madt_list(DIRECT_MAP, ids, CPUS_MAX);
    memcpy(phys_to_virt(TRAMPOLINE_ADDRESS), trampoline_start, (size_t)(trampoline_end - trampoline_start));
    cpus[0].is_online = true;
    for (uint32_t i = 0; i < count; i++)
        start_core(ids[i]);
}

/* --- the kernel lock: tickets, so that cores get it in the order in which they asked --- */

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
