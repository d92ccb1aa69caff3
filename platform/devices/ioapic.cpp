// SPDX-License-Identifier: Apache-2.0
// See ioapic.h. IOREGSEL at offset 0 selects, IOWIN at offset 10H reads and writes; only 32-bit accesses count.
#include "ioapic.h"

namespace vp
{

namespace
{

constexpr std::uint64_t IOREGSEL = 0x00, IOWIN = 0x10;
constexpr std::uint8_t IOAPICID = 0x00, IOAPICVER = 0x01, IOAPICARB = 0x02, IOREDTBL = 0x10;
constexpr std::uint32_t VERSION = 0x11;
constexpr std::uint32_t ID_MASK = 0x0f000000;

// Redirection entry: bit 12 delivery status and bit 14 remote IRR are read-only; bits 55..17 are reserved.
constexpr std::uint64_t REDIRECTION_WRITABLE = 0xff0000000001afff;
constexpr std::uint64_t REDIRECTION_MASKED = 1u << 16;
constexpr std::uint64_t REDIRECTION_LEVEL = 1u << 15;
constexpr std::uint64_t REDIRECTION_REMOTE_IRR = 1u << 14;
constexpr std::uint64_t REDIRECTION_VECTOR = 0xff;

} // namespace

ioapic::ioapic(std::uint8_t id) : m_id(static_cast<std::uint32_t>(id) << 24 & ID_MASK)
{
    m_redirection.fill(REDIRECTION_MASKED);
}

std::uint32_t ioapic::register_read() const
{
    switch (m_select) {
    case IOAPICID:
    case IOAPICARB: return m_id;
    case IOAPICVER: return VERSION | (PINS - 1) << 16;
    default: break;
    }
    unsigned index = m_select - IOREDTBL;
    if (m_select < IOREDTBL || index >= 2 * PINS)
        return 0;
    std::uint64_t entry = m_redirection[index / 2];
    return static_cast<std::uint32_t>(index % 2 == 0 ? entry : entry >> 32);
}

void ioapic::register_write(std::uint32_t value)
{
    if (m_select == IOAPICID)
        m_id = value & ID_MASK;
    unsigned index = m_select - IOREDTBL;
    if (m_select < IOREDTBL || index >= 2 * PINS)
        return;
    std::uint64_t &entry = m_redirection[index / 2];
    std::uint64_t half = index % 2 == 0 ? 0xffffffff : 0xffffffff00000000;
    std::uint64_t shifted = index % 2 == 0 ? value : static_cast<std::uint64_t>(value) << 32;
    std::uint64_t writable = half & REDIRECTION_WRITABLE;
    entry = (entry & ~writable) | (shifted & writable);
    if (!(entry & REDIRECTION_LEVEL))
        entry &= ~REDIRECTION_REMOTE_IRR; // undefined for edge; cleared, as software relies on
}

void ioapic::eoi(std::uint8_t vector)
{
    for (std::uint64_t &entry : m_redirection)
        if ((entry & REDIRECTION_LEVEL) && (entry & REDIRECTION_VECTOR) == vector)
            entry &= ~REDIRECTION_REMOTE_IRR;
}

std::uint32_t ioapic::read(std::uint64_t offset, unsigned size, std::uint64_t)
{
    if (offset == IOREGSEL)
        return m_select;
    if (offset == IOWIN && size == 4)
        return register_read();
    return 0;
}

void ioapic::write(std::uint64_t offset, unsigned size, std::uint32_t value, std::uint64_t)
{
    if (offset == IOREGSEL)
        m_select = static_cast<std::uint8_t>(value);
    else if (offset == IOWIN && size == 4)
        register_write(value);
}

} // namespace vp
