/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptor tables and system-call registers of one core. */
#include "percpu.h"

#include "arch/control.h"
#include "arch/insn.h"
#include "arch/msr.h"
#include "trap.h"
#include "user.h"

struct cpu_local cpus[MAX_CPUS];

static void build_gdt(struct cpu_local *cpu)
{
    uint64_t base = (uint64_t)&cpu->tss;
    cpu->gdt[SEL_KERNEL_CODE / 8] = 0x00af9b000000ffff;
    cpu->gdt[SEL_KERNEL_DATA / 8] = 0x00cf93000000ffff;
    cpu->gdt[SEL_USER_CODE32 / 8] = 0x00cffb000000ffff;
    cpu->gdt[SEL_USER_DATA / 8] = 0x00cff3000000ffff;
    cpu->gdt[SEL_USER_CODE / 8] = 0x00affb000000ffff;
    cpu->gdt[SEL_TSS / 8] = (sizeof cpu->tss - 1) | (base & 0xffffff) << 16 | 0x89ull << 40 | (base >> 24 & 0xff) << 56;
    cpu->gdt[SEL_TSS / 8 + 1] = base >> 32;
}

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
    build_gdt(cpu);

    struct descriptor_pointer gdtr = {sizeof cpu->gdt - 1, (uint64_t)cpu->gdt};
    __asm__ volatile("lgdt %0\n\t"
                     "mov %1, %%ds; mov %1, %%es; mov %1, %%ss\n\t"
                     "pushq %2; leaq 1f(%%rip), %%rax; pushq %%rax; lretq\n"
                     "1:" ::"m"(gdtr),
                     "r"(SEL_KERNEL_DATA), "i"(SEL_KERNEL_CODE)
                     : "rax", "memory");
    __asm__ volatile("ltr %w0" ::"r"(SEL_TSS) : "memory");
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
