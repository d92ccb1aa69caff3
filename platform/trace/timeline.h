// SPDX-License-Identifier: Apache-2.0
// The timeline of a run: per core a track of privilege and halts with exceptions and interrupts, one of the guest's
// tasks if its kernel tells of them (guest_trace.h), per APIC a track of messages, and each user interrupt as a row of
// its nine stages, tied by a flow from SENDUIPI to the handler; below all cores the block device, a track for each
// request that it serves at once. Opens in Perfetto and chrome://tracing.
//
// Rows of user interrupts are lanes of the receiving core: an interrupt takes the first lane that is free for its whole
// life, because slices of one track may not overlap.
#ifndef PLATFORM_TRACE_TIMELINE_H
#define PLATFORM_TRACE_TIMELINE_H

#include "cpu.h"
#include "ipi_msg.h"
#include "json_writer.h"
#include "uintr_track.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace vp
{

enum class apic_event { sent, arrived, dropped, timer };

class timeline
{
  public:
    timeline(const std::string &path, std::uint32_t cores, std::uint64_t clock_hz);

    void core_event(std::uint32_t core, enum cpu_trace_event event, std::uint32_t detail, std::uint64_t value,
                    std::uint64_t cycle);
    void apic(std::uint32_t core, apic_event event, std::uint64_t cycle, const struct ipi_msg *msg); // msg may be null
    void user_interrupt(const struct uintr_record &record);
    // Slices of the core's task track, which must nest. args: as json_writer's.
    void task_begin(std::uint32_t core, const std::string &name, std::uint64_t cycle, const std::string &args);
    void task_end(std::uint32_t core, std::uint64_t cycle, const std::string &args = "");
    void task_instant(std::uint32_t core, const std::string &name, std::uint64_t cycle, const std::string &args);

    // A request that the block device served from begun_ps to done_ps, in one of its places for service; of one place
    // they come one after another. args: as json_writer's.
    void block_request(std::uint32_t place, const std::string &name, std::uint64_t begun_ps, std::uint64_t done_ps,
                       const std::string &args);

    void finish(std::uint64_t cycle); // closes what is open at the end of the run

  private:
    struct lane {
        std::vector<std::pair<std::uint64_t, std::uint64_t>> taken; // first and last cycle of the latest interrupts
    };
    struct core_state {
        int cpl = -1; // -1: no privilege slice is open yet
        bool halted = false;
        bool has_tasks = false; // their track has been named
        std::vector<lane> lanes;
    };

    trace_track core_track(std::uint32_t core) const;
    trace_track apic_track(std::uint32_t core) const;
    trace_track task_track(std::uint32_t core);
    trace_track lane_track(std::uint32_t core, std::size_t index) const;
    std::uint64_t ps(std::uint64_t cycle) const;
    trace_track take_lane(std::uint32_t core, std::uint64_t first, std::uint64_t last);
    void stages(const struct uintr_record &record, unsigned borders);
    void privilege(std::uint32_t core, int cpl, std::uint64_t cycle);
    void halt(std::uint32_t core, bool halted, std::uint64_t cycle);

    json_writer m_out;
    std::uint64_t m_clock_hz;
    std::vector<core_state> m_cores;
    std::vector<bool> m_block_places; // those whose track has been named
};

} // namespace vp

#endif
