/* SPDX-License-Identifier: Apache-2.0 */
/* Translations that other cores may still hold. Only the holder of the kernel lock asks, so there is one request at a
 * time; a core answers from the interrupt if it is in user mode or idle, and from its wait for the lock otherwise. Both
 * answer without the lock. SDM Vol. 3A, "Propagation of Paging-Structure Changes to Multiple Processors". */
#include "arch/cpu.h"
#include "arch/insn.h"
#include "mm/mm.h"

enum { SINGLE_PAGES_MAX = 32 }; /* from there on all translations go: it costs less */

static void flush_here(uint64_t start, uint64_t end)
{
    if ((end - start) / PAGE_BYTES > SINGLE_PAGES_MAX) {
        write_cr3(read_cr3());
        return;
    }
    for (uint64_t va = start; va < end; va += PAGE_BYTES)
        invlpg((const void *)va);
}

void tlb_shootdown_poll(void)
{
    struct cpu *cpu = this_cpu();
    if (!__atomic_load_n(&cpu->flush_wanted, __ATOMIC_ACQUIRE))
        return;
    flush_here(cpu->flush_start, cpu->flush_end);
    __atomic_store_n(&cpu->flush_wanted, false, __ATOMIC_RELEASE);
}

void tlb_flush_cores(uint64_t cores, uint64_t start, uint64_t end)
{
    uint64_t self = UINT64_C(1) << this_cpu()->index, others = cores & ~self;
    for (uint32_t i = 0; i < cpu_count; i++) {
        if (!(others >> i & 1))
            continue;
        cpus[i].flush_start = start;
        cpus[i].flush_end = end;
        __atomic_store_n(&cpus[i].flush_wanted, true, __ATOMIC_SEQ_CST);
        apic_send(i, VECTOR_SHOOTDOWN);
    }
    if (cores & self)
        flush_here(start, end);
    for (uint32_t i = 0; i < cpu_count; i++)
        while (others >> i & 1 && __atomic_load_n(&cpus[i].flush_wanted, __ATOMIC_ACQUIRE))
            cpu_pause();
}

void tlb_flush_range(struct mm *mm, uint64_t start, uint64_t end) { tlb_flush_cores(mm->active, start, end); }
