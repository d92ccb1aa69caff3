/* SPDX-License-Identifier: Apache-2.0 */
/* CLUI, STUI, TESTUI, and the #UD conditions of all five instructions. Group I. SDM Vol. 2, CLUI, SENDUIPI, STUI,
 * TESTUI, UIRET.
 */
#include "conformance.h"

const char test_name[] = "conf_flag_insn";

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

struct raise {
    void (*fn)(void *arg);
};
static uint64_t raise_in_user(void *arg)
{
    ((const struct raise *)arg)->fn(NULL);
    return 0;
}
static struct trap user_trap(void (*fn)(void *arg)) { return user_exception(raise_in_user, &(struct raise){fn}); }

static void check_ud(void)
{
    uintr_setup_self();
    this_cpu()->gdt[SEL_SPARE / 8] = 0x00cf9b000000ffff; /* 32-bit code, DPL 0 */
    static uint8_t compat_code[16];
    for (unsigned i = 0; i < sizeof ops / sizeof *ops; i++) {
        report(is_exception(test_for_exception(ops[i].lock, NULL), VECTOR_UD, 0) &&
                   is_exception(user_trap(ops[i].lock), VECTOR_UD, 0),
               "I04 LOCK %s: #UD at CPL 0 and 3", ops[i].name);
        write_cr4(read_cr4() & ~(uint64_t)CR4_UINTR);
        struct trap t = test_for_exception(ops[i].plain, NULL), u = user_trap(ops[i].plain);
        uintr_enable();
        report(is_exception(t, VECTOR_UD, 0) && is_exception(u, VECTOR_UD, 0),
               "I05 %s with CR4.UINTR = 0: #UD at CPL 0 and 3 (%u, %u)", ops[i].name, t.vector, u.vector);
        for (int k = 0; k < 4; k++)
            compat_code[k] = ops[i].bytes[k];
        compat_code[4] = 0xcc;
        t = test_for_exception(run_in_compatibility, compat_code);
        report(t.is_raised && t.vector == VECTOR_UD && t.rip == (uint64_t)compat_code,
               "I06 %s in compatibility mode: #UD (%u)", ops[i].name, t.vector);
    }
    expect_trap(test_for_exception(plain_ec, NULL), "I10 0F 01 EC without F3", VECTOR_UD, 0);
    expect_trap(test_for_exception(plain_ed, NULL), "I10 0F 01 ED without F3", VECTOR_UD, 0);
    clui();
    report(!test_for_exception(f2_then_f3_stui, NULL).is_raised && testui(), "I11 F2 F3 0F 01 EF is STUI");
    clui();
    struct trap t = test_for_exception(f3_then_f2_stui, NULL);
    report(!testui() && t.is_raised && t.vector == VECTOR_UD, "I11 F3 F2 0F 01 EF is not");
    report(!test_for_exception(op66_stui, NULL).is_raised && testui(), "I11 66H before STUI is ignored");
    report(!test_for_exception(rexw_clui, NULL).is_raised && !testui(), "I11 REX.W before CLUI is ignored");
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
#define FAULT_VA (TEST_VA + 0x1200000)
static volatile uint64_t uif_in_fault;
static bool on_page_fault(struct trap_frame *f)
{
    (void)f;
    if (read_cr2() >> 12 != FAULT_VA >> 12)
        return false;
    uif_in_fault = testui();
    page_map_new(FAULT_VA, USER_PAGE);
    return true;
}
static uint64_t unmap_fault_page(void *arg)
{
    (void)arg;
    page_unmap(FAULT_VA);
    return 0;
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
    *(volatile uint8_t *)FAULT_VA = 1; /* #PF; on_page_fault() maps the page */
    ok &= (uint64_t)testui() & uif_in_fault;
    call_kernel(unmap_fault_page, NULL);
    clui();
    *(volatile uint8_t *)FAULT_VA = 1;
    ok &= (uint64_t)!testui() & (uint64_t)!uif_in_fault;
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
    user_flags_test(result);
    report_equal(result[0] & (RFLAGS_STATUS_MASK | RFLAGS_DF | RFLAGS_ID), RFLAGS_CF | RFLAGS_DF | RFLAGS_ID,
                 "I01 the same at CPL 0");
    report(!(result[1] & RFLAGS_STATUS_MASK) && result[2] == 0 && result[3] == 0, "I02 I03 the same at CPL 0");
    stui();
    bool is_set = testui();
    clui();
    report(is_set && !testui(), "I07 CLUI, STUI, TESTUI work at CPL 0");
    __asm__ volatile("mov %%rsp, %%rax; pushq %%rax; pushq $2; leaq 1f(%%rip), %%rcx; pushq %%rcx; uiret; 1:" ::
                         : "rax", "rcx", "memory", "cc");
    report(testui() && read_cs() == SEL_KERNEL_CODE, "I07 UIRET works at CPL 0");
    clui();
    page_unmap(FAULT_VA);
    trap_handler *former = trap_install(VECTOR_PF, on_page_fault);
    report_equal(run_in_user(user_survives, NULL), 1,
                 "I12 UIF survives SYSCALL and SYSRET, INT and IRETQ, #PF and IRETQ");
    trap_install(VECTOR_PF, former);

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

static void checks(void)
{
    check_ud();
    check_flag_instructions();
}

int guest_main(void) { return conformance_run(checks); }
