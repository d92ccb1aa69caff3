// SPDX-License-Identifier: Apache-2.0
// The ACPI tables that tell a guest its topology: RSDP, RSDT, XSDT and MADT. Source: ACPI Specification 6.4, chapter
// "ACPI Software Programming Model". There is no FADT and no AML: this machine has no power management.
#ifndef PLATFORM_DEVICES_ACPI_TABLES_H
#define PLATFORM_DEVICES_ACPI_TABLES_H

#include <cstdint>
#include <vector>

namespace vp
{

struct acpi_topology {
    std::uint32_t cores; // APIC ID = index
    std::uint32_t ioapic_id;
};

// The bytes that belong at physical address `base` (16-byte aligned, below 4 GiB): the RSDP first, then the tables.
std::vector<unsigned char> acpi_tables(const acpi_topology &topology, std::uint32_t base);

} // namespace vp

#endif
