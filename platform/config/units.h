// SPDX-License-Identifier: Apache-2.0
// Numbers with units as users write them: "256M", "10ms", "200cycles", "auto". Each function answers nothing if the
// text is not of its form; the caller names key and place in the message.
#ifndef PLATFORM_CONFIG_UNITS_H
#define PLATFORM_CONFIG_UNITS_H

#include <cstdint>
#include <optional>
#include <string>

namespace vp
{

std::optional<std::uint64_t> parse_unsigned(const std::string &text); // decimal or 0x..., '_' allowed between digits
std::optional<double> parse_real(const std::string &text);
std::optional<bool> parse_boolean(const std::string &text);          // true/false, on/off, yes/no
std::optional<std::uint64_t> parse_size(const std::string &text);    // 4096, 64K, 256M, 1G, 1GiB: powers of 1024
std::optional<std::uint64_t> parse_time_ps(const std::string &text); // 10ns, 1.5ms, 1s

// FIRST-LAST, both included, FIRST <= LAST.
struct number_range {
    std::uint64_t first = 0, last = 0;
};
std::optional<number_range> parse_range(const std::string &text);

// --quantum: auto, or a number of instructions, cycles or nanoseconds.
struct quantum {
    enum class unit { automatic, insn, cycles, ns };
    unit of = unit::automatic;
    std::uint64_t count = 0;
};
std::optional<quantum> parse_quantum(const std::string &text);

std::string format_size(std::uint64_t bytes);  // 256 MiB
std::string format_time(std::uint64_t ps);     // 1.234 ms
std::string format_count(std::uint64_t count); // 1 234 567
std::string format_real(double value);         // shortest text that reads back the same

} // namespace vp

#endif
