// SPDX-License-Identifier: Apache-2.0
// See uart16550.h.
#include "uart16550.h"

namespace vp
{

namespace
{

enum register_offset { DATA, IER, IIR_FCR, LCR, MCR, LSR, MSR, SCRATCH };

constexpr std::uint8_t LCR_DLAB = 0x80;
constexpr std::uint8_t FCR_ENABLE = 0x01;
constexpr std::uint8_t FCR_CLEAR_RX = 0x02;
constexpr std::uint8_t IER_MASK = 0x0f, IER_RX = 0x01, IER_THRE = 0x02;
constexpr std::uint8_t IIR_NONE = 0x01, IIR_THRE = 0x02, IIR_RX = 0x04, IIR_FIFOS = 0xc0;
constexpr std::uint8_t MCR_MASK = 0x1f, MCR_OUT2 = 0x08, MCR_LOOPBACK = 0x10;
constexpr std::uint8_t LSR_DATA_READY = 0x01, LSR_THRE = 0x20, LSR_TEMT = 0x40;
constexpr std::uint8_t MSR_CTS = 0x10, MSR_DSR = 0x20, MSR_DCD = 0x80;

} // namespace

// In loopback OUT2 is inactive whatever its bit says.
void uart16550::update_irq(std::uint64_t now_ps)
{
    const bool is_wanted = (m_has_loopback && (m_ier & IER_RX)) || (m_thre_pending && (m_ier & IER_THRE));
    const bool level = is_wanted && (m_mcr & (MCR_OUT2 | MCR_LOOPBACK)) == MCR_OUT2;
    if (level == m_irq_level)
        return;
    m_irq_level = level;
    if (m_irq)
        m_irq(level, now_ps);
}

std::uint32_t uart16550::read(std::uint64_t offset, unsigned, std::uint64_t now_ps)
{
    const std::uint32_t value = register_read(offset);
    update_irq(now_ps);
    return value;
}

void uart16550::write(std::uint64_t offset, unsigned, std::uint32_t value, std::uint64_t now_ps)
{
    register_write(offset, static_cast<std::uint8_t>(value), now_ps);
    update_irq(now_ps);
}

std::uint32_t uart16550::register_read(std::uint64_t offset)
{
    switch (offset) {
    case DATA: {
        if (m_lcr & LCR_DLAB)
            return m_divisor_low;
        std::uint8_t value = m_has_loopback ? m_loopback : std::uint8_t{0};
        m_has_loopback = false;
        return value;
    }
    case IER: return m_lcr & LCR_DLAB ? m_divisor_high : m_ier;
    case IIR_FCR: {
        std::uint8_t fifos = m_fcr & FCR_ENABLE ? IIR_FIFOS : 0;
        if (m_has_loopback && (m_ier & IER_RX))
            return fifos | IIR_RX;
        if (m_thre_pending && (m_ier & IER_THRE)) {
            m_thre_pending = false; // reading IIR resets the transmitter-empty interrupt
            return fifos | IIR_THRE;
        }
        return fifos | IIR_NONE;
    }
    case LCR: return m_lcr;
    case MCR: return m_mcr;
    case LSR: return LSR_THRE | LSR_TEMT | (m_has_loopback ? LSR_DATA_READY : 0);
    case MSR: {
        if ((m_mcr & MCR_LOOPBACK) == 0)
            return MSR_CTS | MSR_DSR | MSR_DCD;
        // Loopback: DTR -> DSR, RTS -> CTS, OUT1 -> RI, OUT2 -> DCD
        unsigned m = m_mcr;
        return (m & 1u) << 5 | (m & 2u) << 3 | (m & 4u) << 4 | (m & 8u) << 4;
    }
    default: return m_scratch;
    }
}

void uart16550::register_write(std::uint64_t offset, std::uint8_t value, std::uint64_t now_ps)
{
    switch (offset) {
    case DATA:
        if (m_lcr & LCR_DLAB) {
            m_divisor_low = value;
            break;
        }
        m_thre_pending = false; // the holding register is full for an instant: a new edge for every byte
        update_irq(now_ps);
        if (m_mcr & MCR_LOOPBACK) {
            m_loopback = value;
            m_has_loopback = true;
        } else {
            m_transmit(value);
        }
        m_thre_pending = true;
        break;
    case IER:
        if (m_lcr & LCR_DLAB) {
            m_divisor_high = value;
        } else {
            // Enabling the transmitter-empty interrupt while the transmitter is empty raises it.
            m_thre_pending = m_thre_pending || (!(m_ier & IER_THRE) && (value & IER_THRE));
            m_ier = value & IER_MASK;
        }
        break;
    case IIR_FCR:
        m_fcr = value & FCR_ENABLE;
        if (value & FCR_CLEAR_RX)
            m_has_loopback = false;
        break;
    case LCR: m_lcr = value; break;
    case MCR: m_mcr = value & MCR_MASK; break;
    case SCRATCH: m_scratch = value; break;
    default: // LSR and MSR are read-only
        break;
    }
}

} // namespace vp
