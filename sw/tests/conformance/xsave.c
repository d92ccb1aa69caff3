/* SPDX-License-Identifier: Apache-2.0 */
/* XSAVES and XRSTORS of state component 14: layout, what saving changes, what restoring checks. Group X. At CPL 0, as
 * the instructions are; what follows at CPL 3 is checked there. SDM Vol. 1, "User-Interrupt State", "Operation of
 * XSAVES", "Operation of XRSTORS".
 */
#include "xsave.h"
#include "conformance.h"
#include "string.h"

const char test_name[] = "conf_xsave";

static struct xsave_area area, other;

/* Values of the registers in the order of the MSRs' numbers, and of the image. */
#define RR 0x8000000000000102ull
#define HANDLER 0xffff800000123456ull
#define ADJUST 0x87ull
#define UITTSZ 0x12345678ull
#define UINV 0xecull
#define MISC (UINV << UINTR_MISC_UINV_SHIFT | UITTSZ)
#define PD 0x0000700000000040ull
#define TT 0x0000600000000011ull

static void load_registers(void)
{
    wrmsr(MSR_UINTR_RR, RR);
    wrmsr(MSR_UINTR_HANDLER, HANDLER);
    wrmsr(MSR_UINTR_STACKADJUST, ADJUST);
    wrmsr(MSR_UINTR_MISC, MISC);
    wrmsr(MSR_UINTR_PD, PD);
    wrmsr(MSR_UINTR_TT, TT);
    stui();
}
static bool has_registers(uint64_t uinv)
{
    return rdmsr(MSR_UINTR_RR) == RR && rdmsr(MSR_UINTR_HANDLER) == HANDLER && rdmsr(MSR_UINTR_STACKADJUST) == ADJUST &&
           rdmsr(MSR_UINTR_MISC) == (uinv << UINTR_MISC_UINV_SHIFT | UITTSZ) && rdmsr(MSR_UINTR_PD) == PD &&
           rdmsr(MSR_UINTR_TT) == TT;
}
static bool is_initial(void)
{
    uint64_t all = 0;
    for (uint32_t msr = MSR_UINTR_RR; msr <= MSR_UINTR_TT; msr++)
        all |= rdmsr(msr);
    return all == 0 && !testui();
}
static void fill(struct xsave_area *a)
{
    memset(a, 0xa5, sizeof *a);
    memset(&a->xstate_bv, 0, 64);
}
/* The component is the first after the header if the mask has only x87 and SSE besides it. */
static struct uintr_xstate *component(struct xsave_area *a) { return (struct uintr_xstate *)a->extended; }
static bool is_filled(const void *bytes, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (((const uint8_t *)bytes)[i] != 0xa5)
            return false;
    return true;
}

static void do_xsaves(void *arg) { xsaves(arg, XSTATE_UINTR); }
static void do_xrstors(void *arg) { xrstors(arg, XSTATE_UINTR); }
static void do_xrstor(void *arg) { xrstor(arg, XSTATE_UINTR | 3); }
static uint64_t user_xsaves(void *arg)
{
    xsaves(arg, XSTATE_UINTR);
    return 0;
}
static uint64_t user_xrstors(void *arg)
{
    xrstors(arg, XSTATE_UINTR);
    return 0;
}

static void check_save(void)
{
    uintr_setup_self();
    load_registers();
    fill(&area);
    xsaves(&area, XSTATE_UINTR);
    const struct uintr_xstate *c = component(&area);
    const uint8_t *bytes = area.extended;
    report(area.xstate_bv == XSTATE_UINTR && area.xcomp_bv == (XCOMP_COMPACTED | XSTATE_UINTR), "X01 header (%lx, %lx)",
           area.xstate_bv, area.xcomp_bv);
    report(c->handler == HANDLER && c->stack_adjust == ADJUST && c->pd == PD && c->rr == RR && c->tt == TT,
           "X01 HANDLER, STACKADJUST, PD, RR, TT in this order, 8 bytes each around MISC");
    report(*(const uint32_t *)(bytes + 16) == UITTSZ && bytes[20] == UINV && bytes[21] == 0 && bytes[22] == 0 &&
               bytes[23] == 0x80,
           "X01 UITTSZ, UINV at 20, zeros, UIF in bit 7 of byte 23 (%x)", bytes[23]);
    report(is_filled(bytes + 48, 16), "X01 48 bytes and no more");
    report(has_registers(0) && testui(), "X02 UINV is 0 afterwards; UITTSZ, the other MSRs and UIF are unchanged");
    fill(&other);
    xsaves(&other, XSTATE_UINTR);
    report(component(&other)->misc == (1ull << 63 | UITTSZ) && other.xstate_bv == XSTATE_UINTR,
           "X03 the second of two XSAVES stores UINV = 0");
    uintr_reset();
    fill(&area);
    xsaves(&area, XSTATE_UINTR);
    report(area.xstate_bv == 0 && area.xcomp_bv == (XCOMP_COMPACTED | XSTATE_UINTR) && is_filled(area.extended, 64),
           "X04 initial state: XSTATE_BV[14] = 0, nothing written");
    stui();
    xsaves(&area, XSTATE_UINTR);
    report(area.xstate_bv == XSTATE_UINTR && component(&area)->misc == 1ull << 63, "X05 UIF alone makes it in use");
    clui();
    static const uint64_t single[] = {1, 0x1000, 1, 1, 0x40, 1};
    for (uint32_t i = 0; i < 6; i++) {
        uintr_reset();
        wrmsr(MSR_UINTR_RR + i, single[i]);
        fill(&area);
        xsaves(&area, XSTATE_UINTR);
        report(area.xstate_bv == XSTATE_UINTR, "X05 so does MSR %x alone", MSR_UINTR_RR + i);
    }
    uintr_reset();
}

static void check_placement(void)
{
    load_registers();
    fill(&area);
    xsaves(&area, XSTATE_UINTR | 3);
    report(area.xcomp_bv == (XCOMP_COMPACTED | XSTATE_UINTR | 3) &&
               *(const uint64_t *)((const uint8_t *)&area + 0x240) == HANDLER,
           "X06 offset 240H after x87 and SSE");
    uint64_t user = cpuid(0xd, 0).eax;
    if (user & XSTATE_AVX) {
        xsetbv(7);
        fill(&area);
        xsaves(&area, XSTATE_UINTR | 7);
        report(*(const uint64_t *)((const uint8_t *)&area + 0x340) == HANDLER, "X06 offset 340H after AVX");
        xsetbv(3);
    }
    wrmsr(MSR_UINTR_MISC, MISC);
    fill(&area);
    xsaves(&area, 3);
    report(has_registers(UINV) && is_filled(area.extended, 64) && !(area.xcomp_bv & XSTATE_UINTR),
           "X07 without EAX[14] the component is not written, UINV stays");
    wrmsr(MSR_XSS, 0);
    fill(&area);
    xsaves(&area, XSTATE_UINTR | 3);
    report(has_registers(UINV) && is_filled(area.extended, 64) && !(area.xcomp_bv & XSTATE_UINTR),
           "X07 nor without IA32_XSS[14]");
    wrmsr(MSR_XSS, XSTATE_UINTR);
    fill(&area);
    xsave(&area, XSTATE_UINTR | 3);
    bool is_right = !(area.xstate_bv & XSTATE_UINTR) && is_filled(area.extended, 64) && has_registers(UINV);
    fill(&area);
    xsavec(&area, XSTATE_UINTR | 3);
    report(is_right && !((area.xstate_bv | area.xcomp_bv) & XSTATE_UINTR) && is_filled(area.extended, 64) &&
               has_registers(UINV),
           "X08 XSAVE and XSAVEC ignore EAX[14]");
    xrstor(&area, XSTATE_UINTR | 3);
    report(has_registers(UINV), "X08 XRSTOR too");
    area.xcomp_bv |= XSTATE_UINTR;
    expect_trap(test_for_exception(do_xrstor, &area), "X08 XRSTOR of an image with XCOMP_BV[14]", VECTOR_GP, 0);
    uintr_reset();
}

/* A valid image of distinct values with UINV. */
static void make_image(void)
{
    fill(&area);
    area.xstate_bv = XSTATE_UINTR;
    area.xcomp_bv = XCOMP_COMPACTED | XSTATE_UINTR;
    *component(&area) = (struct uintr_xstate){HANDLER, ADJUST, 1ull << 63 | MISC, PD, RR, TT};
}
static bool is_refused(void)
{
    struct trap t = test_for_exception(do_xrstors, &area);
    return is_exception(t, VECTOR_GP, 0);
}

static void check_restore(void)
{
    make_image();
    uintr_reset();
    xrstors(&area, XSTATE_UINTR);
    report(has_registers(UINV) && testui(), "X09 all six MSRs and UIF are restored");
    component(&area)->rr = 1;
    report(is_refused() && has_registers(UINV) && testui(), "X10 while UINV is not 0: #GP, no register changes");
    uintr_reset();
    make_image();
    component(&area)->misc = MISC;
    xrstors(&area, XSTATE_UINTR);
    report(has_registers(UINV) && !testui(), "X09 UIF = 0 is restored too");
    set_uinv(0);
    stui();
    area.xstate_bv = 0;
    xrstors(&area, XSTATE_UINTR);
    report(is_initial(), "X11 XSTATE_BV[14] = 0: everything is 0, UIF too");
    uintr_record_count = 0;
    run_in_user(user_open_window, NULL);
    report_equal(uintr_record_count, 0, "X11 and nothing is pending");
}

static void check_image(void)
{
    static const struct {
        const char *name;
        unsigned field; /* qword of the image */
        unsigned first, last;
    } reserved[] = {{"X13 MISC bits 62:40", 2, 40, 62}, {"X14 PD bits 5:0", 3, 0, 5}, {"X14 TT bits 3:1", 5, 1, 3}};
    static const unsigned addresses[] = {0, 1, 3, 5};
    uint64_t *qwords = (uint64_t *)area.extended;
    uintr_reset();
    wrmsr(MSR_UINTR_HANDLER, 0x5000);
    for (unsigned i = 0; i < 4; i++) {
        make_image();
        qwords[addresses[i]] = NONCANONICAL;
        report(is_refused() && rdmsr(MSR_UINTR_HANDLER) == 0x5000, "X12 qword %u of the image not canonical: #GP",
               addresses[i]);
        report_equal(rdmsr(MSR_UINTR_MISC), 0, "X15 UINV is 0 afterwards");
    }
    for (unsigned i = 0; i < 3; i++) {
        bool is_gp = true;
        for (unsigned bit = reserved[i].first; bit <= reserved[i].last; bit++) {
            make_image();
            qwords[reserved[i].field] |= 1ull << bit;
            is_gp = is_gp && is_refused() && rdmsr(MSR_UINTR_MISC) == 0;
        }
        report(is_gp, "%s of the image: #GP each", reserved[i].name);
        report_equal(rdmsr(MSR_UINTR_MISC), 0, "X15 UINV is 0 afterwards");
    }
    make_image();
    report(!test_for_exception(do_xrstors, &area).is_raised && testui(), "X13 bit 63 of MISC is accepted: it is UIF");
    uintr_reset();
}

uint64_t user_nothing(void *arg);
__asm__(".text\n.globl user_nothing\nuser_nothing: nop; nop; ret");

/* What is pending follows the image. */
static void check_recognition(void)
{
    uintr_setup_self();
    make_image();
    *component(&area) = (struct uintr_xstate){(uint64_t)uintr_record_handler, 0x80, 1ull << 63, 0, 1ull << 41, 0};
    set_uinv(0);
    xrstors(&area, XSTATE_UINTR);
    uintr_record_count = 0;
    report(rdmsr(MSR_UINTR_RR) == 1ull << 41 && testui(),
           "X16 UIRR and UIF come from the image, nothing is delivered at CPL 0");
    run_in_user(user_nothing, NULL);
    report(uintr_record_count == 1 && uintr_records[0].vector == 41 &&
               *(const uint16_t *)uintr_records[0].rip == 0xd0ff,
           "X16 delivered at CPL 3 before the first instruction there");
    wrmsr(MSR_UINTR_RR, 1 << 5);
    stui();
    component(&area)->rr = 0;
    xrstors(&area, XSTATE_UINTR);
    uintr_record_count = 0;
    run_in_user(user_nothing, NULL);
    report(uintr_record_count == 0 && rdmsr(MSR_UINTR_RR) == 0, "X17 an image with UIRR = 0 ends what was pending");
    wrmsr(MSR_UINTR_RR, 1 << 5);
    area.xstate_bv = 0;
    xrstors(&area, XSTATE_UINTR);
    wrmsr(MSR_UINTR_HANDLER, (uint64_t)uintr_record_handler);
    stui();
    run_in_user(user_nothing, NULL);
    report_equal(uintr_record_count, 0, "X17 so does the initial state");
    uintr_reset();
}

static void check_conditions(void)
{
    make_image();
    uintr_reset();
    expect_trap(user_exception(user_xsaves, &other), "X18 XSAVES at CPL 3", VECTOR_GP, 0);
    expect_trap(user_exception(user_xrstors, &area), "X18 XRSTORS at CPL 3", VECTOR_GP, 0);
    write_cr4(read_cr4() & ~(uint64_t)CR4_OSXSAVE);
    struct trap t = test_for_exception(do_xsaves, &other), u = test_for_exception(do_xrstors, &area);
    struct trap v = user_exception(user_xsaves, &other);
    write_cr4(read_cr4() | CR4_OSXSAVE);
    report(is_exception(t, VECTOR_UD, 0) && is_exception(u, VECTOR_UD, 0) && is_exception(v, VECTOR_UD, 0),
           "X18 with CR4.OSXSAVE = 0: #UD at CPL 0 and 3");
    report(is_exception(test_for_exception(do_xsaves, (uint8_t *)&other + 8), VECTOR_GP, 0),
           "X18 a misaligned area: #GP");

    load_registers();
    write_cr4(read_cr4() & ~(uint64_t)CR4_UINTR);
    fill(&other);
    xsaves(&other, XSTATE_UINTR);
    bool is_saved =
        component(&other)->handler == HANDLER && component(&other)->misc == (1ull << 63 | MISC) && has_registers(0);
    other.xstate_bv = 0;
    xrstors(&other, XSTATE_UINTR);
    uint64_t handler = rdmsr(MSR_UINTR_HANDLER);
    other.xstate_bv = XSTATE_UINTR;
    xrstors(&other, XSTATE_UINTR);
    report(is_saved && handler == 0 && has_registers(UINV), "X19 both work with CR4.UINTR = 0");
    uintr_enable();
    report(testui(), "X19 and carry UIF");
    uintr_reset();
}

static void checks(void)
{
    write_cr4(read_cr4() | CR4_OSXSAVE);
    xsetbv(3);
    wrmsr(MSR_XSS, XSTATE_UINTR);
    check_save();
    check_placement();
    check_restore();
    check_image();
    check_recognition();
    check_conditions();
    wrmsr(MSR_XSS, 0);
    write_cr4(read_cr4() & ~(uint64_t)CR4_OSXSAVE);
}

int guest_main(void) { return conformance_run(checks); }
