/* SPDX-License-Identifier: Apache-2.0 */
/* How user interrupts are enumerated and switched on: CPUID, CR4.UINTR, IA32_XSS, XCR0, the MSRs before anything was
 * enabled. Group E; without the feature: absent.c. SDM Vol. 3A, "User Interrupts", "Enumeration and Enabling"; Vol. 1,
 * "Enumeration of CPU Support for XSAVE Instructions".
 */
#include "conformance.h"
#include "xsave.h"

const char test_name[] = "conf_enumeration";

static uint64_t user_rdmsr(void *arg) { return rdmsr((uint32_t)(uint64_t)arg); }
static uint64_t user_wrmsr(void *arg)
{
    wrmsr((uint32_t)(uint64_t)arg, 0);
    return 0;
}
static uint64_t user_testui(void *arg)
{
    (void)arg;
    return testui();
}

static uint64_t all_msrs(void)
{
    uint64_t all = 0;
    for (uint32_t msr = MSR_UINTR_RR; msr <= MSR_UINTR_TT; msr++)
        all |= rdmsr(msr);
    return all;
}
static uint64_t reset_state(void *arg)
{
    (void)arg;
    uintr_enable();
    bool uif = testui(), user_uif = run_in_user(user_testui, NULL);
    return all_msrs() | uif | user_uif;
}

static void check_reset(void)
{
    report(!(read_cr4() & CR4_UINTR), "E05 CR4.UINTR is 0 after reset");
    report_equal(all_msrs(), 0, "E11 the six MSRs are 0 after reset");
    report_equal(reset_state(NULL), 0, "E11 UIF is 0 after reset, seen at CPL 0 and 3");
    for (uint32_t i = 1; i < conformance_cores; i++)
        report_equal(on_cpu(i, reset_state, NULL), 0, "E11 the same on core %u after INIT and STARTUP", i);
}

static void check_cpuid(void)
{
    report(cpuid(0, 0).eax >= 0xd && cpuid(7, 0).edx >> 5 & 1, "E01 CPUID.(7,0):EDX[5] is 1");
    struct cpuid_result r = cpuid(0xd, 14);
    report(r.eax == 0x30 && r.ebx == 0 && r.ecx == 1 && r.edx == 0,
           "E02 CPUID.(0DH,14): 48 bytes, no fixed offset (%x %x %x %x)", r.eax, r.ebx, r.ecx, r.edx);
    r = cpuid(0xd, 1);
    report(r.eax >> 3 & 1 && r.ecx >> 14 & 1, "E03 CPUID.(0DH,1): XSAVES, and component 14 in IA32_XSS");
}

static void write_cr4_uintr(void *arg) { write_cr4(arg ? read_cr4() | CR4_UINTR : read_cr4() & ~(uint64_t)CR4_UINTR); }
static void check_cr4(void)
{
    report(!test_for_exception(write_cr4_uintr, (void *)1).is_raised && read_cr4() & CR4_UINTR,
           "E05 CR4.UINTR can be set");
    report(!test_for_exception(write_cr4_uintr, NULL).is_raised && !(read_cr4() & CR4_UINTR), "E05 and cleared");
}

static void do_xsetbv(void *arg) { xsetbv((uint64_t)arg); }

static void check_xsave(void)
{
    write_cr4(read_cr4() | CR4_OSXSAVE);
    uint64_t user = cpuid(0xd, 0).eax & 7, before = xgetbv();
    expect_trap(test_for_exception(do_xsetbv, (void *)(user | XSTATE_UINTR)), "E08 XSETBV with bit 14", VECTOR_GP, 0);
    report_equal(xgetbv(), before, "E08 and XCR0 is unchanged");
    xsetbv(user);
    wrmsr(MSR_XSS, 0);
    uint32_t size = user & XSTATE_AVX ? 0x340 : 0x240, without = cpuid(0xd, 1).ebx;
    report(is_written(MSR_XSS, XSTATE_UINTR), "E07 IA32_XSS takes bit 14");
    uint32_t with = cpuid(0xd, 1).ebx;
    report(without == size && with == size + 0x30, "E04 CPUID.(0DH,1):EBX with XCR0 = %lx: %x, then %x", user, without,
           with);
    xsetbv(3);
    report_equal(cpuid(0xd, 1).ebx, 0x270, "E04 with XCR0 = 3");
    wrmsr(MSR_XSS, 0);
    report_equal(cpuid(0xd, 1).ebx, 0x240, "E04 with XCR0 = 3 and without the component");
    report(is_write_gp(MSR_XSS, 1ull << 62) && is_write_gp(MSR_XSS, 1),
           "E07 IA32_XSS refuses bits of no supervisor component");
    xsetbv(1);
    write_cr4(read_cr4() & ~(uint64_t)CR4_OSXSAVE);
}

static void check_msrs(void)
{
    static const uint64_t values[] = {0x8000000000000001, 0x123456, 0x81, 0xec0000003f, 0x200040, 0x300011};
    write_cr4(read_cr4() & ~(uint64_t)CR4_UINTR);
    bool is_right = true;
    for (uint32_t i = 0; i < 6; i++)
        is_right = is_right && is_written(MSR_UINTR_RR + i, values[i]);
    for (uint32_t i = 0; i < 6; i++)
        is_right = is_right && rdmsr(MSR_UINTR_RR + i) == values[i];
    uintr_reset();
    report(is_right, "E09 with CR4.UINTR = 0 all six MSRs can be written and read");
    for (int enabled = 0; enabled < 2; enabled++) {
        bool is_gp = true;
        write_cr4_uintr((void *)(uint64_t)enabled);
        for (uint32_t msr = MSR_UINTR_RR; msr <= MSR_UINTR_TT; msr++)
            is_gp = is_gp && is_exception(user_exception(user_rdmsr, (void *)(uint64_t)msr), VECTOR_GP, 0) &&
                    is_exception(user_exception(user_wrmsr, (void *)(uint64_t)msr), VECTOR_GP, 0);
        report(is_gp, "E10 RDMSR and WRMSR at CPL 3 with CR4.UINTR = %d: #GP(0)", enabled);
    }
}

static void checks(void)
{
    if (is_first_pass())
        check_reset();
    check_cpuid();
    check_cr4();
    check_xsave();
    check_msrs();
}

int guest_main(void) { return conformance_run(checks); }
