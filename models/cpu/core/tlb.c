/* SPDX-License-Identifier: Apache-2.0 */
/* The software translation cache: one direct-mapped set per privilege view, filled by page walks. Entries hold 4 KiB;
 * tlb_used says which were filled, so that a flush costs what the program touched, and tlb_large which of them may be
 * parts of large pages. */
#include "cpu_state.h"

#include <string.h>

enum { WORD_BITS = 64, REGION_SHIFT = 21, HUGE_SHIFT = 30 };

static void invalidate(struct tlb_entry *e)
{
    e->read = e->write = e->exec = e->page = TLB_INVALID;
    e->flags = 0;
}

static void mark(uint64_t *words, uint64_t bit) { words[bit / WORD_BITS] |= UINT64_C(1) << bit % WORD_BITS; }

static bool is_marked(const uint64_t *words, uint64_t bit) { return words[bit / WORD_BITS] >> bit % WORD_BITS & 1; }

/* Place of a region of 2 MiB or of 1 GiB in the maps of large pages, which are smaller than the address space: regions
 * that meet there cost a search, nothing else. */
static uint64_t hash(uint64_t number, unsigned bits) { return number * UINT64_C(0x9e3779b97f4a7c15) >> (64 - bits); }

static uint64_t region_of(uint64_t la) { return hash(la >> REGION_SHIFT, TLB_REGION_BITS); }

static uint64_t huge_of(uint64_t la) { return hash(la >> HUGE_SHIFT, 6); }

void cpu_tlb_init(struct cpu *cpu)
{
    for (unsigned i = 0; i < TLB_SIZE; i++) {
        for (unsigned v = 0; v < MMU_VIEWS; v++)
            invalidate(&cpu->tlb_sets[v][i]);
        invalidate(&cpu->tlb_never[i]);
    }
}

void cpu_tlb_flush(struct cpu *cpu, bool keep_global)
{
    for (unsigned v = 0; v < MMU_VIEWS; v++)
        for (unsigned w = 0; w < TLB_SIZE / WORD_BITS; w++) {
            uint64_t kept = 0;
            for (uint64_t rest = cpu->tlb_used[v][w]; rest; rest &= rest - 1) {
                unsigned bit = (unsigned)__builtin_ctzll(rest);
                struct tlb_entry *e = &cpu->tlb_sets[v][w * WORD_BITS + bit];
                if (keep_global && (e->flags & TLBF_GLOBAL))
                    kept |= UINT64_C(1) << bit;
                else
                    invalidate(e);
            }
            cpu->tlb_used[v][w] = kept;
        }
    if (!keep_global) {
        memset(cpu->tlb_large, 0, sizeof cpu->tlb_large);
        cpu->tlb_huge = 0;
    }
    cpu_charge_tlb_flush(cpu, keep_global ? TIMING_FLUSH_NOT_GLOBAL : TIMING_FLUSH_ALL, 0);
    cpu->chain_gen++;
    cpu->link = NULL;
}

/* Drops what the view's entries hold of the large page at la: 2^shift bytes. */
static void invalidate_region(struct tlb_entry *set, uint64_t la, unsigned shift)
{
    uint64_t first = la >> shift << (shift - PAGE_SHIFT), pages = UINT64_C(1) << (shift - PAGE_SHIFT);
    for (uint64_t i = 0; i < pages && i < TLB_SIZE; i++) {
        struct tlb_entry *e = &set[(first + i) & (TLB_SIZE - 1)];
        if ((e->flags & TLBF_LARGE) && e->page >> shift == la >> shift)
            invalidate(e);
    }
}

/* INVLPG invalidates all of a large page, of which any part may be cached, the named address or others: SDM Vol. 3,
 * "Operations that Invalidate TLBs and Paging-Structure Caches". Where no large page was there is one entry to look
 * at. Pages of 4 MiB count as huge. */
void cpu_tlb_invalidate(struct cpu *cpu, uint64_t la)
{
    uint64_t page = la & PAGE_MASK;
    bool has_huge = cpu->tlb_huge >> huge_of(la) & 1, has_large = is_marked(cpu->tlb_large, region_of(la));
    cpu_charge_tlb_flush(cpu, TIMING_FLUSH_PAGE, la);
    for (unsigned v = 0; v < MMU_VIEWS; v++) {
        struct tlb_entry *own = &cpu->tlb_sets[v][(la >> PAGE_SHIFT) & (TLB_SIZE - 1)];
        if (own->page == page)
            invalidate(own);
        if (has_huge)
            invalidate_region(cpu->tlb_sets[v], la, HUGE_SHIFT);
        else if (has_large)
            invalidate_region(cpu->tlb_sets[v], la, REGION_SHIFT);
    }
    cpu->chain_gen++;
    cpu->link = NULL;
}

void cpu_tlb_protect_code(struct cpu *cpu, uint64_t pa)
{
    for (unsigned v = 0; v < MMU_VIEWS; v++)
        for (unsigned i = 0; i < TLB_SIZE; i++)
            if (cpu->tlb_sets[v][i].page != TLB_INVALID && cpu->tlb_sets[v][i].pa == pa)
                cpu->tlb_sets[v][i].write = TLB_INVALID;
}

enum vp_status cpu_tlb_fill(struct cpu *cpu, uint64_t la, enum mem_access access, enum mmu_view view)
{
    struct translation t;
    struct tlb_entry *e = &cpu->tlb_sets[view][(la >> PAGE_SHIFT) & (TLB_SIZE - 1)];
    uint64_t page = la & PAGE_MASK;

    if (cpu->cr0 & CR0_PG) {
        enum vp_status status = cpu_page_walk(cpu, la, access, view, &t);
        cpu->stats.page_walks++;
        cpu_charge_walk(cpu, la);
        if (status != VP_OK) {
            cpu_charge_fault(cpu, view, la, access);
            return VP_FAULT;
        }
    } else {
        t = (struct translation){
            .pa = la, .size_log2 = PAGE_SHIFT, .writable = true, .executable = true, .global = true};
    }
    uint64_t pa = t.pa & PAGE_MASK;
    uint8_t *host = cpu_bus(cpu)->direct_page(cpu->bus.ctx, pa);
    bool same_page = e->page == page;
    uint64_t exec = access == ACCESS_EXEC || (same_page && e->exec == page && e->pa == pa) ? page : TLB_INVALID;
    bool data = access != ACCESS_EXEC || (same_page && (e->flags & TLBF_READ) && e->pa == pa);

    e->page = page;
    e->pa = pa;
    e->flags = (t.global ? TLBF_GLOBAL : 0) | (t.size_log2 > PAGE_SHIFT ? TLBF_LARGE : 0);
    mark(cpu->tlb_used[view], (la >> PAGE_SHIFT) & (TLB_SIZE - 1));
    if (t.size_log2 == REGION_SHIFT)
        mark(cpu->tlb_large, region_of(la));
    else if (t.size_log2 > REGION_SHIFT)
        cpu->tlb_huge |= UINT64_C(1) << huge_of(la);
    if (data)
        e->flags |= TLBF_READ | (t.writable ? TLBF_WRITE : 0);
    e->exec = exec;
    e->host = (uintptr_t)host - page;
    e->read = host && data ? page : TLB_INVALID;
    e->write = host && data && t.writable && !code_map_is_code_page(cpu->code_map, pa) ? page : TLB_INVALID;
    return VP_OK;
}
