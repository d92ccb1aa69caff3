/* SPDX-License-Identifier: Apache-2.0 */
/* UIRET: what it loads, what it leaves, its faults. Group U. U12 is checked where UIRET always sets UIF, U11 where
 * CPUID.(7,1):EDX[17] says that it takes UIF from the image (`cpu.features=+uiret_uif`). SDM Vol. 2, UIRET.
 */
#include "conformance.h"

const char test_name[] = "conf_uiret";

#define UIRET_MASK 0x254dd5ull /* CF PF AF ZF SF TF DF OF NT RF AC ID */
#define VA (TEST_VA + 0x200000)

struct uiret_run {
    uint64_t image[3];    /* RIP RFLAGS RSP: what UIRET loads; RIP is set here */
    uint64_t before;      /* RFLAGS just before UIRET                          */
    uint64_t stack;       /* RSP at UIRET, 0: the image's own address          */
    uint64_t rflags, rsp; /* after it                                          */
    uint64_t uif;
};

/* Loads the state of the run, executes UIRET; lands at 1f and notes what it finds. */
static uint64_t do_uiret(void *arg)
{
    struct uiret_run *run = arg;
    uint64_t rip = run->image[0], stack = run->stack ? run->stack : (uint64_t)run->image;
    __asm__ volatile("test %[rip], %[rip]; jnz 3f\n"
                     "    leaq 1f(%%rip), %%rax; movq %%rax, (%[run])\n"
                     "3:  movq %%rsp, %%rbx\n"
                     "    pushq 24(%[run]); popfq\n"
                     "    movq %[stack], %%rsp\n"
                     "    uiret\n"
                     "    ud2\n"
                     "1:  movq %%rsp, 48(%[run])\n"
                     "    movq %%rbx, %%rsp\n"
                     "    pushfq; popq 40(%[run])\n"
                     "    pushq $2; popfq\n"
                     "    xorl %%eax, %%eax; testui; setc %%al; movq %%rax, 56(%[run])\n" ::[run] "D"(run),
                     [stack] "S"(stack), [rip] "r"(rip)
                     : "rax", "rbx", "memory", "cc");
    return 0;
}
static void do_uiret_kernel(void *arg) { do_uiret(arg); }

static void check_loads(void)
{
    bool is_flexible = cpuid(7, 1).edx >> 17 & 1;
    uintr_setup_self();
    struct uiret_run run = {.image = {0, 0x2 | RFLAGS_CF | RFLAGS_ZF, 0x123456789abcdef7}, .before = 0x202};
    run_in_user(do_uiret, &run);
    report(run.rsp == 0x123456789abcdef7, "U01 RSP is loaded from the image, not adjusted (%lx)", run.rsp);
    report((run.rflags & RFLAGS_STATUS_MASK) == (RFLAGS_CF | RFLAGS_ZF) && run.uif, "U01 RIP, RFLAGS loaded; UIF = 1");

    run = (struct uiret_run){.image = {0, ~(uint64_t)RFLAGS_TF, 8}, .before = 0x202};
    run_in_user(do_uiret, &run);
    report_equal(run.rflags & ~(uint64_t)RFLAGS_RF, (0x202 | UIRET_MASK) & ~(uint64_t)(RFLAGS_TF | RFLAGS_RF),
                 "U02 RFLAGS of all ones: only the mask changes");
    run = (struct uiret_run){.image = {0, 0, 8}, .before = 0x202 | RFLAGS_STATUS_MASK | RFLAGS_AC | RFLAGS_ID};
    run_in_user(do_uiret, &run);
    report_equal(run.rflags, 0x202, "U03 RFLAGS of all zeros: IF stays 1, bit 1 reads 1");
    uint64_t uif_of_0 = run.uif;
    run = (struct uiret_run){.image = {0, RFLAGS_ONE, 8}, .before = 0x202};
    run_in_user(do_uiret, &run);
    if (is_flexible)
        report(uif_of_0 == 0 && run.uif == 1, "U11 UIF is bit 1 of the image (%lu, %lu)", uif_of_0, run.uif);
    else
        report(uif_of_0 == 1 && run.uif == 1, "U12 UIF = 1 whatever bit 1 of the image");

    run = (struct uiret_run){.image = {0, RFLAGS_ONE, 8}, .before = RFLAGS_IOPL_MASK | 2};
    clui();
    do_uiret(&run);
    report(run.rflags == (RFLAGS_IOPL_MASK | 2) && run.uif && read_cs() == SEL_KERNEL_CODE,
           "U10 at CPL 0: executes, stays there, IF and IOPL kept");
    run = (struct uiret_run){.image = {0, ~(uint64_t)RFLAGS_TF, 8}, .before = 2};
    do_uiret(&run);
    report_equal(run.rflags & ~(uint64_t)RFLAGS_RF, (2 | UIRET_MASK) & ~(uint64_t)(RFLAGS_TF | RFLAGS_RF),
                 "U02 the same at CPL 0: IF stays 0, IOPL 0");
    clui();
}

/* UIRET from the page at VA, which is absent; its #PF handler maps it and builds the image. */
static uint64_t *retry_page;
uint64_t uiret_to_landing(void *arg);
extern char uiret_landing[];
__asm__(".text\n.globl uiret_to_landing, uiret_landing\n"
        "uiret_to_landing:\n"
        "    movq %rsp, %r11\n"
        "    movabsq $0x8000200200, %rsp\n"
        "    uiret\n"
        "    ud2\n"
        "uiret_landing:\n"
        "    movl $1, %eax\n"
        "    ret\n");
_Static_assert(VA == 0x8000200000, "known to the assembly above");
static bool map_retry_page(struct trap_frame *f)
{
    if (read_cr2() != VA + 0x200)
        return false;
    page_map(VA, (uint64_t)retry_page, USER_PAGE);
    retry_page[64] = (uint64_t)uiret_landing;
    retry_page[65] = 2;
    retry_page[66] = f->r11; /* the stack of the caller */
    return true;
}

/* At CPL 3 with CR0.AM and RFLAGS.AC; page: the page at VA. */
static void check_alignment(uint64_t *page)
{
    struct uiret_run run = {.before = 0x202 | RFLAGS_AC, .stack = VA + 0x104};
    write_cr0(read_cr0() | CR0_AM);
    struct trap t = user_exception(do_uiret, &run);
    report(is_exception(t, VECTOR_AC, 0) && t.rsp == VA + 0x104 && !testui(),
           "U07 misaligned stack with alignment checking: #AC(0), nothing changed (%u)", t.vector);
    run = (struct uiret_run){.image = {1}, .before = 0x202, .stack = VA + 0x104};
    *(uint64_t *)((uint8_t *)page + 0x104) = NONCANONICAL; /* the three pops work, the RIP does not */
    expect_trap(user_exception(do_uiret, &run), "U07 without RFLAGS.AC no #AC, but U04", VECTOR_GP, 0);
    write_cr0(read_cr0() & ~(uint64_t)CR0_AM);
}

static void check_faults(void)
{
    uintr_setup_self();
    struct uiret_run run = {.image = {NONCANONICAL, 2, 0x1111}, .before = 0x202};
    struct trap t = user_exception(do_uiret, &run);
    report(t.is_raised && t.vector == VECTOR_GP && t.error == 0 && t.rsp == (uint64_t)run.image && !testui(),
           "U04 non-canonical RIP: #GP(0), RSP and UIF unchanged (%u, rsp %lx)", t.vector, t.rsp);
    page_unmap(VA);
    run = (struct uiret_run){.before = 0x202, .stack = VA + 0x100};
    t = user_exception(do_uiret, &run);
    report(t.is_raised && t.vector == VECTOR_PF && t.error == PF_ERROR_U && t.cr2 == VA + 0x100 &&
               t.rsp == VA + 0x100 && !testui(),
           "U05 absent stack page: #PF U=1, nothing changed (%u, %lx)", t.vector, t.error);
    run.stack = VA - 16; /* the third quadword is on the absent page */
    page_map_new(VA - 4096, PTE_P | PTE_W | PTE_U);
    t = user_exception(do_uiret, &run);
    report(t.is_raised && t.vector == VECTOR_PF && t.cr2 == VA && t.rsp == VA - 16 && !testui(),
           "U05 the same in the middle of the image");
    page_unmap(VA - 4096);
    run.stack = NONCANONICAL;
    t = user_exception(do_uiret, &run);
    report(t.is_raised && t.vector == VECTOR_SS && t.error == 0 && !testui(), "U06 non-canonical RSP: #SS(0) (%u)",
           t.vector);
    page_map_new(VA, PTE_P | PTE_W);
    run.stack = VA;
    t = user_exception(do_uiret, &run);
    report(t.is_raised && t.vector == VECTOR_PF && t.error == (PF_ERROR_U | PF_ERROR_P),
           "U05 supervisor stack page: #PF P=1 U=1 (%lx)", t.error);
    uint64_t *stack = page_map_new(VA, PTE_P | PTE_W | PTE_U);
    page_unmap(VA);
    retry_page = stack;
    trap_handler *former = trap_install(VECTOR_PF, map_retry_page);
    uint64_t landed = run_in_user(uiret_to_landing, NULL);
    trap_install(VECTOR_PF, former);
    report(landed == 1 && testui(), "U05 the page is mapped by the handler: UIRET is restarted and completes");
    clui();
    stack[0] = 21; /* a vector left on the stack is taken for RIP */
    run = (struct uiret_run){.image = {1}, .before = 0x202, .stack = VA};
    stack[1] = 0x202;
    stack[2] = VA + 0x800;
    page_unmap(0);
    t = user_exception(do_uiret, &run);
    report(t.is_raised && t.vector == VECTOR_PF && t.rip == 21 && t.rsp == VA + 0x800 && testui(),
           "U08 a vector left on the stack becomes RIP (%u, %lx)", t.vector, t.rip);
    page_map(0, 0, PTE_P | PTE_W | PTE_U);
    clui();
    check_alignment(stack);
    stack = (uint64_t *)(VA + 0x800); /* the exception's frame goes below it: not on this function's stack */
    stack[0] = NONCANONICAL;
    t = test_for_exception(do_uiret_kernel, &(struct uiret_run){.image = {1}, .before = 2, .stack = VA + 0x800});
    report(t.vector == VECTOR_GP && t.cs == SEL_KERNEL_CODE, "U04 #GP(0) also at CPL 0");
}

/* A second interrupt pending when UIRET completes comes before the instruction at the new RIP. */
static void check_pending(void)
{
    uintr_setup_self();
    wrmsr(MSR_UINTR_RR, 1ull << 63 | 1 << 5 | 1);
    report_equal(deliver_pending(), 3, "U09 three pending: three deliveries");
    report(uintr_records[0].vector == 63 && uintr_records[1].vector == 5 && uintr_records[2].vector == 0,
           "U09 highest first");
    report(uintr_records[1].rip == uintr_records[0].rip && uintr_records[2].rip == uintr_records[0].rip &&
               uintr_records[1].rsp == uintr_records[0].rsp,
           "U09 no instruction between UIRET and the next delivery");
}

static volatile uint64_t db_rip, db_count;
static bool on_db(struct trap_frame *f)
{
    db_rip = f->rip;
    db_count = db_count + 1;
    f->rflags &= ~(uint64_t)RFLAGS_TF;
    return true;
}
static uint64_t user_uiret_tf(void *arg)
{
    uint64_t target = 0;
    (void)arg;
    __asm__ volatile("mov %%rsp, %%rbx; leaq 1f(%%rip), %0; pushq %%rbx; pushq $0x302; pushq %0; uiret; 1: nop; nop; "
                     "mov %%rbx, %%rsp"
                     : "=&r"(target)::"rbx", "memory", "cc");
    return target;
}
static void check_tf(void)
{
    uintr_setup_self();
    db_count = 0;
    trap_install(VECTOR_DB, on_db);
    uint64_t target = run_in_user(user_uiret_tf, NULL);
    report(db_count == 1 && db_rip == target + 1,
           "U13 TF in the image: #DB after the first instruction at the target (%lu, %ld)", db_count,
           (int64_t)(db_rip - target));
    trap_install(VECTOR_DB, NULL);
    clui();
}

static void checks(void)
{
    check_loads();
    check_faults();
    check_pending();
    check_tf();
}

int guest_main(void) { return conformance_run(checks); }
