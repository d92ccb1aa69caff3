/* SPDX-License-Identifier: Apache-2.0 */
/* Access rights, widths and reset values of every local APIC register as guest code sees them: the xAPIC page with ESR
 * bit 7 for reserved addresses, and all 256 x2APIC MSRs with #GP for absent ones, wrong directions and each reserved
 * bit. SDM Vol. 3A, "Local APIC Register Address Map", "x2APIC Register Address Space".
 */
#include "apic.h"
#include "arch/insn.h"
#include "arch/msr.h"
#include "boot.h"
#include "percpu.h"
#include "report.h"
#include "smp.h"
#include "trap.h"

const char test_name[] = "apic_regs";

enum { R = 1, W = 2, RW = 3, KEEP = 4 }; /* KEEP: writing has effects of its own */
#define ALL 0xffffffffull

/* xAPIC rights and the bits that hold what is written; x2APIC rights and the bits that WRMSR takes. */
static const struct {
    uint16_t offset;
    uint8_t xapic, x2apic;
    uint32_t reset, bits;
    uint64_t x2_bits;
} registers[] = {
    {0x020, RW | KEEP, R, 0, 0, 0},
    {0x030, R, R, 0, 0, 0},
    {0x080, RW, RW, 0, 0xff, 0xff},
    {0x090, R, 0, 0, 0, 0},
    {0x0a0, R, R, 0, 0, 0},
    {0x0b0, W, W, 0, 0, 0},
    {0x0c0, R, 0, 0, 0, 0},
    {0x0d0, RW, R, 0, 0xff000000, 0},
    {0x0e0, RW, 0, 0xffffffff, 0xf0000000, 0},
    {0x0f0, RW | KEEP, RW, 0xff, 0x13ff, 0x13ff},
    {0x280, RW, RW, 0, 0, 0},
    {0x2f0, RW, RW, 0x10000, 0x107ff, 0x117ff},
    {0x300, RW | KEEP, RW, 0, 0xccfff, 0xffffffff000cdfff},
    {0x310, RW, 0, 0, 0xff000000, 0},
    {0x320, RW, RW, 0x10000, 0x700ff, 0x710ff},
    {0x330, RW, RW, 0x10000, 0x107ff, 0x117ff},
    {0x340, RW, RW, 0x10000, 0x107ff, 0x117ff},
    {0x350, RW, RW, 0x10000, 0x1a7ff, 0x1f7ff},
    {0x360, RW, RW, 0x10000, 0x1a7ff, 0x1f7ff},
    {0x370, RW, RW, 0x10000, 0x100ff, 0x110ff},
    {0x380, RW, RW, 0, ALL, ALL},
    {0x390, R, R, 0, 0, 0},
    {0x3e0, RW, RW, 0, 0xb, 0xb},
    {0x3f0, 0, W, 0, 0, 0xff},
};
enum { REGISTERS = sizeof registers / sizeof registers[0] };

/* ISR, TMR and IRR are read-only and 0 in both modes. */
static bool is_bank(uint32_t offset) { return offset >= 0x100 && offset < 0x280; }
static int find(uint32_t offset)
{
    for (int i = 0; i < REGISTERS; i++)
        if (registers[i].offset == offset)
            return i;
    return -1;
}
static volatile uint32_t *at(uint32_t offset) { return (volatile uint32_t *)(APIC_PAGE + offset); }

static uint32_t errors(void)
{
    *at(APIC_ESR) = 0;
    return *at(APIC_ESR);
}

static void check_page_reset(void)
{
    uint64_t base = rdmsr(MSR_APIC_BASE);
    wrmsr(MSR_APIC_BASE, base & ~(uint64_t)MSR_APIC_BASE_ENABLE);
    wrmsr(MSR_APIC_BASE, base);
    for (uint32_t offset = 0; offset < 0x1000; offset += 16) {
        int i = find(offset);
        bool is_readable = is_bank(offset) || (i >= 0 && registers[i].xapic & R);
        bool exists = is_bank(offset) || (i >= 0 && registers[i].xapic);
        uint32_t want = i >= 0 && is_readable ? registers[i].reset : 0;
        if (offset == APIC_ID)
            want = this_cpu()->apic_id << 24;
        uint32_t value = *at(offset), esr = errors();
        if (offset == APIC_VERSION)
            report((value & 0xff) == 0x15 && value >> 16 == 0x106, "version: integrated APIC, seven LVT entries");
        else if (value != want || esr != (exists ? 0 : 0x80))
            report(false, "after reset offset %x reads %x, not %x, ESR %x", offset, value, want, esr);
    }
    report(true, "the page after disabling and enabling: reset values; reserved addresses set ESR[7]");
    apic_init();
}

static void check_page_writes(void)
{
    uint32_t wrong = 0;
    for (uint32_t offset = 0; offset < 0x1000; offset += 16) {
        int i = find(offset);
        bool exists = is_bank(offset) || (i >= 0 && registers[i].xapic);
        if (i >= 0 && registers[i].xapic & KEEP)
            continue;
        uint32_t bits = i >= 0 ? registers[i].bits : 0;
        if (is_qemu() && (!exists || (i >= 0 && offset >= 0x280 && offset <= 0x370)))
            continue; /* QEMU keeps reserved bits of the LVT and has other ideas of ESR[7] */
        bool is_readable = is_bank(offset) || (i >= 0 && registers[i].xapic & R);
        uint32_t before = is_readable ? *at(offset) : 0;
        *at(offset) = 0xffffffff;
        uint32_t set = is_readable ? *at(offset) : 0;
        *at(offset) = 0;
        uint32_t clear = is_readable ? *at(offset) : 0;
        if (offset >= 0x2f0 && offset <= 0x370 && offset != 0x310 && i >= 0)
            *at(offset) = registers[i].reset; /* masked again */
        uint32_t esr = is_qemu() ? 0 : errors();
        if (offset == 0x390)
            continue;                         /* runs */
        bool is_right = offset == 0xa0 ? true /* follows TPR */
                        : is_readable
                            ? (set & bits) == bits && (set & ~bits) == (before & ~bits & ALL) && (clear & bits) == 0
                            : true;
        if (!is_right || esr != (exists ? 0 : 0x80)) {
            wrong++;
            report(false, "offset %x: %x, after all ones %x, after zeros %x, ESR %x", offset, before, set, clear, esr);
        }
    }
    report_equal(wrong, 0, "writes to the page change exactly the writable bits");
    apic_init();
}

/* Accesses of other sizes or between registers are undefined: here they read 0 and do nothing. */
static void check_page_sizes(void)
{
    if (is_qemu()) {
        report_skip("QEMU takes other accesses for 32-bit ones");
        return;
    }
    apic_write(APIC_TPR, 0x30);
    *(volatile uint8_t *)at(APIC_TPR) = 0x70;
    *(volatile uint64_t *)at(APIC_TPR) = 0x70;
    *at(APIC_TPR + 4) = 0x70;
    report_equal(*at(APIC_TPR), 0x30, "writes of 8 and 64 bits and off the boundary do nothing");
    apic_write(APIC_TPR, 0);
    report_equal(errors(), 0, "and are no error");
}

/* --- x2APIC --- */
struct msr_access {
    uint32_t msr;
    uint64_t value;
};
static void do_read(void *arg)
{
    struct msr_access *a = arg;
    a->value = rdmsr(a->msr);
}
static void do_write(void *arg)
{
    const struct msr_access *a = arg;
    wrmsr(a->msr, a->value);
}
static bool faults(void (*fn)(void *arg), uint32_t msr, uint64_t value, uint64_t *got)
{
    struct msr_access a = {msr, value};
    struct trap t = test_for_exception(fn, &a);
    if (t.is_raised && (t.vector != 13 || t.error != 0))
        report(false, "MSR %x: vector %u error %lx instead of #GP(0)", msr, t.vector, t.error);
    if (got)
        *got = a.value;
    return t.is_raised;
}

static void check_msr_reads(bool is_enabled)
{
    uint32_t wrong = 0;
    for (uint32_t n = 0; n < 0x100; n++) {
        int i = find(n * 16);
        bool is_readable = is_enabled && n < 0x40 && (is_bank(n * 16) || (i >= 0 && registers[i].x2apic & R));
        if (faults(do_read, MSR_X2APIC_FIRST + n, 0, NULL) == is_readable) {
            wrong++;
            report(false, "RDMSR %x %s", MSR_X2APIC_FIRST + n, is_readable ? "faults" : "does not fault");
        }
        if (!is_enabled && !faults(do_write, MSR_X2APIC_FIRST + n, 0, NULL)) {
            wrong++;
            report(false, "WRMSR %x does not fault", MSR_X2APIC_FIRST + n);
        }
    }
    report_equal(wrong, 0, "RDMSR 800H to 8FFH %s x2APIC mode", is_enabled ? "in" : "outside");
}

/* Each bit alone. SVR without its enable bit masks the LVT, and a set ICR bit may send: vectors stay below 16, so that
 * at most ESR tells. */
static void check_msr_writes(void)
{
    uint32_t wrong = 0;
    for (uint32_t n = 0; n < 0x100; n++) {
        int i = find(n * 16);
        bool is_writable = n < 0x40 && i >= 0 && registers[i].x2apic & W;
        for (uint32_t b = 0; b <= 64; b++) { /* 64: zero */
            uint64_t value = b < 64 ? 1ull << b : 0;
            bool is_legal = is_writable && (value & ~registers[i].x2_bits) == 0;
            if (n == 0x30 && is_legal && b < 20 && (b == 10 || b >= 4))
                continue; /* would send for real */
            if (n == 0x3f && is_legal && b >= 4)
                continue;
            if (faults(do_write, MSR_X2APIC_FIRST + n, value, NULL) == is_legal) {
                wrong++;
                report(false, "WRMSR %x with %lx %s", MSR_X2APIC_FIRST + n, value,
                       is_legal ? "faults" : "does not fault");
            }
        }
    }
    report_equal(wrong, 0, "WRMSR 800H to 8FFH in x2APIC mode: #GP for each reserved bit and read-only register");
    uint64_t value = 0;
    wrmsr(MSR_X2APIC_FIRST + APIC_SVR / 16, APIC_SVR_ENABLE | VECTOR_SPURIOUS);
    wrmsr(MSR_X2APIC_FIRST + APIC_ESR / 16, 0);
    report_equal(rdmsr(MSR_X2APIC_FIRST + APIC_ESR / 16) & ~0x60ull, 0, "a #GP sets no ESR bit");
    report(!faults(do_read, MSR_X2APIC_FIRST + APIC_ID / 16, 0, &value) && value == this_cpu()->apic_id,
           "the x2APIC ID has 32 bits");
    report_equal(rdmsr(MSR_X2APIC_FIRST + APIC_LDR / 16), (value >> 4) << 16 | 1ull << (value & 15),
                 "LDR follows from the ID");
}

int guest_main(void)
{
    if (is_qemu())
        report_skip("QEMU's APIC does not come back after it was disabled: no reset values");
    else
        check_page_reset();
    check_page_writes();
    check_page_sizes();
    if (!apic_has_x2apic()) {
        report_skip("no x2APIC on this machine");
        return report_summary();
    }
    check_msr_reads(false);
    apic_enter_x2apic();
    check_msr_reads(true);
    check_msr_writes();
    apic_leave_x2apic();
    check_msr_reads(false);
    return report_summary();
}
