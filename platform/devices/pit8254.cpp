// SPDX-License-Identifier: Apache-2.0
// See pit8254.h.
#include "pit8254.h"

namespace vp
{

namespace
{

constexpr std::uint8_t ACCESS_LATCH = 0, ACCESS_LOW = 1, ACCESS_HIGH = 2, ACCESS_BOTH = 3;
constexpr std::uint64_t PS_PER_SECOND = 1000000000000;

// Modes 6 and 7 are 2 and 3 (the top bit is "do not care").
std::uint8_t effective_mode(std::uint8_t mode) { return mode > 5 ? mode - 4 : mode; }

} // namespace

std::uint64_t pit8254::ticks(std::uint64_t now_ps)
{
    // Split so that nothing overflows: whole seconds and the rest.
    return now_ps / PS_PER_SECOND * CLOCK_HZ + now_ps % PS_PER_SECOND * CLOCK_HZ / PS_PER_SECOND;
}

std::uint16_t pit8254::count(const counter &c, std::uint64_t now_ps)
{
    if (!c.is_loaded)
        return 0;
    std::uint64_t elapsed = ticks(now_ps) - c.start_tick;
    switch (effective_mode(c.mode)) {
    case 2: // rate generator
        return static_cast<std::uint16_t>(c.reload - elapsed % c.reload);
    case 3: // square wave: counts down by two
        return static_cast<std::uint16_t>(c.reload - elapsed * 2 % c.reload);
    default: // one-shot modes count on through zero
        return static_cast<std::uint16_t>(c.reload - elapsed);
    }
}

bool pit8254::level(const counter &c, std::uint64_t now_ps)
{
    if (!c.is_loaded)
        return effective_mode(c.mode) != 0;
    std::uint64_t elapsed = ticks(now_ps) - c.start_tick;
    switch (effective_mode(c.mode)) {
    case 0:
    case 1: return elapsed >= c.reload;
    case 2: return elapsed % c.reload != c.reload - 1;
    case 3: return elapsed % c.reload < (c.reload + 1) / 2;
    default: // strobes: low for one tick when the count ends
        return elapsed != c.reload;
    }
}

bool pit8254::output(unsigned index, std::uint64_t now_ps) const { return level(m_counters.at(index), now_ps); }

std::uint64_t pit8254::next_rise(unsigned index, std::uint64_t now_ps) const
{
    const counter &c = m_counters.at(index);
    if (!c.is_loaded)
        return UINT64_MAX;
    const std::uint64_t elapsed = ticks(now_ps) - c.start_tick;
    std::uint64_t rise = c.reload; // ticks after the start
    switch (effective_mode(c.mode)) {
    case 0:
    case 1: break;
    case 2:
    case 3: rise *= elapsed / c.reload + 1; break;
    default: rise += 1; break; // strobes: the end of the low tick
    }
    if (rise <= elapsed)
        return UINT64_MAX;
    const std::uint64_t tick = c.start_tick + rise;
    return tick / CLOCK_HZ * PS_PER_SECOND + (tick % CLOCK_HZ * PS_PER_SECOND + CLOCK_HZ - 1) / CLOCK_HZ;
}

void pit8254::latch_count(counter &c, std::uint64_t now_ps)
{
    if (c.is_latched)
        return;
    c.latched = count(c, now_ps);
    c.is_latched = true;
    c.read_low = false;
}

void pit8254::latch_status(counter &c, std::uint64_t now_ps)
{
    if (c.is_status_latched)
        return;
    c.status = static_cast<std::uint8_t>((level(c, now_ps) ? 0x80 : 0) | (c.is_loaded ? 0 : 0x40) | c.access << 4 |
                                         c.mode << 1);
    c.is_status_latched = true;
}

void pit8254::control(std::uint8_t value, std::uint64_t now_ps)
{
    const unsigned select = value >> 6;
    if (select == 3) { // read-back command
        for (unsigned i = 0; i < 3; i++) {
            if (!(value & 2u << i))
                continue;
            if (!(value & 0x20))
                latch_count(m_counters[i], now_ps);
            if (!(value & 0x10))
                latch_status(m_counters[i], now_ps);
        }
        return;
    }
    counter &c = m_counters[select];
    const auto access = static_cast<std::uint8_t>(value >> 4 & 3);
    if (access == ACCESS_LATCH) {
        latch_count(c, now_ps);
        return;
    }
    c = counter{};
    c.access = access;
    c.mode = value >> 1 & 7;
}

std::uint32_t pit8254::read(std::uint64_t offset, unsigned, std::uint64_t now_ps)
{
    if (offset == 3)
        return 0xff; // the control word cannot be read
    counter &c = m_counters[offset];
    if (c.is_status_latched) {
        c.is_status_latched = false;
        return c.status;
    }
    std::uint16_t value = c.is_latched ? c.latched : count(c, now_ps);
    if (c.access == ACCESS_BOTH && !c.read_low) {
        c.read_low = true;
        return value & 0xff;
    }
    c.is_latched = false;
    bool is_high = c.access == ACCESS_HIGH || c.read_low;
    c.read_low = false;
    return is_high ? value >> 8 : value & 0xff;
}

void pit8254::write(std::uint64_t offset, unsigned, std::uint32_t value32, std::uint64_t now_ps)
{
    auto value = static_cast<std::uint8_t>(value32);
    if (offset == 3) {
        control(value, now_ps);
        return;
    }
    counter &c = m_counters[offset];
    std::uint32_t reload = 0;
    if (c.access == ACCESS_LOW) {
        reload = value;
    } else if (c.access == ACCESS_HIGH) {
        reload = static_cast<std::uint32_t>(value) << 8;
    } else if (!c.wrote_low) {
        c.low = value;
        c.wrote_low = true;
        return;
    } else {
        reload = static_cast<std::uint32_t>(value) << 8 | c.low;
        c.wrote_low = false;
    }
    c.reload = reload == 0 ? 0x10000 : reload;
    c.start_tick = ticks(now_ps);
    c.is_loaded = true;
}

} // namespace vp
