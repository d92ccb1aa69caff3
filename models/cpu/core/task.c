/* SPDX-License-Identifier: Apache-2.0 */
/* Hardware task switches outside long mode: by JMP, CALL, IRET with NT set, and task gates in the IDT, between 32-bit
 * and 16-bit task-state segments. Everything that belongs to the old task is checked first; from the point on where TR
 * names the new task, faults belong to the new task and are raised at its first instruction.
 * Source: SDM Vol. 3, chapter "Task Management", tables "Exception Conditions Checked During a Task Switch" and "Effect
 * of a Task Switch on Busy Flag, NT Flag, Previous Task Link Field, and TS Flag". */
#include "task.h"

#include "debug.h"

#include <string.h>

/* Where a TSS keeps what: offsets of EIP, EFLAGS, EAX (the other registers follow), ES (the other selectors follow),
 * the LDT selector; sizes of a register and of a selector's slot. */
struct layout {
    uint32_t limit, cr3, eip, flags, eax, es, ldt, end_of_state;
    uint8_t size, slot, selectors;
};
static const struct layout layout_32 = {0x67, 0x1c, 0x20, 0x24, 0x28, 0x48, 0x60, 0x60, 4, 4, 6};
static const struct layout layout_16 = {0x2b, 0, 0x0e, 0x10, 0x12, 0x22, 0x2a, 0x2a, 2, 2, 4};
#define TSS_T 0x64u

static const struct layout *layout_of(uint16_t attr) { return (attr & 8) ? &layout_32 : &layout_16; }

struct task {
    uint16_t selector;
    uint64_t descriptor;
    struct segment tr;
    const struct layout *layout;
    uint8_t bytes[0x68];
};

static enum vp_status raise_for(struct cpu *cpu, uint8_t vector, uint16_t selector)
{
    return cpu_raise(cpu, vector, selector_error(selector));
}

static bool is_tss(uint16_t attr, bool busy)
{
    unsigned type = attr & (SEG_ATTR_TYPE_MASK | SEG_ATTR_S);
    return busy ? type == SYSTEM_TSS_BUSY || type == SYSTEM_TSS16_BUSY : type == SYSTEM_TSS || type == SYSTEM_TSS16;
}

/* The new task's TSS: descriptor and contents. JMP, CALL and gates want an available one (#GP), IRET a busy one (#TS).
 */
static enum vp_status read_task(struct cpu *cpu, uint16_t selector, enum task_cause cause, struct task *t)
{
    uint8_t vector = cause == TASK_IRET ? EXC_TS : EXC_GP;
    uint64_t d[2];
    if ((selector & 4) || selector_is_null(selector))
        return raise_for(cpu, vector, selector);
    if (cpu_fetch_descriptor(cpu, selector, d, false, vector) != VP_OK)
        return VP_FAULT;
    uint16_t attr = descriptor_attr(d[0]);
    if (!is_tss(attr, cause == TASK_IRET))
        return raise_for(cpu, vector, selector);
    if (!(attr & SEG_ATTR_P))
        return raise_for(cpu, EXC_NP, selector);
    *t = (struct task){.selector = selector, .descriptor = d[0], .layout = layout_of(attr)};
    cpu_segment_from_descriptor(&t->tr, selector, d[0]);
    if (t->tr.limit < t->layout->limit)
        return raise_for(cpu, EXC_TS, selector);
    for (uint32_t at = 0; at <= t->layout->limit; at += 4)
        if (cpu_charged_read(cpu, MMU_SUPERVISOR, t->tr.base + at, t->bytes + at, 4) != VP_OK)
            return VP_FAULT;
    return VP_OK;
}

static uint32_t field(const struct task *t, uint32_t at, unsigned size)
{
    uint32_t v = 0;
    memcpy(&v, t->bytes + at, size);
    return v;
}

/* --- leaving the old task --- */
static const uint8_t registers[8] = {RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI};
static const uint8_t segments[6] = {SEG_ES, SEG_CS, SEG_SS, SEG_DS, SEG_FS, SEG_GS};

/* All writes that may fault are tried before the first is done. */
static enum vp_status probe(struct cpu *cpu, const struct task *t, enum task_cause cause)
{
    const struct segment *old = &cpu->seg[SEG_TR];
    const struct layout *l = layout_of(old->attr);
    if (l->end_of_state - 1 > old->limit)
        return raise_for(cpu, EXC_TS, old->selector);
    if (cpu_view_probe_write(cpu, MMU_SUPERVISOR, old->base + l->eip, l->end_of_state - l->eip) != VP_OK)
        return VP_FAULT;
    if (cause == TASK_CALL || cause == TASK_EVENT)
        if (cpu_view_probe_write(cpu, MMU_SUPERVISOR, t->tr.base, 2) != VP_OK)
            return VP_FAULT;
    uint64_t last = cpu->gdtr.base + (t->selector & 0xfff8u) + 5,
             first = cpu->gdtr.base + (old->selector & 0xfff8u) + 5;
    if (cpu_view_probe_write(cpu, MMU_SUPERVISOR, last, 1) != VP_OK)
        return VP_FAULT;
    return cpu_view_probe_write(cpu, MMU_SUPERVISOR, first, 1);
}

static enum vp_status save_state(struct cpu *cpu, const struct task_event *e)
{
    const struct segment *tr = &cpu->seg[SEG_TR];
    const struct layout *l = layout_of(tr->attr);
    uint64_t flags = e->cause == TASK_IRET ? e->rflags & ~(uint64_t)FLAG_NT : e->rflags;
    enum vp_status ok = cpu_charged_write(cpu, MMU_SUPERVISOR, tr->base + l->eip, &e->rip, l->size);
    if (ok == VP_OK)
        ok = cpu_charged_write(cpu, MMU_SUPERVISOR, tr->base + l->flags, &flags, l->size);
    for (unsigned i = 0; ok == VP_OK && i < 8; i++)
        ok = cpu_charged_write(cpu, MMU_SUPERVISOR, tr->base + l->eax + i * l->size, &cpu->gpr[registers[i]], l->size);
    for (unsigned i = 0; ok == VP_OK && i < l->selectors; i++)
        ok = cpu_charged_write(cpu, MMU_SUPERVISOR, tr->base + l->es + i * l->slot, &cpu->seg[segments[i]].selector, 2);
    return ok;
}

static bool change_busy(void *arg, void *bytes)
{
    uint8_t *type = bytes;
    const bool *busy = arg;
    *type = (uint8_t)(*busy ? *type | 2 : *type & ~2);
    return true;
}

static enum vp_status set_busy(struct cpu *cpu, uint16_t selector, bool busy)
{
    uint64_t la = cpu->gdtr.base + (selector & 0xfff8u) + 5;
    return cpu_charged_modify(cpu, MMU_SUPERVISOR, la, 1, change_busy, &busy);
}

static enum vp_status leave_old(struct cpu *cpu, const struct task *t, const struct task_event *e)
{
    uint16_t old = cpu->seg[SEG_TR].selector;
    if (probe(cpu, t, e->cause) != VP_OK || save_state(cpu, e) != VP_OK)
        return VP_FAULT;
    bool nests = e->cause == TASK_CALL || e->cause == TASK_EVENT;
    if (!nests && set_busy(cpu, old, false) != VP_OK)
        return VP_FAULT;
    if (nests && cpu_charged_write(cpu, MMU_SUPERVISOR, t->tr.base, &old, 2) != VP_OK)
        return VP_FAULT;
    return e->cause == TASK_IRET ? VP_OK : set_busy(cpu, t->selector, true);
}

/* --- becoming the new task --- */
static void load_registers(struct cpu *cpu, const struct task *t, const struct task_event *e)
{
    const struct layout *l = t->layout;
    uint32_t upper = l->size == 2 ? 0xffff0000u : 0; /* of registers that the TSS does not hold: undefined */
    for (unsigned i = 0; i < 8; i++)
        cpu->gpr[registers[i]] = field(t, l->eax + i * l->size, l->size) | upper;
    cpu->rip = field(t, l->eip, l->size);
    uint64_t flags = field(t, l->flags, l->size);
    if (e->cause == TASK_CALL || e->cause == TASK_EVENT)
        flags |= FLAG_NT;
    cpu_set_rflags(cpu, flags,
                   FLAGS_STATUS | FLAG_TF | FLAG_IF | FLAG_DF | FLAG_IOPL | FLAG_NT | FLAG_RF | FLAG_VM | FLAG_AC |
                       FLAG_VIF | FLAG_VIP | FLAG_ID);
    for (unsigned i = 0; i < 6; i++) {
        uint16_t selector = i < l->selectors ? (uint16_t)field(t, l->es + i * l->slot, 2) : 0;
        cpu->seg[segments[i]] = (struct segment){.selector = selector}; /* unusable until its descriptor is loaded */
    }
    cpu->seg[SEG_LDTR] = (struct segment){.selector = (uint16_t)field(t, l->ldt, 2)};
    cpu->chain_gen++; /* CS has another base */
    cpu->cpl = cpu_is_v86(cpu) ? 3 : (uint8_t)selector_rpl(cpu->seg[SEG_CS].selector);
}

static enum vp_status load_ldt(struct cpu *cpu)
{
    uint16_t selector = cpu->seg[SEG_LDTR].selector;
    uint64_t d[2];
    if (selector_is_null(selector))
        return VP_OK;
    if (selector & 4)
        return raise_for(cpu, EXC_TS, selector);
    if (cpu_fetch_descriptor(cpu, selector, d, false, EXC_TS) != VP_OK)
        return VP_FAULT;
    uint16_t attr = descriptor_attr(d[0]);
    if ((attr & (SEG_ATTR_TYPE_MASK | SEG_ATTR_S)) != SYSTEM_LDT || !(attr & SEG_ATTR_P))
        return raise_for(cpu, EXC_TS, selector);
    cpu_segment_from_descriptor(&cpu->seg[SEG_LDTR], selector, d[0]);
    return VP_OK;
}

static bool is_code_allowed(const struct cpu *cpu, uint16_t attr)
{
    return attr_is_code(attr) && (attr_is_conforming(attr) ? attr_dpl(attr) <= cpu->cpl : attr_dpl(attr) == cpu->cpl);
}

static bool is_stack_allowed(const struct cpu *cpu, uint16_t selector, uint16_t attr)
{
    return attr_is_writable(attr) && attr_dpl(attr) == cpu->cpl && selector_rpl(selector) == cpu->cpl;
}

static bool is_data_allowed(const struct cpu *cpu, uint16_t selector, uint16_t attr)
{
    bool readable = attr_is_data(attr) || (attr_is_code(attr) && (attr & SEG_TYPE_READABLE));
    unsigned dpl = attr_dpl(attr);
    return readable && (attr_is_conforming(attr) || (dpl >= cpu->cpl && dpl >= selector_rpl(selector)));
}

static enum vp_status load_descriptor(struct cpu *cpu, int seg)
{
    uint16_t selector = cpu->seg[seg].selector;
    uint64_t d[2];
    bool must_be = seg == SEG_CS || seg == SEG_SS;
    if (selector_is_null(selector))
        return must_be ? raise_for(cpu, EXC_TS, selector) : VP_OK;
    if (cpu_fetch_descriptor(cpu, selector, d, false, EXC_TS) != VP_OK)
        return VP_FAULT;
    uint16_t attr = descriptor_attr(d[0]);
    bool allowed = seg == SEG_CS   ? is_code_allowed(cpu, attr)
                   : seg == SEG_SS ? is_stack_allowed(cpu, selector, attr)
                                   : is_data_allowed(cpu, selector, attr);
    if (!allowed)
        return raise_for(cpu, EXC_TS, selector);
    if (!(attr & SEG_ATTR_P))
        return raise_for(cpu, seg == SEG_SS ? EXC_SS : EXC_NP, selector);
    if (cpu_mark_accessed(cpu, selector, d[0]) != VP_OK)
        return VP_FAULT;
    cpu_segment_from_descriptor(&cpu->seg[seg], selector, d[0]);
    cpu->seg[seg].attr |= SEG_TYPE_ACCESSED;
    cpu_update_mode(cpu);
    return VP_OK;
}

/* What can still fault; in the new task's name. */
static enum vp_status enter_new(struct cpu *cpu, const struct task *t, const struct task_event *e)
{
    static const int order[] = {SEG_CS, SEG_SS, SEG_DS, SEG_ES, SEG_FS, SEG_GS};
    if (load_ldt(cpu) != VP_OK)
        return VP_FAULT;
    for (unsigned i = 0; i < 6 && cpu_is_v86(cpu); i++)
        cpu_set_segment_v86(cpu, order[i], cpu->seg[order[i]].selector);
    for (unsigned i = 0; i < 6 && !cpu_is_v86(cpu); i++)
        if (load_descriptor(cpu, order[i]) != VP_OK)
            return VP_FAULT;
    if (e->has_error_code) {
        struct stack s = cpu_current_stack(cpu);
        if (stack_push(cpu, &s, e->error_code, t->layout->size) != VP_OK)
            return VP_FAULT;
        stack_commit(cpu, &s);
    }
    return cpu->rip > cpu->seg[SEG_CS].limit ? cpu_raise(cpu, EXC_GP, 0) : VP_OK;
}

enum vp_status cpu_task_switch(struct cpu *cpu, uint16_t selector, const struct task_event *e)
{
    struct task t;
    if (read_task(cpu, selector, e->cause, &t) != VP_OK || leave_old(cpu, &t, e) != VP_OK)
        return VP_FAULT;

    cpu->seg[SEG_TR] = t.tr;
    cpu->seg[SEG_TR].attr |= 2; /* busy */
    if (t.layout->cr3 != 0 && (cpu->cr0 & CR0_PG)) {
        cpu->cr3 = field(&t, t.layout->cr3, 4);
        cpu_tlb_flush(cpu, true);
    }
    load_registers(cpu, &t, e);
    cpu->cr0 |= CR0_TS;
    cpu->dr[7] &= ~(uint64_t)DR7_LOCAL;
    cpu_update_mode(cpu);
    if (enter_new(cpu, &t, e) != VP_OK) {
        if (e->is_external)
            cpu->exc.error_code |= 1;
        return VP_OK; /* the switch is done; the loop delivers the fault at the new task's RIP */
    }
    if (t.layout->size == 4 && (field(&t, TSS_T, 2) & 1)) {
        cpu->debug_hits |= DR6_BT;
        cpu->pending |= PEND_DB;
    }
    return VP_OK;
}

enum vp_status cpu_task_gate(struct cpu *cpu, uint16_t selector, uint64_t descriptor, const struct task_event *e)
{
    uint16_t attr = descriptor_attr(descriptor);
    bool is_gate = (attr & (SEG_ATTR_TYPE_MASK | SEG_ATTR_S)) == SYSTEM_TASK_GATE;
    if (attr_dpl(attr) < cpu->cpl || attr_dpl(attr) < selector_rpl(selector))
        return raise_for(cpu, EXC_GP, selector);
    if (!is_gate)
        return cpu_task_switch(cpu, selector, e);
    if (!(attr & SEG_ATTR_P))
        return raise_for(cpu, EXC_NP, selector);
    return cpu_task_switch(cpu, (uint16_t)(descriptor >> 16), e);
}

bool cpu_names_task(const struct cpu *cpu, uint64_t descriptor)
{
    unsigned type = descriptor_attr(descriptor) & (SEG_ATTR_TYPE_MASK | SEG_ATTR_S);
    return !cpu_is_long(cpu) && (type == SYSTEM_TASK_GATE || type == SYSTEM_TSS || type == SYSTEM_TSS16 ||
                                 type == SYSTEM_TSS_BUSY || type == SYSTEM_TSS16_BUSY);
}

enum vp_status cpu_task_return(struct cpu *cpu, uint64_t next_rip)
{
    const struct segment *tr = &cpu->seg[SEG_TR];
    struct task_event e = {.cause = TASK_IRET, .rip = next_rip, .rflags = cpu_rflags(cpu)};
    uint16_t link;
    if (cpu_charged_read(cpu, MMU_SUPERVISOR, tr->base, &link, 2) != VP_OK)
        return VP_FAULT;
    return cpu_task_switch(cpu, link, &e);
}
