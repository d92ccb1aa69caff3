/* SPDX-License-Identifier: Apache-2.0 */
/* Page walks: 4-level (long mode), PAE (three levels) and 32-bit (two levels). Permissions, reserved bits, accessed and
 * dirty bits, error codes. Caching translations is tlb.c's.
 * Source: SDM Vol. 3, chapter "Paging": "4-Level Paging", "PAE Paging", "32-Bit Paging", "Access Rights",
 * "Page-Fault Exceptions", "Accessed and Dirty Flags".
 *
 * DEVIATION(pdpte-registers): PAE's four PDPTEs are read from memory at each walk instead of being cached by MOV CR3;
 * visible only to software that changes a PDPTE without reloading CR3. */
#include "cpu_state.h"

#define PTE_P 0x1u
#define PTE_W 0x2u
#define PTE_U 0x4u
#define PTE_A 0x20u
#define PTE_D 0x40u
#define PTE_PS 0x80u
#define PTE_G 0x100u
#define PTE_NX (UINT64_C(1) << 63)

enum { MAX_LEVELS = 4 };

/* What the tables say about one linear address. */
struct walk {
    uint64_t entry_pa[MAX_LEVELS], entry[MAX_LEVELS];
    bool keeps_a[MAX_LEVELS];  /* the entry has an accessed bit (PAE's PDPTEs have none) */
    unsigned count;            /* entries read; the last is the leaf if found            */
    unsigned entry_size;       /* 4 or 8                                                 */
    bool user, write, no_exec; /* the conjunction over all levels                        */
    bool global;
    unsigned size_log2; /* of the page */
    uint64_t pa;
};

enum walk_result { WALK_FOUND, WALK_ABSENT, WALK_RESERVED };

static uint64_t physical_mask(const struct cpu *cpu) { return (UINT64_C(1) << cpu->config.physical_address_width) - 1; }

/* Reserved bits of an 8-byte entry. level: 1 = page table ... 4 = PML4. */
static bool is_reserved_64(const struct cpu *cpu, uint64_t e, unsigned level, bool is_long)
{
    uint64_t reserved = ~physical_mask(cpu) & UINT64_C(0x000fffffffffffff); /* 51:MAXPHYADDR */
    if (!(cpu->efer & EFER_NXE))
        reserved |= PTE_NX;
    if (!is_long)
        reserved |= UINT64_C(0x7ff0000000000000); /* PAE paging: 62:52 too */
    if (!is_long && level == 3)                   /* PDPTE */
        return (e & (reserved | PTE_NX | 0x1e6)) != 0;
    if (level == 4)
        return (e & (reserved | PTE_PS)) != 0;
    if (level == 3 && (e & PTE_PS))
        return !cpu_has_feature(cpu, CPU_FEATURE_page1gb) || (e & (reserved | 0x3fffe000u)) != 0;
    if (level == 2 && (e & PTE_PS))
        return (e & (reserved | 0x001fe000u)) != 0;
    return (e & reserved) != 0;
}

static enum walk_result walk_64(struct cpu *cpu, uint64_t la, struct walk *w)
{
    bool is_long = (cpu->efer & EFER_LMA) != 0;
    uint64_t table = cpu->cr3 & physical_mask(cpu) & (is_long ? PAGE_MASK : UINT64_C(0xffffffe0));
    w->entry_size = 8;
    for (unsigned level = is_long ? 4 : 3;; level--) {
        unsigned shift = PAGE_SHIFT + 9 * (level - 1), i = w->count++;
        bool is_pdpte = !is_long && level == 3;
        uint64_t index = (la >> shift) & (is_pdpte ? 3u : 511u);
        w->entry_pa[i] = table + 8 * index;
        uint64_t e = w->entry[i] = cpu_phys_read64(cpu, w->entry_pa[i]);
        w->keeps_a[i] = !is_pdpte;
        if (!(e & PTE_P))
            return WALK_ABSENT;
        if (is_reserved_64(cpu, e, level, is_long))
            return WALK_RESERVED;
        if (!is_pdpte) {
            w->user = w->user && (e & PTE_U);
            w->write = w->write && (e & PTE_W);
            w->no_exec = w->no_exec || (e & PTE_NX);
        }
        uint64_t frame = e & physical_mask(cpu) & PAGE_MASK;
        bool is_large = !is_pdpte && (level == 2 || level == 3) && (e & PTE_PS);
        if (level == 1 || is_large) {
            uint64_t offset_mask = (UINT64_C(1) << shift) - 1;
            w->size_log2 = shift;
            w->global = (e & PTE_G) && (cpu->cr4 & CR4_PGE);
            w->pa = (frame & ~offset_mask) | (la & offset_mask);
            return WALK_FOUND;
        }
        table = frame;
    }
}

static enum walk_result walk_32(struct cpu *cpu, uint64_t la, struct walk *w)
{
    uint64_t table = cpu->cr3 & 0xfffff000u;
    w->entry_size = 4;
    for (unsigned level = 2;; level--) {
        unsigned shift = level == 2 ? 22 : 12, i = w->count++;
        w->entry_pa[i] = table + 4 * ((la >> shift) & 1023u);
        uint32_t e = cpu_phys_read32(cpu, w->entry_pa[i]);
        w->entry[i] = e;
        w->keeps_a[i] = true;
        if (!(e & PTE_P))
            return WALK_ABSENT;
        bool is_large = level == 2 && (e & PTE_PS) && (cpu->cr4 & CR4_PSE);
        /* PSE-36: bits 20:13 are physical address bits 39:32; those above MAXPHYADDR and bit 21 are reserved. Without
         * it all of them are. */
        uint64_t high = is_large ? bits_get(e, 20, 13) << 32 : 0;
        uint64_t known = cpu_has_feature(cpu, CPU_FEATURE_pse36) ? physical_mask(cpu) : UINT32_MAX;
        if (is_large && ((e & 0x200000u) || (high & ~known)))
            return WALK_RESERVED;
        w->user = w->user && (e & PTE_U);
        w->write = w->write && (e & PTE_W);
        if (level == 1 || is_large) {
            w->size_log2 = shift;
            w->global = (e & PTE_G) && (cpu->cr4 & CR4_PGE);
            w->pa = is_large ? (high | (e & 0xffc00000u) | (la & 0x3fffffu)) : ((e & 0xfffff000u) | (la & 0xfffu));
            return WALK_FOUND;
        }
        table = e & 0xfffff000u;
    }
}

static enum walk_result walk_tables(struct cpu *cpu, uint64_t la, struct walk *w)
{
    *w = (struct walk){.user = true, .write = true};
    if (cpu->cr4 & CR4_PAE)
        return walk_64(cpu, la, w);
    return walk_32(cpu, (uint32_t)la, w);
}

/* SDM Vol. 3, "Determination of Access Rights". */
static bool may_write(const struct cpu *cpu, const struct walk *w, enum mmu_view view)
{
    if (view == MMU_USER)
        return w->user && w->write;
    if (w->user && view == MMU_SUPERVISOR && (cpu->cr4 & CR4_SMAP))
        return false;
    return w->write || !(cpu->cr0 & CR0_WP);
}

static bool may_read(const struct cpu *cpu, const struct walk *w, enum mmu_view view)
{
    if (view == MMU_USER)
        return w->user;
    return !(w->user && view == MMU_SUPERVISOR && (cpu->cr4 & CR4_SMAP));
}

static bool may_execute(const struct cpu *cpu, const struct walk *w, enum mmu_view view)
{
    if (w->no_exec && (cpu->efer & EFER_NXE))
        return false;
    return view == MMU_USER ? w->user : !(w->user && (cpu->cr4 & CR4_SMEP));
}

static bool is_allowed(const struct cpu *cpu, const struct walk *w, enum mem_access access, enum mmu_view view)
{
    switch (access) {
    case ACCESS_WRITE: return may_write(cpu, w, view);
    case ACCESS_EXEC: return may_execute(cpu, w, view);
    case ACCESS_READ: break;
    }
    return may_read(cpu, w, view);
}

static uint32_t fault_code(const struct cpu *cpu, enum mem_access access, enum mmu_view view)
{
    uint32_t code = view == MMU_USER ? PF_U : 0;
    if (access == ACCESS_WRITE)
        code |= PF_W;
    bool reports_fetches = ((cpu->cr4 & CR4_PAE) && (cpu->efer & EFER_NXE)) || (cpu->cr4 & CR4_SMEP);
    if (access == ACCESS_EXEC && reports_fetches)
        code |= PF_I;
    return code;
}

/* Sets bits of an entry if memory still holds what the walk saw; false: somebody changed it, walk again. */
static bool set_bits(struct cpu *cpu, struct walk *w, unsigned i, uint64_t bits)
{
    uint64_t e = w->entry[i];
    if ((e & bits) == bits)
        return true;
    bool done = w->entry_size == 8 ? cpu_phys_cmpxchg64(cpu, w->entry_pa[i], e, e | bits)
                                   : cpu_phys_cmpxchg32(cpu, w->entry_pa[i], (uint32_t)e, (uint32_t)(e | bits));
    if (done)
        w->entry[i] = e | bits;
    return done;
}

/* Accessed bits of all levels, the dirty bit of the leaf for a write. Only after the access proved to be allowed: a
 * walk that faults changes nothing. */
static bool set_accessed_dirty(struct cpu *cpu, struct walk *w, bool write)
{
    for (unsigned i = 0; i < w->count; i++) {
        uint64_t bits = w->keeps_a[i] ? PTE_A : 0;
        if (i == w->count - 1 && write)
            bits |= PTE_D;
        if (!set_bits(cpu, w, i, bits))
            return false;
    }
    return true;
}

enum vp_status cpu_page_walk(struct cpu *cpu, uint64_t la, enum mem_access access, enum mmu_view view,
                             struct translation *t)
{
    struct walk w;
    do {
        enum walk_result result = walk_tables(cpu, la, &w);
        uint32_t code = fault_code(cpu, access, view);
        if (result == WALK_ABSENT)
            return cpu_raise_page_fault(cpu, la, code);
        if (result == WALK_RESERVED)
            return cpu_raise_page_fault(cpu, la, code | PF_P | PF_RSVD);
        if (!is_allowed(cpu, &w, access, view))
            return cpu_raise_page_fault(cpu, la, code | PF_P);
    } while (!set_accessed_dirty(cpu, &w, access == ACCESS_WRITE));

    *t = (struct translation){
        .pa = w.pa,
        .writable = (w.entry[w.count - 1] & PTE_D) && may_write(cpu, &w, view),
        .executable = may_execute(cpu, &w, view),
        .global = w.global,
        .size_log2 = w.size_log2,
    };
    return VP_OK;
}

bool cpu_timing_walk(void *ctx, uint64_t la, struct timing_walk *out)
{
    struct cpu *cpu = ctx;
    struct walk w;
    bool is_found = walk_tables(cpu, la, &w) == WALK_FOUND;
    *out = (struct timing_walk){.count = w.count, .global = w.global, .page_shift = w.size_log2};
    for (unsigned i = 0; i < w.count; i++)
        out->entry[i] = w.entry_pa[i];
    return is_found;
}

bool cpu_debug_translate(struct cpu *cpu, uint64_t la, uint64_t *pa)
{
    struct walk w;
    if (!(cpu->cr0 & CR0_PG)) {
        *pa = (uint32_t)la;
        return true;
    }
    if ((cpu->efer & EFER_LMA) && !bits_is_canonical(la, CPU_LINEAR_WIDTH))
        return false;
    if (walk_tables(cpu, la, &w) != WALK_FOUND)
        return false;
    *pa = w.pa;
    return true;
}
