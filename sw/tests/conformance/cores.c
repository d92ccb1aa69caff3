/* SPDX-License-Identifier: Apache-2.0 */
/* User interrupts between cores, all in user mode: every vector, ping-pong, many posts from every core at once. What is
 * posted must be seen at least once, nothing may be seen that was not posted. S17 and S18 (destinations), S32 (the
 * sender's APIC), N22. Needs two cores.
 */
#include "conformance.h"

const char test_name[] = "conf_cores";

enum { STRESS = 10000, ROUND_TRIPS = 200 };

#define cores conformance_cores
static volatile uint32_t phase;

/* --- a receiver that counts by vector --- */
void count_handler(void);
__asm__(".text\n.globl count_handler\ncount_handler:\n"
        "    pushfq; pushq %rax\n"
        "    movq 16(%rsp), %rax\n"
        "    cmpq $64, %rax\n"
        "    jae 1f\n"
        "    incq uintr_counts(,%rax,8)\n"
        "    jmp 2f\n"
        "1:  incq uintr_bad\n"
        "2:  popq %rax; popfq\n"
        "    leaq 8(%rsp), %rsp\n"
        "    uiret\n");
extern volatile uint64_t uintr_counts[64], uintr_bad;
volatile uint64_t uintr_counts[64], uintr_bad;

static uint64_t total(void)
{
    uint64_t sum = 0;
    for (int i = 0; i < 64; i++)
        sum += uintr_counts[i];
    return sum;
}

static uint64_t user_receive(void *arg)
{
    (void)arg;
    stui();
    phase = 1;
    while (phase == 1)
        cpu_pause();
    delay(20000);
    clui();
    return 0;
}
static uint64_t receiver(void *arg)
{
    uintr_setup_receiver();
    wrmsr(MSR_UINTR_HANDLER, (uint64_t)count_handler);
    for (int i = 0; i < 64; i++)
        uintr_counts[i] = 0;
    uintr_bad = 0;
    return run_in_user(user_receive, arg);
}

static uint64_t user_send_each(void *arg)
{
    (void)arg;
    uint64_t wrong = 0;
    for (uint64_t v = 0; v < 64; v++) {
        senduipi(v);
        if (!wait_until(uintr_counts[v] == 1))
            wrong++;
    }
    return wrong;
}

static void check_each(void)
{
    phase = 0;
    uintr_reset();
    start_on_cpu(1, receiver, NULL);
    (void)wait_until(phase == 1);
    uintr_setup_sender();
    uint64_t wrong = run_in_user(user_send_each, NULL);
    phase = 2;
    wait_for_cpu(1);
    report(wrong == 0 && total() == 64 && uintr_bad == 0,
           "S11 each of 64 vectors arrives once (%lu missing, %lu in all)", wrong, total());
}

/* --- stress: cores 0, 2, 3 ... post to core 1, each with its own vectors --- */
static volatile uint64_t posted[MAX_CPUS];
static uint64_t user_stress(void *arg)
{
    uint64_t me = (uint64_t)arg, senders = cores - 1, share = STRESS / senders;
    uint64_t x = me * 77 + 1;
    for (uint64_t i = 0; i < share; i++) {
        x = x * 6364136223846793005 + 1442695040888963407;
        uint64_t vector = (x >> 40) % (64 / senders) * senders + me; /* no other core posts it */
        if (vector >= 64)
            vector = me;
        uint64_t before = uintr_counts[vector];
        senduipi(vector);
        posted[me]++;
        if (i % 16 == 0 &&
            !wait_until(uintr_counts[vector] > before)) /* this one is certainly new after it was posted */
            return i + 1;
    }
    return 0;
}
static uint64_t stress_sender(void *arg)
{
    uintr_enable();
    uintr_reset();
    uintr_send_through(uitt, UITT_ENTRIES);
    return run_in_user(user_stress, arg);
}
static void check_stress(void)
{
    phase = 0;
    uintr_reset();
    start_on_cpu(1, receiver, NULL);
    (void)wait_until(phase == 1);
    uintr_setup_sender();
    for (uint32_t i = 0; i < MAX_CPUS; i++)
        posted[i] = 0;
    for (uint32_t i = 2; i < cores; i++)
        start_on_cpu(i, stress_sender, (void *)(uint64_t)(i - 1));
    uint64_t stuck = stress_sender(NULL), sum = 0;
    for (uint32_t i = 2; i < cores; i++)
        stuck |= wait_for_cpu(i);
    for (uint32_t i = 0; i < MAX_CPUS; i++)
        sum += posted[i];
    phase = 2;
    wait_for_cpu(1);
    report(stuck == 0, "N22 %lu posts from %u cores: none lost", sum, cores - 1);
    report(total() <= sum && total() > 0 && uintr_bad == 0, "N22 not more deliveries than posts");
    report(upid.pir == 0 && !(upid.control & UPID_ON), "N22 the UPID is empty at the end");
}

/* --- ping-pong: both cores receive and send, in user mode --- */
static struct upid pair[2];
static struct uitte to_other[2][1];
void pong_handler0(void);
void pong_handler1(void);
__asm__(".text\n.globl pong_handler0, pong_handler1\n"
        "pong_handler0: pushfq; incq pong_arrivals; popfq; leaq 8(%rsp), %rsp; uiret\n"
        "pong_handler1: pushfq; incq pong_arrivals + 8; popfq; leaq 8(%rsp), %rsp; uiret\n");
extern volatile uint64_t pong_arrivals[2];
volatile uint64_t pong_arrivals[2];

static uint64_t user_pong(void *arg)
{
    uint64_t me = (uint64_t)arg;
    stui();
    for (uint64_t i = 1; i <= ROUND_TRIPS; i++) {
        if (me == 0)
            senduipi(0);
        if (!wait_until(pong_arrivals[me] >= i))
            return i;
        if (me == 1)
            senduipi(0);
    }
    clui();
    return 0;
}
static uint64_t pong(void *arg)
{
    uint64_t me = (uint64_t)arg;
    uintr_enable();
    uintr_reset();
    uintr_upid_init(&pair[me], (uint32_t)me);
    uintr_upid_init(&pair[1 - me], (uint32_t)(1 - me));
    uintr_uitte_set(to_other[me], &pair[1 - me], (uint8_t)(me + 20));
    uintr_receive(me ? pong_handler1 : pong_handler0, UINTR_STACK_SKIP, &pair[me]);
    uintr_send_through(to_other[me], 1);
    __atomic_fetch_add(&phase, 1, __ATOMIC_SEQ_CST);
    while (phase < 2)
        cpu_pause();
    return run_in_user(user_pong, arg);
}
static void check_ping_pong(void)
{
    phase = 0;
    pong_arrivals[0] = pong_arrivals[1] = 0;
    start_on_cpu(1, pong, (void *)1);
    uint64_t a = pong(NULL), b = wait_for_cpu(1);
    report(a == 0 && b == 0 && pong_arrivals[0] == ROUND_TRIPS && pong_arrivals[1] == ROUND_TRIPS,
           "S11 %d round trips between two cores in user mode (%lu, %lu)", ROUND_TRIPS, a, b);
    uintr_reset();
}

/* --- every core to every other --- */
static uint64_t user_pairwise(void *arg)
{
    for (uint64_t i = 0; i < cores; i++)
        if (i != (uint64_t)arg)
            senduipi(i);
    return 0;
}
static struct upid all_upids[MAX_CPUS];
static struct uitte all_uitt[MAX_CPUS];
static volatile uint64_t uirr_seen[MAX_CPUS];
static uint64_t all_setup(void *arg)
{
    uint64_t me = (uint64_t)arg;
    uintr_enable();
    uintr_reset();
    uintr_upid_init(&all_upids[me], (uint32_t)me);
    uintr_receive(uintr_record_handler, UINTR_STACK_SKIP, &all_upids[me]);
    uintr_uitte_set(&all_uitt[me], &all_upids[me], (uint8_t)((me + 1) % 64));
    uintr_send_through(all_uitt, cores);
    return 0;
}
static uint64_t all_send(void *arg) { return run_in_user(user_pairwise, arg); }
static uint64_t all_look(void *arg)
{
    settle();
    sti_nop_cli();
    uirr_seen[(uint64_t)arg] = rdmsr(MSR_UINTR_RR);
    uintr_reset();
    return 0;
}
static void check_all_pairs(void)
{
    for (uint32_t i = 0; i < cores; i++)
        on_cpu(i, all_setup, (void *)(uint64_t)i);
    for (uint32_t i = 0; i < cores; i++)
        on_cpu(i, all_send, (void *)(uint64_t)i);
    bool is_right = true;
    for (uint32_t i = 0; i < cores; i++) {
        on_cpu(i, all_look, (void *)(uint64_t)i);
        is_right = is_right && uirr_seen[i] == 1ull << (i + 1) % 64 && all_upids[i].pir == 0;
    }
    if (this_cpu()->x2apic)
        report(is_right, "S18 every core reaches every other one, and only that");
    else
        report(is_right, "S17 every core reaches every other one, and only that");
}

/* --- the sender's own APIC --- */
static uint64_t read_icr(void)
{
    if (this_cpu()->x2apic)
        return rdmsr(MSR_X2APIC_FIRST + APIC_ICR / 16);
    return (uint64_t)apic_read(APIC_ICR_HIGH) << 32 | apic_read(APIC_ICR);
}
static uint32_t any_set(uint32_t bank)
{
    uint32_t all = 0;
    for (uint32_t i = 0; i < 8; i++)
        all |= apic_read(bank + 16 * i);
    return all;
}
static uint64_t receiver_setup(void *arg)
{
    (void)arg;
    uintr_setup_receiver();
    return 0;
}
static uint64_t take_uirr(void *arg)
{
    (void)arg;
    take_notification();
    uint64_t uirr = rdmsr(MSR_UINTR_RR);
    uintr_reset();
    return uirr;
}
static void check_sender(void)
{
    uintr_reset();
    on_cpu(1, receiver_setup, NULL);
    uintr_setup_sender();
    apic_write(APIC_ESR, 0);
    uint64_t icr = read_icr();
    senduipi(44);
    settle();
    bool is_kept = read_icr() == icr;
    apic_write(APIC_ESR, 0);
    report(is_kept && any_set(APIC_IRR) == 0 && any_set(APIC_ISR) == 0 && apic_read(APIC_ESR) == 0,
           "S32 ICR, IRR, ISR and ESR of the sender are unchanged");
    report_equal(on_cpu(1, take_uirr, NULL), 1ull << 44, "S32 and the other core got it");
}

static void checks(void)
{
    if (cores < 2) {
        report_skip("two cores are needed");
        return;
    }
    check_each();
    check_ping_pong();
    check_all_pairs();
    check_sender();
    check_stress();
}

int guest_main(void) { return conformance_run(checks); }
