/* SPDX-License-Identifier: Apache-2.0 */
/* Every core posts to every receiver and receives, all at once: masks (CLUI), kernel entries with IF = 0, threads
 * switched out (SN, UINV = 0, notifications through the IDT) and in again, and receivers that change places with
 * another core (UIRR moved, NDST rewritten). The command line says how many posts. Every post must be accounted for:
 * the last one of each sender, receiver and vector is seen, nobody gets more deliveries than posts. How many posts were
 * coalesced is the rest here; tests/guest/stress.py has it from the simulator's own count. Cases L08, N22; SDM Vol. 3A,
 * "User Interrupts".
 */
#include "uintr_common.h"

#include "printf.h"

const char test_name[] = "uintr_stress";

enum { VECTORS = 16, SWAP_EVERY = 500, DEFAULT_POSTS = 20000 };

/* Who receives: a UPID with what belongs to it. It runs on one core at a time and changes places. */
struct receiver {
    struct upid upid;
    uint64_t uirr;                                 /* while it is on no core                                      */
    volatile uint64_t seen[MAX_CPUS][VECTORS];     /* by sender: highest sequence number read by the handler       */
    volatile uint64_t delivered[VECTORS], strange; /* strange: a vector that nobody posts                         */
};
static struct receiver receivers[MAX_CPUS];
static volatile uint64_t posted[MAX_CPUS][MAX_CPUS][VECTORS]; /* sender, receiver, vector: written before SENDUIPI */
static struct receiver *volatile on_core[MAX_CPUS];
static struct uitte table[MAX_CPUS * VECTORS];
static uint32_t cores;
static uint64_t share;
static volatile uint32_t finished;
static volatile uint64_t at_gate[MAX_CPUS], swaps[MAX_CPUS], through_idt[MAX_CPUS], masked[MAX_CPUS], left[MAX_CPUS];

static inline uint8_t user_vector(uint64_t v) { return (uint8_t)(v * 4 + 3); }

struct frame {
    uint64_t rip, rflags, rsp;
};
__attribute__((interrupt)) void stress_handler(struct frame *frame, unsigned long long vector);
__attribute__((interrupt)) void stress_handler(struct frame *frame, unsigned long long vector)
{
    (void)frame;
    struct receiver *me = on_core[this_cpu()->index];
    uint64_t r = (uint64_t)(me - receivers), v = vector / 4;
    if (vector >= 64 || vector % 4 != 3) {
        me->strange++;
        return;
    }
    me->delivered[v]++;
    for (uint32_t s = 0; s < cores; s++)
        me->seen[s][v] = posted[s][r][v];
}

/* --- the kernel's part: what Linux does around a thread that is switched out and in --- */
static void switch_out(struct receiver *r)
{
    __atomic_fetch_or(&r->upid.control, UPID_SN, __ATOMIC_SEQ_CST);
    set_uinv(0);
    r->uirr = rdmsr(MSR_UINTR_RR);
    wrmsr(MSR_UINTR_RR, 0);
}

static void switch_in(struct receiver *r)
{
    on_core[this_cpu()->index] = r;
    wrmsr(MSR_UINTR_PD, (uint64_t)&r->upid);
    wrmsr(MSR_UINTR_RR, r->uirr);
    set_uinv(UINTR_NOTIFICATION_VECTOR);
    ((volatile uint32_t *)&r->upid)[1] = uintr_ndst(this_cpu()->apic_id, this_cpu()->x2apic);
    __atomic_fetch_and(&r->upid.control, ~UPID_SN, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&r->upid.pir, __ATOMIC_SEQ_CST))
        apic_self_ipi(UINTR_NOTIFICATION_VECTOR);
}

static bool on_notification(struct trap_frame *f)
{
    (void)f;
    through_idt[this_cpu()->index]++;
    apic_eoi();
    return true;
}

static uint64_t stay_in_kernel(void *arg)
{
    delay((uint64_t)arg);
    return 0;
}

static uint64_t leave_and_return(void *arg)
{
    uint32_t me = this_cpu()->index;
    left[me]++;
    switch_out(on_core[me]);
    sti();
    delay((uint64_t)arg);
    cli();
    switch_in(on_core[me]);
    return 0;
}

/* Waits for the partner, which comes as often as this core. */
static void gate(uint32_t me, uint32_t partner)
{
    uint64_t turn = ++at_gate[me];
    while (at_gate[partner] < turn)
        cpu_pause();
}

static uint64_t swap_with_partner(void *arg)
{
    (void)arg;
    uint32_t me = this_cpu()->index, partner = me ^ 1;
    switch_out(on_core[me]);
    sti_nop_cli();
    gate(me, partner);
    struct receiver *other = on_core[partner];
    gate(me, partner);
    switch_in(other);
    swaps[me]++;
    return 0;
}

/* --- user code --- */
static uint64_t random_next(uint64_t *x)
{
    *x = *x * 6364136223846793005 + 1442695040888963407;
    return *x >> 33;
}

static void post(uint64_t me, uint64_t target, uint64_t v)
{
    posted[me][target][v]++;
    senduipi(target * VECTORS + v);
}

static bool all_seen(void)
{
    const struct receiver *me = on_core[this_cpu()->index];
    for (uint32_t s = 0; s < cores; s++)
        for (uint32_t v = 0; v < VECTORS; v++)
            if (me->seen[s][v] != posted[s][me - receivers][v])
                return false;
    return true;
}

static uint64_t user_stress(void *arg)
{
    uint64_t me = (uint64_t)arg, x = 2026 + 97 * me;
    stui();
    for (uint64_t i = 1; i <= share; i++) {
        uint64_t choice = random_next(&x);
        post(me, choice % cores, choice / 64 % VECTORS);
        switch (choice / 1024 % 64) {
        case 0:
            clui();
            masked[me]++;
            delay(choice / 65536 % 2048);
            stui();
            break;
        case 1: call_kernel(stay_in_kernel, (void *)(choice / 65536 % 2048)); break;
        case 2: call_kernel_iret(leave_and_return, (void *)(choice / 65536 % 2048)); break;
        case 3: call_kernel(leave_and_return, (void *)(choice / 65536 % 256)); break;
        case 4: clui(); break; /* until the next one */
        case 5: stui(); break;
        default: break;
        }
        if (i % SWAP_EVERY == 0 && (me | 1) < cores)
            call_kernel(swap_with_partner, NULL);
    }
    stui();
    __atomic_fetch_add(&finished, 1, __ATOMIC_SEQ_CST);
    while (finished != cores)
        cpu_pause();
    uint64_t seen = wait_until(all_seen());
    settle(); /* what is still under way must be coalesced posts' notifications only */
    clui();
    return seen;
}

static uint64_t run_core(void *arg)
{
    uint64_t me = (uint64_t)arg;
    uintr_enable();
    uintr_reset();
    uintr_receive((void (*)(void))stress_handler, UINTR_STACK_SKIP, &receivers[me].upid);
    uintr_send_through(table, cores * VECTORS);
    on_core[me] = &receivers[me];
    __atomic_fetch_add(&finished, 1, __ATOMIC_SEQ_CST);
    while (finished < cores)
        cpu_pause();
    if (me == 0) {
        delay(100000); /* everybody has left the loop above */
        finished = 0;
    } else {
        while (finished != 0)
            cpu_pause();
    }
    uint64_t seen = run_in_user(user_stress, arg);
    sti_nop_cli();
    uint64_t idle = seen && rdmsr(MSR_UINTR_RR) == 0;
    uintr_reset();
    return idle;
}

static uint64_t number_at_the_end(const char *text)
{
    uint64_t n = 0;
    for (; *text; text++)
        n = *text >= '0' && *text <= '9' ? 10 * n + (uint64_t)(*text - '0') : 0;
    return n;
}

static void account(void)
{
    uint64_t posts = 0, deliveries = 0, excess = 0, unseen = 0, strange = 0, busy = 0;
    for (uint32_t r = 0; r < cores; r++) {
        for (uint32_t v = 0; v < VECTORS; v++) {
            uint64_t sum = 0;
            for (uint32_t s = 0; s < cores; s++) {
                sum += posted[s][r][v];
                unseen += receivers[r].seen[s][v] != posted[s][r][v];
            }
            posts += sum;
            deliveries += receivers[r].delivered[v];
            excess += receivers[r].delivered[v] > sum;
        }
        strange += receivers[r].strange;
        busy += receivers[r].upid.pir != 0 || (receivers[r].upid.control & (UPID_ON | UPID_SN)) != 0;
    }
    uint64_t sum[4] = {0};
    for (uint32_t i = 0; i < cores; i++) {
        sum[0] += masked[i];
        sum[1] += left[i];
        sum[2] += swaps[i];
        sum[3] += through_idt[i];
    }
    printf("%u cores: masked %lu, switched out %lu, moved %lu, notifications through the IDT %lu\n", cores, sum[0],
           sum[1], sum[2], sum[3]);
    printf("posted %lu = delivered %lu + coalesced %lu\n", posts, deliveries, posts - deliveries);
    report(posts == share * cores, "L08 %lu posts were made", posts);
    report_equal(unseen, 0, "L08 N22 the last post of every sender to every receiver and vector was seen");
    report_equal(excess, 0, "L08 no vector was delivered more often than posted");
    report_equal(strange, 0, "L08 no vector was delivered that nobody posts");
    report_equal(busy, 0, "L08 every UPID ends with ON = 0, SN = 0, PIR = 0");
    report(sum[0] != 0 && sum[1] != 0 && sum[2] != 0, "L08 masks, switches and moves all happened");
}

int guest_main(void)
{
    if (!uintr_or_skip())
        return report_summary();
    cores = smp_start();
    uint64_t posts = number_at_the_end(boot_info.command_line);
    if (cores < 2) {
        report_skip("two cores are needed");
        return report_summary();
    }
    share = ((posts ? posts : DEFAULT_POSTS) + cores - 1) / cores;
    trap_install(UINTR_NOTIFICATION_VECTOR, on_notification);
    for (uint32_t r = 0; r < cores; r++) {
        uintr_upid_init(&receivers[r].upid, r);
        for (uint64_t v = 0; v < VECTORS; v++)
            uintr_uitte_set(&table[r * VECTORS + v], &receivers[r].upid, user_vector(v));
    }
    for (uint32_t i = 1; i < cores; i++)
        start_on_cpu(i, run_core, (void *)(uint64_t)i);
    uint64_t idle = run_core(NULL);
    for (uint32_t i = 1; i < cores; i++)
        idle &= wait_for_cpu(i);
    report(idle == 1, "L08 every receiver ends with nothing to do");
    account();
    return report_summary();
}
