/* SPDX-License-Identifier: Apache-2.0 */
/* Interrupts between cores: fixed, logical, NMI, shorthands, waking from HLT, many in a row; in xAPIC and in x2APIC
 * mode. SDM Vol. 3A, "Issuing Interprocessor Interrupts".
 */
#include "apic.h"
#include "arch/control.h"
#include "arch/insn.h"
#include "boot.h"
#include "report.h"
#include "smp.h"
#include "trap.h"

const char test_name[] = "ipi";

enum { VECTOR = 0x51, VECTOR_PING = 0x52, MANY = 200 };

static const char *mode;
static uint32_t cores;
static volatile uint32_t counts[MAX_CPUS], nmis[MAX_CPUS], pings[MAX_CPUS];

static bool on_vector(struct trap_frame *f)
{
    (void)f;
    counts[this_cpu()->index]++;
    apic_eoi();
    return true;
}
static bool on_nmi(struct trap_frame *f)
{
    (void)f;
    nmis[this_cpu()->index]++;
    return true;
}
static bool on_ping(struct trap_frame *f)
{
    (void)f;
    pings[this_cpu()->index]++;
    apic_eoi();
    return true;
}

static void clear(void)
{
    for (uint32_t i = 0; i < MAX_CPUS; i++)
        counts[i] = nmis[i] = pings[i] = 0;
}

static uint32_t total(void)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < cores; i++)
        sum += counts[i];
    return sum;
}

static void check_fixed(void)
{
    for (uint32_t i = 0; i < cores; i++) {
        clear();
        apic_send(cpus[i].apic_id, ICR_FIXED | ICR_ASSERT | VECTOR);
        sti();
        (void)wait_until(counts[i] > 0);
        settle();
        cli();
        report(counts[i] == 1 && total() == 1, "%s: a fixed IPI to core %u arrives there once and nowhere else", mode,
               i);
    }
    clear();
    apic_send(this_cpu()->x2apic ? 0x1234 : 0x7e, ICR_FIXED | ICR_ASSERT | VECTOR);
    settle();
    sti_nop_cli();
    report(total() == 0, "%s: an IPI to an absent APIC ID disappears", mode);
}

static void check_shorthands(void)
{
    clear();
    sti();
    apic_send(0, ICR_OTHERS | ICR_FIXED | ICR_ASSERT | VECTOR);
    (void)wait_until(total() == cores - 1);
    settle();
    report(total() == cores - 1 && counts[0] == 0, "%s: all excluding self", mode);
    clear();
    apic_send(0, ICR_ALL | ICR_FIXED | ICR_ASSERT | VECTOR);
    (void)wait_until(total() == cores);
    settle();
    report(total() == cores && counts[0] == 1, "%s: all including self", mode);
    clear();
    apic_send(this_cpu()->x2apic ? 0xffffffff : 0xff, ICR_FIXED | ICR_ASSERT | VECTOR);
    (void)wait_until(total() == cores);
    settle();
    report(total() == cores, "%s: physical broadcast", mode);
    cli();
}

static uint64_t set_logical_id(void *arg)
{
    if (!this_cpu()->x2apic) {
        apic_write(APIC_DFR, 0xffffffff); /* flat model */
        apic_write(APIC_LDR, (uint32_t)(uint64_t)arg << 24);
    }
    return apic_read(APIC_LDR);
}

static void check_logical(void)
{
    /* Seven: all eight bits of an xAPIC destination are a broadcast (SDM Vol. 3, "Logical Destination Mode"). */
    uint32_t all = 0, ids[7] = {0}, members = cores < 7 ? cores : 7;
    for (uint32_t i = 0; i < members; i++) {
        ids[i] = (uint32_t)on_cpu(i, set_logical_id, (void *)(1ull << i));
        ids[i] = this_cpu()->x2apic ? ids[i] : ids[i] >> 24;
        all |= ids[i];
    }
    sti();
    for (uint32_t i = 0; i < members; i++) {
        clear();
        apic_send(ids[i], ICR_LOGICAL | ICR_FIXED | ICR_ASSERT | VECTOR);
        (void)wait_until(counts[i] > 0);
        settle();
        report(counts[i] == 1 && total() == 1, "%s: logical destination of core %u", mode, i);
    }
    clear();
    apic_send(all, ICR_LOGICAL | ICR_FIXED | ICR_ASSERT | VECTOR);
    (void)wait_until(total() == members);
    settle();
    report_equal(total(), members, "%s: logical destination of all", mode);
    clear();
    apic_send(all, ICR_LOGICAL | ICR_LOWEST | ICR_ASSERT | VECTOR);
    (void)wait_until(total() > 0);
    settle();
    report_equal(total(), 1, "%s: lowest priority reaches exactly one core", mode);
    cli();
}

static void check_nmi(void)
{
    if (cores < 2) {
        report_skip("%s: NMI between cores needs two", mode);
        return;
    }
    clear();
    apic_send(cpus[1].apic_id, ICR_NMI | ICR_ASSERT);
    (void)wait_until(nmis[1] > 0);
    settle();
    report(nmis[1] == 1 && nmis[0] == 0, "%s: an NMI reaches core 1", mode);
}

/* The target has IF = 0 for a while: the IPI waits, an NMI does not. */
static volatile uint32_t phase;
static uint64_t masked_core(void *arg)
{
    (void)arg;
    phase = 1;
    (void)wait_until(phase == 2);
    settle();
    uint64_t seen = counts[1] | (uint64_t)nmis[1] << 8 | (uint64_t)apic_is_set(APIC_IRR, VECTOR) << 16;
    sti_nop_cli();
    return seen | (uint64_t)counts[1] << 24;
}
static void check_masked(void)
{
    if (cores < 2)
        return;
    clear();
    phase = 0;
    start_on_cpu(1, masked_core, NULL);
    (void)wait_until(phase == 1);
    apic_send(cpus[1].apic_id, ICR_FIXED | ICR_ASSERT | VECTOR);
    apic_send(cpus[1].apic_id, ICR_NMI | ICR_ASSERT);
    phase = 2;
    uint64_t seen = wait_for_cpu(1);
    report((seen & 0xff) == 0 && (seen >> 16 & 1) == 1, "%s: with IF = 0 the IPI waits in IRR", mode);
    report((seen >> 8 & 0xff) == 1, "%s: IF does not hold back an NMI", mode);
    report((seen >> 24 & 0xff) == 1, "%s: the IPI arrives after STI", mode);
}

/* Ping-pong: each side halts until the other's interrupt. */
static uint64_t ponger(void *arg)
{
    (void)arg;
    for (uint32_t i = 1; i <= MANY; i++) {
        for (cli(); pings[1] < i; cli())
            sti_hlt();
        apic_send(cpus[0].apic_id, ICR_FIXED | ICR_ASSERT | VECTOR_PING);
    }
    return pings[1];
}
static void check_ping_pong(void)
{
    if (cores < 2) {
        report_skip("%s: ping-pong needs two cores", mode);
        return;
    }
    clear();
    start_on_cpu(1, ponger, NULL);
    for (uint32_t i = 1; i <= MANY; i++) {
        apic_send(cpus[1].apic_id, ICR_FIXED | ICR_ASSERT | VECTOR_PING);
        for (cli(); pings[0] < i; cli())
            sti_hlt();
    }
    report(wait_for_cpu(1) == MANY && pings[0] == MANY, "%s: %d round trips, both sides waiting in HLT", mode, MANY);
}

static void check_all(const char *name)
{
    mode = name;
    check_fixed();
    check_shorthands();
    check_logical();
    check_nmi();
    check_masked();
    check_ping_pong();
}

static uint64_t enter_x2apic(void *arg)
{
    (void)arg;
    apic_enter_x2apic();
    return apic_id();
}

int guest_main(void)
{
    trap_install(VECTOR, on_vector);
    trap_install(VECTOR_PING, on_ping);
    trap_install(VECTOR_NMI, on_nmi);
    cores = smp_start();
    check_all("xAPIC");
    if (!apic_has_x2apic()) {
        report_skip("no x2APIC on this machine");
        return report_summary();
    }
    bool is_same = true;
    for (uint32_t i = cores; i-- > 0;) /* the caller last: its wake-up IPIs go out in xAPIC mode until then */
        is_same = is_same && on_cpu(i, enter_x2apic, NULL) == cpus[i].apic_id;
    report(is_same, "x2APIC: IDs are the same as in xAPIC mode");
    check_all("x2APIC");
    return report_summary();
}
