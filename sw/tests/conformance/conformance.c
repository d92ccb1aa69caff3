/* SPDX-License-Identifier: Apache-2.0 */
/* Shared parts of the conformance images. */
#include "conformance.h"

uint32_t conformance_cores;
static bool is_second;

static uint64_t enter_x2apic(void *arg)
{
    (void)arg;
    apic_enter_x2apic();
    return 0;
}

int conformance_run(void (*checks)(void))
{
    report_context("xAPIC");
    if (!uintr_or_skip())
        return report_summary();
    conformance_cores = smp_start();
    checks();
    uintr_reset();
    if (apic_has_x2apic()) {
        is_second = true;
        report_context("x2APIC");
        for (uint32_t i = conformance_cores; i-- > 0;)
            on_cpu(i, enter_x2apic, NULL);
        checks();
    }
    report_context(NULL);
    return report_summary();
}

bool is_first_pass(void) { return !is_second; }

bool is_exception(struct trap t, unsigned vector, uint64_t error)
{
    return t.is_raised && t.vector == vector && t.error == error;
}

void expect_trap(struct trap t, const char *what, unsigned vector, uint64_t error)
{
    report(is_exception(t, vector, error), "%s: vector %u error %lx (raised %d, %u, %lx)", what, vector, error,
           t.is_raised, t.vector, t.error);
}

struct msr_write {
    uint32_t msr;
    uint64_t value;
};
static void write_msr(void *arg)
{
    const struct msr_write *w = arg;
    wrmsr(w->msr, w->value);
}
bool is_write_gp(uint32_t msr, uint64_t value)
{
    return is_exception(test_for_exception(write_msr, &(struct msr_write){msr, value}), VECTOR_GP, 0);
}
bool is_written(uint32_t msr, uint64_t value)
{
    return !test_for_exception(write_msr, &(struct msr_write){msr, value}).is_raised && rdmsr(msr) == value;
}

bool is_isr_empty(void)
{
    uint32_t all = 0;
    for (uint32_t i = 0; i < 8; i++)
        all |= apic_read(APIC_ISR + 16 * i);
    return all == 0;
}

bool has_notification(void)
{
    settle();
    return apic_is_set(APIC_IRR, UINTR_NOTIFICATION_VECTOR);
}

void set_low_pages(bool is_user)
{
    for (uint64_t va = 0; va < 0x40000000; va += LARGE_PAGE_BYTES) {
        uint64_t *pde = page_entry(va, 2);
        *pde = is_user ? *pde | PTE_U : *pde & ~PTE_U;
    }
    write_cr3(read_cr3());
}
