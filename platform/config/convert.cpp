// SPDX-License-Identifier: Apache-2.0
// From what a user wrote to a checked value of a key. Type and range of one value; what must hold between several
// values is checked in configuration.cpp.
#include "configuration.h"
#include "user_error.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace vp
{

namespace
{

using form = raw_value::form;

[[noreturn]] void refuse(const key_info &key, const assignment &a)
{
    std::string shown = a.value.text.size() > 60 ? a.value.text.substr(0, 60) + "..." : a.value.text;
    throw user_error(fmt::format("{}: {} = '{}': expected {}", a.place, key.name, shown, expectation(key)));
}

std::optional<std::uint64_t> to_unsigned(const raw_value &v, bool is_size)
{
    switch (v.of) {
    case form::integer: return v.integer >= 0 ? std::optional(static_cast<std::uint64_t>(v.integer)) : std::nullopt;
    case form::command_line: {
        if (is_size)
            return parse_size(v.text);
        if (auto n = parse_unsigned(v.text))
            return n;
        auto real = parse_real(v.text); // 2e9
        if (real && *real >= 0 && *real < 1e18 && std::floor(*real) == *real)
            return static_cast<std::uint64_t>(*real);
        return std::nullopt;
    }
    case form::text: return is_size ? parse_size(v.text) : std::nullopt;
    case form::real:
        return v.real >= 0 && v.real < 1e18 && std::floor(v.real) == v.real
                   ? std::optional(static_cast<std::uint64_t>(v.real))
                   : std::nullopt;
    default: return std::nullopt;
    }
}

std::optional<double> to_real(const raw_value &v)
{
    switch (v.of) {
    case form::integer: return static_cast<double>(v.integer);
    case form::real: return std::isfinite(v.real) ? std::optional(v.real) : std::nullopt;
    case form::command_line: return parse_real(v.text);
    default: return std::nullopt;
    }
}

} // namespace

key_value convert(const key_info &key, const assignment &a)
{
    const raw_value &v = a.value;
    const bool is_text = v.of == form::command_line || v.of == form::text;
    switch (key.type) {
    case key_type::integer:
    case key_type::size: {
        auto n = to_unsigned(v, key.type == key_type::size);
        if (!n || static_cast<double>(*n) < key.min || static_cast<double>(*n) > key.max)
            refuse(key, a);
        return *n;
    }
    case key_type::real: {
        auto d = to_real(v);
        if (!d || *d < key.min || *d > key.max)
            refuse(key, a);
        return *d;
    }
    case key_type::boolean: {
        auto b = v.of == form::boolean        ? std::optional(v.boolean)
                 : v.of == form::command_line ? parse_boolean(v.text)
                                              : std::nullopt;
        if (!b)
            refuse(key, a);
        return *b;
    }
    case key_type::text:
        if (!is_text || (v.text.empty() && key.default_value != key_value(std::string())))
            refuse(key, a);
        return v.text;
    case key_type::choice:
        if (!is_text || std::find(key.choices.begin(), key.choices.end(), v.text) == key.choices.end())
            refuse(key, a);
        return v.text;
    case key_type::features:
        if (!is_text && v.of != form::list)
            refuse(key, a);
        return v.text;
    case key_type::quantum:
        if (!is_text || !parse_quantum(v.text))
            refuse(key, a);
        return v.text;
    }
    refuse(key, a);
}

} // namespace vp
