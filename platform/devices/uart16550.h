// SPDX-License-Identifier: Apache-2.0
// A 16550A UART that transmits at once and never receives. Source: National Semiconductor PC16550D data sheet,
// "Registers". Its interrupt line is gated by OUT2, as in a PC.
#ifndef PLATFORM_DEVICES_UART16550_H
#define PLATFORM_DEVICES_UART16550_H

#include "device.h"

#include <functional>

namespace vp
{

using byte_sink = std::function<void(unsigned char)>;

class uart16550 : public device
{
  public:
    // irq: level of the interrupt line, called when it changes; may be empty.
    using irq_sink = std::function<void(bool level, std::uint64_t now_ps)>;
    explicit uart16550(byte_sink transmit, irq_sink irq = {}) : m_transmit(std::move(transmit)), m_irq(std::move(irq))
    {
    }

    std::uint64_t size() const override { return 8; }
    std::uint32_t read(std::uint64_t offset, unsigned size, std::uint64_t now_ps) override;
    void write(std::uint64_t offset, unsigned size, std::uint32_t value, std::uint64_t now_ps) override;

  private:
    std::uint32_t register_read(std::uint64_t offset);
    void register_write(std::uint64_t offset, std::uint8_t value, std::uint64_t now_ps);
    void update_irq(std::uint64_t now_ps);

    byte_sink m_transmit;
    irq_sink m_irq;
    bool m_irq_level = false;
    std::uint8_t m_ier = 0; // interrupt enable
    std::uint8_t m_fcr = 0; // FIFO control
    std::uint8_t m_lcr = 0; // line control; bit 7 is DLAB
    std::uint8_t m_mcr = 0; // modem control; bit 4 is loopback
    std::uint8_t m_scratch = 0;
    std::uint8_t m_divisor_low = 1, m_divisor_high = 0;
    std::uint8_t m_loopback = 0; // a byte sent in loopback mode waits to be read
    bool m_has_loopback = false;
    bool m_thre_pending = false; // transmitter-empty interrupt not yet identified
};

} // namespace vp

#endif
