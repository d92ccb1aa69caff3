/* SPDX-License-Identifier: Apache-2.0 */
/* The system's side of floating point: CR0.EM, MP, TS, NE and CR4.OSFXSR, OSXMMEXCPT, OSXSAVE; #NM, #UD, #MF, #XM;
 * MXCSR; layouts and faults of FXSAVE and the XSAVE family, XCR0. The few vector registers that are used are set by
 * assembly: no C code here uses them. SDM Vol. 1, "Managing State Using the XSAVE Feature Set"; Vol. 3A, "System
 * Programming for Instruction Set Extensions"; Vol. 2, the instructions' pages.
 */
#include "arch/control.h"
#include "arch/insn.h"
#include "arch/msr.h"
#include "boot.h"
#include "expect.h"
#include "paging.h"
#include "percpu.h"
#include "report.h"
#include "string.h"
#include "trap.h"
#include "user.h"

const char test_name[] = "fpu_system";

#define CR0_EM 0x4
#define CR0_TS 0x8
#define CR4_OSXSAVE 0x40000
#define VECTOR_XM 19
#define MSR_XSS 0xda0
#define COMPACTED (1ull << 63)
#define VA (TEST_VA + 0x40000000)

KERNEL_CODE(do_fninit, "fninit")
KERNEL_CODE(do_fld1, "fld1; fstp %%st(0)")
KERNEL_CODE(do_wait, "fwait")
KERNEL_CODE(do_emms, "emms")
KERNEL_CODE(do_paddb, "paddb %%mm0, %%mm0; emms")
KERNEL_CODE(do_xorps, "xorps %%xmm0, %%xmm0")
KERNEL_CODE(do_fxsave, "fxsave64 (%%rdi)")
KERNEL_CODE(do_fxrstor, "fxrstor64 (%%rdi)")
KERNEL_CODE(do_ldmxcsr, "ldmxcsr (%%rdi)")
KERNEL_CODE(do_movnti, "mov $1, %%eax; movnti %%eax, (%%rdi)")
KERNEL_CODE(do_popcnt, "popcnt %%rdi, %%rax; crc32 %%rax, %%rcx")
KERNEL_CODE(do_xsave, "mov $-1, %%eax; mov %%eax, %%edx; xsave64 (%%rdi)")
KERNEL_CODE(do_xsavec, "mov $-1, %%eax; mov %%eax, %%edx; xsavec64 (%%rdi)")
KERNEL_CODE(do_xsaves, "mov $-1, %%eax; mov %%eax, %%edx; xsaves64 (%%rdi)")
KERNEL_CODE(do_xrstor, "mov $-1, %%eax; mov %%eax, %%edx; xrstor64 (%%rdi)")
KERNEL_CODE(do_xrstors, "mov $-1, %%eax; mov %%eax, %%edx; xrstors64 (%%rdi)")
KERNEL_CODE(do_xrstor_x87, "mov $1, %%eax; xor %%edx, %%edx; xrstor64 (%%rdi)")
KERNEL_CODE(do_xgetbv, "mov %%edi, %%ecx; xgetbv")
KERNEL_CODE(do_xsetbv, "mov %%rdi, %%rax; mov %%rdi, %%rdx; shr $32, %%rdx; xor %%ecx, %%ecx; xsetbv")
KERNEL_CODE(do_xsetbv1, "mov $3, %%eax; xor %%edx, %%edx; mov $1, %%ecx; xsetbv")
USER_CODE(user_xsetbv, "mov $3, %%eax; xor %%edx, %%edx; xor %%ecx, %%ecx; xsetbv")
USER_CODE(user_xgetbv, "xor %%ecx, %%ecx; xgetbv")
USER_CODE(user_xsaves, "mov $3, %%eax; xor %%edx, %%edx; xsaves64 (%%rdi)")
USER_CODE(user_fninit, "fninit")

static uint8_t area[2048] __attribute__((aligned(64)));

/* --- units that are switched off --- */
enum { NONE = 99 };
static void expect_unit(const char *what, void (*fn)(void *), unsigned vector)
{
    if (vector == NONE)
        expect_ok(what, fn, (uint64_t)area);
    else
        expect(what, fn, (uint64_t)area, vector, 0);
}
static void with_cr0(uint64_t set, uint64_t clear) { write_cr0((read_cr0() | set) & ~clear); }

static void check_switches(void)
{
    write_cr4(read_cr4() | CR4_OSFXSR);
    with_cr0(CR0_TS, CR0_EM | CR0_MP);
    expect_unit("TS: x87", do_fld1, VECTOR_NM);
    expect_unit("TS: FNINIT", do_fninit, VECTOR_NM);
    expect_unit("TS: MMX", do_paddb, VECTOR_NM);
    if (!qemu_deviates("EMMS with CR0.TS: #NM"))
        expect_unit("TS: EMMS", do_emms, VECTOR_NM);
    expect_unit("TS: SSE", do_xorps, VECTOR_NM);
    expect_unit("TS: FXSAVE", do_fxsave, VECTOR_NM);
    expect_unit("TS: LDMXCSR", do_ldmxcsr, VECTOR_NM);
    expect_unit("TS, MP = 0: WAIT", do_wait, NONE);
    expect_unit("TS: MOVNTI uses no vector register", do_movnti, NONE);
    expect_unit("TS: POPCNT and CRC32 use none either", do_popcnt, NONE);
    struct trap t = user_trap(user_fninit, NULL, RFLAGS_IF);
    report(t.vector == VECTOR_NM && t.cs == SEL_USER_CODE, "TS: x87 at CPL 3 (%u)", t.vector);
    with_cr0(CR0_MP, 0);
    expect_unit("TS and MP: WAIT", do_wait, VECTOR_NM);
    with_cr0(0, CR0_TS);
    expect_unit("MP without TS: WAIT", do_wait, NONE);
    with_cr0(CR0_EM, CR0_MP);
    expect_unit("EM: x87", do_fld1, VECTOR_NM);
    expect_unit("EM: MMX", do_paddb, VECTOR_UD);
    expect_unit("EM: SSE", do_xorps, VECTOR_UD);
    expect_unit("EM: FXSAVE", do_fxsave, VECTOR_NM);
    expect_unit("EM: WAIT", do_wait, NONE);
    with_cr0(CR0_TS, 0);
    if (!qemu_deviates("SSE with CR0.EM and TS: #UD"))
        expect_unit("EM and TS: SSE", do_xorps, VECTOR_UD);
    with_cr0(CR0_MP, CR0_EM | CR0_TS);
    write_cr4(read_cr4() & ~(uint64_t)CR4_OSFXSR);
    expect_unit("OSFXSR = 0: SSE", do_xorps, VECTOR_UD);
    expect_unit("OSFXSR = 0: LDMXCSR", do_ldmxcsr, VECTOR_UD);
    expect_unit("OSFXSR = 0: MMX works", do_paddb, NONE);
    expect_unit("OSFXSR = 0: FXSAVE works", do_fxsave, NONE);
    write_cr4(read_cr4() | CR4_OSFXSR | CR4_OSXMMEXCPT);
    with_cr0(CR0_TS, 0);
    __asm__ volatile("clts");
    expect_unit("CLTS: SSE works again", do_xorps, NONE);
}

/* --- exceptions of the units --- */
extern char mf_divide[], mf_wait[], xm_divide[];
KERNEL_CODE(divide_x87,
            "fninit; movw $0x37b, (%%rdi); fldcw (%%rdi); fld1; fldz\n.globl mf_divide\nmf_divide: fdivrp; nop\n"
            ".globl mf_wait\nmf_wait: fwait; fninit")
KERNEL_CODE(divide_x87_nowait,
            "fninit; movw $0x37b, (%%rdi); fldcw (%%rdi); fld1; fldz; fdivrp; fnstsw %%ax; mov %%ax, 8(%%rdi);"
            "fnclex; fwait; fninit")
KERNEL_CODE(divide_sse,
            "movl $0x1d80, (%%rdi); ldmxcsr (%%rdi); mov $0x3f800000, %%eax; movd %%eax, %%xmm1; xorps %%xmm2, %%xmm2\n"
            ".globl xm_divide\nxm_divide: divss %%xmm2, %%xmm1")
KERNEL_CODE(sqrt_sse,
            "movl $0x1f00, (%%rdi); ldmxcsr (%%rdi); mov $0xbf800000, %%eax; movd %%eax, %%xmm1; sqrtss %%xmm1, %%xmm1")

static void load_mxcsr(uint32_t v) { __asm__ volatile("ldmxcsr %0" ::"m"(v)); }
static uint32_t store_mxcsr(void)
{
    uint32_t v;
    __asm__ volatile("stmxcsr %0" : "=m"(v));
    return v;
}

static void check_xm(void)
{
    struct trap t = test_for_exception(divide_sse, area);
    report(t.vector == VECTOR_XM && t.rip == (uint64_t)xm_divide, "an unmasked SSE exception is a fault: #XM (%u)",
           t.vector);
    report_equal(store_mxcsr() & 0x3f, 4, "MXCSR.ZE is set");
    uint32_t low;
    __asm__ volatile("movd %%xmm1, %0" : "=r"(low));
    report_equal(low, 0x3f800000, "the destination is unchanged");
    t = test_for_exception(sqrt_sse, area);
    report(t.vector == VECTOR_XM && (store_mxcsr() & 1), "the square root of -1: #XM, IE (%u)", t.vector);
}

static void check_exceptions(void)
{
    struct trap t = test_for_exception(divide_x87, area);
    report(t.vector == VECTOR_MF && t.rip == (uint64_t)mf_wait,
           "an unmasked x87 exception is raised by the next waiting instruction (%u)", t.vector);
    __asm__ volatile("fnclex");
    expect_ok("FNCLEX takes it away", divide_x87_nowait, (uint64_t)area);
    report((*(uint16_t *)(area + 8) & 0x80bf) == 0x8084, "FNSTSW shows ZE, ES and B (%x)", *(uint16_t *)(area + 8));
    __asm__ volatile("fninit");
    if (!qemu_deviates("unmasked SSE exceptions: #XM"))
        check_xm();
    write_cr4(read_cr4() & ~(uint64_t)CR4_OSXMMEXCPT);
    t = test_for_exception(divide_sse, area);
    if (!qemu_deviates("CR4.OSXMMEXCPT = 0: #UD"))
        report(t.vector == VECTOR_UD, "without CR4.OSXMMEXCPT: #UD (%u)", t.vector);
    write_cr4(read_cr4() | CR4_OSXMMEXCPT);
    load_mxcsr(0x1f80);
    memset(area, 0, sizeof area);
    *(uint32_t *)area = 0x10000;
    if (!qemu_deviates("reserved bits of MXCSR: #GP"))
        expect("LDMXCSR with bit 16", do_ldmxcsr, (uint64_t)area, VECTOR_GP, 0);
    *(uint32_t *)area = 0xffff;
    expect_ok("LDMXCSR of all 16 bits", do_ldmxcsr, (uint64_t)area);
    load_mxcsr(0x1f80);
}

/* --- FXSAVE --- */
static void set_state(void)
{
    static const uint64_t xmm15[2] = {0x1111222233334444, 0x5555666677778888};
    __asm__ volatile("fninit; fld1; fldpi; movups %0, %%xmm15; movups %0, %%xmm0" ::"m"(xmm15));
    load_mxcsr(0x1fa0);
}

static uint64_t word(unsigned at) { return *(volatile uint64_t *)(area + at); }
static uint16_t half(unsigned at) { return *(volatile uint16_t *)(area + at); }

static void check_fxsave(void)
{
    memset(area, 0xcc, sizeof area);
    set_state();
    do_fxsave(area);
    report(half(0) == 0x37f && (half(2) & 0x3800) == 0x3000 && area[4] == 0xc0,
           "FXSAVE: FCW, FSW with TOP = 6, the abridged tag");
    report_equal(*(volatile uint32_t *)(area + 24), 0x1fa0, "FXSAVE: MXCSR");
    report(*(volatile uint32_t *)(area + 28) & 0xffbf, "FXSAVE: MXCSR_MASK (%x)", *(volatile uint32_t *)(area + 28));
    report(word(32) == 0xc90fdaa22168c235 && half(40) == 0x4000 && word(48) == 1ull << 63 && half(56) == 0x3fff,
           "FXSAVE: ST0 = pi, ST1 = 1");
    report(word(160) == 0x1111222233334444 && word(400) == 0x1111222233334444 && word(408) == 0x5555666677778888,
           "FXSAVE: XMM0 at 160, XMM15 at 400");
    report(word(416) == 0xcccccccccccccccc && word(504) == 0xcccccccccccccccc, "FXSAVE leaves bytes 416 to 511 alone");
    if (!qemu_deviates("FXSAVE of an address not aligned to 16: #GP"))
        expect("FXSAVE of an address not aligned to 16", do_fxsave, (uint64_t)area + 8, VECTOR_GP, 0);
    *(volatile uint32_t *)(area + 24) = 0x80000000;
    if (!qemu_deviates("FXRSTOR of a bad MXCSR: #GP"))
        expect("FXRSTOR of a bad MXCSR", do_fxrstor, (uint64_t)area, VECTOR_GP, 0);
    *(volatile uint32_t *)(area + 24) = 0x1f81;
    *(volatile uint64_t *)(area + 160) = 42;
    do_fxrstor(area);
    uint64_t low;
    __asm__ volatile("movq %%xmm0, %0" : "=r"(low));
    report(low == 42 && store_mxcsr() == 0x1f81, "FXRSTOR loads XMM0 and MXCSR");
    load_mxcsr(0x1f80);

    /* A fault in its second page changes nothing in the first. */
    uint8_t *page = page_map_new(VA, PTE_P | PTE_W);
    page_unmap(VA + PAGE_BYTES);
    memset(page, 0xaa, PAGE_BYTES);
    struct trap t = test_for_exception(do_fxsave, (void *)(VA + PAGE_BYTES - 256));
    report(t.vector == VECTOR_PF && t.cr2 == VA + PAGE_BYTES && t.error == PF_ERROR_W,
           "FXSAVE into an absent page (%u, %lx)", t.vector, t.cr2 - VA);
    if (!qemu_deviates("FXSAVE writes nothing if it faults"))
        report(page[PAGE_BYTES - 256] == 0xaa, "nothing was written");
}

/* --- XSAVE --- */
static uint64_t xgetbv(uint32_t which)
{
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(which));
    return (uint64_t)high << 32 | low;
}

static void check_xcr0(void)
{
    expect("XGETBV without CR4.OSXSAVE", do_xgetbv, 0, VECTOR_UD, 0);
    expect("XSETBV without CR4.OSXSAVE", do_xsetbv, 3, VECTOR_UD, 0);
    expect("XSAVE without CR4.OSXSAVE", do_xsave, (uint64_t)area, VECTOR_UD, 0);
    write_cr4(read_cr4() | CR4_OSXSAVE);
    report_equal(xgetbv(0), 1, "XCR0 is 1 after RESET");
    expect("XCR0 without x87", do_xsetbv, 2, VECTOR_GP, 0);
    expect("XCR0 of 0", do_xsetbv, 0, VECTOR_GP, 0);
    expect("XCR0 with AVX but not SSE", do_xsetbv, 5, VECTOR_GP, 0);
    expect("XCR0 with bit 63", do_xsetbv, 1ull << 63 | 3, VECTOR_GP, 0);
    expect("XCR0 with IA32_XSS's component 8", do_xsetbv, 0x103, VECTOR_GP, 0);
    expect("XCR1", do_xsetbv1, 0, VECTOR_GP, 0);
    expect("XGETBV of XCR2", do_xgetbv, 2, VECTOR_GP, 0);
    expect_user("XSETBV", user_xsetbv, NULL, VECTOR_GP, 0);
    expect_ok("XCR0 with x87 and SSE", do_xsetbv, 3);
    report_equal(xgetbv(0), 3, "XGETBV reads it");
    expect_user_ok("XGETBV", user_xgetbv, NULL);
    with_cr0(CR0_TS, 0);
    if (!qemu_deviates("XSAVE with CR0.TS: #NM"))
        expect_unit("TS: XSAVE", do_xsave, VECTOR_NM);
    expect_ok("TS: XGETBV is not of the units", do_xgetbv, 0);
    with_cr0(0, CR0_TS);
}

static void check_xsave(void)
{
    memset(area, 0, sizeof area);
    memset(area + 512, 0x55, 64);
    set_state();
    do_xsave(area);
    report_equal(word(512), 0x5555555555555554 | 3, "XSAVE: XSTATE_BV keeps the bits that were not asked for");
    report_equal(word(520), 0x5555555555555555, "XSAVE leaves the rest of the header alone");
    report(word(160) == 0x1111222233334444 && word(32) == 0xc90fdaa22168c235, "XSAVE: the legacy region");
    if (!qemu_deviates("XSAVE of an address not aligned to 64: #GP"))
        expect("XSAVE of an address not aligned to 64", do_xsave, (uint64_t)area + 32, VECTOR_GP, 0);

    memset(area + 512, 0, 64);
    *(uint64_t *)(area + 512) = 3;
    expect_ok("XRSTOR", do_xrstor, (uint64_t)area);
    *(uint64_t *)(area + 512) = 7;
    expect("XRSTOR with an XSTATE_BV that XCR0 lacks", do_xrstor, (uint64_t)area, VECTOR_GP, 0);
    *(uint64_t *)(area + 512) = 3;
    *(uint64_t *)(area + 520) = 1;
    if (!qemu_deviates("XRSTOR and the header's second word"))
        expect("XRSTOR, standard form, with XCOMP_BV not 0", do_xrstor, (uint64_t)area, VECTOR_GP, 0);
    *(uint64_t *)(area + 520) = 0;
    *(uint64_t *)(area + 528) = 1;
    if (!qemu_deviates("XRSTOR and the header's third word"))
        expect("XRSTOR with bytes 23:16 of the header not 0", do_xrstor, (uint64_t)area, VECTOR_GP, 0);
    *(uint64_t *)(area + 528) = 0;
    *(uint32_t *)(area + 24) = 0x10000;
    if (!qemu_deviates("XRSTOR of a bad MXCSR: #GP"))
        expect("XRSTOR of a bad MXCSR", do_xrstor, (uint64_t)area, VECTOR_GP, 0);
    expect_ok("XRSTOR that asks for x87 only does not look at MXCSR", do_xrstor_x87, (uint64_t)area);
    *(uint32_t *)(area + 24) = 0x1f83;
    *(uint64_t *)(area + 512) = 0; /* both initial */
    do_xrstor(area);
    uint64_t low;
    uint16_t fcw;
    __asm__ volatile("movq %%xmm0, %0; fnstcw %1" : "=r"(low), "=m"(fcw));
    report(low == 0 && fcw == 0x37f, "XRSTOR with XSTATE_BV = 0 initialises x87 and XMM");
    report_equal(store_mxcsr(), 0x1f83, "but takes MXCSR from memory, in the standard form");
    load_mxcsr(0x1f80);
}

static void set_xss(void *value) { wrmsr(MSR_XSS, (uint64_t)value); }

static void check_compacted(void)
{
    if (!(cpuid(0xd, 1).eax >> 1 & 1)) {
        report_skip("no XSAVEC on this machine");
        return;
    }
    memset(area, 0xcc, sizeof area);
    __asm__ volatile("fninit");
    static const uint64_t one[2] = {1, 2};
    __asm__ volatile("movups %0, %%xmm3" ::"m"(one));
    do_xsavec(area);
    report_equal(word(520), COMPACTED | 3, "XSAVEC: XCOMP_BV is what was asked for");
    report(word(512) == 2 && word(0) == 0xcccccccccccccccc && word(208) == 1,
           "XSAVEC: a component in its initial state is not written (%lx)", word(512));
    report_equal(word(528), 0xcccccccccccccccc, "XSAVEC leaves bytes 63:16 of the header alone");
    report_equal(xgetbv(1), 2, "XGETBV of 1: the components in use");
    memset(area + 528, 0, 48);
    expect_ok("XRSTOR, compacted form", do_xrstor, (uint64_t)area);
    *(uint64_t *)(area + 520) = COMPACTED | 1;
    expect("XSTATE_BV beyond XCOMP_BV", do_xrstor, (uint64_t)area, VECTOR_GP, 0);
    *(uint64_t *)(area + 520) = COMPACTED | 7;
    expect("XCOMP_BV beyond XCR0", do_xrstor, (uint64_t)area, VECTOR_GP, 0);
    *(uint64_t *)(area + 520) = COMPACTED | 3;
    *(uint64_t *)(area + 568) = 1;
    expect("bytes 63:56 of the header not 0", do_xrstor, (uint64_t)area, VECTOR_GP, 0);
    *(uint64_t *)(area + 568) = 0;
    *(uint64_t *)(area + 512) = 0;
    load_mxcsr(0x1f82);
    do_xrstor(area);
    report_equal(store_mxcsr(), 0x1f80, "the compacted form initialises MXCSR with SSE");
    if (!(cpuid(0xd, 1).eax >> 3 & 1)) {
        report_skip("no XSAVES on this machine");
        return;
    }
    struct cpuid_result r = cpuid(0xd, 1);
    uint64_t supervisor = (uint64_t)r.edx << 32 | r.ecx;
    expect_user("XSAVES", user_xsaves, area, VECTOR_GP, 0);
    struct trap t = test_for_exception(set_xss, (void *)(~supervisor));
    report(t.vector == VECTOR_GP, "IA32_XSS with bits that leaf DH lacks (%u)", t.vector);
    wrmsr(MSR_XSS, supervisor);
    memset(area, 0, sizeof area);
    do_xsaves(area);
    report_equal(word(520), COMPACTED | 3 | supervisor, "XSAVES: XCOMP_BV has IA32_XSS's components");
    report_equal(cpuid(0xd, 1).ebx, 576 + (supervisor >> 14 & 1 ? cpuid(0xd, 14).eax : 0), "leaf DH, 1: its size");
    expect_ok("XRSTORS", do_xrstors, (uint64_t)area);
    expect("XRSTOR of an image with supervisor components", do_xrstor, (uint64_t)area, supervisor ? VECTOR_GP : NONE,
           0);
    *(uint64_t *)(area + 520) = 0;
    expect("XRSTORS of the standard form", do_xrstors, (uint64_t)area, VECTOR_GP, 0);
    wrmsr(MSR_XSS, 0);
}

int guest_main(void)
{
    check_switches();
    check_exceptions();
    check_fxsave();
    if (cpuid(1, 0).ecx >> 26 & 1) {
        check_xcr0();
        check_xsave();
        check_compacted();
    } else {
        report_skip("no XSAVE on this machine");
    }
    return report_summary();
}
