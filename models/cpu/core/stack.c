/* SPDX-License-Identifier: Apache-2.0 */
/* Stacks that system mechanisms push to and pop from: the current one, or that of another privilege level before it
 * becomes current. Nothing of the processor changes until stack_commit. PUSH, POP, CALL, RET have their own paths.
 * Source: SDM Vol. 3, "Stack Switching", "Stack Switching in IA-32e Mode", "Task-State Segment (TSS)". */
#include "protect.h"

struct stack cpu_current_stack(const struct cpu *cpu)
{
    return (struct stack){
        .seg = cpu->seg[SEG_SS],
        .sp = cpu->gpr[RSP],
        .width = (cpu->mode & MODE_CODE64)    ? 8
                 : (cpu->mode & MODE_STACK32) ? 4
                                              : 2,
        .view = cpu_current_view(cpu),
    };
}

static uint64_t wrap(const struct stack *s, uint64_t sp)
{
    return s->width == 8 ? sp : s->width == 4 ? (uint32_t)sp : (uint16_t)sp;
}

void stack_skip(struct stack *s, uint64_t bytes) { s->sp = wrap(s, s->sp + bytes); }

static bool inside_limit(const struct segment *s, uint64_t offset, unsigned size)
{
    uint64_t last = offset + size - 1;
    bool expand_down = attr_is_data(s->attr) && (s->attr & 4);
    if (expand_down)
        return offset > s->limit && last <= ((s->attr & SEG_ATTR_DB) ? UINT32_MAX : UINT16_MAX);
    return last <= s->limit;
}

/* Linear address of a stack access: #SS for what is outside the segment or not canonical. */
static enum vp_status stack_address(struct cpu *cpu, const struct stack *s, uint64_t sp, unsigned size, uint64_t *la)
{
    if (s->width == 8) {
        *la = sp;
        bool canonical = bits_is_canonical(sp, CPU_LINEAR_WIDTH) && bits_is_canonical(sp + size - 1, CPU_LINEAR_WIDTH);
        return canonical ? VP_OK : cpu_raise(cpu, EXC_SS, s->error);
    }
    bool usable = !cpu_is_protected(cpu) || ((s->seg.attr & SEG_ATTR_P) && attr_is_writable(s->seg.attr));
    if (!usable || !inside_limit(&s->seg, sp, size))
        return cpu_raise(cpu, EXC_SS, s->error);
    *la = (uint32_t)(s->seg.base + sp);
    return VP_OK;
}

enum vp_status stack_push(struct cpu *cpu, struct stack *s, uint64_t value, unsigned size)
{
    uint64_t la = 0, sp = wrap(s, s->sp - size);
    if (stack_address(cpu, s, sp, size, &la) != VP_OK || cpu_charged_write(cpu, s->view, la, &value, size) != VP_OK)
        return VP_FAULT;
    s->sp = sp;
    return VP_OK;
}

enum vp_status stack_pop(struct cpu *cpu, struct stack *s, uint64_t *value, unsigned size)
{
    uint64_t la = 0;
    *value = 0;
    if (stack_address(cpu, s, wrap(s, s->sp), size, &la) != VP_OK ||
        cpu_charged_read(cpu, s->view, la, value, size) != VP_OK)
        return VP_FAULT;
    stack_skip(s, size);
    return VP_OK;
}

void stack_commit(struct cpu *cpu, const struct stack *s)
{
    if (s->width == 2)
        cpu->gpr[RSP] = (cpu->gpr[RSP] & ~UINT64_C(0xffff)) | (uint16_t)s->sp;
    else
        cpu->gpr[RSP] = wrap(s, s->sp);
}

/* Reads a field of the TSS; beyond its limit: #TS(TR). */
static enum vp_status read_tss(struct cpu *cpu, uint32_t offset, void *bytes, unsigned size)
{
    const struct segment *tr = &cpu->seg[SEG_TR];
    if ((uint64_t)offset + size - 1 > tr->limit)
        return cpu_raise(cpu, EXC_TS, selector_error(tr->selector));
    return cpu_charged_read(cpu, MMU_SUPERVISOR, tr->base + offset, bytes, size);
}

enum vp_status cpu_tss_rsp(struct cpu *cpu, unsigned slot, uint64_t *rsp)
{
    /* RSP0..RSP2 begin at 4, IST1..IST7 at 36 after a reserved quadword. */
    uint32_t offset = slot < 3 ? 4 + 8 * slot : 36 + 8 * (slot - 3);
    return read_tss(cpu, offset, rsp, 8);
}

/* SDM Vol. 2, "CALL", CALL-GATE: the checks of the new stack segment raise #TS, an absent one #SS. */
static enum vp_status load_inner_ss(struct cpu *cpu, unsigned level, uint16_t selector, struct stack *s)
{
    uint64_t d[2];
    if (selector_is_null(selector))
        return cpu_raise(cpu, EXC_TS, 0);
    if (cpu_fetch_descriptor(cpu, selector, d, false, EXC_TS) != VP_OK)
        return VP_FAULT;
    uint16_t attr = descriptor_attr(d[0]);
    if (selector_rpl(selector) != level || attr_dpl(attr) != level || !attr_is_writable(attr))
        return cpu_raise(cpu, EXC_TS, selector_error(selector));
    if (!(attr & SEG_ATTR_P))
        return cpu_raise(cpu, EXC_SS, selector_error(selector));
    if (cpu_mark_accessed(cpu, selector, d[0]) != VP_OK)
        return VP_FAULT;
    cpu_segment_from_descriptor(&s->seg, selector, d[0]);
    s->width = (s->seg.attr & SEG_ATTR_DB) ? 4 : 2;
    s->error = selector_error(selector);
    return VP_OK;
}

enum vp_status cpu_tss_stack(struct cpu *cpu, unsigned level, struct stack *s)
{
    *s = (struct stack){.view = cpu_view_of_level(level)};
    if (cpu_is_long(cpu)) {
        s->width = 8;
        s->seg.selector = (uint16_t)level; /* null, RPL = the new CPL */
        return cpu_tss_rsp(cpu, level, &s->sp);
    }
    bool is_32 = (attr_type(cpu->seg[SEG_TR].attr) & 8) != 0;
    uint16_t selector = 0;
    if (is_32) {
        if (read_tss(cpu, 4 + 8 * level, &s->sp, 4) != VP_OK || read_tss(cpu, 8 + 8 * level, &selector, 2) != VP_OK)
            return VP_FAULT;
    } else if (read_tss(cpu, 2 + 4 * level, &s->sp, 2) != VP_OK ||
               read_tss(cpu, 4 + 4 * level, &selector, 2) != VP_OK) {
        return VP_FAULT;
    }
    return load_inner_ss(cpu, level, selector, s);
}
