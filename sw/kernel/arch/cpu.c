/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptor tables, control registers and system-call registers of one core. */
#include "arch/cpu.h"
#include "arch/control.h"
#include "arch/insn.h"
#include "arch/msr.h"
#include "string.h"

#define CR4_OSXSAVE 0x00040000

struct cpu cpus[CPUS_MAX];
uint32_t cpu_count = 1;

extern char trap_stubs[], syscall_entry[];

static struct gate idt[256] __attribute__((aligned(16)));

uint32_t this_cpu_index(void) { return this_cpu()->index; }

struct task *current_task(void) { return this_cpu()->running; }

static void build_idt(void)
{
    for (unsigned v = 0; v < 256; v++) {
        uint64_t entry = (uint64_t)trap_stubs + 16ul * v;
        idt[v] = (struct gate){.offset_low = (uint16_t)entry,
                               .selector = SEL_KERNEL_CODE,
                               .type = GATE_INTERRUPT,
                               .offset_middle = (uint16_t)(entry >> 16),
                               .offset_high = (uint32_t)(entry >> 32)};
    }
    idt[VECTOR_DF].ist = IST_DOUBLE_FAULT;
    idt[VECTOR_NMI].ist = IST_NMI;
    idt[VECTOR_BP].type |= GATE_DPL3;
    idt[VECTOR_OF].type |= GATE_DPL3;
}

static uint64_t wanted_cr4(void)
{
    struct cpuid_result leaf7 = cpuid(7, 0);
    uint64_t cr4 = CR4_PAE | CR4_PGE | CR4_OSFXSR | CR4_OSXMMEXCPT | CR4_OSXSAVE;
    cr4 |= leaf7.ebx & 1u << 7 ? CR4_SMEP : 0;
    cr4 |= leaf7.ebx & 1u << 20 ? CR4_SMAP : 0;
    cr4 |= leaf7.ecx & 1u << 2 ? CR4_UMIP : 0;
    cr4 |= leaf7.edx & 1u << 5 ? CR4_UINTR : 0;
    return cr4;
}

void cpu_init(uint32_t index)
{
    struct cpu *cpu = &cpus[index];
    if (index == 0)
        build_idt();
    cpu->self = cpu;
    cpu->index = index;
    list_init(&cpu->run_queue);
    list_init(&cpu->timers);
    for (size_t i = 0; i < ARRAY_SIZE(cpu->ist_stack); i++)
        cpu->tss.ist[i] = (uint64_t)(cpu->ist_stack[i] + sizeof cpu->ist_stack[i]);
    cpu->tss.io_map = sizeof cpu->tss;
    memset(cpu->io_map, 0xff, sizeof cpu->io_map);
    cpu->io_map[TRACE_PORT_WORK / 8] = 0;
    gdt_build(cpu->gdt, &cpu->tss);
    cpu->gdt[SEL_TSS / 8] += sizeof cpu->io_map; /* to its limit */
    gdt_load(cpu->gdt);
    struct descriptor_pointer idtr = {sizeof idt - 1, (uint64_t)idt};
    __asm__ volatile("lidt %0" ::"m"(idtr));
    wrmsr(MSR_GS_BASE, (uint64_t)cpu);
    wrmsr(MSR_KERNEL_GS_BASE, 0);
    wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SCE | EFER_NXE);
    wrmsr(MSR_STAR, (uint64_t)(SEL_USER_CODE32 & ~3) << 48 | (uint64_t)SEL_KERNEL_CODE << 32);
    wrmsr(MSR_LSTAR, (uint64_t)syscall_entry);
    wrmsr(MSR_FMASK, RFLAGS_TF | RFLAGS_IF | RFLAGS_DF | RFLAGS_NT | RFLAGS_AC);
    write_cr0((read_cr0() | CR0_MP | CR0_NE | CR0_WP) & ~0xcull); /* neither EM nor TS */
    write_cr4(wanted_cr4());
    fpu_init_cpu();
    apic_init();
}

void cpu_set_task(struct task *t)
{
    struct cpu *cpu = this_cpu();
    cpu->kernel_stack_top = (uint64_t)(t->kernel_stack + KERNEL_STACK_BYTES);
    cpu->tss.rsp[0] = cpu->kernel_stack_top;
    if (t->mm)
        wrmsr(MSR_FS_BASE, t->fs_base);
}
