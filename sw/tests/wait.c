/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting without HLT: MONITOR/MWAIT, UMONITOR/UMWAIT, TPAUSE; by time, or by a store of another
 * core. Bounds are generous: they must hold for every timing model. */
#include "apic.h"
#include "arch/insn.h"
#include "arch/msr.h"
#include "boot.h"
#include "report.h"
#include "smp.h"

const char test_name[] = "wait";

enum { ROUNDS = 50, LATE = 20000 /* cycles that waking up may take */, UMWAIT_CONTROL = 0xe1 };

static volatile uint64_t line[8] __attribute__((aligned(64)));
static volatile uint64_t answer[8] __attribute__((aligned(64)));
static volatile uint64_t stored_at;

static void monitor(volatile void *p) { __asm__ volatile("monitor" ::"a"(p), "c"(0), "d"(0) : "memory"); }
static void mwait(uint32_t extensions) { __asm__ volatile("mwait" ::"a"(0), "c"(extensions) : "memory"); }
static void umonitor(volatile void *p) { __asm__ volatile("umonitor %0" ::"r"(p) : "memory"); }
static bool umwait(uint64_t deadline)
{
    bool limited;
    __asm__ volatile("umwait %1"
                     : "=@ccc"(limited)
                     : "r"(0), "a"((uint32_t)deadline), "d"((uint32_t)(deadline >> 32))
                     : "memory");
    return limited;
}
static bool tpause(uint64_t deadline)
{
    bool limited;
    __asm__ volatile("tpause %1"
                     : "=@ccc"(limited)
                     : "r"(0), "a"((uint32_t)deadline), "d"((uint32_t)(deadline >> 32))
                     : "memory");
    return limited;
}

static void test_time(void)
{
    const uint64_t lengths[] = {1000, 100000, 3000000};
    for (unsigned i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        uint64_t deadline = rdtsc() + lengths[i];
        bool limited = tpause(deadline);
        uint64_t now = rdtsc();
        report(now >= deadline && now < deadline + LATE && !limited, "TPAUSE for %u cycles", (unsigned)lengths[i]);
        deadline = rdtsc() + lengths[i];
        umonitor(line);
        limited = umwait(deadline);
        now = rdtsc();
        report(now >= deadline && now < deadline + LATE && !limited, "UMWAIT for %u cycles", (unsigned)lengths[i]);
    }
    uint64_t before = rdtsc();
    bool limited = umwait(before + 1000000);
    report(rdtsc() < before + LATE && !limited, "UMWAIT without UMONITOR does not wait");
    wrmsr(UMWAIT_CONTROL, 50000);
    before = rdtsc();
    limited = tpause(before + 1000000);
    uint64_t took = rdtsc() - before;
    report(limited && took >= 50000 && took < 50000 + LATE, "IA32_UMWAIT_CONTROL limits TPAUSE and sets CF");
    wrmsr(UMWAIT_CONTROL, 0);
}

/* Answers each number that appears in line[3]; counts how often it looked. */
static uint64_t answer_numbers(void *arg)
{
    uint64_t looks = 0, late = 0;
    for (uint64_t i = 1; i <= ROUNDS; i++) {
        for (;;) {
            if (arg)
                umonitor(line);
            else
                monitor(line);
            if (line[3] == i)
                break;
            if (arg)
                umwait(~0ull);
            else
                mwait(0);
            looks++;
        }
        if (rdtsc() > stored_at + LATE)
            late++;
        answer[0] = i;
    }
    return looks << 32 | late;
}

static void test_stores(bool user)
{
    line[3] = answer[0] = 0;
    start_on_cpu(1, answer_numbers, user ? (void *)1 : NULL);
    bool ok = true;
    for (uint64_t i = 1; i <= ROUNDS && ok; i++) {
        tpause(rdtsc() + 7919 * i); /* the other core is asleep by then */
        stored_at = rdtsc();
        line[3] = i;
        ok = wait_until(answer[0] == i);
    }
    const char *name = user ? "UMWAIT" : "MWAIT";
    report(ok, "%s: each of %u stores of another core ends a wait", name, ROUNDS);
    if (!ok)
        return;
    uint64_t result = wait_for_cpu(1);
    report((uint32_t)result == 0, "%s ends soon after the store", name);
    report(result >> 32 >= ROUNDS / 2 && result >> 32 <= 2 * ROUNDS, "%s waits, it does not spin", name);
}

int guest_main(void)
{
    uint32_t cores = smp_start();
    if (!(cpuid(1, 0).ecx & 1u << 3) || !(cpuid(7, 0).ecx & 1u << 5)) {
        report(false, "MONITOR and WAITPKG are enumerated");
        return report_summary();
    }
    test_time();
    if (cores > 1) {
        test_stores(false);
        test_stores(true);
    } else {
        report_skip("stores of another core need a second core");
    }
    return report_summary();
}
