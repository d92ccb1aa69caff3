// SPDX-License-Identifier: Apache-2.0
// What `uintr-vp study` was asked to do, besides the study file.
#ifndef PLATFORM_STUDY_STUDY_OPTIONS_H
#define PLATFORM_STUDY_STUDY_OPTIONS_H

#include "run_options.h"

#include <cstddef>
#include <string>
#include <vector>

namespace vp
{

struct study_options {
    std::string file;
    std::string output;            // folder; "": the study file's name with .results, in the current folder
    unsigned jobs = 0;             // 0: as many as the host has processors
    bool fresh = false;            // forget what was run before
    bool retry_failed = false;     // repeat failed runs
    bool list = false;             // print the runs and do nothing
    std::vector<std::size_t> only; // numbers of the runs to do; empty: all
    bool no_plots = false;
    bool quiet = false;
    progress_mode progress = progress_mode::automatic;
};

} // namespace vp

#endif
