/* SPDX-License-Identifier: Apache-2.0 */
/* Device interrupts that become user interrupts: a message whose vector is UINV, from the I/O APIC (edge and level) and
 * by MSI, at a core in user mode. The device's part of posting (PIR) is a store by software. SDM Vol. 3A,
 * "User-Interrupt Notification Identification".
 */
#include "ioapic.h"
#include "uintr_common.h"

const char test_name[] = "uintr_device";

enum { USER_VECTOR = 5, ROUNDS = 20 };

static void post(void) { __atomic_or_fetch(&upid.pir, 1ull << USER_VECTOR, __ATOMIC_SEQ_CST); }

static volatile uint32_t kernel_interrupts;
static bool on_kernel(struct trap_frame *f)
{
    (void)f;
    kernel_interrupts = kernel_interrupts + 1;
    apic_eoi();
    return true;
}

static bool is_one_delivery(uint64_t n) { return n == 1 && uintr_records[0].vector == USER_VECTOR; }

static void check_pin(bool is_level)
{
    const char *name = is_level ? "level" : "edge";
    uintr_setup_self();
    ioapic_set_pin(PIN_COM1, (uint8_t)apic_id(), (is_level ? PIN_LEVEL : 0) | UINTR_NOTIFICATION_VECTOR);
    kernel_interrupts = 0;
    post();
    com1_raise();
    settle();
    bool in_irr = apic_is_set(APIC_IRR, UINTR_NOTIFICATION_VECTOR);
    uint32_t pin = ioapic_pin(PIN_COM1);
    uint64_t n = deliver_pending();
    com1_lower();
    settle();
    sti_nop_cli(); /* what a level has left */
    report(in_irr && !(pin & PIN_REMOTE_IRR) == !is_level, "%s: the vector waits in IRR", name);
    report(is_one_delivery(n) && kernel_interrupts == 0, "%s: it becomes one user interrupt (%lu)", name, n);
    report(upid.pir == 0 && !apic_is_set(APIC_ISR, UINTR_NOTIFICATION_VECTOR), "%s: PIR and ISR are empty", name);
    report(!(ioapic_pin(PIN_COM1) & PIN_REMOTE_IRR), "%s: notification processing's EOI reaches the pin", name);
    ioapic_set_pin(PIN_COM1, 0, PIN_MASKED);
}

/* The PIT interrupts user code that spins; each tick is posted by that code itself. */
static uint64_t user_ticks(void *arg)
{
    (void)arg;
    stui();
    for (uint64_t i = 1; i <= ROUNDS; i++) {
        post();
        if (!wait_until(uintr_record_count >= i))
            return i;
    }
    clui();
    return 0;
}
static void check_pit(void)
{
    uintr_setup_self();
    kernel_interrupts = 0;
    ioapic_set_pin(PIN_PIT, (uint8_t)apic_id(), UINTR_NOTIFICATION_VECTOR);
    pit_start(100);
    uint64_t stuck = run_in_user(user_ticks, NULL);
    pit_stop();
    ioapic_set_pin(PIN_PIT, 0, PIN_MASKED);
    settle();
    sti_nop_cli();
    report(stuck == 0 && uintr_record_count == ROUNDS && kernel_interrupts == 0,
           "the PIT's ticks reach user code without the kernel (%lu of %d)", uintr_record_count, ROUNDS);
}

static void send_msi(void) { msi_write(MSI_LOGICAL, 1, UINTR_NOTIFICATION_VECTOR); }

static volatile uint32_t phase;
static uint64_t device(void *arg)
{
    (void)arg;
    for (uint64_t i = 1; i <= ROUNDS; i++) {
        post();
        send_msi();
        if (!wait_until(uintr_record_count >= i))
            return i;
    }
    return 0;
}
static uint64_t user_spin(void *arg)
{
    (void)arg;
    stui();
    (void)wait_until(uintr_record_count >= ROUNDS);
    clui();
    return uintr_record_count;
}

static void check_msi(uint32_t cores)
{
    apic_write(APIC_DFR, 0xffffffff);
    apic_write(APIC_LDR, 1u << 24);
    uintr_setup_self();
    post();
    send_msi();
    settle();
    report(is_one_delivery(deliver_pending()), "MSI: it becomes one user interrupt");
    if (cores < 2) {
        report_skip("MSI while user code runs: needs a second core");
        return;
    }
    uintr_setup_self();
    start_on_cpu(1, device, NULL);
    uint64_t n = run_in_user(user_spin, NULL);
    report(wait_for_cpu(1) == 0 && n == ROUNDS, "MSI: %d messages interrupt user code that spins (%lu)", ROUNDS, n);
}

/* Any other vector, or the same with UINV somewhere else, is the kernel's. */
static void check_other_vector(void)
{
    uintr_setup_self();
    set_uinv(UINTR_NOTIFICATION_VECTOR - 1);
    kernel_interrupts = 0;
    post();
    send_msi();
    settle();
    uint64_t n = deliver_pending();
    report(n == 0 && kernel_interrupts == 1, "not UINV: an ordinary interrupt");
}

int guest_main(void)
{
    if (!uintr_or_skip())
        return report_summary();
    uint32_t cores = smp_start();
    trap_install(UINTR_NOTIFICATION_VECTOR, on_kernel);
    check_pin(false);
    check_pin(true);
    check_pit();
    check_msi(cores);
    check_other_vector();
    uintr_reset();
    return report_summary();
}
