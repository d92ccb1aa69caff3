// SPDX-License-Identifier: Apache-2.0
// The command line: what the user asked for, as data. Carrying it out is commands.h's business.
#ifndef PLATFORM_CLI_H
#define PLATFORM_CLI_H

#include "config/assignment.h"
#include "run_options.h"
#include "study/study_options.h"

#include <optional>
#include <string>
#include <vector>

namespace vp
{

struct command_line {
    enum class verb { run, models, config, study };
    verb what = verb::run;
    run_options run;
    study_options study;
    std::string profile;                   // "" if none
    std::vector<std::string> config_files; // in order
    std::vector<assignment> assignments;   // --set and dedicated options, in order of appearance
};

struct parsed_arguments {
    std::optional<command_line> command; // nothing: the output below was all that was asked for
    std::string output;                  // of --help and --version
};

// arguments without the program's name. Throws user_error.
parsed_arguments parse_arguments(const std::vector<std::string> &arguments);

} // namespace vp

#endif
