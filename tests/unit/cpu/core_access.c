/* SPDX-License-Identifier: Apache-2.0 */
/* See core_access.h. */
#include "core_access.h"

#include "protect.h"

void core_get(const struct cpu *cpu, struct core_state *s)
{
    *s = (struct core_state){
        .rip = cpu->rip,
        .rsp = cpu->gpr[RSP],
        .rflags = cpu_rflags(cpu),
        .cr0 = cpu->cr0,
        .cr2 = cpu->cr2,
        .cr3 = cpu->cr3,
        .cr4 = cpu->cr4,
        .efer = cpu->efer,
        .dr6 = cpu->dr[6],
        .dr7 = cpu->dr[7],
        .gdt_base = cpu->gdtr.base,
        .gdt_limit = cpu->gdtr.limit,
        .idt_base = cpu->idtr.base,
        .idt_limit = cpu->idtr.limit,
        .cpl = cpu->cpl,
        .nmi_blocked = cpu->nmi_blocked,
        .shutdown = cpu->activity == ACTIVITY_SHUTDOWN,
        .code64 = (cpu->mode & MODE_CODE64) != 0,
        .code32 = (cpu->mode & MODE_CODE32) != 0,
        .stack32 = (cpu->mode & MODE_STACK32) != 0,
    };
    for (int i = 0; i < CORE_SEGMENTS; i++)
        s->seg[i] = (struct core_segment){cpu->seg[i].base, cpu->seg[i].limit, cpu->seg[i].selector, cpu->seg[i].attr};
}

void core_set(struct cpu *cpu, const struct core_state *s)
{
    cpu->rip = s->rip;
    cpu->gpr[RSP] = s->rsp;
    cpu->cr0 = s->cr0, cpu->cr2 = s->cr2, cpu->cr3 = s->cr3, cpu->cr4 = s->cr4, cpu->efer = s->efer;
    cpu->dr[6] = s->dr6, cpu->dr[7] = s->dr7;
    cpu->gdtr = (struct table_register){s->gdt_base, s->gdt_limit};
    cpu->idtr = (struct table_register){s->idt_base, s->idt_limit};
    for (int i = 0; i < CORE_SEGMENTS; i++)
        cpu->seg[i] = (struct segment){s->seg[i].base, s->seg[i].limit, s->seg[i].selector, s->seg[i].attr};
    cpu->cpl = s->cpl;
    cpu->nmi_blocked = s->nmi_blocked;
    cpu->activity = s->shutdown ? ACTIVITY_SHUTDOWN : ACTIVE;
    cpu->leave = LEAVE_NONE;
    cpu_set_rflags(cpu, s->rflags, ~UINT64_C(0));
    cpu_tlb_flush(cpu, false);
    cpu_update_mode(cpu);
}

static struct core_fault take_fault(struct cpu *cpu, enum vp_status status)
{
    struct core_fault f = {0};
    if (status == VP_OK)
        return f;
    f = (struct core_fault){true, cpu->exc.vector, cpu->exc.has_error_code, cpu->exc.error_code, cpu->exc.address};
    cpu->leave = LEAVE_NONE;
    return f;
}

struct core_fault core_walk(struct cpu *cpu, uint64_t la, int access, int view, struct core_translation *t)
{
    struct translation x = {0};
    struct core_fault f = take_fault(cpu, cpu_page_walk(cpu, la, (enum mem_access)access, (enum mmu_view)view, &x));
    *t = (struct core_translation){x.pa, x.writable, x.executable, x.global, x.size_log2 > 12};
    return f;
}

bool core_debug_translate(struct cpu *cpu, uint64_t la, uint64_t *pa) { return cpu_debug_translate(cpu, la, pa); }

struct core_fault core_view_write(struct cpu *cpu, int view, uint64_t la, uint64_t value)
{
    return take_fault(cpu, cpu_view_write(cpu, (enum mmu_view)view, la, &value, sizeof value));
}

struct core_fault core_msr_read(struct cpu *cpu, uint32_t msr, uint64_t *value)
{
    return take_fault(cpu, cpu_msr_read(cpu, msr, value));
}

struct core_fault core_msr_write(struct cpu *cpu, uint32_t msr, uint64_t value)
{
    return take_fault(cpu, cpu_msr_write(cpu, msr, value));
}

struct core_fault core_write_cr(struct cpu *cpu, int number, uint64_t value)
{
    return take_fault(cpu, number == 0   ? cpu_write_cr0(cpu, value)
                           : number == 3 ? cpu_write_cr3(cpu, value)
                                         : cpu_write_cr4(cpu, value));
}

void core_cpuid(struct cpu *cpu, uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
    cpu_cpuid(cpu, leaf, subleaf, out);
}

struct core_fault core_load_segment(struct cpu *cpu, int seg, uint16_t selector)
{
    return take_fault(cpu, cpu_load_segment(cpu, seg, selector));
}

struct core_fault core_load_ldtr(struct cpu *cpu, uint16_t selector)
{
    return take_fault(cpu, cpu_load_ldtr(cpu, selector));
}
struct core_fault core_load_tr(struct cpu *cpu, uint16_t selector)
{
    return take_fault(cpu, cpu_load_tr(cpu, selector));
}

struct core_fault core_far_jump(struct cpu *cpu, uint16_t selector, uint64_t offset, unsigned size)
{
    return take_fault(cpu, cpu_far_jump(cpu, selector, offset, size, cpu->rip));
}

struct core_fault core_far_call(struct cpu *cpu, uint16_t selector, uint64_t offset, unsigned size, uint64_t next_rip)
{
    return take_fault(cpu, cpu_far_call(cpu, selector, offset, size, next_rip));
}

struct core_fault core_far_return(struct cpu *cpu, unsigned size, uint32_t pop_bytes)
{
    return take_fault(cpu, cpu_far_return(cpu, size, pop_bytes));
}

struct core_fault core_iret(struct cpu *cpu, unsigned size) { return take_fault(cpu, cpu_iret(cpu, size, cpu->rip)); }

struct core_fault core_check_io(struct cpu *cpu, uint16_t port, unsigned size)
{
    return take_fault(cpu, cpu_check_io(cpu, port, size));
}

void core_deliver_exception(struct cpu *cpu, uint8_t vector, uint32_t error_code, uint64_t address)
{
    (void)cpu_raise(cpu, vector, error_code);
    cpu->exc.address = address;
    cpu_deliver_exception(cpu);
}

void core_deliver_interrupt(struct cpu *cpu, uint8_t vector) { cpu_deliver_interrupt(cpu, vector, false, cpu->rip); }

void core_deliver_software(struct cpu *cpu, uint8_t vector, uint64_t next_rip)
{
    uint64_t insn_rip = cpu->rip;
    cpu->rip = next_rip;
    cpu_deliver_interrupt(cpu, vector, true, insn_rip);
}
