/* SPDX-License-Identifier: Apache-2.0 */
/* See madt.h. */
#include "madt.h"

#include "arch/acpi.h"
#include "string.h"

static const struct acpi_rsdp *find_rsdp(uint64_t offset)
{
    for (uint64_t a = offset + 0xe0000; a < offset + 0x100000; a += 16) {
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

static uint32_t list_one(const struct acpi_madt *madt, uint32_t *ids, uint32_t max)
{
    const uint8_t *end = (const uint8_t *)madt + madt->header.length;
    uint32_t n = 0;
    for (const uint8_t *e = madt->entries; e + 2 <= end && e[1] >= 2 && n < max; e += e[1]) {
        uint32_t words[4] = {0};
        memcpy(words, e, e[1] < sizeof words ? e[1] : sizeof words);
        if (e[0] == MADT_LAPIC && words[1] & MADT_ENABLED)
            ids[n++] = e[3];
        else if (e[0] == MADT_X2APIC && words[2] & MADT_ENABLED)
            ids[n++] = words[1];
    }
    return n;
}

uint32_t madt_list(uint64_t offset, uint32_t *ids, uint32_t max)
{
    const struct acpi_rsdp *rsdp = find_rsdp(offset);
    uint32_t n = 0;
    if (!rsdp)
        return 0;
    const struct acpi_header *rsdt = (const void *)(offset + rsdp->rsdt);
    const uint32_t *tables = (const uint32_t *)(rsdt + 1);
    for (uint32_t i = 0; i < (rsdt->length - sizeof *rsdt) / 4; i++) {
        const struct acpi_madt *madt = (const void *)(offset + tables[i]);
        if (memcmp(madt->header.signature, "APIC", 4) == 0)
            n += list_one(madt, ids + n, max - n);
    }
    return n;
}
