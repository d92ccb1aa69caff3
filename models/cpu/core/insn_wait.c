/* SPDX-License-Identifier: Apache-2.0 */
/* MONITOR, MWAIT, UMONITOR, UMWAIT, TPAUSE: conditions, operands, deadlines. Waiting itself is wait.c's.
 * Source: SDM Vol. 2, the instructions' pages. */
#include "handler.h"

#include "flags.h"
#include "wait.h"

/* Checked like a load of one byte; devices are not touched. */
static enum vp_status do_monitor(struct cpu *cpu, const struct op *op, uint64_t offset)
{
    uint64_t pa = 0, la = cpu_address_slow(cpu, op, offset, 1, false);
    if (cpu->leave != LEAVE_NONE || cpu_view_translate(cpu, cpu_current_view(cpu), la, &pa) != VP_OK)
        return VP_FAULT;
    cpu_monitor_arm(cpu, pa);
    return VP_OK;
}

static enum vp_status check_monitor_enabled(struct cpu *cpu)
{
    bool enabled = (cpu->misc_enable & MISC_ENABLE_MONITOR) != 0 && cpu->cpl == 0;
    return enabled ? VP_OK : cpu_raise(cpu, EXC_UD, 0);
}

static uint64_t extensions(const struct cpu *cpu)
{
    return cpu_is_code64(cpu) ? cpu->gpr[RCX] : (uint32_t)cpu->gpr[RCX];
}

OP(monitor)
{
    if (check_monitor_enabled(cpu) != VP_OK)
        LEAVE();
    if (extensions(cpu) != 0) {
        (void)cpu_raise(cpu, EXC_GP, 0);
        LEAVE();
    }
    if (do_monitor(cpu, op, cpu->gpr[RAX]) != VP_OK)
        LEAVE();
    FINISH();
}

/* ECX[0]: interrupts end the wait even if IF is clear. The hint in EAX names a C-state: all are alike here. */
static enum vp_status do_mwait(struct cpu *cpu)
{
    if (check_monitor_enabled(cpu) != VP_OK)
        return VP_FAULT;
    if (extensions(cpu) & ~UINT64_C(1))
        return cpu_raise(cpu, EXC_GP, 0);
    struct cpu_wait wait = {.until = VP_NEVER, .monitors = true, .ends_by_masked = (cpu->gpr[RCX] & 1) != 0};
    cpu_wait(cpu, &wait);
    return VP_OK;
}

OP(mwait)
{
    if (do_mwait(cpu) != VP_OK)
        LEAVE();
    FINISH();
}

OP(umonitor)
{
    if (do_monitor(cpu, op, REG64(op->rm)) != VP_OK)
        LEAVE();
    FINISH();
}

/* The deadline is a TSC value in EDX:EAX; IA32_UMWAIT_CONTROL[31:2] limits how long the wait may take. */
static enum vp_status do_timed_wait(struct cpu *cpu, uint32_t control, bool monitors)
{
    if (((cpu->cr4 & CR4_TSD) && cpu->cpl != 0) || (control & ~1u))
        return cpu_raise(cpu, EXC_GP, 0);
    uint64_t tsc = cpu_now(cpu) + cpu->tsc_offset, limit = cpu->umwait_control & 0xfffffffcu;
    uint64_t asked = cpu->gpr[RDX] << 32 | (uint32_t)cpu->gpr[RAX], length = asked > tsc ? asked - tsc : 0;
    bool by_limit = limit != 0 && limit < length;
    if (by_limit)
        length = limit;
    struct cpu_wait wait = {
        .until = length > VP_NEVER - cpu->cycles ? VP_NEVER : cpu->cycles + length,
        .monitors = monitors,
        .ends_by_masked = true,
        .by_limit = by_limit,
    };
    cc_set_flags(cpu, 0);
    cpu_wait(cpu, &wait);
    return VP_OK;
}

OP(umwait)
{
    if (do_timed_wait(cpu, READ_REG32(op->rm), true) != VP_OK)
        LEAVE();
    FINISH();
}

OP(tpause)
{
    if (do_timed_wait(cpu, READ_REG32(op->rm), false) != VP_OK)
        LEAVE();
    FINISH();
}
