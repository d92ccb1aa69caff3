// SPDX-License-Identifier: Apache-2.0
// See columns.h.
#include "columns.h"

#include "config/units.h"

#include <fmt/format.h>

#include <regex>
#include <set>
#include <sstream>

namespace vp
{

namespace
{

using json = nlohmann::ordered_json;

// "cores[1].uintr.sent": dots go into objects, [n] into arrays. Null if there is no such value.
const json *find_statistic(const json &root, const std::string &path)
{
    const json *node = &root;
    std::size_t at = 0;
    while (at < path.size()) {
        if (path[at] == '[') {
            const std::size_t close = path.find(']', at);
            const auto index = parse_unsigned(path.substr(at + 1, close == std::string::npos ? close : close - at - 1));
            if (close == std::string::npos || !index || !node->is_array() || *index >= node->size())
                return nullptr;
            node = &(*node)[static_cast<std::size_t>(*index)];
            at = close + 1;
        } else {
            at += path[at] == '.' ? 1 : 0;
            const std::size_t end = std::min(path.find_first_of(".[", at), path.size());
            const std::string name = path.substr(at, end - at);
            if (!node->is_object() || !node->contains(name))
                return nullptr;
            node = &(*node)[name];
            at = end;
        }
    }
    return node;
}

// Is it a distribution's value, and the distribution empty? See statistics/distribution.h.
bool is_of_nothing(const json &root, const std::string &path)
{
    static const std::set<std::string> of_values{"min", "mean", "p50", "p95", "p99", "max"};
    const std::size_t dot = path.rfind('.');
    if (dot == std::string::npos || of_values.count(path.substr(dot + 1)) == 0)
        return false;
    const json *count = find_statistic(root, path.substr(0, dot) + ".count");
    return count != nullptr && count->is_number() && *count == 0;
}

cell cell_from_json(const json &value)
{
    if (value.is_number_integer() || value.is_number_unsigned())
        return value.get<std::int64_t>();
    if (value.is_number_float())
        return value.get<double>();
    if (value.is_boolean())
        return std::int64_t{value.get<bool>() ? 1 : 0};
    if (value.is_string())
        return value.get<std::string>();
    return {};
}

bool is_word_character(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

// The first number behind the word `key`, on the first line that has both.
cell find_on_console(const std::string &console, const std::string &key)
{
    static const std::regex number("[-+]?[0-9]+(\\.[0-9]+)?([eE][-+]?[0-9]+)?");
    std::istringstream lines(console);
    for (std::string line; std::getline(lines, line);)
        for (std::size_t at = line.find(key); at != std::string::npos; at = line.find(key, at + 1)) {
            const std::size_t end = at + key.size();
            if ((at > 0 && is_word_character(line[at - 1])) || (end < line.size() && is_word_character(line[end])))
                continue;
            std::smatch match;
            const std::string rest = line.substr(end);
            if (std::regex_search(rest, match, number))
                return cell_from_text(match[0]);
        }
    return {};
}

cell find_pattern(const std::string &console, const std::string &pattern)
{
    const std::regex regex(pattern);
    std::istringstream lines(console);
    std::smatch match;
    for (std::string line; std::getline(lines, line);)
        if (std::regex_search(line, match, regex))
            return cell_from_text(match[1]);
    return {};
}

cell scaled(const cell &value, double scale)
{
    if (scale == 1)
        return value;
    if (const auto *i = std::get_if<std::int64_t>(&value))
        return static_cast<double>(*i) * scale;
    if (const auto *d = std::get_if<double>(&value))
        return *d * scale;
    return value;
}

} // namespace

std::string cell_text(const cell &value)
{
    struct printer {
        std::string operator()(std::monostate) const { return ""; }
        std::string operator()(std::int64_t n) const { return fmt::format("{}", n); }
        std::string operator()(double d) const { return fmt::format("{:.12g}", d); } // 0.1 * 3 is 0.3
        std::string operator()(const std::string &s) const { return s; }
    };
    return std::visit(printer{}, value);
}

cell cell_from_text(const std::string &text)
{
    constexpr std::size_t LONGEST_INTEGER = 18; // digits; fits into 64 bits
    const std::string digits = text.substr(!text.empty() && (text[0] == '-' || text[0] == '+') ? 1 : 0);
    if (!digits.empty() && digits.size() <= LONGEST_INTEGER &&
        digits.find_first_not_of("0123456789") == std::string::npos)
        return static_cast<std::int64_t>(std::stoll(text));
    if (const auto real = parse_real(text))
        return *real;
    return text;
}

std::string column_key(const study &s, const study_run &run, const study_column &column)
{
    std::string key = column.key;
    for (std::size_t d = 0; d < s.grid.size(); d++) {
        const std::string placeholder = "{" + s.grid[d].name + "}";
        const std::string &label = label_of(s, run, d);
        for (std::size_t at = key.find(placeholder); at != std::string::npos;
             at = key.find(placeholder, at + label.size()))
            key.replace(at, placeholder.size(), label);
    }
    return key;
}

cell extract(const study_column &column, const std::string &key, const json &statistics, const std::string &console)
{
    cell found;
    switch (column.from) {
    case study_column::source::statistic:
        if (const json *value = find_statistic(statistics, key); value != nullptr && !is_of_nothing(statistics, key))
            found = cell_from_json(*value);
        break;
    case study_column::source::console: found = find_on_console(console, key); break;
    case study_column::source::pattern: found = find_pattern(console, key); break;
    }
    return scaled(found, column.scale);
}

std::string why_missing(const study_column &column, const std::string &key, const json &statistics)
{
    if (column.from != study_column::source::statistic)
        return fmt::format("the run printed nothing for '{}'", key);
    if (is_of_nothing(statistics, key))
        return fmt::format("'{}' of nothing: its count is 0", key);
    return fmt::format("the run has no statistic '{}'", key);
}

} // namespace vp
