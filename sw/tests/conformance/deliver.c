/* SPDX-License-Identifier: Apache-2.0 */
/* Delivery of user interrupts: stack frame, both forms of UISTACKADJUST, alignment, flags, order, faults on the way.
 * Group D, with deliver_paths.c (where deliveries come from). D12 and D13 also, and D17 only, are unit tests: they need
 * one instruction boundary or wider addresses. SDM Vol. 3A, "User-Interrupt Delivery".
 */
#include "conformance.h"

const char test_name[] = "conf_deliver";

#define VA (TEST_VA + 0xa00000)

/* --- a probe: user code that does nothing at a chosen RSP with UIF = 1 --- */

extern char probe_first[];
uint64_t probe(void *arg);
__asm__(".text\n.globl probe, probe_first\n"
        "probe:\n"
        "    movq %rsp, %r11\n"
        "    testq %rdi, %rdi\n"
        "    jz probe_first\n"
        "    movq %rdi, %rsp\n"
        "    stui\n"
        "probe_first:\n"
        "    nop\n    nop\n"
        "    movq %r11, %rsp\n"
        "    clui\n"
        "    movq uintr_record_count, %rax\n"
        "    ret\n");

/* One delivery of vector 5 while user code has this RSP. */
static volatile struct uintr_record *deliver_at(uint64_t rsp, uint64_t stack_adjust)
{
    uintr_setup_self();
    wrmsr(MSR_UINTR_STACKADJUST, stack_adjust);
    wrmsr(MSR_UINTR_RR, 1 << 5);
    run_in_user(probe, (void *)rsp);
    return &uintr_records[0];
}

static void check_stack(void)
{
    page_map_new(VA, USER_PAGE);
    page_map_new(VA + 0x1000, USER_PAGE);
    uint64_t rsp = VA + 0x1238;
    volatile struct uintr_record *r = deliver_at(rsp, 0x80);
    report(uintr_record_count == 1 && r->vector == 5, "D01 one delivery, vector 5");
    report_equal(r->handler_rsp, VA + 0x1190, "D01 RSP - 80H, aligned to 16, minus 32");
    report(r->rsp == rsp && r->rip == (uint64_t)probe_first, "D01 frame: the interrupted RSP and RIP");
    report((r->rflags & (RFLAGS_ONE | RFLAGS_IF)) == (RFLAGS_ONE | RFLAGS_IF), "D01 frame: RFLAGS (%lx)", r->rflags);
    report(*(volatile uint64_t *)(VA + 0x1190) == 5 && *(volatile uint64_t *)(VA + 0x11a8) == rsp,
           "D01 vector at RSP, old RSP at RSP + 24");

    r = deliver_at(rsp, (VA + 0x803) | UINTR_STACKADJUST_LOAD);
    report(r->handler_rsp == VA + 0x800 - 32 && r->rsp == rsp, "D02 bit 0: RSP is loaded, low 4 bits cleared");
    bool is_right = true;
    for (uint64_t low = 0; low < 16; low++) {
        r = deliver_at(VA + 0x1100 + low, 0);
        is_right = is_right && r->handler_rsp == VA + 0x1100 - 32 && r->rsp == VA + 0x1100 + low;
    }
    report(is_right, "D03 STACKADJUST 0: aligned down from every RSP");
    is_right = true;
    for (uint64_t adjust = 0; adjust < 64; adjust += 2) {
        r = deliver_at(VA + 0x1108, adjust);
        is_right = is_right && r->handler_rsp == ((VA + 0x1108 - adjust) & ~15ull) - 32;
    }
    report(is_right, "D03 subtracted first, aligned then");
    r = deliver_at(VA + 0x1100, (uint64_t)-256);
    report_equal(r->handler_rsp, VA + 0x1200 - 32, "D01 a negative STACKADJUST moves up");
}

static uint64_t user_ss_around(void *arg)
{
    uint16_t *ss = arg;
    ss[0] = read_ss();
    user_open_window(NULL);
    ss[1] = read_ss();
    return 0;
}
static void check_order(void)
{
    uintr_setup_self();
    wrmsr(MSR_UINTR_RR, 0x8000000000000001);
    report_equal(deliver_pending(), 2, "D04 D05 two bits: two deliveries");
    report(uintr_records[0].vector == 63 && uintr_records[1].vector == 0 && rdmsr(MSR_UINTR_RR) == 0,
           "D04 D05 63, then 0");
    wrmsr(MSR_UINTR_RR, 1ull << 40);
    deliver_pending();
    report_equal(uintr_records[0].vector, 40, "D06 the vector is pushed as 64 bits");
    wrmsr(MSR_UINTR_RR, ~0ull);
    bool is_right = deliver_pending() == 64;
    for (uint64_t i = 0; i < 64; i++)
        is_right = is_right && uintr_records[i].vector == 63 - i;
    report(is_right, "D04 D05 all 64, highest first");
    report_equal(uintr_records[0].handler_uif, 0, "D07 UIF is 0 in the handler");
    report_equal(uintr_records[0].handler_cs, SEL_USER_CODE, "D26 CS is unchanged: CPL 3");
    uint64_t cr2 = read_cr2(), fs = rdmsr(MSR_FS_BASE), gs = rdmsr(MSR_GS_BASE);
    uint16_t ss[2];
    wrmsr(MSR_FS_BASE, 0x123456789000);
    wrmsr(MSR_UINTR_RR, 2);
    run_in_user(user_ss_around, ss);
    report(ss[0] == ss[1] && ss[0] == SEL_USER_DATA && read_cr2() == cr2 && rdmsr(MSR_FS_BASE) == 0x123456789000 &&
               rdmsr(MSR_GS_BASE) == gs,
           "D26 SS, CR2, FS.base and GS.base are unchanged");
    wrmsr(MSR_FS_BASE, fs);
}

/* --- flags --- */
uint64_t flags_probe(void *arg);
__asm__(".text\n.globl flags_probe\n"
        "flags_probe:\n"
        "    pushq %rdi; popfq\n"
        "    stui\n"
        "    pushfq; popq %rax\n"
        "    pushq $0x202; popfq\n"
        "    clui\n"
        "    ret\n");
/* The instruction before the boundary computes the flags. */
uint64_t arithmetic_probe(void *arg);
__asm__(".text\n.globl arithmetic_probe\n"
        "arithmetic_probe:\n"
        "    movb $0x7f, %al\n"
        "    movq $1, %rcx\n"
        "    cmpq %rcx, %rdi\n" /* other flags first */
        "    addb $1, %al\n"    /* SF OF AF, no CF ZF PF */
        "    stui\n"
        "    pushfq; popq %rax\n"
        "    clui\n"
        "    ret\n");

static void check_flags(void)
{
    const uint64_t all = RFLAGS_IF | RFLAGS_ONE | RFLAGS_STATUS_MASK | RFLAGS_DF | RFLAGS_AC | RFLAGS_ID | RFLAGS_NT;
    uintr_setup_self();
    wrmsr(MSR_UINTR_RR, 2);
    uint64_t after = run_in_user(flags_probe, (void *)all);
    report_equal(uintr_records[0].rflags, all, "D09 the image has the flags of the boundary");
    report_equal(uintr_records[0].handler_rflags, all,
                 "D09 the handler starts with the same: DF, AC, ID, NT unchanged");
    report_equal(after, all, "D09 UIRET brings them back");
    uintr_setup_self();
    wrmsr(MSR_UINTR_RR, 2);
    after = run_in_user(arithmetic_probe, NULL);
    report_equal(uintr_records[0].rflags & RFLAGS_STATUS_MASK, RFLAGS_SF | RFLAGS_OF | RFLAGS_AF,
                 "D10 status flags of the last ALU instruction");
    report_equal(after & RFLAGS_STATUS_MASK, RFLAGS_SF | RFLAGS_OF | RFLAGS_AF, "D10 also after UIRET");
    uintr_setup_self();
    wrmsr(MSR_UINTR_RR, 2);
    run_in_user_with(flags_probe, (void *)(uint64_t)(RFLAGS_ONE | RFLAGS_IOPL_MASK), RFLAGS_IOPL_MASK,
                     user_stack_top());
    report(uintr_record_count == 1 && !(uintr_records[0].rflags & RFLAGS_IF),
           "D11 RFLAGS.IF does not hold back a delivery");
}

/* --- single step --- */
static volatile uint64_t db_count, db_first_rip;
static bool on_db(struct trap_frame *f)
{
    if (db_count == 0)
        db_first_rip = f->rip;
    db_count = db_count + 1;
    f->rflags &= ~(uint64_t)RFLAGS_TF;
    return true;
}
uint64_t step_probe(void *arg);
extern char step_after[];
__asm__(".text\n.globl step_probe, step_after\n"
        "step_probe:\n"
        "    pushfq; orq $0x100, (%rsp); popfq\n"
        "    stui\n" /* #DB after it; the delivery comes after that, with TF as the #DB handler left it */
        "step_after:\n"
        "    nop\n    clui\n    ret\n");
static void check_step(void)
{
    uintr_setup_self();
    db_count = db_first_rip = 0;
    trap_install(VECTOR_DB, on_db);
    wrmsr(MSR_UINTR_RR, 2);
    run_in_user(step_probe, NULL);
    report(db_count == 1 && db_first_rip == (uint64_t)step_after,
           "D08 the trap of the last instruction comes before the delivery");
    report(uintr_record_count == 1 && uintr_records[0].rip == (uint64_t)step_after,
           "D08 the delivery follows at the same boundary");

    /* TF = 1 when user mode is entered with one pending: the image has TF, the handler runs without. */
    uintr_setup_self();
    db_count = 0;
    wrmsr(MSR_UINTR_RR, 2);
    stui();
    run_in_user_with(probe, NULL, RFLAGS_IF | RFLAGS_TF, user_stack_top());
    report(uintr_record_count == 1 && uintr_records[0].rflags & RFLAGS_TF &&
               !(uintr_records[0].handler_rflags & RFLAGS_TF),
           "D08 TF is in the image and 0 in the handler (%lx, %lx)", uintr_records[0].rflags,
           uintr_records[0].handler_rflags);
    report(db_count == 1, "D08 and back after UIRET");
    uintr_setup_self();
    wrmsr(MSR_UINTR_RR, 2);
    stui();
    run_in_user_with(probe, NULL, RFLAGS_IF | RFLAGS_RF, user_stack_top());
    report(uintr_record_count == 1 && uintr_records[0].rflags & RFLAGS_RF &&
               !(uintr_records[0].handler_rflags & RFLAGS_RF),
           "D08 RF is in the image and 0 in the handler");
    trap_install(VECTOR_DB, NULL);
}

/* MOV SS holds a delivery off for one instruction. */
uint64_t shadow_probe(void *arg);
extern char shadow_after[];
__asm__(".text\n.globl shadow_probe, shadow_after\n"
        "shadow_probe:\n"
        "    movw %ss, %ax\n"
        "    stui\n" /* would deliver here: UIRR is empty until the self-IPI below arrived */
        "    movq $2, %rcx\n    senduipi %rcx\n"
        "    movl $3000, %ecx\n"
        "1:  movw %ax, %ss\n"
        "    loop 1b\n"
        "shadow_after: clui\n    ret\n");
static void check_shadow(void)
{
    uintr_setup_self();
    run_in_user(shadow_probe, NULL);
    /* In "MOV SS; LOOP" the boundary between the two is closed: the interrupted RIP is never LOOP. */
    const uint8_t *rip = (const uint8_t *)uintr_records[0].rip;
    report(uintr_record_count == 1 && rip[0] != 0xe2, "D12 no delivery directly after MOV SS (at byte %x)", rip[0]);
}

/* --- faults while delivering --- */
static struct trap deliver_fault(uint64_t rsp)
{
    uintr_record_count = 0;
    clui(); /* the probe's STUI opens the window at the RSP wanted */
    return user_exception(probe, (void *)rsp);
}
static uint64_t fault_va, fault_flags;
static volatile uint64_t fixes, fix_error, fix_rsp, fix_rip;
static bool fix_stack(struct trap_frame *f)
{
    if (read_cr2() >> 12 != fault_va >> 12 || fixes++)
        return false;
    fix_error = f->error;
    fix_rsp = f->rsp;
    fix_rip = f->rip;
    page_map_new(fault_va, fault_flags);
    return true;
}
static void check_faults(void)
{
    uint64_t rsp = VA + 0x1040; /* the frame lies below VA + 1000H - 40H with STACKADJUST 80H */
    uintr_setup_self();
    page_unmap(VA);
    wrmsr(MSR_UINTR_RR, 1 << 5);
    struct trap t = deliver_fault(rsp);
    report(t.vector == VECTOR_PF && t.error == (PF_ERROR_U | PF_ERROR_W) && t.rsp == rsp &&
               t.rip == (uint64_t)probe_first && t.cr2 >> 12 == VA >> 12,
           "D14 absent stack page: #PF U=1 W=1, original RSP (%u, %lx)", t.vector, t.error);
    report(rdmsr(MSR_UINTR_RR) == 1 << 5 && testui() && uintr_record_count == 0, "D14 UIRR and UIF unchanged");
    fault_va = VA;
    fault_flags = USER_PAGE;
    fixes = 0;
    clui();
    trap_handler *former = trap_install(VECTOR_PF, fix_stack);
    run_in_user(probe, (void *)rsp);
    report(uintr_record_count == 1 && fixes == 1 && fix_rsp == rsp && uintr_records[0].rip == (uint64_t)probe_first,
           "D14 mapped by the handler: delivered once after IRETQ");
    trap_install(VECTOR_PF, former);

    page_map_new(VA, PTE_P | PTE_W);
    wrmsr(MSR_UINTR_RR, 1 << 5);
    t = deliver_fault(rsp);
    report(t.vector == VECTOR_PF && t.error == (PF_ERROR_P | PF_ERROR_U | PF_ERROR_W),
           "D15 supervisor stack page: #PF P=1 U=1 W=1 (%lx)", t.error);
    page_map_new(VA, PTE_P | PTE_U);
    t = deliver_fault(rsp);
    report(t.vector == VECTOR_PF && t.error == (PF_ERROR_P | PF_ERROR_U | PF_ERROR_W),
           "D15 read-only stack page: the same");
    page_unmap(VA);
    t = deliver_fault(VA + 0x1090); /* frame from VA + 1010H down to VA + FF0H */
    report(t.vector == VECTOR_PF && t.cr2 >> 12 == VA >> 12 && rdmsr(MSR_UINTR_RR) == 1 << 5,
           "D16 the frame's lower page absent");
    page_map_new(VA, USER_PAGE);

    wrmsr(MSR_UINTR_STACKADJUST, 0);
    t = deliver_fault(NONCANONICAL + 0x1000);
    report(t.vector == VECTOR_SS && t.error == 0 && t.rsp == NONCANONICAL + 0x1000 && rdmsr(MSR_UINTR_RR) == 1 << 5,
           "D18 non-canonical stack: #SS(0) (%u)", t.vector);
    wrmsr(MSR_UINTR_HANDLER, 0xffff900000000000);
    wrmsr(MSR_UINTR_STACKADJUST, 0x80);
    t = deliver_fault(VA + 0x1800);
    report(t.vector == VECTOR_PF && t.rip == 0xffff900000000000 && t.rsp == ((VA + 0x1800 - 0x80) & ~15ull) - 32 &&
               rdmsr(MSR_UINTR_RR) == 0,
           "D14 an absent handler page faults after the delivery, at the handler");
    uintr_reset();
}

static void checks(void)
{
    check_stack();
    check_order();
    check_flags();
    check_step();
    check_shadow();
    check_faults();
}

int guest_main(void) { return conformance_run(checks); }
