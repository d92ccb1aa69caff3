/* SPDX-License-Identifier: Apache-2.0 */
/* What CPL 3 may not do and what protects CPL 0 from it: privileged instructions, IOPL, the I/O permission bit map,
 * UMIP, SMEP and SMAP in detail, alignment checks, FS and GS bases, canonical addresses, SYSCALL, SYSRET and SYSENTER.
 * SDM Vol. 3A, "Protection"; Vol. 1, "I/O Privilege"; Vol. 2, the instructions' pages.
 */
#include "protect.h"
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

const char test_name[] = "protect";

#define NONCANONICAL 0x0000800000000000ull

/* --- instructions that CPL 3 does not have --- */
USER_CODE(user_invd, "invd")
USER_CODE(user_wbinvd, "wbinvd")
USER_CODE(user_lmsw, "lmsw (%%rdi)")
USER_CODE(user_lidt, "lidt (%%rdi)")
USER_CODE(user_lldt, "lldt (%%rdi)")
USER_CODE(user_ltr, "ltr (%%rdi)")
USER_CODE(user_wrmsr, "mov $0x10, %%ecx; wrmsr")
USER_CODE(user_to_cr0, "mov %%cr0, %%rdx")
USER_CODE(user_from_dr7, "mov %%dr7, %%rdx")
USER_CODE(user_to_dr0, "mov %%rdx, %%db0")
USER_CODE(user_swapgs, "swapgs")
USER_CODE(user_sysexit, "sysexitq")
USER_CODE(user_stac, "stac")
USER_CODE(user_clac, "clac")
USER_CODE(user_monitor, "mov %%rdi, %%rax; xor %%ecx, %%ecx; xor %%edx, %%edx; monitor")
USER_CODE(user_mwait, "xor %%ecx, %%ecx; xor %%eax, %%eax; mwait")
USER_CODE(user_rdpmc, "xor %%ecx, %%ecx; rdpmc")
USER_CODE(user_rdtscp, "rdtscp")
USER_CODE(user_cr1, ".byte 0x0f, 0x20, 0xc8")
USER_CODE(user_dr4, ".byte 0x0f, 0x21, 0xe0")
USER_CODE(user_invpcid, "xor %%ecx, %%ecx; invpcid (%%rdi), %%rcx")

static void check_privileged(void)
{
    static uint64_t zeros[4];
    void *absent = (void *)TEST_VA;
    expect_user("INVD", user_invd, NULL, VECTOR_GP, 0);
    expect_user("WBINVD", user_wbinvd, NULL, VECTOR_GP, 0);
    expect_user("LMSW", user_lmsw, zeros, VECTOR_GP, 0);
    expect_user("LIDT", user_lidt, zeros, VECTOR_GP, 0);
    expect_user("LIDT of an absent page", user_lidt, absent, VECTOR_GP, 0);
    expect_user("LLDT", user_lldt, zeros, VECTOR_GP, 0);
    expect_user("LTR of an absent page", user_ltr, absent, VECTOR_GP, 0);
    expect_user("WRMSR", user_wrmsr, NULL, VECTOR_GP, 0);
    expect_user("MOV from CR0", user_to_cr0, NULL, VECTOR_GP, 0);
    expect_user("MOV from DR7", user_from_dr7, NULL, VECTOR_GP, 0);
    expect_user("MOV to DR0", user_to_dr0, NULL, VECTOR_GP, 0);
    expect_user("SWAPGS", user_swapgs, NULL, VECTOR_GP, 0);
    if (!qemu_deviates("a control or debug register that does not exist: #UD before #GP")) {
        expect_user("MOV from CR1", user_cr1, NULL, VECTOR_UD, 0);
        write_cr4(read_cr4() | CR4_DE);
        expect_user("MOV from DR4 with CR4.DE", user_dr4, NULL, VECTOR_UD, 0);
        write_cr4(read_cr4() & ~(uint64_t)CR4_DE);
    }
    if (!qemu_deviates("SYSEXIT at CPL 3, which AMD's processors do not have in long mode"))
        expect_user("SYSEXIT", user_sysexit, NULL, VECTOR_GP, 0);
    if (cpuid(7, 0).ebx >> 20 & 1) {
        expect_user("STAC", user_stac, NULL, VECTOR_UD, 0);
        expect_user("CLAC", user_clac, NULL, VECTOR_UD, 0);
    } else {
        report_skip("no STAC and CLAC on this machine");
    }
    if (!qemu_deviates("MONITOR and MWAIT at CPL 3: #UD")) {
        expect_user("MONITOR", user_monitor, zeros, VECTOR_UD, 0);
        expect_user("MWAIT", user_mwait, NULL, VECTOR_UD, 0);
    }
    if (cpuid(7, 0).ebx >> 10 & 1)
        expect_user("INVPCID", user_invpcid, zeros, VECTOR_GP, 0);
    else
        report_skip("no INVPCID on this machine");

    expect_user("RDPMC without CR4.PCE", user_rdpmc, NULL, VECTOR_GP, 0);
    write_cr4(read_cr4() | CR4_TSD);
    expect_user("RDTSCP with CR4.TSD", user_rdtscp, NULL, VECTOR_GP, 0);
    write_cr4(read_cr4() & ~(uint64_t)CR4_TSD);
    expect_user_ok("RDTSCP without CR4.TSD", user_rdtscp, NULL);
}

/* --- UMIP --- */
USER_CODE(user_sgdt, "sgdt (%%rdi)")
USER_CODE(user_sidt, "sidt (%%rdi)")
USER_CODE(user_sldt, "sldt %%ecx; mov %%rcx, %%rax")
USER_CODE(user_str, "str %%ecx; mov %%rcx, %%rax")
USER_CODE(user_smsw, "smsw %%ecx; mov %%rcx, %%rax")
USER_CODE(user_str_to, "str (%%rdi)")

static void check_umip(void)
{
    static uint8_t image[16];
    static const struct {
        const char *name;
        uint64_t (*fn)(void *arg);
    } cases[] = {{"SGDT", user_sgdt}, {"SIDT", user_sidt}, {"SLDT", user_sldt}, {"STR", user_str}, {"SMSW", user_smsw}};
    report_equal(run_in_user(user_str, NULL), SEL_TSS, "STR at CPL 3 without UMIP");
    report_equal(run_in_user(user_smsw, NULL) & 0xffff, read_cr0() & 0xffff, "SMSW at CPL 3 without UMIP");
    if (!(cpuid(7, 0).ecx >> 2 & 1)) {
        report_skip("no UMIP on this machine");
        return;
    }
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++)
        expect_user_ok(cases[i].name, cases[i].fn, image);
    write_cr4(read_cr4() | CR4_UMIP);
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++)
        expect_user(cases[i].name, cases[i].fn, image, VECTOR_GP, 0);
    expect_user("STR to an absent page", user_str_to, (void *)TEST_VA, VECTOR_GP, 0);
    uint32_t tr;
    __asm__ volatile("str %0" : "=r"(tr));
    report_equal(tr, SEL_TSS, "UMIP leaves CPL 0 alone");
    write_cr4(read_cr4() & ~(uint64_t)CR4_UMIP);
}

/* --- IOPL --- */
USER_CODE(user_popf_all, "pushq $0x3602; popfq; pushfq; pop %%rax")
USER_CODE(user_popf_none, "pushq $0x0002; popfq; pushfq; pop %%rax")
USER_CODE(user_sti_cli, "cli; pushfq; pop %%rax; sti; pushfq; pop %%rcx; shl $32, %%rcx; or %%rcx, %%rax")
USER_CODE(user_iret_none,
          "mov %%rsp, %%rcx; mov %%ss, %%edx; push %%rdx; push %%rcx; push $0x3002; mov %%cs, %%edx; push %%rdx;"
          "lea 1f(%%rip), %%rdx; push %%rdx; iretq; 1: pushfq; pop %%rax")
USER_CODE(user_cli, "cli")
USER_CODE(user_sti, "sti")

static uint64_t with_flags(uint64_t (*fn)(void *), uint64_t rflags)
{
    return run_in_user_with(fn, NULL, rflags, user_stack_top()) &
           (RFLAGS_IF | RFLAGS_IOPL_MASK | (uint64_t)RFLAGS_IF << 32);
}

static void check_iopl(void)
{
    report_equal(with_flags(user_popf_all, 0), 0, "POPF at CPL 3 > IOPL 0 keeps IF = 0 and IOPL");
    report_equal(with_flags(user_popf_none, RFLAGS_IF | 0x2000), RFLAGS_IF | 0x2000,
                 "POPF at CPL 3 > IOPL 2 keeps IF = 1");
    report_equal(with_flags(user_popf_none, RFLAGS_IF | 0x3000), 0x3000, "POPF at CPL 3 = IOPL clears IF, not IOPL");
    report_equal(with_flags(user_iret_none, RFLAGS_IF), RFLAGS_IF, "IRETQ at CPL 3 > IOPL keeps IF and IOPL");
    report_equal(with_flags(user_iret_none, RFLAGS_IF | 0x3000), 0x3000, "IRETQ at CPL 3 = IOPL loads IF");
    report_equal(with_flags(user_sti_cli, 0x3000), 0x3000 | (uint64_t)RFLAGS_IF << 32, "CLI and STI at CPL 3 = IOPL");
    expect_user_with("CLI with IOPL 2", user_cli, NULL, RFLAGS_IF | 0x2000, VECTOR_GP, 0);
    expect_user_with("STI with IOPL 1", user_sti, NULL, 0x1000, VECTOR_GP, 0);
}

/* --- the I/O permission bit map --- */
enum { MAP_AT = 104, PORT = 0x80 /* a diagnostic port: harmless */ };
static struct {
    struct tss tss;
    uint8_t map[64]; /* ports 0 to 1FFH */
} io_tss __attribute__((aligned(4096)));

USER_CODE(user_inb, "mov %%edi, %%edx; inb %%dx, %%al")
USER_CODE(user_inw, "mov %%edi, %%edx; inw %%dx, %%ax")
USER_CODE(user_inl, "mov %%edi, %%edx; inl %%dx, %%eax")
USER_CODE(user_outb, "mov %%edi, %%edx; xor %%eax, %%eax; outb %%al, %%dx")
USER_CODE(user_outb_imm, "xor %%eax, %%eax; outb %%al, $0x80")
USER_CODE(user_insb, "sub $16, %%rsp; mov %%edi, %%edx; mov %%rsp, %%rdi; insb; add $16, %%rsp; mov %%edx, %%edi")
USER_CODE(user_outsb, "push %%rsi; mov %%edi, %%edx; mov %%rsp, %%rsi; outsb; pop %%rsi")

static void load_tss(const void *tss, uint32_t limit)
{
    struct cpu_local *cpu = this_cpu();
    uint64_t base = (uint64_t)tss;
    cpu->gdt[SEL_TSS / 8] = limit | (base & 0xffffff) << 16 | 0x89ull << 40 | (base >> 24 & 0xff) << 56;
    cpu->gdt[SEL_TSS / 8 + 1] = base >> 32;
    __asm__ volatile("ltr %w0" ::"r"(SEL_TSS) : "memory");
}

static void allow(unsigned port, unsigned count)
{
    memset(io_tss.map, 0xff, sizeof io_tss.map);
    for (unsigned p = port; p < port + count; p++)
        io_tss.map[p / 8] &= (uint8_t) ~(1u << (p & 7));
}

static void expect_port(const char *what, uint64_t (*fn)(void *), uint64_t port, bool allowed)
{
    if (allowed)
        expect_user_ok(what, fn, (void *)port);
    else
        expect_user(what, fn, (void *)port, VECTOR_GP, 0);
}

static void check_io_map(void)
{
    io_tss.tss = this_cpu()->tss;
    io_tss.tss.io_map = MAP_AT;
    load_tss(&io_tss, sizeof io_tss - 1);
    allow(PORT, 4);
    expect_port("IN of an allowed byte port", user_inb, PORT, true);
    expect_port("IN of the last allowed byte port", user_inb, PORT + 3, true);
    expect_port("IN of the next byte port", user_inb, PORT + 4, false);
    expect_port("IN of the port before", user_inb, PORT - 1, false);
    expect_port("IN of a word, both ports allowed", user_inw, PORT + 2, true);
    expect_port("IN of a word, the second port not", user_inw, PORT + 3, false);
    expect_port("IN of a doubleword, all four allowed", user_inl, PORT, true);
    expect_port("IN of a doubleword, the fourth not", user_inl, PORT + 1, false);
    expect_port("OUT", user_outb, PORT, true);
    expect_port("OUT to an immediate port", user_outb_imm, 0, true);
    expect_port("INSB", user_insb, PORT, true);
    expect_port("INSB", user_insb, PORT + 4, false);
    expect_port("OUTSB", user_outsb, PORT, true);
    expect_port("OUTSB", user_outsb, PORT + 4, false);
    allow(PORT + 6, 4);
    expect_port("IN of a doubleword across two bytes of the map", user_inl, PORT + 6, true);
    allow(PORT + 6, 3);
    expect_port("the same with its last port forbidden", user_inl, PORT + 6, false);
    allow(0, 512);
    expect_port("IN of the byte port whose two map bytes end at the limit", user_inb, 0x1f7, true);
    expect_port("IN of a byte port whose second map byte is beyond the limit", user_inb, 0x1f8, false);
    expect_port("IN of a port beyond the map", user_inb, 0x3f8, false);
    expect_port("IN of port FFFFH beyond the map", user_inb, 0xffff, false);
    io_tss.tss.io_map = sizeof io_tss;
    expect_port("IN with the map at the limit", user_inb, PORT, false);
    expect_user_ok_with("IN with IOPL 3 and no map", user_inb, (void *)PORT, RFLAGS_IF | 0x3000);
    io_tss.tss.io_map = MAP_AT;
    allow(PORT, 0);
    expect_user_with("IN of a forbidden port with IOPL 2", user_inb, (void *)PORT, 0x2000, VECTOR_GP, 0);
    expect_user_ok_with("IN of a forbidden port with IOPL 3", user_inb, (void *)PORT, 0x3000);
    load_tss(&this_cpu()->tss, sizeof this_cpu()->tss - 1);
}

/* --- bases and canonical addresses --- */
USER_CODE(user_rdfsbase, "rdfsbase %%rax")
USER_CODE(user_wrfsbase, "wrfsbase %%rdi; rdfsbase %%rax")
USER_CODE(user_wrfsbase32, "wrfsbase %%edi; rdfsbase %%rax")
USER_CODE(user_fs_load, "wrfsbase %%rdi; movq %%fs:8, %%rax")
KERNEL_CODE(kernel_wrmsr_fs, "mov %%rdi, %%rax; mov %%rdi, %%rdx; shr $32, %%rdx; mov $0xc0000100, %%ecx; wrmsr")
KERNEL_CODE(kernel_load, "movq (%%rdi), %%rax")
KERNEL_CODE(kernel_stack_load, "push %%rbp; mov %%rdi, %%rbp; movq (%%rbp), %%rax; pop %%rbp")
USER_CODE(user_push, "mov %%rsp, %%rcx; mov %%rdi, %%rsp; push %%rax; mov %%rcx, %%rsp")
USER_CODE(user_pop, "mov %%rsp, %%rcx; mov %%rdi, %%rsp; pop %%rax; mov %%rcx, %%rsp")
KERNEL_CODE(kernel_jump, "jmp *%%rdi")
KERNEL_CODE(kernel_call, "call *%%rdi")
KERNEL_CODE(kernel_invlpg, "invlpg (%%rdi)")

static void check_bases(void)
{
    if (!(cpuid(7, 0).ebx & 1)) {
        report_skip("no FSGSBASE on this machine");
        return;
    }
    expect_user("RDFSBASE without CR4.FSGSBASE", user_rdfsbase, NULL, VECTOR_UD, 0);
    expect_user("WRFSBASE without CR4.FSGSBASE", user_wrfsbase, NULL, VECTOR_UD, 0);
    write_cr4(read_cr4() | CR4_FSGSBASE);
    static uint64_t data[2] = {0, 0x1234567890abcdef};
    report_equal(run_in_user(user_wrfsbase, (void *)0x00007fffffffffff), 0x00007fffffffffff, "WRFSBASE at CPL 3");
    report_equal(rdmsr(MSR_FS_BASE), 0x00007fffffffffff, "the MSR is the same register");
    report_equal(run_in_user(user_wrfsbase32, (void *)0xffffffff80000000), 0x80000000,
                 "WRFSBASE of 32 bits zero-extends");
    report_equal(run_in_user(user_fs_load, data), data[1], "an access through FS uses it");
    if (!qemu_deviates("WRFSBASE of a non-canonical base: #GP"))
        expect_user("WRFSBASE of a non-canonical base", user_wrfsbase, (void *)NONCANONICAL, VECTOR_GP, 0);
    write_cr4(read_cr4() & ~(uint64_t)CR4_FSGSBASE);
    if (!qemu_deviates("WRMSR of a non-canonical FS.base: #GP"))
        expect("WRMSR of a non-canonical FS.base", kernel_wrmsr_fs, NONCANONICAL, VECTOR_GP, 0);
    wrmsr(MSR_FS_BASE, 0);

    uint64_t gs = rdmsr(MSR_GS_BASE), other;
    wrmsr(MSR_KERNEL_GS_BASE, 0xffff800000001000);
    __asm__ volatile("swapgs" ::: "memory");
    other = rdmsr(MSR_GS_BASE);
    bool was_swapped = rdmsr(MSR_KERNEL_GS_BASE) == gs;
    __asm__ volatile("swapgs" ::: "memory");
    report(other == 0xffff800000001000 && was_swapped && rdmsr(MSR_GS_BASE) == gs,
           "SWAPGS exchanges GS.base and IA32_KERNEL_GS_BASE");
}

static void check_canonical(void)
{
    /* The last page below the hole exists: what crosses its end meets nothing but the hole. */
    page_map_new(NONCANONICAL - PAGE_BYTES, PTE_P | PTE_W | PTE_U);
    expect_ok("load of the last bytes below the canonical hole", kernel_load, NONCANONICAL - 8);
    expect("load across the lower edge of the hole", kernel_load, NONCANONICAL - 4, VECTOR_GP, 0);
    expect("load of the last bytes of the hole", kernel_load, 0xffff7ffffffffff8, VECTOR_GP, 0);
    if (!qemu_deviates("load across the upper edge of the hole: #GP"))
        expect("load across the upper edge of the hole", kernel_load, 0xffff7fffffffffff, VECTOR_GP, 0);
    if (!qemu_deviates("non-canonical stack references: #SS")) {
        expect("load through RBP: a stack reference", kernel_stack_load, NONCANONICAL, VECTOR_SS, 0);
        expect("load through RBP across the lower edge", kernel_stack_load, NONCANONICAL - 4, VECTOR_SS, 0);
        expect_user("PUSH below a non-canonical RSP", user_push, (void *)(NONCANONICAL + 4096), VECTOR_SS, 0);
        expect_user("PUSH across the edge", user_push, (void *)(NONCANONICAL + 4), VECTOR_SS, 0);
        expect_user("POP across the edge", user_pop, (void *)(NONCANONICAL - 4), VECTOR_SS, 0);
    }
    page_unmap(NONCANONICAL - PAGE_BYTES);
    expect_ok("INVLPG of a non-canonical address", kernel_invlpg, NONCANONICAL);
    expect("JMP to a non-canonical address", kernel_jump, NONCANONICAL, VECTOR_GP, 0);
    uint64_t rsp = read_rsp();
    struct trap t = test_for_exception(kernel_call, (void *)NONCANONICAL);
    if (!qemu_deviates("CALL to a non-canonical address: the fault is the CALL's"))
        report(t.vector == VECTOR_GP && t.rip >= (uint64_t)kernel_call && t.rip < (uint64_t)kernel_call + 32 &&
                   t.rsp < rsp,
               "CALL to a non-canonical address: the fault is the CALL's (%u, %lx)", t.vector, t.rip);
}

int guest_main(void)
{
    check_privileged();
    check_umip();
    check_iopl();
    check_io_map();
    check_bases();
    check_canonical();
    check_smap();
    check_alignment();
    check_syscalls();
    return report_summary();
}
