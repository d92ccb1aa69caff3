// SPDX-License-Identifier: Apache-2.0
// Reading a table of a study file: typed members, unknown ones refused, errors with file, line, key and what was
// expected. Private to the readers of study files.
#ifndef PLATFORM_STUDY_TOML_MEMBERS_H
#define PLATFORM_STUDY_TOML_MEMBERS_H

#include "config/toml_document.h"
#include "config/units.h"
#include "config/user_error.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace vp
{

class toml_place
{
  public:
    explicit toml_place(std::string path) : m_path(std::move(path)) {}

    std::string place(const toml::node &node) const { return fmt::format("{}:{}", m_path, node.source().begin.line); }

    [[noreturn]] void refuse(const toml::node &node, const std::string &key, const std::string &expected) const
    {
        throw user_error(fmt::format("{}: {}: expected {}", place(node), key, expected));
    }

    std::string text(const toml::node &node, const std::string &key) const
    {
        if (!node.is_string())
            refuse(node, key, "a text");
        return node.as_string()->get();
    }

    double number(const toml::node &node, const std::string &key) const
    {
        if (!node.is_number())
            refuse(node, key, "a number");
        return *node.value<double>();
    }

    // A text, number or truth value as the command line would have it.
    std::string scalar(const toml::node &node, const std::string &key) const
    {
        if (const auto *b = node.as_boolean())
            return b->get() ? "true" : "false";
        if (const auto *i = node.as_integer())
            return fmt::format("{}", i->get());
        if (const auto *f = node.as_floating_point())
            return format_real(f->get());
        if (!node.is_string())
            refuse(node, key, "a text, a number, true or false");
        return node.as_string()->get();
    }

  private:
    std::string m_path;
};

// An element of an array of tables [[x]] has its place; so has the array through its first element.
inline std::pair<toml::source_index, toml::source_index> position(const toml::node &node)
{
    const toml::array *list = node.as_array();
    const toml::node &first = list != nullptr && node.is_array_of_tables() ? *list->get(0) : node;
    return {first.source().begin.line, first.source().begin.column};
}

inline std::vector<std::pair<std::string, const toml::node *>> in_file_order(const toml::table &table)
{
    std::vector<std::pair<std::string, const toml::node *>> members;
    for (const auto &[name, node] : table)
        members.emplace_back(name.str(), &node);
    std::stable_sort(members.begin(), members.end(),
                     [](const auto &a, const auto &b) { return position(*a.second) < position(*b.second); });
    return members;
}

class toml_members
{
  public:
    // prefix: the table's name, for messages.
    toml_members(const toml_place &at, std::string prefix, const toml::table &table,
                 const std::vector<std::string> &known)
        : m_at(at), m_prefix(std::move(prefix)), m_table(table)
    {
        for (const auto &[name, node] : in_file_order(table))
            if (std::find(known.begin(), known.end(), name) == known.end())
                throw user_error(fmt::format("{}: unknown key '{}'{}; expected one of: {}", at.place(*node), key(name),
                                             suggestion(name, known), fmt::join(known, ", ")));
    }

    bool has(const std::string &name) const { return m_table.contains(name); }
    const toml::node &node(const std::string &name) const { return *m_table.get(name); }
    std::string key(const std::string &name) const { return m_prefix.empty() ? name : m_prefix + "." + name; }

    std::string text(const std::string &name) const { return has(name) ? m_at.text(node(name), key(name)) : ""; }

    std::string needed_text(const std::string &name) const
    {
        if (text(name).empty())
            m_at.refuse(m_table, key(name), "a text that is not empty; it is missing");
        return text(name);
    }

    std::optional<double> number(const std::string &name) const
    {
        return has(name) ? std::optional(m_at.number(node(name), key(name))) : std::nullopt;
    }

    std::vector<double> numbers(const std::string &name) const
    {
        std::vector<double> found;
        if (!has(name))
            return found;
        if (!node(name).is_array())
            m_at.refuse(node(name), key(name), "a list of numbers");
        for (const toml::node &element : *node(name).as_array())
            found.push_back(m_at.number(element, key(name)));
        return found;
    }

    bool boolean(const std::string &name) const
    {
        if (has(name) && !node(name).is_boolean())
            m_at.refuse(node(name), key(name), "true or false");
        return has(name) && node(name).as_boolean()->get();
    }

  private:
    const toml_place &m_at;
    const std::string m_prefix;
    const toml::table &m_table;
};

} // namespace vp

#endif
