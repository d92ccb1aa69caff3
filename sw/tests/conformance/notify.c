/* SPDX-License-Identifier: Apache-2.0 */
/* Notifications that arrive at CPL 0 or with UIF = 0, the delivery after the return to CPL 3 (by IRETQ and by SYSRET),
 * HLT that is re-entered, and interrupts that only look like notifications. Group N, with upid.c (what is drained) and
 * cores.c (N22). SDM Vol. 3A, "User-Interrupt Notification Identification", "User-Interrupt Notification Processing".
 */
#include "conformance.h"
#include "ioapic.h"

const char test_name[] = "conf_notify";

static volatile uint64_t idt_runs, idt_was_in_service;
static bool on_vector(struct trap_frame *f)
{
    idt_runs = idt_runs + 1;
    idt_was_in_service = apic_is_set(APIC_ISR, (uint8_t)f->vector);
    if (idt_was_in_service)
        apic_eoi();
    return true;
}

/* --- in the kernel, one core to itself --- */
static uint64_t kernel_with_interrupts(void *arg)
{
    sti();
    senduipi((uint64_t)arg);
    settle();
    cli();
    return uintr_record_count | (uint64_t)(rdmsr(MSR_UINTR_RR) == 1ull << (uint64_t)arg) << 8 |
           (uint64_t)(upid.pir == 0) << 9 | (uint64_t) !(upid.control & UPID_ON) << 10 | (uint64_t)is_isr_empty() << 11;
}
static uint64_t user_kernel_sysret(void *arg)
{
    stui();
    uint64_t seen = call_kernel(kernel_with_interrupts, arg);
    uint64_t after = uintr_record_count;
    clui();
    return seen | after << 16;
}
static uint64_t user_kernel_iret(void *arg)
{
    stui();
    uint64_t seen = call_kernel_iret(kernel_with_interrupts, arg);
    uint64_t after = uintr_record_count;
    clui();
    return seen | after << 16;
}

static void check_kernel(void)
{
    uintr_setup_self();
    idt_runs = 0;
    uint64_t seen = run_in_user(user_kernel_sysret, (void *)9);
    report((seen & 0xff) == 0, "N02 at CPL 0 with IF = 1 and UIF = 1: no delivery there");
    report((seen >> 8 & 15) == 15, "N02 UIRR has the bit, PIR = 0, ON = 0, ISR empty (%lx)", seen >> 8 & 15);
    report(seen >> 16 == 1 && uintr_records[0].vector == 9,
           "N02 delivered after SYSRET, before the next user instruction");
    uintr_setup_self();
    seen = run_in_user(user_kernel_iret, (void *)33);
    report((seen & 0xff) == 0 && (seen >> 8 & 15) == 15, "N02 the same in a kernel entered by INT");
    report(seen >> 16 == 1 && uintr_records[0].vector == 33,
           "N02 delivered after IRETQ, before the next user instruction");
    report_equal(idt_runs, 0, "N02 the IDT's handler of the notification vector never ran");

    uintr_setup_self();
    senduipi(4);
    settle();
    report(apic_is_set(APIC_IRR, UINTR_NOTIFICATION_VECTOR) && upid.pir == 1 << 4 && rdmsr(MSR_UINTR_RR) == 0,
           "N03 CPL 0 with IF = 0: stays in IRR, UPID untouched");
    uint64_t rsp_before, rsp_after, flags_before, flags_after;
    __asm__ volatile("pushfq; popq %2; mov %%rsp, %0; sti; nop; nop; cli; mov %%rsp, %1; pushfq; popq %3"
                     : "=&r"(rsp_before), "=&r"(rsp_after), "=&r"(flags_before), "=&r"(flags_after)::"memory");
    report(rdmsr(MSR_UINTR_RR) == 1 << 4 && upid.pir == 0, "N03 processed after STI");
    report(rsp_before == rsp_after && flags_before == flags_after,
           "N20 RSP and RFLAGS are unchanged by a notification");
    report_equal(deliver_pending(), 1, "N03 delivered at CPL 3");
}

/* --- user mode, UIF = 0 --- */
static uint64_t user_masked(void *arg)
{
    (void)arg;
    clui();
    senduipi(6);
    delay(20000);
    uint64_t early = uintr_record_count, on = upid.control & UPID_ON, pir = upid.pir;
    stui();
    uint64_t after = uintr_record_count;
    clui();
    return early | on << 8 | (uint64_t)(pir != 0) << 9 | after << 16;
}
static void check_user_masked(void)
{
    uintr_setup_self();
    uint64_t seen = run_in_user(user_masked, NULL);
    report((seen & 0xffff) == 0, "N01 at CPL 3 with UIF = 0: processed (ON = 0, PIR = 0), not delivered (%lx)", seen);
    report(seen >> 16 == 1 && uintr_records[0].vector == 6, "N01 delivered at STUI");
    report(is_isr_empty() && idt_runs == 0, "N01 ISR empty, IDT not used");
}

/* --- identification --- */
static uint64_t user_int(void *arg)
{
    (void)arg;
    __asm__ volatile("int $0xec" ::: "memory");
    return 0;
}
static void check_identification(void)
{
    trap_install(UINTR_NOTIFICATION_VECTOR, on_vector);
    trap_set_gate(UINTR_NOTIFICATION_VECTOR, GATE_INTERRUPT | GATE_DPL3, 0);
    uintr_setup_self();
    idt_runs = 0;
    upid.pir = 1;
    __asm__ volatile("int $0xec" ::: "memory");
    run_in_user(user_int, NULL);
    report(idt_runs == 2 && upid.pir == 1 && rdmsr(MSR_UINTR_RR) == 0,
           "N12 INT with the notification vector goes through the IDT");

    uintr_setup_self();
    idt_runs = 0;
    set_uinv(0);
    senduipi(3);
    settle();
    sti_nop_cli();
    report(idt_runs == 1 && idt_was_in_service && upid.pir == 8 && rdmsr(MSR_UINTR_RR) == 0,
           "N10 UINV = 0: an ordinary interrupt");
    uintr_setup_self();
    idt_runs = 0;
    set_uinv(0x40);
    senduipi(3);
    settle();
    sti_nop_cli();
    report(idt_runs == 1 && upid.pir == 8, "N10 another UINV: an ordinary interrupt");
    upid.control = (upid.control & ~0xff0001ull) | 0x40 << UPID_NV_SHIFT;
    senduipi(4);
    settle();
    sti_nop_cli();
    report(rdmsr(MSR_UINTR_RR) == 0x18 && idt_runs == 1, "N11 UINV = NV = 40H works");

    uintr_setup_self();
    idt_runs = 0;
    senduipi(3);
    write_cr4(read_cr4() & ~(uint64_t)CR4_UINTR);
    settle();
    sti_nop_cli();
    uintr_enable();
    report(idt_runs == 1 && idt_was_in_service && upid.pir == 8 && upid.control & UPID_ON,
           "N09 CR4.UINTR = 0: IDT, ISR bit until EOI, UPID untouched");
}

/* --- priorities --- */
static volatile uint64_t pir_in_handler;
static bool on_same_class(struct trap_frame *f)
{
    (void)f;
    senduipi(3);
    settle();
    sti_nop_cli();
    pir_in_handler = upid.pir;
    apic_eoi();
    return true;
}
static bool on_higher_class(struct trap_frame *f)
{
    (void)f;
    pir_in_handler = upid.pir;
    apic_eoi();
    return true;
}
static void check_priorities(void)
{
    pir_in_handler = 0;
    uintr_setup_self();
    write_cr8(0xe);
    senduipi(3);
    settle();
    sti_nop_cli();
    bool is_held = apic_is_set(APIC_IRR, UINTR_NOTIFICATION_VECTOR) && upid.pir == 8;
    write_cr8(0xd);
    sti_nop_cli();
    report(is_held && rdmsr(MSR_UINTR_RR) == 8, "N15 TPR of the notification's class holds it back");
    write_cr8(0);

    uintr_setup_self();
    trap_install(0xe1, on_same_class);
    apic_self_ipi(0xe1);
    settle();
    sti_nop_cli();
    sti_nop_cli();
    report(pir_in_handler == 8 && rdmsr(MSR_UINTR_RR) == 8, "N16 held while an interrupt of its class is in service");

    uintr_setup_self();
    trap_install(0xf5, on_higher_class);
    pir_in_handler = 0;
    apic_self_ipi(0xf5);
    senduipi(3);
    settle();
    sti_nop_cli();
    sti_nop_cli();
    report(pir_in_handler == 8 && rdmsr(MSR_UINTR_RR) == 8 && is_isr_empty(),
           "N21 a higher ordinary interrupt first, then the notification");
}

/* --- a notification whose UPID faults --- */
static void open_window(void *arg)
{
    (void)arg;
    sti_nop_cli();
}
static void check_faults(void)
{
    const uint64_t va = TEST_VA + 0xe00000;
    uintr_setup_self();
    struct upid *far_upid = page_map_new(va, PTE_P | PTE_W);
    uintr_upid_init(far_upid, 0);
    wrmsr(MSR_UINTR_PD, va);
    page_unmap(va);
    apic_self_ipi(UINTR_NOTIFICATION_VECTOR);
    settle();
    struct trap t = test_for_exception(open_window, NULL);
    report(t.is_raised && t.vector == VECTOR_PF && t.error == PF_ERROR_W && t.cr2 >> 12 == va >> 12,
           "N18 UPID page absent: #PF U=0 W=1 (%u, %lx)", t.vector, t.error);
    report(is_isr_empty(), "N18 EOI is already done");
    page_map(va, (uint64_t)far_upid, PTE_P | PTE_W);
    far_upid->pir = 2;
    apic_self_ipi(UINTR_NOTIFICATION_VECTOR);
    settle();
    sti_nop_cli();
    report(rdmsr(MSR_UINTR_RR) == 2, "N18 mapped again, the next notification works");
    uintr_reset();
}

/* --- UPID in a supervisor page while the notification arrives at CPL 3 --- */
static uint64_t user_spin(void *arg)
{
    stui();
    senduipi((uint64_t)arg);
    for (int i = 0; i < 20000 && uintr_record_count == 0; i++)
        cpu_pause();
    clui();
    return uintr_record_count;
}
static void check_user(void)
{
    const uint64_t va = TEST_VA + 0xe01000;
    uintr_setup_self();
    struct upid *far_upid = page_map_new(va, PTE_P | PTE_W);
    uintr_upid_init(far_upid, 0);
    wrmsr(MSR_UINTR_PD, va);
    for (int i = 0; i < UITT_ENTRIES; i++)
        uintr_uitte_set(&uitt[i], (struct upid *)va, (uint8_t)i);
    report(run_in_user(user_spin, (void *)13) == 1 && uintr_records[0].vector == 13,
           "N19 UPID in a supervisor page, notified and delivered at CPL 3");
    page_unmap(va);
}

/* --- HLT --- */
static volatile uint32_t phase, woke;
static volatile uint64_t uirr_after_wake;
static bool on_wake_up(struct trap_frame *f)
{
    (void)f;
    apic_eoi();
    return true;
}
static uint64_t sleeper(void *arg)
{
    (void)arg;
    uintr_setup_receiver();
    trap_install(0x49, on_wake_up);
    phase = 1;
    sti_hlt();
    woke = 1;
    cli();
    uirr_after_wake = rdmsr(MSR_UINTR_RR);
    return deliver_pending();
}
/* One core alone: the notification waits in IRR until HLT has begun, the timer comes later. */
static void check_hlt_alone(void)
{
    uintr_setup_self();
    trap_install(0x49, on_wake_up);
    upid.pir = 1 << 9;
    upid.control |= UPID_ON;
    apic_self_ipi(UINTR_NOTIFICATION_VECTOR);
    settle();
    apic_timer(0x49, APIC_TIMER_ONE_SHOT, 5000);
    uint32_t before = apic_read(APIC_TIMER_CURRENT);
    sti_hlt();
    cli();
    uint32_t after = apic_read(APIC_TIMER_CURRENT);
    apic_timer_stop();
    report(before > 0 && after == 0 && rdmsr(MSR_UINTR_RR) == 1 << 9 && upid.pir == 0,
           "N14 a notification does not end HLT, the timer does (%u, %u)", before, after);
    report_equal(deliver_pending(), 1, "N14 and is delivered at CPL 3");
}
static void check_hlt(void)
{
    phase = woke = 0;
    uintr_reset();
    start_on_cpu(1, sleeper, NULL);
    (void)wait_until(phase == 1);
    settle();
    uintr_setup_sender();
    senduipi(8);
    settle();
    report(woke == 0 && upid.pir == 0 && !(upid.control & UPID_ON),
           "N14 a notification to a core in HLT is processed and HLT goes on");
    senduipi(9);
    settle();
    report(woke == 0 && upid.pir == 0, "N14 also a second one");
    apic_send(cpus[1].apic_id, ICR_FIXED | ICR_ASSERT | 0x49);
    uint64_t delivered = wait_for_cpu(1);
    report(woke == 1 && uirr_after_wake == 0x300, "N14 an ordinary interrupt ends HLT; UIRR has both");
    report(delivered == 2 && uintr_records[0].vector == 9 && uintr_records[1].vector == 8, "N14 delivered at CPL 3");
}

/* --- compatibility mode: the notification comes from the APIC timer, whose vector is UINV --- */
uint64_t compat_probe(void *arg);
extern char compat_back[];
__asm__(".text\n.globl compat_probe, compat_back\n"
        "compat_probe:\n"
        "    movl $0x23, %eax\n" /* SEL_USER_DATA: outside 64-bit mode a null DS is of no use */
        "    movl %eax, %ds\n"
        "    stui\n"
        "    pushq $0x1b\n" /* SEL_USER_CODE32 */
        "    leaq compat_code(%rip), %rax\n"
        "    pushq %rax\n"
        "    lretq\n"
        "    .code32\n"
        "compat_code:\n"
        "    movl $5000000, %ecx\n"
        "1:  cmpl $0, upid + 8\n"
        "    je 2f\n"
        "    pause\n"
        "    decl %ecx\n"
        "    jnz 1b\n"
        "2:  nop\n    nop\n"
        "    movl uintr_record_count, %esi\n"
        "    ljmp $0x2b, $compat_back\n" /* SEL_USER_CODE */
        "    .code64\n"
        "compat_back:\n"
        "    clui\n"
        "    movl %esi, %eax\n"
        "    testl %ecx, %ecx\n"
        "    jnz 3f\n"
        "    orl $0x100, %eax\n" /* never drained */
        "3:  ret\n");
static void check_compatibility(void)
{
    uintr_setup_self();
    upid.pir = 1 << 21;
    upid.control |= UPID_ON;
    apic_timer(UINTR_NOTIFICATION_VECTOR, APIC_TIMER_ONE_SHOT, 3000);
    uint64_t seen = run_in_user(compat_probe, NULL);
    apic_timer_stop();
    report(!(seen & 0x100) && !(upid.control & UPID_ON), "N13 processed in compatibility mode (%lx)", seen);
    report_equal(seen & 0xff, 0, "D19 nothing is delivered in compatibility mode");
    report(uintr_record_count == 1 && uintr_records[0].vector == 21 && uintr_records[0].rip == (uint64_t)compat_back,
           "N13 D19 delivered after the far transfer to 64-bit mode, before its first instruction");
}

/* --- a level-triggered pin whose vector is UINV: COM1. The line falls before the notification is taken, as nothing
 * else would ever lower it: with a short way from the I/O APIC the next one is there before the next instruction.
 * Nothing may be printed while the line is up. --- */
static void check_level(void)
{
    bool waits = true, done = true;
    uintr_setup_self();
    idt_runs = 0;
    ioapic_set_pin(PIN_COM1, (uint8_t)apic_id(), PIN_LEVEL | UINTR_NOTIFICATION_VECTOR);
    for (unsigned bit = 7; bit < 9; bit++) { /* the second one shows that the pin is free again */
        upid.pir = 1u << bit;
        com1_raise();
        waits = waits && has_notification() && apic_is_set(APIC_TMR, UINTR_NOTIFICATION_VECTOR) &&
                (ioapic_pin(PIN_COM1) & PIN_REMOTE_IRR);
        com1_lower();
        settle();
        waits = waits && (ioapic_pin(PIN_COM1) & PIN_REMOTE_IRR);
        sti_nop_cli();
        settle();
        done = done && (rdmsr(MSR_UINTR_RR) >> bit & 1) && is_isr_empty() && !(ioapic_pin(PIN_COM1) & PIN_REMOTE_IRR) &&
               !apic_is_set(APIC_IRR, UINTR_NOTIFICATION_VECTOR);
    }
    ioapic_set_pin(PIN_COM1, 0, PIN_MASKED);
    report(waits, "N23 a level-triggered pin with vector UINV: IRR, TMR, remote IRR until it is taken");
    report(done && idt_runs == 0, "N23 then a notification, whose EOI reaches the I/O APIC, twice");
}

static void checks(void)
{
    trap_install(UINTR_NOTIFICATION_VECTOR, on_vector);
    check_kernel();
    check_user_masked();
    check_identification();
    check_priorities();
    check_faults();
    check_user();
    check_level();
    check_hlt_alone();
    if (conformance_cores > 1)
        check_hlt();
    check_compatibility();
}

int guest_main(void) { return conformance_run(checks); }
