// SPDX-License-Identifier: Apache-2.0
// See units.h. Everything is checked for overflow: a number that does not fit is not of the form.
#include "units.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <utility>

namespace vp
{

namespace
{

struct number_and_unit {
    std::string number, unit;
};

// "1.5 ms" -> "1.5", "ms"
number_and_unit split(const std::string &text)
{
    std::size_t i = 0;
    while (i < text.size() && (std::isdigit(static_cast<unsigned char>(text[i])) || text[i] == '.' || text[i] == '_'))
        i++;
    std::size_t j = i;
    while (j < text.size() && text[j] == ' ')
        j++;
    return {text.substr(0, i), text.substr(j)};
}

std::string without_underscores(const std::string &text)
{
    if (text.empty() || text.front() == '_' || text.back() == '_' || text.find("__") != std::string::npos)
        return text;
    std::string plain = text;
    plain.erase(std::remove(plain.begin(), plain.end(), '_'), plain.end());
    return plain;
}

} // namespace

std::optional<std::uint64_t> parse_unsigned(const std::string &text)
{
    std::string digits = without_underscores(text);
    int base = 10;
    if (digits.size() > 2 && digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X')) {
        digits = digits.substr(2);
        base = 16;
    }
    std::uint64_t value = 0;
    auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
    if (error != std::errc() || end != digits.data() + digits.size() || digits.empty())
        return std::nullopt;
    return value;
}

std::optional<double> parse_real(const std::string &text)
{
    std::string digits = without_underscores(text);
    double value = 0;
    auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc() || end != digits.data() + digits.size() || digits.empty() || !std::isfinite(value))
        return std::nullopt;
    return value;
}

std::optional<bool> parse_boolean(const std::string &text)
{
    if (text == "true" || text == "on" || text == "yes")
        return true;
    if (text == "false" || text == "off" || text == "no")
        return false;
    return std::nullopt;
}

std::optional<std::uint64_t> parse_size(const std::string &text)
{
    if (auto plain = parse_unsigned(text))
        return plain;
    auto [number, unit] = split(text);
    static const std::array<std::pair<const char *, unsigned>, 14> units{{{"B", 0},
                                                                          {"K", 10},
                                                                          {"KB", 10},
                                                                          {"KiB", 10},
                                                                          {"M", 20},
                                                                          {"MB", 20},
                                                                          {"MiB", 20},
                                                                          {"G", 30},
                                                                          {"GB", 30},
                                                                          {"GiB", 30},
                                                                          {"T", 40},
                                                                          {"TB", 40},
                                                                          {"TiB", 40},
                                                                          {"k", 10}}};
    auto value = parse_unsigned(number);
    if (!value)
        return std::nullopt;
    for (const auto &[name, shift] : units)
        if (unit == name)
            return *value <= (UINT64_MAX >> shift) ? std::optional(*value << shift) : std::nullopt;
    return std::nullopt;
}

std::optional<number_range> parse_range(const std::string &text)
{
    const std::size_t dash = text.find('-');
    if (dash == std::string::npos)
        return std::nullopt;
    const auto first = parse_unsigned(text.substr(0, dash)), last = parse_unsigned(text.substr(dash + 1));
    if (!first || !last || *first > *last)
        return std::nullopt;
    return number_range{*first, *last};
}

std::optional<std::uint64_t> parse_time_ps(const std::string &text)
{
    auto [number, unit] = split(text);
    static const std::array<std::pair<const char *, double>, 5> units{
        {{"ps", 1.0}, {"ns", 1e3}, {"us", 1e6}, {"ms", 1e9}, {"s", 1e12}}};
    auto value = parse_real(number);
    if (!value || *value < 0)
        return std::nullopt;
    for (const auto &[name, factor] : units)
        if (unit == name) {
            double ps = std::round(*value * factor);
            return ps < 1.8e19 ? std::optional(static_cast<std::uint64_t>(ps)) : std::nullopt;
        }
    return std::nullopt;
}

std::optional<quantum> parse_quantum(const std::string &text)
{
    if (text == "auto")
        return quantum{};
    auto [number, unit] = split(text);
    auto count = parse_unsigned(number);
    if (!count || *count == 0)
        return std::nullopt;
    if (unit == "insn")
        return quantum{quantum::unit::insn, *count};
    if (unit == "cycles")
        return quantum{quantum::unit::cycles, *count};
    if (unit == "ns")
        return quantum{quantum::unit::ns, *count};
    return std::nullopt;
}

std::string format_size(std::uint64_t bytes)
{
    static const std::array<const char *, 5> names{"B", "KiB", "MiB", "GiB", "TiB"};
    std::size_t i = 0;
    while (i + 1 < names.size() && bytes != 0 && bytes % 1024 == 0) {
        bytes /= 1024;
        i++;
    }
    return fmt::format("{} {}", bytes, names[i]);
}

std::string format_time(std::uint64_t ps)
{
    static const std::array<std::pair<double, const char *>, 4> units{
        {{1e12, "s"}, {1e9, "ms"}, {1e6, "us"}, {1e3, "ns"}}};
    double value = static_cast<double>(ps);
    for (const auto &[factor, name] : units)
        if (value >= factor)
            return fmt::format("{:.6g} {}", value / factor, name);
    return fmt::format("{} ps", ps);
}

std::string format_count(std::uint64_t count)
{
    std::string digits = fmt::format("{}", count);
    for (std::size_t at = digits.size(); at > 3; at -= 3)
        digits.insert(at - 3, " ");
    return digits;
}

std::string format_real(double value) { return fmt::format("{}", value); }

} // namespace vp
