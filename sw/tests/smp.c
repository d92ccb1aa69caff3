/* SPDX-License-Identifier: Apache-2.0 */
/* Start of the other cores by INIT-SIPI-SIPI, per-core areas, locked counters and races on them. Runs on any number of
 * cores. */
#include "smp.h"
#include "apic.h"
#include "arch/control.h"
#include "arch/insn.h"
#include "arch/msr.h"
#include "boot.h"
#include "printf.h"
#include "report.h"
#include "spinlock.h"

const char test_name[] = "smp";

enum { ROUNDS = 2000 };

static uint32_t cores;
static volatile uint32_t arrived, go;
static uint64_t counter_add, counter_inc, counter_cas, counter_xadd_seen, counter_lock, counter_bts;
static uint64_t pair[2] __attribute__((aligned(16)));
static struct spinlock lock;
static uint8_t xadd_ticket[MAX_CPUS * ROUNDS];

static uint64_t core_state(void *arg)
{
    struct cpu_local *cpu = this_cpu();
    uint64_t index = (uint64_t)arg;
    return cpu == &cpus[index] && cpu->index == index && cpu->apic_id == apic_id() &&
           (read_cr0() & (CR0_PG | CR0_PE | CR0_WP)) == (CR0_PG | CR0_PE | CR0_WP) &&
           (rdmsr(MSR_EFER) & (EFER_LMA | EFER_LME)) == (EFER_LMA | EFER_LME) && read_cs() == SEL_KERNEL_CODE &&
           !(rdmsr(MSR_APIC_BASE) & MSR_APIC_BASE_BSP) == (index != 0);
}

static uint64_t read_initial_apic_id(void *arg)
{
    (void)arg;
    return cpuid(1, 0).ebx >> 24;
}

/* All cores arrive, then all go. */
static void barrier(uint32_t count)
{
    uint32_t generation = go;
    if (__atomic_add_fetch(&arrived, 1, __ATOMIC_SEQ_CST) == count) {
        arrived = 0;
        __atomic_store_n(&go, generation + 1, __ATOMIC_RELEASE);
    } else {
        while (__atomic_load_n(&go, __ATOMIC_ACQUIRE) == generation)
            cpu_pause();
    }
}

static bool cas16(uint64_t *p, uint64_t *low, uint64_t *high)
{
    bool ok;
    __asm__ volatile("lock cmpxchg16b %1"
                     : "=@ccz"(ok), "+m"(*(__int128 *)p), "+a"(*low), "+d"(*high)
                     : "b"(*low + 1), "c"(*high + 2)
                     : "memory");
    return ok;
}

static uint64_t race(void *arg)
{
    (void)arg;
    uint32_t me = this_cpu()->index;
    barrier(cores);
    for (int i = 0; i < ROUNDS; i++) {
        __asm__ volatile("lock addq %1, %0" : "+m"(counter_add) : "r"((uint64_t)me + 1) : "memory", "cc");
        __asm__ volatile("lock incq %0" : "+m"(counter_inc)::"memory", "cc");
        uint64_t ticket = __atomic_fetch_add(&counter_xadd_seen, 1, __ATOMIC_SEQ_CST);
        xadd_ticket[ticket]++;
        uint64_t old = counter_cas;
        while (!__atomic_compare_exchange_n(&counter_cas, &old, old + 3, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
            ;
        spinlock_acquire(&lock);
        counter_lock = counter_lock + 1;
        spinlock_release(&lock);
        uint64_t low = pair[0], high = pair[1];
        while (!cas16(pair, &low, &high))
            ;
    }
    for (uint64_t bit = me; bit < 64; bit += cores)
        __asm__ volatile("lock btsq %1, %0" : "+m"(counter_bts) : "r"(bit) : "memory", "cc");
    barrier(cores);
    return me;
}

/* Message passing: data written before the flag is seen with it (x86 keeps stores in order). */
static volatile uint64_t message[64], message_flag;
static uint64_t receive_messages(void *arg)
{
    (void)arg;
    uint64_t errors = 0;
    for (uint64_t i = 1; i <= 500; i++) {
        while (message_flag != i)
            cpu_pause();
        if (message[i % 64] != i * 7)
            errors++;
        message_flag = 0;
    }
    return errors;
}

int guest_main(void)
{
    uint32_t listed = smp_listed();
    cores = smp_start();
    report(listed > 0, "the MADT lists processors (%u)", listed);
    report_equal(cores, listed ? listed : cores, "all listed cores have started");
    for (uint32_t i = 0; i < cores; i++)
        report(on_cpu(i, core_state, (void *)(uint64_t)i) == 1, "core %u: own area, mode, APIC ID, BSP flag", i);
    bool is_distinct = true, is_consistent = true;
    for (uint32_t i = 0; i < cores; i++) {
        is_consistent = is_consistent && on_cpu(i, read_initial_apic_id, NULL) == cpus[i].apic_id;
        for (uint32_t j = 0; j < i; j++)
            is_distinct = is_distinct && cpus[i].apic_id != cpus[j].apic_id;
    }
    report(is_distinct, "APIC IDs are distinct");
    report(is_consistent, "CPUID's initial APIC ID is the local APIC's");

    for (uint32_t i = 1; i < cores; i++)
        start_on_cpu(i, race, NULL);
    race(NULL);
    for (uint32_t i = 1; i < cores; i++)
        report_equal(wait_for_cpu(i), i, "core %u came back from the race", i);
    report_equal(counter_add, (uint64_t)ROUNDS * cores * (cores + 1) / 2, "LOCK ADD loses nothing");
    report_equal(counter_inc, (uint64_t)ROUNDS * cores, "LOCK INC loses nothing");
    report_equal(counter_cas, 3ull * ROUNDS * cores, "LOCK CMPXCHG loses nothing");
    report_equal(counter_lock, (uint64_t)ROUNDS * cores, "a spinlock excludes");
    report(pair[0] == (uint64_t)ROUNDS * cores && pair[1] == 2 * pair[0], "LOCK CMPXCHG16B loses nothing");
    report_equal(counter_bts, ~0ull, "LOCK BTS loses nothing");
    bool is_unique = true;
    for (uint32_t i = 0; i < ROUNDS * cores; i++)
        is_unique = is_unique && xadd_ticket[i] == 1;
    report(is_unique, "LOCK XADD hands out each number once");

    if (cores > 1) {
        start_on_cpu(1, receive_messages, NULL);
        for (uint64_t i = 1; i <= 500; i++) {
            message[i % 64] = i * 7;
            message_flag = i;
            while (message_flag != 0)
                cpu_pause();
        }
        report_equal(wait_for_cpu(1), 0, "stores are seen in order by another core");
    } else {
        report_skip("message passing needs a second core");
    }
    return report_summary();
}
