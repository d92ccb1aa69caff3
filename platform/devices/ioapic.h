// SPDX-License-Identifier: Apache-2.0
// An I/O APIC with 24 pins. Source: Intel 82093AA data sheet, "Register Description" and "Signal Descriptions"; the EOI
// register at 40H is that of later parts (version 20H: Intel ICH data sheets), without which software could not end a
// level-triggered interrupt whose EOI broadcast is suppressed (SDM Vol. 3, "Directed EOI with x2APIC").
//
// Level: a message whenever the pin is active, unmasked and not in Remote IRR; EOI of the vector looks again. A level
// message that no APIC takes is tried again at the next change or access, and when one is enabled; Delivery Status
// shows it. Edge: a message when an unmasked pin becomes active; NMI, SMI, INIT and ExtINT are always edges. Polarity
// is resolved here.
#ifndef PLATFORM_DEVICES_IOAPIC_H
#define PLATFORM_DEVICES_IOAPIC_H

#include "device.h"
#include "ipi_msg.h"

#include <array>
#include <functional>

namespace vp
{

// Sends an interrupt message; false: no local APIC claims it.
using message_sink = std::function<bool(const struct ipi_msg &msg, std::uint64_t now_ps)>;

class ioapic : public device
{
  public:
    static constexpr unsigned PINS = 24;

    explicit ioapic(std::uint8_t id, message_sink send = {});
    unsigned width() const override { return 4; }
    std::uint64_t size() const override { return 0x1000; }
    std::uint32_t read(std::uint64_t offset, unsigned size, std::uint64_t now_ps) override;
    void write(std::uint64_t offset, unsigned size, std::uint32_t value, std::uint64_t now_ps) override;

    // Electrical level of a pin. Pins 0..15 rest low (ISA), 16..23 rest high (PCI).
    void set_line(unsigned pin, bool level, std::uint64_t now_ps);
    // EOI broadcast of a local APIC: clears Remote IRR of level pins.
    void eoi(std::uint8_t vector, std::uint64_t now_ps);
    // A local APIC takes interrupts that it did not before: levels that nobody claimed are sent again.
    void retry(std::uint64_t now_ps);
    bool is_masked(unsigned pin) const;

  private:
    std::uint32_t register_read() const;
    void register_write(std::uint32_t value, std::uint64_t now_ps);
    bool is_active(unsigned pin) const;
    bool send(unsigned pin, std::uint64_t now_ps);
    void look_at_level(unsigned pin, std::uint64_t now_ps);

    message_sink m_send;
    std::uint8_t m_select = 0;
    std::uint32_t m_id;
    std::uint32_t m_lines = 0x00ff0000; // bit per pin
    std::array<std::uint64_t, PINS> m_redirection;
};

} // namespace vp

#endif
