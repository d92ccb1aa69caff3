/* SPDX-License-Identifier: Apache-2.0 */
/* The way of one event through the interrupt table: real mode's vectors, protected mode's 16- and 32-bit gates with
 * stack switch, and 64-bit gates with the interrupt stack table. Nothing of the processor changes before every check
 * and every push has succeeded. Who is delivered, and what becomes of a fault here, is exception.c's. Source: SDM Vol.
 * 2, "INT n/INTO/INT3/INT1" (its pseudo-code also serves exceptions and interrupts); Vol. 3, "Exception- or
 * Interrupt-Handler Procedures", "64-Bit Mode Stack Frame", "Interrupt Stack Table". */
#include "task.h"

/* Error code of a fault that concerns an entry of the IDT. */
static uint32_t idt_error(uint8_t vector) { return vector * 8u + 2u; }

static enum vp_status enter_real(struct cpu *cpu, const struct idt_event *e)
{
    uint32_t entry;
    if (e->vector * 4u + 3u > cpu->idtr.limit)
        return cpu_raise(cpu, EXC_GP, 0);
    if (cpu_charged_read(cpu, MMU_SUPERVISOR, cpu->idtr.base + e->vector * 4u, &entry, 4) != VP_OK)
        return VP_FAULT;
    struct stack s = cpu_current_stack(cpu);
    if (stack_push(cpu, &s, (uint16_t)e->rflags, 2) != VP_OK ||
        stack_push(cpu, &s, cpu->seg[SEG_CS].selector, 2) != VP_OK || stack_push(cpu, &s, (uint16_t)e->rip, 2) != VP_OK)
        return VP_FAULT;
    stack_commit(cpu, &s);
    cpu_set_rflags(cpu, 0, FLAG_IF | FLAG_TF | FLAG_AC | FLAG_RF);
    cpu_set_segment_real(cpu, SEG_CS, (uint16_t)(entry >> 16));
    cpu->rip = entry & 0xffff;
    return VP_OK;
}

struct gate {
    unsigned type, dpl, ist;
    bool present;
    uint16_t selector;
    uint64_t offset;
};

static struct gate gate_of(const uint64_t d[2], bool wide)
{
    uint16_t attr = descriptor_attr(d[0]);
    struct gate g = {
        .type = attr & (SEG_ATTR_TYPE_MASK | SEG_ATTR_S), /* S must be 0: it makes no valid gate type otherwise */
        .dpl = attr_dpl(attr),
        .present = (attr & SEG_ATTR_P) != 0,
        .selector = (uint16_t)(d[0] >> 16),
        .offset = bits_get(d[0], 15, 0) | bits_get(d[0], 63, 48) << 16,
    };
    if (wide) {
        g.ist = (unsigned)bits_get(d[0], 34, 32);
        g.offset |= d[1] << 32;
    } else if (!(g.type & 8)) {
        g.offset &= 0xffff;
    }
    return g;
}

static bool is_interrupt_gate(const struct cpu *cpu, unsigned type)
{
    if (type == SYSTEM_INTERRUPT_GATE || type == SYSTEM_TRAP_GATE)
        return true;
    return !cpu_is_long(cpu) && (type == SYSTEM_INTERRUPT_GATE16 || type == SYSTEM_TRAP_GATE16);
}

static enum vp_status read_gate(struct cpu *cpu, const struct idt_event *e, struct gate *g)
{
    bool wide = cpu_is_long(cpu);
    unsigned size = wide ? 16 : 8;
    uint64_t d[2] = {0, 0};
    if (e->vector * size + size - 1 > cpu->idtr.limit)
        return cpu_raise(cpu, EXC_GP, idt_error(e->vector));
    if (cpu_charged_read(cpu, MMU_SUPERVISOR, cpu->idtr.base + e->vector * size, d, size) != VP_OK)
        return VP_FAULT;
    *g = gate_of(d, wide);
    bool is_task = g->type == SYSTEM_TASK_GATE && !cpu_is_long(cpu);
    if (!is_task && !is_interrupt_gate(cpu, g->type))
        return cpu_raise(cpu, EXC_GP, idt_error(e->vector));
    if (e->cause == IDT_SOFTWARE && g->dpl < cpu->cpl)
        return cpu_raise(cpu, EXC_GP, idt_error(e->vector));
    if (!g->present)
        return cpu_raise(cpu, EXC_NP, idt_error(e->vector));
    return VP_OK;
}

/* The handler's code segment. */
static enum vp_status read_target(struct cpu *cpu, const struct gate *g, uint64_t *descriptor)
{
    uint64_t d[2];
    if (selector_is_null(g->selector))
        return cpu_raise(cpu, EXC_GP, 0);
    if (cpu_read_descriptor(cpu, g->selector, d, false) != VP_OK)
        return VP_FAULT;
    uint16_t attr = descriptor_attr(d[0]);
    bool bad_long = cpu_is_long(cpu) && (!(attr & SEG_ATTR_L) || (attr & SEG_ATTR_DB));
    bool bad_v86 = cpu_is_v86(cpu) && (attr_is_conforming(attr) || attr_dpl(attr) != 0);
    if (!attr_is_code(attr) || attr_dpl(attr) > cpu->cpl || bad_long || bad_v86)
        return cpu_raise(cpu, EXC_GP, selector_error(g->selector));
    if (!(attr & SEG_ATTR_P))
        return cpu_raise(cpu, EXC_NP, selector_error(g->selector));
    if (cpu_mark_accessed(cpu, g->selector, d[0]) != VP_OK)
        return VP_FAULT;
    *descriptor = d[0];
    return VP_OK;
}

/* The stack that the handler starts on. */
static enum vp_status choose_stack(struct cpu *cpu, const struct gate *g, unsigned new_cpl, struct stack *s)
{
    if (!cpu_is_long(cpu)) {
        if (new_cpl != cpu->cpl)
            return cpu_tss_stack(cpu, new_cpl, s);
        *s = cpu_current_stack(cpu);
        return VP_OK;
    }
    *s = cpu_current_stack(cpu);
    s->width = 8; /* also from compatibility mode */
    if (g->ist != 0) {
        if (cpu_tss_rsp(cpu, 2 + g->ist, &s->sp) != VP_OK)
            return VP_FAULT;
    } else if (new_cpl != cpu->cpl && cpu_tss_rsp(cpu, new_cpl, &s->sp) != VP_OK) {
        return VP_FAULT;
    }
    if (new_cpl != cpu->cpl) {
        s->view = cpu_view_of_level(new_cpl);
        s->seg.selector = (uint16_t)new_cpl;
    }
    s->sp &= ~UINT64_C(0xf); /* "Stack Frame Alignment" */
    return VP_OK;
}

static enum vp_status push_frame(struct cpu *cpu, const struct idt_event *e, struct stack *s, unsigned size,
                                 bool with_ss)
{
    static const int data[] = {SEG_GS, SEG_FS, SEG_DS, SEG_ES};
    for (unsigned i = 0; i < 4 && cpu_is_v86(cpu); i++)
        if (stack_push(cpu, s, cpu->seg[data[i]].selector, size) != VP_OK)
            return VP_FAULT;
    if (with_ss && (stack_push(cpu, s, cpu->seg[SEG_SS].selector, size) != VP_OK ||
                    stack_push(cpu, s, cpu->gpr[RSP], size) != VP_OK))
        return VP_FAULT;
    if (stack_push(cpu, s, e->rflags, size) != VP_OK || stack_push(cpu, s, cpu->seg[SEG_CS].selector, size) != VP_OK ||
        stack_push(cpu, s, e->rip, size) != VP_OK)
        return VP_FAULT;
    return e->has_error_code ? stack_push(cpu, s, e->error_code, size) : VP_OK;
}

static enum vp_status enter_task(struct cpu *cpu, const struct idt_event *e, const struct gate *g)
{
    struct task_event event = {
        .cause = TASK_EVENT,
        .is_external = e->cause != IDT_SOFTWARE,
        .has_error_code = e->has_error_code,
        .error_code = e->error_code,
        .rip = e->rip,
        .rflags = e->rflags,
    };
    return cpu_task_switch(cpu, g->selector, &event);
}

static enum vp_status enter_protected(struct cpu *cpu, const struct idt_event *e)
{
    struct gate g = {0};
    struct stack s;
    uint64_t code = 0;
    if (read_gate(cpu, e, &g) != VP_OK)
        return VP_FAULT;
    if (g.type == SYSTEM_TASK_GATE)
        return enter_task(cpu, e, &g);
    if (read_target(cpu, &g, &code) != VP_OK)
        return VP_FAULT;
    uint16_t attr = descriptor_attr(code);
    unsigned new_cpl = attr_is_conforming(attr) ? cpu->cpl : attr_dpl(attr);
    bool inner = new_cpl != cpu->cpl, is_long = cpu_is_long(cpu);
    unsigned size = is_long ? 8 : (g.type & 8) ? 4 : 2;

    if (choose_stack(cpu, &g, new_cpl, &s) != VP_OK || cpu_check_code_offset(cpu, code, g.offset) != VP_OK ||
        push_frame(cpu, e, &s, size, inner || is_long) != VP_OK)
        return VP_FAULT;

    /* Everything has been checked: become the handler. */
    for (int seg = SEG_ES; seg <= SEG_GS && cpu_is_v86(cpu); seg++)
        if (seg != SEG_CS && seg != SEG_SS)
            cpu->seg[seg] = (struct segment){0}; /* their selectors mean nothing in protected mode */
    bool masks = g.type == SYSTEM_INTERRUPT_GATE || g.type == SYSTEM_INTERRUPT_GATE16;
    cpu_set_rflags(cpu, 0, FLAG_TF | FLAG_NT | FLAG_RF | FLAG_VM | (masks ? FLAG_IF : 0));
    if (inner) {
        if (is_long)
            cpu_set_null_segment(cpu, SEG_SS, s.seg.selector);
        else
            cpu->seg[SEG_SS] = s.seg;
    }
    cpu_set_cs(cpu, g.selector, code, new_cpl);
    stack_commit(cpu, &s);
    cpu->rip = g.offset;
    return VP_OK;
}

enum vp_status cpu_enter_through_idt(struct cpu *cpu, const struct idt_event *e)
{
    return (cpu->cr0 & CR0_PE) ? enter_protected(cpu, e) : enter_real(cpu, e);
}
