/* SPDX-License-Identifier: Apache-2.0 */
/* CLUI STUI TESTUI UIRET SENDUIPI: the #UD conditions, then one call into the UINTR unit.
 * Source: SDM Vol. 2, the instructions' pages; Vol. 3, chapter "User Interrupts". LOCK is refused by the decoder. */
#include "flags.h"
#include "handler.h"
#include "wait.h"

/* All five exist in 64-bit mode only, at any CPL, if the operating system set CR4.UINTR. */
static bool is_undefined(struct cpu *cpu)
{
    if (cpu_has_feature(cpu, CPU_FEATURE_uintr) && (cpu->mode & MODE_CODE64) && (cpu->cr4 & CR4_UINTR))
        return false;
    (void)cpu_raise(cpu, EXC_UD, 0);
    return true;
}

OP(clui)
{
    if (is_undefined(cpu))
        LEAVE();
    uintr_set_uif(cpu->uintr, false);
    FINISH();
}

/* No shadow: what is pending may be delivered before the next instruction. */
OP(stui)
{
    if (is_undefined(cpu))
        LEAVE();
    uintr_set_uif(cpu->uintr, true);
    cpu_uintr_changed(cpu);
    FINISH();
}

OP(testui)
{
    if (is_undefined(cpu))
        LEAVE();
    cc_set_flags(cpu, uintr_uif(cpu->uintr) ? FLAG_CF : 0);
    NEXT();
}

/* RFLAGS bits that UIRET loads. */
#define UIRET_MASK 0x254dd5u

static enum vp_status do_uiret(struct cpu *cpu, uint32_t insn_cost)
{
    struct vp_fault fault;
    struct uintr_regs regs = {.rip = cpu->rip, .rsp = cpu->gpr[RSP], .rflags = cpu_rflags(cpu)};
    cpu->uintr_insn_cost = insn_cost; /* charged by uintr_glue.c after the first step is reported */
    if (uintr_uiret(cpu->uintr, &regs, CPU_LINEAR_WIDTH, &fault) != VP_OK)
        return cpu_raise_fault(cpu, &fault);
    cpu->rip = regs.rip;
    cpu->gpr[RSP] = regs.rsp;
    cpu_set_rflags(cpu, regs.rflags, UIRET_MASK);
    cpu_monitor_disarm(cpu); /* an UMWAIT that was interrupted after its UMONITOR must not wait */
    cpu_uintr_changed(cpu);
    return VP_OK;
}

OP(uiret)
{
    if (is_undefined(cpu))
        LEAVE();
    if (do_uiret(cpu, (uint32_t)(op->cost_after - op->cost_before)) != VP_OK)
        LEAVE();
    cpu->insns++;
    LEFT();
}

static enum vp_status do_senduipi(struct cpu *cpu, uint64_t index, uint32_t insn_cost)
{
    struct vp_fault fault;
    cpu->uintr_insn_cost = insn_cost;
    if (uintr_send(cpu->uintr, index, &fault) != VP_OK)
        return cpu_raise_fault(cpu, &fault);
    return VP_OK;
}

OP(senduipi)
{
    if (is_undefined(cpu))
        LEAVE();
    if (!uintr_senduipi_enabled(cpu->uintr)) {
        (void)cpu_raise(cpu, EXC_UD, 0);
        LEAVE();
    }
    if (do_senduipi(cpu, REG64(op->rm), (uint32_t)(op->cost_after - op->cost_before)) != VP_OK)
        LEAVE();
    cpu->insns++;
    cpu->rip = op_next_rip(cpu, op);
    LEFT();
}
