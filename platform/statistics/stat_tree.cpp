// SPDX-License-Identifier: Apache-2.0
// See stat_tree.h.
#include "stat_tree.h"

#include "config/user_error.h"

#include <fmt/format.h>

#include <fstream>

namespace vp
{

namespace
{

using json = nlohmann::ordered_json;

// "cores[1].uintr.sent" -> the node of that name, made on the way.
json &node_at(json &root, const std::string &path)
{
    json *node = &root;
    std::size_t at = 0;
    while (at < path.size()) {
        std::size_t end = path.find_first_of(".[", at);
        if (end == std::string::npos)
            end = path.size();
        if (end > at)
            node = &(*node)[path.substr(at, end - at)];
        if (end < path.size() && path[end] == '[') {
            std::size_t close = path.find(']', end);
            auto index = static_cast<std::size_t>(std::stoul(path.substr(end + 1, close - end - 1)));
            if (node->is_null() || (node->is_object() && node->empty())) // an element of an array begins as an object
                *node = json::array();
            while (node->size() <= index)
                node->push_back(json::object());
            node = &(*node)[index];
            end = close + 1;
        }
        at = end + (end < path.size() && path[end] == '.' ? 1 : 0);
    }
    return *node;
}

bool ends_with(const std::string &text, const std::string &end)
{
    return text.size() > end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

std::string format_value(const stat_value &value)
{
    struct printer {
        std::string operator()(bool b) const { return b ? "true" : "false"; }
        std::string operator()(std::uint64_t n) const { return fmt::format("{}", n); }
        std::string operator()(double d) const { return fmt::format("{}", d); }
        std::string operator()(const std::string &s) const { return json(s).dump(); }
    };
    return std::visit(printer{}, value);
}

} // namespace

void stat_tree::add(const std::string &path, stat_value value, const std::string &unit, const std::string &sentence)
{
    m_values.push_back(stat{path, std::move(value), unit, sentence});
}

void stat_tree::add_section(const std::string &path) { m_sections.push_back(path); }

json stat_tree::json() const
{
    nlohmann::ordered_json root = nlohmann::ordered_json::object();
    for (const stat &s : m_values)
        std::visit([&](const auto &v) { node_at(root, s.path) = v; }, s.value);
    for (const std::string &path : m_sections)
        if (node_at(root, path).is_null())
            node_at(root, path) = nlohmann::ordered_json::object();
    return root;
}

std::string stat_tree::text() const
{
    std::string out;
    for (const stat &s : m_values)
        out += fmt::format("{} {} {} # {}\n", s.path, format_value(s.value), s.unit.empty() ? "-" : s.unit, s.sentence);
    return out;
}

void stat_tree::check_path(const std::string &path)
{
    if (!ends_with(path, ".json") && !ends_with(path, ".txt"))
        throw user_error(fmt::format("--stats: {}: expected a name that ends in .json or .txt", path));
}

void stat_tree::check_writable(const std::string &path)
{
    if (!std::ofstream(path, std::ios::binary | std::ios::app))
        throw user_error(fmt::format("--stats: {}: cannot be written", path));
}

void stat_tree::write(const std::string &path) const
{
    check_path(path);
    std::ofstream file(path, std::ios::binary | std::ios::trunc);
    if (ends_with(path, ".json"))
        file << json().dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) << '\n';
    else
        file << text();
    file.close();
    if (!file)
        throw user_error(fmt::format("--stats: {}: cannot be written", path));
}

} // namespace vp
