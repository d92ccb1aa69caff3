/* SPDX-License-Identifier: Apache-2.0 */
/* Starting and employing the other cores. SDM Vol. 3A, "Multiple-Processor (MP) Initialization": INIT, then two
 * start-up IPIs whose vector names the page of the trampoline.
 */
#include "smp.h"

#include "apic.h"
#include "arch/acpi.h"
#include "arch/insn.h"
#include "boot.h"
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

static const struct acpi_rsdp *find_rsdp(void)
{
    for (uint64_t a = 0xe0000; a < 0x100000; a += 16) {
        const struct acpi_rsdp *rsdp = (const void *)a;
        if (memcmp(rsdp->signature, "RSD PTR ", 8) == 0) {
            uint8_t sum = 0;
            for (int i = 0; i < 20; i++)
                sum = (uint8_t)(sum + ((const uint8_t *)a)[i]);
            if (sum == 0)
                return rsdp;
        }
    }
    return NULL;
}

static void add_listed(uint32_t id, uint32_t flags)
{
    if (flags & MADT_ENABLED && listed < LISTED_MAX)
        listed_ids[listed++] = id;
}

static void read_madt(void)
{
    const struct acpi_rsdp *rsdp = find_rsdp();
    if (!rsdp)
        return;
    const struct acpi_header *rsdt = (const void *)(uint64_t)rsdp->rsdt;
    const uint32_t *tables = (const uint32_t *)(rsdt + 1);
    for (uint32_t i = 0; i < (rsdt->length - sizeof *rsdt) / 4; i++) {
        const struct acpi_madt *madt = (const void *)(uint64_t)tables[i];
        if (memcmp(madt->header.signature, "APIC", 4) != 0)
            continue;
        const uint8_t *end = (const uint8_t *)madt + madt->header.length;
        for (const uint8_t *e = madt->entries; e + 2 <= end && e[1] >= 2; e += e[1]) {
            uint32_t words[4] = {0};
            memcpy(words, e, e[1] < sizeof words ? e[1] : sizeof words);
            if (e[0] == MADT_LAPIC)
                add_listed(e[3], words[1]);
            else if (e[0] == MADT_X2APIC)
                add_listed(words[1], words[2]);
        }
    }
}

uint32_t smp_listed(void)
{
    if (!listed)
        read_madt();
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
