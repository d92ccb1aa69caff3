/* SPDX-License-Identifier: Apache-2.0 */
/* Far jumps, calls and returns: code segments, conforming code, call gates with stack switch; and the checks that far
 * RET and IRET share. Source: SDM Vol. 2, "JMP", "CALL", "RET"; Vol. 3, "Privilege Level Checking When Transferring
 * Program Control Between Code Segments", "IA-32e Mode Call Gates". Tasks are task.c's. */
#include "task.h"

bool cpu_is_bad_long_code(const struct cpu *cpu, uint16_t attr)
{
    return cpu_is_long(cpu) && (attr & SEG_ATTR_L) && (attr & SEG_ATTR_DB);
}

enum vp_status cpu_check_code_offset(struct cpu *cpu, uint64_t descriptor, uint64_t rip)
{
    struct segment s;
    cpu_segment_from_descriptor(&s, 0, descriptor);
    bool is_64 = cpu_is_long(cpu) && (s.attr & SEG_ATTR_L);
    if (is_64 ? !bits_is_canonical(rip, CPU_LINEAR_WIDTH) : rip > s.limit)
        return cpu_raise(cpu, EXC_GP, 0);
    return VP_OK;
}

static enum vp_status gp_selector(struct cpu *cpu, uint16_t selector)
{
    return cpu_raise(cpu, EXC_GP, selector_error(selector));
}

static uint64_t truncate_to(uint64_t v, unsigned size) { return size == 8 ? v : size == 4 ? (uint32_t)v : (uint16_t)v; }

/* --- real mode --- */
static enum vp_status jump_real(struct cpu *cpu, uint16_t selector, uint64_t offset, unsigned size)
{
    offset = truncate_to(offset, size);
    if (offset > cpu->seg[SEG_CS].limit)
        return cpu_raise(cpu, EXC_GP, 0);
    cpu_set_segment_real(cpu, SEG_CS, selector);
    cpu->rip = offset;
    return VP_OK;
}

/* --- direct transfers --- */
/* A code segment named by the instruction: the CPL stays. */
static enum vp_status check_direct(struct cpu *cpu, uint16_t selector, uint64_t d)
{
    uint16_t attr = descriptor_attr(d);
    unsigned dpl = attr_dpl(attr);
    bool allowed = attr_is_conforming(attr) ? dpl <= cpu->cpl : dpl == cpu->cpl && selector_rpl(selector) <= cpu->cpl;
    if (!allowed || cpu_is_bad_long_code(cpu, attr))
        return gp_selector(cpu, selector);
    if (!(attr & SEG_ATTR_P))
        return cpu_raise(cpu, EXC_NP, selector_error(selector));
    return VP_OK;
}

/* CS:RIP of the caller, each in a slot of the operand size. */
static enum vp_status push_caller(struct cpu *cpu, struct stack *s, unsigned size, uint64_t next_rip)
{
    if (stack_push(cpu, s, cpu->seg[SEG_CS].selector, size) != VP_OK)
        return VP_FAULT;
    return stack_push(cpu, s, next_rip, size);
}

/* --- call gates --- */
struct call_gate {
    uint16_t selector; /* of the gate */
    uint16_t target;
    uint64_t offset, code;
    unsigned size;       /* of what is pushed: 2, 4, 8 */
    unsigned parameters; /* copied from the caller's stack, outside long mode */
    unsigned new_cpl;
};

static bool is_call_gate(const struct cpu *cpu, uint16_t attr)
{
    unsigned type = attr & (SEG_ATTR_TYPE_MASK | SEG_ATTR_S);
    return type == SYSTEM_CALL_GATE || (type == SYSTEM_CALL_GATE16 && !cpu_is_long(cpu));
}

static enum vp_status check_gate_target(struct cpu *cpu, struct call_gate *g, bool is_call)
{
    uint64_t d[2];
    if (selector_is_null(g->target))
        return cpu_raise(cpu, EXC_GP, 0);
    if (cpu_read_descriptor(cpu, g->target, d, false) != VP_OK)
        return VP_FAULT;
    uint16_t attr = descriptor_attr(d[0]);
    unsigned dpl = attr_dpl(attr);
    bool conforming = attr_is_conforming(attr);
    bool allowed = attr_is_code(attr) && (conforming || is_call ? dpl <= cpu->cpl : dpl == cpu->cpl);
    bool bad_long = cpu_is_long(cpu) && (!(attr & SEG_ATTR_L) || (attr & SEG_ATTR_DB));
    if (!allowed || bad_long)
        return gp_selector(cpu, g->target);
    if (!(attr & SEG_ATTR_P))
        return cpu_raise(cpu, EXC_NP, selector_error(g->target));
    g->code = d[0];
    g->new_cpl = conforming ? cpu->cpl : dpl;
    return cpu_check_code_offset(cpu, d[0], g->offset);
}

static enum vp_status read_call_gate(struct cpu *cpu, uint16_t selector, struct call_gate *g, bool is_call)
{
    uint64_t d[2];
    if (cpu_read_descriptor(cpu, selector, d, cpu_is_long(cpu)) != VP_OK)
        return VP_FAULT;
    uint16_t attr = descriptor_attr(d[0]);
    bool wide_is_bad = cpu_is_long(cpu) && bits_get(d[1], 44, 40) != 0;
    if (attr_dpl(attr) < cpu->cpl || selector_rpl(selector) > attr_dpl(attr) || wide_is_bad)
        return gp_selector(cpu, selector);
    if (!(attr & SEG_ATTR_P))
        return cpu_raise(cpu, EXC_NP, selector_error(selector));
    *g = (struct call_gate){
        .selector = selector,
        .target = (uint16_t)(d[0] >> 16),
        .offset = bits_get(d[0], 15, 0),
        .size = cpu_is_long(cpu)                        ? 8
                : (attr_type(attr) == SYSTEM_CALL_GATE) ? 4
                                                        : 2,
    };
    if (g->size != 2)
        g->offset |= bits_get(d[0], 63, 48) << 16;
    if (g->size == 8)
        g->offset |= d[1] << 32;
    else
        g->parameters = (unsigned)bits_get(d[0], 36, 32);
    return check_gate_target(cpu, g, is_call);
}

static enum vp_status jump_through_gate(struct cpu *cpu, uint16_t selector)
{
    struct call_gate g;
    if (read_call_gate(cpu, selector, &g, false) != VP_OK || cpu_mark_accessed(cpu, g.target, g.code) != VP_OK)
        return VP_FAULT;
    cpu_set_cs(cpu, g.target, g.code, cpu->cpl);
    cpu->rip = g.offset;
    return VP_OK;
}

/* The frame of a call to an inner level: SS, rSP, parameters, CS, rIP. */
static enum vp_status push_inner_frame(struct cpu *cpu, const struct call_gate *g, struct stack *s, uint64_t next_rip)
{
    struct stack outer = cpu_current_stack(cpu);
    if (stack_push(cpu, s, cpu->seg[SEG_SS].selector, g->size) != VP_OK ||
        stack_push(cpu, s, cpu->gpr[RSP], g->size) != VP_OK)
        return VP_FAULT;
    for (unsigned i = g->parameters; i-- > 0;) {
        struct stack at = outer;
        uint64_t value;
        stack_skip(&at, (uint64_t)i * g->size);
        if (stack_pop(cpu, &at, &value, g->size) != VP_OK || stack_push(cpu, s, value, g->size) != VP_OK)
            return VP_FAULT;
    }
    return push_caller(cpu, s, g->size, next_rip);
}

static enum vp_status call_through_gate(struct cpu *cpu, uint16_t selector, uint64_t next_rip)
{
    struct call_gate g;
    struct stack s = cpu_current_stack(cpu);
    if (read_call_gate(cpu, selector, &g, true) != VP_OK)
        return VP_FAULT;
    bool inner = g.new_cpl != cpu->cpl;
    if (inner) {
        if (cpu_tss_stack(cpu, g.new_cpl, &s) != VP_OK || push_inner_frame(cpu, &g, &s, next_rip) != VP_OK)
            return VP_FAULT;
    } else {
        if (g.size == 8)
            s.width = 8; /* from compatibility mode into 64-bit mode */
        if (push_caller(cpu, &s, g.size, next_rip) != VP_OK)
            return VP_FAULT;
    }
    if (cpu_mark_accessed(cpu, g.target, g.code) != VP_OK)
        return VP_FAULT;
    if (inner && cpu_is_long(cpu))
        cpu_set_null_segment(cpu, SEG_SS, s.seg.selector);
    else if (inner)
        cpu->seg[SEG_SS] = s.seg;
    cpu_set_cs(cpu, g.target, g.code, g.new_cpl);
    stack_commit(cpu, &s);
    cpu->rip = g.offset;
    return VP_OK;
}

/* --- JMP, CALL --- */
enum target { TARGET_CODE, TARGET_GATE, TARGET_TASK };

/* What the selector names; of TARGET_CODE, *descriptor is checked. */
static enum vp_status look_up_target(struct cpu *cpu, uint16_t selector, uint64_t offset, uint64_t *descriptor,
                                     enum target *target)
{
    uint64_t d[2];
    if (selector_is_null(selector))
        return cpu_raise(cpu, EXC_GP, 0);
    if (cpu_read_descriptor(cpu, selector, d, false) != VP_OK)
        return VP_FAULT;
    *descriptor = d[0];
    *target = is_call_gate(cpu, descriptor_attr(d[0])) ? TARGET_GATE
              : cpu_names_task(cpu, d[0])              ? TARGET_TASK
                                                       : TARGET_CODE;
    if (*target != TARGET_CODE)
        return VP_OK;
    if (!attr_is_code(descriptor_attr(d[0])))
        return gp_selector(cpu, selector);
    if (check_direct(cpu, selector, d[0]) != VP_OK)
        return VP_FAULT;
    return cpu_check_code_offset(cpu, d[0], offset);
}

static struct task_event task_event_of(const struct cpu *cpu, enum task_cause cause, uint64_t next_rip)
{
    return (struct task_event){.cause = cause, .rip = next_rip, .rflags = cpu_rflags(cpu)};
}

enum vp_status cpu_far_jump(struct cpu *cpu, uint16_t selector, uint64_t offset, unsigned size, uint64_t next_rip)
{
    uint64_t d;
    enum target target;
    if (!cpu_is_protected(cpu))
        return jump_real(cpu, selector, offset, size);
    offset = truncate_to(offset, size);
    if (look_up_target(cpu, selector, offset, &d, &target) != VP_OK)
        return VP_FAULT;
    if (target == TARGET_GATE)
        return jump_through_gate(cpu, selector);
    if (target == TARGET_TASK) {
        struct task_event e = task_event_of(cpu, TASK_JUMP, next_rip);
        return cpu_task_gate(cpu, selector, d, &e);
    }
    if (cpu_mark_accessed(cpu, selector, d) != VP_OK)
        return VP_FAULT;
    cpu_set_cs(cpu, selector, d, cpu->cpl);
    cpu->rip = offset;
    return VP_OK;
}

enum vp_status cpu_far_call(struct cpu *cpu, uint16_t selector, uint64_t offset, unsigned size, uint64_t next_rip)
{
    uint64_t d = 0;
    enum target target = TARGET_CODE;
    struct stack s = cpu_current_stack(cpu);
    offset = truncate_to(offset, size);
    if (!cpu_is_protected(cpu)) {
        if (offset > cpu->seg[SEG_CS].limit)
            return cpu_raise(cpu, EXC_GP, 0);
        if (push_caller(cpu, &s, size, next_rip) != VP_OK)
            return VP_FAULT;
        stack_commit(cpu, &s);
        return jump_real(cpu, selector, offset, size);
    }
    if (look_up_target(cpu, selector, offset, &d, &target) != VP_OK)
        return VP_FAULT;
    if (target == TARGET_GATE)
        return call_through_gate(cpu, selector, next_rip);
    if (target == TARGET_TASK) {
        struct task_event e = task_event_of(cpu, TASK_CALL, next_rip);
        return cpu_task_gate(cpu, selector, d, &e);
    }
    if (push_caller(cpu, &s, size, next_rip) != VP_OK || cpu_mark_accessed(cpu, selector, d) != VP_OK)
        return VP_FAULT;
    stack_commit(cpu, &s); /* with the old width, before CS.L may change it */
    cpu_set_cs(cpu, selector, d, cpu->cpl);
    cpu->rip = offset;
    return VP_OK;
}

/* --- returns --- */
enum vp_status cpu_check_return_cs(struct cpu *cpu, uint16_t selector, uint64_t rip, struct return_target *t)
{
    uint64_t d[2];
    if (selector_is_null(selector))
        return cpu_raise(cpu, EXC_GP, 0);
    if (cpu_read_descriptor(cpu, selector, d, false) != VP_OK)
        return VP_FAULT;
    uint16_t attr = descriptor_attr(d[0]);
    unsigned rpl = selector_rpl(selector), dpl = attr_dpl(attr);
    bool allowed = attr_is_code(attr) && rpl >= cpu->cpl && (attr_is_conforming(attr) ? dpl <= rpl : dpl == rpl);
    if (!allowed || cpu_is_bad_long_code(cpu, attr))
        return gp_selector(cpu, selector);
    if (!(attr & SEG_ATTR_P))
        return cpu_raise(cpu, EXC_NP, selector_error(selector));
    *t = (struct return_target){.cs = selector, .cs_descriptor = d[0], .cpl = rpl};
    return cpu_check_code_offset(cpu, d[0], rip);
}

enum vp_status cpu_check_return_ss(struct cpu *cpu, uint16_t selector, struct return_target *t)
{
    uint64_t d[2];
    t->ss = selector;
    if (selector_is_null(selector)) {
        /* Legal only on the way to 64-bit code below CPL 3. */
        bool to_64 = cpu_is_long(cpu) && (descriptor_attr(t->cs_descriptor) & SEG_ATTR_L);
        if (!to_64 || t->cpl == 3 || selector_rpl(selector) != t->cpl)
            return cpu_raise(cpu, EXC_GP, 0);
        t->ss_null = true;
        return VP_OK;
    }
    if (cpu_read_descriptor(cpu, selector, d, false) != VP_OK)
        return VP_FAULT;
    uint16_t attr = descriptor_attr(d[0]);
    if (selector_rpl(selector) != t->cpl || !attr_is_writable(attr) || attr_dpl(attr) != t->cpl)
        return gp_selector(cpu, selector);
    if (!(attr & SEG_ATTR_P))
        return cpu_raise(cpu, EXC_SS, selector_error(selector));
    t->ss_descriptor = d[0];
    return VP_OK;
}

enum vp_status cpu_return_to(struct cpu *cpu, const struct return_target *t, bool with_ss)
{
    bool outer = t->cpl != cpu->cpl;
    if (cpu_mark_accessed(cpu, t->cs, t->cs_descriptor) != VP_OK)
        return VP_FAULT;
    if (with_ss && !t->ss_null && cpu_mark_accessed(cpu, t->ss, t->ss_descriptor) != VP_OK)
        return VP_FAULT;
    if (with_ss && t->ss_null)
        cpu_set_null_segment(cpu, SEG_SS, t->ss);
    else if (with_ss)
        cpu_segment_from_descriptor(&cpu->seg[SEG_SS], t->ss, t->ss_descriptor);
    cpu_set_cs(cpu, t->cs, t->cs_descriptor, t->cpl);
    if (outer)
        cpu_drop_inner_segments(cpu);
    return VP_OK;
}

static enum vp_status return_real(struct cpu *cpu, unsigned size, uint32_t pop_bytes)
{
    struct stack s = cpu_current_stack(cpu);
    uint64_t rip, cs;
    if (stack_pop(cpu, &s, &rip, size) != VP_OK || stack_pop(cpu, &s, &cs, size) != VP_OK)
        return VP_FAULT;
    if (rip > cpu->seg[SEG_CS].limit)
        return cpu_raise(cpu, EXC_GP, 0);
    stack_skip(&s, pop_bytes);
    stack_commit(cpu, &s);
    cpu_set_segment_real(cpu, SEG_CS, (uint16_t)cs);
    cpu->rip = rip;
    return VP_OK;
}

enum vp_status cpu_far_return(struct cpu *cpu, unsigned size, uint32_t pop_bytes)
{
    struct stack s = cpu_current_stack(cpu);
    struct return_target t;
    uint64_t rip, cs, ss = 0, sp = 0;
    if (!cpu_is_protected(cpu))
        return return_real(cpu, size, pop_bytes);
    if (stack_pop(cpu, &s, &rip, size) != VP_OK || stack_pop(cpu, &s, &cs, size) != VP_OK ||
        cpu_check_return_cs(cpu, (uint16_t)cs, rip, &t) != VP_OK)
        return VP_FAULT;
    stack_skip(&s, pop_bytes);
    bool outer = t.cpl != cpu->cpl;
    if (outer && (stack_pop(cpu, &s, &sp, size) != VP_OK || stack_pop(cpu, &s, &ss, size) != VP_OK ||
                  cpu_check_return_ss(cpu, (uint16_t)ss, &t) != VP_OK))
        return VP_FAULT;
    if (cpu_return_to(cpu, &t, outer) != VP_OK)
        return VP_FAULT;
    if (!outer) {
        stack_commit(cpu, &s);
    } else {
        /* The parameters are on the outer stack too. */
        struct stack outside = cpu_current_stack(cpu);
        outside.sp = sp;
        stack_skip(&outside, pop_bytes);
        stack_commit(cpu, &outside);
    }
    cpu->rip = rip;
    return VP_OK;
}
