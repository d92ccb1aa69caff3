/* SPDX-License-Identifier: Apache-2.0 */
/* Modes of the local APIC: every transition of IA32_APIC_BASE with its #GPs, software disable, cluster destinations,
 * lowest priority by TPR, INIT level de-assert, error and spurious vectors. SDM Vol. 3A, "Local APIC Status and
 * Location", "x2APIC State Transitions", "Determining IPI Destination".
 */
#include "apic.h"
#include "arch/control.h"
#include "arch/insn.h"
#include "arch/msr.h"
#include "boot.h"
#include "percpu.h"
#include "report.h"
#include "smp.h"
#include "trap.h"

const char test_name[] = "apic_modes";

enum { VECTOR = 0x54, ERROR_VECTOR = 0x64, MSR_TSC_DEADLINE = 0x6e0, INIT_DEASSERT = 0x8500 };

static uint32_t cores;
static volatile uint32_t counts[MAX_CPUS], error_count;

static bool on_vector(struct trap_frame *f)
{
    (void)f;
    counts[this_cpu()->index] = counts[this_cpu()->index] + 1;
    apic_eoi();
    return true;
}
static bool on_error(struct trap_frame *f)
{
    (void)f;
    error_count = error_count + 1;
    apic_eoi();
    return true;
}

static void do_write_base(void *arg) { wrmsr(MSR_APIC_BASE, *(const uint64_t *)arg); }
static bool base_faults(uint64_t value)
{
    struct trap t = test_for_exception(do_write_base, &value);
    return t.is_raised && t.vector == 13 && t.error == 0;
}

static void check_transitions(void)
{
    if (is_qemu()) {
        report_skip("QEMU's IA32_APIC_BASE checks nothing and does not enable again");
        return;
    }
    uint64_t bsp = rdmsr(MSR_APIC_BASE) & MSR_APIC_BASE_BSP;
    const uint64_t off = APIC_PAGE | bsp, xapic = off | MSR_APIC_BASE_ENABLE, x2apic = xapic | MSR_APIC_BASE_X2APIC,
                   illegal = off | MSR_APIC_BASE_X2APIC;
    const uint64_t states[3] = {off, xapic, x2apic}, targets[4] = {off, xapic, x2apic, illegal};
    static const bool legal[3][4] = {{true, true, false, false}, {true, true, true, false}, {true, false, true, false}};
    const uint32_t last = apic_has_x2apic() ? 3 : 2;
    uint32_t wrong = 0;
    for (uint32_t from = 0; from < last; from++)
        for (uint32_t to = 0; to < 4; to++) {
            if (to == 2 && !apic_has_x2apic())
                continue;
            wrmsr(MSR_APIC_BASE, off);
            if (from > 0)
                wrmsr(MSR_APIC_BASE, xapic);
            wrmsr(MSR_APIC_BASE, states[from]);
            bool is_fault = base_faults(targets[to]);
            uint64_t now = rdmsr(MSR_APIC_BASE);
            if (is_fault == legal[from][to] || now != (is_fault ? states[from] : targets[to]))
                wrong |= 1u << (4 * from + to);
        }
    wrmsr(MSR_APIC_BASE, off);
    bool has_flag = cpuid(1, 0).edx >> 9 & 1;
    volatile uint32_t *tpr = (volatile uint32_t *)(APIC_PAGE + APIC_TPR);
    *tpr = 0x40;
    wrmsr(MSR_APIC_BASE, xapic);
    uint32_t tpr_after = *tpr;
    this_cpu()->x2apic = false;
    apic_init();
    report_equal(wrong, 0, "transitions between disabled, xAPIC and x2APIC mode");
    report(!has_flag && cpuid(1, 0).edx >> 9 & 1, "CPUID tells of the APIC while it is enabled");
    report_equal(tpr_after, 0, "a disabled APIC's page is not there");
    bool is_reserved = true;
    for (uint32_t b = 0; b < 64; b++)
        if (b < 8 || b == 9 || b >= (cpuid(0x80000008, 0).eax & 0xff))
            is_reserved = is_reserved && base_faults(xapic | 1ull << b);
    report(is_reserved, "reserved bits of IA32_APIC_BASE are #GP");
    wrmsr(MSR_APIC_BASE, (xapic & ~APIC_PAGE) | 0xfed00000);
    uint32_t moved = *(volatile uint32_t *)(0xfed00000ull + APIC_VERSION);
    wrmsr(MSR_APIC_BASE, xapic);
    report_equal(moved, apic_read(APIC_VERSION), "the page moves with the base");
}

static void check_software_disable(void)
{
    counts[0] = 0;
    apic_write(APIC_LVT_TIMER, VECTOR);
    apic_self_ipi(VECTOR);
    settle();
    apic_write(APIC_SVR, VECTOR_SPURIOUS);
    uint32_t lvt = apic_read(APIC_LVT_TIMER);
    apic_write(APIC_LVT_TIMER, VECTOR);
    uint32_t again = apic_read(APIC_LVT_TIMER);
    uint32_t pending = apic_is_set(APIC_IRR, VECTOR);
    apic_write(APIC_SVR, APIC_SVR_ENABLE | VECTOR_SPURIOUS);
    sti_nop_cli();
    apic_write(APIC_LVT_TIMER, APIC_LVT_MASKED);
    if (is_qemu())
        report_skip("QEMU's software disable does not touch the local vector table");
    else
        report(lvt & again & APIC_LVT_MASKED, "software disable masks the local vector table and keeps it masked");
    report(pending == 1 && counts[0] == 1, "what was pending is held and delivered later");
    if (is_qemu())
        return;
    apic_write(APIC_SVR, VECTOR_SPURIOUS);
    apic_self_ipi(VECTOR);
    settle();
    pending = apic_is_set(APIC_IRR, VECTOR);
    apic_write(APIC_SVR, APIC_SVR_ENABLE | VECTOR_SPURIOUS);
    sti_nop_cli();
    report(pending == 0 && counts[0] == 1, "a fixed interrupt for a software-disabled APIC is dropped");
}

/* --- destinations --- */

struct logical {
    uint32_t dfr, ldr;
};
static uint64_t set_logical(void *arg)
{
    const struct logical *l = arg;
    apic_write(APIC_DFR, l->dfr);
    apic_write(APIC_LDR, l->ldr);
    return 0;
}
static uint64_t set_tpr(void *arg)
{
    apic_write(APIC_TPR, (uint32_t)(uint64_t)arg);
    return 0;
}

static uint32_t takers(uint32_t destination, uint32_t low)
{
    for (uint32_t i = 0; i < cores; i++)
        counts[i] = 0;
    apic_send(destination, low | ICR_ASSERT | VECTOR);
    sti();
    settle();
    cli();
    uint32_t bits = 0;
    for (uint32_t i = 0; i < cores && i < 32; i++)
        bits |= (counts[i] == 1 ? 1u : 0u) << i;
    return bits;
}

/* Two members in each cluster: core i is bit i % 2 of cluster i / 2. */
static void check_cluster(void)
{
    uint32_t members = cores < 8 ? cores : 8, wrong = 0;
    for (uint32_t i = 0; i < members; i++) {
        struct logical l = {0x0fffffff, ((i / 2) << 4 | 1u << i % 2) << 24};
        on_cpu(i, set_logical, &l);
    }
    for (uint32_t mda = 0; mda < 0xff; mda++) {
        if ((mda & 0xc) == 0xc && mda >> 4 > members / 2)
            continue; /* nobody lives there: a few will do */
        uint32_t want = 0;
        for (uint32_t i = 0; i < members; i++)
            want |= (mda >> 4 == i / 2 && mda >> i % 2 & 1 ? 1u : 0u) << i;
        if (mda < 0x50 && takers(mda, ICR_LOGICAL) != want)
            wrong++;
    }
    report_equal(wrong, 0, "cluster model: cluster and member bits choose");
    for (uint32_t i = 0; i < members; i++) {
        struct logical l = {0xffffffff, (1u << i) << 24};
        on_cpu(i, set_logical, &l);
    }
    wrong = 0;
    uint32_t flat = members < 4 ? members : 4;
    for (uint32_t mda = 1; mda < 1u << flat; mda++)
        wrong += takers(mda, ICR_LOGICAL) != mda;
    report_equal(wrong, 0, "flat model: every set of cores");
}

static void check_lowest(void)
{
    uint32_t members = cores < 4 ? cores : 4, all = (1u << members) - 1;
    if (is_qemu() || cores < 2) {
        report_skip("lowest priority by TPR: needs two cores, and QEMU does not look at it");
        return;
    }
    for (uint32_t lowest = 0; lowest < members; lowest++) {
        for (uint32_t i = 0; i < members; i++)
            on_cpu(i, set_tpr, (void *)(uint64_t)(i == lowest ? 0x10 : 0x40));
        report_equal(takers(all, ICR_LOGICAL | ICR_LOWEST), 1u << lowest, "lowest priority chooses core %u", lowest);
    }
    for (uint32_t i = 0; i < members; i++)
        on_cpu(i, set_tpr, NULL);
}

static void check_shorthands(void)
{
    uint32_t all = (uint32_t)((1ull << cores) - 1);
    report_equal(takers(0, ICR_SELF), 1, "self");
    report_equal(takers(0, ICR_ALL), all, "all including self");
    report_equal(takers(0, ICR_OTHERS), all & ~1u, "all excluding self");
    if (is_qemu()) {
        report_skip("QEMU sends invalid combinations and illegal vectors");
        return;
    }
    report_equal(takers(0, ICR_SELF | ICR_LOWEST) | takers(0, ICR_ALL | ICR_LOWEST), 0,
                 "lowest priority to self or to all: invalid, nothing is sent");
    report_equal(takers(this_cpu()->apic_id, 0x300) | takers(this_cpu()->apic_id, 0x700), 0,
                 "reserved delivery mode and ExtINT: nothing is sent");
    if (cores >= 2) {
        apic_send(cpus[1].apic_id, INIT_DEASSERT);
        settle();
        report_equal(takers(cpus[1].apic_id, 0), 2, "INIT level de-assert does not reset a core");
    }
}

static void check_errors(void)
{
    if (is_qemu()) {
        report_skip("QEMU's ESR knows no illegal vectors");
        return;
    }
    error_count = 0;
    apic_write(APIC_LVT_ERROR, ERROR_VECTOR);
    apic_write(APIC_ESR, 0);
    apic_write(APIC_ESR, 0);
    for (uint32_t vector = 0; vector < 16; vector++) {
        apic_send(this_cpu()->apic_id, ICR_ASSERT | vector);
        settle();
        sti_nop_cli();
        apic_write(APIC_ESR, 0);
        if (apic_read(APIC_ESR) != 0x20)
            report(false, "sending vector %u: ESR %x", vector, apic_read(APIC_ESR));
    }
    report_equal(error_count, 16, "each illegal vector raises the error interrupt");
    apic_send(this_cpu()->apic_id, ICR_ASSERT | 3);
    (void)*(volatile uint32_t *)(APIC_PAGE + 0x40);
    sti_nop_cli();
    report_equal(error_count, 17, "the error interrupt is re-armed by a write to ESR only");
    uint32_t before = apic_read(APIC_ESR);
    apic_write(APIC_ESR, 0);
    report(before == 0x20 && apic_read(APIC_ESR) == 0xa0, "ESR gathers errors until it is written");
    apic_write(APIC_ESR, 0);
    report_equal(apic_read(APIC_ESR), 0, "and forgets them at the next write");
    apic_write(APIC_LVT_ERROR, APIC_LVT_MASKED);
}

static void do_write_deadline(void *arg) { wrmsr(MSR_TSC_DEADLINE, *(const uint64_t *)arg); }

static void check_deadline(void)
{
    if (!(cpuid(1, 0).ecx >> 24 & 1)) {
        report_skip("no TSC-deadline mode");
        return;
    }
    counts[0] = 0;
    apic_write(APIC_LVT_TIMER, 0x40000 | VECTOR);
    uint64_t at = rdtsc() + 100000;
    struct trap t = test_for_exception(do_write_deadline, &at);
    report(!t.is_raised && rdmsr(MSR_TSC_DEADLINE) == at, "TSC-deadline mode: the deadline reads back");
    sti();
    (void)wait_until(counts[0] > 0);
    cli();
    report(counts[0] == 1 && rdtsc() >= at && rdmsr(MSR_TSC_DEADLINE) == 0, "it fires once, at its time");
    apic_write(APIC_LVT_TIMER, APIC_LVT_MASKED);
    wrmsr(MSR_TSC_DEADLINE, at);
    report_equal(rdmsr(MSR_TSC_DEADLINE), 0, "in other modes the MSR is dead");
}

int guest_main(void)
{
    trap_install(VECTOR, on_vector);
    trap_install(ERROR_VECTOR, on_error);
    check_transitions();
    check_software_disable();
    check_errors();
    check_deadline();
    cores = smp_start();
    check_cluster();
    check_lowest();
    check_shorthands();
    return report_summary();
}
