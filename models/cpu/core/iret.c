/* SPDX-License-Identifier: Apache-2.0 */
/* IRET, IRETD, IRETQ. Everything popped is checked before anything changes; what far RET shares is in far.c.
 * Source: SDM Vol. 2, "IRET/IRETD/IRETQ". */
#include "task.h"

/* Which bits of RFLAGS the image may change: judged by the CPL before the return. */
static uint64_t flag_mask(const struct cpu *cpu, unsigned size)
{
    uint64_t mask = FLAGS_STATUS | FLAG_TF | FLAG_DF | FLAG_NT;
    if (size > 2)
        mask |= FLAG_RF | FLAG_AC | FLAG_ID;
    if (!cpu_is_protected(cpu) || cpu->cpl <= cpu_iopl(cpu))
        mask |= FLAG_IF;
    if (cpu->cpl == 0) {
        mask |= FLAG_IOPL;
        if (size > 2)
            mask |= FLAG_VIF | FLAG_VIP;
    }
    return mask;
}

static enum vp_status pop_three(struct cpu *cpu, struct stack *s, unsigned size, uint64_t v[3])
{
    for (unsigned i = 0; i < 3; i++)
        if (stack_pop(cpu, s, &v[i], size) != VP_OK)
            return VP_FAULT;
    return VP_OK;
}

static enum vp_status iret_real(struct cpu *cpu, unsigned size)
{
    struct stack s = cpu_current_stack(cpu);
    uint64_t v[3];
    if (pop_three(cpu, &s, size, v) != VP_OK)
        return VP_FAULT;
    if (v[0] > cpu->seg[SEG_CS].limit)
        return cpu_raise(cpu, EXC_GP, 0);
    stack_commit(cpu, &s);
    cpu_set_segment_real(cpu, SEG_CS, (uint16_t)v[1]);
    cpu_set_rflags(cpu, v[2], flag_mask(cpu, size) & ~(uint64_t)(FLAG_VIF | FLAG_VIP));
    cpu->rip = v[0];
    return VP_OK;
}

/* Below EFLAGS lie ESP, SS, ES, DS, FS, GS. */
static enum vp_status iret_to_v86(struct cpu *cpu, struct stack *s, const uint64_t v[3])
{
    static const int segments[] = {SEG_SS, SEG_ES, SEG_DS, SEG_FS, SEG_GS};
    uint64_t sp, selectors[5];
    if (stack_pop(cpu, s, &sp, 4) != VP_OK)
        return VP_FAULT;
    for (unsigned i = 0; i < 5; i++)
        if (stack_pop(cpu, s, &selectors[i], 4) != VP_OK)
            return VP_FAULT;
    if (v[0] > UINT16_MAX) /* the limit of a segment in this mode */
        return cpu_raise(cpu, EXC_GP, 0);
    cpu_set_rflags(cpu, v[2], flag_mask(cpu, 4) | FLAG_VM);
    cpu_set_segment_v86(cpu, SEG_CS, (uint16_t)v[1]);
    for (unsigned i = 0; i < 5; i++)
        cpu_set_segment_v86(cpu, segments[i], (uint16_t)selectors[i]);
    cpu->gpr[RSP] = sp;
    cpu->rip = v[0];
    cpu_set_cpl(cpu, 3);
    return VP_OK;
}

static enum vp_status iret_protected(struct cpu *cpu, unsigned size, uint64_t next_rip)
{
    struct stack s = cpu_current_stack(cpu);
    struct return_target t;
    uint64_t v[3], sp = 0, ss = 0;
    if (cpu->rflags & FLAG_NT)
        return cpu_is_long(cpu) ? cpu_raise(cpu, EXC_GP, 0) : cpu_task_return(cpu, next_rip);
    if (pop_three(cpu, &s, size, v) != VP_OK)
        return VP_FAULT;
    if (size > 2 && (v[2] & FLAG_VM) && cpu->cpl == 0 && !cpu_is_long(cpu))
        return iret_to_v86(cpu, &s, v);
    if (cpu_check_return_cs(cpu, (uint16_t)v[1], v[0], &t) != VP_OK)
        return VP_FAULT;
    /* From 64-bit mode SS:RSP are popped always, otherwise only on a return to an outer level. */
    bool with_ss = cpu_is_code64(cpu) || t.cpl != cpu->cpl;
    if (with_ss && (stack_pop(cpu, &s, &sp, size) != VP_OK || stack_pop(cpu, &s, &ss, size) != VP_OK ||
                    cpu_check_return_ss(cpu, (uint16_t)ss, &t) != VP_OK))
        return VP_FAULT;
    uint64_t mask = flag_mask(cpu, size);
    if (cpu_return_to(cpu, &t, with_ss) != VP_OK)
        return VP_FAULT;
    if (with_ss) {
        s = cpu_current_stack(cpu);
        s.sp = sp;
    }
    stack_commit(cpu, &s);
    cpu_set_rflags(cpu, v[2], mask);
    cpu->rip = v[0];
    return VP_OK;
}

enum vp_status cpu_iret(struct cpu *cpu, unsigned size, uint64_t next_rip)
{
    cpu->nmi_blocked = false; /* even if the instruction faults: SDM Vol. 3, "Handling Multiple NMIs" */
    if (cpu_is_v86(cpu) && cpu_iopl(cpu) < 3)
        return cpu_raise(cpu, EXC_GP, 0);
    return cpu_is_protected(cpu) ? iret_protected(cpu, size, next_rip) : iret_real(cpu, size);
}
