// SPDX-License-Identifier: Apache-2.0
// `uintr-vp study`: the path from a study file to its tables and plots. Study file (study_file.h), runs (grid.h), those
// that are not done yet as child processes (../process_pool.h), each into the store as it ends (result_store.h), then
// table (result_table.h) and plots (plots.h).
#ifndef PLATFORM_STUDY_STUDY_COMMAND_H
#define PLATFORM_STUDY_STUDY_COMMAND_H

#include "study_options.h"

#include <csignal>
#include <string>
#include <vector>

namespace vp
{

// Answers the program's exit status: 0 all runs are done and none failed, 1 some failed (their rows say why), 124
// interrupted. Throws user_error.
int run_study(const study_options &options, const std::vector<std::string> &profile_directories,
              const volatile std::sig_atomic_t *interrupted);

} // namespace vp

#endif
