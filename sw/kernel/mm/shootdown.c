/* SPDX-License-Identifier: Apache-2.0 */
/* Translations that other cores may still hold. Only the holder of the kernel lock asks, so there is one request at a
 * time; a core answers from the interrupt if it is in user mode or idle, and from its wait for the lock otherwise. Both
 * answer without the lock. SDM Vol. 3A, "Propagation of Paging-Structure Changes to Multiple Processors". */
#include "arch/cpu.h"
#include "arch/insn.h"
#include "mm/mm.h"

enum { SINGLE_PAGES_MAX = 32 }; /* from there on all translations go: it costs less */

static uint64_t flush_start, flush_end; /* of the request */

static void flush_here(void)
{
    if ((flush_end - flush_start) / PAGE_BYTES > SINGLE_PAGES_MAX) {
        write_cr3(read_cr3());
        return;
    }
    for (uint64_t va = flush_start; va < flush_end; va += PAGE_BYTES)
        invlpg((const void *)va);
}

void tlb_shootdown_poll(void)
{
    struct cpu *cpu = this_cpu();
    if (!__atomic_load_n(&cpu->flush_wanted, __ATOMIC_ACQUIRE))
        return;
    flush_here();
    __atomic_store_n(&cpu->flush_wanted, false, __ATOMIC_RELEASE);
}

void tlb_flush(uint64_t cores, uint64_t start, uint64_t end)
{
    uint32_t self = this_cpu()->index;
    flush_start = start;
    flush_end = end;
    for (uint32_t i = 0; i < cpu_count; i++) {
        if (i == self || !(cores >> i & 1))
            continue;
        __atomic_store_n(&cpus[i].flush_wanted, true, __ATOMIC_SEQ_CST);
        apic_send(i, VECTOR_SHOOTDOWN);
    }
    if (cores >> self & 1)
        flush_here();
    for (uint32_t i = 0; i < cpu_count; i++)
        while (i != self && __atomic_load_n(&cpus[i].flush_wanted, __ATOMIC_ACQUIRE))
            cpu_pause();
}
