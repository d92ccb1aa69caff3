/* SPDX-License-Identifier: Apache-2.0 */
/* Times of the messages and the block of results, in the form that Intel's uintr-ipc-bench prints. */
#include "bench.h"

#include <cpuid.h>
#include <math.h>
#include <stdio.h>
#include <time.h>

void record(uint64_t ticks)
{
    struct totals *t = &shared->totals;
    if (t->count == 0 || ticks < t->minimum)
        t->minimum = ticks;
    if (ticks > t->maximum)
        t->maximum = ticks;
    t->count++;
    t->sum += ticks;
    t->sum_of_squares += (double)ticks * (double)ticks;
}

static double monotonic_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* What the CPU says of its clock (leaf 15H), or else what the kernel's clock says. */
static double ticks_per_ns(void)
{
    unsigned denominator, numerator, crystal, unused;
    if (__get_cpuid(0x15, &denominator, &numerator, &crystal, &unused) && denominator && numerator && crystal)
        return (double)crystal * numerator / denominator * 1e-9;
    double start_ns = monotonic_ns(), now_ns = start_ns;
    uint64_t start = tsc_now();
    while (now_ns < start_ns + 5e6)
        now_ns = monotonic_ns();
    return (double)(tsc_now() - start) / (now_ns - start_ns);
}

void print_results(uint64_t total_ticks, size_t size)
{
    const struct totals *t = &shared->totals;
    double ns = 1 / ticks_per_ns(), count = (double)t->count, average = (double)t->sum / count;
    double variance = t->sum_of_squares / count - average * average;
    printf("============ RESULTS ================\n");
    printf("Message size:       %zu\n", size);
    printf("Message count:      %llu\n", (unsigned long long)t->count);
    printf("Total duration:     %.3f\tms\n", (double)total_ticks * ns * 1e-6);
    printf("Average duration:   %.3f\tus\n", average * ns * 1e-3);
    printf("Minimum duration:   %.3f\tus\n", (double)t->minimum * ns * 1e-3);
    printf("Maximum duration:   %.3f\tus\n", (double)t->maximum * ns * 1e-3);
    printf("Standard deviation: %.3f\tus\n", sqrt(variance > 0 ? variance : 0) * ns * 1e-3);
    printf("Message rate:       %.0f\tmsg/s\n", floor(count / ((double)total_ticks * ns * 1e-9)));
    printf("=====================================\n");
}
