/* SPDX-License-Identifier: Apache-2.0 */
/* FXSAVE, FXRSTOR, the XSAVE group, XGETBV and XSETBV: who may execute them, and on which components. What they do to
 * memory and registers is xsave.c's. All run alone in their blocks. Source: SDM Vol. 2, the instructions' pages. */
#include "handler.h"

#include "xsave.h"

/* Address of the area. The size is that of the legacy region and, for XSAVE, the header: all forms touch the header. */
static uint64_t area_address(struct cpu *cpu, const struct op *op, unsigned size, bool is_write)
{
    return cpu_address_slow(cpu, op, op_offset(cpu, op), size, is_write);
}

/* What the timing model sees: the lines of the area. */
static void observe_area(struct cpu *cpu, uint64_t la, unsigned size, bool is_write)
{
    for (unsigned i = 0; i < size; i += 64)
        MEM_HOOK(la + i, 64, is_write ? TIMING_STORE : TIMING_LOAD);
    (void)cpu, (void)la, (void)is_write;
}

static enum vp_status do_fx(struct cpu *cpu, const struct op *op, bool is_save)
{
    uint64_t la = area_address(cpu, op, 512, is_save);
    if (cpu->leave != LEAVE_NONE)
        return VP_FAULT;
    enum vp_status status = is_save ? xsave_fxsave(cpu, la, op->size == 8) : xsave_fxrstor(cpu, la, op->size == 8);
    if (status == VP_OK)
        observe_area(cpu, la, 512, is_save);
    return status;
}

OP(fxsave)
{
    if (do_fx(cpu, op, true) != VP_OK)
        LEAVE();
    FINISH();
}

OP(fxrstor)
{
    if (do_fx(cpu, op, false) != VP_OK)
        LEAVE();
    FINISH();
}

static uint64_t asked_components(const struct cpu *cpu) { return cpu->gpr[RDX] << 32 | (uint32_t)cpu->gpr[RAX]; }

static enum vp_status check_enabled(struct cpu *cpu, bool supervisor)
{
    if (!(cpu->cr4 & CR4_OSXSAVE))
        return cpu_raise(cpu, EXC_UD, 0);
    if (cpu->cr0 & CR0_TS)
        return cpu_raise(cpu, EXC_NM, 0);
    return supervisor && cpu->cpl != 0 ? cpu_raise(cpu, EXC_GP, 0) : VP_OK;
}

static enum vp_status do_save(struct cpu *cpu, const struct op *op, enum xsave_kind kind)
{
    if (check_enabled(cpu, kind == XSAVE_S) != VP_OK)
        return VP_FAULT;
    uint64_t rfbm = asked_components(cpu) & (cpu->xcr0 | (kind == XSAVE_S ? cpu->xss : 0));
    uint64_t la = area_address(cpu, op, 576, true);
    if (cpu->leave != LEAVE_NONE || xsave_save(cpu, la, rfbm, kind, op->size == 8) != VP_OK)
        return VP_FAULT;
    observe_area(cpu, la, xsave_compacted_size(cpu, rfbm), true);
    return VP_OK;
}

static enum vp_status do_restore(struct cpu *cpu, const struct op *op, bool supervisor)
{
    if (check_enabled(cpu, supervisor) != VP_OK)
        return VP_FAULT;
    uint64_t rfbm = asked_components(cpu) & (cpu->xcr0 | (supervisor ? cpu->xss : 0));
    uint64_t la = area_address(cpu, op, 576, false);
    if (cpu->leave != LEAVE_NONE || xsave_restore(cpu, la, rfbm, supervisor, op->size == 8) != VP_OK)
        return VP_FAULT;
    observe_area(cpu, la, xsave_compacted_size(cpu, rfbm), false);
    return VP_OK;
}

#define XSAVE_HANDLER(name, action)                                                                                    \
    OP(name)                                                                                                           \
    {                                                                                                                  \
        if ((action) != VP_OK)                                                                                         \
            LEAVE();                                                                                                   \
        FINISH();                                                                                                      \
    }
XSAVE_HANDLER(xsave, do_save(cpu, op, XSAVE_PLAIN))
XSAVE_HANDLER(xsaveopt, do_save(cpu, op, XSAVE_OPT))
XSAVE_HANDLER(xsavec, do_save(cpu, op, XSAVE_C))
XSAVE_HANDLER(xsaves, do_save(cpu, op, XSAVE_S))
XSAVE_HANDLER(xrstor, do_restore(cpu, op, false))
XSAVE_HANDLER(xrstors, do_restore(cpu, op, true))

/* --- XCR0 --- */
static enum vp_status do_xgetbv(struct cpu *cpu)
{
    uint32_t which = (uint32_t)cpu->gpr[RCX];
    if (!(cpu->cr4 & CR4_OSXSAVE))
        return cpu_raise(cpu, EXC_UD, 0);
    if (which > 1 || (which == 1 && !cpu_has_feature(cpu, CPU_FEATURE_xgetbv1)))
        return cpu_raise(cpu, EXC_GP, 0);
    uint64_t v = which == 0 ? cpu->xcr0 : cpu->xcr0 & xsave_in_use(cpu);
    cpu->gpr[RAX] = (uint32_t)v;
    cpu->gpr[RDX] = v >> 32;
    return VP_OK;
}

static enum vp_status do_xsetbv(struct cpu *cpu)
{
    if (!(cpu->cr4 & CR4_OSXSAVE))
        return cpu_raise(cpu, EXC_UD, 0);
    if (cpu->cpl != 0 || (uint32_t)cpu->gpr[RCX] != 0)
        return cpu_raise(cpu, EXC_GP, 0);
    return xsave_set_xcr0(cpu, asked_components(cpu));
}
XSAVE_HANDLER(xgetbv, do_xgetbv(cpu))
XSAVE_HANDLER(xsetbv, do_xsetbv(cpu))
