/* SPDX-License-Identifier: Apache-2.0 */
/* Page tables of four levels. SDM Vol. 3A, "4-Level Paging and 5-Level Paging"; for the order of changes and flushes,
 * "Caching Translation Information". Tables stay until the address space goes; they count as its pages. */
#include "arch/cpu.h"
#include "arch/insn.h"
#include "mm/mm.h"

enum {
    TOP_SHIFT = 39,
    LEAF_SHIFT = 12,
    SINGLE_PAGES_MAX = 32 /* from there on a flush takes all translations: it costs less */
};
#define TABLE_BYTES (512 * PAGE_BYTES) /* that a table of level 1 maps */

/* The entry for va on the way down where that ends: at level 1, or above at an entry that is zero. */
static uint64_t *walk(struct mm *mm, uint64_t va, int *shift)
{
    uint64_t *table = phys_to_virt(mm->pml4);
    for (*shift = TOP_SHIFT;; *shift -= 9) {
        uint64_t *e = &table[va >> *shift & 511];
        if (!*e || *shift == LEAF_SHIFT)
            return e;
        table = phys_to_virt(*e & PTE_ADDRESS_MASK);
    }
}

uint64_t *pt_entry(struct mm *mm, uint64_t va, bool create)
{
    for (int shift;;) {
        uint64_t *e = walk(mm, va, &shift);
        if (shift == LEAF_SHIFT)
            return e;
        uint64_t page = create ? page_alloc_zero() : 0;
        if (!page)
            return NULL;
        *e = page | PTE_P | PTE_W | PTE_U;
        mm->resident++;
    }
}

/* The next entry of level 1 that is not zero in [*va, end); *va becomes its address. NULL: none. */
static uint64_t *next(struct mm *mm, uint64_t *va, uint64_t end)
{
    for (int shift; *va < end; *va = (*va | ((UINT64_C(1) << shift) - 1)) + 1) {
        uint64_t *e = walk(mm, *va, &shift), last = MIN(end - 1, *va | (TABLE_BYTES - 1)) & ~(PAGE_BYTES - 1);
        for (; shift == LEAF_SHIFT && !*e && *va < last; e++)
            *va += PAGE_BYTES;
        if (*e)
            return e;
    }
    return NULL;
}

/* A private page is writable only while nobody else has a reference: no file, no other process. */
uint64_t pt_bits(const struct area *a, uint64_t page)
{
    bool is_writable = a->flags & AREA_WRITE && (a->flags & AREA_SHARED || page_refs(page) == 1);
    return page | PTE_U | (a->flags & AREA_PROTECTION ? PTE_P : 0) | (is_writable ? PTE_W : 0) |
           (a->flags & AREA_EXEC ? 0 : PTE_NX);
}

/* As the area wants it now, or without one, not present. */
static void rewrite(struct mm *mm, uint64_t start, uint64_t end, const struct area *a)
{
    bool is_flush_due = false;
    uint64_t *e;
    for (uint64_t va = start; (e = next(mm, &va, end)) != NULL; va += PAGE_BYTES) {
        is_flush_due |= *e & PTE_P;
        *e = a ? pt_bits(a, *e & PTE_ADDRESS_MASK) : *e & ~PTE_P;
    }
    if (is_flush_due)
        tlb_flush(mm->active, start, end);
}

void pt_protect(struct mm *mm, const struct area *a) { rewrite(mm, a->start, a->end, a); }

/* What goes is only hidden at first: it loses its present bit and keeps its address, so that after the flush, when no
 * core can reach it any more, the second pass finds what to free. */
void pt_unmap(struct mm *mm, uint64_t start, uint64_t end)
{
    uint64_t *e;
    rewrite(mm, start, end, NULL);
    for (uint64_t va = start; (e = next(mm, &va, end)) != NULL; va += PAGE_BYTES) {
        page_put(*e & PTE_ADDRESS_MASK);
        *e = 0;
        mm->resident--;
    }
}

int pt_copy(struct mm *to, uint64_t start, struct mm *from, const struct area *a)
{
    uint64_t *e;
    if (a->flags & AREA_SHARED)
        return 0;
    for (uint64_t va = a->start; (e = next(from, &va, a->end)) != NULL; va += PAGE_BYTES) {
        uint64_t *copy = pt_entry(to, start + (va - a->start), true);
        if (!copy)
            return -ENOMEM;
        *e &= ~PTE_W;
        *copy = *e;
        page_get(*e & PTE_ADDRESS_MASK);
        to->resident++;
    }
    return 0;
}

static void free_table(uint64_t page, int shift)
{
    const uint64_t *table = phys_to_virt(page);
    for (int i = 0; shift > LEAF_SHIFT && i < (shift == TOP_SHIFT ? 256 : 512); i++)
        if (table[i])
            free_table(table[i] & PTE_ADDRESS_MASK, shift - 9);
    page_put(page);
}

void pt_free(struct mm *mm) { free_table(mm->pml4, TOP_SHIFT); }

/* --- translations that other cores may still hold ---
 * Only the holder of the kernel lock asks, so there is one request at a time; a core answers from the interrupt if it
 * is in user mode or idle, and from its wait for the lock otherwise, both without the lock. SDM Vol. 3A, "Propagation
 * of Paging-Structure Changes to Multiple Processors". */

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
