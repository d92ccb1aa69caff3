/* SPDX-License-Identifier: Apache-2.0 */
/* Slow paths of memory: accesses that miss the software translation cache (tlb.c), cross pages, touch devices or write
 * cached code. Handlers use the inline fast path in mem.h; everything else uses cpu_view_*.
 *
 * Accesses from threaded code that leave plain RAM (devices, cached code) are not done there: leave = LEAVE_RESTART
 * makes the run loop execute that instruction alone, where time is exact and blocks may be dropped. */
#include "debug.h"
#include "protect.h"

#include <string.h>

/* Physical address of la for a data access in view; fills the TLB. The entry stays valid for the caller's access. */
static enum vp_status translate_data(struct cpu *cpu, enum mmu_view view, uint64_t la, bool write, uint64_t *pa)
{
    if (cpu_is_long(cpu) && !bits_is_canonical(la, CPU_LINEAR_WIDTH))
        return cpu_raise(cpu, EXC_GP, 0);
    struct tlb_entry *e = &cpu->tlb_sets[view][(la >> PAGE_SHIFT) & (TLB_SIZE - 1)];
    uint64_t page = la & PAGE_MASK;
    /* Devices and pages with cached code miss the fast path for ever, but their translation is cached all the same: a
     * walk that is charged again at each try could keep an instruction from ever running. */
    if ((e->page != page || !(e->flags & (write ? TLBF_WRITE : TLBF_READ))) &&
        cpu_tlb_fill(cpu, la, write ? ACCESS_WRITE : ACCESS_READ, view) != VP_OK)
        return VP_FAULT;
    *pa = e->pa | (la & ~PAGE_MASK);
    return VP_OK;
}

static bool aligned_check_fails(const struct cpu *cpu, uint64_t la, unsigned size)
{
    /* 80-bit numbers, and unaligned loads of 16 bytes, need 8: SDM Vol. 3, "Alignment Check Exception (#AC)". */
    unsigned mask = size > 8 ? 7 : size - 1;
    return (la & mask) != 0 && cpu->cpl == 3 && (cpu->rflags & FLAG_AC) && (cpu->cr0 & CR0_AM);
}

/* From threaded code: must this access wait until the instruction runs alone? */
static bool must_run_alone(struct cpu *cpu)
{
    if (cpu->stepping)
        return false;
    cpu->leave = LEAVE_RESTART;
    return true;
}

/* How many of `size` bytes at la are on its first page. */
static unsigned first_part(uint64_t la, unsigned size)
{
    unsigned room = PAGE_SIZE - (unsigned)(la & ~PAGE_MASK);
    return size < room ? size : room;
}

/* Translates both parts of an access before anything is read or written. `wide`: linear addresses have 64 bits, else
 * they wrap at 4 GiB. */
static enum vp_status translate_both(struct cpu *cpu, enum mmu_view view, uint64_t la, unsigned size, bool write,
                                     bool wide, uint64_t pa[2], unsigned *first)
{
    *first = first_part(la, size);
    if (translate_data(cpu, view, la, write, &pa[0]) != VP_OK)
        return VP_FAULT;
    uint64_t next = wide ? la + *first : (uint32_t)(la + *first);
    return *first < size ? translate_data(cpu, view, next, write, &pa[1]) : VP_OK;
}

/* An access of the processor's own, to descriptor tables, task states, stacks: in all of IA-32e mode their addresses
 * have 64 bits, in compatibility mode too. SDM Vol. 3, "System Data Structures in IA-32e Mode". */
static enum vp_status translate_parts(struct cpu *cpu, enum mmu_view view, uint64_t la, unsigned size, bool write,
                                      uint64_t pa[2], unsigned *first)
{
    return translate_both(cpu, view, la, size, write, cpu_is_long(cpu), pa, first);
}

/* An access of a program: as wide as its code segment says. */
static enum vp_status translate_operand(struct cpu *cpu, uint64_t la, unsigned size, bool write, uint64_t pa[2],
                                        unsigned *first)
{
    bool wide = (cpu->mode & MODE_CODE64) != 0;
    return translate_both(cpu, cpu_current_view(cpu), la, size, write, wide, pa, first);
}

/* Translation for handlers. A page walk that cost time has moved the boundaries of the block's other instructions: this
 * one then runs alone (the walk is not repeated), so that the deadline is looked at again. */
static enum vp_status translate_for_handler(struct cpu *cpu, uint64_t la, unsigned size, bool write, uint64_t pa[2],
                                            unsigned *first)
{
    uint64_t before = cpu->cycles;
    if (aligned_check_fails(cpu, la, size))
        return cpu_raise(cpu, EXC_AC, 0);
    if (translate_operand(cpu, la, size, write, pa, first) != VP_OK)
        return VP_FAULT;
    if (VP_UNLIKELY(cpu->debug_data))
        cpu_debug_check_data(cpu, la, size, write);
    return cpu->cycles != before && must_run_alone(cpu) ? VP_FAULT : VP_OK;
}

static void device_read(struct cpu *cpu, uint64_t pa, void *bytes, unsigned size)
{
    cpu_charge_event(cpu, TIMING_EVENT_mmio);
    cpu_bus(cpu)->read(cpu->bus.ctx, pa, bytes, size);
    cpu_signal_interrupt(cpu);
}

static void device_write(struct cpu *cpu, uint64_t pa, const void *bytes, unsigned size)
{
    cpu_charge_event(cpu, TIMING_EVENT_mmio);
    cpu_bus(cpu)->write(cpu->bus.ctx, pa, bytes, size);
    cpu_signal_interrupt(cpu); /* the device may be the local APIC */
}

static void physical_read(struct cpu *cpu, uint64_t pa, void *bytes, unsigned size)
{
    const uint8_t *page = cpu_bus(cpu)->direct_page(cpu->bus.ctx, pa & PAGE_MASK);
    if (page)
        memcpy(bytes, page + (pa & ~PAGE_MASK), size);
    else
        device_read(cpu, pa, bytes, size);
}

static void physical_write(struct cpu *cpu, uint64_t pa, const void *bytes, unsigned size)
{
    uint8_t *page = cpu_bus(cpu)->direct_page(cpu->bus.ctx, pa & PAGE_MASK);
    if (!page) {
        device_write(cpu, pa, bytes, size);
        return;
    }
    if (code_map_hits(cpu->code_map, pa, size))
        code_map_written(cpu->code_map, pa, size, cpu);
    memcpy(page + (pa & ~PAGE_MASK), bytes, size);
}

static bool is_ram(struct cpu *cpu, uint64_t pa)
{
    return cpu_bus(cpu)->direct_page(cpu->bus.ctx, pa & PAGE_MASK) != NULL;
}

uint64_t cpu_mem_read_slow(struct cpu *cpu, uint64_t la, unsigned size)
{
    uint64_t v = 0, pa[2];
    unsigned first;
    if (translate_for_handler(cpu, la, size, false, pa, &first) != VP_OK)
        return 0;
    if ((!is_ram(cpu, pa[0]) || (first < size && !is_ram(cpu, pa[1]))) && must_run_alone(cpu))
        return 0;
    physical_read(cpu, pa[0], &v, first);
    if (first < size)
        physical_read(cpu, pa[1], (uint8_t *)&v + first, size - first);
    return v;
}

void cpu_mem_read_wide_slow(struct cpu *cpu, uint64_t la, unsigned size)
{
    uint64_t pa[2];
    unsigned first;
    if (translate_for_handler(cpu, la, size, false, pa, &first) != VP_OK)
        return;
    if ((!is_ram(cpu, pa[0]) || (first < size && !is_ram(cpu, pa[1]))) && must_run_alone(cpu))
        return;
    physical_read(cpu, pa[0], cpu->mem_vec.u8, first);
    if (first < size)
        physical_read(cpu, pa[1], cpu->mem_vec.u8 + first, size - first);
}

/* A write that touches a device or cached code. */
static bool write_is_special(struct cpu *cpu, uint64_t pa, unsigned size)
{
    return !is_ram(cpu, pa) || code_map_hits(cpu->code_map, pa, size);
}

void cpu_mem_write_slow(struct cpu *cpu, uint64_t la, uint64_t value, unsigned size)
{
    uint64_t pa[2];
    unsigned first;
    if (translate_for_handler(cpu, la, size, true, pa, &first) != VP_OK)
        return;
    if ((write_is_special(cpu, pa[0], first) || (first < size && write_is_special(cpu, pa[1], size - first))) &&
        must_run_alone(cpu))
        return;
    physical_write(cpu, pa[0], &value, first);
    if (first < size)
        physical_write(cpu, pa[1], (uint8_t *)&value + first, size - first);
}

void cpu_mem_write_wide_slow(struct cpu *cpu, uint64_t la, unsigned size)
{
    uint64_t pa[2];
    unsigned first;
    if (translate_for_handler(cpu, la, size, true, pa, &first) != VP_OK)
        return;
    if ((write_is_special(cpu, pa[0], first) || (first < size && write_is_special(cpu, pa[1], size - first))) &&
        must_run_alone(cpu))
        return;
    physical_write(cpu, pa[0], cpu->mem_vec.u8, first);
    if (first < size)
        physical_write(cpu, pa[1], cpu->mem_vec.u8 + first, size - first);
}

uint64_t cpu_mem_rmw_read_slow(struct cpu *cpu, uint64_t la, unsigned size)
{
    uint64_t v = 0, pa[2];
    unsigned first;
    if (translate_for_handler(cpu, la, size, true, pa, &first) != VP_OK)
        return 0;
    if ((write_is_special(cpu, pa[0], first) || (first < size && write_is_special(cpu, pa[1], size - first))) &&
        must_run_alone(cpu))
        return 0;
    physical_read(cpu, pa[0], &v, first);
    if (first < size)
        physical_read(cpu, pa[1], (uint8_t *)&v + first, size - first);
    return v;
}

struct exchange {
    uint64_t expected, desired;
    unsigned size;
    bool done;
};

static bool exchange_if_equal(void *arg, void *bytes)
{
    struct exchange *x = arg;
    x->done = memcmp(bytes, &x->expected, x->size) == 0;
    if (x->done)
        memcpy(bytes, &x->desired, x->size);
    return x->done;
}

bool cpu_mem_rmw_write_slow(struct cpu *cpu, uint64_t la, uint64_t expected, uint64_t value, unsigned size)
{
    uint64_t pa[2];
    unsigned first;
    if (translate_operand(cpu, la, size, true, pa, &first) != VP_OK)
        return true;
    if (first == size && !is_ram(cpu, pa[0])) {
        struct exchange x = {expected, value, size, false};
        cpu_bus(cpu)->modify(cpu->bus.ctx, pa[0], size, exchange_if_equal, &x);
        cpu_signal_interrupt(cpu);
        return x.done;
    }
    physical_write(cpu, pa[0], &value, first);
    if (first < size)
        physical_write(cpu, pa[1], (uint8_t *)&value + first, size - first);
    return true;
}

/* Host address of an access that the translation cache answers as a whole, else NULL. */
static void *cached_pointer(const struct cpu *cpu, enum mmu_view view, uint64_t la, unsigned size, bool write)
{
    const struct tlb_entry *e = &cpu->tlb_sets[view][(la >> PAGE_SHIFT) & (TLB_SIZE - 1)];
    uint64_t page = (la + size - 1) & PAGE_MASK;
    return page == (write ? e->write : e->read) ? (void *)(e->host + la) : NULL;
}

enum vp_status cpu_view_read(struct cpu *cpu, enum mmu_view view, uint64_t la, void *bytes, unsigned size)
{
    const void *host = cached_pointer(cpu, view, la, size, false);
    if (VP_LIKELY(host != NULL)) {
        memcpy(bytes, host, size);
        return VP_OK;
    }
    uint64_t pa[2];
    unsigned first;
    if (translate_parts(cpu, view, la, size, false, pa, &first) != VP_OK)
        return VP_FAULT;
    physical_read(cpu, pa[0], bytes, first);
    if (first < size)
        physical_read(cpu, pa[1], (uint8_t *)bytes + first, size - first);
    return VP_OK;
}

enum vp_status cpu_view_write(struct cpu *cpu, enum mmu_view view, uint64_t la, const void *bytes, unsigned size)
{
    void *host = cached_pointer(cpu, view, la, size, true);
    if (VP_LIKELY(host != NULL)) {
        memcpy(host, bytes, size);
        return VP_OK;
    }
    uint64_t pa[2];
    unsigned first;
    if (translate_parts(cpu, view, la, size, true, pa, &first) != VP_OK)
        return VP_FAULT;
    physical_write(cpu, pa[0], bytes, first);
    if (first < size)
        physical_write(cpu, pa[1], (const uint8_t *)bytes + first, size - first);
    return VP_OK;
}

enum vp_status cpu_view_modify(struct cpu *cpu, enum mmu_view view, uint64_t la, unsigned size, cpu_modify_fn *fn,
                               void *arg)
{
    uint64_t pa[2];
    unsigned first;
    if (translate_parts(cpu, view, la, size, true, pa, &first) != VP_OK)
        return VP_FAULT;
    if (first == size) {
        if (code_map_hits(cpu->code_map, pa[0], size))
            code_map_written(cpu->code_map, pa[0], size, cpu);
        cpu_bus(cpu)->modify(cpu->bus.ctx, pa[0], size, fn, arg);
        return VP_OK;
    }
    /* Split over two pages: the single simulation thread makes it indivisible as long as nobody waits in between. */
    uint8_t buffer[16];
    physical_read(cpu, pa[0], buffer, first);
    physical_read(cpu, pa[1], buffer + first, size - first);
    if (fn(arg, buffer)) {
        physical_write(cpu, pa[0], buffer, first);
        physical_write(cpu, pa[1], buffer + first, size - first);
    }
    return VP_OK;
}

enum vp_status cpu_view_translate(struct cpu *cpu, enum mmu_view view, uint64_t la, uint64_t *pa)
{
    return translate_data(cpu, view, la, false, pa);
}

enum vp_status cpu_view_probe_write(struct cpu *cpu, enum mmu_view view, uint64_t la, unsigned size)
{
    uint64_t pa[2];
    unsigned first;
    return translate_parts(cpu, view, la, size, true, pa, &first);
}

uint64_t cpu_phys_read64(struct cpu *cpu, uint64_t pa)
{
    uint64_t v = UINT64_MAX;
    const uint8_t *page = cpu_bus(cpu)->direct_page(cpu->bus.ctx, pa & PAGE_MASK);
    if (page)
        memcpy(&v, page + (pa & ~PAGE_MASK), 8);
    else
        cpu_bus(cpu)->read(cpu->bus.ctx, pa, &v, 8);
    return v;
}

uint32_t cpu_phys_read32(struct cpu *cpu, uint64_t pa)
{
    uint32_t v = UINT32_MAX;
    const uint8_t *page = cpu_bus(cpu)->direct_page(cpu->bus.ctx, pa & PAGE_MASK);
    if (page)
        memcpy(&v, page + (pa & ~PAGE_MASK), 4);
    else
        cpu_bus(cpu)->read(cpu->bus.ctx, pa, &v, 4);
    return v;
}

static bool phys_exchange(struct cpu *cpu, uint64_t pa, struct exchange *x)
{
    if (code_map_hits(cpu->code_map, pa, x->size))
        code_map_written(cpu->code_map, pa, x->size, cpu);
    cpu_bus(cpu)->modify(cpu->bus.ctx, pa, x->size, exchange_if_equal, x);
    return x->done;
}

bool cpu_phys_cmpxchg64(struct cpu *cpu, uint64_t pa, uint64_t expected, uint64_t desired)
{
    struct exchange x = {expected, desired, 8, false};
    return phys_exchange(cpu, pa, &x);
}

bool cpu_phys_cmpxchg32(struct cpu *cpu, uint64_t pa, uint32_t expected, uint32_t desired)
{
    struct exchange x = {expected, desired, 4, false};
    return phys_exchange(cpu, pa, &x);
}

size_t cpu_debug_read(struct cpu *cpu, uint64_t linear, void *bytes, size_t size)
{
    size_t done = 0;
    while (done < size) {
        uint64_t pa;
        size_t n = first_part(linear + done, (unsigned)(size - done > PAGE_SIZE ? PAGE_SIZE : size - done));
        if (!cpu_debug_translate(cpu, linear + done, &pa))
            break;
        const uint8_t *page = cpu_bus(cpu)->direct_page(cpu->bus.ctx, pa & PAGE_MASK);
        if (!page)
            break; /* a debug read must not touch a device */
        memcpy((uint8_t *)bytes + done, page + (pa & ~PAGE_MASK), n);
        done += n;
    }
    return done;
}
