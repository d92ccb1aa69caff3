// SPDX-License-Identifier: Apache-2.0
// The machine as the guest sees it: physical addresses and ports. Guest software has its own definitions on purpose.
#ifndef PLATFORM_ADDRESS_MAP_H
#define PLATFORM_ADDRESS_MAP_H

#include <cstdint>

namespace vp
{

// RAM from 0; what does not fit below the hole continues at 4 GiB.
constexpr std::uint64_t HOLE_FIRST = 0xc0000000;
constexpr std::uint64_t HIGH_RAM_FIRST = 0x100000000;

// Low memory: boot information and tables that the platform writes before the guest starts.
constexpr std::uint64_t BOOT_INFO_FIRST = 0x90000; // Multiboot information, strings
constexpr std::uint64_t BOOT_INFO_LAST = 0x9ffff;
constexpr std::uint64_t ACPI_FIRST = 0xe0000; // RSDP: searched from E0000H to FFFFFH
constexpr std::uint64_t ACPI_LAST = 0xfffff;
constexpr std::uint64_t EXTENDED_FIRST = 0x100000;

constexpr std::uint64_t VIRTIO_BLK_BASE = 0xfeb00000; // if there is a disk
constexpr std::uint64_t IOAPIC_BASE = 0xfec00000;
constexpr std::uint64_t IOAPIC_SIZE = 0x1000;
constexpr std::uint64_t LAPIC_BASE = 0xfee00000;
constexpr std::uint64_t MSI_FIRST = 0xfee00000; // FEExxxxxH but for the APIC page of the core that writes

constexpr std::uint16_t PORT_PIC_MASTER = 0x20;
constexpr std::uint16_t PORT_PIT = 0x40;
constexpr std::uint16_t PORT_RTC = 0x70;
constexpr std::uint16_t PORT_PIC_SLAVE = 0xa0;
constexpr std::uint16_t PORT_DEBUG = 0xe9;
constexpr std::uint16_t PORT_EXIT = 0xf4;
constexpr std::uint16_t PORT_COM1 = 0x3f8;
constexpr std::uint16_t PORT_TRACE = 0x5e0;

// How a RAM of so many bytes is laid out.
struct ram_layout {
    std::uint64_t low_bytes, high_bytes;

    explicit ram_layout(std::uint64_t bytes)
        : low_bytes(bytes < HOLE_FIRST ? bytes : HOLE_FIRST), high_bytes(bytes - low_bytes)
    {
    }
    std::uint64_t top() const { return high_bytes != 0 ? HIGH_RAM_FIRST + high_bytes : low_bytes; }
};

} // namespace vp

#endif
