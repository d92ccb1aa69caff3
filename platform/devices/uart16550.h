// SPDX-License-Identifier: Apache-2.0
// A 16550A UART. Source: National Semiconductor PC16550D data sheet, "Registers" and "FIFO Interrupt Mode Operation".
// Its interrupt line is gated by OUT2, as in a PC.
//
// What it transmits takes no time. What it receives takes as long as divisor and frame say, and comes from a sender
// that waits while the receiver is full: nothing from the line is lost, so only loopback (which takes no time either)
// can overrun. A receiver that is not interested never asks for a byte. Parity, framing and break do not occur; MSR
// never changes.
//
// Between accesses the receiver acts at next_ps(); whoever owns it calls look() then. Without such calls all that would
// have happened happens at the next access.
#ifndef PLATFORM_DEVICES_UART16550_H
#define PLATFORM_DEVICES_UART16550_H

#include "device.h"

#include <deque>
#include <functional>
#include <optional>

namespace vp
{

using byte_sink = std::function<void(unsigned char)>;

// The other end of the receive line.
class byte_source
{
  public:
    virtual ~byte_source() = default;
    virtual bool take(std::uint8_t &byte) = 0; // false: there is none now
    // The receiver threw away the `count` bytes that were taken last: they are to come again.
    virtual void take_back(unsigned count) = 0;
};

class uart16550 : public device
{
  public:
    // irq: level of the interrupt line, called when it changes; may be empty.
    using irq_sink = std::function<void(bool level, std::uint64_t now_ps)>;
    // line: must outlive the UART; null: nothing is connected.
    explicit uart16550(byte_sink transmit, irq_sink irq = {}, byte_source *line = nullptr)
        : m_transmit(std::move(transmit)), m_irq(std::move(irq)), m_line(line)
    {
    }

    std::uint64_t size() const override { return 8; }
    std::uint32_t read(std::uint64_t offset, unsigned size, std::uint64_t now_ps) override;
    void write(std::uint64_t offset, unsigned size, std::uint32_t value, std::uint64_t now_ps) override;

    // Time has come to now_ps, or the line has something that it had not before.
    void look(std::uint64_t now_ps);
    // When the interrupt line may change by itself; UINT64_MAX: not before the next access or byte on the line.
    std::uint64_t next_ps() const;

    // The guest has shown that it wants to receive: it has enabled the interrupt or read RBR, outside of loopback.
    bool is_wanted() const { return m_is_wanted; }
    bool is_listening() const;                                        // what comes in now would interrupt
    bool is_drained() const { return m_fifo.empty() && !m_incoming; } // the guest has read all that came
    unsigned polls() const { return m_polls; }                        // reads of LSR in a row that found no data

  private:
    struct received {
        std::uint8_t byte;
        bool is_from_line; // else from loopback
    };

    std::uint32_t register_read(std::uint64_t offset);
    void register_write(std::uint64_t offset, std::uint8_t value);
    void write_fcr(std::uint8_t value);
    void write_mcr(std::uint8_t value);
    std::uint8_t identify_interrupt();
    std::uint8_t read_lsr();
    std::uint8_t read_rbr();
    void advance(std::uint64_t now_ps);
    void begin_character();
    void receive(received r);
    void clear_fifo();
    void update_irq();
    bool is_in_loopback() const;
    bool has_line_to_pic() const;
    std::uint64_t character_ps() const;
    unsigned room() const;          // bytes that the receiver can hold
    unsigned trigger_level() const; // bytes in it that interrupt
    std::uint64_t arrival_ps() const;
    std::uint64_t timeout_ps() const;

    byte_sink m_transmit;
    irq_sink m_irq;
    byte_source *m_line;
    bool m_irq_level = false;
    std::uint64_t m_now_ps = 0; // of the latest access or event
    std::uint8_t m_ier = 0;     // interrupt enable
    std::uint8_t m_fcr = 0;     // FIFO control
    std::uint8_t m_lcr = 0;     // line control; bit 7 is DLAB
    std::uint8_t m_mcr = 0;     // modem control; bit 4 is loopback
    std::uint8_t m_scratch = 0;
    std::uint8_t m_divisor_low = 1, m_divisor_high = 0;
    std::deque<received> m_fifo;
    std::uint64_t m_fifo_used_ps = 0;       // a byte was last put in or read
    std::optional<std::uint8_t> m_incoming; // on the line; complete at m_arrival_ps, and then waits for room
    std::uint64_t m_arrival_ps = 0;         // also of the last one that came
    bool m_has_overrun = false;
    bool m_is_wanted = false;
    unsigned m_polls = 0;
    bool m_thre_pending = false; // transmitter-empty interrupt not yet identified
};

} // namespace vp

#endif
