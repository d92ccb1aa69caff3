/* SPDX-License-Identifier: Apache-2.0 */
/* Page tables of four levels. SDM Vol. 3A, "4-Level Paging and 5-Level Paging"; for the order of changes and flushes,
 * "Caching Translation Information". */
#include "mm/pagetable.h"

enum { TOP_SHIFT = 39, LEAF_SHIFT = 12 };

uint64_t *pt_entry(struct mm *mm, uint64_t va, bool create)
{
    uint64_t *table = phys_to_virt(mm->pml4);
    for (int shift = TOP_SHIFT; shift > LEAF_SHIFT; shift -= 9) {
        uint64_t *e = &table[va >> shift & 511];
        if (!*e) {
            uint64_t page = create ? page_alloc_zero() : 0;
            if (!page)
                return NULL;
            *e = page | PTE_P | PTE_W | PTE_U;
        }
        table = phys_to_virt(*e & PTE_ADDRESS_MASK);
    }
    return &table[va >> LEAF_SHIFT & 511];
}

uint64_t *pt_next(struct mm *mm, uint64_t *va, uint64_t end)
{
    while (*va < end) {
        uint64_t *table = phys_to_virt(mm->pml4);
        int shift = TOP_SHIFT;
        for (; shift > LEAF_SHIFT; shift -= 9) {
            uint64_t e = table[*va >> shift & 511];
            if (!e)
                break;
            table = phys_to_virt(e & PTE_ADDRESS_MASK);
        }
        if (shift > LEAF_SHIFT) { /* nothing below: over all of it */
            *va = (*va | ((UINT64_C(1) << shift) - 1)) + 1;
            continue;
        }
        do {
            uint64_t *e = &table[*va >> LEAF_SHIFT & 511];
            if (*e)
                return e;
            *va += PAGE_BYTES;
        } while (*va < end && *va >> LEAF_SHIFT & 511);
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

struct sweep {
    struct mm *mm;
    uint64_t start, end, floor, ceiling;
    bool is_first, is_flush_due;
};

/* What goes is only hidden at first: it loses its present bit and keeps its address, so that after the flush, when no
 * core can reach it any more, the second pass finds what to free. */
static void sweep(struct sweep *s, uint64_t *table, int shift, uint64_t base)
{
    for (uint64_t i = s->start > base ? (s->start - base) >> shift : 0; i < 512; i++) {
        uint64_t from = base + (i << shift), to = from + (UINT64_C(1) << shift), below = table[i] & PTE_ADDRESS_MASK;
        bool is_table = shift > LEAF_SHIFT, goes = !is_table || (from >= s->floor && to <= s->ceiling);
        if (from >= s->end)
            break;
        if (!table[i])
            continue;
        if (s->is_first && goes) {
            s->is_flush_due |= table[i] & PTE_P;
            table[i] &= ~PTE_P;
            continue;
        }
        if (is_table)
            sweep(s, phys_to_virt(below), shift - 9, from);
        if (!s->is_first && goes) {
            table[i] = 0;
            s->mm->resident -= !is_table;
            page_put(below);
        }
    }
}

void pt_unmap(struct mm *mm, uint64_t start, uint64_t end, uint64_t floor, uint64_t ceiling)
{
    struct sweep s = {.mm = mm, .start = start, .end = end, .floor = floor, .ceiling = ceiling, .is_first = true};
    uint64_t *top = phys_to_virt(mm->pml4);
    sweep(&s, top, TOP_SHIFT, 0);
    if (s.is_flush_due)
        tlb_flush_range(mm, start, end);
    s.is_first = false;
    sweep(&s, top, TOP_SHIFT, 0);
}

void pt_protect(struct mm *mm, const struct area *a)
{
    bool is_flush_due = false;
    uint64_t *e;
    for (uint64_t va = a->start; (e = pt_next(mm, &va, a->end)) != NULL; va += PAGE_BYTES) {
        is_flush_due |= *e & PTE_P;
        *e = pt_bits(a, *e & PTE_ADDRESS_MASK);
    }
    if (is_flush_due)
        tlb_flush_range(mm, a->start, a->end);
}

int pt_copy(struct mm *to, struct mm *from, const struct area *a)
{
    uint64_t *e;
    for (uint64_t va = a->start; (e = pt_next(from, &va, a->end)) != NULL; va += PAGE_BYTES) {
        uint64_t *copy = pt_entry(to, va, true);
        if (!copy)
            return -ENOMEM;
        *e &= ~PTE_W;
        *copy = *e;
        page_get(*e & PTE_ADDRESS_MASK);
        to->resident++;
    }
    return 0;
}

int pt_move(struct mm *mm, uint64_t from, uint64_t to, uint64_t bytes)
{
    uint64_t *e;
    for (uint64_t va = from; pt_next(mm, &va, from + bytes) != NULL; va += PAGE_BYTES)
        if (!pt_entry(mm, to + (va - from), true))
            return -ENOMEM;
    for (uint64_t va = from; (e = pt_next(mm, &va, from + bytes)) != NULL; va += PAGE_BYTES) {
        *pt_entry(mm, to + (va - from), false) = *e;
        *e = 0;
    }
    tlb_flush_range(mm, from, from + bytes);
    return 0;
}
