/* SPDX-License-Identifier: Apache-2.0 */
/* Message signalled interrupts: writes to FEExxxxxH. SDM Vol. 3A, "Message Signalled Interrupts". A core cannot write
 * to the page of destination 0 (its own APIC is there), so the first core is reached by its logical ID.
 */
#include "apic.h"
#include "boot.h"
#include "ioapic.h"
#include "report.h"
#include "smp.h"
#include "trap.h"

const char test_name[] = "msi";

enum { VECTOR = 0x53 };

static uint32_t cores;
static volatile uint32_t counts[MAX_CPUS], nmis[MAX_CPUS], levels;

static bool on_vector(struct trap_frame *f)
{
    (void)f;
    counts[this_cpu()->index] = counts[this_cpu()->index] + 1;
    levels = levels + (apic_is_set(APIC_TMR, VECTOR) ? 1 : 0);
    apic_eoi();
    return true;
}
static bool on_nmi(struct trap_frame *f)
{
    (void)f;
    nmis[this_cpu()->index] = nmis[this_cpu()->index] + 1;
    return true;
}

static uint64_t set_logical_id(void *arg)
{
    apic_write(APIC_DFR, 0xffffffff);
    apic_write(APIC_LDR, (uint32_t)(1ull << (uint64_t)arg) << 24);
    return 0;
}

/* The cores that one message interrupts, as bits; NMIs from bit 16 on. */
static uint32_t takers(uint32_t address_bits, uint8_t destination, uint32_t data)
{
    for (uint32_t i = 0; i < cores; i++)
        counts[i] = nmis[i] = 0;
    levels = 0;
    msi_write(address_bits, destination, data);
    sti();
    settle();
    cli();
    uint32_t bits = 0;
    for (uint32_t i = 0; i < cores && i < 16; i++)
        bits |= (counts[i] ? 1u << i : 0) | (nmis[i] ? 0x10000u << i : 0);
    return bits;
}

int guest_main(void)
{
    trap_install(VECTOR, on_vector);
    trap_install(2, on_nmi);
    cores = smp_start();
    uint32_t members = cores < 4 ? cores : 4, all = (1u << members) - 1;
    for (uint32_t i = 0; i < members; i++)
        on_cpu(i, set_logical_id, (void *)(uint64_t)i);

    for (uint32_t i = 1; i < members; i++)
        report_equal(takers(0, (uint8_t)cpus[i].apic_id, VECTOR), 1u << i, "physical destination: core %u", i);
    uint32_t wrong = 0;
    for (uint32_t set = 1; set <= all; set++)
        wrong += takers(MSI_LOGICAL, (uint8_t)set, VECTOR) != set;
    report_equal(wrong, 0, "logical destinations: every set of %u cores", members);
    uint32_t one = takers(MSI_LOGICAL, (uint8_t)all, ICR_LOWEST | VECTOR);
    report(one != 0 && (one & (one - 1)) == 0, "lowest priority: exactly one core (%x)", one);
    if (is_qemu()) {
        report_skip("QEMU ignores the redirection hint");
    } else {
        one = takers(MSI_LOGICAL | MSI_REDIRECT, (uint8_t)all, VECTOR);
        report(one != 0 && (one & (one - 1)) == 0, "redirection hint: exactly one core (%x)", one);
    }
    if (cores <= 16)
        report_equal(takers(0, 0xff, VECTOR), (1u << cores) - 1, "broadcast");
    report_equal(takers(MSI_LOGICAL, 1, ICR_NMI | VECTOR), 0x10000, "an NMI");
    report_equal(levels, 0, "edges leave TMR clear");
    report(takers(MSI_LOGICAL, 1, MSI_LEVEL | MSI_ASSERT | VECTOR) == 1 && levels == 1, "a level sets TMR");
    report_equal(takers(MSI_LOGICAL, 1, VECTOR) + levels, 1, "the next edge clears it");
    if (is_qemu()) {
        report_skip("QEMU takes reserved modes, de-assertions and illegal vectors for interrupts");
        return report_summary();
    }
    report_equal(takers(MSI_LOGICAL, 1, 0x300 | VECTOR) | takers(MSI_LOGICAL, 1, 0x600 | VECTOR), 0,
                 "reserved modes do nothing");
    report_equal(takers(MSI_LOGICAL, 1, MSI_LEVEL | VECTOR), 0, "the de-assertion of a level does nothing");
    report_equal(takers(MSI_LOGICAL | 0x10, 1, VECTOR), 0, "reserved address bits: no message");
    apic_write(APIC_ESR, 0);
    (void)takers(MSI_LOGICAL, 1, 0x0f);
    apic_write(APIC_ESR, 0);
    report_equal(apic_read(APIC_ESR), 0x40, "vector 0FH: receive illegal vector");
    report_equal(*(volatile uint32_t *)0xfee01000ull, 0xffffffff, "reads find nobody");
    return report_summary();
}
