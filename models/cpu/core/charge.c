/* SPDX-License-Identifier: Apache-2.0 */
/* Where cycles are charged beyond the precomputed cost of a block: events, stages of a user interrupt, and, in the
 * timed and the observed flavour, memory accesses and branches. Also the instruction trace's hook. */
#include "cpu_state.h"
#include "handler.h"

#include <string.h>

void cpu_charge(struct cpu *cpu, uint32_t cycles) { cpu->cycles += cycles; }

void cpu_charge_event(struct cpu *cpu, enum timing_event event)
{
    cpu->cycles += timing_event_cost(cpu_timing(cpu), cpu->config.index, event);
}

void cpu_charge_stage(struct cpu *cpu, enum timing_stage stage, uint64_t upid_pa)
{
    cpu->cycles += timing_uintr_cost(cpu_timing(cpu), cpu->config.index, stage, upid_pa);
}

/* --- memory --- */

__attribute__((always_inline)) static inline struct timing_mem
describe(struct cpu *cpu, enum mmu_view view, uint64_t la, uint64_t pa, unsigned bytes, enum timing_access access)
{
    return (struct timing_mem){
        .core = cpu->config.index,
        .access = (uint32_t)access,
        .linear = la,
        .physical = pa,
        .bytes = bytes,
        .supervisor = view != MMU_USER,
        .cycle = cpu->cycles,
        .walk = (cpu->cr0 & CR0_PG) ? cpu_timing_walk : NULL,
        .walk_ctx = cpu,
    };
}

__attribute__((always_inline)) static inline void charge_mem(struct cpu *cpu, enum mmu_view view, uint64_t la,
                                                             uint64_t pa, unsigned bytes, enum timing_access access)
{
    const struct timing_mem m = describe(cpu, view, la, pa, bytes, access);
    cpu->cycles += timing_mem_cost(cpu_timing_of_block(cpu), &m);
}

/* Where an access that has just been made went; false: to a device. */
static inline bool memory_address(struct cpu *cpu, enum mmu_view view, uint64_t la, uint64_t *pa)
{
    const struct tlb_entry *e = &cpu->tlb_sets[view][(la >> PAGE_SHIFT) & (TLB_SIZE - 1)];
    uint64_t page = la & PAGE_MASK;
    if (VP_LIKELY(e->page == page)) {
        *pa = e->pa | (la & ~PAGE_MASK);
        return e->host + page != 0; /* host pointer of the page */
    }
    return cpu_debug_translate(cpu, la, pa) && cpu_bus(cpu)->direct_page(cpu->bus.ctx, *pa & PAGE_MASK) != NULL;
}

/* One call per page: the parts of an access that crosses may lie anywhere. */
static void charge_parts(struct cpu *cpu, enum mmu_view view, uint64_t la, unsigned bytes, enum timing_access access)
{
    uint64_t pa;
    unsigned room = PAGE_SIZE - (unsigned)(la & ~PAGE_MASK);
    unsigned first = bytes < room ? bytes : room;
    if (memory_address(cpu, view, la, &pa))
        charge_mem(cpu, view, la, pa, first, access);
    if (VP_UNLIKELY(first < bytes))
        charge_parts(cpu, view, la + first, bytes - first, access);
}

static enum vp_status charged(struct cpu *cpu, enum vp_status status, enum mmu_view view, uint64_t la, unsigned bytes,
                              enum timing_access access)
{
    if (status == VP_OK && cpu->timing->model->mem_cost)
        charge_parts(cpu, view, la, bytes, access);
    return status;
}

enum vp_status cpu_charged_read(struct cpu *cpu, enum mmu_view view, uint64_t la, void *bytes, unsigned size)
{
    return charged(cpu, cpu_view_read(cpu, view, la, bytes, size), view, la, size, TIMING_LOAD);
}

enum vp_status cpu_charged_write(struct cpu *cpu, enum mmu_view view, uint64_t la, const void *bytes, unsigned size)
{
    return charged(cpu, cpu_view_write(cpu, view, la, bytes, size), view, la, size, TIMING_STORE);
}

enum vp_status cpu_charged_modify(struct cpu *cpu, enum mmu_view view, uint64_t la, unsigned size, cpu_modify_fn *fn,
                                  void *arg)
{
    return charged(cpu, cpu_view_modify(cpu, view, la, size, fn, arg), view, la, size, TIMING_MODIFY);
}

void cpu_charge_walk(struct cpu *cpu, uint64_t la)
{
    struct timing_walk w;
    cpu_charge_event(cpu, TIMING_EVENT_page_walk);
    if (!cpu->timing->model->mem_cost)
        return;
    (void)cpu_timing_walk(cpu, la, &w); /* of a page fault: as far as it came */
    for (uint32_t i = 0; i < w.count; i++)
        charge_mem(cpu, MMU_SUPERVISOR, la, w.entry[i], 8, TIMING_WALK);
}

void cpu_charge_fault(struct cpu *cpu, enum mmu_view view, uint64_t la, enum mem_access access)
{
    enum timing_access kind = TIMING_LOAD;
    if (access != ACCESS_READ)
        kind = access == ACCESS_WRITE ? TIMING_STORE : TIMING_FETCH;
    const struct timing_mem m = describe(cpu, view, la, 0, 1, kind);
    cpu->cycles += timing_fault_cost(cpu_timing(cpu), &m);
}

void cpu_charge_cache_op(struct cpu *cpu, uint64_t la, enum timing_cache_op op)
{
    uint64_t pa = 0;
    enum mmu_view view = cpu_current_view(cpu);
    if (!cpu->timing_has_cache_op)
        return;
    if (op != TIMING_CACHE_FLUSH_ALL && !memory_address(cpu, view, la, &pa))
        return;
    const struct timing_mem m =
        describe(cpu, view, la, pa, 1, op == TIMING_CACHE_PREFETCH_WRITE ? TIMING_STORE : TIMING_LOAD);
    cpu->cycles += timing_cache_op(cpu_timing(cpu), &m, op);
}

void cpu_charge_tlb_flush(struct cpu *cpu, enum timing_flush scope, uint64_t la)
{
    timing_tlb_flush(cpu_timing(cpu), cpu->config.index, scope, la);
}

/* --- from observed handlers --- */

__attribute__((noinline)) static void observe_traced(struct cpu *cpu, uint64_t la, unsigned bytes, int access)
{
    uint64_t pa = 0;
    if (cpu->timing->model->mem_cost)
        charge_parts(cpu, cpu_current_view(cpu), la, bytes, (enum timing_access)access);
    (void)cpu_debug_translate(cpu, la, &pa);
    const struct cpu_trace_mem t = {.linear = la, .physical = pa, .bytes = bytes, .access = (uint32_t)access};
    cpu_bus(cpu)->trace_mem(cpu->bus.ctx, &t);
}

void cpu_observe_mem(struct cpu *cpu, uint64_t la, unsigned bytes, int access)
{
    if (VP_UNLIKELY(cpu->bus.trace_mem != NULL)) {
        observe_traced(cpu, la, bytes, access);
    } else if (VP_LIKELY(cpu->timing->model->mem_cost != NULL)) {
        enum mmu_view view = cpu_current_view(cpu);
        const struct tlb_entry *e = &cpu->tlb[(la >> PAGE_SHIFT) & (TLB_SIZE - 1)];
        uint64_t page = la & PAGE_MASK;
        if (VP_LIKELY(e->page == page && e->host + page != 0 && ((la + bytes - 1) & PAGE_MASK) == page))
            charge_mem(cpu, view, la, e->pa | (la & ~PAGE_MASK), bytes, (enum timing_access)access);
        else
            charge_parts(cpu, view, la, bytes, (enum timing_access)access);
    }
}

static uint64_t linear_of(const struct cpu *cpu, uint64_t rip)
{
    return (cpu->mode & MODE_CODE64) ? rip : (uint32_t)(cpu->seg[SEG_CS].base + rip);
}

/* The code of a block that is being entered. */
static void observe_fetch(struct cpu *cpu, const struct block *b)
{
    if (!cpu->timing->model->mem_cost || b->transient) /* code in a device is not cached */
        return;
    enum mmu_view view = cpu->cpl == 3 ? MMU_USER : MMU_SUPERVISOR;
    uint64_t la = linear_of(cpu, b->rip);
    unsigned first = b->length;
    if (VP_UNLIKELY(b->crosses)) {
        first = PAGE_SIZE - (unsigned)(b->pa & ~PAGE_MASK);
        first = first < b->length ? first : b->length;
    }
    charge_mem(cpu, view, la, b->pa, first, TIMING_FETCH);
    if (VP_UNLIKELY(first < b->length))
        charge_mem(cpu, view, la + first, b->page2, b->length - first, TIMING_FETCH);
}

op_result cpu_go_on(struct cpu *cpu, const struct op *op)
{
    op_fn *fn = op->fn;
    if (cpu->cycles + op_block(op)->last_start >= cpu->deadline)
        fn = cpu_asking_twin(cpu, fn); /* which looks at the deadline after each instruction */
    TAIL_CALL(fn, op);
}

op_result cpu_enter_asking(struct cpu *cpu, const struct block *b)
{
    observe_fetch(cpu, b);
    cpu_observe_insn(cpu, b->ops);
    TAIL_CALL(cpu_go_on, b->ops);
}

/* The one kind that is frequent is known when it is compiled. */
__attribute__((always_inline)) static inline void charge_branch(struct cpu *cpu, const struct op *op, uint64_t to,
                                                                enum branch_kind kind, bool taken)
{
    uint64_t rip = op_rip(op), next = rip + op->length;
    struct timing_branch b = {
        .core = cpu->config.index,
        .from = rip,
        .to = to,
        .taken = taken,
        .conditional = kind == BRANCH_CONDITIONAL,
        .indirect = kind == BRANCH_JUMP_INDIRECT || kind == BRANCH_CALL_INDIRECT,
        .call = kind == BRANCH_CALL || kind == BRANCH_CALL_INDIRECT,
        .ret = kind == BRANCH_RETURN,
        .next = next,
    };
    if (VP_UNLIKELY(!(cpu->mode & MODE_CODE64))) {
        b.from = linear_of(cpu, rip);
        b.to = linear_of(cpu, to);
        b.next = linear_of(cpu, op_next_rip(cpu, op));
    }
    cpu->cycles += timing_branch_cost(cpu_timing_of_block(cpu), &b);
}

void cpu_observe_branch(struct cpu *cpu, const struct op *op, uint64_t to, enum branch_kind kind, bool taken)
{
    if (!cpu->timing->model->branch_cost)
        return;
    if (VP_LIKELY(kind == BRANCH_CONDITIONAL))
        charge_branch(cpu, op, to, BRANCH_CONDITIONAL, taken);
    else
        charge_branch(cpu, op, to, kind, taken);
}

void cpu_observe_insn(struct cpu *cpu, const struct op *op)
{
    if (!cpu->bus.trace_insn || op->length == 0)
        return;
    if (cpu->trace_again) { /* it was traced before it was put off to run alone */
        cpu->trace_again = false;
        return;
    }
    struct cpu_trace_insn t = {.cycle = cpu->cycles + op->cost_before, .rip = op_rip(op), .cpl = cpu->cpl};
    t.mode_bits = (cpu->mode & MODE_CODE64) ? 64 : (cpu->mode & MODE_CODE32) ? 32 : 16;
    t.linear = t.mode_bits == 64 ? t.rip : (uint32_t)(cpu->seg[SEG_CS].base + t.rip);
    t.length = op->length <= sizeof t.bytes ? op->length : (uint8_t)sizeof t.bytes;
    t.length = (uint8_t)cpu_debug_read(cpu, t.linear, t.bytes, t.length);
    cpu_bus(cpu)->trace_insn(cpu->bus.ctx, &t);
}
