/* SPDX-License-Identifier: Apache-2.0 */
/* Several cores send user interrupts to one: from SENDUIPI to the handler's first instruction, while the others do the
 * same. Core 0 receives, spinning in user mode; cores 1 to N each wait a random time, send with a user vector of their
 * own, and go on when it has been handled. What arrives together is delivered one by one, and posts that find ON set
 * send no notification. Arguments: senders=N (default: all other cores), samples=N of each sender, gap=CYCLES (mean
 * time between a sender's handled interrupt and its next), seed=N.
 */
#include "bench.h"

const char test_name[] = "uintr_senders";

enum { SAMPLES_MAX = 1000 };
static uint64_t latencies[64 * SAMPLES_MAX];
static uint64_t senders, samples, gap, overhead;
struct bench_counter sent_at[64], seen_at[64]; /* by user vector, each in its own cache line */

/* Reads the TSC first, then notes it under the interrupt's vector. */
void on_timed_user_interrupt(void);
__asm__(".text\n.globl on_timed_user_interrupt\n"
        "on_timed_user_interrupt:\n"
        "    pushq %rax; pushq %rdx\n"
        "    rdtsc\n"
        "    shlq $32, %rdx; orq %rdx, %rax\n"
        "    movl 16(%rsp), %edx; shll $6, %edx\n" /* the vector, below what was pushed */
        "    movq %rax, seen_at(%rdx)\n"
        "    incq bench_received(%rdx)\n"
        "    popq %rdx; popq %rax\n"
        "    leaq 8(%rsp), %rsp\n"
        "    uiret\n");

/* --- the senders, cores 1 to N --- */

static uint64_t send(void *arg)
{
    const uint64_t vector = (uint64_t)arg;
    uint64_t random = bench_option("seed", 1) * 64 + vector; /* each core has its own sequence */
    __atomic_fetch_add(&bench_ready.count, 1, __ATOMIC_SEQ_CST);
    bench_await(&bench_go, 1);
    for (uint64_t i = 0; i < samples; i++) {
        random = random * 6364136223846793005ull + 1442695040888963407ull;
        delay((random >> 33) % (2 * gap + 1));
        BENCH_SEND(&sent_at[vector], "senduipi %%rsi", vector);
        while (bench_received[vector].count <= i)
            ;
        const int64_t latency = (int64_t)(seen_at[vector].count - sent_at[vector].count - overhead);
        latencies[(vector - 1) * samples + i] = latency > 0 ? (uint64_t)latency : 0;
    }
    __atomic_fetch_add(&bench_stop.count, 1, __ATOMIC_SEQ_CST);
    return 0;
}
static uint64_t run_sender(void *arg)
{
    uintr_enable();
    uintr_send_through(bench_uitt, 64);
    return run_in_user(send, arg);
}

/* --- the receiver, core 0 --- */

static uint64_t receive(void *arg)
{
    (void)arg;
    __asm__ volatile("stui" ::: "memory");
    bench_go.count = 1;
    while (bench_stop.count < senders)
        ;
    __asm__ volatile("clui" ::: "memory");
    return 0;
}

int guest_main(void)
{
    if (!bench_begin("senders= samples= gap= seed="))
        return 1;
    const uint32_t cores = uintr_is_supported() ? smp_start() : 0;
    senders = bench_option("senders", cores > 1 ? cores - 1 : 1);
    if (senders == 0 || senders > 63 || senders + 1 > cores) {
        printf("uintr_senders: needs user interrupts and one core more than senders (%lu)\n", senders);
        return 2;
    }
    samples = bench_option("samples", 200);
    samples = samples == 0 || samples > SAMPLES_MAX ? SAMPLES_MAX : samples;
    gap = bench_option("gap", 4000);
    uintr_enable();
    bench_measure_overhead();
    overhead = bench_pair_overhead();
    bench_print("senders_overhead", overhead * 10, "cycles");

    bench_make_sender(); /* makes the UPIDs; what core 0 sends is nothing */
    for (uint32_t n = 0; n < 64; n++)
        uintr_uitte_set(&bench_uitt[n], &bench_upid[0], (uint8_t)n);
    bench_make_receiver(on_timed_user_interrupt);
    for (uint64_t n = 1; n <= senders; n++) {
        bench_received[n].count = 0;
        start_on_cpu((uint32_t)n, run_sender, (void *)n);
    }
    bench_await(&bench_ready, senders);
    run_in_user(receive, NULL);
    for (uint64_t n = 1; n <= senders; n++)
        wait_for_cpu((uint32_t)n);
    bench_print_samples("latency_senders", latencies, senders * samples);
    return 0;
}
