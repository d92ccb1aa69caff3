// SPDX-License-Identifier: Apache-2.0
// See uart16550.h.
#include "uart16550.h"

#include <algorithm>
#include <array>

namespace vp
{

namespace
{

enum register_offset { DATA, IER, IIR_FCR, LCR, MCR, LSR, MSR, SCRATCH };

constexpr std::uint8_t LCR_DATA_BITS = 0x03, LCR_STOP = 0x04, LCR_PARITY = 0x08, LCR_DLAB = 0x80;
constexpr std::uint8_t FCR_ENABLE = 0x01, FCR_CLEAR_RX = 0x02, FCR_KEPT = 0xc9, FCR_TRIGGER_SHIFT = 6;
constexpr std::uint8_t IER_MASK = 0x0f, IER_RX = 0x01, IER_THRE = 0x02, IER_LINE = 0x04;
constexpr std::uint8_t IIR_NONE = 0x01, IIR_THRE = 0x02, IIR_RX = 0x04, IIR_LINE = 0x06, IIR_TIMEOUT = 0x0c,
                       IIR_FIFOS = 0xc0;
constexpr std::uint8_t MCR_MASK = 0x1f, MCR_OUT2 = 0x08, MCR_LOOPBACK = 0x10;
constexpr std::uint8_t LSR_DATA_READY = 0x01, LSR_OVERRUN = 0x02, LSR_THRE = 0x20, LSR_TEMT = 0x40;
constexpr std::uint8_t MSR_CTS = 0x10, MSR_DSR = 0x20, MSR_DCD = 0x80;
constexpr unsigned FIFO_BYTES = 16;

} // namespace

bool uart16550::is_in_loopback() const { return (m_mcr & MCR_LOOPBACK) != 0; }

// In loopback OUT2 is inactive whatever its bit says.
bool uart16550::has_line_to_pic() const { return (m_mcr & (MCR_OUT2 | MCR_LOOPBACK)) == MCR_OUT2; }

bool uart16550::is_listening() const { return (m_ier & IER_RX) != 0 && has_line_to_pic(); }

void uart16550::update_irq()
{
    const bool has_data = m_fifo.size() >= trigger_level() || m_now_ps >= timeout_ps();
    const bool is_wanted = (m_has_overrun && (m_ier & IER_LINE)) || (has_data && (m_ier & IER_RX)) ||
                           (m_thre_pending && (m_ier & IER_THRE));
    const bool level = is_wanted && has_line_to_pic();
    if (level == m_irq_level)
        return;
    m_irq_level = level;
    if (m_irq)
        m_irq(level, m_now_ps);
}

// --- the receiver ---

// Start bit, 5 to 8 data bits, parity, 1 or 2 stop bits, of 16 clocks of 1.8432 MHz each, divided.
std::uint64_t uart16550::character_ps() const
{
    constexpr std::uint64_t CLOCK_HZ = 1843200, CLOCKS_PER_BIT = 16, PS_PER_SECOND = 1000000000000;
    const std::uint64_t bits =
        1 + 5 + (m_lcr & LCR_DATA_BITS) + (m_lcr & LCR_PARITY ? 1 : 0) + (m_lcr & LCR_STOP ? 2 : 1);
    const std::uint64_t divisor = static_cast<std::uint64_t>(m_divisor_high) << 8 | m_divisor_low;
    return bits * divisor * CLOCKS_PER_BIT * PS_PER_SECOND / CLOCK_HZ;
}

unsigned uart16550::room() const { return m_fcr & FCR_ENABLE ? FIFO_BYTES : 1; }

unsigned uart16550::trigger_level() const
{
    static constexpr std::array<unsigned, 4> levels{1, 4, 8, 14};
    return m_fcr & FCR_ENABLE ? levels[m_fcr >> FCR_TRIGGER_SHIFT] : 1;
}

std::uint64_t uart16550::arrival_ps() const { return m_incoming && m_fifo.size() < room() ? m_arrival_ps : UINT64_MAX; }

// "At least one character is in the FIFO", and for four character times none has come and none was read.
std::uint64_t uart16550::timeout_ps() const
{
    constexpr unsigned CHARACTERS = 4;
    return m_fifo.empty() || !(m_fcr & FCR_ENABLE) ? UINT64_MAX : m_fifo_used_ps + CHARACTERS * character_ps();
}

std::uint64_t uart16550::next_ps() const
{
    if (!is_listening() || m_irq_level)
        return UINT64_MAX;
    return std::min(arrival_ps(), timeout_ps());
}

// The line is free from m_arrival_ps on. A sender that had nothing to send begins now.
void uart16550::begin_character()
{
    std::uint8_t byte = 0;
    if (m_incoming || !m_is_wanted || m_line == nullptr || is_in_loopback() || !m_line->take(byte))
        return;
    m_incoming = byte;
    m_arrival_ps = std::max(m_arrival_ps, m_now_ps) + character_ps();
}

// All that happens by itself up to now_ps, at its own time: timeouts and arrivals. Cores are a little ahead of each
// other: time never goes back.
void uart16550::advance(std::uint64_t now_ps)
{
    now_ps = std::max(now_ps, m_now_ps);
    for (;;) {
        const std::uint64_t arrives = std::max(arrival_ps(), m_now_ps); // at once what has waited for room
        const std::uint64_t times_out = timeout_ps();
        if (times_out > m_now_ps && times_out <= std::min(arrives, now_ps)) {
            m_now_ps = times_out;
        } else if (arrives <= now_ps) {
            m_now_ps = m_arrival_ps = arrives;
            receive({*m_incoming, true});
            m_incoming.reset();
            begin_character();
        } else {
            break;
        }
        update_irq();
    }
    m_now_ps = now_ps;
    begin_character();
}

// A byte that finds the receiver full sets OE. With FIFOs it is lost itself; without it takes the place of the last.
void uart16550::receive(received r)
{
    m_fifo_used_ps = m_now_ps;
    if (m_fifo.size() >= room()) {
        m_has_overrun = true;
        if (m_fcr & FCR_ENABLE)
            return;
        m_fifo.pop_back();
    }
    m_fifo.push_back(r);
}

// To the guest, bytes that come again are bytes that came after the clearing.
void uart16550::clear_fifo()
{
    auto lost = std::count_if(m_fifo.begin(), m_fifo.end(), [](received r) { return r.is_from_line; });
    m_fifo.clear();
    if (lost != 0 && m_incoming) { // it must not overtake them
        m_incoming.reset();
        lost++;
    }
    if (lost != 0)
        m_line->take_back(static_cast<unsigned>(lost));
}

std::uint8_t uart16550::read_rbr()
{
    m_is_wanted = m_is_wanted || !is_in_loopback();
    if (m_fifo.empty())
        return 0;
    const std::uint8_t byte = m_fifo.front().byte;
    m_fifo.pop_front();
    m_fifo_used_ps = m_now_ps;
    return byte;
}

std::uint8_t uart16550::read_lsr()
{
    const std::uint8_t overrun = m_has_overrun ? LSR_OVERRUN : 0;
    m_has_overrun = false; // reading LSR resets OE
    m_polls = m_fifo.empty() ? m_polls + 1 : 0;
    return LSR_THRE | LSR_TEMT | overrun | (m_fifo.empty() ? 0 : LSR_DATA_READY);
}

// "Interrupt Control Functions": the highest priority first.
std::uint8_t uart16550::identify_interrupt()
{
    if (m_has_overrun && (m_ier & IER_LINE))
        return IIR_LINE;
    if (m_fifo.size() >= trigger_level() && (m_ier & IER_RX))
        return IIR_RX;
    if (m_now_ps >= timeout_ps() && (m_ier & IER_RX))
        return IIR_TIMEOUT;
    if (m_thre_pending && (m_ier & IER_THRE)) {
        m_thre_pending = false; // reading IIR resets the transmitter-empty interrupt
        return IIR_THRE;
    }
    return IIR_NONE;
}

// --- registers ---

void uart16550::look(std::uint64_t now_ps) { advance(now_ps); }

// What an access changes may begin something: a character on the line, a timeout.
std::uint32_t uart16550::read(std::uint64_t offset, unsigned, std::uint64_t now_ps)
{
    advance(now_ps);
    const std::uint32_t value = register_read(offset);
    if (offset != LSR)
        m_polls = 0;
    update_irq();
    advance(now_ps);
    return value;
}

void uart16550::write(std::uint64_t offset, unsigned, std::uint32_t value, std::uint64_t now_ps)
{
    advance(now_ps);
    m_polls = 0;
    register_write(offset, static_cast<std::uint8_t>(value));
    m_is_wanted = m_is_wanted || ((m_ier & IER_RX) != 0 && !is_in_loopback());
    update_irq();
    advance(now_ps);
}

std::uint32_t uart16550::register_read(std::uint64_t offset)
{
    switch (offset) {
    case DATA: return m_lcr & LCR_DLAB ? m_divisor_low : read_rbr();
    case IER: return m_lcr & LCR_DLAB ? m_divisor_high : m_ier;
    case IIR_FCR: return (m_fcr & FCR_ENABLE ? IIR_FIFOS : 0u) | identify_interrupt();
    case LCR: return m_lcr;
    case MCR: return m_mcr;
    case LSR: return read_lsr();
    case MSR: {
        if (!is_in_loopback())
            return MSR_CTS | MSR_DSR | MSR_DCD;
        // Loopback: DTR -> DSR, RTS -> CTS, OUT1 -> RI, OUT2 -> DCD
        unsigned m = m_mcr;
        return (m & 1u) << 5 | (m & 2u) << 3 | (m & 4u) << 4 | (m & 8u) << 4;
    }
    default: return m_scratch;
    }
}

// In loopback SIN is disconnected: what is on the line comes later.
void uart16550::write_mcr(std::uint8_t value)
{
    m_mcr = value & MCR_MASK;
    if (is_in_loopback() && m_incoming) {
        m_incoming.reset();
        m_line->take_back(1);
    }
}

// Bit 0 must be 1 when the others are written, or they are not programmed; its change clears the FIFOs.
void uart16550::write_fcr(std::uint8_t value)
{
    const bool is_change = ((value ^ m_fcr) & FCR_ENABLE) != 0;
    if (is_change || (value & (FCR_ENABLE | FCR_CLEAR_RX)) == (FCR_ENABLE | FCR_CLEAR_RX))
        clear_fifo();
    m_fcr = value & FCR_ENABLE ? value & FCR_KEPT : 0;
}

void uart16550::register_write(std::uint64_t offset, std::uint8_t value)
{
    switch (offset) {
    case DATA:
        if (m_lcr & LCR_DLAB) {
            m_divisor_low = value;
            break;
        }
        m_thre_pending = false; // the holding register is full for an instant: a new edge for every byte
        update_irq();
        if (is_in_loopback())
            receive({value, false});
        else
            m_transmit(value);
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
    case IIR_FCR: write_fcr(value); break;
    case LCR: m_lcr = value; break;
    case MCR: write_mcr(value); break;
    case SCRATCH: m_scratch = value; break;
    default: // LSR and MSR are read-only
        break;
    }
}

} // namespace vp
