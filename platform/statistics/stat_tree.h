// SPDX-License-Identifier: Apache-2.0
// Statistics as a list of named values, each with unit and sentence, written as JSON or as text. Names are paths: dots
// nest, [n] is an element of an array. The order of insertion is the order of output, so that runs compare byte by
// byte.
#ifndef PLATFORM_STATISTICS_STAT_TREE_H
#define PLATFORM_STATISTICS_STAT_TREE_H

#include <nlohmann/json.hpp>

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace vp
{

using stat_value = std::variant<bool, std::uint64_t, double, std::string>;

struct stat {
    std::string path;
    stat_value value;
    std::string unit;
    std::string sentence;
};

class stat_tree
{
  public:
    void add(const std::string &path, stat_value value, const std::string &unit, const std::string &sentence);
    // So that an empty section is there all the same.
    void add_section(const std::string &path);

    const std::vector<stat> &values() const { return m_values; }
    nlohmann::ordered_json json() const;
    std::string text() const; // "path value unit # sentence", one per line; a value without unit shows "-"

    // .json or .txt by the name's ending. Throws user_error if it has neither or cannot be written.
    void write(const std::string &path) const;
    static void check_path(const std::string &path);     // refuses another ending
    static void check_writable(const std::string &path); // before a long run; leaves an empty file if it was not there

  private:
    std::vector<stat> m_values;
    std::vector<std::string> m_sections;
};

} // namespace vp

#endif
