// SPDX-License-Identifier: Apache-2.0
// See acpi_tables.h. Tables are built as bytes because their layout is packed and little-endian.
#include "acpi_tables.h"

#include "address_map.h"

#include <string>

namespace vp
{

namespace
{

using bytes = std::vector<unsigned char>;

constexpr std::size_t RSDP_SIZE = 36, RSDP_V1_SIZE = 20;
constexpr std::size_t LENGTH_OFFSET = 4, CHECKSUM_OFFSET = 9;
constexpr std::uint32_t MADT_PCAT_COMPAT = 1; // the machine also has two 8259s
constexpr std::uint32_t LAPIC_ENABLED = 1;
constexpr std::uint32_t FIRST_X2APIC_ONLY_ID = 255;

void put(bytes &b, std::uint64_t value, unsigned size)
{
    for (unsigned i = 0; i < size; i++)
        b.push_back(static_cast<unsigned char>(value >> 8 * i));
}

void put_text(bytes &b, const std::string &text) { b.insert(b.end(), text.begin(), text.end()); }

// The byte that makes the sum of b[0..size) zero, given that its place is zero now.
unsigned char checksum(const bytes &b, std::size_t size)
{
    unsigned sum = 0;
    for (std::size_t i = 0; i < size; i++)
        sum += b[i];
    return static_cast<unsigned char>(0u - sum);
}

// "System Description Table Header"
bytes table(const char *signature, unsigned char revision)
{
    bytes b;
    put_text(b, signature);
    put(b, 0, 4); // length
    b.push_back(revision);
    b.push_back(0); // checksum
    put_text(b, "UINTRV");
    put_text(b, "UINTR-VP");
    put(b, 1, 4);
    put_text(b, "UIVP");
    put(b, 1, 4);
    return b;
}

void finish(bytes &b)
{
    for (unsigned i = 0; i < 4; i++)
        b[LENGTH_OFFSET + i] = static_cast<unsigned char>(b.size() >> 8 * i);
    b[CHECKSUM_OFFSET] = checksum(b, b.size());
}

// "Multiple APIC Description Table"
bytes madt(const acpi_topology &topology)
{
    bytes b = table("APIC", 5);
    put(b, LAPIC_BASE, 4);
    put(b, MADT_PCAT_COMPAT, 4);
    for (std::uint32_t id = 0; id < topology.cores; id++) {
        if (id < FIRST_X2APIC_ONLY_ID) { // Processor Local APIC: UID, APIC ID, flags
            put(b, 0, 1);
            put(b, 8, 1);
            put(b, id, 1);
            put(b, id, 1);
            put(b, LAPIC_ENABLED, 4);
        } else { // Processor Local x2APIC
            put(b, 9, 1);
            put(b, 16, 1);
            put(b, 0, 2);
            put(b, id, 4);
            put(b, LAPIC_ENABLED, 4);
            put(b, id, 4);
        }
    }
    put(b, 1, 1); // I/O APIC: ID, address, first global interrupt
    put(b, 12, 1);
    put(b, topology.ioapic_id, 1);
    put(b, 0, 1);
    put(b, IOAPIC_BASE, 4);
    put(b, 0, 4);
    put(b, 2, 1); // Interrupt Source Override: the PIT's IRQ 0 is on pin 2
    put(b, 10, 1);
    put(b, 0, 1);
    put(b, 0, 1);
    put(b, 2, 4);
    put(b, 0, 2);
    finish(b);
    return b;
}

std::size_t aligned(std::size_t n) { return (n + 15) / 16 * 16; }

} // namespace

std::vector<unsigned char> acpi_tables(const acpi_topology &topology, std::uint32_t base)
{
    bytes madt_bytes = madt(topology);
    const std::size_t rsdt_at = aligned(RSDP_SIZE);
    const std::size_t rsdt_size = 36 + 4, xsdt_size = 36 + 8;
    const std::size_t xsdt_at = aligned(rsdt_at + rsdt_size);
    const std::size_t madt_at = aligned(xsdt_at + xsdt_size);

    bytes rsdt = table("RSDT", 1);
    put(rsdt, base + madt_at, 4);
    finish(rsdt);
    bytes xsdt = table("XSDT", 1);
    put(xsdt, base + madt_at, 8);
    finish(xsdt);

    bytes rsdp; // "Root System Description Pointer"
    put_text(rsdp, "RSD PTR ");
    put(rsdp, 0, 1); // checksum of the first 20 bytes
    put_text(rsdp, "UINTRV");
    put(rsdp, 2, 1);
    put(rsdp, base + rsdt_at, 4);
    put(rsdp, RSDP_SIZE, 4);
    put(rsdp, base + xsdt_at, 8);
    put(rsdp, 0, 4); // extended checksum, reserved
    rsdp[8] = checksum(rsdp, RSDP_V1_SIZE);
    rsdp[32] = checksum(rsdp, RSDP_SIZE);

    bytes all(madt_at + madt_bytes.size());
    auto place = [&all](const bytes &b, std::size_t at) {
        for (std::size_t i = 0; i < b.size(); i++)
            all[at + i] = b[i];
    };
    place(rsdp, 0);
    place(rsdt, rsdt_at);
    place(xsdt, xsdt_at);
    place(madt_bytes, madt_at);
    return all;
}

} // namespace vp
