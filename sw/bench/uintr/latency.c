/* SPDX-License-Identifier: Apache-2.0 */
/* From SENDUIPI on one core to the handler's first instruction on another, while the receiver spins in user mode, masks
 * with CLUI, is in the kernel, or sleeps there in HLT; beside it a kernel IPI, a shared cache line that the receiver
 * polls, and lines that the other core holds. Both sides read the TSC, which all cores share. Arguments: spin masked
 * kernel hlt ipi line pingpong held (all), samples=N, busy=CYCLES (length of a mask or of a stay in the kernel; the
 * sender sends at any point of it), touch=KIB (of memory that each side reads between two interrupts, so that what an
 * interrupt needs is no longer in the nearest cache), x2apic=1, seed=N.
 */
#include "bench.h"

const char test_name[] = "uintr_latency";

enum { SAMPLES_MAX = 10000, TOUCH_MAX_KIB = 2048 };
static uint64_t latencies[SAMPLES_MAX];
static uint64_t samples, busy, overhead;
static uint64_t touched_bytes;
static uint8_t memory[2][TOUCH_MAX_KIB * 1024] __attribute__((aligned(TOUCH_MAX_KIB * 1024))); /* of each side */
struct bench_counter sent_at, seen_at, line, answer, stay_begin; /* each in its own cache line; assembly knows three */

/* Handlers read the TSC first. The IPI's goes on to the common entry's work: EOI, IRET. */
void on_timed_user_interrupt(void), on_timed_ipi(void);
void *timed_eoi; /* xAPIC: address of EOI; x2APIC: NULL */
__asm__(".text\n.globl on_timed_user_interrupt, on_timed_ipi\n"
        "on_timed_user_interrupt:\n"
        "    pushq %rax; pushq %rdx\n"
        "    rdtsc\n"
        "    shlq $32, %rdx; orq %rdx, %rax; movq %rax, seen_at\n"
        "    incq bench_received\n"
        "    popq %rdx; popq %rax\n"
        "    leaq 8(%rsp), %rsp\n"
        "    uiret\n"
        "on_timed_ipi:\n"
        "    pushq %rax; pushq %rdx\n"
        "    rdtsc\n"
        "    shlq $32, %rdx; orq %rdx, %rax; movq %rax, seen_at\n"
        "    incq bench_received\n"
        "    pushq %rcx\n"
        "    movq timed_eoi, %rax; testq %rax, %rax; jz 1f\n"
        "    movl $0, (%rax); jmp 2f\n"
        "1:  movl $0x80b, %ecx; xorl %eax, %eax; xorl %edx, %edx; wrmsr\n"
        "2:  popq %rcx; popq %rdx; popq %rax\n"
        "    iretq\n");

enum scene { SPIN, MASKED, KERNEL, HLT, IPI };
static enum scene scene;

/* A reading before the sending is possible where cores run ahead of each other's stores: it counts as 0. */
static uint64_t net_latency(void)
{
    int64_t latency = (int64_t)(seen_at.count - sent_at.count - overhead);
    return latency > 0 ? (uint64_t)latency : 0;
}

static void touch(const uint8_t *bytes)
{
    for (uint64_t at = 0; at < touched_bytes; at += 64)
        (void)*(const volatile uint8_t *)(bytes + at);
}

/* --- the receiver, core 1 --- */

/* A mask or a stay in the kernel is announced before it begins, so that the sender can choose any point of it, from
 * its begin to its end. */
enum { ANNOUNCEMENT = 1500 };
static uint64_t announce(uint64_t i)
{
    stay_begin.count = rdtsc() + ANNOUNCEMENT;
    bench_ready.count = i;
    bench_wait_until(stay_begin.count);
    return stay_begin.count + busy;
}

static uint64_t stay_in_kernel(void *arg)
{
    sti();
    bench_wait_until((uint64_t)arg);
    cli();
    return 0;
}

/* A notification does not end HLT: it is processed and HLT goes on. So a kernel whose thread waits has notifications
 * sent to a vector of its own, which wakes; it then restores UPID.NV and notifies itself of what was posted. */
enum { VECTOR_WAITING = 0xd2 };
static bool on_waiting(struct trap_frame *frame)
{
    (void)frame;
    apic_eoi();
    return true;
}
static void set_nv(uint8_t vector)
{
    volatile uint8_t *bytes = (volatile uint8_t *)&bench_upid[this_cpu()->index].control;
    bytes[UPID_NV_SHIFT / 8] = vector; /* ON and SN are in another byte */
}
static uint64_t sleep_in_kernel(void *arg)
{
    set_nv(VECTOR_WAITING);
    bench_ready.count = (uint64_t)arg;
    sti_hlt();
    cli();
    set_nv(UINTR_NOTIFICATION_VECTOR);
    apic_self_ipi(UINTR_NOTIFICATION_VECTOR);
    sti_nop_cli();
    return 0;
}

static uint64_t receive(void *arg)
{
    (void)arg;
    __asm__ volatile("stui" ::: "memory");
    for (uint64_t i = 1; i <= samples; i++) {
        uint64_t end;
        touch(memory[1]);
        switch (scene) {
        case MASKED:
            end = announce(i);
            __asm__ volatile("clui" ::: "memory");
            bench_wait_until(end);
            __asm__ volatile("stui" ::: "memory");
            break;
        case KERNEL: call_kernel(stay_in_kernel, (void *)announce(i)); break;
        case HLT: call_kernel(sleep_in_kernel, (void *)i); break;
        case SPIN:
        case IPI: bench_ready.count = i;
        }
        while (bench_received[0].count < i)
            ;
    }
    __asm__ volatile("clui" ::: "memory");
    return 0;
}
static uint64_t run_receiver(void *arg)
{
    bench_make_receiver(on_timed_user_interrupt);
    if (scene != IPI)
        return run_in_user(receive, arg);
    sti();
    for (uint64_t i = 1; i <= samples; i++) {
        bench_ready.count = i;
        while (bench_received[0].count < i)
            ;
    }
    cli();
    return 0;
}

/* --- the sender, core 0 --- */

static uint64_t send(void *arg)
{
    (void)arg;
    uint64_t received = 0;
    for (uint64_t i = 0; i < samples; i++) {
        touch(memory[0]);
        bench_await(&bench_ready, i + 1);
        if (scene == MASKED || scene == KERNEL) /* at any point of the receiver's stay, all equally likely */
            bench_wait_until(stay_begin.count + (busy ? bench_random() % busy : 0));
        else /* the receiver spins or sleeps by then, in no fixed step with this core */
            delay(1000 + bench_random() % 1024);
        if (scene == IPI && this_cpu()->x2apic)
            BENCH_SEND(&sent_at, "movl $0x830, %%ecx; movl %%esi, %%edx; movl $0x40d0, %%eax; wrmsr",
                       (uint64_t)cpus[1].apic_id);
        else if (scene == IPI)
            BENCH_SEND(&sent_at, "movl $0xfee00300, %%ecx; movl %%esi, 16(%%rcx); movl $0x40d0, (%%rcx)",
                       (uint64_t)cpus[1].apic_id << 24);
        else
            BENCH_SEND(&sent_at, "senduipi %%rsi", 1ull);
        bench_await(&bench_received[0], ++received);
        latencies[i] = net_latency();
    }
    return 0;
}

static void run_scene(enum scene which, const char *name)
{
    scene = which;
    bench_make_sender();
    bench_ready.count = bench_received[0].count = 0;
    start_on_cpu(1, run_receiver, NULL);
    if (which == IPI)
        send(NULL);
    else
        run_in_user(send, NULL);
    wait_for_cpu(1);
    bench_print_samples(name, latencies, samples);
}

/* --- a shared cache line --- */

/* Aligned, so that the loop and the RDTSC behind it lie in one line of code wherever the image puts them: else the
 * first sample waits for an instruction fetch as well. */
__attribute__((aligned(64))) static uint64_t poll_line(void *arg)
{
    (void)arg;
    for (uint64_t i = 1; i <= samples; i++) {
        bench_ready.count = i;
        while (line.count < i)
            ;
        __asm__ volatile("pushq %%rax; pushq %%rdx\n"
                         "rdtsc; shlq $32, %%rdx; orq %%rdx, %%rax; movq %%rax, seen_at; popq %%rdx; popq %%rax" ::
                             : "memory", "cc");
        bench_received[0].count = i;
    }
    return 0;
}
static uint64_t run_polling(void *arg) { return run_in_user(poll_line, arg); }
static uint64_t write_line(void *arg)
{
    (void)arg;
    for (uint64_t i = 1; i <= samples; i++) {
        bench_await(&bench_ready, i);
        delay(1000 + bench_random() % 1024);
        BENCH_SEND(&sent_at, "movq %%rsi, line", i);
        bench_await(&bench_received[0], i);
        latencies[i - 1] = net_latency();
    }
    return 0;
}

/* Both sides hand one line to and fro by compare-and-exchange, as core-to-core tables are measured. */
static void pass_line(uint64_t from)
{
    for (uint64_t i = 0; i < samples; i++) {
        uint64_t expected;
        do
            expected = from + 2 * i;
        while (!__atomic_compare_exchange_n(&answer.count, &expected, from + 2 * i + 1, false, __ATOMIC_SEQ_CST,
                                            __ATOMIC_SEQ_CST));
    }
}
static uint64_t pong(void *arg)
{
    (void)arg;
    bench_ready.count = 1;
    pass_line(1);
    return 0;
}
static uint64_t ping(void *arg)
{
    (void)arg;
    bench_await(&bench_ready, 1);
    uint64_t start = rdtsc();
    pass_line(0);
    return rdtsc() - start;
}
static uint64_t run_pong(void *arg) { return run_in_user(pong, arg); }

static void bench_line(void)
{
    line.count = bench_ready.count = bench_received[0].count = 0;
    start_on_cpu(1, run_polling, NULL);
    run_in_user(write_line, NULL);
    wait_for_cpu(1);
    bench_print_samples("latency_line", latencies, samples);
}
static void bench_ping_pong(void)
{
    answer.count = bench_ready.count = 0;
    start_on_cpu(1, run_pong, NULL);
    uint64_t cycles = run_in_user(ping, NULL);
    wait_for_cpu(1);
    bench_print("line_one_way", bench_net(cycles) * 10 / (2 * samples), "cycles");
}

/* What a load costs of a line that the other core has in its caches, as it came from memory or written: as Intel's
 * Memory Latency Checker measures. Each time another line, which this core has not read before. */
static bool is_written;
static uint8_t *held_line(uint64_t i) { return memory[is_written] + i * 64; }
static uint64_t hold_line(void *arg)
{
    (void)arg;
    for (uint64_t i = 1; i <= samples; i++) {
        volatile uint64_t *held = (volatile uint64_t *)(void *)held_line(i);
        __asm__ volatile("clflush (%0); mfence" ::"r"(held) : "memory");
        (void)*held;
        if (is_written)
            *held = i;
        bench_ready.count = i;
        while (bench_received[0].count < i)
            ;
    }
    return 0;
}
static uint64_t run_holding(void *arg) { return run_in_user(hold_line, arg); }
static uint64_t fetch_line(void *arg)
{
    (void)arg;
    uint64_t least = ~0ull;
    for (uint64_t i = 1; i <= samples; i++) {
        bench_await(&bench_ready, i);
        delay(1000);
        least = bench_least(least, BENCH_RAW(1, held_line(i), "movq (%%rsi), %%rbx"));
        bench_received[0].count = i;
    }
    return bench_net(least);
}
static void bench_held_line(bool written, const char *name)
{
    is_written = written;
    bench_ready.count = bench_received[0].count = 0;
    start_on_cpu(1, run_holding, NULL);
    uint64_t cycles = run_in_user(fetch_line, NULL);
    wait_for_cpu(1);
    bench_print(name, cycles * 10, "cycles");
}

int guest_main(void)
{
    if (!bench_begin("spin masked kernel hlt ipi line pingpong held samples= busy= touch= x2apic= seed="))
        return 1;
    if (!uintr_is_supported() || smp_start() < 2) {
        printf("uintr_latency: needs user interrupts and two cores\n");
        return 2;
    }
    if (bench_option("x2apic", 0))
        bench_enter_x2apic();
    samples = bench_option("samples", SAMPLES_MAX);
    samples = samples == 0 || samples > SAMPLES_MAX ? SAMPLES_MAX : samples;
    busy = bench_option("busy", 4000);
    touched_bytes = bench_option("touch", 0) * 1024;
    if (touched_bytes > sizeof memory[0])
        touched_bytes = sizeof memory[0];
    timed_eoi = this_cpu()->x2apic ? NULL : (void *)(APIC_PAGE + APIC_EOI);
    trap_set_entry(BENCH_VECTOR_IPI, on_timed_ipi);
    trap_install(VECTOR_WAITING, on_waiting);
    uintr_enable();
    bench_measure_overhead();
    overhead = bench_pair_overhead();
    bench_print("latency_overhead", overhead * 10, "cycles");
    static const char *const names[] = {"spin", "masked", "kernel", "hlt", "ipi"};
    static const char *const results[] = {"latency_spin", "latency_masked", "latency_kernel", "latency_hlt",
                                          "latency_ipi"};
    for (unsigned s = SPIN; s <= IPI; s++)
        if (bench_wants(names[s]))
            run_scene((enum scene)s, results[s]);
    if (bench_wants("line"))
        bench_line();
    if (bench_wants("pingpong"))
        bench_ping_pong();
    if (bench_wants("held")) {
        bench_held_line(false, "line_load_clean");
        bench_held_line(true, "line_load_modified");
    }
    return 0;
}
