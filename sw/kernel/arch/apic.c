/* SPDX-License-Identifier: Apache-2.0 */
/* The local APIC (x2APIC where there is one) and the one I/O APIC pin that is used. SDM Vol. 3A, "Advanced Programmable
 * Interrupt Controller (APIC)"; Intel 82093AA data sheet. */
#include "arch/apic.h"

#include "arch/cpu.h"
#include "arch/insn.h"
#include "arch/msr.h"
#include "mm/page.h"

#define IOAPIC_PAGE 0xfec00000ull
#define MSR_TSC_DEADLINE 0x6e0
#define TIMER_TSC_DEADLINE 0x40000
#define IOAPIC_REDIRECTION 0x10

static bool has_x2apic, has_deadline;
static uint64_t timer_hz; /* of the count-down timer, where there is no TSC deadline */

static uint32_t apic_read(uint32_t reg)
{
    if (has_x2apic)
        return (uint32_t)rdmsr(MSR_X2APIC_FIRST + reg / 16);
    return *(volatile uint32_t *)phys_to_virt(APIC_PAGE + reg);
}

static void apic_write(uint32_t reg, uint32_t value)
{
    if (has_x2apic)
        wrmsr(MSR_X2APIC_FIRST + reg / 16, value);
    else
        *(volatile uint32_t *)phys_to_virt(APIC_PAGE + reg) = value;
}

static void command(uint32_t destination, uint32_t low)
{
    if (has_x2apic) {
        wrmsr(MSR_X2APIC_FIRST + APIC_ICR / 16, (uint64_t)destination << 32 | low);
        return;
    }
    while (apic_read(APIC_ICR) & ICR_PENDING)
        cpu_pause();
    apic_write(APIC_ICR_HIGH, destination << 24);
    apic_write(APIC_ICR, low);
}

void apic_init(void)
{
    struct cpu *cpu = this_cpu();
    uint32_t features = cpuid(1, 0).ecx;
    has_x2apic = features >> 21 & 1;
    has_deadline = features >> 24 & 1;
    uint64_t base = rdmsr(MSR_APIC_BASE) | MSR_APIC_BASE_ENABLE;
    wrmsr(MSR_APIC_BASE, base);
    if (has_x2apic)
        wrmsr(MSR_APIC_BASE, base | MSR_APIC_BASE_X2APIC);
    apic_write(APIC_SVR, APIC_SVR_ENABLE | VECTOR_SPURIOUS);
    apic_write(APIC_TPR, 0);
    apic_write(APIC_LVT_LINT0, APIC_LVT_MASKED);
    apic_write(APIC_LVT_LINT1, APIC_LVT_MASKED);
    apic_write(APIC_LVT_ERROR, APIC_LVT_MASKED);
    apic_write(APIC_LVT_TIMER, (has_deadline ? TIMER_TSC_DEADLINE : APIC_TIMER_ONE_SHOT) | VECTOR_TIMER);
    apic_write(APIC_TIMER_DIVIDE, APIC_TIMER_DIVIDE_BY_1);
    cpu->apic_id = has_x2apic ? apic_read(APIC_ID) : apic_read(APIC_ID) >> 24;
}

void apic_eoi(void) { apic_write(APIC_EOI, 0); }

void apic_send(uint32_t cpu_index, uint8_t vector)
{
    command(cpus[cpu_index].apic_id, ICR_FIXED | ICR_ASSERT | vector);
}

void apic_send_self(uint8_t vector)
{
    if (has_x2apic)
        wrmsr(MSR_X2APIC_FIRST + APIC_SELF_IPI / 16, vector);
    else
        command(0, ICR_SELF | ICR_ASSERT | vector);
}

void apic_send_start(uint32_t apic_id, uint32_t kind) { command(apic_id, kind | ICR_ASSERT); }

uint32_t apic_destination(uint32_t cpu_index)
{
    return has_x2apic ? cpus[cpu_index].apic_id : cpus[cpu_index].apic_id << 8;
}

/* Without a TSC deadline: how fast the timer counts, against the clock, once. */
static void measure_timer(void)
{
    const uint64_t ns = 2000000;
    apic_write(APIC_LVT_TIMER, APIC_LVT_MASKED);
    apic_write(APIC_TIMER_INITIAL, UINT32_MAX);
    uint64_t end = clock_now() + ns;
    while (clock_now() < end)
        cpu_pause();
    timer_hz = (uint64_t)(UINT32_MAX - apic_read(APIC_TIMER_CURRENT)) * (1000000000 / ns);
    apic_write(APIC_LVT_TIMER, APIC_TIMER_ONE_SHOT | VECTOR_TIMER);
}

void apic_timer_set(uint64_t deadline_ns)
{
    if (has_deadline) {
        wrmsr(MSR_TSC_DEADLINE, deadline_ns == NEVER ? 0 : clock_tsc_at(deadline_ns));
        return;
    }
    if (!timer_hz)
        measure_timer();
    uint64_t now = clock_now(), wait = deadline_ns > now ? deadline_ns - now : 1;
    uint64_t count = deadline_ns == NEVER ? 0 : MIN(wait, 1000000000ull) * timer_hz / 1000000000 + 1;
    apic_write(APIC_TIMER_INITIAL, (uint32_t)MIN(count, (uint64_t)UINT32_MAX));
}

static void ioapic_write(uint32_t index, uint32_t value)
{
    *(volatile uint32_t *)phys_to_virt(IOAPIC_PAGE) = index;
    *(volatile uint32_t *)phys_to_virt(IOAPIC_PAGE + 0x10) = value;
}

void ioapic_route(uint32_t pin, uint8_t vector)
{
    ioapic_write(IOAPIC_REDIRECTION + 2 * pin + 1, cpus[0].apic_id << 24);
    ioapic_write(IOAPIC_REDIRECTION + 2 * pin, vector);
}
