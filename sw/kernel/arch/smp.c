/* SPDX-License-Identifier: Apache-2.0 */
/* Starting the other cores: those that the ACPI MADT lists, one after the other. SDM Vol. 3A, "Multiple-Processor (MP)
 * Initialization"; ACPI specification, "Multiple APIC Description Table". */
#include "arch/acpi.h"
#include "arch/apic.h"
#include "arch/boot.h"
#include "arch/cpu.h"
#include "arch/insn.h"
#include "mm/page.h"
#include "string.h"

uint64_t ap_stack_top;
volatile uint32_t ap_index;

static void wait_ns(uint64_t ns)
{
    uint64_t end = clock_now() + ns;
    while (clock_now() < end)
        cpu_pause();
}

static void start_core(uint32_t apic_id)
{
    uint32_t index = cpu_count;
    if (index == CPUS_MAX || apic_id == this_cpu()->apic_id)
        return;
    struct task *idle = sched_create_idle(index);
    if (!idle)
        panic("no memory for core %u", index);
    ap_stack_top = (uint64_t)(idle->kernel_stack + KERNEL_STACK_BYTES);
    ap_index = index;
    apic_send_start(apic_id, ICR_INIT);
    wait_ns(10000);
    for (int attempt = 0; attempt < 2 && !cpus[index].is_online; attempt++) {
        apic_send_start(apic_id, ICR_STARTUP | TRAMPOLINE_ADDRESS / 4096);
        for (int i = 0; i < 1000 && !cpus[index].is_online; i++)
            wait_ns(10000);
    }
    if (cpus[index].is_online)
        cpu_count++;
    else
        klog("core with APIC ID %u does not start", apic_id);
}

static const struct acpi_rsdp *find_rsdp(void)
{
    for (uint64_t a = 0xe0000; a < 0x100000; a += 16) {
        const struct acpi_rsdp *rsdp = phys_to_virt(a);
        if (memcmp(rsdp->signature, "RSD PTR ", 8) == 0)
            return rsdp;
    }
    return NULL;
}

static void start_listed(const struct acpi_madt *madt)
{
    const uint8_t *end = (const uint8_t *)madt + madt->header.length;
    for (const uint8_t *e = madt->entries; e + 2 <= end && e[1] >= 2; e += e[1]) {
        uint32_t words[4] = {0};
        memcpy(words, e, MIN((size_t)e[1], sizeof words));
        if (e[0] == MADT_LAPIC && words[1] & MADT_ENABLED)
            start_core(e[3]);
        else if (e[0] == MADT_X2APIC && words[2] & MADT_ENABLED)
            start_core(words[1]);
    }
}

void smp_start(void)
{
    const struct acpi_rsdp *rsdp = find_rsdp();
    memcpy(phys_to_virt(TRAMPOLINE_ADDRESS), trampoline_start, (size_t)(trampoline_end - trampoline_start));
    cpus[0].is_online = true;
    if (!rsdp)
        return;
    const struct acpi_header *rsdt = phys_to_virt(rsdp->rsdt);
    const uint32_t *tables = (const uint32_t *)(rsdt + 1);
    for (uint32_t i = 0; i < (rsdt->length - sizeof *rsdt) / 4; i++) {
        const struct acpi_madt *madt = phys_to_virt(tables[i]);
        if (memcmp(madt->header.signature, "APIC", 4) == 0)
            start_listed(madt);
    }
}
