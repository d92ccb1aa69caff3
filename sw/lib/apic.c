/* SPDX-License-Identifier: Apache-2.0 */
/* Local APIC access. SDM Vol. 3A, "Advanced Programmable Interrupt Controller (APIC)". */
#include "apic.h"

#include "arch/insn.h"
#include "arch/msr.h"
#include "percpu.h"
#include "trap.h"

uint32_t apic_read(uint32_t reg)
{
    if (this_cpu()->x2apic)
        return (uint32_t)rdmsr(MSR_X2APIC_FIRST + reg / 16);
    return *(volatile uint32_t *)(APIC_PAGE + reg);
}

void apic_write(uint32_t reg, uint32_t value)
{
    if (this_cpu()->x2apic)
        wrmsr(MSR_X2APIC_FIRST + reg / 16, value);
    else
        *(volatile uint32_t *)(APIC_PAGE + reg) = value;
}

uint32_t apic_id(void)
{
    uint32_t id = apic_read(APIC_ID);
    return this_cpu()->x2apic ? id : id >> 24;
}

void apic_eoi(void) { apic_write(APIC_EOI, 0); }

void apic_send(uint32_t destination, uint32_t low)
{
    if (this_cpu()->x2apic) {
        wrmsr(MSR_X2APIC_FIRST + APIC_ICR / 16, (uint64_t)destination << 32 | low);
        return;
    }
    apic_write(APIC_ICR_HIGH, destination << 24);
    apic_write(APIC_ICR, low);
    for (int i = 0; i < 1000000 && apic_read(APIC_ICR) & ICR_PENDING; i++)
        cpu_pause();
}

void apic_self_ipi(uint8_t vector) { apic_send(0, ICR_SELF | ICR_ASSERT | ICR_FIXED | vector); }

bool apic_is_set(uint32_t bank, uint8_t vector) { return apic_read(bank + vector / 32 * 16) >> vector % 32 & 1; }

void apic_timer(uint8_t vector, uint32_t mode, uint32_t count)
{
    apic_write(APIC_TIMER_DIVIDE, APIC_TIMER_DIVIDE_BY_1);
    apic_write(APIC_LVT_TIMER, mode | vector);
    apic_write(APIC_TIMER_INITIAL, count);
}

void apic_timer_stop(void)
{
    apic_write(APIC_LVT_TIMER, APIC_LVT_MASKED);
    apic_write(APIC_TIMER_INITIAL, 0);
}

bool apic_has_x2apic(void) { return cpuid(1, 0).ecx >> 21 & 1; }

static bool on_spurious(struct trap_frame *f)
{
    (void)f;
    return true; /* no EOI: nothing is in service */
}

void apic_init(void)
{
    struct cpu_local *cpu = this_cpu();
    uint64_t base = rdmsr(MSR_APIC_BASE);
    cpu->x2apic = base & MSR_APIC_BASE_X2APIC;
    wrmsr(MSR_APIC_BASE, base | MSR_APIC_BASE_ENABLE);
    trap_install(VECTOR_SPURIOUS, on_spurious);
    apic_write(APIC_SVR, APIC_SVR_ENABLE | VECTOR_SPURIOUS);
    apic_write(APIC_TPR, 0);
    apic_write(APIC_LVT_TIMER, APIC_LVT_MASKED);
    apic_write(APIC_LVT_ERROR, APIC_LVT_MASKED);
    apic_write(APIC_LVT_LINT0, APIC_LVT_MASKED); /* firmware leaves the 8259 connected here */
    cpu->apic_id = apic_id();
}

void apic_enter_x2apic(void)
{
    wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) | MSR_APIC_BASE_ENABLE | MSR_APIC_BASE_X2APIC);
    this_cpu()->x2apic = true;
}

void apic_leave_x2apic(void)
{
    uint64_t base = rdmsr(MSR_APIC_BASE) & ~(uint64_t)(MSR_APIC_BASE_ENABLE | MSR_APIC_BASE_X2APIC);
    wrmsr(MSR_APIC_BASE, base);
    this_cpu()->x2apic = false;
    apic_init(); /* a disabled APIC comes back as after reset */
}
