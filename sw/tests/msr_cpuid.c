/* SPDX-License-Identifier: Apache-2.0 */
/* Model-specific registers and what they refuse, illegal control-register values, EFER's rules, time-stamp counter and
 * deadline timer, and whether CPUID agrees with itself and with the clocks of the platform.
 * SDM Vol. 4, "Architectural MSRs"; Vol. 3A, "Control Registers", "Time-Stamp Counter"; Vol. 2, CPUID.
 */
#include "apic.h"
#include "arch/control.h"
#include "arch/insn.h"
#include "arch/msr.h"
#include "boot.h"
#include "expect.h"
#include "percpu.h"
#include "report.h"
#include "smp.h"
#include "trap.h"

const char test_name[] = "msr_cpuid";

enum {
    MSR_TSC_ADJUST = 0x3b,
    MSR_MPERF = 0xe7,
    MSR_APERF = 0xe8,
    MSR_MTRRCAP = 0xfe,
    MSR_SYSENTER_ESP = 0x175,
    MSR_MCG_CAP = 0x179,
    MSR_MCG_STATUS = 0x17a,
    MSR_MTRR_BASE0 = 0x200,
    MSR_MTRR_FIX64K = 0x250,
    MSR_PAT = 0x277,
    MSR_MTRR_DEF = 0x2ff,
    MSR_TSC_DEADLINE = 0x6e0,
};
#define NONCANONICAL 0x0000800000000000ull
#define NOT_ON_QEMU true

/* --- MSRs --- */
struct access {
    uint32_t msr;
    uint64_t value;
};
static void do_read(void *arg) { rdmsr((uint32_t)(uint64_t)arg); }
static void do_write(void *arg) { wrmsr(((struct access *)arg)->msr, ((struct access *)arg)->value); }
static void expect_write(const char *what, uint32_t msr, uint64_t value, bool faults, bool skips_qemu)
{
    struct access a = {msr, value};
    if (skips_qemu && qemu_deviates(what))
        return;
    if (faults)
        expect(what, do_write, (uint64_t)&a, VECTOR_GP, 0);
    else
        expect_ok(what, do_write, (uint64_t)&a);
}
static void expect_storage(const char *what, uint32_t msr, uint64_t value)
{
    uint64_t old = rdmsr(msr);
    wrmsr(msr, value);
    report_equal(rdmsr(msr), value, "%s keeps what is written", what);
    wrmsr(msr, old);
}

static void check_msrs(void)
{
    static const uint32_t unknown[] = {0x4, 0x1ff, 0x2fe, 0x400000, 0x12345678, 0xc0000200, 0xffffffff};
    for (unsigned i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        if (is_qemu()) {
            report_skip("MSR %x: QEMU reads unknown MSRs as 0", unknown[i]);
            continue;
        }
        expect("RDMSR of an unknown MSR", do_read, unknown[i], VECTOR_GP, 0);
        expect_write("WRMSR to an unknown MSR", unknown[i], 0, true, false);
    }
    expect_storage("IA32_LSTAR", MSR_LSTAR, 0xffff800000000123);
    expect_storage("IA32_CSTAR", MSR_CSTAR, 0x00007fffffffffff);
    expect_storage("IA32_STAR", MSR_STAR, 0x123456789abcdef0);
    expect_storage("IA32_KERNEL_GS_BASE", MSR_KERNEL_GS_BASE, 0xffffffff80000000);
    expect_storage("IA32_FMASK", MSR_FMASK, 0xffffffff);
    expect_write("a non-canonical IA32_LSTAR", MSR_LSTAR, NONCANONICAL, true, NOT_ON_QEMU);
    expect_write("a non-canonical IA32_CSTAR", MSR_CSTAR, NONCANONICAL, true, NOT_ON_QEMU);
    expect_write("a non-canonical IA32_KERNEL_GS_BASE", MSR_KERNEL_GS_BASE, NONCANONICAL, true, NOT_ON_QEMU);
    expect_write("a non-canonical IA32_SYSENTER_ESP", MSR_SYSENTER_ESP, NONCANONICAL, true, NOT_ON_QEMU);
    expect_write("IA32_FMASK 63:32", MSR_FMASK, 1ull << 32, true, NOT_ON_QEMU);
    if (cpuid(0x80000001, 0).edx >> 27 & 1)
        expect_write("IA32_TSC_AUX 63:32", MSR_TSC_AUX, 1ull << 32, true, NOT_ON_QEMU);

    /* Memory types. */
    struct cpuid_result f = cpuid(1, 0);
    report(f.edx >> 16 & 1 && f.edx >> 12 & 1, "PAT and MTRRs are enumerated");
    expect_storage("IA32_PAT", MSR_PAT, 0x0007040601050600);
    expect_write("a reserved memory type in IA32_PAT", MSR_PAT, 0x0007040600070402, true, NOT_ON_QEMU);
    expect_write("memory type 8 in IA32_PAT", MSR_PAT, 0x0807040600070406, true, NOT_ON_QEMU);
    uint64_t cap = rdmsr(MSR_MTRRCAP);
    report(cap & 0xff, "IA32_MTRRCAP names variable ranges (%lx)", cap);
    expect_write("a write to IA32_MTRRCAP", MSR_MTRRCAP, cap, true, NOT_ON_QEMU);
    expect_storage("IA32_MTRR_PHYSBASE0", MSR_MTRR_BASE0, 0x80000006);
    expect_storage("IA32_MTRR_PHYSMASK0", MSR_MTRR_BASE0 + 1, 0xfc0000800);
    expect_write("memory type 2 in a PHYSBASE", MSR_MTRR_BASE0, 2, true, NOT_ON_QEMU);
    expect_write("bit 8 of a PHYSBASE", MSR_MTRR_BASE0, 0x106, true, NOT_ON_QEMU);
    expect_write("bit 0 of a PHYSMASK", MSR_MTRR_BASE0 + 1, 1, true, NOT_ON_QEMU);
    expect_write("bit 63 of a PHYSMASK", MSR_MTRR_BASE0 + 1, 1ull << 63, true, NOT_ON_QEMU);
    if (cap >> 8 & 1)
        expect_storage("IA32_MTRR_FIX64K", MSR_MTRR_FIX64K, 0x0606060606060600);
    expect_write("memory type 7 in a fixed MTRR", MSR_MTRR_FIX64K, 7, true, NOT_ON_QEMU);
    expect_storage("IA32_MTRR_DEF_TYPE", MSR_MTRR_DEF, 0xc06);
    expect_write("bit 8 of IA32_MTRR_DEF_TYPE", MSR_MTRR_DEF, 0x106, true, NOT_ON_QEMU);
    expect_write("a write to IA32_MCG_CAP", MSR_MCG_CAP, 0, true, NOT_ON_QEMU);
    expect_write("a value other than 0 in IA32_MCG_STATUS", MSR_MCG_STATUS, 1, true, NOT_ON_QEMU);
    expect_write("0 in IA32_MCG_STATUS", MSR_MCG_STATUS, 0, false, false);
    bool has_aperf = cpuid(6, 0).ecx & 1;
    if (has_aperf) {
        uint64_t actual = rdmsr(MSR_APERF), nominal = rdmsr(MSR_MPERF);
        for (volatile unsigned i = 0; i < 1000; i++)
            ;
        report(rdmsr(MSR_APERF) > actual && rdmsr(MSR_MPERF) > nominal, "IA32_APERF and IA32_MPERF count");
    } else if (!qemu_deviates("IA32_APERF without CPUID.06H:ECX[0]: #GP"))
        expect("IA32_APERF, which CPUID does not name", do_read, MSR_APERF, VECTOR_GP, 0);
}

/* --- control registers and EFER --- */
static void do_cr0(void *arg) { write_cr0((uint64_t)arg); }
static void do_cr3(void *arg) { write_cr3((uint64_t)arg); }
static void do_cr4(void *arg) { write_cr4((uint64_t)arg); }
static void expect_cr(const char *what, void (*fn)(void *), uint64_t value)
{
    if (!qemu_deviates(what))
        expect(what, fn, value, VECTOR_GP, 0);
}

static void check_control(void)
{
    uint64_t cr0 = read_cr0(), cr4 = read_cr4(), efer = rdmsr(MSR_EFER);
    expect_cr("CR0: PG without PE", do_cr0, cr0 & ~(uint64_t)CR0_PE);
    expect_cr("CR0: NW without CD", do_cr0, (cr0 & ~(uint64_t)CR0_CD) | 0x20000000);
    expect_cr("CR0 63:32", do_cr0, cr0 | 1ull << 32);
    expect_cr("CR0.PG cleared in 64-bit mode", do_cr0, cr0 & ~(uint64_t)CR0_PG);
    write_cr0(cr0 | 0x1ffaffc0 | CR0_ET); /* reserved bits below 32 are ignored */
    if (!qemu_deviates("reserved bits of CR0 31:0 are not stored"))
        report_equal(read_cr0(), cr0 | CR0_ET, "reserved bits of CR0 31:0 are not stored");
    write_cr0(cr0 & ~(uint64_t)CR0_ET);
    report(read_cr0() & CR0_ET, "CR0.ET is always 1");
    write_cr0(cr0 | CR0_CD);
    report(read_cr0() & CR0_CD, "CR0.CD can be set");
    write_cr0(cr0);
    expect_cr("CR4.PAE cleared in long mode", do_cr4, cr4 & ~(uint64_t)CR4_PAE);
    expect_cr("CR4 63:32", do_cr4, cr4 | 1ull << 40);
    expect_cr("CR4 bit 15, never defined", do_cr4, cr4 | 0x8000);
    static const struct {
        const char *name;
        uint8_t leaf, reg, bit, cr4_bit;
    } features[] = {/* SMEP and SMAP would take away what runs here: protect.c has it. */
                    {"UMIP", 7, 2, 2, 11},   {"FSGSBASE", 7, 1, 0, 16}, {"OSXSAVE", 1, 2, 26, 18},
                    {"PCIDE", 1, 2, 17, 17}, {"PKE", 7, 2, 3, 22},      {"LA57", 7, 2, 16, 12},
                    {"VMXE", 1, 2, 5, 13},   {"UINTR", 7, 3, 5, 25},    {"PKS", 7, 2, 31, 24}};
    bool skips = qemu_deviates("bits of CR4 that CPUID does not name: #GP");
    for (unsigned i = 0; !skips && i < sizeof features / sizeof features[0]; i++) {
        struct cpuid_result r = cpuid(features[i].leaf, 0);
        uint32_t word = features[i].reg == 1 ? r.ebx : features[i].reg == 2 ? r.ecx : r.edx;
        bool has = word >> features[i].bit & 1;
        if (features[i].cr4_bit == 12 && has) {
            report_skip("LA57 cannot be set in long mode");
            continue;
        }
        struct trap t = test_for_exception(do_cr4, (void *)(cr4 | 1ull << features[i].cr4_bit));
        bool is_set = read_cr4() >> features[i].cr4_bit & 1;
        write_cr4(cr4);
        report(is_set == has && t.is_raised == !has, "CR4.%s can be set if CPUID has it (%d, %u)", features[i].name,
               has, t.vector);
    }
    if (!qemu_deviates("EFER.LME cleared with paging on: #GP"))
        expect("EFER.LME cleared with paging on", do_write,
               (uint64_t) & (struct access){MSR_EFER, efer & ~(uint64_t)EFER_LME}, VECTOR_GP, 0);
    expect_write("a reserved bit of EFER", MSR_EFER, efer | 2, true, NOT_ON_QEMU);
    wrmsr(MSR_EFER, efer & ~(uint64_t)EFER_LMA);
    report_equal(rdmsr(MSR_EFER), efer, "EFER.LMA is read-only");
    unsigned width = cpuid(0x80000008, 0).eax & 0xff;
    expect_cr("CR3 beyond the physical addresses", do_cr3, read_cr3() | 1ull << width);
}

/* --- CPUID --- */
static void check_cpuid(void)
{
    struct cpuid_result r = cpuid(0, 0), highest = cpuid(r.eax, 0);
    uint32_t max = r.eax;
    struct cpuid_result beyond = cpuid(0x3fffffff, 0);
    if (!qemu_deviates("a leaf beyond the last gives the last basic leaf, as on Intel's processors"))
        report(beyond.eax == highest.eax && beyond.ebx == highest.ebx && beyond.ecx == highest.ecx &&
                   beyond.edx == highest.edx,
               "a leaf beyond the last basic leaf gives that");
    uint64_t rax, rbx, rcx, rdx;
    __asm__ volatile("cpuid"
                     : "=a"(rax), "=b"(rbx), "=c"(rcx), "=d"(rdx)
                     : "a"(~0ull << 32), "b"(~0ull), "c"(~0ull << 32), "d"(~0ull));
    report((rax | rbx | rcx | rdx) >> 32 == 0, "CPUID clears the upper halves");
    struct cpuid_result one = cpuid(1, 0);
    report_equal(one.ebx >> 24, apic_id() & 0xff, "leaf 1: the initial APIC ID");
    report(!(one.ecx >> 26 & 1) || !!(one.ecx >> 27 & 1) == !!(read_cr4() & 0x40000), "leaf 1: OSXSAVE mirrors CR4");
    uint32_t width = cpuid(0x80000008, 0).eax;
    report((width & 0xff) >= 32 && (width & 0xff) <= 52 && (width >> 8 & 0xff) >= 48,
           "leaf 80000008H: address widths (%x)", width);
    report_equal(!!(cpuid(0x80000001, 0).edx >> 29 & 1), 1, "long mode is enumerated in it");
    if (max >= 0xb) {
        struct cpuid_result thread = cpuid(0xb, 0), core = cpuid(0xb, 1), end = cpuid(0xb, 2);
        report(thread.edx == core.edx && (thread.edx & 0xff) == one.ebx >> 24,
               "leaf BH: the x2APIC ID in every sub-leaf");
        report((thread.ecx >> 8 & 0xff) == 1 && (core.ecx >> 8 & 0xff) == 2 && (end.ecx >> 8 & 0xff) == 0,
               "leaf BH: thread, core, end");
        report(thread.eax <= core.eax && core.ebx >= thread.ebx && 1u << core.eax >= core.ebx,
               "leaf BH: the IDs fit the shifts (%u, %u)", core.eax, core.ebx);
        uint32_t cores = smp_listed() ? smp_listed() : 1;
        report(core.ebx >= cores || is_qemu(), "leaf BH: as many processors as ACPI lists (%u, %u)", core.ebx, cores);
    } else {
        report_skip("no leaf BH");
    }
    if (one.ecx >> 26 & 1) {
        write_cr4(read_cr4() | 0x40000);
        struct cpuid_result sizes = cpuid(0xd, 0);
        report(sizes.eax & 3 && sizes.ebx >= 576 && sizes.ecx >= sizes.ebx, "leaf DH: sizes (%u, %u)", sizes.ebx,
               sizes.ecx);
        uint32_t need = 576;
        for (uint32_t i = 2; i < 32; i++) {
            if (!(sizes.eax >> i & 1))
                continue;
            struct cpuid_result c = cpuid(0xd, i);
            need = c.ebx + c.eax > need ? c.ebx + c.eax : need;
        }
        report_equal(sizes.ecx, need, "leaf DH: the area holds every component");
        uint32_t low, high;
        __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
        report((low & ~sizes.eax) == 0, "XCR0 has no bit that leaf DH lacks");
        report(cpuid(1, 0).ecx >> 27 & 1, "OSXSAVE is 1 now");
        write_cr4(read_cr4() & ~0x40000ull);
    } else {
        report_skip("no XSAVE");
    }
}

/* --- time --- */
static volatile uint64_t fired_at;
static volatile unsigned fired;
static bool on_timer(struct trap_frame *f)
{
    (void)f;
    fired_at = rdtsc();
    fired++;
    apic_eoi();
    return true;
}

static void check_tsc(void)
{
    if (qemu_deviates("WRMSR to the TSC"))
        return;
    wrmsr(MSR_TSC, 0x100000000000);
    uint64_t now = rdtsc();
    report(now >= 0x100000000000 && now < 0x100010000000, "WRMSR sets the TSC (%lx)", now);
    if (cpuid(7, 0).ebx >> 1 & 1) {
        uint64_t adjust = rdmsr(MSR_TSC_ADJUST);
        report(adjust != 0, "which IA32_TSC_ADJUST shows");
        wrmsr(MSR_TSC_ADJUST, 0);
        report(rdtsc() < 0x100000000000, "IA32_TSC_ADJUST = 0 takes it back");
        uint64_t before = rdtsc();
        wrmsr(MSR_TSC_ADJUST, 1ull << 40);
        uint64_t step = rdtsc() - before;
        report(step >= 1ull << 40 && step < (1ull << 40) + 1000000, "adding to it adds to the TSC (%lx)", step);
        wrmsr(MSR_TSC_ADJUST, 0);
    } else {
        report_skip("no IA32_TSC_ADJUST");
        wrmsr(MSR_TSC, 0);
    }
    if (cpuid(1, 0).ecx >> 24 & 1) {
        trap_install(0x60, on_timer);
        apic_write(APIC_LVT_TIMER, 0x40000 | 0x60);
        uint64_t deadline = rdtsc() + 50000;
        wrmsr(MSR_TSC_DEADLINE, deadline);
        report_equal(rdmsr(MSR_TSC_DEADLINE), deadline, "IA32_TSC_DEADLINE reads back while armed");
        sti();
        (void)wait_until(fired);
        cli();
        report(fired == 1 && fired_at >= deadline, "the deadline timer fires at the deadline, not before");
        report_equal(rdmsr(MSR_TSC_DEADLINE), 0, "then IA32_TSC_DEADLINE is 0");
        wrmsr(MSR_TSC_DEADLINE, rdtsc() + 20000);
        wrmsr(MSR_TSC_DEADLINE, 0);
        sti();
        delay(60000);
        cli();
        report_equal(fired, 1, "writing 0 disarms it");
        apic_write(APIC_LVT_TIMER, APIC_LVT_MASKED);
        trap_install(0x60, NULL);
    } else {
        report_skip("no TSC-deadline mode");
    }
}

/* The PIT's channel 0 counts 1193182 times a second, downwards; the count is latched and read. */
static uint16_t pit_count(void)
{
    outb(0x43, 0x00);
    uint8_t low = inb(0x40);
    return (uint16_t)(low | inb(0x40) << 8);
}
static uint64_t tsc_of_pit(uint32_t ticks)
{
    outb(0x43, 0x34); /* low and high byte, mode 2 */
    outb(0x40, 0xff);
    outb(0x40, 0xff);
    delay(100000); /* until it has been loaded */
    uint16_t from = pit_count();
    uint64_t start = rdtsc();
    if (!wait_until((uint16_t)(from - pit_count()) >= ticks))
        return 0;
    return rdtsc() - start;
}

static void check_frequency(void)
{
    struct cpuid_result f = cpuid(0, 0).eax >= 0x16 ? cpuid(0x15, 0) : (struct cpuid_result){0};
    if (!f.eax || !f.ebx || !f.ecx) {
        report_skip("no TSC frequency in CPUID");
        return;
    }
    uint64_t hz = (uint64_t)f.ecx * f.ebx / f.eax;
    report_equal(cpuid(0x16, 0).eax & 0xffff, hz / 1000000, "leaves 15H and 16H agree");
    apic_timer(0x60, APIC_LVT_MASKED | APIC_TIMER_ONE_SHOT, 0xffffffff);
    uint64_t t0 = rdtsc();
    uint32_t c0 = apic_read(APIC_TIMER_CURRENT);
    delay(200000);
    uint64_t t1 = rdtsc();
    uint32_t c1 = apic_read(APIC_TIMER_CURRENT);
    apic_timer_stop();
    uint64_t cycles = t1 - t0, by_timer = (uint64_t)(c0 - c1) * f.ebx / f.eax;
    report(by_timer > cycles - cycles / 50 && by_timer < cycles + cycles / 50,
           "the APIC timer counts the crystal (%lu, %lu)", by_timer, cycles);
    uint64_t measured = tsc_of_pit(1193); /* a millisecond */
    report(measured > hz / 1000 - hz / 20000 && measured < hz / 1000 + hz / 20000,
           "the PIT agrees with it (%lu of %lu)", measured, hz / 1000);
}

int guest_main(void)
{
    check_msrs();
    check_control();
    check_cpuid();
    check_tsc();
    check_frequency();
    return report_summary();
}
