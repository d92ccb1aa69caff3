/* SPDX-License-Identifier: Apache-2.0 */
/* The local APIC in x2APIC mode, its timer with a TSC deadline, and the one I/O APIC pin that is used. SDM Vol. 3A,
 * "Advanced Programmable Interrupt Controller (APIC)"; Intel 82093AA data sheet. */
#include "arch/apic.h"
#include "arch/cpu.h"
#include "arch/insn.h"
#include "arch/msr.h"
#include "mm/page.h"

#define IOAPIC_PAGE 0xfec00000ull
#define IOAPIC_REDIRECTION 0x10
#define MSR_TSC_DEADLINE 0x6e0
#define TIMER_TSC_DEADLINE 0x40000
#define CPUID_NEEDED (1u << 21 | 1u << 24) /* leaf 1, ECX: x2APIC, TSC deadline */

static void apic_write(uint32_t reg, uint64_t value) { wrmsr(MSR_X2APIC_FIRST + reg / 16, value); }

void apic_init(void)
{
    if ((cpuid(1, 0).ecx & CPUID_NEEDED) != CPUID_NEEDED)
        panic("this kernel needs x2APIC and the TSC deadline");
    uint64_t base = rdmsr(MSR_APIC_BASE) | MSR_APIC_BASE_ENABLE;
    wrmsr(MSR_APIC_BASE, base);
    wrmsr(MSR_APIC_BASE, base | MSR_APIC_BASE_X2APIC);
    apic_write(APIC_SVR, APIC_SVR_ENABLE | VECTOR_SPURIOUS);
    apic_write(APIC_TPR, 0);
    apic_write(APIC_LVT_LINT0, APIC_LVT_MASKED);
    apic_write(APIC_LVT_LINT1, APIC_LVT_MASKED);
    apic_write(APIC_LVT_ERROR, APIC_LVT_MASKED);
    apic_write(APIC_LVT_TIMER, TIMER_TSC_DEADLINE | VECTOR_TIMER);
    this_cpu()->apic_id = (uint32_t)rdmsr(MSR_X2APIC_FIRST + APIC_ID / 16);
}

void apic_eoi(void) { apic_write(APIC_EOI, 0); }

void apic_send_to(uint32_t apic_id, uint32_t command)
{
    apic_write(APIC_ICR, (uint64_t)apic_id << 32 | ICR_ASSERT | command);
}

void apic_send(uint32_t cpu_index, uint8_t vector) { apic_send_to(cpus[cpu_index].apic_id, ICR_FIXED | vector); }

void apic_send_self(uint8_t vector) { apic_write(APIC_SELF_IPI, vector); }

void apic_timer_set(uint64_t deadline_ns)
{
    wrmsr(MSR_TSC_DEADLINE, deadline_ns == NEVER ? 0 : clock_tsc_at(deadline_ns));
}

static void ioapic_write(uint32_t index, uint32_t value)
{
    *(volatile uint32_t *)phys_to_virt(IOAPIC_PAGE) = index;
    *(volatile uint32_t *)phys_to_virt(IOAPIC_PAGE + 0x10) = value;
}

void ioapic_route(uint32_t pin, uint8_t vector, uint32_t cpu_index)
{
    ioapic_write(IOAPIC_REDIRECTION + 2 * pin + 1, cpus[cpu_index].apic_id << 24);
    ioapic_write(IOAPIC_REDIRECTION + 2 * pin, vector);
}
