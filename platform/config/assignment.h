// SPDX-License-Identifier: Apache-2.0
// One "key = value" as found in a file or on the command line, not yet checked against the registry.
#ifndef PLATFORM_CONFIG_ASSIGNMENT_H
#define PLATFORM_CONFIG_ASSIGNMENT_H

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace vp
{

// A value as its source wrote it: text of the command line, or a TOML value.
struct raw_value {
    enum class form { command_line, boolean, integer, real, text, list };
    form of = form::command_line;
    std::string text; // command_line, text; and for messages in every form
    bool boolean = false;
    std::int64_t integer = 0;
    double real = 0;
    std::vector<std::string> list; // of texts
};

struct assignment {
    std::string key;
    raw_value value;
    std::string place;      // "file.toml:12" or "--set": for messages and as origin
    std::string source;     // where the number comes from, if the file says so
    std::string confidence; // likewise
    bool from_profile = false;
};

struct toml_info {
    std::string name, summary;      // of a profile
    std::vector<std::string> files; // all that were read: what is included comes before who includes it
};

// Reads a TOML file: [section] key = value, or key = { value = v, source = "...", confidence = "..." }.
// In a profile each value must be in the table form with source and confidence, and a table [profile] must give name
// and summary. directories: of the built-in profiles, which a profile may include by name.
// Throws user_error with file and line.
std::vector<assignment> read_toml(const std::string &path, bool is_profile,
                                  const std::vector<std::string> &directories = {}, toml_info *info = nullptr);

// Finds a profile: a path (has a '/' or ends in .toml) or a name looked up in `directories`. Throws user_error.
std::string find_profile(const std::string &name_or_path, const std::vector<std::string> &directories);

// "KEY=VALUE" of --set. Throws user_error.
assignment parse_set(const std::string &text);

} // namespace vp

#endif
