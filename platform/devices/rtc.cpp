// SPDX-License-Identifier: Apache-2.0
// See rtc.h. The clock starts at 2024-01-01 00:00:00 UTC, a Monday.
#include "rtc.h"

namespace vp
{

namespace
{

enum cmos_index {
    SECONDS = 0,
    MINUTES = 2,
    HOURS = 4,
    WEEKDAY = 6,
    DAY = 7,
    MONTH = 8,
    YEAR = 9,
    A = 10,
    B = 11,
    C = 12,
    D = 13,
    CENTURY = 0x32
};

constexpr std::uint8_t A_UPDATE_IN_PROGRESS = 0x80;
constexpr std::uint8_t B_24_HOURS = 0x02, B_BINARY = 0x04;
constexpr std::uint8_t D_VALID = 0x80;
constexpr std::uint64_t PS_PER_SECOND = 1000000000000;
constexpr unsigned START_YEAR = 2024;
constexpr unsigned START_WEEKDAY = 2; // 1 is Sunday

bool is_leap(unsigned year) { return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0; }

unsigned days_of(unsigned month, unsigned year)
{
    static constexpr std::array<unsigned, 12> days{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && is_leap(year) ? 1 : 0);
}

} // namespace

rtc::rtc()
{
    m_ram[A] = 0x26; // 32768 Hz, 1024 Hz periodic rate
    m_ram[B] = B_24_HOURS;
}

std::uint8_t rtc::clock_register(std::uint8_t index, std::uint64_t now_ps) const
{
    const std::uint64_t seconds = now_ps / PS_PER_SECOND;
    std::uint64_t days = seconds / 86400;
    const auto weekday = static_cast<unsigned>((days + START_WEEKDAY - 1) % 7 + 1);
    unsigned year = START_YEAR, month = 1;
    while (days >= days_of(month, year)) {
        days -= days_of(month, year);
        month = month % 12 + 1;
        year += month == 1 ? 1 : 0;
    }
    unsigned value = 0;
    bool is_pm = false;
    switch (index) {
    case SECONDS: value = static_cast<unsigned>(seconds % 60); break;
    case MINUTES: value = static_cast<unsigned>(seconds / 60 % 60); break;
    case HOURS:
        value = static_cast<unsigned>(seconds / 3600 % 24);
        if (!(m_ram[B] & B_24_HOURS)) {
            is_pm = value >= 12;
            value = value % 12 == 0 ? 12 : value % 12;
        }
        break;
    case WEEKDAY: value = weekday; break;
    case DAY: value = static_cast<unsigned>(days) + 1; break;
    case MONTH: value = month; break;
    case YEAR: value = year % 100; break;
    default: // century
        value = year / 100;
        break;
    }
    if (!(m_ram[B] & B_BINARY))
        value = value / 10 * 16 + value % 10;
    return static_cast<std::uint8_t>(value | (is_pm ? 0x80u : 0u));
}

std::uint32_t rtc::read(std::uint64_t offset, unsigned, std::uint64_t now_ps)
{
    if (offset == 0)
        return 0xff; // the index register is write-only
    switch (m_index) {
    case SECONDS:
    case MINUTES:
    case HOURS:
    case WEEKDAY:
    case DAY:
    case MONTH:
    case YEAR:
    case CENTURY: return clock_register(m_index, now_ps);
    case A: return m_ram[A] & ~A_UPDATE_IN_PROGRESS & 0xffu;
    case C: return 0; // no interrupt flags
    case D: return D_VALID;
    default: return m_ram[m_index];
    }
}

void rtc::write(std::uint64_t offset, unsigned, std::uint32_t value32, std::uint64_t)
{
    auto value = static_cast<std::uint8_t>(value32);
    if (offset == 0)
        m_index = value & 0x7f; // bit 7 masks NMI on a PC
    else
        m_ram[m_index] = value; // writes to the clock itself are forgotten: the date is fixed
}

} // namespace vp
