// SPDX-License-Identifier: Apache-2.0
// Message signalled interrupts: a 32-bit write to FEExxxxxH is an interrupt message. Source: SDM Vol. 3, "Message
// Signalled Interrupts" (message address and data register format). Whoever writes to the platform's memory bus can
// send one; a core's own APIC page does not get here. Address bits 11:4 are reserved: such writes are swallowed, so
// that accesses to the page of a disabled APIC send nothing. Reads answer all ones.
#ifndef PLATFORM_DEVICES_MSI_H
#define PLATFORM_DEVICES_MSI_H

#include "device.h"
#include "ioapic.h"

namespace vp
{

// The message of a write of `data` at `offset` of the window; false if it is none.
bool msi_message(std::uint64_t offset, std::uint32_t data, struct ipi_msg &msg);

class msi_window : public device
{
  public:
    explicit msi_window(message_sink send) : m_send(std::move(send)) {}
    unsigned width() const override { return 4; }
    std::uint64_t size() const override { return 0x100000; }
    std::uint32_t read(std::uint64_t offset, unsigned size, std::uint64_t now_ps) override;
    void write(std::uint64_t offset, unsigned size, std::uint32_t value, std::uint64_t now_ps) override;

  private:
    message_sink m_send;
};

} // namespace vp

#endif
