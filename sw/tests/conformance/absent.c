/* SPDX-License-Identifier: Apache-2.0 */
/* A processor without user interrupts: run with `cpu.features=-uintr`. Nothing of them may be there. E06, and the
 * conditions "CPUID.UINTR = 0" of the instructions and MSRs. SDM Vol. 3A, "User Interrupts", "Enumeration and
 * Enabling".
 */
#include "conformance.h"
#include "xsave.h"

const char test_name[] = "conf_absent";

static void set_cr4_uintr(void *arg)
{
    (void)arg;
    write_cr4(read_cr4() | CR4_UINTR);
}
static void read_msr(void *arg) { (void)rdmsr((uint32_t)(uint64_t)arg); }
static uint64_t user_stui(void *arg)
{
    (void)arg;
    stui();
    return 0;
}
static void do_stui(void *arg)
{
    (void)arg;
    stui();
}
static void do_clui(void *arg)
{
    (void)arg;
    clui();
}
static void do_testui(void *arg)
{
    (void)arg;
    (void)testui();
}
static void do_senduipi(void *arg) { senduipi((uint64_t)arg); }
static void do_uiret(void *arg)
{
    (void)arg;
    __asm__ volatile("uiret" ::: "memory");
}

int guest_main(void)
{
    void (*const insns[])(void *) = {do_stui, do_clui, do_testui, do_senduipi, do_uiret};
    if (cpuid(7, 0).edx >> 5 & 1) {
        report_skip("this processor has user interrupts");
        return report_summary();
    }
    expect_trap(test_for_exception(set_cr4_uintr, NULL), "E06 MOV CR4 with bit 25", VECTOR_GP, 0);
    report(!(read_cr4() & CR4_UINTR), "E06 and CR4 is unchanged");
    bool is_gp = true;
    for (uint32_t msr = MSR_UINTR_RR; msr <= MSR_UINTR_TT; msr++)
        is_gp = is_gp && is_exception(test_for_exception(read_msr, (void *)(uint64_t)msr), VECTOR_GP, 0) &&
                is_write_gp(msr, 0);
    report(is_gp, "E06 RDMSR and WRMSR of each of the six: #GP(0)");
    for (unsigned i = 0; i < sizeof insns / sizeof *insns; i++)
        report(is_exception(test_for_exception(insns[i], NULL), VECTOR_UD, 0), "E06 instruction %u at CPL 0: #UD", i);
    report(is_exception(user_exception(user_stui, NULL), VECTOR_UD, 0), "E06 STUI at CPL 3: #UD");
    report(is_write_gp(MSR_XSS, XSTATE_UINTR), "E06 IA32_XSS refuses bit 14");
    struct cpuid_result r = cpuid(0xd, 14), s = cpuid(0xd, 1);
    report((r.eax | r.ebx | r.ecx | r.edx) == 0 && !(s.ecx >> 14 & 1), "E06 CPUID.(0DH) does not know component 14");
    return report_summary();
}
