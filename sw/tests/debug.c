/* SPDX-License-Identifier: Apache-2.0 */
/* Debug exceptions: single steps over all kinds of instructions, breakpoints on code, data and ports, DR6 and DR7,
 * general detect, RF, INT1 and INT3. SDM Vol. 3B, "Debug, Branch Profile, TSC...": "Debug Registers", "Debug
 * Exceptions".
 */
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

const char test_name[] = "debug";

#define DR6_CLEAR 0xffff0ff0u
#define DR6_BD (1u << 13)
#define DR6_BS (1u << 14)
#define DR7_GD (1u << 13)
enum { EXECUTE, WRITE, IO, READ_WRITE };
enum { LEN1, LEN2, LEN8, LEN4 };
enum { LOG_MAX = 64 };

/* What #DB saw. */
static struct {
    uint64_t rip, dr6, dr7, rflags, cs, rcx;
} events[LOG_MAX];
static volatile unsigned count, limit;

static bool on_db(struct trap_frame *f)
{
    uint64_t dr6 = read_dr6();
    if (count < LOG_MAX) {
        events[count].rip = f->rip;
        events[count].dr6 = dr6 & 0xe00f;
        events[count].dr7 = read_dr7();
        events[count].rflags = f->rflags;
        events[count].cs = f->cs;
        events[count].rcx = f->rcx;
    }
    count++;
    write_dr6(DR6_CLEAR);
    if (dr6 & 15)
        f->rflags |= RFLAGS_RF; /* past an instruction breakpoint */
    if (count >= limit)
        f->rflags &= ~(uint64_t)RFLAGS_TF;
    return true;
}

#define WRITE_DR(n, value) __asm__ volatile("mov %0, %%db" #n ::"r"((uint64_t)(value)) : "memory")
#define READ_DR(n)                                                                                                     \
    ({                                                                                                                 \
        uint64_t value_;                                                                                               \
        __asm__ volatile("mov %%db" #n ", %0" : "=r"(value_)::"memory");                                               \
        value_;                                                                                                        \
    })

static void break_at(unsigned n, uint64_t address, unsigned kind, unsigned length)
{
    switch (n) {
    case 0: WRITE_DR(0, address); break;
    case 1: WRITE_DR(1, address); break;
    case 2: WRITE_DR(2, address); break;
    default: WRITE_DR(3, address); break;
    }
    uint64_t dr7 = read_dr7() & ~(0xfull << (16 + 4 * n));
    write_dr7(dr7 | 2ull << 2 * n | (uint64_t)(kind | length << 2) << (16 + 4 * n));
}
static void no_breaks(void) { write_dr7(0x400); }
static void start(unsigned at_most)
{
    count = 0;
    limit = at_most;
    write_dr6(DR6_CLEAR);
}

#define TF_ON "pushfq; orl $0x100, (%%rsp); popfq;"
#define TF_OFF "pushfq; andl $~0x100, (%%rsp); popfq;"

/* Single steps through a piece of code between labels; the events' RIPs, relative to its beginning, are compared. The
 * last two are the end's PUSHFQ and ANDL; POPFQ, which clears TF, is stepped too. */
static void expect_steps(const char *what, const char *begin, const uint16_t *rips, unsigned n)
{
    bool is_right = count == n;
    for (unsigned i = 0; i < n && is_right; i++)
        is_right = events[i].rip - (uint64_t)begin == rips[i] && events[i].dr6 == DR6_BS;
    report(is_right, "single steps: %s (%u of %u; first %lx, last %lx)", what, count, n,
           events[0].rip - (uint64_t)begin, events[count ? count - 1 : 0].rip - (uint64_t)begin);
}
#define RIPS(...) (const uint16_t[]){__VA_ARGS__}, sizeof((uint16_t[]){__VA_ARGS__}) / 2

#define STEPS(label, text, ...)                                                                                        \
    extern char label[];                                                                                               \
    start(1000);                                                                                                       \
    __asm__ volatile(TF_ON ".globl " #label "\n" #label ": " text "\n" TF_OFF __VA_ARGS__)

static uint8_t source[32], target[32];

static bool quiet(struct trap_frame *f)
{
    (void)f;
    return true;
}

static void check_steps(void)
{
    {
        STEPS(step_plain, "nop; xor %%eax, %%eax; jmp 1f; nop; 1: nop", ::: "rax", "memory", "cc");
        expect_steps("NOP, XOR, JMP", step_plain, RIPS(1, 3, 6, 7, 8, 15, 16));
    }
    {
        uint64_t rcx = 3;
        void *di = target;
        const void *si = source;
        STEPS(step_rep, "rep movsb; nop", : "+c"(rcx), "+D"(di), "+S"(si)::"memory", "cc");
        if (!qemu_deviates("a single step for each iteration of REP, no more"))
            expect_steps("REP MOVSB: one for each iteration", step_rep, RIPS(0, 0, 2, 3, 4, 11, 12));
        report(events[0].rcx == 2 && events[1].rcx == 1 && events[2].rcx == 0, "RCX counts down between the steps");
    }
    {
        uint64_t rcx = 0;
        void *di = target;
        const void *si = source;
        STEPS(step_rep0, "rep movsb; nop", : "+c"(rcx), "+D"(di), "+S"(si)::"memory", "cc");
        expect_steps("REP MOVSB of nothing", step_rep0, RIPS(2, 3, 4, 11, 12));
    }
    {
        STEPS(step_ss, "mov %%ss, %%eax; mov %%eax, %%ss; nop; nop", ::: "rax", "memory", "cc");
        expect_steps("none between MOV SS and the next instruction", step_ss, RIPS(2, 5, 6, 7, 14, 15));
    }
    {
        trap_install(0x58, quiet);
        STEPS(step_int, "int $0x58; nop", ::: "memory", "cc");
        /* IRETQ of the handler sets TF again, which then traps after the next instruction. */
        expect_steps("INT n clears TF: the step after it is behind the next instruction", step_int, RIPS(3, 4, 11, 12));
    }
    {
        STEPS(step_popf, "pushfq; popfq; nop", ::: "memory", "cc");
        expect_steps("PUSHFQ and POPFQ", step_popf, RIPS(1, 2, 3, 4, 11, 12));
    }
    {
        STEPS(step_sti, "sti; nop; cli; nop", ::: "memory", "cc");
        if (!qemu_deviates("STI holds back no single step"))
            expect_steps("STI has no shadow for single steps", step_sti, RIPS(1, 2, 3, 4, 5, 12, 13));
    }
    {
        STEPS(step_loop, "mov $2, %%ecx; 1: loop 1b; nop", ::: "rcx", "memory", "cc");
        expect_steps("LOOP", step_loop, RIPS(5, 5, 7, 8, 9, 16, 17));
    }
    {
        STEPS(step_cpuid, "xor %%eax, %%eax; cpuid; rdtsc; nop", ::: "rax", "rbx", "rcx", "rdx", "memory", "cc");
        expect_steps("CPUID and RDTSC", step_cpuid, RIPS(2, 4, 6, 7, 8, 15, 16));
    }
    report(events[0].rflags & RFLAGS_TF, "the saved RFLAGS has TF");
}

/* TF at CPL 3 over SYSCALL: IA32_FMASK clears TF, so that CPL 0 sees no step; SYSRET brings it back. */
USER_CODE(user_step_syscall,
          TF_ON ".globl step_syscall; step_syscall: mov $2, %%eax; lea user_text(%%rip), %%rdi; syscall;"
                ".globl step_back; step_back: nop; nop;" TF_OFF)
char user_text[1];
extern char step_syscall[], step_back[];

static void check_syscall_steps(void)
{
    start(1000);
    run_in_user(user_step_syscall, NULL);
    bool in_kernel = false;
    for (unsigned i = 0; i < count; i++)
        in_kernel = in_kernel || !(events[i].cs & 3);
    report(!in_kernel, "SYSCALL with TF in IA32_FMASK: no step at CPL 0");
    report(count >= 3 && events[2].rip == (uint64_t)step_back,
           "SYSRET that sets TF: the first step is before the next instruction (%lx)",
           events[2].rip - (uint64_t)step_back);
}

/* --- breakpoints on code --- */
extern char brk_a[], brk_b[], brk_ss[], brk_ss_next[];
static __attribute__((noinline, noclone)) void code_with_labels(void)
{
    __asm__ volatile(".globl brk_a\nbrk_a: nop\n.globl brk_b\nbrk_b: xor %%eax, %%eax\nnop\n"
                     "mov %%ss, %%eax\n.globl brk_ss\nbrk_ss: mov %%eax, %%ss\n"
                     ".globl brk_ss_next\nbrk_ss_next: nop\n" ::
                         : "rax", "cc", "memory");
}

static void check_code_breaks(void)
{
    start(100);
    break_at(0, (uint64_t)brk_a, EXECUTE, LEN1);
    break_at(3, (uint64_t)brk_b, EXECUTE, LEN1);
    code_with_labels();
    report(count == 2 && events[0].rip == (uint64_t)brk_a && events[0].dr6 == 1 && events[1].rip == (uint64_t)brk_b &&
               events[1].dr6 == 8,
           "breakpoints on two instructions are faults: DR6.B0, then B3 (%u)", count);
    report(!(events[0].rflags & RFLAGS_RF), "RF is clear in what an instruction breakpoint saves");
    start(100);
    code_with_labels();
    report_equal(count, 2, "they hit again");
    write_dr7(read_dr7() & ~0xffull);
    start(100);
    code_with_labels();
    report_equal(count, 0, "not when DR7 disables them");
    write_dr7(read_dr7() | 1);
    code_with_labels();
    report_equal(count, 1, "L0 enables like G0");
    no_breaks();
    start(100);
    break_at(1, (uint64_t)brk_ss_next, EXECUTE, LEN1);
    code_with_labels();
    if (!qemu_deviates("MOV SS and instruction breakpoints"))
        report_equal(count, 0, "the instruction after MOV SS hits no instruction breakpoint");
    no_breaks();

    /* Step and breakpoint at one boundary: the trap of the instruction before comes first. */
    start(100);
    break_at(2, (uint64_t)brk_b, EXECUTE, LEN1);
    __asm__ volatile(TF_ON "call code_with_labels_alias;" TF_OFF ::: "rax", "memory", "cc");
    unsigned at_b = 0, bits = 0;
    for (unsigned i = 0; i < count && i < LOG_MAX; i++)
        if (events[i].rip == (uint64_t)brk_b) {
            at_b++;
            bits |= (unsigned)events[i].dr6;
        }
    if (!qemu_deviates("a step and an instruction breakpoint at one boundary"))
        report(bits == (DR6_BS | 4), "a step and a breakpoint at one boundary are both reported (%u, %x)", at_b, bits);
    no_breaks();
}
__asm__(".globl code_with_labels_alias\n.set code_with_labels_alias, code_with_labels\n");

/* --- breakpoints on data --- */
static uint8_t watched[64] __attribute__((aligned(64)));
extern char after_store[], after_pair[];

static unsigned hits_of(void (*fn)(void *), uint64_t offset)
{
    start(100);
    fn(watched + offset);
    return count;
}
KERNEL_CODE(load1, "movb (%%rdi), %%al")
KERNEL_CODE(load8, "movq (%%rdi), %%rax")
KERNEL_CODE(store1, "movb %%al, (%%rdi)\n.globl after_store\nafter_store:")
KERNEL_CODE(store4, "movl %%eax, (%%rdi)")
KERNEL_CODE(modify4, "lock incl (%%rdi)")
KERNEL_CODE(compare4, "cmpl $0, (%%rdi)")
KERNEL_CODE(rep_store, "mov $8, %%ecx; rep stosb")
KERNEL_CODE(push_there, "mov %%rsp, %%rcx; lea 8(%%rdi), %%rsp; push %%rax; mov %%rcx, %%rsp")
KERNEL_CODE(lea_only, "lea (%%rdi), %%rax; prefetcht0 (%%rdi)")
KERNEL_CODE(ss_then_nop, "mov (%%rdi), %%ss; nop\n.globl after_pair\nafter_pair: nop")

static void check_data_breaks(void)
{
    break_at(0, (uint64_t)watched + 8, WRITE, LEN4);
    report_equal(hits_of(store1, 8), 1, "a write breakpoint: a store to it");
    report(events[0].rip == (uint64_t)after_store && events[0].dr6 == 1, "it is a trap: RIP is behind the store, B0");
    report_equal(hits_of(store1, 11), 1, "to its last byte");
    report_equal(hits_of(store1, 12), 0, "to the byte behind");
    report_equal(hits_of(store4, 5), 1, "an unaligned store that touches it");
    report_equal(hits_of(store4, 4), 0, "a store up to it");
    report_equal(hits_of(load8, 8), 0, "a load does not hit a write breakpoint");
    report_equal(hits_of(compare4, 8), 0, "CMP does not write");
    report_equal(hits_of(modify4, 8), 1, "LOCK INC hits once");
    report_equal(hits_of(push_there, 8), 1, "PUSH");
    report_equal(hits_of(lea_only, 8), 0, "LEA and PREFETCH access nothing");
    break_at(0, (uint64_t)watched + 11, WRITE, LEN4);
    if (!qemu_deviates("an unaligned DR0 is aligned by the processor"))
        report_equal(hits_of(store1, 8), 1, "the processor ignores the low bits of an unaligned DR0");
    break_at(0, (uint64_t)watched + 8, READ_WRITE, LEN8);
    report_equal(hits_of(load1, 15), 1, "a read-write breakpoint of eight bytes: a load");
    report_equal(hits_of(store1, 8), 1, "a store");
    report_equal(hits_of(load1, 16), 0, "not behind it");
    break_at(1, (uint64_t)watched + 10, READ_WRITE, LEN1);
    hits_of(load8, 8);
    if (!qemu_deviates("two breakpoints of one access"))
        report(count == 1 && events[0].dr6 == 3, "one access, two breakpoints: one #DB with B0 and B1 (%lx)",
               events[0].dr6);
    no_breaks();

    break_at(2, (uint64_t)watched + 3, WRITE, LEN1);
    hits_of(rep_store, 0);
    if (!qemu_deviates("a data breakpoint inside REP: a trap after the iteration"))
        report(count == 1 && events[0].rcx == 4 && events[0].rflags & RFLAGS_RF,
               "REP STOSB: #DB after the iteration, RF set (%u, RCX %lu)", count, events[0].rcx);
    no_breaks();

    /* The trap of a load into SS waits for the instruction after it. */
    memset(watched, 0, sizeof watched);
    watched[0] = SEL_KERNEL_DATA;
    break_at(0, (uint64_t)watched, READ_WRITE, LEN2);
    hits_of(ss_then_nop, 0);
    if (!qemu_deviates("MOV SS holds data breakpoints back"))
        report(count == 1 && events[0].rip == (uint64_t)after_pair,
               "the trap of MOV SS from memory is held back by one (%lx)", events[0].rip - (uint64_t)after_pair);
    no_breaks();
}

/* --- ports --- */
KERNEL_CODE(in_80, "inb $0x80, %%al")
KERNEL_CODE(in_81, "inb $0x81, %%al")
KERNEL_CODE(in_word, "inw $0x80, %%ax")
KERNEL_CODE(out_80, "movb $0, %%al; outb %%al, $0x80")
static void check_port_breaks(void)
{
    write_cr4(read_cr4() | CR4_DE);
    break_at(1, 0x81, IO, LEN1);
    report_equal(hits_of(in_80, 0), 0, "a breakpoint on a port: another port");
    report_equal(hits_of(in_81, 0), 1, "IN");
    report_equal(hits_of(in_word, 0), 1, "IN of a word that contains it");
    report_equal(hits_of(out_80, 0), 0, "OUT to another");
    break_at(1, 0x80, IO, LEN1);
    report_equal(hits_of(out_80, 0), 1, "OUT");
    report(events[0].dr6 == 2, "B1 in DR6");
    no_breaks();
    write_cr4(read_cr4() & ~(uint64_t)CR4_DE);
}

/* --- the registers --- */
KERNEL_CODE(high_dr6, "mov $1, %%eax; shl $32, %%rax; mov %%rax, %%db6")
KERNEL_CODE(high_dr7, "mov $1, %%eax; shl $32, %%rax; mov %%rax, %%db7")
KERNEL_CODE(read_dr5, ".byte 0x0f, 0x21, 0xe8") /* MOV RAX, DR5 */
KERNEL_CODE(read_dr_0, "mov %%db0, %%rax\n.globl gd_after\ngd_after: nop")
extern char gd_after[];

static void check_registers(void)
{
    expect("a DR6 beyond 32 bits", high_dr6, 0, VECTOR_GP, 0);
    expect("a DR7 beyond 32 bits", high_dr7, 0, VECTOR_GP, 0);
    expect_ok("DR5 is DR7 without CR4.DE", read_dr5, 0);
    write_cr4(read_cr4() | CR4_DE);
    expect("DR5 with CR4.DE", read_dr5, 0, VECTOR_UD, 0);
    write_cr4(read_cr4() & ~(uint64_t)CR4_DE);
    WRITE_DR(2, 0xffff800012345678);
    report_equal(READ_DR(2), 0xffff800012345678, "DR2 holds 64 bits");
    write_dr6(0);
    report_equal(read_dr6() & 0xffffffffffff17f0, 0xffff07f0, "DR6 reads ones in reserved places, zero in bit 12");
    write_dr7(0);
    report_equal(read_dr7() & 0xd400, 0x400, "DR7 reads one in bit 10, zero in 12, 14 and 15");
    write_dr6(DR6_CLEAR);

    start(100);
    WRITE_DR(0, 0x1234);
    write_dr7(DR7_GD | 0x400);
    read_dr_0(NULL);
    bool gd_in_handler = events[0].dr7 & DR7_GD;
    uint64_t rip = events[0].rip, dr6 = events[0].dr6;
    no_breaks();
    if (qemu_deviates("DR7.GD"))
        return;
    report(count == 1 && dr6 == DR6_BD && rip < (uint64_t)gd_after, "DR7.GD: #DB before the MOV, DR6.BD (%u, %lx)",
           count, dr6);
    report(!gd_in_handler, "GD is clear in the handler");
    report(!(read_dr7() & DR7_GD), "and stays so");
}

/* --- INT1, INT3, RF --- */
extern char after_int1[], after_int3[];
KERNEL_CODE(do_int1, ".byte 0xf1\n.globl after_int1\nafter_int1: nop")
KERNEL_CODE(do_int3, TF_ON "int3\n.globl after_int3\nafter_int3: nop; nop;" TF_OFF)
KERNEL_CODE(do_ud, "ud2")
KERNEL_CODE(do_int, "int $0x58")
static uint64_t bp_rip, ud_flags, int_flags;
static bool on_bp(struct trap_frame *f)
{
    bp_rip = f->rip;
    return true;
}
static bool on_ud(struct trap_frame *f)
{
    ud_flags = f->rflags;
    f->rip += 2;
    return true;
}
static bool on_int(struct trap_frame *f)
{
    int_flags = f->rflags;
    return true;
}
USER_CODE(user_popf_rf, "pushfq; orl $0x10000, (%%rsp); popfq; nop; pushfq; pop %%rax")

static void check_int1_int3(void)
{
    if (!qemu_deviates("INT1")) {
        start(100);
        do_int1(NULL);
        report(count == 1 && events[0].rip == (uint64_t)after_int1 && events[0].dr6 == 0,
               "INT1: #DB behind it, no bit of DR6 (%u, %lx)", count, events[0].dr6);
    }
    trap_install(VECTOR_BP, on_bp);
    start(100);
    do_int3(NULL);
    report(bp_rip == (uint64_t)after_int3 && count >= 1 && events[0].rip == (uint64_t)after_int3 + 1,
           "INT3 with TF: #BP alone, the step comes after the instruction it returns to (%lx)",
           events[0].rip - (uint64_t)after_int3);
    trap_install(VECTOR_BP, NULL);
    trap_install(VECTOR_UD, on_ud);
    trap_install(0x58, on_int);
    do_ud(NULL);
    if (!qemu_deviates("a fault saves RF = 1"))
        report(ud_flags & RFLAGS_RF, "a fault saves RF = 1");
    do_int(NULL);
    report(!(int_flags & RFLAGS_RF), "INT n saves RF = 0");
    trap_install(VECTOR_UD, NULL);
    if (!qemu_deviates("POPF does not load RF"))
        report(!(run_in_user(user_popf_rf, NULL) & RFLAGS_RF), "PUSHF stores RF = 0");
}

int guest_main(void)
{
    trap_install(VECTOR_DB, on_db);
    check_registers();
    check_steps();
    check_syscall_steps();
    check_code_breaks();
    check_data_breaks();
    check_port_breaks();
    check_int1_int3();
    trap_install(VECTOR_DB, NULL);
    return report_summary();
}
