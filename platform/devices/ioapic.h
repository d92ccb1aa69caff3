// SPDX-License-Identifier: Apache-2.0
// The registers of an I/O APIC with 24 pins. Source: Intel 82093AA data sheet, "Register Description". The redirection
// table is stored and read back with its access rights; pins deliver nothing yet.
#ifndef PLATFORM_DEVICES_IOAPIC_H
#define PLATFORM_DEVICES_IOAPIC_H

#include "device.h"

#include <array>

namespace vp
{

class ioapic : public device
{
  public:
    static constexpr unsigned PINS = 24;

    explicit ioapic(std::uint8_t id);
    unsigned width() const override { return 4; }
    std::uint64_t size() const override { return 0x1000; }
    std::uint32_t read(std::uint64_t offset, unsigned size, std::uint64_t now_ps) override;
    void write(std::uint64_t offset, unsigned size, std::uint32_t value, std::uint64_t now_ps) override;
    void eoi(std::uint8_t vector); // broadcast of a local APIC: clears Remote IRR of level pins

  private:
    std::uint32_t register_read() const;
    void register_write(std::uint32_t value);

    std::uint8_t m_select = 0;
    std::uint32_t m_id;
    std::array<std::uint64_t, PINS> m_redirection;
};

} // namespace vp

#endif
