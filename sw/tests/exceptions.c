/* SPDX-License-Identifier: Apache-2.0 */
/* Exceptions and interrupts through the IDT: vectors, error codes, saved state, stacks, nesting, IRETQ, SYSCALL and
 * SYSRET. SDM Vol. 3A, "Interrupt and Exception Handling"; Vol. 2, INT n, IRET, SYSCALL, SYSRET.
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

const char test_name[] = "exceptions";

#define NONCANONICAL 0x0000800000000000ull
#define ABSENT_VA (TEST_VA + 0x123000)

extern char fault_de[], fault_ud[], after_bp[], after_int[], db_stepped[];

/* --- one instruction each --- */
static __attribute__((noinline, noclone)) void raise_de(void *arg)
{
    (void)arg;
    __asm__ volatile("xor %%edx, %%edx; mov $1, %%eax; xor %%ecx, %%ecx\n.globl fault_de\nfault_de: div %%ecx" ::
                         : "rax", "rcx", "rdx");
}
static __attribute__((noinline, noclone)) void raise_de_overflow(void *arg)
{
    (void)arg;
    __asm__ volatile("mov $5, %%edx; xor %%eax, %%eax; mov $5, %%ecx; div %%ecx" ::: "rax", "rcx", "rdx");
}
static __attribute__((noinline, noclone)) void raise_de_signed(void *arg)
{
    (void)arg;
    __asm__ volatile("movabs $0x8000000000000000, %%rax; cqto; mov $-1, %%rcx; idiv %%rcx" ::: "rax", "rcx", "rdx");
}
static __attribute__((noinline, noclone)) void raise_ud(void *arg)
{
    (void)arg;
    __asm__ volatile(".globl fault_ud\nfault_ud: ud2");
}
static __attribute__((noinline, noclone)) void raise_bp(void *arg)
{
    (void)arg;
    __asm__ volatile("int3\n.globl after_bp\nafter_bp:" ::: "memory");
}
static __attribute__((noinline, noclone)) void raise_int(void *arg)
{
    (void)arg;
    __asm__ volatile("int $0x55\n.globl after_int\nafter_int:" ::: "memory");
}
static __attribute__((noinline, noclone)) void raise_icebp(void *arg)
{
    (void)arg;
    __asm__ volatile(".byte 0xf1");
}
static void read_byte(void *arg) { (void)*(volatile uint8_t *)arg; }
static void load_through_rbp(void *arg)
{
    __asm__ volatile("push %%rbp; mov %0, %%rbp; mov (%%rbp), %%rax; pop %%rbp" ::"r"(arg) : "rax", "memory");
}
static void push_at(void *arg)
{
    __asm__ volatile("mov %%rsp, %%rbx; mov %0, %%rsp; pushq $1; mov %%rbx, %%rsp" ::"r"(arg) : "rbx", "memory");
}
static void jump_to(void *arg) { __asm__ volatile("jmp *%0" ::"r"(arg)); }
static void load_ds(void *arg)
{
    __asm__ volatile("mov %0, %%ds; mov %1, %%ds" ::"r"((uint32_t)(uint64_t)arg), "r"(SEL_KERNEL_DATA));
}
static void load_ss(void *arg)
{
    __asm__ volatile("mov %0, %%ss; mov %1, %%ss" ::"r"((uint32_t)(uint64_t)arg), "r"(SEL_KERNEL_DATA));
}
static void far_return(void *arg)
{
    __asm__ volatile("pushq %0; leaq 1f(%%rip), %%rax; pushq %%rax; lretq\n1:" ::"r"(arg) : "rax", "memory");
}
static void read_bad_msr(void *arg) { rdmsr((uint32_t)(uint64_t)arg); }
static void write_noncanonical_msr(void *arg) { wrmsr((uint32_t)(uint64_t)arg, NONCANONICAL); }
static void set_cr4(void *arg) { write_cr4(read_cr4() | (uint64_t)arg); }
static void clear_cr0(void *arg) { write_cr0(read_cr0() & ~(uint64_t)arg); }
static void clear_cr4(void *arg) { write_cr4(read_cr4() & ~(uint64_t)arg); }
static void write_cr8_high(void *arg) { write_cr8((uint64_t)arg); }
static void locked_nop(void *arg)
{
    (void)arg;
    __asm__ volatile(".byte 0xf0, 0x90");
}
static void locked_load(void *arg) { __asm__ volatile(".byte 0xf0, 0x48, 0x8b, 0x07" ::"D"(arg) : "rax"); }
static void unaligned_cmpxchg16b(void *arg)
{
    __asm__ volatile("lock cmpxchg16b %0" : "+m"(*(char(*)[16])arg)::"rax", "rbx", "rcx", "rdx", "memory");
}
static void int_of_gate(void *arg)
{
    (void)arg;
    __asm__ volatile("int $0x56");
}
static void long_instruction(void *arg)
{
    (void)arg;
    __asm__ volatile(".fill 15, 1, 0x66; nop"); /* 16 bytes: one too many */
}
static void longest_instruction(void *arg)
{
    (void)arg;
    __asm__ volatile(".fill 14, 1, 0x66; nop");
}

/* What QEMU's TCG 7.2 leaves out or does otherwise (error codes of IDT faults count entries of 8 bytes there twice). */
static void expect_but_qemu(const char *what, void (*fn)(void *), uint64_t arg, unsigned vector, uint64_t error)
{
    if (!qemu_deviates(what))
        expect(what, fn, arg, vector, error);
}

static void check_vectors(void)
{
    struct trap t = test_for_exception(raise_de, NULL);
    report(t.is_raised && t.vector == VECTOR_DE && t.rip == (uint64_t)fault_de, "#DE is a fault: RIP is the DIV");
    expect("division overflow", raise_de_overflow, 0, VECTOR_DE, 0);
    expect("IDIV of the least number by -1", raise_de_signed, 0, VECTOR_DE, 0);
    t = test_for_exception(raise_ud, NULL);
    report(t.vector == VECTOR_UD && t.rip == (uint64_t)fault_ud, "UD2: #UD, RIP is the UD2");
    t = test_for_exception(raise_bp, NULL);
    report(t.vector == VECTOR_BP && t.rip == (uint64_t)after_bp, "INT3: #BP is a trap: RIP follows it");
    expect_but_qemu("INT1", raise_icebp, 0, VECTOR_DB, 0);
    expect("read at a non-canonical address", read_byte, NONCANONICAL, VECTOR_GP, 0);
    expect_but_qemu("non-canonical load through RBP", load_through_rbp, NONCANONICAL, VECTOR_SS, 0);
    /* #SS is delivered on the same bad stack: its own delivery raises #SS again, which makes #DF (on its IST). */
    expect("push at a non-canonical address", push_at, NONCANONICAL + 0x1000, VECTOR_DF, 0);
    expect("jump to a non-canonical address", jump_to, NONCANONICAL, VECTOR_GP, 0);
    t = test_for_exception(read_byte, (void *)(ABSENT_VA + 5));
    report(t.vector == VECTOR_PF && t.error == 0 && t.cr2 == ABSENT_VA + 5, "read of an absent page: #PF, CR2 exact");
    expect("LOCK on NOP", locked_nop, 0, VECTOR_UD, 0);
    expect_but_qemu("LOCK on a load", locked_load, (uint64_t)&t, VECTOR_UD, 0);
    static uint8_t bytes[64] __attribute__((aligned(64)));
    expect("unaligned CMPXCHG16B", unaligned_cmpxchg16b, (uint64_t)bytes + 8, VECTOR_GP, 0);
    expect("instruction of 16 bytes", long_instruction, 0, VECTOR_GP, 0);
    report(!test_for_exception(longest_instruction, NULL).is_raised, "an instruction of 15 bytes is legal");
}

static void check_system_faults(void)
{
    expect_but_qemu("RDMSR of an absent MSR", read_bad_msr, 0x4fffffff, VECTOR_GP, 0);
    expect_but_qemu("LSTAR non-canonical", write_noncanonical_msr, MSR_LSTAR, VECTOR_GP, 0);
    expect_but_qemu("FS.base non-canonical", write_noncanonical_msr, MSR_FS_BASE, VECTOR_GP, 0);
    expect_but_qemu("reserved CR4 bit", set_cr4, 1ull << 31, VECTOR_GP, 0);
    expect_but_qemu("reserved CR4 bit above 31", set_cr4, 1ull << 40, VECTOR_GP, 0);
    expect_but_qemu("CR0.PE cleared while paging", clear_cr0, CR0_PE, VECTOR_GP, 0);
    expect_but_qemu("CR0.PG cleared in 64-bit mode", clear_cr0, CR0_PG, VECTOR_GP, 0);
    expect_but_qemu("CR4.PAE cleared in long mode", clear_cr4, CR4_PAE, VECTOR_GP, 0);
    expect_but_qemu("CR8 above 15", write_cr8_high, 16, VECTOR_GP, 0);
}

static void check_segments(void)
{
    struct cpu_local *cpu = this_cpu();
    cpu->gdt[SEL_SPARE / 8] = 0x00cf13000000ffff;     /* data, not present */
    cpu->gdt[SEL_SPARE / 8 + 1] = 0x00af1b000000ffff; /* 64-bit code, not present */
    cpu->gdt[SEL_SPARE / 8 + 2] = 0x00cf91000000ffff; /* read-only data */
    expect("DS beyond the GDT", load_ds, 0x1000, VECTOR_GP, 0x1000);
    expect("DS absent", load_ds, SEL_SPARE, VECTOR_NP, SEL_SPARE);
    expect("DS a TSS", load_ds, SEL_TSS, VECTOR_GP, SEL_TSS);
    expect("SS absent", load_ss, SEL_SPARE, VECTOR_SS, SEL_SPARE);
    expect("SS read-only", load_ss, SEL_SPARE + 16, VECTOR_GP, SEL_SPARE + 16);
    expect("SS with RPL 3 at CPL 0", load_ss, SEL_USER_DATA, VECTOR_GP, SEL_USER_DATA & ~3);
    expect("far return to absent code", far_return, SEL_SPARE + 8, VECTOR_NP, SEL_SPARE + 8);
    expect("far return to data", far_return, SEL_KERNEL_DATA, VECTOR_GP, SEL_KERNEL_DATA);
    expect("far return to null", far_return, 0, VECTOR_GP, 0);
    report(!test_for_exception(load_ds, NULL).is_raised, "DS may be null in 64-bit mode");
    report(!test_for_exception(load_ss, NULL).is_raised, "SS may be null in 64-bit mode at CPL 0");
    report(!test_for_exception(far_return, (void *)SEL_KERNEL_CODE).is_raised, "far return to 64-bit code");
}

/* --- handlers that return --- */
static volatile uint64_t seen_vector, seen_rip, seen_rflags, seen_rsp, seen_cs, seen_ss, seen_count, seen_error;
static bool note(struct trap_frame *f)
{
    seen_vector = f->vector;
    seen_rip = f->rip;
    seen_rflags = f->rflags;
    seen_rsp = f->rsp;
    seen_cs = f->cs;
    seen_ss = f->ss;
    seen_error = f->error;
    seen_count++;
    return true;
}
static bool nested(struct trap_frame *f)
{
    note(f);
    uint64_t rip = seen_rip;
    struct trap t = test_for_exception(raise_ud, NULL); /* an exception inside a handler */
    __asm__ volatile("int $0x57" ::: "memory");
    seen_error = t.is_raised && t.vector == VECTOR_UD;
    seen_rip = rip;
    return true;
}

static void check_int(void)
{
    trap_install(0x55, note);
    uint64_t rsp;
    __asm__ volatile("mov %%rsp, %0; stc; int $0x55\n" : "=r"(rsp)::"memory", "cc");
    report(seen_vector == 0x55 && seen_rsp == rsp && seen_cs == SEL_KERNEL_CODE && seen_ss == SEL_KERNEL_DATA,
           "INT 55H: vector, CS, SS and RSP are saved");
    report(seen_rflags & RFLAGS_CF, "INT saves RFLAGS");
    raise_int(NULL);
    report(seen_rip == (uint64_t)after_int, "INT saves the next RIP");

    /* All registers survive a trap. */
    uint64_t bad;
    __asm__ volatile("mov $1, %%rax; mov $2, %%rbx; mov $3, %%rcx; mov $4, %%rdx; mov $5, %%rsi; mov $6, %%rdi;"
                     "mov $8, %%r8; mov $9, %%r9; mov $10, %%r10; mov $11, %%r11; mov $12, %%r12; mov $13, %%r13;"
                     "mov $14, %%r14; mov $15, %%r15; int $0x55;"
                     "xor $1, %%rax; xor $2, %%rbx; xor $3, %%rcx; xor $4, %%rdx; xor $5, %%rsi; xor $6, %%rdi;"
                     "xor $8, %%r8; xor $9, %%r9; xor $10, %%r10; xor $11, %%r11; xor $12, %%r12; xor $13, %%r13;"
                     "xor $14, %%r14; xor $15, %%r15;"
                     "or %%rbx, %%rax; or %%rcx, %%rax; or %%rdx, %%rax; or %%rsi, %%rax; or %%rdi, %%rax;"
                     "or %%r8, %%rax; or %%r9, %%rax; or %%r10, %%rax; or %%r11, %%rax; or %%r12, %%rax;"
                     "or %%r13, %%rax; or %%r14, %%rax; or %%r15, %%rax"
                     : "=a"(bad)::"rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14",
                       "r15", "memory", "cc");
    report(bad == 0, "registers survive an interrupt");

    trap_install(0x55, nested);
    trap_install(0x57, note);
    uint64_t count = seen_count;
    raise_int(NULL);
    report(seen_error == 1 && seen_count == count + 2 && seen_rip == (uint64_t)after_int, "traps nest");
    trap_install(0x55, NULL);

    trap_set_gate(0x56, GATE_INTERRUPT & ~GATE_PRESENT, 0);
    expect_but_qemu("INT through an absent gate", int_of_gate, 0, VECTOR_NP, 0x56 << 3 | 2);
    trap_set_gate(0x56, 0x8a, 0); /* not a gate of long mode */
    expect_but_qemu("INT through a wrong type", int_of_gate, 0, VECTOR_GP, 0x56 << 3 | 2);
    trap_set_gate(0x56, GATE_TRAP, 0);
    trap_install(0x56, note);
}

static volatile uint64_t flags_in_handler;
static bool note_flags(struct trap_frame *f)
{
    flags_in_handler = read_flags();
    return note(f);
}

static void check_gates(void)
{
    trap_install(0x56, note_flags);
    trap_set_gate(0x56, GATE_TRAP, 0);
    sti();
    __asm__ volatile("int $0x56" ::: "memory");
    report(flags_in_handler & RFLAGS_IF, "a trap gate keeps IF");
    trap_set_gate(0x56, GATE_INTERRUPT, 0);
    __asm__ volatile("int $0x56" ::: "memory");
    report(!(flags_in_handler & RFLAGS_IF) && seen_rflags & RFLAGS_IF, "an interrupt gate clears IF");
    report(read_flags() & RFLAGS_IF, "IRETQ brings IF back");
    cli();

    /* IST: the frame lies on the chosen stack, also without a change of CPL. */
    uint64_t before = read_rsp();
    trap_set_gate(0x56, GATE_INTERRUPT, IST_TEST);
    __asm__ volatile("int $0x56" ::: "memory");
    report(seen_rsp <= before && seen_rsp > before - 512, "IST: the interrupted RSP is saved");
    trap_set_gate(0x56, GATE_INTERRUPT, 0);
}

extern void entry_raw(void);
uint64_t raw_rsp, raw_frame[5];
__asm__(".text\n.globl entry_raw\nentry_raw:\n"
        "    mov %rsp, raw_rsp\n"
        "    push %rax\n"
        "    mov 8(%rsp), %rax; mov %rax, raw_frame\n"
        "    mov 16(%rsp), %rax; mov %rax, raw_frame + 8\n"
        "    mov 24(%rsp), %rax; mov %rax, raw_frame + 16\n"
        "    mov 32(%rsp), %rax; mov %rax, raw_frame + 24\n"
        "    mov 40(%rsp), %rax; mov %rax, raw_frame + 32\n"
        "    pop %rax\n"
        "    iretq\n");

static void check_frame(void)
{
    trap_set_entry(0x56, entry_raw);
    for (uint64_t shift = 0; shift < 16; shift++) {
        uint64_t rsp;
        __asm__ volatile("mov %%rsp, %%rbx; sub %1, %%rsp; mov %%rsp, %0; int $0x56; mov %%rbx, %%rsp"
                         : "=&r"(rsp)
                         : "r"(256 + shift)
                         : "rbx", "memory", "cc");
        if (raw_rsp != (rsp & ~15ull) - 40 || raw_frame[3] != rsp) {
            report(false, "frame at RSP %% 16 = %lu", shift);
            return;
        }
    }
    report(true, "the frame is aligned to 16 bytes for every RSP");
    trap_set_gate(0x56, GATE_INTERRUPT, IST_TEST);
    __asm__ volatile("int $0x56" ::: "memory");
    report_equal(raw_rsp, this_cpu()->tss.ist[IST_TEST - 1] - 40, "IST: the frame begins at the top of that stack");
    trap_set_gate(0x56, GATE_INTERRUPT, 0);
    trap_set_entry(0x56, NULL);
}

static bool count_steps(struct trap_frame *f)
{
    note(f);
    if (seen_count == 3)
        f->rflags &= ~(uint64_t)RFLAGS_TF;
    return true;
}

static void check_single_step(void)
{
    trap_install(VECTOR_DB, count_steps);
    seen_count = 0;
    write_dr6(0);
    __asm__ volatile("pushfq; orq $0x100, (%%rsp); popfq\n"
                     "nop\nnop\nmov %%eax, %%eax\n.globl db_stepped\ndb_stepped:\nnop\nnop" ::
                         : "memory", "cc", "rax");
    report(seen_count == 3 && seen_rip == (uint64_t)db_stepped,
           "TF: one #DB after each of three instructions (%lu, %lx)", seen_count, seen_rip - (uint64_t)db_stepped);
    report(read_dr6() & 1 << 14, "DR6.BS is set");
    write_dr6(0xffff0ff0);
    trap_install(VECTOR_DB, NULL);
}

/* A #PF whose own delivery faults becomes #DF: the kernel's stack is gone; #DF has its own (IST). */
static void fault_without_stack(void *arg) { __asm__ volatile("mov %0, %%rsp; movb $0, (%0)" ::"r"(arg) : "memory"); }
static void check_double_fault(void)
{
    struct trap t = test_for_exception(fault_without_stack, (void *)(ABSENT_VA + 0x800));
    report(t.vector == VECTOR_DF && t.error == 0 && t.rsp == ABSENT_VA + 0x800,
           "#PF without a stack: #DF by IST, error 0");
    trap_set_gate(VECTOR_GP, GATE_INTERRUPT & ~GATE_PRESENT, 0);
    expect("#GP whose gate is absent", read_byte, NONCANONICAL, VECTOR_DF, 0);
    trap_set_gate(VECTOR_GP, GATE_INTERRUPT, 0);
    trap_set_gate(VECTOR_UD, GATE_INTERRUPT & ~GATE_PRESENT, 0);
    expect_but_qemu("#UD whose gate is absent (benign, then #NP)", raise_ud, 0, VECTOR_NP, VECTOR_UD << 3 | 2 | 1);
    trap_set_gate(VECTOR_UD, GATE_INTERRUPT, 0);
}

static void iret_to(void *arg)
{
    const uint64_t *frame = arg; /* rip, cs, rflags, rsp, ss */
    __asm__ volatile("pushq 32(%0); pushq 24(%0); pushq 16(%0); pushq 8(%0); pushq (%0); iretq" ::"r"(frame)
                     : "memory");
}
static void check_iretq(void)
{
    uint64_t f[5] = {NONCANONICAL, SEL_KERNEL_CODE, RFLAGS_ONE, read_rsp() - 2048, SEL_KERNEL_DATA};
    expect("IRETQ to a non-canonical RIP", iret_to, (uint64_t)f, VECTOR_GP, 0);
    f[0] = (uint64_t)fault_ud;
    f[1] = 0;
    expect("IRETQ to a null CS", iret_to, (uint64_t)f, VECTOR_GP, 0);
    f[1] = SEL_KERNEL_DATA;
    expect("IRETQ to a data segment", iret_to, (uint64_t)f, VECTOR_GP, SEL_KERNEL_DATA);
    f[1] = SEL_SPARE + 8;
    expect("IRETQ to absent code", iret_to, (uint64_t)f, VECTOR_NP, SEL_SPARE + 8);
    f[1] = SEL_USER_CODE;
    expect("IRETQ to CPL 3 with a kernel SS", iret_to, (uint64_t)f, VECTOR_GP, SEL_KERNEL_DATA);
    f[4] = 0;
    expect("IRETQ to CPL 3 with a null SS", iret_to, (uint64_t)f, VECTOR_GP, 0);
    f[4] = SEL_KERNEL_DATA;
    f[1] = SEL_KERNEL_CODE;
    f[3] = read_rsp() - 2048; /* below the frames of test_for_exception() */
    f[2] = RFLAGS_ONE | RFLAGS_NT;
    expect("NT in the image is loaded by IRETQ", iret_to, (uint64_t)f, VECTOR_UD, 0);
    write_flags(RFLAGS_ONE | RFLAGS_NT);
    f[2] = RFLAGS_ONE;
    expect("IRETQ with NT set", iret_to, (uint64_t)f, VECTOR_GP, 0);
    write_flags(RFLAGS_ONE);
}

/* --- CPL 3 --- */
static uint64_t user_identity(void *arg) { return read_cs() | (uint64_t)read_ss() << 16 | (uint64_t)arg << 32; }
#define USER_FN(name, text)                                                                                            \
    static uint64_t name(void *arg)                                                                                    \
    {                                                                                                                  \
        __asm__ volatile(text ::"D"(arg) : "rax", "rcx", "rdx", "memory", "cc");                                       \
        return 0;                                                                                                      \
    }
USER_FN(user_cli, "cli")
USER_FN(user_hlt, "hlt")
USER_FN(user_out, "mov $0xf4, %%edx; xor %%eax, %%eax; outl %%eax, %%dx")
USER_FN(user_rdmsr, "mov $0x1b, %%ecx; rdmsr")
USER_FN(user_cr3, "mov %%cr3, %%rax")
USER_FN(user_cr8, "mov %%cr8, %%rax")
USER_FN(user_lgdt, "lgdt (%%rdi)")
USER_FN(user_int_kernel, "int $0x56")
USER_FN(user_ud, "ud2")
USER_FN(user_int3, "int3")
USER_FN(user_load, "movb (%%rdi), %%al")
USER_FN(user_de, "xor %%ecx, %%ecx; div %%ecx")
USER_FN(user_sysret, "sysretq")
USER_FN(user_load_kernel_ds, "mov $0x10, %%eax; mov %%eax, %%ds")
USER_FN(user_popf_if,
        "pushfq; andq $~0x200, (%%rsp); orq $0x3001, (%%rsp); popfq; pushfq; pop %%rax; mov %%rax, (%%rdi)")
USER_FN(user_invlpg, "invlpg (%%rdi)")
USER_FN(user_clts, "clts")
USER_FN(user_rdtsc, "rdtsc")

static bool note_stack(struct trap_frame *f)
{
    note(f);
    seen_error = (uint64_t)f;
    f->rip += 2; /* past the UD2 */
    return true;
}

static void check_user(void)
{
    uint64_t value = run_in_user(user_identity, (void *)0x1234);
    report_equal(value, 0x123400000000 | (uint64_t)SEL_USER_DATA << 16 | SEL_USER_CODE,
                 "IRETQ enters CPL 3, SYSCALL leaves");
    expect_user("CLI", user_cli, NULL, VECTOR_GP, 0);
    expect_user("HLT", user_hlt, NULL, VECTOR_GP, 0);
    expect_user("OUT", user_out, NULL, VECTOR_GP, 0);
    expect_user("RDMSR", user_rdmsr, NULL, VECTOR_GP, 0);
    expect_user("MOV from CR3", user_cr3, NULL, VECTOR_GP, 0);
    expect_user("MOV from CR8", user_cr8, NULL, VECTOR_GP, 0);
    expect_user("LGDT", user_lgdt, &value, VECTOR_GP, 0);
    expect_user("INVLPG", user_invlpg, &value, VECTOR_GP, 0);
    expect_user("CLTS", user_clts, NULL, VECTOR_GP, 0);
    expect_user("SYSRET", user_sysret, NULL, VECTOR_GP, 0);
    expect_user("UD2", user_ud, NULL, VECTOR_UD, 0);
    expect_user("DIV by 0", user_de, NULL, VECTOR_DE, 0);
    if (is_qemu()) {
        report_skip("CPL 3 INT to a gate of DPL 0: QEMU has other error codes");
    } else {
        expect_user("INT to a gate of DPL 0", user_int_kernel, NULL, VECTOR_GP, 0x56 << 3 | 2);
        expect_user("INT3 through a gate of DPL 0", user_int3, NULL, VECTOR_GP, VECTOR_BP << 3 | 2);
    }
    expect_user("load of a supervisor page", user_load, (void *)0xfee00000, VECTOR_PF, PF_ERROR_P | PF_ERROR_U);
    expect_user("load of an absent page", user_load, (void *)ABSENT_VA, VECTOR_PF, PF_ERROR_U);
    expect_user("non-canonical load", user_load, (void *)NONCANONICAL, VECTOR_GP, 0);
    expect_user("DS := kernel data", user_load_kernel_ds, NULL, VECTOR_GP, SEL_KERNEL_DATA);

    value = 0;
    run_in_user(user_popf_if, &value);
    report((value & (RFLAGS_IF | RFLAGS_IOPL_MASK | RFLAGS_CF)) == (RFLAGS_IF | RFLAGS_CF),
           "POPF at CPL 3 changes neither IF nor IOPL (%lx)", value);
    run_in_user_with(user_popf_if, &value, RFLAGS_IF | RFLAGS_IOPL_MASK, user_stack_top());
    report_equal(value & (RFLAGS_IF | RFLAGS_IOPL_MASK), RFLAGS_IOPL_MASK, "with IOPL 3 it changes IF");
    report_equal(run_in_user_with(user_cli, NULL, RFLAGS_IOPL_MASK, user_stack_top()), 0,
                 "with IOPL 3 CLI is legal at CPL 3");

    write_cr4(read_cr4() | CR4_TSD);
    expect_user("RDTSC with CR4.TSD", user_rdtsc, NULL, VECTOR_GP, 0);
    write_cr4(read_cr4() & ~(uint64_t)CR4_TSD);

    trap_install(VECTOR_UD, note_stack);
    run_in_user(user_ud, NULL);
    report(seen_cs == SEL_USER_CODE && seen_ss == SEL_USER_DATA && seen_rflags & RFLAGS_IF, "CPL 3 state is saved");
    report_equal(seen_error + sizeof(struct trap_frame), this_cpu()->tss.rsp[0], "the handler runs on RSP0's stack");
    trap_install(VECTOR_UD, NULL);
}

/* --- SYSCALL and SYSRET in detail --- */
static uint64_t in_syscall(void *arg)
{
    uint64_t *v = arg;
    v[0] = read_cs();
    v[1] = read_ss();
    v[2] = read_flags();
    return 0xfeedfacecafebeef;
}
struct syscall_seen {
    uint64_t kernel[3], result, rcx, r11, next_rip, rflags_after, cs_ss;
};
static uint64_t user_makes_syscall(void *arg)
{
    struct syscall_seen *seen = arg;
    register uint64_t r11 __asm__("r11");
    uint64_t rcx, result, next, fn = (uint64_t)in_syscall, fn_arg = (uint64_t)arg;
    __asm__ volatile("stc; leaq 1f(%%rip), %3; syscall\n1:"
                     : "=a"(result), "=c"(rcx), "=r"(r11), "=&b"(next), "+D"(fn), "+S"(fn_arg)
                     : "a"(USER_CALL_KERNEL)
                     : "rdx", "r8", "r9", "r10", "memory", "cc");
    seen->r11 = r11;
    seen->rflags_after = read_flags();
    seen->result = result;
    seen->rcx = rcx;
    seen->next_rip = next;
    seen->cs_ss = read_cs() | (uint64_t)read_ss() << 16;
    return 0;
}
static void bare_syscall(void *arg)
{
    (void)arg;
    __asm__ volatile("syscall" ::: "rcx", "r11", "memory");
}
static void check_syscall(void)
{
    struct syscall_seen s = {0};
    run_in_user(user_makes_syscall, &s);
    report(s.kernel[0] == SEL_KERNEL_CODE && s.kernel[1] == SEL_KERNEL_DATA, "SYSCALL loads CS and SS from STAR");
    report(!(s.kernel[2] & (RFLAGS_IF | RFLAGS_TF | RFLAGS_DF)), "SYSCALL clears the RFLAGS bits of FMASK");
    report(s.rcx == s.next_rip, "RCX is the return address");
    report(s.r11 & RFLAGS_IF && s.r11 & RFLAGS_CF, "R11 holds the caller's RFLAGS");
    report(s.rflags_after & RFLAGS_IF, "SYSRET restores RFLAGS from R11");
    report(s.cs_ss == (SEL_USER_CODE | (uint64_t)SEL_USER_DATA << 16), "SYSRET loads CS and SS from STAR");
    report_equal(s.result, 0xfeedfacecafebeef, "the result comes back");
    wrmsr(MSR_EFER, rdmsr(MSR_EFER) & ~(uint64_t)EFER_SCE);
    expect("SYSCALL with EFER.SCE = 0", bare_syscall, 0, VECTOR_UD, 0);
    wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SCE);
}

int guest_main(void)
{
    check_vectors();
    check_system_faults();
    check_segments();
    check_int();
    check_gates();
    check_frame();
    check_single_step();
    check_double_fault();
    check_iretq();
    check_user();
    check_syscall();
    return report_summary();
}
