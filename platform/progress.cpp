// SPDX-License-Identifier: Apache-2.0
// See progress.h. On a terminal one line is rewritten; elsewhere (--progress on) each report is a line of its own.
#include "progress.h"

#include "config/units.h"

#include <fmt/format.h>

#include <cstdio>
#include <unistd.h>

namespace vp
{

progress::progress(progress_mode mode)
    : m_mode(mode), m_on(mode == progress_mode::on || (mode == progress_mode::automatic && isatty(STDERR_FILENO) == 1)),
      m_is_terminal(isatty(STDERR_FILENO) == 1), m_start(clock::now()), m_last(m_start)
{
}

double progress::seconds() const { return std::chrono::duration<double>(clock::now() - m_start).count(); }

bool progress::is_due() { return clock::now() - m_last >= std::chrono::seconds(1); }

void progress::show(std::uint64_t time_ps, std::uint64_t instructions)
{
    clock::time_point now = clock::now();
    double passed = std::chrono::duration<double>(now - m_last).count();
    double mips = static_cast<double>(instructions - m_last_instructions) / passed / 1e6;
    std::string line = fmt::format("uintr-vp: {} simulated, {} instructions, {:.1f} MIPS", format_time(time_ps),
                                   format_count(instructions), mips);
    if (m_is_terminal)
        std::fprintf(stderr, "\r%-78s", line.c_str());
    else
        std::fprintf(stderr, "%s\n", line.c_str());
    std::fflush(stderr);
    m_last = now;
    m_last_instructions = instructions;
    m_shown = true;
}

void progress::finish()
{
    if (m_shown && m_is_terminal)
        std::fprintf(stderr, "\r%-78s\r", "");
    m_shown = false;
}

void progress::give_way()
{
    if (m_mode != progress_mode::automatic)
        return;
    finish();
    m_on = false;
}

} // namespace vp
