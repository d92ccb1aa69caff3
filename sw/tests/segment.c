/* SPDX-License-Identifier: Apache-2.0 */
/* Segmentation as long mode keeps it: compatibility mode with limits and types, loads of segment registers, LDT and
 * TSS, far transfers, 64-bit call gates, and questions about selectors. Legacy protected mode: segment_legacy.c. SDM
 * Vol. 3A, "Protected-Mode Memory Management", "Protection"; Vol. 2, MOV, JMP, CALL, RET, LAR, LSL, VERR, ARPL.
 */
#include "segment.h"
#include "arch/control.h"
#include "arch/insn.h"
#include "boot.h"
#include "expect.h"
#include "percpu.h"
#include "report.h"
#include "segment_legacy.h"
#include "string.h"
#include "trap.h"
#include "user.h"

const char test_name[] = "segment";

uint64_t t_gdt[T_GDT_ENTRIES] __attribute__((aligned(16)));
static uint64_t t_ldt[8] __attribute__((aligned(16)));
static uint8_t area[0x20000] __attribute__((aligned(4096)));

enum {
    DATA_RW = 0x93,
    DATA_RO = 0x91,
    DATA_DOWN = 0x97,
    CODE_RX = 0x9b,
    CODE_X = 0x99,
    CODE_CONFORMING = 0x9f,
    DPL3 = 0x60,
    FLAG_G = 8,
    FLAG_D = 4,
    FLAG_L = 2,
    TEST = T_FIRST,
    TEST2 = T_FIRST + 16, /* TEST may have 16 bytes */
    IN_LDT = 8 | 4,
};

uint64_t descriptor(uint64_t base, uint32_t limit, unsigned access, unsigned flags)
{
    return (limit & 0xffff) | (base & 0xffffff) << 16 | (uint64_t)access << 40 | (uint64_t)(limit >> 16 & 15) << 48 |
           (uint64_t)flags << 52 | (base >> 24 & 0xff) << 56;
}
static uint64_t flat(unsigned access, unsigned flags) { return descriptor(0, 0xfffff, access, flags | FLAG_G); }
static void set(unsigned selector, uint64_t value) { t_gdt[selector / 8] = value; }

static void set_wide(unsigned selector, uint64_t base, uint32_t limit, unsigned access)
{
    set(selector, descriptor(base, limit, access, 0));
    set(selector + 8, base >> 32);
}

/* --- compatibility mode: functions of 32-bit code, called far --- */
#define COMPAT(name, text)                                                                                             \
    extern char name[];                                                                                                \
    __asm__(".text\n.code32\n.globl " #name "\n" #name ": " text "\n lret\n.code64\n");
COMPAT(c_nothing, "")
COMPAT(c_read1, "movb %fs:(%edi), %al")
COMPAT(c_read2, "movw %fs:(%edi), %ax")
COMPAT(c_read4, "movl %fs:(%edi), %eax")
COMPAT(c_read8, "fildll %fs:(%edi); fstp %st(0)")
COMPAT(c_write1, "movb %al, %fs:(%edi)")
COMPAT(c_read_cs, "movb %cs:(%edi), %al")
COMPAT(c_write_cs, "movb %al, %cs:(%edi)")
COMPAT(c_stack_read, "mov %ss, %edx; mov $0x80, %eax; mov %eax, %ss; movb %ss:(%edi), %al; mov %edx, %ss")
COMPAT(c_stack_base, "push %ebp; mov %ss, %edx; mov $0x80, %eax; mov %eax, %ss; mov %edi, %ebp; movb (%ebp), %al;"
                     "mov %edx, %ss; pop %ebp")
COMPAT(c_arpl,
       "mov $0x8, %eax; mov $0x3, %edx; arpl %dx, %ax; setz %dl; movzbl %dl, %edx; shl $16, %edx; or %edx, %eax")
COMPAT(c_arpl_same,
       "mov $0xb, %eax; mov $0x2, %edx; arpl %dx, %ax; setz %dl; movzbl %dl, %edx; shl $16, %edx; or %edx, %eax")
COMPAT(c_wrap, "mov $0xffffffff, %eax; inc %eax; mov %esp, %ecx; push %eax; pop %eax; sub %esp, %ecx; or %ecx, %eax")

struct far_call {
    uint32_t offset;
    uint16_t selector;
    uint32_t eax, edi;
};

static void call_far(void *arg)
{
    struct far_call *f = arg;
    uint64_t eax = f->eax, edi = f->edi;
    __asm__ volatile("lcall *(%2)"
                     : "+a"(eax), "+D"(edi)
                     : "S"(f)
                     : "rbx", "rcx", "rdx", "r8", "r9", "r10", "r11", "memory", "cc");
    f->eax = (uint32_t)eax;
}

static struct trap in_compat(const char *fn, unsigned selector, uint32_t edi, uint32_t *eax)
{
    struct far_call f = {(uint32_t)(uint64_t)fn, (uint16_t)selector, 0, edi};
    struct trap t = test_for_exception(call_far, &f);
    if (eax)
        *eax = f.eax;
    return t;
}

static void load_fs(void *arg) { __asm__ volatile("mov %0, %%fs" ::"r"((uint32_t)(uint64_t)arg) : "memory"); }

struct limit_case {
    const char *name;
    uint32_t limit;
    unsigned access, flags;
    const char *fn;
    uint32_t offset;
    bool faults;
};
static const struct limit_case limit_cases[] = {
    {"the last byte", 0xfff, DATA_RW, FLAG_D, c_read1, 0xfff, false},
    {"the byte after the last", 0xfff, DATA_RW, FLAG_D, c_read1, 0x1000, true},
    {"a word across the limit", 0xfff, DATA_RW, FLAG_D, c_read2, 0xfff, true},
    {"the last doubleword", 0xfff, DATA_RW, FLAG_D, c_read4, 0xffc, false},
    {"a doubleword across the limit", 0xfff, DATA_RW, FLAG_D, c_read4, 0xffd, true},
    {"a quadword across the limit", 0xfff, DATA_RW, FLAG_D, c_read8, 0xff9, true},
    {"a doubleword across 4 GiB", 0xfff, DATA_RW, FLAG_D, c_read4, 0xfffffffe, true},
    {"the last byte of a page-granular segment", 0, DATA_RW, FLAG_D | FLAG_G, c_read1, 0xfff, false},
    {"the byte after a page-granular segment", 0, DATA_RW, FLAG_D | FLAG_G, c_read1, 0x1000, true},
    {"expand-down: the limit itself", 0xfff, DATA_DOWN, FLAG_D, c_read1, 0xfff, true},
    {"expand-down: the byte above the limit", 0xfff, DATA_DOWN, FLAG_D, c_read1, 0x1000, false},
    {"expand-down: the last byte of 4 GiB", 0xfff, DATA_DOWN, FLAG_D, c_read1, 0xffffffff, false},
    {"expand-down: across 4 GiB", 0xfff, DATA_DOWN, FLAG_D, c_read4, 0xfffffffe, true},
    {"expand-down with B = 0: offset FFFFH", 0xfff, DATA_DOWN, 0, c_read1, 0xffff, false},
    {"expand-down with B = 0: a word at FFFFH", 0xfff, DATA_DOWN, 0, c_read2, 0xffff, true},
    {"expand-down with B = 0: offset 10000H", 0xfff, DATA_DOWN, 0, c_read1, 0x10000, true},
    {"a read of a read-only segment", 0xfff, DATA_RO, FLAG_D, c_read1, 0, false},
    {"a write to a read-only segment", 0xfff, DATA_RO, FLAG_D, c_write1, 0, true},
    {"a write to a writable segment", 0xfff, DATA_RW, FLAG_D, c_write1, 0, false},
    {"a read of readable code", 0xfff, CODE_RX, FLAG_D, c_read1, 0, false},
    {"a write to code", 0xfff, CODE_RX, FLAG_D, c_write1, 0, true},
};

static void check_limits(void)
{
    set(TEST2, flat(CODE_RX, FLAG_D));
    struct trap t = in_compat(c_nothing, TEST2, 0, NULL);
    report(!t.is_raised, "a far CALL to compatibility mode and back (%u, %lx)", t.vector, t.error);
    if (t.is_raised)
        return;
    uint32_t eax = 1;
    in_compat(c_wrap, TEST2, 0, &eax);
    report_equal(eax, 0, "it runs as 32-bit code");
    for (unsigned i = 0; i < sizeof limit_cases / sizeof limit_cases[0]; i++) {
        const struct limit_case *c = &limit_cases[i];
        if (is_qemu() && c->faults) {
            report_skip("%s: QEMU checks neither limits nor types", c->name);
            continue;
        }
        set(TEST, descriptor((uint64_t)area, c->limit, c->access, c->flags));
        load_fs((void *)TEST);
        t = in_compat(c->fn, TEST2, c->offset, NULL);
        report(t.is_raised == c->faults && (!c->faults || (t.vector == VECTOR_GP && t.error == 0 && t.cs == TEST2)),
               "%s: %s (%u, %lx)", c->name, c->faults ? "#GP(0)" : "no fault", t.vector, t.error);
    }
    area[0x123] = 0x5a;
    set(TEST, descriptor((uint64_t)area + 0x100, 0xff, DATA_RW, FLAG_D));
    load_fs((void *)TEST);
    in_compat(c_read1, TEST2, 0x23, &eax);
    report_equal(eax & 0xff, 0x5a, "the base is added");
    load_fs((void *)0);
    if (qemu_deviates("null, execute-only and stack segments in compatibility mode"))
        return;
    t = in_compat(c_read1, TEST2, 0, NULL);
    report(t.vector == VECTOR_GP && t.error == 0, "a null segment: #GP(0) (%u)", t.vector);
    set(TEST2, flat(CODE_X, FLAG_D));
    t = in_compat(c_read_cs, TEST2, (uint32_t)(uint64_t)area, NULL);
    report(t.vector == VECTOR_GP && t.error == 0, "a read of execute-only code: #GP(0) (%u)", t.vector);
    set(TEST2, flat(CODE_RX, FLAG_D));
    t = in_compat(c_read_cs, TEST2, (uint32_t)(uint64_t)area, NULL);
    report(!t.is_raised, "a read of readable code through CS");
    t = in_compat(c_write_cs, TEST2, (uint32_t)(uint64_t)area, NULL);
    report(t.vector == VECTOR_GP && t.error == 0, "a write through CS: #GP(0) (%u)", t.vector);
    set(TEST, descriptor((uint64_t)area, 0xfff, DATA_RW, FLAG_D));
    t = in_compat(c_stack_read, TEST2, 0x1000, NULL);
    report(t.vector == VECTOR_SS && t.error == 0, "beyond the stack segment: #SS(0) (%u)", t.vector);
    t = in_compat(c_stack_base, TEST2, 0x1000, NULL);
    report(t.vector == VECTOR_SS && t.error == 0, "the same through EBP: #SS(0) (%u)", t.vector);
    set(TEST, 0);
}

/* --- loads of segment registers --- */
static void load_ss(void *arg)
{
    __asm__ volatile("mov %0, %%ss; mov %1, %%ss" ::"r"((uint32_t)(uint64_t)arg), "r"(SEL_KERNEL_DATA) : "memory");
}
static void lldt(void *arg) { __asm__ volatile("lldt %w0" ::"r"(arg) : "memory"); }
static void ltr(void *arg) { __asm__ volatile("ltr %w0" ::"r"(arg) : "memory"); }
USER_CODE(user_load_fs, "mov %%edi, %%fs; mov %%fs, %%eax")
USER_CODE(user_ds, "mov %%ds, %%eax; mov %%es, %%ecx; shl $16, %%ecx; or %%rcx, %%rax")

static void check_loads(void)
{
    set(TEST, flat(DATA_RW & ~0x80, FLAG_D));
    expect("FS absent", load_fs, TEST, VECTOR_NP, TEST);
    expect("SS absent", load_ss, TEST, VECTOR_SS, TEST);
    set(TEST, flat(CODE_X, FLAG_D));
    expect("FS execute-only code", load_fs, TEST, VECTOR_GP, TEST);
    set(TEST, flat(CODE_RX, FLAG_D));
    expect_ok("FS readable code", load_fs, TEST);
    expect("SS code", load_ss, TEST, VECTOR_GP, TEST);
    expect("FS with RPL 3 > DPL 0", load_fs, TEST | 3, VECTOR_GP, TEST);
    set(TEST, flat(CODE_CONFORMING, FLAG_D));
    expect_ok("FS conforming code with RPL 3", load_fs, TEST | 3);
    expect_user_ok("FS conforming code of DPL 0", user_load_fs, (void *)(TEST | 3));
    set(TEST, flat(DATA_RW, FLAG_D));
    expect_user("FS data of DPL 0", user_load_fs, (void *)(TEST | 3), VECTOR_GP, TEST);
    expect("FS beyond the GDT", load_fs, T_GDT_ENTRIES * 8, VECTOR_GP, T_GDT_ENTRIES * 8);
    set(TEST, flat(DATA_RW & ~1, FLAG_D));
    expect_ok("FS not accessed yet", load_fs, TEST);
    report_equal(t_gdt[TEST / 8] >> 40 & 0xff, DATA_RW, "loading sets the accessed bit");
    set(TEST, flat((DATA_RW & ~1) | DPL3, FLAG_D));
    expect("SS of DPL 3 at CPL 0", load_ss, TEST, VECTOR_GP, TEST);
    report_equal(t_gdt[TEST / 8] >> 40 & 0xff, (DATA_RW & ~1) | DPL3, "a load that faults does not set it");
    load_fs((void *)0);

    if (!qemu_deviates("a null LDTR has no descriptors"))
        expect("FS from the LDT without one", load_fs, IN_LDT, VECTOR_GP, IN_LDT);
    set_wide(TEST, (uint64_t)t_ldt, 15, 0x82);
    expect_ok("LLDT", lldt, TEST);
    t_ldt[1] = flat(DATA_RW, FLAG_D);
    expect_ok("FS from the LDT", load_fs, IN_LDT);
    expect("FS beyond the LDT", load_fs, 16 | 4, VECTOR_GP, 16 | 4);
    load_fs((void *)0);
    expect("LLDT of a data segment", lldt, SEL_KERNEL_DATA, VECTOR_GP, SEL_KERNEL_DATA);
    expect("LLDT of a selector of the LDT", lldt, IN_LDT, VECTOR_GP, IN_LDT);
    set_wide(TEST, (uint64_t)t_ldt, 15, 0x02);
    expect("LLDT of an absent LDT", lldt, TEST, VECTOR_NP, TEST);
    expect_ok("LLDT of null", lldt, 0);
    if (!qemu_deviates("LTR of null: #GP"))
        expect("LTR of null", ltr, 0, VECTOR_GP, 0);
    expect("LTR of the busy TSS", ltr, SEL_TSS, VECTOR_GP, SEL_TSS);
    set_wide(TEST, (uint64_t)area, 103, 0x09);
    expect("LTR of an absent TSS", ltr, TEST, VECTOR_NP, TEST);
    set_wide(TEST, (uint64_t)area, 103, 0x82);
    expect("LTR of an LDT", ltr, TEST, VECTOR_GP, TEST);
    set_wide(TEST, (uint64_t)area, 43, 0x81);
    if (!qemu_deviates("LTR of a 16-bit TSS in long mode: #GP"))
        expect("LTR of a 16-bit TSS in long mode", ltr, TEST, VECTOR_GP, TEST);

    __asm__ volatile("mov %0, %%es" ::"r"(SEL_USER_DATA));
    report_equal(run_in_user(user_ds, NULL), (uint64_t)SEL_USER_DATA << 16,
                 "a return to CPL 3 drops DS of DPL 0 and keeps ES of DPL 3");
    __asm__ volatile("mov %0, %%ds; mov %0, %%es" ::"r"(SEL_KERNEL_DATA));
}

/* --- questions --- */
#define QUESTION(name, insn)                                                                                           \
    static uint64_t name(void *arg)                                                                                    \
    {                                                                                                                  \
        uint32_t value = 0x55555555;                                                                                   \
        bool zf;                                                                                                       \
        __asm__ volatile(insn : "+r"(value), "=@ccz"(zf) : "r"((uint32_t)(uint64_t)arg) : "memory");                   \
        return value | (uint64_t)zf << 32;                                                                             \
    }
QUESTION(ask_lar, "larl %2, %0")
QUESTION(ask_lsl, "lsll %2, %0")
QUESTION(ask_verr, "verr %w2")
QUESTION(ask_verw, "verw %w2")
#define YES 0x100000000ull
#define REFUSED 0x55555555ull

static void check_questions(void)
{
    set(TEST, descriptor(0x12345678, 0x1234, DATA_RW | DPL3, FLAG_D));
    report_equal(ask_lar((void *)TEST), YES | 0x40f300, "LAR of a data segment");
    report_equal(ask_lsl((void *)TEST), YES | 0x1234, "LSL of a byte-granular segment");
    report_equal(ask_lsl((void *)SEL_KERNEL_DATA), YES | 0xffffffff, "LSL of a page-granular segment");
    report_equal(ask_lar((void *)0), REFUSED, "LAR of null");
    report_equal(ask_lar((void *)(T_GDT_ENTRIES * 8)), REFUSED, "LAR beyond the GDT");
    report_equal(ask_lar((void *)(SEL_KERNEL_DATA | 3)), REFUSED, "LAR with RPL 3 > DPL 0");
    report_equal(ask_lar((void *)SEL_TSS) & ~0xf0000ull, YES | 0x8b00, "LAR of the busy TSS");
    report_equal(ask_lsl((void *)SEL_TSS), YES | (sizeof(struct tss) - 1), "LSL of the TSS");
    report_equal(run_in_user(ask_lar, (void *)SEL_TSS), REFUSED, "LAR of the TSS at CPL 3");
    report_equal(run_in_user(ask_verr, (void *)SEL_KERNEL_DATA) >> 32, 0, "VERR of kernel data at CPL 3");
    report_equal(run_in_user(ask_verw, (void *)SEL_USER_DATA) >> 32, 1, "VERW of user data at CPL 3");
    report_equal(ask_verr((void *)SEL_KERNEL_CODE) >> 32, 1, "VERR of readable code");
    report_equal(ask_verw((void *)SEL_KERNEL_CODE) >> 32, 0, "VERW of code");
    report_equal(ask_verr((void *)SEL_TSS) >> 32, 0, "VERR of a TSS");
    set(TEST, flat(CODE_X, FLAG_D));
    report_equal(ask_verr((void *)TEST) >> 32, 0, "VERR of execute-only code");
    set(TEST, flat(DATA_RO, FLAG_D));
    report_equal(ask_verw((void *)TEST) >> 32, 0, "VERW of read-only data");
    set(TEST, flat(CODE_CONFORMING, FLAG_D));
    report_equal(run_in_user(ask_verr, (void *)(TEST | 3)) >> 32, 1, "VERR of conforming code of DPL 0 at CPL 3");
    set_wide(TEST, (uint64_t)call_far, SEL_KERNEL_CODE, 0x8c);
    report_equal(ask_lar((void *)TEST) >> 32, 1, "LAR of a call gate");
    report_equal(ask_lsl((void *)TEST) >> 32, 0, "LSL of a call gate");
    set_wide(TEST, 0, 0, 0x85);
    if (!qemu_deviates("LAR of a task gate in long mode"))
        report_equal(ask_lar((void *)TEST) >> 32, 0, "LAR of a task gate in long mode");
    uint32_t eax = 0;
    in_compat(c_arpl, TEST2, 0, &eax);
    report_equal(eax, 0x1000b, "ARPL raises the RPL and sets ZF");
    in_compat(c_arpl_same, TEST2, 0, &eax);
    report_equal(eax, 0xb, "ARPL of a higher RPL changes nothing and clears ZF");
}

/* --- far transfers --- */
static void jump_far(void *arg) { __asm__ volatile("ljmp *(%0)" ::"r"(arg) : "memory"); }

static void expect_jump(const char *what, unsigned selector, uint64_t d, uint32_t offset, unsigned vector,
                        unsigned error)
{
    struct far_call f = {offset, (uint16_t)selector, 0, 0};
    set(TEST, d);
    expect(what, jump_far, (uint64_t)&f, vector, error);
}

static void check_far(void)
{
    uint32_t here = (uint32_t)(uint64_t)c_nothing;
    expect_jump("far JMP to null", 0, 0, here, VECTOR_GP, 0);
    expect_jump("far JMP beyond the GDT", T_GDT_ENTRIES * 8, 0, here, VECTOR_GP, T_GDT_ENTRIES * 8);
    expect_jump("far JMP to data", TEST, flat(DATA_RW, FLAG_D), here, VECTOR_GP, TEST);
    expect_jump("far JMP to a TSS in long mode", SEL_TSS, 0, here, VECTOR_GP, SEL_TSS);
    expect_jump("far JMP to absent code", TEST, flat(CODE_RX & ~0x80, FLAG_D), here, VECTOR_NP, TEST);
    expect_jump("far JMP to code of DPL 3 at CPL 0", TEST, flat(CODE_RX | DPL3, FLAG_D), here, VECTOR_GP, TEST);
    expect_jump("far JMP to conforming code of DPL 3 at CPL 0", TEST, flat(CODE_CONFORMING | DPL3, FLAG_D), here,
                VECTOR_GP, TEST);
    expect_jump("far JMP with RPL 3 > CPL", TEST | 3, flat(CODE_RX, FLAG_D), here, VECTOR_GP, TEST);
    if (!qemu_deviates("code with L and D set: #GP"))
        expect_jump("far JMP to code with L and D set", TEST, flat(CODE_RX, FLAG_D | FLAG_L), here, VECTOR_GP, TEST);
    expect_jump("far JMP beyond the limit", TEST, descriptor(0, 0xff, CODE_RX, FLAG_D), here, VECTOR_GP, 0);
    expect_jump("far JMP to a 32-bit call gate type 4 in long mode", TEST, descriptor(0, 0, 0x84, 0), here, VECTOR_GP,
                TEST);
}

/* --- call gates --- */
extern char gate_service[];
uint64_t gate_seen[8];
__asm__(".text\n.globl gate_service\ngate_service:\n" /* pushed: RIP, CS, RSP, SS where the CPL changes */
        "    mov (%rsp), %rax; mov %rax, gate_seen(%rip)\n"
        "    mov 8(%rsp), %rax; mov %rax, gate_seen + 8(%rip)\n"
        "    mov 16(%rsp), %rax; mov %rax, gate_seen + 16(%rip)\n"
        "    mov 24(%rsp), %rax; mov %rax, gate_seen + 24(%rip)\n"
        "    mov %rsp, gate_seen + 32(%rip)\n"
        "    mov %ss, %eax; mov %rax, gate_seen + 40(%rip)\n"
        "    mov %cs, %eax; mov %rax, gate_seen + 48(%rip)\n"
        "    lretq\n");

static void set_gate(unsigned access, unsigned target, uint64_t offset)
{
    set(TEST, (offset & 0xffff) | (uint64_t)target << 16 | (uint64_t)access << 40 | (offset >> 16 & 0xffff) << 48);
    set(TEST + 8, offset >> 32);
}

static struct far_call gate_pointer = {0xdeadbeef, TEST, 0, 0};
USER_CODE(user_gate, "lcall *(%%rdi); mov %%rsp, %%rax; mov %%ss, %%ecx")
USER_CODE(user_gate_jump, "ljmp *(%%rdi)")
KERNEL_CODE(kernel_gate, "lcall *(%%rdi)")

static void check_gates(void)
{
    set_gate(0x8c, SEL_KERNEL_CODE, (uint64_t)gate_service);
    expect_ok("CALL through a gate at CPL 0", kernel_gate, (uint64_t)&gate_pointer);
    report(gate_seen[6] == SEL_KERNEL_CODE && gate_seen[1] == SEL_KERNEL_CODE && gate_seen[5] == SEL_KERNEL_DATA,
           "the CPL stays: RIP and CS are pushed, SS stays");
    expect_user("CALL through a gate of DPL 0", user_gate, &gate_pointer, VECTOR_GP, TEST);
    set_gate(0x8c | DPL3, SEL_KERNEL_CODE, (uint64_t)gate_service);
    uint64_t rsp = run_in_user(user_gate, &gate_pointer);
    report_equal(gate_seen[6], SEL_KERNEL_CODE, "CALL through a gate of DPL 3 enters CPL 0");
    report_equal(gate_seen[5], 0, "SS is null there, with RPL 0");
    report_equal(gate_seen[4], this_cpu()->tss.rsp[0] - 32, "on the stack of RSP0");
    report(gate_seen[1] == SEL_USER_CODE && gate_seen[3] == SEL_USER_DATA && gate_seen[2] == rsp,
           "the caller's CS, RSP and SS are pushed, far RET goes back to them");
    expect_user("JMP through a gate to an inner level", user_gate_jump, &gate_pointer, VECTOR_GP, SEL_KERNEL_CODE);
    set_gate(0x0c | DPL3, SEL_KERNEL_CODE, (uint64_t)gate_service);
    expect_user("CALL through an absent gate", user_gate, &gate_pointer, VECTOR_NP, TEST);
    set_gate(0x8c | DPL3, TEST2, (uint64_t)gate_service);
    if (!qemu_deviates("a call gate to 32-bit code in long mode: #GP"))
        expect_user("CALL through a gate to 32-bit code", user_gate, &gate_pointer, VECTOR_GP, TEST2);
    set_gate(0x8c | DPL3, SEL_KERNEL_DATA, (uint64_t)gate_service);
    expect_user("CALL through a gate to data", user_gate, &gate_pointer, VECTOR_GP, SEL_KERNEL_DATA);
    set_gate(0x8c | DPL3, 0, (uint64_t)gate_service);
    expect_user("CALL through a gate to null", user_gate, &gate_pointer, VECTOR_GP, 0);
    set_gate(0x8c | DPL3, SEL_KERNEL_CODE, 0x0000800000000000);
    if (!qemu_deviates("a call gate to a non-canonical address: #GP(0)"))
        expect_user("CALL through a gate to a non-canonical address", user_gate, &gate_pointer, VECTOR_GP, 0);
}

/* --- conforming code and compatibility mode at CPL 3 --- */
extern char user_compat[];
__asm__(".text\n.code32\n.globl user_compat\nuser_compat:\n" /* EDI = argument, ends the run_in_user() */
        "    mov %cs, %ecx\n"
        "    mov $-1, %eax\n"
        "    inc %eax\n" /* 64-bit code would take this byte for a REX prefix */
        "    lea (%ecx,%eax), %edi\n"
        "    mov $0, %eax\n" /* USER_CALL_EXIT */
        "    int $0x80\n"
        ".code64\n");
USER_CODE(user_jump_far, "ljmp *(%%rdi)")

static void check_user_compat(void)
{
    struct far_call f = {(uint32_t)(uint64_t)user_compat, SEL_USER_CODE32, 0, 0};
    report_equal((uint32_t)run_in_user(user_jump_far, &f), SEL_USER_CODE32,
                 "far JMP to compatibility mode at CPL 3; INT");
    set(TEST, flat(CODE_CONFORMING, FLAG_D));
    f.selector = TEST;
    report_equal((uint32_t)run_in_user(user_jump_far, &f), TEST | 3, "conforming code of DPL 0 runs at CPL 3");
    set(TEST, flat(CODE_RX, FLAG_D));
    expect_user("far JMP to code of DPL 0", user_jump_far, &f, VECTOR_GP, TEST);
}

int guest_main(void)
{
    struct cpu_local *cpu = this_cpu();
    memcpy(t_gdt, cpu->gdt, sizeof cpu->gdt);
    struct descriptor_pointer gdtr = {sizeof t_gdt - 1, (uint64_t)t_gdt};
    __asm__ volatile("lgdt %0" ::"m"(gdtr));
    check_limits();
    check_loads();
    check_questions();
    check_far();
    check_gates();
    check_user_compat();
    check_legacy();
    return report_summary();
}
