// SPDX-License-Identifier: Apache-2.0
// See output_files.h.
#include "output_files.h"

#include "config/user_error.h"

#include <fmt/format.h>

#include <filesystem>
#include <string>
#include <vector>

namespace vp
{

namespace
{

struct named_file {
    std::string what, path;
};

bool is_same(const std::string &a, const std::string &b)
{
    std::error_code ignored;
    if (std::filesystem::equivalent(a, b, ignored))
        return std::filesystem::is_regular_file(a, ignored);
    return std::filesystem::weakly_canonical(a, ignored) == std::filesystem::weakly_canonical(b, ignored) &&
           !std::filesystem::exists(a, ignored);
}

} // namespace

void check_output_files(const command_line &command, const configuration &config)
{
    const std::string &console_input = config.text("console.input"), &disk = config.text("block.file");
    const bool keeps_disk = config.text("block.writes") == "keep";
    const run_options &o = command.run;
    std::vector<named_file> taken{{"the image", o.boot.image}, {"the profile", command.profile}};
    if (console_input != "stdin" && console_input != "none")
        taken.push_back({"the console's input", console_input});
    for (const std::string &module : o.boot.modules)
        taken.push_back({"a boot module", module.substr(0, module.find(' '))});
    for (const std::string &file : command.config_files)
        taken.push_back({"a configuration file", file});
    if (!disk.empty() && !keeps_disk)
        taken.push_back({"the disk", disk});
    for (const named_file &output :
         {named_file{"block.file", keeps_disk ? disk : ""}, named_file{"--stats", o.stats_path},
          named_file{"--trace", o.trace_path}, named_file{"--itrace", o.itrace_path},
          named_file{"--opcodes", o.opcodes_path}, named_file{"--state", o.state_path}}) {
        if (output.path.empty())
            continue;
        for (const named_file &t : taken)
            if (is_same(output.path, t.path))
                throw user_error(
                    fmt::format("{}: '{}' is {} too: expected a file of its own", output.what, output.path, t.what));
        taken.push_back({"that of " + output.what, output.path});
    }
}

} // namespace vp
