// SPDX-License-Identifier: Apache-2.0
// See ioapic.h. IOREGSEL at offset 0 selects, IOWIN at offset 10H reads and writes, EOI is at 40H; only 32-bit accesses
// count.
#include "ioapic.h"

namespace vp
{

namespace
{

constexpr std::uint64_t IOREGSEL = 0x00, IOWIN = 0x10, EOI_REGISTER = 0x40;
constexpr std::uint8_t IOAPICID = 0x00, IOAPICVER = 0x01, IOAPICARB = 0x02, IOREDTBL = 0x10;
constexpr std::uint32_t VERSION = 0x20;
constexpr std::uint32_t ID_MASK = 0x0f000000;

// Redirection entry: bit 12 delivery status and bit 14 remote IRR are read-only; bits 55..17 are reserved.
constexpr std::uint64_t WRITABLE = 0xff0000000001afff;
constexpr std::uint64_t VECTOR = 0xff;
constexpr unsigned MODE_SHIFT = 8, DESTINATION_SHIFT = 56;
constexpr std::uint64_t LOGICAL = 1u << 11;
constexpr std::uint64_t SEND_PENDING = 1u << 12;
constexpr std::uint64_t ACTIVE_LOW = 1u << 13;
constexpr std::uint64_t REMOTE_IRR = 1u << 14;
constexpr std::uint64_t LEVEL = 1u << 15;
constexpr std::uint64_t MASKED = 1u << 16;

std::uint8_t mode_of(std::uint64_t entry) { return static_cast<std::uint8_t>(entry >> MODE_SHIFT & 7); }

// "Delivery Mode": everything but fixed and lowest priority is treated as an edge even if programmed as a level.
bool is_level(std::uint64_t entry)
{
    return (entry & LEVEL) && (mode_of(entry) == IPI_FIXED || mode_of(entry) == IPI_LOWEST_PRIORITY);
}

bool is_mode(std::uint8_t mode) { return mode != 3 && mode != IPI_STARTUP; } // 011 and 110 are reserved

} // namespace

ioapic::ioapic(std::uint8_t id, message_sink send)
    : m_send(std::move(send)), m_id(static_cast<std::uint32_t>(id) << 24 & ID_MASK)
{
    m_redirection.fill(MASKED);
}

bool ioapic::is_masked(unsigned pin) const { return (m_redirection[pin] & MASKED) != 0; }

bool ioapic::is_active(unsigned pin) const
{
    const bool high = (m_lines >> pin & 1) != 0;
    return high != ((m_redirection[pin] & ACTIVE_LOW) != 0);
}

bool ioapic::send(unsigned pin, std::uint64_t now_ps)
{
    const std::uint64_t entry = m_redirection[pin];
    if (!is_mode(mode_of(entry)) || !m_send)
        return false;
    struct ipi_msg msg = {};
    msg.destination = static_cast<std::uint32_t>(entry >> DESTINATION_SHIFT);
    msg.vector = static_cast<std::uint8_t>(entry & VECTOR);
    msg.delivery_mode = mode_of(entry);
    msg.logical = (entry & LOGICAL) != 0;
    msg.level = is_level(entry);
    msg.assert_level = true;
    return m_send(msg, now_ps);
}

void ioapic::look_at_level(unsigned pin, std::uint64_t now_ps)
{
    std::uint64_t &entry = m_redirection[pin];
    entry &= ~SEND_PENDING;
    if (!is_level(entry) || (entry & (MASKED | REMOTE_IRR)) || !is_active(pin))
        return;
    entry |= send(pin, now_ps) ? REMOTE_IRR : SEND_PENDING;
}

void ioapic::set_line(unsigned pin, bool level, std::uint64_t now_ps)
{
    const bool before = is_active(pin);
    m_lines = level ? m_lines | 1u << pin : m_lines & ~(1u << pin);
    if (is_level(m_redirection[pin]))
        look_at_level(pin, now_ps);
    else if (!before && is_active(pin) && !is_masked(pin)) // an edge at a masked pin is lost
        (void)send(pin, now_ps);
}

void ioapic::eoi(std::uint8_t vector, std::uint64_t now_ps)
{
    for (unsigned pin = 0; pin < PINS; pin++) {
        std::uint64_t &entry = m_redirection[pin];
        if (!is_level(entry))
            continue;
        if ((entry & VECTOR) == vector)
            entry &= ~REMOTE_IRR;
        look_at_level(pin, now_ps);
    }
}

void ioapic::retry(std::uint64_t now_ps)
{
    for (unsigned pin = 0; pin < PINS; pin++)
        if (m_redirection[pin] & SEND_PENDING)
            look_at_level(pin, now_ps);
}

std::uint32_t ioapic::register_read() const
{
    switch (m_select) {
    case IOAPICID:
    case IOAPICARB: return m_id; // the arbitration ID is loaded whenever the ID is written
    case IOAPICVER: return VERSION | (PINS - 1) << 16;
    default: break;
    }
    unsigned index = m_select - IOREDTBL;
    if (m_select < IOREDTBL || index >= 2 * PINS)
        return 0;
    std::uint64_t entry = m_redirection[index / 2];
    return static_cast<std::uint32_t>(index % 2 == 0 ? entry : entry >> 32);
}

void ioapic::register_write(std::uint32_t value, std::uint64_t now_ps)
{
    if (m_select == IOAPICID)
        m_id = value & ID_MASK;
    unsigned index = m_select - IOREDTBL;
    if (m_select < IOREDTBL || index >= 2 * PINS)
        return;
    std::uint64_t &entry = m_redirection[index / 2];
    std::uint64_t half = index % 2 == 0 ? 0xffffffff : 0xffffffff00000000;
    std::uint64_t shifted = index % 2 == 0 ? value : static_cast<std::uint64_t>(value) << 32;
    std::uint64_t writable = half & WRITABLE;
    entry = (entry & ~writable) | (shifted & writable);
    if (!is_level(entry))
        entry &= ~REMOTE_IRR; // undefined for edges; cleared, as software relies on
    look_at_level(index / 2, now_ps);
}

std::uint32_t ioapic::read(std::uint64_t offset, unsigned size, std::uint64_t)
{
    if (offset == IOREGSEL)
        return m_select;
    if (offset == IOWIN && size == 4)
        return register_read();
    return 0;
}

void ioapic::write(std::uint64_t offset, unsigned size, std::uint32_t value, std::uint64_t now_ps)
{
    if (offset == IOREGSEL)
        m_select = static_cast<std::uint8_t>(value);
    else if (offset == IOWIN && size == 4)
        register_write(value, now_ps);
    else if (offset == EOI_REGISTER && size == 4)
        eoi(static_cast<std::uint8_t>(value), now_ps);
}

} // namespace vp
