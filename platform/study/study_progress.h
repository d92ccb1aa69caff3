// SPDX-License-Identifier: Apache-2.0
// Progress of a study on stderr: how many runs are done, failed and running, and how long the rest may take. On a
// terminal one line is rewritten; elsewhere (--progress on) each run that ends has its line.
#ifndef PLATFORM_STUDY_STUDY_PROGRESS_H
#define PLATFORM_STUDY_STUDY_PROGRESS_H

#include "run_options.h"

#include <chrono>
#include <cstddef>
#include <string>

namespace vp
{

class study_progress
{
  public:
    // done: before this study began.
    study_progress(progress_mode mode, std::size_t runs, std::size_t done);
    void tick(std::size_t running); // any number of times
    void ended(const std::string &run, const std::string &reason);
    void finish(); // clears the line

  private:
    using clock = std::chrono::steady_clock;

    std::string counts() const;

    const bool m_is_terminal, m_on;
    const std::size_t m_runs, m_before;
    std::size_t m_done, m_failed = 0, m_running = 0;
    clock::time_point m_start, m_last;
    bool m_shown = false;
};

} // namespace vp

#endif
