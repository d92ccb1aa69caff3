/* SPDX-License-Identifier: Apache-2.0 */
/* What user interrupts cost the two sides: CLUI STUI TESTUI UIRET, SENDUIPI with and without notification, to one and
 * to many receivers at saturation; a receiver's cost as the slowdown of a loop; kernel IPIs beside it; the local APIC
 * in xAPIC and x2APIC mode. Arguments: insn send quiet receive ipi saturate (all), or of insn one: clui stui
 * testui clui_stui uiret handler_body; samples=N, spacing=CYCLES, modes=1 (xAPIC mode only), rounds=N and base=1 (see
 * bench.h).
 */
#include "bench.h"

const char test_name[] = "uintr_cost";

static uint64_t samples, spacing;
static const char *suffix = ""; /* of names: the APIC mode, where it may matter */

/* --- instructions --- */

#define PUSH_FRAME "movq %%rsp, %%rbx; pushq %%rbx; pushfq; leaq 9f(%%rip), %%rcx; pushq %%rcx\n"

enum { CLUI, STUI, TESTUI, CLUI_STUI, UIRET, HANDLER_BODY, INSNS };
static const char *const insn_names[INSNS] = {"clui", "stui", "testui", "clui_stui", "uiret", "handler_body"};
static const uint64_t insn_copies[INSNS] = {64, 64, 64, 64, 16, 16};
static bool wanted[INSNS];

/* In user mode, which cannot ask for arguments. UIRET needs no interrupt before it: RIP, RFLAGS and RSP are on the
 * stack, as delivery leaves them. The handler's body is what the slowdown of a receiver has of its own. */
static uint64_t measure_insns(void *arg)
{
#define MEASURE(insn, times, base, body) results[insn] = wanted[insn] ? BENCH_COST_OVER(base, times, 0, body) : 0
    uint64_t *results = arg;
    MEASURE(CLUI, 64, "", "clui");
    MEASURE(STUI, 64, "", "stui");
    MEASURE(TESTUI, 64, "", "testui");
    MEASURE(CLUI_STUI, 64, "", "clui; stui");
    const uint64_t frame = wanted[UIRET] ? BENCH_COST(16, 0, PUSH_FRAME "9: leaq 24(%%rsp), %%rsp") : 0;
    MEASURE(UIRET, 16, PUSH_FRAME "9: leaq 24(%%rsp), %%rsp", PUSH_FRAME "uiret; 9: leaq (%%rsp), %%rsp");
    results[UIRET] = bench_less(results[UIRET], frame);
    __asm__ volatile("clui" ::: "memory");
    MEASURE(HANDLER_BODY, 16, "", "pushq $0\n" BENCH_HANDLER_BODY);
    return 0;
}

static void bench_insns(void)
{
    uint64_t results[INSNS];
    const bool all = bench_wants("insn");
    bool any = false;
    for (int i = 0; i < INSNS; i++)
        any |= wanted[i] = all || bench_wants(insn_names[i]);
    if (any)
        run_in_user(measure_insns, results);
    for (int i = 0; i < INSNS; i++)
        if (wanted[i])
            bench_show(insn_names[i], results[i], insn_copies[i]); /* NOLINT(clang-analyzer-core*): measured above */
}

/* --- a receiver on another core --- */

/* Spins with UIF = 1 until told to stop. */
static uint64_t spin_in_user(void *arg)
{
    (void)arg;
    __asm__ volatile("stui" ::: "memory");
    __atomic_fetch_add(&bench_ready.count, 1, __ATOMIC_SEQ_CST);
    bench_await(&bench_stop, 1);
    __asm__ volatile("clui" ::: "memory");
    return 0;
}
static uint64_t run_spinning(void *arg)
{
    (void)arg;
    bench_make_receiver(bench_on_user_interrupt);
    return run_in_user(spin_in_user, NULL);
}

static void start_receivers(uint32_t count, uint64_t (*fn)(void *))
{
    bench_make_sender();
    bench_ready.count = bench_go.count = bench_stop.count = 0;
    for (uint32_t cpu = 0; cpu <= count; cpu++)
        bench_received[cpu].count = 0;
    for (uint32_t cpu = 1; cpu <= count; cpu++)
        start_on_cpu(cpu, fn, NULL);
    bench_await(&bench_ready, count);
    delay(2 * spacing);
}
static void stop_receivers(uint32_t count)
{
    bench_stop.count = 1;
    for (uint32_t cpu = 1; cpu <= count; cpu++)
        wait_for_cpu(cpu);
}

/* --- SENDUIPI --- */

static uint64_t send_notifying(void *arg)
{
    uint64_t sum = 0, least = ~0ull, net;
    for (uint64_t i = 0; i <= samples; i++) {
        uint64_t before = bench_received[1].count;
        net = bench_net(BENCH_RAW(1, 1, "senduipi %%rsi"));
        if (i > 0) { /* the first finds the UPID where it was built: in the sender's cache */
            sum += net;
            least = bench_least(least, net);
        }
        bench_await(&bench_received[1], before + 1);
        delay(spacing); /* the handler has returned, and the line is the receiver's again */
    }
    *(uint64_t *)arg = sum * 10 / samples; /* NOLINT(clang-analyzer-core*): options are above 0 */
    return least * 10;
}

static uint64_t send_unnotified(void *arg) { return BENCH_COST(16, arg, "senduipi %%rsi"); }

static void bench_send(void)
{
    uint64_t mean, least;
    start_receivers(1, run_spinning);
    least = run_in_user(send_notifying, &mean);
    stop_receivers(1);
    bench_print_suffix("senduipi_notify", suffix, least, "cycles");
    bench_print_suffix("senduipi_notify_mean", suffix, mean, "cycles");
}

static void bench_quiet(void)
{
    bench_make_sender();
    /* UPIDs of nobody: ON set, as by an earlier post that is not yet taken; SN set, as of a thread that does not run.
     */
    bench_upid[2].control |= UPID_ON;
    bench_print_suffix("senduipi_on_set", suffix, run_in_user(send_unnotified, (void *)2), "cycles");
    bench_upid[2].control ^= UPID_ON | UPID_SN;
    bench_print_suffix("senduipi_sn_set", suffix, run_in_user(send_unnotified, (void *)2), "cycles");
}

struct round_robin {
    uint64_t receivers, cycles;
};
/* The loop without SENDUIPI is measured too and subtracted. */
#define ROUND_ROBIN(r, insn)                                                                                           \
    ({                                                                                                                 \
        uint64_t start_ = rdtsc(), target_ = 1;                                                                        \
        for (uint64_t i_ = 0; i_ < samples; i_++) {                                                                    \
            __asm__ volatile(insn ::"r"(target_) : "memory");                                                          \
            target_ = target_ == (r)->receivers ? 1 : target_ + 1;                                                     \
        }                                                                                                              \
        rdtsc() - start_;                                                                                              \
    })
static uint64_t send_round_robin(void *arg)
{
    struct round_robin *r = arg;
    uint64_t loop = ROUND_ROBIN(r, "# %0"), all = ROUND_ROBIN(r, "senduipi %0");
    r->cycles = all > loop ? all - loop : 0;
    return 0;
}

static void bench_saturate(uint32_t cores)
{
    for (uint32_t n = 1; n < cores; n = 2 * n < cores || n == cores - 1 ? 2 * n : cores - 1) {
        struct round_robin r = {.receivers = n};
        char name[48];
        start_receivers(n, run_spinning);
        run_in_user(send_round_robin, &r);
        delay(20 * spacing);
        stop_receivers(n);
        uint64_t delivered = 0;
        for (uint32_t cpu = 1; cpu <= n; cpu++)
            delivered += bench_received[cpu].count;
        snprintf(name, sizeof name, "senduipi_saturated_%u", n);
        bench_print(name, r.cycles * 10 / samples, "cycles");
        snprintf(name, sizeof name, "saturated_delivered_%u", n);
        bench_print(name, delivered * 1000 / samples, "percent");
    }
}

/* --- what a receiver pays --- */

static uint64_t loop_iterations;

static uint64_t timed_loop(void *arg)
{
    (void)arg;
    uint64_t start = rdtsc();
    __atomic_fetch_add(&bench_ready.count, 1, __ATOMIC_SEQ_CST);
    bench_compute(loop_iterations);
    return rdtsc() - start;
}
static uint64_t timed_user_loop(void *arg)
{
    __asm__ volatile("stui" ::: "memory");
    uint64_t cycles = timed_loop(arg);
    __asm__ volatile("clui" ::: "memory");
    return cycles;
}
static uint64_t receive_in_user(void *arg)
{
    bench_make_receiver(bench_on_user_interrupt);
    return run_in_user(timed_user_loop, arg);
}
static uint64_t receive_in_kernel(void *arg)
{
    sti();
    uint64_t cycles = timed_loop(arg);
    cli();
    return cycles;
}

static void post_one(void) { __asm__ volatile("senduipi %0" ::"r"(1ull) : "memory"); }
static void send_one(void) { apic_send(cpus[1].apic_id, ICR_FIXED | ICR_ASSERT | BENCH_VECTOR_IPI); }

/* All interrupts land inside the loop: the sender begins after it has begun and the loop is long enough for all. */
static uint64_t loop_with(uint64_t (*receiver)(void *), void (*send)(void), uint64_t *interrupts)
{
    struct bench_counter *counter = &bench_received[send == post_one];
    start_receivers(1, receiver);
    if (send) {
        uint64_t next = rdtsc();
        for (uint64_t i = 0; i < samples; i++) {
            send();
            bench_wait_until(next += spacing);
        }
    }
    uint64_t cycles = wait_for_cpu(1);
    *interrupts = counter->count;
    return cycles;
}

static void bench_receive(const char *name, uint64_t (*receiver)(void *), void (*send)(void))
{
    uint64_t none, interrupts;
    uint64_t plain = loop_with(receiver, NULL, &none), disturbed = loop_with(receiver, send, &interrupts);
    if (interrupts == 0 || disturbed < plain)
        panic("%s: %lu interrupts, %lu cycles with and %lu without", name, interrupts, disturbed, plain);
    bench_print_suffix(name, suffix, (disturbed - plain) * 10 / interrupts, "cycles");
    bench_print_suffix(send == post_one ? "received" : "received_ipis", suffix, interrupts * 10, "interrupts");
}

/* --- kernel IPIs --- */

static uint64_t send_cost_xapic(void)
{
    uint64_t destination = (uint64_t)cpus[1].apic_id << 24;
    /* As the SDM wants it in xAPIC mode: the high half, the low half, and wait until it is accepted. */
    return BENCH_RAW(1, destination,
                     "movl $0xfee00300, %%ebx; movl %%esi, 16(%%rbx); movl $0x40d0, (%%rbx)\n"
                     "9: movl (%%rbx), %%eax; testl $0x1000, %%eax; jnz 9b");
}
static uint64_t send_cost_x2apic(void)
{
    return BENCH_RAW(1, cpus[1].apic_id, "movl $0x830, %%ecx; movl %%esi, %%edx; movl $0x40d0, %%eax; wrmsr");
}

static uint64_t spin_in_kernel(void *arg)
{
    (void)arg;
    sti();
    __atomic_fetch_add(&bench_ready.count, 1, __ATOMIC_SEQ_CST);
    bench_await(&bench_stop, 1);
    cli();
    return 0;
}

static void bench_ipi(void)
{
    uint64_t least = ~0ull;
    bench_install_ipi();
    start_receivers(1, spin_in_kernel);
    for (uint64_t i = 0; i < samples; i++) {
        uint64_t before = bench_received[0].count;
        least = bench_least(least, bench_net(this_cpu()->x2apic ? send_cost_x2apic() : send_cost_xapic()));
        bench_await(&bench_received[0], before + 1);
        delay(spacing);
    }
    stop_receivers(1);
    bench_print_suffix("ipi_send", suffix, least * 10, "cycles");
    bench_receive("ipi_receive", receive_in_kernel, send_one);
    if (!this_cpu()->x2apic) /* two register writes that arm the timer, as a user-mapped APIC page allows */
        bench_print("apic_timer_arm",
                    BENCH_COST(1, APIC_PAGE, "movl $0x100d1, 0x320(%%rsi); movl $0x7fffffff, 0x380(%%rsi)"), "cycles");
    apic_timer_stop();
}

static void bench_both_sides(uint32_t cores)
{
    if (cores < 2)
        return;
    if (bench_wants("send"))
        bench_send();
    if (bench_wants("quiet"))
        bench_quiet();
    if (bench_wants("receive"))
        bench_receive("receive", receive_in_user, post_one);
    if (bench_wants("ipi"))
        bench_ipi();
}

int guest_main(void)
{
    if (!bench_begin("insn send quiet receive ipi saturate clui stui testui clui_stui uiret handler_body "
                     "samples= spacing= modes= rounds= base="))
        return 1;
    uint32_t cores = smp_start();
    samples = bench_option("samples", 1000);
    if (samples == 0)
        samples = 1;
    spacing = bench_option("spacing", 5000);
    loop_iterations = (samples + 4) * spacing / 8;
    bench_measure_overhead();
    if (!uintr_is_supported()) {
        printf("uintr_cost: this processor has no user interrupts\n");
        return 2;
    }
    uintr_enable();
    bench_insns();
    bench_both_sides(cores);
    if (cores >= 2 && bench_wants("saturate"))
        bench_saturate(cores);
    suffix = "_x2apic";
    if (bench_option("modes", 2) > 1 && bench_enter_x2apic())
        bench_both_sides(cores);
    return 0;
}
