/* SPDX-License-Identifier: Apache-2.0 */
/* The machine under the user interrupts: single instructions, ways into the kernel and back, caches and translations by
 * pointer chasing. Names are those of the figures that docs/validation.md compares with. Arguments: insn crossing
 * memory (all), or the name of a result for it alone; chase=N (loads per measurement, a multiple of 16), large=MIB (the
 * largest array, from 64 MiB up; must be RAM), rounds=N and base=1 (see bench.h).
 */
#include "bench.h"
#include "paging.h"

const char test_name[] = "uintr_machine";

/* --- instructions --- */

static uint64_t cell[64] __attribute__((aligned(4096)));

/* Of a group all or the ones named. */
static bool wants(const char *group, const char *name) { return bench_wants(group) || bench_wants(name); }

#define SHOW(name, times, body)                                                                                        \
    do                                                                                                                 \
        if (wants("insn", name))                                                                                       \
            bench_show(name, BENCH_COST_OVER("", times, cell, body), times);                                           \
    while (0)
/* Less what comes before it. */
#define SHOW_AFTER(name, times, before, body)                                                                          \
    do                                                                                                                 \
        if (wants("insn", name))                                                                                       \
            bench_show(                                                                                                \
                name,                                                                                                  \
                bench_less(BENCH_COST_OVER(before, times, cell, before "; " body), BENCH_COST(times, cell, before)),   \
                times);                                                                                                \
    while (0)

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

void on_bench_int(void), on_bench_fault(void), on_bench_syscall(void), on_timed_int(void), on_timed_fault(void);
__asm__(".text\n.globl on_bench_int, on_bench_fault, on_bench_syscall, on_timed_int, on_timed_fault\n"
        "on_bench_int: iretq\n"
        "on_bench_fault: leaq 8(%rsp), %rsp; addq $3, (%rsp); iretq\n" /* error code off; past MOV (RSI), RAX */
        "on_bench_syscall: sysretq\n"
        /* Halves of a measuring pair: the first reading, or the second and its difference to R12. */
        "on_timed_int: lfence; rdtsc; lfence; shlq $32, %rdx; orq %rdx, %rax; movq %rax, %r12; iretq\n"
        "on_timed_fault: lfence; rdtsc; shlq $32, %rdx; orq %rdx, %rax; subq %r12, %rax; jmp on_bench_fault\n");

enum { VECTOR_BENCH = 0xd1, VECTOR_TIMED = 0xd3, CROSSINGS = 16 };

static uint64_t measure_int(void *arg) { return BENCH_COST_OVER("", 16, arg, "int $0xd1"); }
static uint64_t measure_syscall(void *arg) { return BENCH_COST_OVER("", 16, arg, "syscall"); }
static uint64_t measure_fault(void *arg) { return BENCH_COST_OVER("", 16, arg, "movq (%%rsi), %%rax"); }

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

/* IRET from the kernel to user mode: the kernel's last reading before it, and the first reading of user code. */
static uint64_t measure_iret_to_user(void *arg)
{
    uint64_t least = ~0ull, delta;
    (void)arg;
    for (uint64_t i = 0; i < bench_rounds; i++) {
        __asm__ volatile("int $0xd3; lfence; rdtsc; shlq $32, %%rdx; orq %%rdx, %%rax; subq %%r12, %%rax"
                         : "=a"(delta)::"rdx", "r12", "memory", "cc");
        least = bench_least(least, delta);
    }
    return bench_net(least) * 10;
}
/* A page fault's way into the kernel: the last reading of user code, and the first one of the handler. */
static uint64_t measure_fault_entry(void *arg)
{
    uint64_t least = ~0ull, delta;
    for (uint64_t i = 0; i < bench_rounds; i++) {
        __asm__ volatile("lfence; rdtsc; lfence; shlq $32, %%rdx; orq %%rdx, %%rax; movq %%rax, %%r12; movq (%1), %%rdx"
                         : "=&a"(delta)
                         : "S"(arg)
                         : "rdx", "r12", "memory", "cc");
        least = bench_least(least, delta);
    }
    return bench_net(least) * 10;
}

static void show_crossing(const char *name, void *arg, uint64_t (*measure)(void *arg))
{
    if (wants("crossing", name))
        bench_show(name, run_in_user(measure, arg), CROSSINGS);
}

static void bench_crossings(void)
{
    trap_set_entry(VECTOR_BENCH, on_bench_int);
    trap_set_gate(VECTOR_BENCH, GATE_INTERRUPT | GATE_DPL3, 0);
    trap_set_entry(VECTOR_TIMED, on_timed_int);
    trap_set_gate(VECTOR_TIMED, GATE_INTERRUPT | GATE_DPL3, 0);
    if (wants("crossing", "int_iret_kernel"))
        bench_show("int_iret_kernel", measure_int(NULL), CROSSINGS);
    show_crossing("int_iret_user", NULL, measure_int);
    show_crossing("iret_to_user", NULL, measure_iret_to_user);
    show_crossing("syscall_sysret", NULL, measure_syscall_entry);
    page_unmap(TEST_VA);
    trap_set_entry(VECTOR_PF, on_bench_fault);
    show_crossing("page_fault_iret", (void *)TEST_VA, measure_fault);
    trap_set_entry(VECTOR_PF, on_timed_fault);
    show_crossing("page_fault_entry", (void *)TEST_VA, measure_fault_entry);
    trap_set_entry(VECTOR_PF, NULL);
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

static void show_chase(const char *name, uint64_t base, uint64_t count, uint64_t (*place)(uint64_t base, uint64_t n))
{
    link_chain(base, count, place);
    bench_print(name, chase(base, count), "cycles");
}

static void show_split(const char *name, uint64_t whole, uint64_t split)
{
    bench_show(name, bench_less(split, whole), 64);
}

static void bench_memory(void)
{
    const uint64_t base = 64ull << 20, large = bench_option("large", 64);
    /* In pages of 2 MiB, as boot code maps memory, then in pages of 4 KiB: of those the second-level translation cache
     * reaches the 4 MiB and does not the 16 MiB. */
    static const struct {
        const char *name;
        uint64_t kib;
        bool small_pages;
    } sizes[] = {{"chase_l1", 16, false},
                 {"chase_l2", 512, false},
                 {"chase_l3", 16384, false},
                 {"chase_l3_stlb", 4096, true},
                 {"chase_l3_walk", 16384, true}};
    for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        if (!wants("memory", sizes[i].name))
            continue;
        for (uint64_t at = 0; sizes[i].small_pages && at < sizes[i].kib * 1024; at += 4096)
            page_map(TEST_VA + at, base + at, PTE_P | PTE_W);
        show_chase(sizes[i].name, sizes[i].small_pages ? TEST_VA : base, sizes[i].kib * 16, line_of);
        for (uint64_t at = 0; sizes[i].small_pages && at < sizes[i].kib * 1024; at += 4096)
            page_unmap(TEST_VA + at);
    }
    if (wants("memory", "chase_memory"))
        show_chase("chase_memory", base, large << 14, line_of);

    enum { PAGES = 512 }; /* more than a first-level translation cache holds, lines fewer than the first-level cache */
    for (uint64_t n = 0; n < PAGES; n++)
        page_map(TEST_VA + n * 4096, base + n * 4096, PTE_P | PTE_W);
    if (wants("memory", "chase_pages"))
        show_chase("chase_pages", TEST_VA, PAGES, page_of);

    const uint64_t edge = TEST_VA + 4096 - 4, other = bench_base ? TEST_VA : edge;
    if (wants("memory", "load_page_split_extra"))
        show_split("load_page_split_extra", BENCH_COST(64, TEST_VA, "movq (%%rsi), %%rbx"),
                   BENCH_COST(64, other, "movq (%%rsi), %%rbx"));
    if (wants("memory", "store_page_split_extra"))
        show_split("store_page_split_extra", BENCH_COST(64, TEST_VA, "movq %%rbx, (%%rsi)"),
                   BENCH_COST(64, other, "movq %%rbx, (%%rsi)"));
    for (uint64_t n = 0; n < PAGES; n++)
        page_unmap(TEST_VA + n * 4096);
}

int guest_main(void)
{
    if (!bench_begin("insn crossing memory "
                     "add imul div lock_add xchg cmpxchg16b rdtsc lfence sfence mfence serialize pushfq_popfq pause "
                     "tpause_past cpuid_0 cpuid_1 rdrand clflush clflushopt clwb rdpid load_to_use store_forward "
                     "store_forward_failed "
                     "int_iret_kernel int_iret_user iret_to_user syscall_sysret page_fault_iret page_fault_entry "
                     "chase_l1 chase_l2 chase_l3 chase_l3_stlb chase_l3_walk chase_memory chase_pages "
                     "load_page_split_extra store_page_split_extra chase= large= rounds= base="))
        return 1;
    chase_loads = bench_option("chase", 20000);
    bench_measure_overhead();
    bench_insns();
    bench_crossings();
    bench_memory();
    return 0;
}
