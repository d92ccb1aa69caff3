/* SPDX-License-Identifier: Apache-2.0 */
/* The machine under the user interrupts: single instructions, ways into the kernel and back, caches and translations by
 * pointer chasing. Names are those of the figures that docs/validation.md compares with. Arguments: insn crossing
 * memory (all), chase=N (loads per measurement, a multiple of 16), large=MIB (the largest array, from 64 MiB up; must
 * be RAM).
 */
#include "bench.h"
#include "paging.h"

const char test_name[] = "uintr_machine";

/* --- instructions --- */

static uint64_t cell[64] __attribute__((aligned(4096)));

#define SHOW(name, times, body) bench_print(name, BENCH_COST(times, cell, body), "cycles")
/* Less what comes before it. */
#define SHOW_AFTER(name, times, before, body)                                                                          \
    bench_print(name, BENCH_COST(times, cell, before "; " body) - BENCH_COST(times, cell, before), "cycles")

static void bench_insns(void)
{
    uint32_t ebx7 = cpuid(7, 0).ebx, ecx7 = cpuid(7, 0).ecx, edx7 = cpuid(7, 0).edx, ecx1 = cpuid(1, 0).ecx;
    SHOW("add", 64, "addq $1, %%rbx");
    SHOW("imul", 64, "imulq %%rbx, %%rbx");
    SHOW_AFTER("div", 16, "xorl %%edx, %%edx; movl $7, %%eax; movl $3, %%ecx", "divq %%rcx");
    SHOW("lock_add", 64, "lock addq $1, (%%rsi)");
    SHOW("xchg", 64, "xchgq %%rbx, (%%rsi)");
    if (ecx1 >> 13 & 1)
        SHOW("cmpxchg16b", 64, "cmpxchg16b (%%rsi)");
    SHOW("rdtsc", 64, "rdtsc");
    SHOW("lfence", 64, "lfence");
    SHOW("sfence", 64, "sfence");
    SHOW("mfence", 64, "mfence");
    if (edx7 >> 14 & 1)
        SHOW("serialize", 64, ".byte 0x0f, 0x01, 0xe8");
    SHOW("pushfq_popfq", 64, "pushfq; popfq");
    SHOW("pause", 64, "pause");
    if (ecx7 >> 5 & 1)
        SHOW_AFTER("tpause_past", 16, "xorl %%eax, %%eax; xorl %%edx, %%edx; xorl %%ecx, %%ecx", "tpause %%ecx");
    SHOW_AFTER("cpuid_0", 16, "xorl %%eax, %%eax", "cpuid");
    SHOW_AFTER("cpuid_1", 16, "movl $1, %%eax", "cpuid");
    if (ecx1 >> 30 & 1)
        SHOW("rdrand", 16, "rdrand %%rax");
    SHOW("clflush", 16, "clflush (%%rsi)");
    if (ebx7 >> 23 & 1)
        SHOW("clflushopt", 16, "clflushopt (%%rsi)");
    if (ebx7 >> 24 & 1)
        SHOW("clwb", 16, "clwb (%%rsi)");
    if (ecx7 >> 22 & 1)
        SHOW("rdpid", 64, "rdpid %%rbx");
    cell[0] = (uint64_t)cell;
    SHOW("load_to_use", 64, "movq (%%rsi), %%rsi");
    SHOW("store_forward", 64, "movq %%rbx, (%%rsi); movq (%%rsi), %%rbx");
    SHOW("store_forward_failed", 64, "movb %%bl, (%%rsi); movq (%%rsi), %%rbx");
}

/* --- ways into the kernel --- */

void on_bench_int(void), on_bench_fault(void), on_bench_syscall(void);
__asm__(".text\n.globl on_bench_int, on_bench_fault, on_bench_syscall\n"
        "on_bench_int: iretq\n"
        "on_bench_fault: leaq 8(%rsp), %rsp; addq $3, (%rsp); iretq\n" /* error code off; past MOV (RSI), RAX */
        "on_bench_syscall: sysretq\n");

enum { VECTOR_BENCH = 0xd1 };

static uint64_t measure_int(void *arg) { return BENCH_COST(16, arg, "int $0xd1"); }
static uint64_t measure_syscall(void *arg) { return BENCH_COST(16, arg, "syscall"); }
static uint64_t measure_fault(void *arg) { return BENCH_COST(16, arg, "movq (%%rsi), %%rax"); }

static uint64_t set_lstar(void *arg)
{
    wrmsr(MSR_LSTAR, (uint64_t)arg);
    return 0;
}
/* User code leaves by SYSCALL: the entry is changed and changed back through INT 80H. */
static uint64_t measure_syscall_entry(void *arg)
{
    call_kernel_iret(set_lstar, (void *)on_bench_syscall);
    uint64_t tenths = measure_syscall(arg);
    call_kernel_iret(set_lstar, (void *)syscall_entry);
    return tenths;
}

/* IRET alone: to the next instruction, at the same privilege. */
static uint64_t measure_iret(void)
{
#define PUSH_IRET_FRAME                                                                                                \
    "movq %%rsp, %%rbx; movl %%ss, %%ecx; pushq %%rcx; pushq %%rbx; pushfq; movl %%cs, %%ecx; pushq %%rcx\n"           \
    "leaq 9f(%%rip), %%rcx; pushq %%rcx\n"
    uint64_t frame = BENCH_COST(16, 0, PUSH_IRET_FRAME "9: leaq 40(%%rsp), %%rsp");
    return BENCH_COST(16, 0, PUSH_IRET_FRAME "iretq; 9: leaq (%%rsp), %%rsp") - frame;
}

static void bench_crossings(void)
{
    trap_set_entry(VECTOR_BENCH, on_bench_int);
    trap_set_gate(VECTOR_BENCH, GATE_INTERRUPT | GATE_DPL3, 0);
    bench_print("int_iret_kernel", measure_int(NULL), "cycles");
    bench_print("int_iret_user", run_in_user(measure_int, NULL), "cycles");
    bench_print("iret", measure_iret(), "cycles");
    bench_print("syscall_sysret", run_in_user(measure_syscall_entry, NULL), "cycles");
    page_unmap(TEST_VA);
    trap_set_entry(VECTOR_PF, on_bench_fault);
    uint64_t fault = run_in_user(measure_fault, (void *)TEST_VA);
    trap_set_entry(VECTOR_PF, NULL);
    bench_print("page_fault_iret", fault, "cycles");
}

/* --- caches and translations --- */

static uint64_t chase_loads;

/* Links count (a power of two) places into one cycle in an order that no prefetcher guesses. */
static void link_chain(uint64_t base, uint64_t count, uint64_t (*place)(uint64_t base, uint64_t n))
{
    for (uint64_t n = 0; n < count; n++)
        *(volatile uint64_t *)place(base, n) = place(base, (n * 1664525 + 1013904223) & (count - 1));
}
static uint64_t line_of(uint64_t base, uint64_t n) { return base + n * 64; }
/* A line on each 4 KiB page, spread over the sets of a cache. */
static uint64_t page_of(uint64_t base, uint64_t n) { return base + n * 4096 + n % 64 * 64; }

static void walk(uint64_t start, uint64_t loads)
{
    __asm__ volatile("1: .rept 16; movq (%0), %0; .endr; subq $16, %1; ja 1b"
                     : "+r"(start), "+r"(loads)::"memory", "cc");
}

static uint64_t chase(uint64_t base, uint64_t count)
{
    walk(base, count); /* all of it once */
    uint64_t start = rdtsc();
    walk(base, chase_loads);
    return bench_net(rdtsc() - start) * 10 / chase_loads;
}

static void bench_memory(void)
{
    const uint64_t base = 64ull << 20, large = bench_option("large", 64);
    static const struct {
        const char *name;
        uint64_t kib;
    } sizes[] = {{"chase_l1", 16}, {"chase_l2", 512}, {"chase_l3", 16384}};
    for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        link_chain(base, sizes[i].kib * 16, line_of);
        bench_print(sizes[i].name, chase(base, sizes[i].kib * 16), "cycles");
    }
    link_chain(base, large << 14, line_of);
    bench_print("chase_memory", chase(base, large << 14), "cycles");

    enum { PAGES = 512 }; /* more than a first-level translation cache holds, lines fewer than the first-level cache */
    for (uint64_t n = 0; n < PAGES; n++)
        page_map(TEST_VA + n * 4096, base + n * 4096, PTE_P | PTE_W);
    link_chain(TEST_VA, PAGES, page_of);
    bench_print("chase_pages", chase(TEST_VA, PAGES), "cycles");

    uint64_t edge = TEST_VA + 4096 - 4;
    uint64_t whole = BENCH_COST(64, TEST_VA, "movq (%%rsi), %%rbx"),
             split = BENCH_COST(64, edge, "movq (%%rsi), %%rbx");
    bench_print("load_page_split_extra", split > whole ? split - whole : 0, "cycles");
    whole = BENCH_COST(64, TEST_VA, "movq %%rbx, (%%rsi)");
    split = BENCH_COST(64, edge, "movq %%rbx, (%%rsi)");
    bench_print("store_page_split_extra", split > whole ? split - whole : 0, "cycles");
    for (uint64_t n = 0; n < PAGES; n++)
        page_unmap(TEST_VA + n * 4096);
}

int guest_main(void)
{
    chase_loads = bench_option("chase", 20000);
    bench_measure_overhead();
    if (bench_wants("insn"))
        bench_insns();
    if (bench_wants("crossing"))
        bench_crossings();
    if (bench_wants("memory"))
        bench_memory();
    return 0;
}
