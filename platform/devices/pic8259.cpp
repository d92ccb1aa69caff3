// SPDX-License-Identifier: Apache-2.0
// See pic8259.h. Words and bits are named as in the data sheet: ICW1-4, OCW1-3.
#include "pic8259.h"

namespace vp
{

namespace
{

constexpr std::uint8_t ICW1 = 0x10, ICW1_IC4 = 0x01, ICW1_SNGL = 0x02, ICW1_LTIM = 0x08;
constexpr std::uint8_t ICW4_AEOI = 0x02;
constexpr std::uint8_t OCW3 = 0x08, OCW3_RR = 0x02, OCW3_RIS = 0x01, OCW3_ESMM = 0x40, OCW3_SMM = 0x20;
constexpr unsigned LINES = 8;

std::uint8_t bit(unsigned line) { return static_cast<std::uint8_t>(1u << line); }

} // namespace

int pic8259::highest(std::uint8_t bits) const
{
    for (unsigned i = 1; i <= LINES; i++) {
        unsigned line = (m_lowest + i) % LINES;
        if (bits & bit(line))
            return static_cast<int>(line);
    }
    return -1;
}

void pic8259::set_line(unsigned line, bool level)
{
    std::uint8_t b = bit(line);
    if (level && (m_level || !(m_lines & b)))
        m_irr |= b;
    if (!level && m_level)
        m_irr &= static_cast<std::uint8_t>(~b);
    m_lines = static_cast<std::uint8_t>(level ? m_lines | b : m_lines & ~b);
}

bool pic8259::output() const
{
    int request = highest(m_irr & static_cast<std::uint8_t>(~m_imr));
    int service = highest(m_special_mask ? m_isr & static_cast<std::uint8_t>(~m_imr) : m_isr);
    if (request < 0)
        return false;
    auto rank = [this](int line) { return (static_cast<unsigned>(line) + LINES - 1 - m_lowest) % LINES; };
    return service < 0 || rank(request) < rank(service);
}

std::uint8_t pic8259::acknowledge()
{
    int request = highest(m_irr & static_cast<std::uint8_t>(~m_imr));
    if (request < 0)
        return static_cast<std::uint8_t>(m_vector_base + 7); // spurious: IR7
    std::uint8_t b = bit(static_cast<unsigned>(request));
    if (!m_level)
        m_irr &= static_cast<std::uint8_t>(~b);
    if (!m_auto_eoi)
        m_isr |= b;
    else if (m_rotate_in_aeoi)
        m_lowest = static_cast<std::uint8_t>(request);
    return static_cast<std::uint8_t>(m_vector_base + request);
}

std::uint32_t pic8259::read(std::uint64_t offset, unsigned, std::uint64_t)
{
    if (offset == 1)
        return m_imr;
    return m_read_isr ? m_isr : m_irr;
}

void pic8259::write(std::uint64_t offset, unsigned, std::uint32_t value32, std::uint64_t)
{
    auto value = static_cast<std::uint8_t>(value32);
    if (offset == 0) {
        command(value);
        return;
    }
    switch (m_init_step) {
    case 2:
        m_vector_base = value & 0xf8;
        m_init_step = m_needs_icw3 ? 3 : m_needs_icw4 ? 4 : 0;
        break;
    case 3:
        m_cascade = value;
        m_init_step = m_needs_icw4 ? 4 : 0;
        break;
    case 4:
        m_auto_eoi = (value & ICW4_AEOI) != 0;
        m_init_step = 0;
        break;
    default:
        m_imr = value; // OCW1
        break;
    }
}

void pic8259::command(std::uint8_t value)
{
    if (value & ICW1) {
        m_init_step = 2;
        m_needs_icw3 = (value & ICW1_SNGL) == 0;
        m_needs_icw4 = (value & ICW1_IC4) != 0;
        m_level = (value & ICW1_LTIM) != 0;
        m_irr = m_isr = m_imr = 0;
        m_lowest = 7;
        m_read_isr = m_auto_eoi = m_rotate_in_aeoi = m_special_mask = false;
    } else if (value & OCW3) {
        if (value & OCW3_RR)
            m_read_isr = (value & OCW3_RIS) != 0;
        if (value & OCW3_ESMM)
            m_special_mask = (value & OCW3_SMM) != 0;
    } else {
        end_of_interrupt(value);
    }
}

// OCW2: bits 7..5 are R, SL, EOI; bits 2..0 the line.
void pic8259::end_of_interrupt(std::uint8_t value)
{
    const unsigned operation = value >> 5;
    const unsigned line = value & 7u;
    const int served = highest(m_isr);
    auto clear = [this](unsigned l) { m_isr &= static_cast<std::uint8_t>(~bit(l)); };
    switch (operation) {
    case 0: // clear rotation in automatic EOI
    case 4: // set it
        m_rotate_in_aeoi = operation == 4;
        break;
    case 1: // non-specific EOI
    case 5: // and rotate
        if (served >= 0) {
            clear(static_cast<unsigned>(served));
            if (operation == 5)
                m_lowest = static_cast<std::uint8_t>(served);
        }
        break;
    case 3: // specific EOI
    case 7: // and rotate
        clear(line);
        if (operation == 7)
            m_lowest = static_cast<std::uint8_t>(line);
        break;
    case 6: // set priority
        m_lowest = static_cast<std::uint8_t>(line);
        break;
    default: // 2: no operation
        break;
    }
}

} // namespace vp
