/* SPDX-License-Identifier: Apache-2.0 */
/* The user timer: IA32_UINTR_TIMER and its event. Group W. Needs a processor that enumerates UTMR
 * (`cpu.features=+utmr`). ISE reference 319433-052, "User-Timer Events and Interrupts".
 */
#include "conformance.h"

const char test_name[] = "conf_timer";

#define MSR_UINTR_TIMER 0x1b00
#define FAR_AWAY (~0ull & ~0x3full)

/* The first multiple of 64 at or after now + cycles. */
static uint64_t deadline_in(uint64_t cycles) { return (rdtsc() + cycles + 63) & ~0x3full; }

static void check_register(void)
{
    uintr_setup_self();
    static const uint64_t values[] = {0, 0x3f, FAR_AWAY | 21, FAR_AWAY, 0x8000000000000001};
    for (unsigned i = 0; i < sizeof values / sizeof *values; i++)
        report(is_written(MSR_UINTR_TIMER, values[i]), "W01 %lx is accepted and reads back", values[i]);
    wrmsr(MSR_UINTR_TIMER, 0);
    write_cr4(read_cr4() & ~(uint64_t)CR4_UINTR);
    report(is_written(MSR_UINTR_TIMER, FAR_AWAY | 1), "W01 also with CR4.UINTR = 0");
    wrmsr(MSR_UINTR_TIMER, 0);
    uintr_enable();
}

static volatile uint64_t seen_at;
static uint64_t user_spin(void *arg)
{
    uint64_t limit = rdtsc() + (uint64_t)arg;
    stui();
    while (uintr_record_count == 0 && rdtsc() < limit)
        cpu_pause();
    seen_at = rdtsc();
    clui();
    return uintr_record_count;
}
static uint64_t read_msr(void *arg) { return rdmsr((uint32_t)(uint64_t)arg); }
static uint64_t user_masked(void *arg)
{
    clui();
    delay((uint64_t)arg);
    uint64_t early = uintr_record_count;
    uint64_t timer = call_kernel(read_msr, (void *)MSR_UINTR_TIMER);
    uint64_t uirr = call_kernel(read_msr, (void *)MSR_UINTR_RR);
    stui();
    uint64_t after = uintr_record_count;
    clui();
    return early | (uint64_t)(timer == 0) << 8 | (uint64_t)(uirr != 0) << 9 | after << 16;
}

static void check_expiry(void)
{
    uintr_setup_self();
    wrmsr(MSR_UINTR_TIMER, 64 | 37);
    uint64_t count = run_in_user(user_spin, (void *)1000000);
    report(count == 1 && uintr_records[0].vector == 37 && rdmsr(MSR_UINTR_TIMER) == 0 && rdmsr(MSR_UINTR_RR) == 0,
           "W02 a deadline in the past: delivered at CPL 3, the register is 0");
    uintr_record_count = 0;
    uint64_t deadline = deadline_in(200000);
    wrmsr(MSR_UINTR_TIMER, deadline | 63);
    count = run_in_user(user_spin, (void *)10000000);
    report(count == 1 && uintr_records[0].vector == 63 && seen_at >= deadline && seen_at < deadline + 20000,
           "W02 a deadline ahead: delivered when it has passed (%ld cycles later)", (int64_t)(seen_at - deadline));
    uintr_record_count = 0;
    wrmsr(MSR_UINTR_TIMER, deadline_in(10000000) | 1);
    count = run_in_user(user_spin, (void *)100000);
    report(count == 0 && rdmsr(MSR_UINTR_TIMER) != 0, "W02 not before it");
    wrmsr(MSR_UINTR_TIMER, 0);

    uintr_setup_self();
    wrmsr(MSR_UINTR_TIMER, deadline_in(1000) | 7);
    uint64_t result = run_in_user(user_masked, (void *)20000);
    report((result & 0xffff) == 0, "W03 with UIF = 0 the register and UIRR are unchanged (%lx)", result);
    report(result >> 16 == 1 && uintr_records[0].vector == 7, "W03 delivered at STUI");
}

static void check_withdrawal(void)
{
    uintr_setup_self();
    wrmsr(MSR_UINTR_TIMER, deadline_in(1000) | 7);
    delay(5000);
    wrmsr(MSR_UINTR_TIMER, 0);
    report_equal(run_in_user(user_spin, (void *)50000), 0, "W04 0 written before it was processed: no event");
    wrmsr(MSR_UINTR_TIMER, 9);
    report_equal(run_in_user(user_spin, (void *)50000), 0, "W04 a vector without a deadline is no event");
    wrmsr(MSR_UINTR_TIMER, 0);
}

uint64_t timer_probe(void *arg);
__asm__(".text\n.globl timer_probe\ntimer_probe: nop; nop; mov uintr_record_count, %rax; ret");
static void check_kernel(void)
{
    uintr_setup_self();
    stui();
    wrmsr(MSR_UINTR_TIMER, deadline_in(1000) | 11);
    delay(20000);
    bool is_held = uintr_record_count == 0 && rdmsr(MSR_UINTR_TIMER) != 0 && rdmsr(MSR_UINTR_RR) == 0;
    run_in_user(timer_probe, NULL);
    report(is_held, "W05 expired at CPL 0: nothing happens there");
    report(uintr_record_count == 1 && uintr_records[0].vector == 11 &&
               *(const uint16_t *)uintr_records[0].rip == 0xd0ff,
           "W05 delivered on the return to CPL 3, before the first instruction");
    clui();
}

/* TPAUSE ends at the deadline. */
static uint64_t user_tpause(void *arg)
{
    (void)arg;
    stui();
    __asm__ volatile("tpause %0" ::"r"(0), "a"(-1), "d"(0x7fffffff) : "memory", "cc");
    seen_at = rdtsc();
    clui();
    return uintr_record_count;
}
static void check_wait(void)
{
    if (!(cpuid(7, 0).ecx >> 5 & 1))
        return;
    uintr_setup_self();
    uint64_t deadline = deadline_in(300000);
    wrmsr(MSR_UINTR_TIMER, deadline | 12);
    uint64_t count = run_in_user(user_tpause, NULL);
    report(count == 1 && seen_at >= deadline && seen_at < deadline + 20000,
           "W02 the event ends TPAUSE (%ld cycles later)", (int64_t)(seen_at - deadline));
}

static void checks(void)
{
    if (!(cpuid(7, 1).edx >> 13 & 1)) {
        report_skip("this processor has no user timer");
        return;
    }
    check_register();
    check_expiry();
    check_withdrawal();
    check_kernel();
    check_wait();
}

int guest_main(void) { return conformance_run(checks); }
