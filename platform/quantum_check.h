// SPDX-License-Identifier: Apache-2.0
// `uintr-vp run --quantum-check`: the same run with --quantum auto and in lock step (1insn), in two processes, and what
// differs between their statistics: the error that the quantum makes.
#ifndef PLATFORM_QUANTUM_CHECK_H
#define PLATFORM_QUANTUM_CHECK_H

#include "cli.h"

#include <csignal>
#include <string>
#include <vector>

namespace vp
{

// arguments: of the program, as given. The console of the run at auto goes to stdout, the report to stderr. Answers the
// guest's exit status, which both runs should agree on; if they do not, that of the run which failed. Throws
// user_error.
int run_quantum_check(const std::vector<std::string> &arguments, const volatile std::sig_atomic_t *interrupted);

// The arguments of one of the two runs: as given, with this quantum, statistics to this file, and no summary.
std::vector<std::string> quantum_check_arguments(const std::vector<std::string> &arguments, const std::string &quantum,
                                                 const std::string &stats_path);

} // namespace vp

#endif
