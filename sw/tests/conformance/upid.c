/* SPDX-License-Identifier: Apache-2.0 */
/* ON and SN: which posts send a notification, what is collected by one, what suppression keeps, and several cores at
 * one UPID. On one core to itself, and with a second core as receiver. Groups S (S11-S14, S26, S27) and N (N04-N08,
 * N17). SDM Vol. 3A, "User Posted-Interrupt Descriptor"; Vol. 2, SENDUIPI.
 */
#include "conformance.h"

const char test_name[] = "conf_upid";

/* At CPL 0 with IF = 0: notifications stay in IRR until sti_nop_cli(). */
static void check_self(void)
{
    uintr_setup_self();
    senduipi(1);
    report(upid.control & UPID_ON && upid.pir == 2 && has_notification(),
           "S11 first post: ON = 1, PIR bit, notification");
    sti_nop_cli();
    report(!(upid.control & UPID_ON) && upid.pir == 0 && rdmsr(MSR_UINTR_RR) == 2,
           "N02 the notification clears ON and moves PIR to UIRR");

    uintr_setup_self();
    upid.control |= UPID_ON;
    senduipi(2);
    report(upid.pir == 4 && upid.control & UPID_ON && !has_notification(), "S12 ON = 1: PIR bit, no notification");
    sti_nop_cli();
    report(rdmsr(MSR_UINTR_RR) == 0 && upid.pir == 4, "S12 so nothing is drained yet");
    apic_self_ipi(UINTR_NOTIFICATION_VECTOR);
    settle();
    sti_nop_cli();
    report(rdmsr(MSR_UINTR_RR) == 4 && upid.pir == 0, "N06 an ordinary self-IPI with UINV drains it");

    uintr_setup_self();
    upid.control |= UPID_SN;
    senduipi(3);
    report(upid.pir == 8 && (upid.control & 3) == UPID_SN && !has_notification(),
           "S13 SN = 1: PIR bit, ON stays 0, no notification");
    upid.control |= UPID_ON;
    senduipi(4);
    report(upid.pir == 0x18 && (upid.control & 3) == (UPID_SN | UPID_ON) && !has_notification(),
           "S14 SN = 1 and ON = 1: the same");
    apic_self_ipi(UINTR_NOTIFICATION_VECTOR);
    settle();
    sti_nop_cli();
    report(rdmsr(MSR_UINTR_RR) == 0x18 && upid.pir == 0 && (upid.control & 3) == UPID_SN,
           "N07 a notification with SN = 1 drains; SN stays");
    report_equal(deliver_pending(), 2, "N07 and both are delivered");

    uintr_setup_self();
    wrmsr(MSR_UINTR_RR, 1);
    senduipi(2);
    settle();
    sti_nop_cli();
    report_equal(rdmsr(MSR_UINTR_RR), 5, "N04 UIRR is ORed, not replaced");

    uintr_setup_self();
    upid.control |= UPID_ON;
    apic_self_ipi(UINTR_NOTIFICATION_VECTOR);
    settle();
    sti_nop_cli();
    report(!(upid.control & UPID_ON) && rdmsr(MSR_UINTR_RR) == 0, "N05 PIR = 0: ON cleared, UIRR unchanged");
    report_equal(deliver_pending(), 0, "N05 nothing delivered");
    upid.pir = 0x80;
    apic_self_ipi(UINTR_NOTIFICATION_VECTOR);
    settle();
    sti_nop_cli();
    report(rdmsr(MSR_UINTR_RR) == 0x80 && upid.pir == 0, "N06 ON = 0, PIR set by software: drained all the same");
    wrmsr(MSR_UINTR_RR, 0);
    upid.control |= 0xff00fffc;
    upid.pir = 0x100;
    apic_self_ipi(UINTR_NOTIFICATION_VECTOR);
    settle();
    sti_nop_cli();
    report(rdmsr(MSR_UINTR_RR) == 0x100, "N08 reserved UPID bits do not disturb a notification");

    uintr_setup_self();
    for (uint64_t v = 0; v < 64; v++)
        senduipi(v);
    report(upid.pir == ~0ull, "S12 64 posts fill PIR");
    settle();
    sti_nop_cli();
    report(rdmsr(MSR_UINTR_RR) == ~0ull && !apic_is_set(APIC_IRR, UINTR_NOTIFICATION_VECTOR),
           "N17 one notification collects all");
    report_equal(deliver_pending(), 64, "N17 and 64 are delivered");
    for (int i = 0; i < 3; i++)
        senduipi(11);
    settle();
    sti_nop_cli();
    report_equal(deliver_pending(), 1, "N17 the same vector posted 3 times before acceptance: one delivery");
}

/* --- two cores: core 1 receives with IF = 0 in the kernel (posts coalesce), then with SN --- */
static volatile uint32_t phase;

static uint64_t receiver(void *arg)
{
    (void)arg;
    uintr_setup_receiver();
    phase = 1;
    (void)wait_until(phase == 2); /* IF = 0: the notification waits in IRR */
    settle();
    uint64_t first = apic_is_set(APIC_IRR, UINTR_NOTIFICATION_VECTOR) && rdmsr(MSR_UINTR_RR) == 0;
    sti_nop_cli();
    first |= (uint64_t)(rdmsr(MSR_UINTR_RR) == 0x1e) << 1;
    uint64_t n = deliver_pending();
    first |= (uint64_t)(n == 4) << 2;
    __atomic_fetch_or(&upid.control, UPID_SN, __ATOMIC_SEQ_CST);
    phase = 3;
    (void)wait_until(phase == 4);
    sti();
    settle();
    cli();
    first |= (uint64_t)(rdmsr(MSR_UINTR_RR) == 0 && upid.pir == 0xe0 && !(upid.control & UPID_ON)) << 3;
    /* What an operating system does when it resumes a thread: clear SN, then look whether something was posted. */
    __atomic_fetch_and(&upid.control, ~UPID_SN, __ATOMIC_SEQ_CST);
    if (upid.pir)
        apic_self_ipi(UINTR_NOTIFICATION_VECTOR);
    settle();
    sti_nop_cli();
    first |= (uint64_t)(deliver_pending() == 3) << 4;
    return first;
}

static void check_two_cores(void)
{
    phase = 0;
    uintr_reset();
    start_on_cpu(1, receiver, NULL);
    (void)wait_until(phase == 1);
    uintr_setup_sender();
    for (uint64_t v = 1; v <= 4; v++) {
        senduipi(v);
        senduipi(v);
    }
    report(upid.pir == 0x1e && upid.control & UPID_ON, "S12 core 1 masked: posts collect in PIR");
    phase = 2;
    (void)wait_until(phase == 3);
    for (uint64_t v = 5; v <= 7; v++)
        senduipi(v);
    phase = 4;
    uint64_t result = wait_for_cpu(1);
    report(result & 1, "N03 one notification waits in core 1's IRR");
    report(result >> 1 & 1, "N17 accepted once, it moves all posted vectors to UIRR");
    report(result >> 2 & 1, "N17 8 posts of 4 vectors: 4 deliveries");
    report(result >> 3 & 1, "S13 with SN = 1 nothing reaches core 1");
    report(result >> 4 & 1, "S13 suppressed posts are delivered after SN is cleared and PIR looked at");
}

/* Both cores post to the same UPID at once: no PIR bit may be lost. */
enum { ROUNDS = 300 };
static volatile uint64_t turn[2];
static uint64_t racing_sender(void *arg)
{
    uint64_t base = (uint64_t)arg;
    uintr_reset();
    uintr_setup_sender();
    for (uint64_t round = 1; round <= ROUNDS; round++) {
        turn[base] = round;
        while (turn[1 - base] < round)
            cpu_pause();
        for (uint64_t v = base; v < 64; v += 2)
            senduipi(v);
        turn[base] = round | 1ull << 32;
        if (base == 0) {
            while (turn[1] != (round | 1ull << 32))
                cpu_pause();
            if (upid.pir != ~0ull || !(upid.control & UPID_ON))
                return round;
            upid.pir = 0;
            upid.control &= ~UPID_ON;
            turn[0] = 0;
            turn[1] = 0;
        } else {
            while (turn[1] != 0)
                cpu_pause();
        }
    }
    return 0;
}
static void check_race(void)
{
    turn[0] = turn[1] = 0;
    uintr_setup_receiver();
    set_uinv(0); /* nobody drains: the checks below look at the UPID itself */
    upid.control = (uint64_t)UINTR_NOTIFICATION_VECTOR << UPID_NV_SHIFT | 0x6600ull << UPID_NDST_SHIFT; /* to nobody */
    start_on_cpu(1, racing_sender, (void *)1);
    uint64_t bad = racing_sender(NULL);
    if (bad == 0)
        wait_for_cpu(1);
    report_equal(bad, 0, "S26 two cores post to one UPID: no bit lost in %d rounds, ON set in each", ROUNDS);
}

/* Both post to a UPID whose notifications go through core 0's IDT. The handler clears ON and so counts how often ON was
 * set, and by itself how often there was an interrupt for it. A second IPI for the same change would find ON clear. */
static volatile uint64_t notifications, on_changes, drained, go, done;
static bool on_notification(struct trap_frame *f)
{
    (void)f;
    bool was_on;
    apic_eoi();
    __asm__ volatile("lock btrq $0, %0" : "+m"(upid.control), "=@ccc"(was_on)::"memory");
    notifications = notifications + 1;
    on_changes = on_changes + was_on;
    drained |= __atomic_exchange_n(&upid.pir, 0, __ATOMIC_SEQ_CST);
    return true;
}
static uint64_t second_poster(void *arg)
{
    (void)arg;
    uintr_reset();
    uintr_setup_sender();
    for (uint64_t round = 1; round <= ROUNDS; round++) {
        while (go != round)
            cpu_pause();
        for (uint64_t v = 1; v < 64; v += 2)
            senduipi(v);
        done = round;
    }
    return 0;
}
static void check_notifications(void)
{
    uint64_t lost = 0;
    notifications = on_changes = go = done = 0;
    uintr_setup_self();
    set_uinv(0);
    trap_handler *former = trap_install(UINTR_NOTIFICATION_VECTOR, on_notification);
    start_on_cpu(1, second_poster, NULL);
    sti();
    for (uint64_t round = 1; round <= ROUNDS; round++) {
        drained = 0;
        go = round;
        for (uint64_t v = 0; v < 64; v += 2)
            senduipi(v);
        if (!wait_until(done == round) || !wait_until(drained == ~0ull))
            lost++;
    }
    settle();
    cli();
    wait_for_cpu(1);
    trap_install(UINTR_NOTIFICATION_VECTOR, former);
    report_equal(lost, 0, "S26 while notifications are taken: no bit lost in %d rounds", ROUNDS);
    report(notifications == on_changes && on_changes > ROUNDS && !(upid.control & UPID_ON),
           "S26 each change of ON from 0 to 1 sends one notification (%lu, %lu)", on_changes, notifications);
}

/* Core 1 is the operating system: it alone changes SN and takes PIR, by locked instructions, while core 0 posts. */
static volatile uint64_t collected, wrong_sn;
static uint64_t operating_system(void *arg)
{
    (void)arg;
    phase = 1;
    while (phase == 1) {
        bool was_set, was_still_set;
        __asm__ volatile("lock btsq $1, %0" : "+m"(upid.control), "=@ccc"(was_set)::"memory");
        uint64_t pir = __atomic_exchange_n(&upid.pir, 0, __ATOMIC_SEQ_CST);
        __atomic_fetch_or(&collected, pir, __ATOMIC_SEQ_CST);
        __asm__ volatile("lock btrq $1, %0" : "+m"(upid.control), "=@ccc"(was_still_set)::"memory");
        if (was_set || !was_still_set)
            wrong_sn = wrong_sn + 1;
    }
    return 0;
}
static void check_operating_system(void)
{
    uint64_t lost = 0, x = 1;
    phase = 0;
    collected = wrong_sn = 0;
    uintr_setup_receiver();
    uintr_setup_sender();
    set_uinv(0);
    const uint64_t control = (uint64_t)UINTR_NOTIFICATION_VECTOR << UPID_NV_SHIFT | 0x6600ull << UPID_NDST_SHIFT;
    upid.control = control;
    start_on_cpu(1, operating_system, NULL);
    (void)wait_until(phase == 1);
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t mask = 0;
        for (int i = 0; i < 12; i++) {
            x = x * 6364136223846793005 + 1442695040888963407;
            mask |= 1ull << (x >> 58);
            senduipi(x >> 58);
        }
        if (!wait_until((collected & mask) == mask))
            lost++;
        collected = 0;
    }
    phase = 2;
    wait_for_cpu(1);
    report(lost == 0, "S27 posts against LOCK XCHG of PIR: none lost in %d rounds (%lu)", ROUNDS, lost);
    report(wrong_sn == 0 && (upid.control & ~(UPID_ON | UPID_SN)) == control,
           "S27 posts against LOCK BTS and BTR of SN: no change of SN undone (%lu)", wrong_sn);
}

static void checks(void)
{
    check_self();
    if (conformance_cores > 1) {
        check_two_cores();
        check_race();
        check_notifications();
        check_operating_system();
    }
}

int guest_main(void) { return conformance_run(checks); }
