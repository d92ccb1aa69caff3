/* SPDX-License-Identifier: Apache-2.0 */
/* protect.c's second half: SMEP and SMAP, alignment checks, and the fast system calls.
 * SDM Vol. 3A, "Access Rights", "Interrupt 17-Alignment Check Exception"; Vol. 2, SYSCALL, SYSRET, SYSENTER, SYSEXIT.
 */
#include "arch/control.h"
#include "arch/insn.h"
#include "arch/msr.h"
#include "boot.h"
#include "expect.h"
#include "paging.h"
#include "percpu.h"
#include "protect.h"
#include "report.h"
#include "string.h"
#include "trap.h"
#include "user.h"

#define VA (TEST_VA + 0x40000000)
#define PAGE_FAULT(bits) VECTOR_PF, bits

/* --- SMEP and SMAP --- */
static void set_user_bit(uint64_t to, bool is_user)
{
    for (uint64_t va = 0; va < to; va += LARGE_PAGE_BYTES) {
        uint64_t *pde = page_entry(va, 2);
        *pde = is_user ? *pde | PTE_U : *pde & ~PTE_U;
    }
    write_cr3(read_cr3());
}

KERNEL_CODE(do_read, "movq (%%rdi), %%rax")
KERNEL_CODE(do_read_ac, "stac; movq (%%rdi), %%rax; clac")
KERNEL_CODE(do_read_popf, "pushfq; orl $0x40000, (%%rsp); popfq; movq (%%rdi), %%rax; clac")
KERNEL_CODE(do_write_ac, "stac; movq $1, (%%rdi); clac")
KERNEL_CODE(do_fetch_ac, "stac; call *%%rdi; clac")
KERNEL_CODE(do_fetch, "call *%%rdi")
KERNEL_CODE(do_stos, "mov $8, %%ecx; xor %%eax, %%eax; rep stosb")
KERNEL_CODE(load_fs_ac, "stac; mov %%edi, %%fs; clac")
KERNEL_CODE(load_fs, "mov %%edi, %%fs")
KERNEL_CODE(sgdt_to, "sgdt (%%rdi)")
KERNEL_CODE(clts_lock_stac, ".byte 0xf0, 0x0f, 0x01, 0xcb")

/* The LDT lies on a user page: reading it is an implicit supervisor access, which AC does not allow. */
static void check_implicit(uint64_t page)
{
    struct cpu_local *cpu = this_cpu();
    cpu->gdt[SEL_SPARE / 8] = 4095 | (VA & 0xffffff) << 16 | 0x82ull << 40 | (VA >> 24 & 0xff) << 56;
    cpu->gdt[SEL_SPARE / 8 + 1] = VA >> 32;
    *(uint64_t *)(page + 8) = 0x00cff3000000ffff; /* flat, writable, accessed, DPL 3 */
    __asm__ volatile("lldt %w0" ::"r"(SEL_SPARE));
    expect("SMAP: FS from an LDT on a user page", load_fs, 8 | 4 | 3, PAGE_FAULT(PF_ERROR_P));
    if (!qemu_deviates("SMAP and implicit accesses with AC"))
        expect("SMAP: the same with AC: an implicit access", load_fs_ac, 8 | 4 | 3, PAGE_FAULT(PF_ERROR_P));
    __asm__ volatile("clac" ::: "cc");
    write_cr4(read_cr4() & ~(uint64_t)CR4_SMAP);
    expect_ok("FS from an LDT on a user page without SMAP", load_fs, 8 | 4 | 3);
    write_cr4(read_cr4() | CR4_SMAP);
    __asm__ volatile("mov %0, %%fs; lldt %w0" ::"r"(0));
    cpu->gdt[SEL_SPARE / 8] = cpu->gdt[SEL_SPARE / 8 + 1] = 0;
}

void check_smap(void)
{
    uint32_t features = cpuid(7, 0).ebx;
    if (!(features >> 7 & 1) || !(features >> 20 & 1)) {
        report_skip("no SMEP or no SMAP on this machine");
        return;
    }
    uint8_t *code = page_alloc();
    code[0] = 0xc3;
    page_map(VA, (uint64_t)code, PTE_P | PTE_W | PTE_U);
    set_user_bit(0x40000000, false); /* what runs must not be user pages */
    write_cr4(read_cr4() | CR4_SMEP | CR4_SMAP);
    expect("SMAP: read", do_read, VA, PAGE_FAULT(PF_ERROR_P));
    expect("SMAP: REP STOSB", do_stos, VA + 64, PAGE_FAULT(PF_ERROR_P | PF_ERROR_W));
    expect("SMAP: SGDT", sgdt_to, VA + 64, PAGE_FAULT(PF_ERROR_P | PF_ERROR_W));
    expect_ok("SMAP: read after STAC", do_read_ac, VA);
    expect("SMAP: read after CLAC", do_read, VA, PAGE_FAULT(PF_ERROR_P));
    expect_ok("SMAP: read after POPF has set AC", do_read_popf, VA);
    expect_ok("SMAP: write after STAC", do_write_ac, VA + 64);
    expect("SMEP: AC does not allow a fetch", do_fetch_ac, VA, PAGE_FAULT(PF_ERROR_P | PF_ERROR_I));
    __asm__ volatile("clac" ::: "cc");
    if (!qemu_deviates("LOCK STAC: #UD"))
        expect("LOCK STAC", clts_lock_stac, 0, VECTOR_UD, 0);
    page_map(VA, (uint64_t)code, PTE_P | PTE_U);
    expect("SMAP and WP: write to a read-only page with AC", do_write_ac, VA, PAGE_FAULT(PF_ERROR_P | PF_ERROR_W));
    __asm__ volatile("clac" ::: "cc");
    page_map(VA, (uint64_t)code, PTE_P | PTE_W | PTE_U);
    check_implicit((uint64_t)code);
    code[0] = 0xc3;

    /* U = 0 at any level makes it a supervisor page. */
    uint64_t *pde = page_entry(VA, 2);
    *pde &= ~PTE_U;
    write_cr3(read_cr3());
    expect_ok("SMAP: U = 0 in the PDE makes a supervisor page", do_read, VA);
    expect_ok("SMEP: U = 0 in the PDE makes a supervisor page", do_fetch, VA);
    *pde |= PTE_U;
    write_cr3(read_cr3());
    expect("SMEP: U = 1 at every level", do_fetch, VA, PAGE_FAULT(PF_ERROR_P | PF_ERROR_I));
    write_cr4(read_cr4() & ~(uint64_t)(CR4_SMEP | CR4_SMAP));
    set_user_bit(0x40000000, true);
}

/* --- alignment --- */
USER_CODE(load2, "movw (%%rdi), %%ax")
USER_CODE(load4, "movl (%%rdi), %%eax")
USER_CODE(load8, "movq (%%rdi), %%rax")
USER_CODE(load1, "movb (%%rdi), %%al")
USER_CODE(store8, "movq %%rax, (%%rdi)")
USER_CODE(locked4, "lock addl $1, (%%rdi)")
USER_CODE(xchg2, "xchgw %%ax, (%%rdi)")
USER_CODE(push_at, "mov %%rsp, %%rcx; mov %%rdi, %%rsp; pushq $1; mov %%rcx, %%rsp")
USER_CODE(call_at, "mov %%rsp, %%rcx; mov %%rdi, %%rsp; call 1f; 1: mov %%rcx, %%rsp")
USER_CODE(string_move, "push %%rsi; mov %%rdi, %%rsi; movsl; pop %%rsi")
USER_CODE(string_move_bytes, "push %%rsi; mov %%rdi, %%rsi; add $100, %%rdi; mov $9, %%ecx; rep movsb; pop %%rsi")
USER_CODE(movaps, "movaps (%%rdi), %%xmm0")
USER_CODE(movups, "movups (%%rdi), %%xmm0")
USER_CODE(paddd, "paddd (%%rdi), %%xmm0")
USER_CODE(movsd, "movsd (%%rdi), %%xmm0")
USER_CODE(movss, "movss (%%rdi), %%xmm0")
USER_CODE(fild2, "fninit; filds (%%rdi)")
USER_CODE(fldl, "fninit; fldl (%%rdi)")
USER_CODE(fldt, "fninit; fldt (%%rdi)")
USER_CODE(cmpxchg8, "xor %%edx, %%edx; push %%rbx; cmpxchg8b (%%rdi); pop %%rbx")
USER_CODE(bt4, "btl $3, (%%rdi)")
USER_CODE(sldt2, "sldt (%%rdi)")
USER_CODE(enter0, "push %%rbp; mov %%rsp, %%rcx; mov %%rdi, %%rsp; enter $0, $0; mov %%rcx, %%rsp; pop %%rbp")

/* The memory operand needs `size`; a fault at every other address, none at a multiple. */
struct alignment_case {
    const char *name;
    uint64_t (*fn)(void *arg);
    unsigned size;
};

static void check_alignment_of(const struct alignment_case *c)
{
    static uint8_t area[512] __attribute__((aligned(64)));
    bool is_right = true;
    const uint64_t flags = RFLAGS_IF | RFLAGS_AC;
    struct trap last = {0};
    for (unsigned shift = 0; shift < 17 && is_right; shift++) {
        struct trap t = user_trap(c->fn, area + 128 + shift, flags);
        bool want = shift % c->size != 0;
        is_right = t.is_raised == want && (!want || (t.vector == VECTOR_AC && t.error == 0 && t.cs == SEL_USER_CODE));
        last = t;
    }
    report(is_right, "#AC(0) of %s unless aligned to %u (raised %d, %u)", c->name, c->size, last.is_raised,
           last.vector);
}

void check_alignment(void)
{
    static const struct alignment_case cases[] = {
        {"a byte", load1, 1},
        {"a word", load2, 2},
        {"a doubleword", load4, 4},
        {"a quadword", load8, 8},
        {"a store", store8, 8},
        {"LOCK ADD", locked4, 4},
        {"XCHG", xchg2, 2},
        {"PUSH", push_at, 8},
        {"CALL", call_at, 8},
        {"MOVSD (string)", string_move, 4},
        {"REP MOVSB", string_move_bytes, 1},
        {"MOVSD", movsd, 8},
        {"MOVSS", movss, 4},
        {"FILD", fild2, 2},
        {"FLD of a double", fldl, 8},
        {"CMPXCHG8B", cmpxchg8, 8},
        {"BT", bt4, 4},
        {"SLDT", sldt2, 2},
        {"ENTER", enter0, 8},
        {"FLD of 80 bits", fldt, 8},
    };
    write_cr4(read_cr4() | CR4_OSFXSR);
    static uint8_t odd[64] __attribute__((aligned(16)));
    write_cr0(read_cr0() & ~(uint64_t)CR0_AM);
    expect_user_ok_with("AC without CR0.AM", load4, odd + 1, RFLAGS_IF | RFLAGS_AC);
    write_cr0(read_cr0() | CR0_AM);
    expect_user_ok("CR0.AM without AC", load4, odd + 1);
    __asm__ volatile(
        "pushfq; orl $0x40000, (%%rsp); popfq; movl 1(%0), %%eax; pushfq; andl $~0x40000, (%%rsp); popfq" ::"r"(odd)
        : "rax", "memory", "cc");
    report(true, "no #AC at CPL 0");
    expect_user_with("MOVAPS of a misaligned address: #GP, not #AC", movaps, odd + 8, RFLAGS_IF | RFLAGS_AC, VECTOR_GP,
                     0);
    expect_user_with("PADDD of a misaligned operand: #GP, not #AC", paddd, odd + 4, RFLAGS_IF | RFLAGS_AC, VECTOR_GP,
                     0);
    expect_user_ok_with("MOVUPS of an address aligned to 8: no #AC", movups, odd + 8, RFLAGS_IF | RFLAGS_AC);
    if (!qemu_deviates("#AC at CPL 3"))
        for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++)
            check_alignment_of(&cases[i]);
    write_cr0(read_cr0() & ~(uint64_t)CR0_AM);
}

/* --- fast system calls --- */
extern char fast_entry[], fast_back[], syscall_probe[];

__asm__(".text\n.globl fast_entry, fast_back, syscall_probe\n"
        "fast_entry:\n" /* of SYSENTER: RAX = RIP to go back to, RBP = RSP */
        "    mov %rsp, seen_sysenter_rsp(%rip)\n"
        "    pushfq; pop %rcx; mov %rcx, seen_sysenter_flags(%rip)\n"
        "    mov %cs, %ecx; mov %ss, %edx; shl $16, %edx; or %edx, %ecx; mov %rcx, seen_sysenter_segments(%rip)\n"
        "    mov %rax, %rdx; mov %rbp, %rcx; sysexitq\n"
        "syscall_probe:\n" /* of SYSCALL: with the number 5A5AH back at once, RFLAGS of CPL 0 in RDX */
        "    pushfq; pop %rdx\n"
        "    cmpl $0x5a5a, %eax\n"
        "    jne syscall_entry\n"
        "    sysretq\n");
uint64_t seen_sysenter_rsp, seen_sysenter_flags, seen_sysenter_segments;

USER_CODE(user_sysenter,
          "push %%rbp; mov %%rsp, %%rbp; lea 1f(%%rip), %%rax; sysenter; 1: mov %%cs, %%eax; mov %%ss, %%ecx;"
          "shl $16, %%ecx; or %%rcx, %%rax; pop %%rbp")
USER_CODE(user_sysenter_bare, "sysenter")
/* Every flag that CPL 3 can set but IF, which is set already, and TF. Returns R11 and, above, RFLAGS after SYSRET. */
#define ALL_FLAGS 0x244cd5u
USER_CODE(user_syscall_flags,
          "push %%r11; pushfq; orl $0x244cd5, (%%rsp); popfq; mov $0x5a5a, %%eax; syscall; pushfq; pop %%rax;"
          "pushq $0x202; popfq; mov %%rdx, (%%rdi); shl $32, %%rax; mov %%r11d, %%ecx; or %%rcx, %%rax; pop %%r11")
USER_CODE(user_syscall_rip, "push %%r11; mov $0x5a5a, %%eax; lea 1f(%%rip), %%rdi; syscall; 1: mov %%rdi, %%rax;"
                            "sub %%rcx, %%rax; pop %%r11")
KERNEL_CODE(sysret_to, "mov %%rdi, %%rcx; mov $2, %%r11d; sysretq")
KERNEL_CODE(sysexit_to, "mov %%rdi, %%rdx; mov %%rsp, %%rcx; sysexitq")

static void check_sysenter(void)
{
    struct cpuid_result vendor = cpuid(0, 0);
    if (vendor.ebx != 0x756e6547) { /* "Genu" */
        report_skip("SYSENTER in long mode is Intel's alone");
        return;
    }
    wrmsr(0x174, 0);
    expect_user("SYSENTER with IA32_SYSENTER_CS = 0", user_sysenter_bare, NULL, VECTOR_GP, 0);
    struct cpu_local *cpu = this_cpu();
    wrmsr(0x174, SEL_KERNEL_CODE);
    wrmsr(0x175, cpu->trap_stack_top);
    wrmsr(0x176, (uint64_t)fast_entry);
    uint64_t after = run_in_user(user_sysenter, NULL);
    report_equal(after, (SEL_KERNEL_CODE + 32) | 3 | (uint64_t)(SEL_KERNEL_CODE + 43) << 16,
                 "SYSEXIT: CS is base + 32, SS base + 40, RPL 3");
    report_equal(seen_sysenter_segments, SEL_KERNEL_CODE | SEL_KERNEL_DATA << 16, "SYSENTER: CS and SS = CS + 8");
    report_equal(seen_sysenter_rsp, cpu->trap_stack_top, "SYSENTER loads RSP");
    report(!(seen_sysenter_flags & RFLAGS_IF), "SYSENTER clears IF");
    expect("SYSEXIT to a non-canonical RIP", sysexit_to, 0x0000800000000000, VECTOR_GP, 0);
    wrmsr(0x174, 0);
    expect("SYSEXIT with IA32_SYSENTER_CS = 0", sysexit_to, 0, VECTOR_GP, 0);
}

void check_syscalls(void)
{
    uint64_t fmask = rdmsr(MSR_FMASK), lstar = rdmsr(MSR_LSTAR);
    uint64_t kernel_flags = 0;
    wrmsr(MSR_LSTAR, (uint64_t)syscall_probe);
    report_equal(run_in_user(user_syscall_rip, NULL), 0, "SYSCALL: RCX is the next RIP");
    wrmsr(MSR_FMASK, 0);
    uint64_t both = run_in_user(user_syscall_flags, &kernel_flags);
    report_equal((uint32_t)both, ALL_FLAGS | RFLAGS_IF | RFLAGS_ONE, "SYSCALL: R11 is RFLAGS");
    report_equal(both >> 32, ALL_FLAGS | RFLAGS_IF | RFLAGS_ONE, "SYSRET: RFLAGS from R11");
    if (!qemu_deviates("SYSCALL and the status flags that IA32_FMASK keeps"))
        report_equal(kernel_flags, ALL_FLAGS | RFLAGS_IF | RFLAGS_ONE, "IA32_FMASK = 0 clears nothing");
    wrmsr(MSR_FMASK, 0xffffffff);
    run_in_user(user_syscall_flags, &kernel_flags);
    report_equal(kernel_flags, RFLAGS_ONE, "IA32_FMASK of ones clears everything but bit 1");
    wrmsr(MSR_FMASK, RFLAGS_CF | RFLAGS_AC | RFLAGS_IF | RFLAGS_NT | RFLAGS_DF);
    run_in_user(user_syscall_flags, &kernel_flags);
    if (!is_qemu())
        report_equal(kernel_flags, (ALL_FLAGS & ~(RFLAGS_CF | RFLAGS_AC | RFLAGS_NT | RFLAGS_DF)) | RFLAGS_ONE,
                     "IA32_FMASK clears what it names");
    wrmsr(MSR_FMASK, fmask);
    wrmsr(MSR_LSTAR, lstar);
    if (!qemu_deviates("SYSRET to a non-canonical RCX: #GP at CPL 0")) {
        struct trap t = test_for_exception(sysret_to, (void *)0x0000800000000000);
        report(t.is_raised && t.vector == VECTOR_GP && t.error == 0 && t.cs == SEL_KERNEL_CODE,
               "SYSRET to a non-canonical RCX: #GP(0) at CPL 0 (%u, cs %lx)", t.vector, t.cs);
    }
    check_sysenter();
}
