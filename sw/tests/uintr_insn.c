/* SPDX-License-Identifier: Apache-2.0 */
/* The five instructions and the six MSRs: effects, #UD, #GP and #PF conditions, on one core. Case numbers are those of
 * the conformance list (E enumeration, M MSRs, I CLUI/STUI/TESTUI, U UIRET, S SENDUIPI). SDM Vol. 2, CLUI, SENDUIPI,
 * STUI, TESTUI, UIRET; Vol. 3A, "User Interrupts". UIRET: uintr_insn_uiret.c. SENDUIPI: uintr_insn_send.c.
 */
#include "uintr_insn.h"

const char test_name[] = "uintr_insn";

void expect_trap(struct trap t, const char *what, unsigned vector, uint64_t error)
{
    report(t.is_raised && t.vector == vector && t.error == error, "%s: vector %u error %lx (raised %d, %u, %lx)", what,
           vector, error, t.is_raised, t.vector, t.error);
}

struct msr_write {
    uint32_t msr;
    uint64_t value;
};
static void write_msr(void *arg)
{
    const struct msr_write *w = arg;
    wrmsr(w->msr, w->value);
}
static bool is_write_gp(uint32_t msr, uint64_t value)
{
    struct trap t = test_for_exception(write_msr, &(struct msr_write){msr, value});
    return t.is_raised && t.vector == VECTOR_GP && t.error == 0;
}
static bool is_written(uint32_t msr, uint64_t value)
{
    struct trap t = test_for_exception(write_msr, &(struct msr_write){msr, value});
    return !t.is_raised && rdmsr(msr) == value;
}
static uint64_t user_rdmsr(void *arg) { return rdmsr((uint32_t)(uint64_t)arg); }
static uint64_t user_wrmsr(void *arg)
{
    wrmsr((uint32_t)(uint64_t)arg, 0);
    return 0;
}

static void check_reset_state(void)
{
    uint64_t all = 0;
    for (uint32_t msr = MSR_UINTR_RR; msr <= MSR_UINTR_TT; msr++)
        all |= rdmsr(msr);
    report_equal(all, 0, "E09 E11 the six MSRs are 0 after reset and readable without CR4.UINTR");
    report(is_written(MSR_UINTR_HANDLER, 0x1000) && is_written(MSR_UINTR_HANDLER, 0), "E09 and writable");
    report(!(read_cr4() & CR4_UINTR), "CR4.UINTR is 0 after reset");
    uintr_enable();
    report(read_cr4() & CR4_UINTR, "E05 CR4.UINTR can be set");
    report(!testui(), "E11 UIF is 0 after reset");
    write_cr4(read_cr4() & ~(uint64_t)CR4_UINTR);
    report(!(read_cr4() & CR4_UINTR), "E05 CR4.UINTR can be cleared");
    bool is_gp = true;
    for (uint32_t msr = MSR_UINTR_RR; msr <= MSR_UINTR_TT; msr++) {
        struct trap t = user_exception(user_rdmsr, (void *)(uint64_t)msr);
        struct trap u = user_exception(user_wrmsr, (void *)(uint64_t)msr);
        is_gp = is_gp && t.vector == VECTOR_GP && t.error == 0 && u.vector == VECTOR_GP && u.error == 0;
    }
    report(is_gp, "E10 RDMSR and WRMSR at CPL 3: #GP(0)");
}

uint64_t user_probe(void *arg);
__asm__(".text\n.globl user_probe\nuser_probe: nop; nop; mov %rdi, %rax; ret");

static void check_msrs(void)
{
    const uint64_t noncanonical = 0x0000800000000000;
    uintr_setup_self();
    report(is_written(MSR_UINTR_RR, ~0ull), "M01 RR takes all ones");
    wrmsr(MSR_UINTR_RR, 0);
    wrmsr(MSR_UINTR_HANDLER, 0x1234567890);
    report(is_write_gp(MSR_UINTR_HANDLER, noncanonical) && rdmsr(MSR_UINTR_HANDLER) == 0x1234567890,
           "M02 HANDLER non-canonical: #GP(0), kept");
    report(is_written(MSR_UINTR_HANDLER, 0xffff800000000001), "HANDLER takes the high half, any alignment");
    report(is_write_gp(MSR_UINTR_STACKADJUST, noncanonical), "M03 STACKADJUST non-canonical: #GP(0)");
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
    report(is_write_gp(MSR_UINTR_PD, noncanonical), "M09 PD non-canonical: #GP(0)");
    is_gp = true;
    for (int bit = 1; bit < 4; bit++)
        is_gp = is_gp && is_write_gp(MSR_UINTR_TT, 0x200000 | 1ull << bit);
    report(is_gp && is_write_gp(MSR_UINTR_TT, noncanonical), "M10 TT bits 3:1 and non-canonical: #GP(0) each");
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
    report(uintr_record_count == 1 && uintr_records[0].vector == 3, "M15 delivered on the way to CPL 3");
    report(rdmsr(MSR_UINTR_RR) == 0 && testui(), "M15 RR is 0 and UIF 1 after the handler");
    uintr_record_count = 0;
    wrmsr(MSR_UINTR_RR, 8);
    wrmsr(MSR_UINTR_RR, 0);
    run_in_user(user_probe, NULL);
    report_equal(uintr_record_count, 0, "M16 RR written back to 0: no delivery");
    clui();
}

/* --- #UD --- */
#define RAISE(name, bytes)                                                                                             \
    static void name(void *arg)                                                                                        \
    {                                                                                                                  \
        (void)arg;                                                                                                     \
        __asm__ volatile(".byte " bytes ::"a"(0) : "memory", "cc");                                                    \
    }
RAISE(op_uiret, "0xf3, 0x0f, 0x01, 0xec")
RAISE(op_testui, "0xf3, 0x0f, 0x01, 0xed")
RAISE(op_clui, "0xf3, 0x0f, 0x01, 0xee")
RAISE(op_stui, "0xf3, 0x0f, 0x01, 0xef")
RAISE(op_senduipi, "0xf3, 0x0f, 0xc7, 0xf0")
RAISE(lock_uiret, "0xf0, 0xf3, 0x0f, 0x01, 0xec")
RAISE(lock_testui, "0xf0, 0xf3, 0x0f, 0x01, 0xed")
RAISE(lock_clui, "0xf0, 0xf3, 0x0f, 0x01, 0xee")
RAISE(lock_stui, "0xf0, 0xf3, 0x0f, 0x01, 0xef")
RAISE(lock_senduipi, "0xf0, 0xf3, 0x0f, 0xc7, 0xf0")
RAISE(plain_ec, "0x0f, 0x01, 0xec")
RAISE(plain_ed, "0x0f, 0x01, 0xed")
RAISE(plain_ee, "0x0f, 0x01, 0xee")
RAISE(plain_ef, "0x0f, 0x01, 0xef")
RAISE(f2_then_f3_stui, "0xf2, 0xf3, 0x0f, 0x01, 0xef")
RAISE(f3_then_f2_stui, "0xf3, 0xf2, 0x0f, 0x01, 0xef")
RAISE(op66_stui, "0x66, 0xf3, 0x0f, 0x01, 0xef")
RAISE(rexw_clui, "0xf3, 0x48, 0x0f, 0x01, 0xee")

static const struct {
    const char *name;
    void (*plain)(void *), (*lock)(void *);
    uint8_t bytes[4];
} ops[] = {{"UIRET", op_uiret, lock_uiret, {0xf3, 0x0f, 0x01, 0xec}},
           {"TESTUI", op_testui, lock_testui, {0xf3, 0x0f, 0x01, 0xed}},
           {"CLUI", op_clui, lock_clui, {0xf3, 0x0f, 0x01, 0xee}},
           {"STUI", op_stui, lock_stui, {0xf3, 0x0f, 0x01, 0xef}},
           {"SENDUIPI", op_senduipi, lock_senduipi, {0xf3, 0x0f, 0xc7, 0xf0}}};

/* Jumps far to compatibility mode (a 32-bit code segment of DPL 0), where the instruction's bytes wait. */
static void run_in_compatibility(void *arg)
{
    __asm__ volatile("mov %%rsp, %%rbx; pushq %0; pushq %1; lretq; mov %%rbx, %%rsp" ::"i"(SEL_SPARE), "r"(arg)
                     : "rbx", "memory");
}

static void check_ud(void)
{
    uintr_setup_self();
    this_cpu()->gdt[SEL_SPARE / 8] = 0x00cf9b000000ffff; /* 32-bit code, DPL 0 */
    static uint8_t compat_code[16];
    for (unsigned i = 0; i < sizeof ops / sizeof *ops; i++) {
        expect_trap(test_for_exception(ops[i].lock, NULL), "I04 LOCK", VECTOR_UD, 0);
        write_cr4(read_cr4() & ~(uint64_t)CR4_UINTR);
        struct trap t = test_for_exception(ops[i].plain, NULL);
        uintr_enable();
        report(t.is_raised && t.vector == VECTOR_UD, "I05 %s with CR4.UINTR = 0: #UD (%u)", ops[i].name, t.vector);
        for (int k = 0; k < 4; k++)
            compat_code[k] = ops[i].bytes[k];
        compat_code[4] = 0xcc;
        t = test_for_exception(run_in_compatibility, compat_code);
        report(t.is_raised && t.vector == VECTOR_UD && t.rip == (uint64_t)compat_code,
               "I06 %s in compatibility mode: #UD (%u)", ops[i].name, t.vector);
    }
    expect_trap(test_for_exception(plain_ec, NULL), "0F 01 EC without F3", VECTOR_UD, 0);
    expect_trap(test_for_exception(plain_ed, NULL), "0F 01 ED without F3", VECTOR_UD, 0);
    clui();
    report(!test_for_exception(f2_then_f3_stui, NULL).is_raised && testui(), "I11 F2 F3 0F 01 EF is STUI");
    clui();
    struct trap t = test_for_exception(f3_then_f2_stui, NULL);
    report(!testui() && t.is_raised && t.vector == VECTOR_UD, "I11 F3 F2 0F 01 EF is not");
    report(!test_for_exception(op66_stui, NULL).is_raised && testui(), "66H before STUI is ignored");
    report(!test_for_exception(rexw_clui, NULL).is_raised && !testui(), "REX.W before CLUI is ignored");
}

/* --- CLUI, STUI, TESTUI --- */
static uint64_t flags_after_testui(uint64_t before)
{
    uint64_t after;
    __asm__ volatile("pushq %1; popfq; testui; pushfq; popq %0; pushq $2; popfq"
                     : "=r"(after)
                     : "r"(before)
                     : "memory", "cc");
    return after;
}
static uint64_t user_flags_test(void *arg)
{
    uint64_t *result = arg, all = RFLAGS_STATUS_MASK | RFLAGS_DF | RFLAGS_ID;
    stui();
    result[0] = flags_after_testui(read_flags() | all);
    clui();
    result[1] = flags_after_testui(read_flags() | all);
    uint64_t before = 0, after = 0;
    __asm__ volatile("pushq %2; popfq; pushfq; popq %0; stui; clui; stui; pushfq; popq %1; cld"
                     : "=&r"(before), "=&r"(after)
                     : "r"(all | RFLAGS_IF | 2)
                     : "memory", "cc");
    result[2] = before ^ after;
    __asm__ volatile("pushq $2; popfq; stui; clui; pushfq; popq %0" : "=r"(after)::"memory", "cc");
    result[3] = after & RFLAGS_STATUS_MASK;
    return 0;
}
static uint64_t kernel_testui(void *arg)
{
    (void)arg;
    return testui();
}
static uint64_t user_survives(void *arg)
{
    uint64_t ok = 1;
    (void)arg;
    stui();
    ok &= call_kernel(kernel_testui, NULL);
    ok &= (uint64_t)testui();
    ok &= call_kernel_iret(kernel_testui, NULL);
    ok &= (uint64_t)testui();
    clui();
    ok &= (uint64_t)!call_kernel(kernel_testui, NULL);
    ok &= (uint64_t)!testui();
    ok &= (uint64_t)!call_kernel_iret(kernel_testui, NULL);
    ok &= (uint64_t)!testui();
    return ok;
}

uint64_t user_stui_window(void *arg);
extern char after_stui[];
__asm__(".text\n.globl user_stui_window, after_stui\nuser_stui_window:\n"
        "    clui\n    nop\n    nop\n    stui\nafter_stui:\n    clui\n    mov uintr_record_count, %rax\n    ret\n");

static uint64_t user_clui_holds(void *arg)
{
    (void)arg;
    stui();
    clui();
    senduipi(7);
    delay(20000);
    uint64_t early = uintr_record_count;
    stui();
    cpu_pause();
    return early | uintr_record_count << 8;
}

static void check_flag_instructions(void)
{
    uintr_setup_self();
    uint64_t result[4];
    run_in_user(user_flags_test, result);
    report_equal(result[0] & (RFLAGS_STATUS_MASK | RFLAGS_DF | RFLAGS_ID | RFLAGS_IF),
                 RFLAGS_CF | RFLAGS_DF | RFLAGS_ID | RFLAGS_IF, "I01 TESTUI with UIF = 1: CF only; DF, ID, IF kept");
    report_equal(result[1] & (RFLAGS_STATUS_MASK | RFLAGS_DF | RFLAGS_ID | RFLAGS_IF),
                 RFLAGS_DF | RFLAGS_ID | RFLAGS_IF, "I02 TESTUI with UIF = 0: status flags clear");
    report_equal(result[2], 0, "I03 STUI and CLUI leave set flags");
    report_equal(result[3], 0, "I03 and clear flags");
    stui();
    bool is_set = testui();
    clui();
    report(is_set && !testui(), "I07 CLUI, STUI, TESTUI work at CPL 0");
    report_equal(run_in_user(user_survives, NULL), 1, "I12 UIF survives SYSCALL, SYSRET, INT and IRETQ");

    uintr_setup_self();
    wrmsr(MSR_UINTR_RR, 1 << 9);
    uint64_t count = run_in_user(user_stui_window, NULL);
    report(count == 1 && uintr_records[0].vector == 9 && uintr_records[0].rip == (uint64_t)after_stui,
           "I08 delivery directly after STUI: pushed RIP is the next instruction (%lx)",
           uintr_records[0].rip - (uint64_t)after_stui);
    uintr_setup_self();
    report_equal(run_in_user(user_clui_holds, NULL), 0x100, "I09 after CLUI nothing is delivered until STUI");
    if (!(cpuid(7, 0).ecx >> 3 & 1)) {
        clui();
        struct trap t = test_for_exception(plain_ee, NULL), u = test_for_exception(plain_ef, NULL);
        report(t.vector == VECTOR_UD && u.vector == VECTOR_UD && !testui(),
               "I10 0F 01 EE and EF without F3 are PKU: absent, #UD");
    }
}

int guest_main(void)
{
    if (!uintr_or_skip())
        return report_summary();
    check_reset_state();
    check_msrs();
    check_ud();
    check_flag_instructions();
    check_uiret();
    check_senduipi();
    return report_summary();
}
