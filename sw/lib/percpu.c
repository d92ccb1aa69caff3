/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptor tables and system-call registers of one core. */
#include "percpu.h"

#include "arch/control.h"
#include "arch/insn.h"
#include "arch/msr.h"
#include "trap.h"
#include "user.h"

struct cpu_local cpus[MAX_CPUS];

void percpu_init(uint32_t index)
{
    struct cpu_local *cpu = &cpus[index];
    cpu->self = cpu;
    cpu->index = index;
    cpu->trap_stack_top = (uint64_t)(cpu->trap_stack + TRAP_STACK_BYTES);
    cpu->tss.rsp[0] = cpu->trap_stack_top;
    for (int i = 0; i < 3; i++)
        cpu->tss.ist[i] = (uint64_t)(cpu->ist_stack[i] + IST_STACK_BYTES);
    cpu->tss.io_map = sizeof cpu->tss; /* beyond the limit: no port is open to CPL 3 */
    gdt_build(cpu->gdt, &cpu->tss);
    gdt_load(cpu->gdt);
    wrmsr(MSR_GS_BASE, (uint64_t)cpu);
    trap_load_idt();

    uint64_t efer = rdmsr(MSR_EFER) | EFER_SCE;
    if (cpuid(0x80000001, 0).edx & 1u << 20)
        efer |= EFER_NXE;
    wrmsr(MSR_EFER, efer);
    wrmsr(MSR_STAR, (uint64_t)(SEL_USER_CODE32 & ~3) << 48 | (uint64_t)SEL_KERNEL_CODE << 32);
    wrmsr(MSR_LSTAR, (uint64_t)syscall_entry);
    wrmsr(MSR_FMASK, RFLAGS_TF | RFLAGS_IF | RFLAGS_DF | RFLAGS_NT | RFLAGS_AC);
}
