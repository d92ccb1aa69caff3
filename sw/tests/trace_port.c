/* SPDX-License-Identifier: Apache-2.0 */
/* The trace port of the simulator: what it answers, that an event takes no time, and the ways by which a user interrupt
 * comes to a thread, each told as a kernel would: directly, held up by the kernel, by a self-IPI when the thread runs
 * again, by waking it. Statistics and timeline are checked from outside, by tests/guest/contracts.py. Two cores for the
 * last part.
 */
#include "arch/insn.h"
#include "uintr_common.h"

const char test_name[] = "trace_port";

enum { PORT = 0x5e0, PORT_NAME_BYTES = 0x5fc };
enum { SWITCH = 1, SYSCALL, SYSCALL_END, UINTR_RESUME, UINTR_WAKE, NAME }; /* the port is PORT + 4 * kind */
enum { SYS_GETPID = 39, SYS_UINTR_WAIT = 476, TID = 7, VECTOR_KERNEL = 0xe1, ROUNDS = 1000 };

static void trace(unsigned kind, uint32_t value) { outl((uint16_t)(PORT + 4 * kind), value); }
static void trace_name(uint32_t tid, const char *name)
{
    trace(NAME, tid);
    for (int word = 0; word < 4; word++) {
        uint32_t bytes = 0;
        for (int i = 0; i < 4 && *name; i++)
            bytes |= (uint32_t)(uint8_t)*name++ << 8 * i;
        outl(PORT_NAME_BYTES, bytes);
    }
}

/* --- the port alone --- */

static void check_answers(void)
{
    report_equal(inl(PORT), 0x50545655, "the port answers UVTP");
    report_equal(inl(PORT + 0x1c), 0x50545655, "all its registers do");
    report_equal(inb(PORT + 1), 'V', "byte by byte too");
    outb(PORT + 4, 1); /* swallowed */
}

/* The same code with and without an OUT to the port; NOP makes the loops equally long. */
#define ROUNDS_OF(instruction)                                                                                         \
    ({                                                                                                                 \
        uint64_t begin_ = rdtsc();                                                                                     \
        for (uint32_t i_ = 0; i_ < ROUNDS; i_++)                                                                       \
            __asm__ volatile(instruction ::"a"(0), "d"(PORT + 4 * SYSCALL_END));                                       \
        rdtsc() - begin_;                                                                                              \
    })

static void check_time(void)
{
    (void)ROUNDS_OF("nop"); /* code into the caches */
    uint64_t nops = ROUNDS_OF("nop");
    (void)ROUNDS_OF("outl %0, %w1");
    uint64_t events = ROUNDS_OF("outl %0, %w1");
    report(events <= nops, "%u events take no longer than as many NOPs (%lu, %lu)", ROUNDS, events, nops);
}

/* --- ways of a user interrupt, core 0 to core 1 --- */

static volatile uint32_t wanted, posted; /* the receiver wants its n-th post; n have been made */
static volatile bool is_woken;
static bool on_kernel_vector(struct trap_frame *f)
{
    (void)f;
    trace(UINTR_WAKE, TID);
    is_woken = true;
    apic_eoi();
    return true;
}

static void want(uint32_t n)
{
    wanted = n;
    (void)wait_until(posted == n);
    settle();
}

static uint64_t user_send(void *arg)
{
    (void)arg;
    for (uint32_t n = 1; n <= 4; n++) {
        if (!wait_until(wanted == n))
            return n;
        senduipi(n);
        posted = n;
    }
    return 0;
}

static uint64_t be_held(void *arg)
{
    trace(SYSCALL, SYS_GETPID);
    sti();
    want(2);
    cli();
    trace(SYSCALL_END, 0);
    return (uint64_t)arg;
}

/* Another thread has the core meanwhile: posts are not to notify. */
static uint64_t be_switched_out(void *arg)
{
    volatile uint64_t *control = &upid.control;
    trace(SWITCH, TID + 1);
    __atomic_fetch_or(control, UPID_SN, __ATOMIC_SEQ_CST);
    want(3);
    __atomic_fetch_and(control, ~UPID_SN, __ATOMIC_SEQ_CST);
    trace(SWITCH, TID);
    trace(UINTR_RESUME, TID);
    apic_self_ipi(UINTR_NOTIFICATION_VECTOR);
    return (uint64_t)arg;
}

/* A blocked receiver: the notification is the kernel's own vector. */
static uint64_t be_blocked(void *arg)
{
    trace(SYSCALL, SYS_UINTR_WAIT);
    upid.control = (upid.control & ~(0xffull << UPID_NV_SHIFT)) | (uint64_t)VECTOR_KERNEL << UPID_NV_SHIFT;
    trace(SWITCH, 0);
    wanted = 4;
    while (!is_woken)
        sti_hlt();
    cli();
    trace(SWITCH, TID);
    trace(UINTR_RESUME, TID);
    upid.control = (upid.control & ~(0xffull << UPID_NV_SHIFT)) | (uint64_t)UINTR_NOTIFICATION_VECTOR << UPID_NV_SHIFT;
    apic_self_ipi(UINTR_NOTIFICATION_VECTOR);
    trace(SYSCALL_END, (uint32_t)-4); /* EINTR */
    return (uint64_t)arg;
}

static uint64_t user_receive(void *arg)
{
    stui();
    wanted = 1;
    (void)wait_until(uintr_record_count == 1);
    call_kernel(be_held, arg);
    (void)wait_until(uintr_record_count == 2);
    call_kernel(be_switched_out, arg);
    (void)wait_until(uintr_record_count == 3);
    call_kernel(be_blocked, arg);
    (void)wait_until(uintr_record_count == 4);
    clui();
    return uintr_record_count;
}

static uint64_t receiver(void *arg)
{
    uintr_setup_receiver();
    trace_name(TID, "receiver");
    trace_name(TID + 1, "another \x80thread of many"); /* 16 bytes count */
    trace(SWITCH, TID);
    uint64_t received = run_in_user(user_receive, arg);
    trace(SWITCH, 0);
    return received;
}

static void check_ways(void)
{
    trap_install(VECTOR_KERNEL, on_kernel_vector);
    uintr_reset();
    start_on_cpu(1, receiver, NULL);
    (void)wait_until(wanted == 1);
    uintr_setup_sender();
    report_equal(run_in_user(user_send, NULL), 0, "four posts, each when it is wanted");
    report_equal(wait_for_cpu(1), 4, "four deliveries: directly, held, by resuming, by waking");
}

int guest_main(void)
{
    check_answers();
    check_time();
    if (!uintr_or_skip())
        return report_summary();
    if (smp_start() < 2)
        report_skip("needs two cores");
    else
        check_ways();
    return report_summary();
}
