// SPDX-License-Identifier: Apache-2.0
// Progress of a long run on stderr, once a second: simulated time, instructions, speed. Host time only; never seen by
// the guest and never in the statistics of the model.
#ifndef PLATFORM_PROGRESS_H
#define PLATFORM_PROGRESS_H

#include "run_options.h"

#include <chrono>
#include <cstdint>

namespace vp
{

class progress
{
  public:
    explicit progress(progress_mode mode);
    // Cheap enough for once per quantum: looks at the clock every some calls.
    template <typename INSTRUCTIONS>
    void tick(std::uint64_t time_ps, INSTRUCTIONS instructions)
    {
        if (m_on && ++m_calls % CALLS_PER_LOOK == 0 && is_due())
            show(time_ps, instructions());
    }
    void finish();   // clears the line
    void give_way(); // the terminal has another use: no more reports, unless --progress on wants them
    double seconds() const;

  private:
    static constexpr std::uint64_t CALLS_PER_LOOK = 64;
    using clock = std::chrono::steady_clock;

    bool is_due();
    void show(std::uint64_t time_ps, std::uint64_t instructions);

    const progress_mode m_mode;
    bool m_on, m_is_terminal, m_shown = false;
    std::uint64_t m_calls = 0, m_last_instructions = 0;
    clock::time_point m_start, m_last;
};

} // namespace vp

#endif
