/* SPDX-License-Identifier: Apache-2.0 */
/* The local APIC of one core: registers, self-IPIs, priorities and nesting, EOI, timer; first in xAPIC mode, then the
 * same in x2APIC mode. SDM Vol. 3A, "Advanced Programmable Interrupt Controller (APIC)".
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

const char test_name[] = "apic";

enum { LOW = 0x41, LOW_SAME_CLASS = 0x45, MIDDLE = 0x61, HIGH = 0x91, TIMER = 0x71 };

static const char *mode;
static volatile uint32_t count, order_length;
static volatile uint8_t order[16];
static volatile uint64_t ticks[8];

static bool on_count(struct trap_frame *f)
{
    if (order_length < sizeof order)
        order[order_length++] = (uint8_t)f->vector;
    count = count + 1;
    apic_eoi();
    return true;
}

static void clear(void)
{
    count = 0;
    order_length = 0;
}

static void check_registers(void)
{
    report_equal(apic_id(), cpuid(1, 0).ebx >> 24, "%s: ID is CPUID's initial APIC ID", mode);
    uint32_t version = apic_read(APIC_VERSION);
    report((version & 0xff) >= 0x10 && (version & 0xff) < 0x20 && (version >> 16 & 0xff) >= 3, "%s: version %x", mode,
           version);
    uint32_t svr = apic_read(APIC_SVR);
    report((svr & 0x1ff) == (APIC_SVR_ENABLE | VECTOR_SPURIOUS), "%s: SVR reads back (%x)", mode, svr);
    apic_write(APIC_TPR, 0x35);
    report_equal(apic_read(APIC_TPR), 0x35, "%s: TPR reads back", mode);
    report_equal(read_cr8(), 3, "%s: CR8 is TPR's class", mode);
    report_equal(apic_read(APIC_PPR), 0x35, "%s: PPR follows TPR while nothing is in service", mode);
    write_cr8(9);
    report_equal(apic_read(APIC_TPR), 0x90, "%s: CR8 sets TPR", mode);
    write_cr8(0);
    report_equal(apic_read(APIC_TPR), 0, "%s: CR8 = 0 clears TPR", mode);
    apic_write(APIC_LVT_ERROR, 0xfe);
    report_equal(apic_read(APIC_LVT_ERROR), 0xfe, "%s: LVT error reads back", mode);
    apic_write(APIC_LVT_ERROR, APIC_LVT_MASKED);
    bool is_clear = true;
    for (uint32_t i = 0; i < 8; i++)
        is_clear = is_clear && apic_read(APIC_ISR + 16 * i) == 0 && apic_read(APIC_IRR + 16 * i) == 0;
    report(is_clear, "%s: IRR and ISR are empty", mode);
}

static void check_self(void)
{
    clear();
    trap_install(LOW, on_count);
    apic_self_ipi(LOW);
    settle();
    report(apic_is_set(APIC_IRR, LOW) && count == 0, "%s: with IF = 0 a self-IPI waits in IRR", mode);
    apic_self_ipi(LOW);
    settle();
    sti_nop_cli();
    report_equal(count, 1, "%s: two of one vector are one interrupt", mode);
    report(!apic_is_set(APIC_IRR, LOW) && !apic_is_set(APIC_ISR, LOW), "%s: IRR and ISR are empty after EOI", mode);
    sti();
    apic_self_ipi(LOW);
    (void)wait_until(count == 2);
    cli();
    report_equal(count, 2, "%s: with IF = 1 a self-IPI interrupts", mode);
    apic_send(apic_id(), ICR_FIXED | ICR_ASSERT | LOW);
    settle();
    sti_nop_cli();
    report_equal(count, 3, "%s: an IPI to the own ID arrives", mode);
}

/* STI's shadow and MOV SS. */
static void check_shadow(void)
{
    clear();
    apic_self_ipi(LOW);
    settle();
    __asm__ volatile("sti; cli" ::: "memory");
    if (is_qemu())
        report_skip("%s: QEMU's STI; CLI may let an interrupt in", mode);
    else
        report_equal(count, 0, "%s: STI; CLI lets nothing in", mode);
    sti_nop_cli();
    report_equal(count, 1, "%s: STI; NOP does", mode);
}

static void check_priority(void)
{
    clear();
    trap_install(MIDDLE, on_count);
    trap_install(HIGH, on_count);
    apic_self_ipi(LOW);
    apic_self_ipi(HIGH);
    apic_self_ipi(MIDDLE);
    settle();
    sti_nop_cli();
    (void)wait_until(count == 3 || (sti_nop_cli(), count == 3));
    report(count == 3 && order[0] == HIGH && order[1] == MIDDLE && order[2] == LOW, "%s: higher vectors come first",
           mode);

    clear();
    apic_write(APIC_TPR, 0x60);
    apic_self_ipi(LOW);
    apic_self_ipi(MIDDLE);
    apic_self_ipi(HIGH);
    settle();
    sti_nop_cli();
    report(count == 1 && order[0] == HIGH, "%s: TPR 60H holds back classes up to 6", mode);
    report(apic_is_set(APIC_IRR, LOW) && apic_is_set(APIC_IRR, MIDDLE), "%s: what is held back stays in IRR", mode);
    write_cr8(5);
    sti_nop_cli();
    report(count == 2 && order[1] == MIDDLE, "%s: CR8 = 5 lets class 6 in", mode);
    write_cr8(0);
    sti_nop_cli();
    report(count == 3 && order[2] == LOW, "%s: CR8 = 0 lets all in", mode);
}

static volatile uint32_t state_in_handler, ppr_in_handler, nested_count;

static bool on_nesting(struct trap_frame *f)
{
    (void)f;
    state_in_handler = (uint32_t)apic_is_set(APIC_ISR, MIDDLE) | (uint32_t)apic_is_set(APIC_IRR, MIDDLE) << 1;
    ppr_in_handler = apic_read(APIC_PPR);
    apic_self_ipi(LOW);
    apic_self_ipi(HIGH);
    settle();
    sti_nop_cli(); /* HIGH interrupts this handler, LOW does not */
    nested_count = count;
    state_in_handler |= (uint32_t)apic_is_set(APIC_IRR, LOW) << 2;
    apic_eoi();
    return true;
}

static void check_nesting(void)
{
    clear();
    trap_install(MIDDLE, on_nesting);
    apic_self_ipi(MIDDLE);
    settle();
    sti_nop_cli();
    sti_nop_cli();
    report((state_in_handler & 3) == 1, "%s: in service: ISR set, IRR clear", mode);
    report_equal(ppr_in_handler & 0xf0, MIDDLE & 0xf0, "%s: PPR is the class in service", mode);
    report(nested_count == 1 && order[0] == HIGH, "%s: a higher class nests", mode);
    report(state_in_handler & 4 && count == 2 && order[1] == LOW, "%s: a lower class waits for EOI", mode);
    trap_install(MIDDLE, on_count);
}

static volatile uint32_t same_class_early;
static bool on_same_class(struct trap_frame *f)
{
    (void)f;
    apic_self_ipi(LOW_SAME_CLASS);
    settle();
    sti_nop_cli();
    same_class_early = count;
    apic_eoi();
    return true;
}

static void check_same_class(void)
{
    clear();
    trap_install(LOW, on_same_class);
    trap_install(LOW_SAME_CLASS, on_count);
    apic_self_ipi(LOW);
    settle();
    sti_nop_cli();
    sti_nop_cli();
    report(same_class_early == 0 && count == 1, "%s: the same class waits for EOI", mode);
    trap_install(LOW, on_count);
}

static bool on_tick(struct trap_frame *f)
{
    (void)f;
    if (count < 8)
        ticks[count] = rdtsc();
    count = count + 1;
    apic_eoi();
    return true;
}

static void check_timer(void)
{
    const uint32_t period = is_qemu() ? 1000000 : 2000; /* timer ticks, each up to about 100 TSC cycles */
    trap_install(TIMER, on_tick);

    clear();
    apic_timer(TIMER, APIC_TIMER_ONE_SHOT, period);
    uint32_t first = apic_read(APIC_TIMER_CURRENT);
    uint32_t second = apic_read(APIC_TIMER_CURRENT);
    for (int i = 0; i < 1000 && second == first; i++)
        second = apic_read(APIC_TIMER_CURRENT);
    report(first <= period && second < first, "%s: timer counts down (%u, %u)", mode, first, second);
    sti();
    (void)wait_until(count > 0);
    report_equal(count, 1, "%s: one-shot timer fires", mode);
    settle();
    delay(200ull * period);
    cli();
    report(count == 1 && apic_read(APIC_TIMER_CURRENT) == 0, "%s: one-shot timer fires once and stands at 0", mode);

    clear();
    apic_timer(TIMER, APIC_TIMER_PERIODIC, period);
    sti();
    (void)wait_until(count >= 5);
    cli();
    report(count >= 5, "%s: periodic timer goes on firing", mode);
    report(apic_read(APIC_TIMER_CURRENT) <= period, "%s: periodic timer reloads", mode);
    if (!is_qemu()) {
        uint64_t least = ticks[2] - ticks[1], most = least;
        for (int i = 2; i < 4; i++) {
            uint64_t d = ticks[i + 1] - ticks[i];
            least = d < least ? d : least;
            most = d > most ? d : most;
        }
        report(most - least <= most / 20, "%s: periods are even (%lu to %lu TSC cycles)", mode, least, most);
    }
    apic_timer_stop();
    sti_nop_cli();

    clear();
    apic_timer(TIMER, APIC_TIMER_ONE_SHOT | APIC_LVT_MASKED, period);
    sti();
    bool has_counted = wait_until(apic_read(APIC_TIMER_CURRENT) == 0);
    settle();
    cli();
    report(count == 0, "%s: masked timer does not fire", mode);
    report(has_counted, "%s: but it counts", mode);

    clear();
    apic_timer(TIMER, APIC_TIMER_ONE_SHOT, 4000000000u);
    apic_write(APIC_TIMER_INITIAL, 0);
    report(apic_read(APIC_TIMER_CURRENT) == 0 && count == 0, "%s: initial count 0 stops the timer", mode);

    clear();
    apic_write(APIC_TIMER_DIVIDE, APIC_TIMER_DIVIDE_BY_16);
    report_equal(apic_read(APIC_TIMER_DIVIDE), APIC_TIMER_DIVIDE_BY_16, "%s: divide configuration reads back", mode);
    uint64_t start = rdtsc();
    apic_write(APIC_LVT_TIMER, APIC_TIMER_ONE_SHOT | TIMER);
    apic_write(APIC_TIMER_INITIAL, period / 4);
    sti();
    (void)wait_until(count > 0);
    cli();
    report(count == 1 && ticks[0] > start, "%s: divided timer fires", mode);

    clear();
    apic_timer(TIMER, APIC_TIMER_ONE_SHOT, period);
    while (count == 0)
        sti_hlt(); /* IF was 0 up to here: the timer cannot fire between the test and HLT */
    cli();
    report_equal(count, 1, "%s: the timer ends HLT", mode);
    apic_timer_stop();
}

static void check_errors(void)
{
    if (is_qemu()) {
        report_skip("%s: QEMU delivers illegal vectors", mode);
        return;
    }
    clear();
    trap_install(0xfe, on_count);
    apic_write(APIC_LVT_ERROR, 0xfe);
    apic_write(APIC_ESR, 0);
    apic_send(apic_id(), ICR_FIXED | ICR_ASSERT | 5);
    settle();
    apic_write(APIC_ESR, 0);
    uint32_t esr = apic_read(APIC_ESR);
    sti_nop_cli();
    report(esr & 0x60 && count == 1, "%s: an IPI with vector 5 is an error (ESR %x, %u interrupts)", mode, esr, count);
    apic_write(APIC_LVT_ERROR, APIC_LVT_MASKED);
    apic_write(APIC_ESR, 0);
}

static void check_all(const char *name)
{
    mode = name;
    check_registers();
    check_self();
    check_shadow();
    check_priority();
    check_nesting();
    check_same_class();
    check_timer();
    check_errors();
}

static void read_msr(void *arg) { rdmsr((uint32_t)(uint64_t)arg); }
struct msr_write {
    uint32_t msr;
    uint64_t value;
};
static void write_msr(void *arg)
{
    const struct msr_write *w = arg;
    wrmsr(w->msr, w->value);
}
static void expect_gp(const char *what, void (*fn)(void *), void *arg)
{
    struct trap t = test_for_exception(fn, arg);
    report(t.is_raised && t.vector == VECTOR_GP && t.error == 0, "x2APIC: %s: #GP(0) (raised %d, %u)", what,
           t.is_raised, t.vector);
}
static void expect_write_gp(const char *what, uint32_t msr, uint64_t value)
{
    expect_gp(what, write_msr, &(struct msr_write){msr, value});
}

static void check_x2apic(void)
{
    expect_gp("ID MSR in xAPIC mode", read_msr, (void *)0x802);
    apic_enter_x2apic();
    report((rdmsr(MSR_APIC_BASE) & 0xc00) == 0xc00, "x2APIC: IA32_APIC_BASE reads back EN and EXTD");
    check_all("x2APIC");
    uint32_t id = apic_read(APIC_ID);
    report_equal(apic_read(APIC_LDR), (id & 0xffff0) << 12 | 1u << (id & 15), "x2APIC: LDR follows from the ID");
    clear();
    wrmsr(0x83f, LOW);
    settle();
    report(apic_is_set(APIC_IRR, LOW), "x2APIC: SELF IPI MSR sets IRR");
    sti_nop_cli();
    report_equal(count, 1, "x2APIC: SELF IPI interrupts");
    expect_gp("read of SELF IPI", read_msr, (void *)0x83f);
    expect_gp("read of EOI", read_msr, (void *)0x80b);
    expect_gp("read of DFR", read_msr, (void *)0x80e);
    expect_gp("read of ICR 63:32's former place", read_msr, (void *)0x831);
    expect_gp("read of a register that does not exist", read_msr, (void *)0x8ff);
    expect_write_gp("write of ID", 0x802, 0);
    expect_write_gp("write of 1 to EOI", 0x80b, 1);
    expect_write_gp("write of 1 to ESR", 0x828, 1);
    expect_write_gp("write of reserved bits of TPR", 0x808, 0x100);
    expect_write_gp("write of reserved bits of SVR", 0x80f, 0x100000000);
    expect_write_gp("write of reserved bits of SELF IPI", 0x83f, 0x141);
    expect_write_gp("x2APIC to xAPIC directly", MSR_APIC_BASE,
                    (rdmsr(MSR_APIC_BASE) & ~(uint64_t)MSR_APIC_BASE_X2APIC) | MSR_APIC_BASE_ENABLE);
    apic_leave_x2apic();
    report(!(rdmsr(MSR_APIC_BASE) & MSR_APIC_BASE_X2APIC), "x2APIC: through disabled back to xAPIC");
    expect_write_gp("EXTD without EN", MSR_APIC_BASE,
                    (rdmsr(MSR_APIC_BASE) & ~(uint64_t)MSR_APIC_BASE_ENABLE) | MSR_APIC_BASE_X2APIC);
    mode = "xAPIC again";
    check_self();
}

int guest_main(void)
{
    check_all("xAPIC");
    if (apic_has_x2apic())
        check_x2apic();
    else
        report_skip("no x2APIC on this machine");
    return report_summary();
}
