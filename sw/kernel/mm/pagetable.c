/* SPDX-License-Identifier: Apache-2.0 */
/* Page tables of four levels. SDM Vol. 3A, "4-Level Paging and 5-Level Paging"; for the order of changes and flushes,
 * "Caching Translation Information". Tables stay until the address space goes; they count as its pages. */
#include "mm/internal.h"

enum { TOP_SHIFT = 39, LEAF_SHIFT = 12 };
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

int pt_copy(struct mm *to, struct mm *from, const struct area *a)
{
    uint64_t *e;
    for (uint64_t va = a->start; (e = next(from, &va, a->end)) != NULL; va += PAGE_BYTES) {
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
    for (uint64_t va = from; next(mm, &va, from + bytes) != NULL; va += PAGE_BYTES)
        if (!pt_entry(mm, to + (va - from), true))
            return -ENOMEM;
    for (uint64_t va = from; (e = next(mm, &va, from + bytes)) != NULL; va += PAGE_BYTES) {
        *pt_entry(mm, to + (va - from), false) = *e;
        *e = 0;
    }
    tlb_flush(mm->active, from, from + bytes);
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
