/* SPDX-License-Identifier: Apache-2.0 */
/* What an operating system and its programs rely on, as far as it needs no Linux kernel: a program that is not a sender
 * (L05, L06), a receiver that is never in the kernel (L07), 64 vectors at once (L09). L08, threads that are preempted
 * and moved, is ../uintr_stress.c. SIGILL is #UD at CPL 3, SIGSEGV #GP. SDM Vol. 3A, "User Interrupts".
 */
#include "conformance.h"

const char test_name[] = "conf_system";

static uint64_t user_send(void *arg)
{
    senduipi((uint64_t)arg);
    return 1;
}

/* A fault of the user's SENDUIPI, with the saved RIP at the instruction, and nothing has become of it. */
static bool is_user_fault(uint64_t index, unsigned vector)
{
    const uint64_t control = upid.control, pir = upid.pir;
    struct trap t = user_exception(user_send, (void *)index);
    const uint8_t *at = (const uint8_t *)t.rip;
    return is_exception(t, vector, 0) && (t.cs & 3) == 3 && at[0] == 0xf3 && upid.control == control && upid.pir == pir;
}

static bool is_posted(uint64_t vector)
{
    bool went_on = run_in_user(user_send, (void *)vector) == 1;
    take_notification();
    return went_on && rdmsr(MSR_UINTR_RR) == 1ull << vector;
}

static void check_not_registered(void)
{
    uintr_setup_receiver();
    report(is_user_fault(0, VECTOR_UD), "L05 SENDUIPI of a program that is no sender: #UD at CPL 3");
    report(is_user_fault(5, VECTOR_UD), "L05 whatever the index");
    uintr_setup_sender();
    report(is_posted(0), "L05 once it is one, it posts");
    uintr_setup_self();
    uintr_send_through(uitt, 4);
    report(is_posted(3), "L06 the last of four entries works");
    report(is_user_fault(4, VECTOR_GP), "L06 an index above it: #GP(0) at CPL 3, nothing posted");
    uintr_setup_self();
    uitt[4].control = 0;
    report(is_user_fault(4, VECTOR_GP), "L06 the same in a larger table whose next entry is not in use");
}

/* --- core 1 is in user mode all the time; whatever enters its kernel is counted --- */
enum { POSTS = 200, FIRST_INTERRUPT = 32, INTERRUPTS = 224 };
static volatile uint64_t kernel_entries;
static volatile uint32_t phase;
static bool on_any(struct trap_frame *f)
{
    (void)f;
    kernel_entries = kernel_entries + 1;
    apic_eoi();
    return true;
}

static uint64_t user_spin(void *arg)
{
    (void)arg;
    stui();
    phase = 1;
    while (phase == 1)
        ;
    clui();
    return uintr_record_count;
}
static uint64_t spinning_receiver(void *arg)
{
    uintr_setup_receiver();
    return run_in_user(user_spin, arg);
}
static uint64_t user_post_all(void *arg)
{
    (void)arg;
    for (uint64_t n = 1; n <= POSTS; n++) {
        senduipi(n % 64);
        if (!wait_until(uintr_record_count == n) || uintr_records[(n - 1) % UINTR_RECORDS].vector != n % 64)
            return n;
    }
    return 0;
}
static void check_spinning(void)
{
    trap_handler *former[INTERRUPTS];
    phase = 0;
    uintr_reset();
    start_on_cpu(1, spinning_receiver, NULL);
    (void)wait_until(phase == 1);
    uintr_setup_sender();
    for (unsigned i = 0; i < INTERRUPTS; i++)
        if (FIRST_INTERRUPT + i != USER_CALL_VECTOR)
            former[i] = trap_install(FIRST_INTERRUPT + i, on_any);
    kernel_entries = 0;
    uint64_t stuck = run_in_user(user_post_all, NULL);
    uint64_t entries = kernel_entries;
    for (unsigned i = 0; i < INTERRUPTS; i++)
        if (FIRST_INTERRUPT + i != USER_CALL_VECTOR)
            trap_install(FIRST_INTERRUPT + i, former[i]);
    phase = 2;
    uint64_t delivered = wait_for_cpu(1);
    report(stuck == 0 && delivered == POSTS, "L07 a receiver that spins in user mode gets %d posts (%lu, stuck at %lu)",
           POSTS, delivered, stuck);
    report_equal(entries, 0, "L07 neither core enters the kernel for it");
}

/* --- all 64 while the program has UIF = 0 --- */
static uint64_t user_masked(void *arg)
{
    (void)arg;
    clui();
    phase = 1;
    (void)wait_until(phase == 2);
    settle();
    uint64_t early = uintr_record_count;
    stui();
    (void)wait_until(uintr_record_count == 64);
    clui();
    return early;
}
static uint64_t masked_receiver(void *arg)
{
    uintr_setup_receiver();
    return run_in_user(user_masked, arg);
}
static uint64_t user_post_each(void *arg)
{
    for (uint64_t i = 0; i < 64; i++)
        senduipi(i * 29 % 64); /* in no order */
    return (uint64_t)arg;
}
static void expect_order(uint64_t early, const char *who)
{
    uint64_t wrong = 0;
    for (uint64_t i = 0; i < 64; i++)
        wrong += uintr_records[i].vector != 63 - i;
    report(early == 0 && uintr_record_count == 64 && wrong == 0,
           "L09 64 posts under CLUI %s: after STUI 64 deliveries, 63 to 0 (%lu early, %lu, %lu out of order)", who,
           early, uintr_record_count, wrong);
}
static uint64_t user_post_and_open(void *arg)
{
    clui();
    user_post_each(arg);
    settle();
    uint64_t early = uintr_record_count;
    stui();
    (void)wait_until(uintr_record_count == 64);
    clui();
    return early;
}
static void check_64(void)
{
    uintr_setup_self();
    expect_order(run_in_user(user_post_and_open, NULL), "by the program itself");
    if (conformance_cores < 2)
        return;
    phase = 0;
    uintr_reset();
    start_on_cpu(1, masked_receiver, NULL);
    (void)wait_until(phase == 1);
    uintr_setup_sender();
    run_in_user(user_post_each, NULL);
    phase = 2;
    expect_order(wait_for_cpu(1), "by another core");
}

static void checks(void)
{
    check_not_registered();
    if (conformance_cores > 1)
        check_spinning();
    check_64();
}

int guest_main(void) { return conformance_run(checks); }
