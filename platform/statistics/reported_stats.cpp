// SPDX-License-Identifier: Apache-2.0
// See reported_stats.h.
#include "reported_stats.h"

#include "config/units.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace vp
{

namespace
{

constexpr std::size_t LONGEST_NAME = 200;
constexpr std::uint64_t ARRAY_LIMIT = 4096; // as timing_model.h says

bool is_name_character(unsigned char c) { return std::isalnum(c) != 0 || c == '_' || c == '-'; }

bool is_one_line(const std::string &text)
{
    return std::none_of(text.begin(), text.end(), [](unsigned char c) { return std::iscntrl(c) != 0; });
}

// Where the part of a path that begins at `at` ends: a name, or "[n]". npos if it is neither.
std::size_t end_of_part(const std::string &path, std::size_t at)
{
    if (path[at] == '[') {
        const std::size_t close = path.find(']', at);
        if (close == std::string::npos)
            return close;
        const std::string digits = path.substr(at + 1, close - at - 1);
        const bool is_index = !digits.empty() && digits.size() <= 4 &&
                              digits.find_first_not_of("0123456789") == std::string::npos &&
                              std::stoul(digits) < ARRAY_LIMIT;
        return is_index ? close + 1 : std::string::npos;
    }
    std::size_t end = at;
    while (end < path.size() && is_name_character(static_cast<unsigned char>(path[end])))
        end++;
    return end > at ? end : std::string::npos;
}

} // namespace

// One path is one kind of thing; a value is there once.
bool reported_stats::claim(const std::string &path, node kind)
{
    const auto [it, is_new] = m_nodes.emplace(path, kind);
    return is_new || (it->second == kind && kind != node::value);
}

// NAME([n])*(.NAME([n])*)*
bool reported_stats::claim_path(const std::string &name)
{
    for (std::size_t at = 0;;) {
        const std::size_t end = end_of_part(name, at);
        if (end == std::string::npos) {
            m_mistake = fmt::format("'{}' is no name of a statistic, expected one such as cores[1].hits", name);
            return false;
        }
        const bool is_last = end == name.size();
        const node kind = is_last ? node::value : name[end] == '[' ? node::array : node::table;
        if (!is_last && name[end] != '[' && name[end] != '.') {
            m_mistake = fmt::format("'{}' is no name of a statistic, expected one such as cores[1].hits", name);
            return false;
        }
        if (!claim(name.substr(0, end), kind)) {
            m_mistake = fmt::format("the statistic '{}' contradicts one before it, or is there twice", name);
            return false;
        }
        if (is_last)
            return true;
        at = kind == node::table ? end + 1 : end;
    }
}

void reported_stats::put(const char *name, double value, const char *unit, const char *sentence)
{
    if (!m_mistake.empty())
        return;
    if (name == nullptr || unit == nullptr || sentence == nullptr) {
        m_mistake = fmt::format("the statistic {} has no {}", name == nullptr ? "" : fmt::format("'{}'", name),
                                name == nullptr   ? "name"
                                : unit == nullptr ? "unit"
                                                  : "sentence");
        return;
    }
    const std::string path = name;
    if (path.empty() || path.size() > LONGEST_NAME || path[0] == '[') {
        m_mistake = fmt::format("'{}' is no name of a statistic, expected one such as cores[1].hits",
                                path.substr(0, LONGEST_NAME));
        return;
    }
    if (!claim_path(path))
        return;
    if (!is_one_line(unit) || !is_one_line(sentence)) {
        m_mistake = fmt::format("unit and sentence of the statistic '{}' must be one line each", path);
        return;
    }
    m_tree.add(m_prefix + "." + path, value, unit, sentence);
}

} // namespace vp
