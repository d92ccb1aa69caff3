/* SPDX-License-Identifier: Apache-2.0 */
/* The few ACPI structures that lead to the list of processors: ACPI Specification 6.4, "Root System Description
 * Pointer", "Multiple APIC Description Table (MADT)".
 */
#ifndef ARCH_ACPI_H
#define ARCH_ACPI_H

#include <stdint.h>

struct acpi_rsdp {
    char signature[8]; /* "RSD PTR " */
    uint8_t checksum;  /* first 20 bytes sum to 0 */
    char oem[6];
    uint8_t revision;
    uint32_t rsdt;
} __attribute__((packed));

struct acpi_header {
    char signature[4];
    uint32_t length;
    uint8_t revision, checksum;
    char oem[6], oem_table[8];
    uint32_t oem_revision, creator, creator_revision;
} __attribute__((packed));

struct acpi_madt {
    struct acpi_header header;
    uint32_t lapic_address, flags;
    uint8_t entries[];
} __attribute__((packed));

#define MADT_LAPIC 0
#define MADT_X2APIC 9
#define MADT_ENABLED 1

#endif
