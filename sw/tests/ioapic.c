/* SPDX-License-Identifier: Apache-2.0 */
/* The I/O APIC: register rights, edges from the PIT, COM1 as a level, remote IRR, EOI and its suppression, masks,
 * polarity, delivery modes, destinations; the 8259s in virtual wire mode. Intel 82093AA data sheet.
 */
#include "ioapic.h"
#include "apic.h"
#include "boot.h"
#include "expect.h"
#include "report.h"
#include "smp.h"
#include "trap.h"

const char test_name[] = "ioapic";

enum { VECTOR = 0x52, PIC_BASE = 0x20, SVR_EOI_SUPPRESS = 0x1000, VERSION_EOI_SUPPRESS = 1 << 24 };

static uint32_t cores;
static volatile uint32_t counts[MAX_CPUS], nmis, pin_in_handler, lower_after, was_level;

static uint32_t total(void)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < MAX_CPUS; i++)
        sum += counts[i];
    return sum;
}
static void clear(void)
{
    for (uint32_t i = 0; i < MAX_CPUS; i++)
        counts[i] = 0;
    nmis = pin_in_handler = was_level = 0;
    lower_after = 1;
}

static bool on_edge(struct trap_frame *f)
{
    (void)f;
    counts[this_cpu()->index] = counts[this_cpu()->index] + 1;
    apic_eoi();
    return true;
}

/* The device is served at the lower_after-th interrupt. */
static bool on_level(struct trap_frame *f)
{
    (void)f;
    uint32_t n = counts[this_cpu()->index] + 1;
    counts[this_cpu()->index] = n;
    pin_in_handler = ioapic_pin(PIN_COM1);
    was_level = apic_is_set(APIC_TMR, VECTOR);
    if (n >= lower_after)
        com1_lower();
    apic_eoi();
    return true;
}

static bool on_nmi(struct trap_frame *f)
{
    (void)f;
    nmis = nmis + 1;
    return true;
}

/* Long enough for a few interrupts with IF = 1. */
static void let_in(void)
{
    sti();
    settle();
    cli();
}

static void check_registers(void)
{
    uint32_t version = ioapic_read(IOAPIC_VERSION);
    report((version >> 16 & 0xff) == IOAPIC_PINS - 1, "24 pins (version %x)", version);
    ioapic_write(IOAPIC_VERSION, 0xffffffff);
    report_equal(ioapic_read(IOAPIC_VERSION), version, "the version is read-only");
    uint32_t id = ioapic_read(IOAPIC_ID);
    ioapic_write(IOAPIC_ID, 0xffffffff);
    report_equal(ioapic_read(IOAPIC_ID), 0x0f000000, "the ID has four bits");
    if (!is_qemu())
        report_equal(ioapic_read(IOAPIC_ARBITRATION), 0x0f000000, "the arbitration ID follows the ID");
    ioapic_write(IOAPIC_ID, id);
    bool is_masked = true, has_rights = true;
    for (uint32_t pin = 0; pin < IOAPIC_PINS; pin++) {
        is_masked = is_masked && (ioapic_pin(pin) & PIN_MASKED);
        ioapic_write(IOAPIC_ENTRY + 2 * pin + 1, 0xff000000);
        ioapic_write(IOAPIC_ENTRY + 2 * pin, PIN_MASKED | PIN_SEND_PENDING | PIN_REMOTE_IRR | PIN_ACTIVE_LOW | 0x8ff);
        has_rights = has_rights && ioapic_pin(pin) == (PIN_MASKED | PIN_ACTIVE_LOW | 0x8ff) &&
                     ioapic_read(IOAPIC_ENTRY + 2 * pin + 1) == 0xff000000;
        ioapic_set_pin(pin, 0, PIN_MASKED);
    }
    report(is_masked, "every pin is masked at first");
    report(has_rights, "delivery status and remote IRR of every pin are read-only");
    *ioapic_at(0) = 0x3f;
    report_equal(*ioapic_at(0) & 0xff, 0x3f, "IOREGSEL reads back");
}

static void check_pit(void)
{
    trap_install(VECTOR, on_edge);
    clear();
    ioapic_set_pin(PIN_PIT, (uint8_t)apic_id(), VECTOR);
    pit_start(1193); /* 1 ms */
    sti();
    bool came = wait_until(counts[0] >= 3);
    cli();
    report(came, "the PIT's edges at pin 2 interrupt (%u)", counts[0]);
    sti();
    while (counts[0] < 5)
        sti_hlt();
    cli();
    report(counts[0] >= 5, "and end HLT");
    ioapic_set_pin(PIN_PIT, (uint8_t)apic_id(), PIN_MASKED | VECTOR);
    settle();
    sti_nop_cli();
    clear();
    delay(is_qemu() ? 10000000 : 6000000); /* 2 ms and more */
    sti_nop_cli();
    report(total() == 0, "a masked pin is silent");
    pit_stop();
}

static void check_level(void)
{
    trap_install(VECTOR, on_level);
    clear();
    lower_after = 3;
    ioapic_set_pin(PIN_COM1, (uint8_t)apic_id(), PIN_LEVEL | VECTOR);
    report(!(ioapic_pin(PIN_COM1) & PIN_REMOTE_IRR), "a level pin at rest: remote IRR is clear");
    com1_raise();
    settle();
    uint32_t waiting = ioapic_pin(PIN_COM1);
    sti();
    (void)wait_until(counts[0] >= 3);
    settle();
    cli();
    report(waiting & PIN_REMOTE_IRR, "remote IRR is set while the interrupt waits in IRR");
    report((pin_in_handler & PIN_REMOTE_IRR) && was_level, "and in service, with TMR set");
    report_equal(counts[0], 3, "a level interrupts again after each EOI until the device is served");
    report(!(ioapic_pin(PIN_COM1) & PIN_REMOTE_IRR), "the last EOI clears remote IRR");

    clear();
    com1_raise();
    settle();
    com1_lower();
    let_in();
    report_equal(counts[0], 1, "a level that falls before it is taken is taken all the same");
    report(!(ioapic_pin(PIN_COM1) & PIN_REMOTE_IRR), "and is over after EOI");

    clear();
    ioapic_set_pin(PIN_COM1, (uint8_t)apic_id(), PIN_MASKED | PIN_LEVEL | VECTOR);
    com1_raise();
    let_in();
    uint32_t masked = counts[0];
    ioapic_set_pin(PIN_COM1, (uint8_t)apic_id(), PIN_LEVEL | VECTOR);
    let_in();
    report(masked == 0 && counts[0] == 1, "a level waits behind the mask");
}

/* Remote IRR means that an APIC has taken the level: one that is software disabled has not. */
static void check_level_and_disabled_apic(void)
{
    if (qemu_deviates("a level to a software-disabled APIC: remote IRR is set though nobody took it"))
        return;
    uint32_t svr = apic_read(APIC_SVR), lint0 = apic_read(APIC_LVT_LINT0), lint1 = apic_read(APIC_LVT_LINT1);
    trap_install(VECTOR, on_level);
    clear();
    ioapic_set_pin(PIN_COM1, (uint8_t)apic_id(), PIN_LEVEL | VECTOR);
    apic_write(APIC_SVR, svr & ~APIC_SVR_ENABLE);
    com1_raise();
    let_in();
    uint32_t waiting = ioapic_pin(PIN_COM1), taken = counts[0];
    apic_write(APIC_SVR, svr);
    apic_write(APIC_LVT_LINT0, lint0);
    apic_write(APIC_LVT_LINT1, lint1);
    let_in();
    report(taken == 0 && !(waiting & PIN_REMOTE_IRR) && (waiting & PIN_SEND_PENDING),
           "a level that no APIC takes is pending at its pin");
    report_equal(counts[0], 1, "and arrives when the APIC is enabled");
    report(!(ioapic_pin(PIN_COM1) & (PIN_REMOTE_IRR | PIN_SEND_PENDING)), "after EOI the pin is at rest");
}

static void check_edge(void)
{
    trap_install(VECTOR, on_edge);
    clear();
    ioapic_set_pin(PIN_COM1, (uint8_t)apic_id(), VECTOR);
    com1_raise(); /* nothing may be printed until it is lowered */
    let_in();
    uint32_t first = counts[0];
    com1_lower();
    let_in();
    report(first == 1 && !apic_is_set(APIC_TMR, VECTOR), "an edge interrupts once, with TMR clear");
    report_equal(counts[0], 1, "its end does not");
    ioapic_set_pin(PIN_COM1, (uint8_t)apic_id(), PIN_MASKED | VECTOR);
    com1_raise();
    ioapic_set_pin(PIN_COM1, (uint8_t)apic_id(), VECTOR);
    let_in();
    com1_lower();
    report_equal(counts[0], 1, "an edge at a masked pin is lost");
    if (is_qemu()) {
        report_skip("QEMU's pins have no polarity");
        return;
    }
    clear();
    ioapic_set_pin(PIN_COM1, (uint8_t)apic_id(), PIN_ACTIVE_LOW | VECTOR);
    com1_raise();
    let_in();
    uint32_t risen = counts[0];
    com1_lower();
    let_in();
    report(risen == 0 && counts[0] == 1, "active low: the falling edge interrupts");
    ioapic_set_pin(PIN_COM1, (uint8_t)apic_id(), PIN_MASKED);
}

static void check_suppression(void)
{
    if (!(apic_read(APIC_VERSION) & VERSION_EOI_SUPPRESS)) {
        report_skip("this APIC cannot suppress EOI broadcasts");
        return;
    }
    trap_install(VECTOR, on_level);
    clear();
    lower_after = 100;
    apic_write(APIC_SVR, apic_read(APIC_SVR) | SVR_EOI_SUPPRESS);
    ioapic_set_pin(PIN_COM1, (uint8_t)apic_id(), PIN_LEVEL | VECTOR);
    com1_raise();
    let_in();
    uint32_t once = counts[0], pin = ioapic_pin(PIN_COM1);
    ioapic_end(VECTOR + 1);
    let_in();
    uint32_t other = counts[0];
    ioapic_end(VECTOR);
    let_in();
    uint32_t again = counts[0];
    com1_lower();
    ioapic_end(VECTOR);
    let_in();
    apic_write(APIC_SVR, apic_read(APIC_SVR) & ~SVR_EOI_SUPPRESS);
    report(once == 1 && (pin & PIN_REMOTE_IRR), "SVR[12]: EOI does not reach the I/O APIC");
    report(other == 1, "its EOI register with another vector does nothing");
    report(again == 2, "with this vector it lets the level in again");
    report(counts[0] == 2 && !(ioapic_pin(PIN_COM1) & PIN_REMOTE_IRR), "and ends it");
    ioapic_set_pin(PIN_COM1, (uint8_t)apic_id(), PIN_MASKED);
}

static void check_modes(void)
{
    trap_install(2, on_nmi);
    clear();
    ioapic_set_pin(PIN_COM1, (uint8_t)apic_id(), ICR_NMI | VECTOR);
    com1_raise();
    settle();
    com1_lower();
    settle();
    report(nmis == 1 && total() == 0, "NMI delivery: one NMI, IF does not matter (%u)", nmis);
    ioapic_set_pin(PIN_COM1, (uint8_t)apic_id(), PIN_MASKED);
    if (is_qemu()) {
        report_skip("QEMU's APIC takes illegal vectors");
    } else {
        apic_write(APIC_ESR, 0);
        ioapic_set_pin(PIN_COM1, (uint8_t)apic_id(), 0x0f);
        com1_raise();
        settle();
        com1_lower();
        apic_write(APIC_ESR, 0);
        report_equal(apic_read(APIC_ESR), 0x40, "vector 0FH: receive illegal vector");
        ioapic_set_pin(PIN_COM1, (uint8_t)apic_id(), PIN_MASKED);
    }
}

static uint64_t set_logical_id(void *arg)
{
    apic_write(APIC_DFR, 0xffffffff);
    apic_write(APIC_LDR, (uint32_t)(1ull << (uint64_t)arg) << 24);
    return 0;
}

/* One pulse; the cores that took it, as bits. */
static uint32_t pulse(uint8_t destination, uint32_t low)
{
    clear();
    ioapic_set_pin(PIN_COM1, destination, low | VECTOR);
    com1_raise();
    let_in();
    com1_lower();
    ioapic_set_pin(PIN_COM1, 0, PIN_MASKED);
    uint32_t takers = 0;
    for (uint32_t i = 0; i < cores; i++)
        takers |= (counts[i] == 1 ? 1u : counts[i] << 16) << i;
    return takers;
}

static void check_destinations(void)
{
    trap_install(VECTOR, on_edge);
    uint32_t members = cores < 4 ? cores : 4, all = (1u << members) - 1;
    for (uint32_t i = 0; i < members; i++)
        on_cpu(i, set_logical_id, (void *)(uint64_t)i);
    for (uint32_t i = 0; i < members; i++)
        report_equal(pulse((uint8_t)cpus[i].apic_id, 0), 1u << i, "physical destination: core %u", i);
    for (uint32_t set = 1; set <= all; set++)
        if (pulse((uint8_t)set, PIN_LOGICAL) != set) {
            report(false, "logical destination %x", set);
            break;
        }
    report_equal(pulse((uint8_t)all, PIN_LOGICAL), all, "logical destinations reach every set of %u cores", members);
    uint32_t one = pulse((uint8_t)all, PIN_LOGICAL | ICR_LOWEST);
    report(one != 0 && (one & (one - 1)) == 0 && one <= all, "lowest priority: exactly one core (%x)", one);
}

static uint32_t pic_vector, pic_in_service;
static bool on_pic(struct trap_frame *f)
{
    pic_vector = (uint32_t)f->vector;
    pic_in_service = apic_is_set(APIC_ISR, (uint8_t)f->vector);
    (void)inb(0x3fa); /* IIR: the line falls */
    outb(0x20, 0x20); /* non-specific EOI to the 8259 */
    counts[0] = counts[0] + 1;
    return true;
}

/* Virtual wire: the 8259s' INTR at LINT0 as ExtINT. */
static void check_virtual_wire(void)
{
    static const uint8_t words[2][3] = {{PIC_BASE, 4, 1}, {PIC_BASE + 8, 2, 1}};
    for (uint16_t i = 0; i < 2; i++) {
        uint16_t port = i ? 0xa0 : 0x20;
        outb(port, 0x11);
        for (int w = 0; w < 3; w++)
            outb(port + 1, words[i][w]);
        outb(port + 1, 0xff);
    }
    trap_install(PIC_BASE + 4, on_pic);
    trap_handler *old = trap_install(PIC_BASE, on_edge);
    clear();
    apic_write(APIC_LVT_LINT0, 0x700);
    outb(0x21, 0xef); /* IRQ 4 */
    com1_raise();
    let_in();
    com1_lower();
    report(counts[0] == 1 && pic_vector == PIC_BASE + 4, "ExtINT at LINT0 brings the 8259's vector (%x)", pic_vector);
    report(!pic_in_service, "it passes by ISR");
    apic_write(APIC_LVT_LINT0, APIC_LVT_MASKED | 0x700);
    com1_raise();
    let_in();
    uint32_t masked = counts[0];
    apic_write(APIC_LVT_LINT0, 0x700);
    let_in();
    com1_lower();
    report(masked == 1 && counts[0] == 2, "a masked LINT0 holds it back, and no longer");
    outb(0x21, 0xff);
    apic_write(APIC_LVT_LINT0, APIC_LVT_MASKED);
    trap_install(PIC_BASE, old);
}

int guest_main(void)
{
    cores = smp_start();
    check_registers();
    check_pit();
    check_edge();
    check_level();
    check_level_and_disabled_apic();
    check_suppression();
    check_modes();
    check_destinations();
    check_virtual_wire();
    return report_summary();
}
