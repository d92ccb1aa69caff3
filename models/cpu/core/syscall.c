/* SPDX-License-Identifier: Apache-2.0 */
/* SYSCALL, SYSRET, SYSENTER, SYSEXIT: transfers whose segments are computed, not looked up.
 * Source: SDM Vol. 2, the instructions' pages; Vol. 3, "Fast System Calls in 64-Bit Mode". */
#include "syscall.h"

#include "debug.h"
#include "protect.h"

/* RFLAGS bits that SYSRET takes from R11: all defined ones except RF and VM. */
#define SYSRET_MASK 0x3c7fd7u

enum vp_status cpu_syscall(struct cpu *cpu, uint64_t next_rip)
{
    if (!cpu_has_feature(cpu, CPU_FEATURE_syscall) || !(cpu->efer & EFER_SCE))
        return cpu_raise(cpu, EXC_UD, 0);
    uint16_t cs = (uint16_t)bits_get(cpu->star, 47, 32) & 0xfffc;
    uint64_t rflags = cpu_rflags(cpu) & ~(uint64_t)FLAG_RF;
    cpu->gpr[RCX] = next_rip;
    cpu->gpr[R11] = rflags;
    cpu_set_rflags(cpu, rflags & ~cpu->sfmask, ~UINT64_C(0));
    cpu_set_flat_ss(cpu, (uint16_t)(cs + 8), 0);
    cpu_set_flat_cs(cpu, cs, 0, true);
    cpu->rip = cpu->lstar; /* WRMSR made sure that it is canonical */
    cpu->stats.syscalls++;
    if (cpu->bus.trace_event)
        cpu_bus(cpu)->trace_event(cpu->bus.ctx, CPU_TRACE_SYSCALL, (uint32_t)cpu->gpr[RAX], cpu->gpr[RAX], cpu->cycles);
    cpu_charge_event(cpu, TIMING_EVENT_syscall);
    cpu_debug_step_by_new_tf(cpu);
    return VP_OK;
}

enum vp_status cpu_sysret(struct cpu *cpu, unsigned size)
{
    if (!cpu_has_feature(cpu, CPU_FEATURE_syscall) || !(cpu->efer & EFER_SCE))
        return cpu_raise(cpu, EXC_UD, 0);
    /* The #GP for RCX is taken at CPL 0, before anything is loaded. */
    if (cpu->cpl != 0 || (size == 8 && !bits_is_canonical(cpu->gpr[RCX], CPU_LINEAR_WIDTH)))
        return cpu_raise(cpu, EXC_GP, 0);
    uint16_t base = (uint16_t)bits_get(cpu->star, 63, 48);
    uint64_t rip = size == 8 ? cpu->gpr[RCX] : (uint32_t)cpu->gpr[RCX];
    cpu_set_rflags(cpu, cpu->gpr[R11] & SYSRET_MASK, ~UINT64_C(0));
    cpu_set_flat_ss(cpu, (uint16_t)(base + 8), 3);
    cpu_set_flat_cs(cpu, (uint16_t)(size == 8 ? base + 16 : base), 3, size == 8);
    cpu->rip = rip;
    cpu_charge_event(cpu, TIMING_EVENT_sysret);
    cpu_debug_step_by_new_tf(cpu);
    return VP_OK;
}

enum vp_status cpu_sysenter(struct cpu *cpu)
{
    bool is_long = cpu_is_long(cpu);
    uint16_t cs = (uint16_t)cpu->sysenter_cs & 0xfffc;
    if (!cpu_has_feature(cpu, CPU_FEATURE_sep))
        return cpu_raise(cpu, EXC_UD, 0);
    if (!(cpu->cr0 & CR0_PE) || cs == 0)
        return cpu_raise(cpu, EXC_GP, 0);
    cpu_set_rflags(cpu, 0, FLAG_VM | FLAG_IF | FLAG_RF);
    cpu->gpr[RSP] = is_long ? cpu->sysenter_esp : (uint32_t)cpu->sysenter_esp;
    cpu->rip = is_long ? cpu->sysenter_eip : (uint32_t)cpu->sysenter_eip;
    cpu_set_flat_ss(cpu, (uint16_t)(cs + 8), 0);
    cpu_set_flat_cs(cpu, cs, 0, is_long);
    cpu->stats.syscalls++;
    if (cpu->bus.trace_event)
        cpu_bus(cpu)->trace_event(cpu->bus.ctx, CPU_TRACE_SYSCALL, (uint32_t)cpu->gpr[RAX], cpu->gpr[RAX], cpu->cycles);
    cpu_charge_event(cpu, TIMING_EVENT_syscall);
    return VP_OK;
}

enum vp_status cpu_sysexit(struct cpu *cpu, unsigned size)
{
    uint16_t base = (uint16_t)cpu->sysenter_cs & 0xfffc;
    if (!cpu_has_feature(cpu, CPU_FEATURE_sep))
        return cpu_raise(cpu, EXC_UD, 0);
    bool to_64 = size == 8;
    bool bad_target = to_64 && (!bits_is_canonical(cpu->gpr[RDX], CPU_LINEAR_WIDTH) ||
                                !bits_is_canonical(cpu->gpr[RCX], CPU_LINEAR_WIDTH));
    if (!cpu_is_protected(cpu) || base == 0 || cpu->cpl != 0 || bad_target)
        return cpu_raise(cpu, EXC_GP, 0);
    cpu->gpr[RSP] = to_64 ? cpu->gpr[RCX] : (uint32_t)cpu->gpr[RCX];
    cpu->rip = to_64 ? cpu->gpr[RDX] : (uint32_t)cpu->gpr[RDX];
    cpu_set_flat_ss(cpu, (uint16_t)(base + (to_64 ? 40 : 24)), 3);
    cpu_set_flat_cs(cpu, (uint16_t)(base + (to_64 ? 32 : 16)), 3, to_64);
    cpu_charge_event(cpu, TIMING_EVENT_sysret);
    return VP_OK;
}
