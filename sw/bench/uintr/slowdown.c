/* SPDX-License-Identifier: Apache-2.0 */
/* How much a computation loses against the period of what interrupts it, 1 to 200 us: user interrupts, kernel
 * interrupts through the IDT, and a flag in memory that the computation itself polls. Another core keeps the time and
 * sends. Arguments: uintr ipi poll (all), period=US (this one only, any number), periods=N (interrupts per
 * measurement), unroll=N (work between two polls, about N times 8 cycles), mhz=N where CPUID leaf 15H does not tell.
 */
#include "bench.h"

const char test_name[] = "uintr_slowdown";

static const uint64_t periods_us[] = {1, 2, 5, 10, 20, 50, 100, 200};

enum mechanism { NOTHING, UINTR, KERNEL_IPI, POLL };
static enum mechanism mechanism;
static uint64_t iterations, unroll;
struct bench_counter flag; /* set by the other side, cleared by the computation */

/* --- the computation, core 1, in user mode --- */

static uint64_t compute(void *arg)
{
    uint64_t *taken = arg;
    __asm__ volatile("stui" ::: "memory");
    uint64_t start = rdtsc();
    bench_ready.count = 1;
    if (mechanism == POLL) {
        for (uint64_t i = 0; i < iterations; i += unroll) {
            bench_compute(unroll);
            if (flag.count) {
                flag.count = 0;
                ++*taken;
            }
        }
    } else {
        for (uint64_t i = 0; i < iterations; i += unroll)
            bench_compute(unroll);
    }
    uint64_t cycles = rdtsc() - start;
    __asm__ volatile("clui" ::: "memory");
    bench_stop.count = 1;
    return cycles;
}

static uint64_t polled;
static uint64_t run_compute(void *arg)
{
    (void)arg;
    bench_make_receiver(bench_on_user_interrupt);
    polled = 0;
    return run_in_user(compute, &polled);
}

/* --- the clock, core 0 --- */

struct result {
    uint64_t cycles, taken;
};

static struct result run(enum mechanism which, uint64_t period)
{
    mechanism = which;
    bench_make_sender();
    bench_ready.count = bench_stop.count = flag.count = 0;
    bench_received[0].count = bench_received[1].count = 0;
    start_on_cpu(1, run_compute, NULL);
    bench_await(&bench_ready, 1);
    for (uint64_t next = rdtsc() + period; which != NOTHING; next += period) {
        while ((int64_t)(rdtsc() - next) < 0 && !bench_stop.count)
            ;
        if (bench_stop.count)
            break;
        if (which == UINTR)
            __asm__ volatile("senduipi %0" ::"r"(1ull) : "memory");
        else if (which == KERNEL_IPI)
            apic_send(cpus[1].apic_id, ICR_FIXED | ICR_ASSERT | BENCH_VECTOR_IPI);
        else
            flag.count = 1;
    }
    struct result r = {.cycles = wait_for_cpu(1)};
    r.taken = which == UINTR ? bench_received[1].count : which == KERNEL_IPI ? bench_received[0].count : polled;
    return r;
}

static void bench_period(uint64_t us, uint64_t count)
{
    static const char *const names[] = {"", "uintr", "ipi", "poll"};
    uint64_t period = us * bench_tsc_per_us();
    iterations = (count * period / 8 + unroll - 1) / unroll * unroll;
    uint64_t plain = run(NOTHING, period).cycles;
    for (enum mechanism m = UINTR; m <= POLL; m++) {
        char name[48];
        if (!bench_wants(names[m]))
            continue;
        struct result r = run(m, period);
        if (r.taken == 0 || r.cycles < plain)
            panic("%s at %lu us: %lu taken, %lu cycles against %lu", names[m], us, r.taken, r.cycles, plain);
        snprintf(name, sizeof name, "slowdown_%s_%luus", names[m], us);
        bench_print(name, (r.cycles - plain) * 10000 / plain, "permille");
        snprintf(name, sizeof name, "per_event_%s_%luus", names[m], us);
        bench_print(name, (r.cycles - plain) * 10 / r.taken, "cycles");
        snprintf(name, sizeof name, "taken_%s_%luus", names[m], us);
        bench_print(name, r.taken * 10, "events");
    }
}

int guest_main(void)
{
    if (!bench_begin("uintr ipi poll period= periods= unroll= mhz="))
        return 1;
    if (!uintr_is_supported() || smp_start() < 2) {
        printf("uintr_slowdown: needs user interrupts and two cores\n");
        return 2;
    }
    uint64_t count = bench_option("periods", 20);
    unroll = bench_option("unroll", 16);
    uintr_enable();
    bench_install_ipi();
    bench_measure_overhead();
    bench_print("tsc", bench_tsc_per_us() * 10, "cycles/us");
    const uint64_t only = bench_option("period", 0);
    if (only)
        bench_period(only, count);
    for (unsigned i = 0; !only && i < sizeof periods_us / sizeof *periods_us; i++)
        bench_period(periods_us[i], count);
    return 0;
}
