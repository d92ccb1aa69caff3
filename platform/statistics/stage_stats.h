// SPDX-License-Identifier: Apache-2.0
// The stages of user interrupts as distributions, from the records of uintr_track.h. For each delivered record the
// stages post..deliver add up to end_to_end exactly; a record that breaks this is an error of ours. And how many needed
// the kernel: each delivered record took one path.
#ifndef PLATFORM_STATISTICS_STAGE_STATS_H
#define PLATFORM_STATISTICS_STAGE_STATS_H

#include "distribution.h"
#include "stat_tree.h"
#include "timing.h"
#include "uintr_track.h"

#include <array>

namespace vp
{

class stage_stats
{
  public:
    // Records that were not delivered count as lost and give no stage.
    void add(const struct uintr_record &record);

    const distribution &stage(enum timing_stage s) const { return m_stages[s]; }
    const distribution &end_to_end() const { return m_end_to_end; }
    std::uint64_t undelivered() const { return m_undelivered; }
    std::uint64_t of_path(enum uintr_path path) const { return m_paths[path]; }

    void report(stat_tree &tree) const; // uintr.stages.<stage>, uintr.path.<path>
    // Table for people: cycles, and ns at this clock. "" if no user interrupt was delivered.
    std::string table(std::uint64_t clock_hz) const;

  private:
    std::array<distribution, TIMING_STAGE_COUNT> m_stages;
    distribution m_end_to_end;
    std::array<std::uint64_t, UINTR_PATH_COUNT> m_paths{};
    std::uint64_t m_undelivered = 0;
};

} // namespace vp

#endif
