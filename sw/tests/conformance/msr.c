/* SPDX-License-Identifier: Apache-2.0 */
/* The six IA32_UINTR_* MSRs: which values they take, and what a write does at once. Group M; M13 is a unit test, since
 * linear addresses have 48 bits here. SDM Vol. 3A, "User Interrupts", "User-Interrupt MSRs".
 */
#include "conformance.h"

const char test_name[] = "conf_msr";

uint64_t user_probe(void *arg);
__asm__(".text\n.globl user_probe\nuser_probe: nop; nop; mov %rdi, %rax; ret");

static void check_msrs(void)
{
    uintr_setup_self();
    report(is_written(MSR_UINTR_RR, ~0ull), "M01 RR takes all ones");
    wrmsr(MSR_UINTR_RR, 0);
    wrmsr(MSR_UINTR_HANDLER, 0x1234567890);
    report(is_write_gp(MSR_UINTR_HANDLER, NONCANONICAL) && rdmsr(MSR_UINTR_HANDLER) == 0x1234567890,
           "M02 HANDLER non-canonical: #GP(0), kept");
    report(is_written(MSR_UINTR_HANDLER, 0xffff800000000001), "M02 HANDLER takes the high half, any alignment");
    report(is_write_gp(MSR_UINTR_STACKADJUST, NONCANONICAL), "M03 STACKADJUST non-canonical: #GP(0)");
    report(is_written(MSR_UINTR_STACKADJUST, 0x87), "M04 STACKADJUST takes low bits");
    report(is_written(MSR_UINTR_MISC, 0xffffffffff), "M05 MISC takes bits 39:0");
    bool is_gp = true;
    for (int bit = 40; bit < 64; bit++)
        is_gp = is_gp && is_write_gp(MSR_UINTR_MISC, 1ull << bit);
    report(is_gp && rdmsr(MSR_UINTR_MISC) == 0xffffffffff, "M06 MISC bits 63:40: #GP(0) each");
    wrmsr(MSR_UINTR_MISC, 0);
    is_gp = true;
    for (int bit = 0; bit < 6; bit++)
        is_gp = is_gp && is_write_gp(MSR_UINTR_PD, 0x200000 | 1ull << bit);
    report(is_gp, "M07 PD bits 5:0: #GP(0) each");
    upid.control = 0x55;
    upid.pir = 0x66;
    report(is_written(MSR_UINTR_PD, (uint64_t)&upid) && upid.control == 0x55 && upid.pir == 0x66,
           "M08 PD takes an aligned address, memory untouched");
    report(is_write_gp(MSR_UINTR_PD, NONCANONICAL), "M09 PD non-canonical: #GP(0)");
    is_gp = true;
    for (int bit = 1; bit < 4; bit++)
        is_gp = is_gp && is_write_gp(MSR_UINTR_TT, 0x200000 | 1ull << bit);
    report(is_gp && is_write_gp(MSR_UINTR_TT, NONCANONICAL), "M10 TT bits 3:1 and non-canonical: #GP(0) each");
    report(is_written(MSR_UINTR_TT, 0x200011) && is_written(MSR_UINTR_TT, 0x200010),
           "M11 TT with and without its enable bit");
    stui();
    report_equal(rdmsr(MSR_UINTR_MISC) >> 63, 0, "M12 UIF is not in MISC");

    uintr_setup_self();
    stui();
    wrmsr(MSR_UINTR_RR, 1 << 3);
    cpu_pause();
    report(uintr_record_count == 0 && rdmsr(MSR_UINTR_RR) == 8, "M14 RR written at CPL 0: no delivery there");
    run_in_user(user_probe, NULL);
    report(uintr_record_count == 1 && uintr_records[0].vector == 3 && *(const uint16_t *)uintr_records[0].rip == 0xd0ff,
           "M15 delivered at CPL 3 before the first instruction there (CALL RAX of user_start)");
    report(rdmsr(MSR_UINTR_RR) == 0 && testui(), "M15 RR is 0 and UIF 1 after the handler");
    uintr_record_count = 0;
    wrmsr(MSR_UINTR_RR, 8);
    wrmsr(MSR_UINTR_RR, 0);
    run_in_user(user_probe, NULL);
    report_equal(uintr_record_count, 0, "M16 RR written back to 0: no delivery");
    clui();
}

int guest_main(void) { return conformance_run(check_msrs); }
