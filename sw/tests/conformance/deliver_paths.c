/* SPDX-License-Identifier: Apache-2.0 */
/* Where deliveries come from: nested ones, every way into CPL 3, a string instruction and a wait that are interrupted,
 * SMAP. Group D, with deliver.c. SDM Vol. 3A, "User-Interrupt Delivery".
 */
#include "conformance.h"

const char test_name[] = "conf_deliver_paths";

/* --- nesting: the handler executes STUI --- */
static volatile uint64_t depth, deepest, nested_order[4], nested_count;
uint64_t nest_enter(uint64_t vector);
uint64_t nest_enter(uint64_t vector)
{
    depth = depth + 1;
    deepest = depth > deepest ? depth : deepest;
    nested_order[nested_count++ & 3] = vector;
    if (depth == 1) {
        stui();
        cpu_pause();
        clui();
    }
    depth = depth - 1;
    return 0;
}
void nesting_handler(void);
__asm__(
    ".text\n.globl nesting_handler\n"
    "nesting_handler:\n"
    "    pushq %rax; pushq %rcx; pushq %rdx; pushq %rsi; pushq %rdi; pushq %r8; pushq %r9; pushq %r10; pushq %r11; "
    "pushq %rbx\n"
    "    movq 80(%rsp), %rdi\n"
    "    movq %rsp, %rbx\n"
    "    andq $-16, %rsp\n"
    "    call nest_enter\n"
    "    movq %rbx, %rsp\n"
    "    popq %rbx; popq %r11; popq %r10; popq %r9; popq %r8; popq %rdi; popq %rsi; popq %rdx; popq %rcx; popq %rax\n"
    "    addq $8, %rsp\n"
    "    uiret\n");
static uint64_t user_nest(void *arg)
{
    (void)arg;
    stui();
    cpu_pause();
    clui();
    return 0;
}
static void check_nesting(void)
{
    uintr_setup_self();
    depth = deepest = nested_count = 0;
    wrmsr(MSR_UINTR_HANDLER, (uint64_t)nesting_handler);
    wrmsr(MSR_UINTR_RR, 1 << 7 | 1 << 3);
    run_in_user(user_nest, NULL);
    report(deepest == 2 && nested_count == 2 && nested_order[0] == 7 && nested_order[1] == 3,
           "D25 STUI in the handler: nested delivery (%lu, %lu)", deepest, nested_count);
}

/* --- entering user mode with one pending: by IRETQ and by SYSRET --- */
static uint64_t post_in_kernel(void *arg)
{
    wrmsr(MSR_UINTR_RR, (uint64_t)arg);
    return uintr_record_count;
}
static uint64_t user_calls(void *arg)
{
    (void)arg;
    uint64_t before = uintr_record_count;
    stui();
    uint64_t early = call_kernel(post_in_kernel, (void *)(1 << 4));
    uint64_t ok = early == before && uintr_record_count == before + 1;
    early = call_kernel_iret(post_in_kernel, (void *)(1 << 6));
    ok &= (uint64_t)(early == before + 1 && uintr_record_count == before + 2);
    clui();
    return ok;
}
uint64_t nothing(void *arg);
__asm__(".text\n.globl nothing\nnothing: nop; nop; ret");
static volatile uint64_t apic_first;
static bool on_ordinary(struct trap_frame *f)
{
    (void)f;
    apic_first = uintr_record_count == 0;
    apic_eoi();
    return true;
}
static void check_return_paths(void)
{
    uintr_setup_self();
    report_equal(run_in_user(user_calls, NULL), 1,
                 "D21 delivered before the next user instruction, after SYSRET and after IRETQ");
    report(uintr_records[0].vector == 4 && uintr_records[1].vector == 6, "D21 the right vectors");
    uintr_setup_self();
    apic_first = 0;
    trap_install(0x48, on_ordinary);
    apic_self_ipi(0x48);
    settle();
    wrmsr(MSR_UINTR_RR, 2);
    stui();
    run_in_user(nothing, NULL);
    report(apic_first == 1 && uintr_record_count == 1,
           "D20 the ordinary interrupt first, the user interrupt after its IRETQ");
    stui();
    write_cr4(read_cr4() & ~(uint64_t)CR4_UINTR);
    wrmsr(MSR_UINTR_RR, 2);
    uintr_record_count = 0;
    run_in_user(nothing, NULL);
    bool is_quiet = uintr_record_count == 0;
    uintr_enable(); /* and nothing else that could make the processor look again */
    run_in_user(nothing, NULL);
    report(is_quiet && uintr_record_count == 1, "D24 pending while CR4.UINTR = 0; delivered once it is 1");
    clui();
}

/* REP MOVSB is interrupted between iterations, by the APIC timer, and goes on. */
enum { REP_BYTES = 65536 };
extern uint8_t from_bytes[REP_BYTES], to_bytes[REP_BYTES];
uint8_t from_bytes[REP_BYTES], to_bytes[REP_BYTES];
uint64_t rep_probe(void *arg);
extern char rep_insn[];
__asm__(".text\n.globl rep_probe, rep_insn\n"
        "rep_probe:\n"
        "    stui\n"
        "    movl $from_bytes, %esi\n"
        "    movl $to_bytes, %edi\n"
        "    movl $65536, %ecx\n"
        "rep_insn:\n"
        "    rep movsb\n"
        "    clui\n"
        "    movl %ecx, %eax\n"
        "    subl $from_bytes + 65536, %esi\n"
        "    orl %esi, %eax\n"
        "    subl $to_bytes + 65536, %edi\n"
        "    orl %edi, %eax\n"
        "    ret\n");
static void check_rep(void)
{
    uintr_setup_self();
    for (int i = 0; i < REP_BYTES; i++) {
        from_bytes[i] = (uint8_t)(i * 7 + i / 256);
        to_bytes[i] = 0;
    }
    upid.pir = 1 << 22;
    upid.control |= UPID_ON;
    apic_timer(UINTR_NOTIFICATION_VECTOR, APIC_TIMER_ONE_SHOT, 100);
    uint64_t wrong = run_in_user(rep_probe, NULL);
    apic_timer_stop();
    for (int i = 0; i < REP_BYTES; i++)
        wrong |= (uint64_t)(to_bytes[i] != from_bytes[i]);
    report(uintr_record_count == 1 && uintr_records[0].rip == (uint64_t)rep_insn,
           "D23 REP MOVSB interrupted: pushed RIP is the instruction itself (%lu)", uintr_record_count);
    report(uintr_records[0].rflags & RFLAGS_RF && !(uintr_records[0].handler_rflags & RFLAGS_RF),
           "D23 RF is in the image, as for any interrupted string instruction");
    report_equal(wrong, 0, "D23 it completes after UIRET: RCX, RSI, RDI and every byte are right");
}

/* --- TPAUSE and UMWAIT at CPL 3: the notification comes from the APIC timer --- */
uint64_t tpause_probe(void *arg);
uint64_t umwait_probe(void *arg);
extern char tpause_after[], umwait_after[];
__asm__(".text\n.globl tpause_probe, tpause_after, umwait_probe, umwait_after\n"
        ".macro wait_with insn, after\n"
        "    stui\n"
        "    movl $-1, %eax\n"
        "    movl $0x7fffffff, %edx\n"
        "    xorl %ecx, %ecx\n"
        "    \\insn %ecx\n"
        "\\after: clui\n"
        "    movq uintr_record_count, %rax\n"
        "    ret\n"
        ".endm\n"
        "tpause_probe: wait_with tpause, tpause_after\n"
        "umwait_probe: umonitor %rdi\n    wait_with umwait, umwait_after\n");
static volatile uint64_t watched[8] __attribute__((aligned(64)));
static void check_wait(const char *name, uint64_t (*probe)(void *), const char *after)
{
    const uint32_t count = 20000;
    uintr_setup_self();
    upid.pir = 1 << 17;
    upid.control |= UPID_ON;
    apic_timer(UINTR_NOTIFICATION_VECTOR, APIC_TIMER_ONE_SHOT, count);
    uint64_t delivered = run_in_user(probe, (void *)watched);
    uint32_t left = apic_read(APIC_TIMER_CURRENT);
    apic_timer_stop();
    report(delivered == 1 && left == 0 && uintr_records[0].vector == 17 && uintr_records[0].rip == (uint64_t)after,
           "D22 %s waits, wakes and delivers: pushed RIP is the next instruction (%lu)", name, delivered);
}

/* The same with another core's SENDUIPI. */
static volatile uint32_t phase;
static uint64_t waiting_receiver(void *arg)
{
    uintr_setup_receiver();
    phase = 1;
    return run_in_user(arg, (void *)watched);
}
static void check_wait_for_core(const char *name, uint64_t (*probe)(void *), const char *after)
{
    uintr_reset();
    phase = 0;
    start_on_cpu(1, waiting_receiver, (void *)probe);
    (void)wait_until(phase == 1);
    settle();
    uintr_setup_sender();
    senduipi(18);
    uint64_t delivered = wait_for_cpu(1);
    report(delivered == 1 && uintr_records[0].vector == 18 && uintr_records[0].rip == (uint64_t)after,
           "D22 %s wakes for the SENDUIPI of another core (%lu)", name, delivered);
}

/* --- SMAP: the image's own pages are supervisor pages, user code runs on a page of its own --- */
#define VA (TEST_VA + 0x1400000)
extern uint8_t smap_user[], smap_handler[], smap_count[], smap_end[];
uint64_t smap_enter(uint64_t rip, uint64_t rsp);
__asm__(".text\n.globl smap_user, smap_handler, smap_count, smap_end, smap_enter\n"
        "smap_user:\n" /* position independent: runs at VA */
        "    stui\n"
        "    nop\n"
        "    clui\n"
        "    movq smap_count(%rip), %rdi\n"
        "    xorl %eax, %eax\n" /* USER_CALL_EXIT */
        "    syscall\n"
        "smap_handler:\n"
        "    incq smap_count(%rip)\n"
        "    addq $8, %rsp\n"
        "    uiret\n"
        "smap_count: .quad 0\n"
        "smap_end:\n"
        "smap_enter:\n" /* as user_enter(), to code that is not part of the image */
        "    pushq %rbx; pushq %rbp; pushq %r12; pushq %r13; pushq %r14; pushq %r15; pushfq\n"
        "    movq %rsp, %gs:24\n" /* CPU_LEAVE_RSP */
        "    pushq $0x23\n"       /* SEL_USER_DATA */
        "    pushq %rsi\n"
        "    pushq $0x202\n"
        "    pushq $0x2b\n" /* SEL_USER_CODE */
        "    pushq %rdi\n"
        "    iretq\n");
_Static_assert(CPU_LEAVE_RSP == 24 && SEL_USER_DATA == 0x23 && SEL_USER_CODE == 0x2b && USER_CALL_EXIT == 0,
               "known to the assembly above");
static void check_smap(void)
{
    if (!(cpuid(7, 0).ebx >> 20 & 1))
        return;
    uintr_setup_self();
    uint8_t *page = page_map_new(VA, USER_PAGE);
    page_map_new(VA + 0x1000, USER_PAGE);
    for (int i = 0; i < smap_end - smap_user; i++)
        page[i] = smap_user[i];
    wrmsr(MSR_UINTR_HANDLER, VA + (uint64_t)(smap_handler - smap_user));
    wrmsr(MSR_UINTR_RR, 1 << 3 | 1 << 2);
    set_low_pages(false);
    write_cr4(read_cr4() | CR4_SMAP);
    uint64_t count = smap_enter(VA, VA + 0x2000);
    write_cr4(read_cr4() & ~(uint64_t)CR4_SMAP);
    set_low_pages(true);
    report(count == 2 && rdmsr(MSR_UINTR_RR) == 0, "D27 with SMAP the pushes to the user stack succeed (%lu)", count);
    clui();
}

static void checks(void)
{
    check_nesting();
    check_return_paths();
    check_rep();
    if (cpuid(7, 0).ecx >> 5 & 1) {
        check_wait("TPAUSE", tpause_probe, tpause_after);
        check_wait("UMWAIT", umwait_probe, umwait_after);
        if (conformance_cores > 1) {
            check_wait_for_core("TPAUSE", tpause_probe, tpause_after);
            check_wait_for_core("UMWAIT", umwait_probe, umwait_after);
        }
    }
    check_smap();
}

int guest_main(void) { return conformance_run(checks); }
