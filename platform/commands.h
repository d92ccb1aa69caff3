// SPDX-License-Identifier: Apache-2.0
// Carries out a command line. Guest output goes to stdout, everything else to stderr; `models`, `config`, --help and
// --version print to stdout. Answers the program's exit status.
#ifndef PLATFORM_COMMANDS_H
#define PLATFORM_COMMANDS_H

#include "cli.h"
#include "config/configuration.h"

#include <csignal>
#include <memory>
#include <string>
#include <vector>

namespace vp
{

// The time resolution must be 1 fs by then. interrupted: set by the signal handler of main.cpp. Catches everything and
// turns it into a status and a line on stderr.
int run_program(const std::vector<std::string> &arguments, const volatile std::sig_atomic_t *interrupted);

// Profile, files and command line become the effective configuration. Throws user_error.
std::unique_ptr<configuration> configure(const command_line &command);
std::vector<std::string> profile_directories();

std::string print_models(const configuration &config); // the `models` command

} // namespace vp

#endif
