/* SPDX-License-Identifier: Apache-2.0 */
/* Starting and employing the other cores. SDM Vol. 3A, "Multiple-Processor (MP) Initialization": INIT, then two
 * start-up IPIs whose vector names the page of the trampoline.
 */
#include "smp.h"

#include "apic.h"
#include "arch/insn.h"
#include "boot.h"
#include "madt.h"
#include "string.h"
#include "trap.h"

enum { LISTED_MAX = 64 };

void ap_main(uint32_t index);

static volatile uint32_t online = 1;
static bool is_started;
static uint32_t listed_ids[LISTED_MAX], listed;

void delay(uint64_t tsc_cycles)
{
    uint64_t start = rdtsc();
    while (rdtsc() - start < tsc_cycles)
        cpu_pause();
}

void settle(void)
{
    delay(is_qemu() ? 30000000 : 30000); /* QEMU's cores are host threads that may be descheduled for milliseconds */
}

uint32_t smp_listed(void)
{
    if (!listed)
        listed = madt_list(0, listed_ids, LISTED_MAX);
    return listed;
}

static bool on_wake(struct trap_frame *f)
{
    (void)f;
    apic_eoi();
    return true;
}

void ap_main(uint32_t index)
{
    percpu_init(index);
    apic_init();
    struct cpu_local *cpu = this_cpu();
    cpu->is_online = true;
    __atomic_fetch_add(&online, 1, __ATOMIC_SEQ_CST);
    for (;;) {
        cli();
        if (!cpu->work) {
            sti_hlt();
            continue;
        }
        cpu->work_result = cpu->work(cpu->work_arg);
        cpu->work = NULL;
        __atomic_store_n(&cpu->work_done, true, __ATOMIC_RELEASE);
    }
}

/* Two start-up IPIs, as the SDM's example sends: the second must not disturb a core that has started. */
static void start_cores(uint32_t destination, uint32_t shorthand)
{
    apic_send(destination, shorthand | ICR_INIT | ICR_ASSERT);
    delay(20000);
    for (int i = 0; i < 2; i++) {
        apic_send(destination, shorthand | ICR_STARTUP | ICR_ASSERT | TRAMPOLINE_ADDRESS / 4096);
        delay(2000);
    }
}

uint32_t smp_start(void)
{
    if (is_started)
        return online;
    is_started = true;
    memcpy((void *)TRAMPOLINE_ADDRESS, trampoline_start, (size_t)(trampoline_end - trampoline_start));
    trap_install(VECTOR_WAKE, on_wake);
    if (smp_listed() == 0) {
        start_cores(0, ICR_OTHERS);
        delay(is_qemu() ? 1000000000 : 200000);
        return online;
    }
    for (uint32_t i = 0; i < listed && online < MAX_CPUS; i++) {
        uint32_t before = online;
        if (listed_ids[i] == this_cpu()->apic_id)
            continue;
        start_cores(listed_ids[i], 0);
        (void)wait_until(online > before);
    }
    return online;
}

void start_on_cpu(uint32_t index, uint64_t (*fn)(void *arg), void *arg)
{
    struct cpu_local *cpu = &cpus[index];
    cpu->work_done = false;
    cpu->work_arg = arg;
    __atomic_store_n(&cpu->work, fn, __ATOMIC_RELEASE);
    apic_send(cpu->apic_id, ICR_FIXED | ICR_ASSERT | VECTOR_WAKE);
}

uint64_t wait_for_cpu(uint32_t index)
{
    while (!__atomic_load_n(&cpus[index].work_done, __ATOMIC_ACQUIRE))
        cpu_pause();
    return cpus[index].work_result;
}

uint64_t on_cpu(uint32_t index, uint64_t (*fn)(void *arg), void *arg)
{
    if (index == this_cpu()->index)
        return fn(arg);
    start_on_cpu(index, fn, arg);
    return wait_for_cpu(index);
}
