/* SPDX-License-Identifier: Apache-2.0 */
/* Shared parts of the microbenchmarks. */
#include "bench.h"

#include "console.h"
#include "report.h"
#include "string.h"

uint64_t bench_overhead, bench_rounds = BENCH_ROUNDS;
bool bench_base;
struct bench_counter bench_received[64], bench_ready, bench_go, bench_stop;
struct upid bench_upid[64];
struct uitte bench_uitt[64];

/* --- arguments --- */

static const char *next_word(const char *at, char *word, size_t size)
{
    size_t length = 0;
    while (*at == ' ')
        at++;
    for (; *at && *at != ' '; at++)
        if (length + 1 < size)
            word[length++] = *at;
    word[length] = 0;
    return at;
}

/* The loader puts the image's path first. */
static const char *arguments(void)
{
    char path[256];
    return next_word(boot_info.command_line, path, sizeof path);
}

/* Is word among the words of list? Of an option the part up to '=' counts. */
static bool is_listed(const char *word, const char *list)
{
    char known[64];
    const char *equals = word;
    while (*equals && *equals != '=')
        equals++;
    const size_t length = (size_t)(equals - word) + (*equals == '=');
    for (const char *at = next_word(list, known, sizeof known); known[0]; at = next_word(at, known, sizeof known))
        if (strlen(known) == length && strncmp(word, known, length) == 0)
            return true;
    return false;
}

static bool has_value(const char *word)
{
    while (*word && *word != '=')
        word++;
    if (!*word)
        return true; /* the name of a benchmark has none */
    do
        word++;
    while (*word >= '0' && *word <= '9');
    return !*word && word[-1] != '=';
}

bool bench_begin(const char *known)
{
    char word[64];
    for (const char *at = next_word(arguments(), word, sizeof word); word[0]; at = next_word(at, word, sizeof word)) {
        if (is_listed(word, known) && has_value(word))
            continue;
        printf("%s: argument %s: %s; known: ", test_name, word,
               is_listed(word, known) ? "expected a number" : "unknown");
        console_write(known); /* longer than a line of printf */
        console_write("\n");
        return false;
    }
    bench_rounds = bench_option("rounds", BENCH_ROUNDS);
    if (bench_rounds == 0)
        bench_rounds = 1;
    bench_base = bench_option("base", 0) != 0;
    return true;
}

uint64_t bench_option(const char *name, uint64_t otherwise)
{
    char word[64];
    size_t length = strlen(name);
    uint64_t value = otherwise;
    for (const char *at = next_word(arguments(), word, sizeof word); word[0]; at = next_word(at, word, sizeof word)) {
        if (strncmp(word, name, length) != 0 || word[length] != '=') /* NOLINT(clang-analyzer-core*): an equal start */
            continue;
        value = 0; /* the last one counts: a study's parameters come after what is common to its runs */
        for (const char *c = word + length + 1; *c >= '0' && *c <= '9'; c++)
            value = value * 10 + (uint64_t)(*c - '0');
    }
    return value;
}

bool bench_wants(const char *name)
{
    char word[64];
    bool any = false;
    for (const char *at = next_word(arguments(), word, sizeof word); word[0]; at = next_word(at, word, sizeof word)) {
        if (string_contains(word, "="))
            continue;
        any = true;
        if (strcmp(word, name) == 0)
            return true;
    }
    return !any;
}

/* --- results --- */

void bench_print_suffix(const char *name, const char *suffix, uint64_t tenths, const char *unit)
{
    if (tenths % 10)
        printf("BENCH %s%s %lu.%lu %s\n", name, suffix, tenths / 10, tenths % 10, unit);
    else
        printf("BENCH %s%s %lu %s\n", name, suffix, tenths / 10, unit);
}

void bench_print(const char *name, uint64_t tenths, const char *unit) { bench_print_suffix(name, "", tenths, unit); }

void bench_show(const char *name, uint64_t tenths, uint64_t copies)
{
    bench_print(name, tenths, "cycles");
    if (bench_option("rounds", 0))
        bench_print_suffix(name, "_copies", copies * 10, "times");
}

uint64_t bench_random(void)
{
    static uint64_t state;
    if (state == 0)
        state = bench_option("seed", 1);
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    return state >> 33;
}

static void sift_down(uint64_t *a, uint64_t root, uint64_t end)
{
    for (uint64_t child; (child = 2 * root + 1) < end; root = child) {
        if (child + 1 < end && a[child] < a[child + 1])
            child++;
        if (a[root] >= a[child])
            return;
        uint64_t t = a[root];
        a[root] = a[child];
        a[child] = t;
    }
}

static void heap_sort(uint64_t *a, uint64_t count)
{
    for (uint64_t i = count / 2; i-- > 0;)
        sift_down(a, i, count);
    for (uint64_t end = count; end-- > 1;) {
        uint64_t t = a[0];
        a[0] = a[end];
        a[end] = t;
        sift_down(a, 0, end);
    }
}

void bench_print_samples(const char *name, uint64_t *samples, uint64_t count)
{
    heap_sort(samples, count);
    static const struct {
        const char *suffix;
        uint64_t percent;
    } ranks[] = {{"_min", 0}, {"_median", 50}, {"_p95", 95}, {"_p99", 99}};
    for (unsigned i = 0; i < sizeof ranks / sizeof *ranks; i++) { /* nearest rank: the least that many are not above */
        uint64_t rank = (count * ranks[i].percent + 99) / 100;
        bench_print_suffix(name, ranks[i].suffix, samples[rank ? rank - 1 : 0] * 10, "cycles");
    }
}

void bench_measure_overhead(void)
{
    uint64_t least = ~0ull;
    for (int i = 0; i < BENCH_ROUNDS; i++)
        least = bench_least(least, BENCH_RAW(0, 0, ""));
    bench_overhead = least;
    bench_print("overhead", least * 10, "cycles");
}

uint64_t bench_pair_overhead(void)
{
    struct bench_counter sent, seen;
    uint64_t least = ~0ull;
    for (int i = 0; i < BENCH_ROUNDS; i++) {
        BENCH_SEND(&sent,
                   "pushq %%rax; pushq %%rdx; rdtsc; shlq $32, %%rdx; orq %%rdx, %%rax; movq %%rax, (%%rsi)\n"
                   "popq %%rdx; popq %%rax",
                   &seen);
        least = bench_least(least, seen.count - sent.count); /* NOLINT(clang-analyzer-core*): the assembly wrote them */
    }
    return least;
}

/* --- receiving --- */

__asm__(".text\n.globl bench_on_user_interrupt\nbench_on_user_interrupt:\n"
        "    pushq %rax\n"
        "    movq 8(%rsp), %rax\n" /* the vector */
        "    shll $6, %eax\n"
        "    incq bench_received(%rax)\n"
        "    popq %rax\n"
        "    leaq 8(%rsp), %rsp\n" /* UIRET wants RSP at RIP */
        "    uiret\n"
        ".globl bench_on_ipi_xapic\nbench_on_ipi_xapic:\n"
        "    pushq %rax\n"
        "    incq bench_received\n"
        "    movl $0xfee000b0, %eax\n" /* EOI */
        "    movl $0, (%rax)\n"
        "    popq %rax\n"
        "    iretq\n"
        ".globl bench_on_ipi_x2apic\nbench_on_ipi_x2apic:\n"
        "    pushq %rax; pushq %rcx; pushq %rdx\n"
        "    incq bench_received\n"
        "    movl $0x80b, %ecx\n" /* EOI */
        "    xorl %eax, %eax\n"
        "    xorl %edx, %edx\n"
        "    wrmsr\n"
        "    popq %rdx; popq %rcx; popq %rax\n"
        "    iretq\n");

void bench_install_ipi(void)
{
    trap_set_entry(BENCH_VECTOR_IPI, this_cpu()->x2apic ? bench_on_ipi_x2apic : bench_on_ipi_xapic);
}

void bench_make_sender(void)
{
    for (uint32_t n = 0; n < 64; n++) {
        uintr_upid_init(&bench_upid[n], n < MAX_CPUS ? n : 0);
        uintr_uitte_set(&bench_uitt[n], &bench_upid[n], (uint8_t)n);
    }
    uintr_enable();
    uintr_send_through(bench_uitt, 64);
}

void bench_make_receiver(void (*handler)(void))
{
    uintr_enable();
    uintr_receive(handler, UINTR_STACK_SKIP, &bench_upid[this_cpu()->index]);
}

static uint64_t enter_x2apic(void *arg)
{
    (void)arg;
    apic_enter_x2apic();
    return 0;
}

bool bench_enter_x2apic(void)
{
    if (!apic_has_x2apic())
        return false;
    for (uint32_t cpu = smp_start(); cpu-- > 0;) /* this core last: it can still reach the others */
        on_cpu(cpu, enter_x2apic, NULL);
    return true;
}

/* --- work and time --- */

void bench_compute(uint64_t iterations)
{
    uint64_t a = 1, b = 2;
    __asm__ volatile("1: addq %1, %0; xorq %0, %1; addq $3, %0; xorq $5, %1; addq %1, %0; subq $7, %0\n"
                     "   subq $1, %2; jnz 1b"
                     : "+r"(a), "+r"(b), "+r"(iterations)
                     :
                     : "cc");
}

uint64_t bench_tsc_per_us(void)
{
    if (cpuid(0, 0).eax >= 0x15) {
        struct cpuid_result r = cpuid(0x15, 0); /* TSC = crystal (ECX) * EBX / EAX */
        if (r.eax && r.ebx && r.ecx)
            return (uint64_t)r.ecx * r.ebx / r.eax / 1000000;
    }
    return bench_option("mhz", 2000);
}

void bench_wait_until(uint64_t tsc)
{
    while ((int64_t)(rdtsc() - tsc) < 0)
        ;
}
