// SPDX-License-Identifier: Apache-2.0
// See study_progress.h.
#include "study_progress.h"

#include <fmt/format.h>

#include <cstdio>
#include <unistd.h>

namespace vp
{

study_progress::study_progress(progress_mode mode, std::size_t runs, std::size_t done)
    : m_is_terminal(isatty(STDERR_FILENO) == 1),
      m_on(mode == progress_mode::on || (mode == progress_mode::automatic && m_is_terminal)), m_runs(runs),
      m_before(done), m_done(done), m_start(clock::now()), m_last(m_start)
{
}

std::string study_progress::counts() const
{
    std::string out = fmt::format("study: {} of {} runs", m_done, m_runs);
    if (m_failed > 0)
        out += fmt::format(", {} failed", m_failed);
    if (m_running > 0)
        out += fmt::format(", {} running", m_running);
    if (m_done > m_before && m_done < m_runs) {
        const double passed = std::chrono::duration<double>(clock::now() - m_start).count();
        const double left = passed / static_cast<double>(m_done - m_before) * static_cast<double>(m_runs - m_done);
        out +=
            left < 120 ? fmt::format(", about {:.0f} s left", left) : fmt::format(", about {:.0f} min left", left / 60);
    }
    return out;
}

void study_progress::tick(std::size_t running)
{
    m_running = running;
    if (!m_on || !m_is_terminal || clock::now() - m_last < std::chrono::milliseconds(200))
        return;
    std::fprintf(stderr, "\r%-78s", counts().c_str());
    std::fflush(stderr);
    m_last = clock::now();
    m_shown = true;
}

void study_progress::ended(const std::string &run, const std::string &reason)
{
    m_done++;
    m_running -= m_running > 0 ? 1 : 0; // until the next tick() counts again
    m_failed += reason.empty() ? 0 : 1;
    if (m_on && !m_is_terminal)
        std::fprintf(stderr, "%s: %s: %s\n", counts().c_str(), run.c_str(), reason.empty() ? "done" : reason.c_str());
}

void study_progress::finish()
{
    if (m_shown)
        std::fprintf(stderr, "\r%-78s\r", "");
}

} // namespace vp
