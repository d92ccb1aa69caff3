// SPDX-License-Identifier: Apache-2.0
// See timeline.h.
#include "timeline.h"

#include "timing.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace vp
{

namespace
{

constexpr std::uint32_t PID = 1;
constexpr std::uint32_t FIRST_CORE_TID = 1;
constexpr std::uint32_t FIRST_APIC_TID = 101;
constexpr std::uint32_t FIRST_TASK_TID = 201;
constexpr std::uint32_t FIRST_BLOCK_TID = 301;
constexpr std::uint32_t FIRST_LANE_TID = 1001; // of core 0; each core has LANES_PER_CORE thread numbers
constexpr std::uint32_t LANES_PER_CORE = 10000;
// From top to bottom: core, its tasks, its APIC, its lanes.
constexpr std::uint32_t SORT_PER_CORE = 100, SORT_TASK = 1, SORT_APIC = 2, SORT_FIRST_LANE = 3;
constexpr std::size_t MOST_SORTED_LANES = SORT_PER_CORE - SORT_FIRST_LANE - 1;
constexpr std::size_t REMEMBERED = 256; // intervals per lane; records come in the order of UIRET, not of SENDUIPI

const char *privilege_name(int cpl) { return cpl == 3 ? "user" : cpl == 0 ? "kernel" : cpl == 1 ? "CPL 1" : "CPL 2"; }

const char *exception_name(std::uint32_t vector)
{
    static constexpr std::array<const char *, 22> names{"#DE", "#DB", "NMI", "#BP", "#OF", "#BR", "#UD", "#NM",
                                                        "#DF", "",    "#TS", "#NP", "#SS", "#GP", "#PF", "",
                                                        "#MF", "#AC", "#MC", "#XM", "#VE", "#CP"};
    return vector < names.size() && *names[vector] != '\0' ? names[vector] : "exception";
}

} // namespace

timeline::timeline(const std::string &path, std::uint32_t cores, std::uint64_t clock_hz)
    : m_out(path), m_clock_hz(clock_hz), m_cores(cores)
{
    m_out.process_name(PID, "uintr-vp");
    for (std::uint32_t i = 0; i < cores; i++) {
        m_out.thread_name(core_track(i), fmt::format("core {}", i), i * SORT_PER_CORE);
        m_out.thread_name(apic_track(i), fmt::format("apic {}", i), i * SORT_PER_CORE + SORT_APIC);
    }
}

trace_track timeline::core_track(std::uint32_t core) const { return {PID, FIRST_CORE_TID + core}; }
trace_track timeline::apic_track(std::uint32_t core) const { return {PID, FIRST_APIC_TID + core}; }
trace_track timeline::lane_track(std::uint32_t core, std::size_t index) const
{
    return {PID, FIRST_LANE_TID + core * LANES_PER_CORE + static_cast<std::uint32_t>(index)};
}

// Rounds down to picoseconds; a clock's cycle is a whole number of femtoseconds.
std::uint64_t timeline::ps(std::uint64_t cycle) const
{
    constexpr std::uint64_t FS_PER_SECOND = 1000000000000000;
    const std::uint64_t period_fs = FS_PER_SECOND / m_clock_hz;
    return cycle / 1000 * period_fs + cycle % 1000 * period_fs / 1000;
}

// --- cores ---

void timeline::privilege(std::uint32_t core, int cpl, std::uint64_t cycle)
{
    core_state &c = m_cores[core];
    if (c.cpl == cpl)
        return;
    halt(core, false, cycle); // slices nest: a halt lies within one privilege
    if (c.cpl >= 0)
        m_out.end(core_track(core), ps(cycle));
    c.cpl = cpl;
    if (cpl >= 0)
        m_out.begin(core_track(core), privilege_name(cpl), "privilege", ps(cycle), fmt::format("\"cycle\":{}", cycle));
}

void timeline::halt(std::uint32_t core, bool halted, std::uint64_t cycle)
{
    core_state &c = m_cores[core];
    if (c.halted == halted)
        return;
    c.halted = halted;
    if (halted)
        m_out.begin(core_track(core), "halted", "halt", ps(cycle), fmt::format("\"cycle\":{}", cycle));
    else
        m_out.end(core_track(core), ps(cycle));
}

void timeline::core_event(std::uint32_t core, enum cpu_trace_event event, std::uint32_t detail, std::uint64_t value,
                          std::uint64_t cycle)
{
    const trace_track track = core_track(core);
    switch (event) {
    case CPU_TRACE_CPL: privilege(core, static_cast<int>(detail), cycle); break;
    case CPU_TRACE_HALT:
    case CPU_TRACE_WAKE: halt(core, event == CPU_TRACE_HALT, cycle); break;
    case CPU_TRACE_EXCEPTION:
        m_out.instant(track, fmt::format("{} {}", exception_name(detail), detail), "exception", ps(cycle),
                      fmt::format("\"vector\":{},\"error_code\":{},\"cycle\":{}", detail, value, cycle));
        break;
    case CPU_TRACE_INTERRUPT:
        m_out.instant(track, fmt::format("interrupt {:#x}", detail), "interrupt", ps(cycle),
                      fmt::format("\"vector\":{},\"cycle\":{}", detail, cycle));
        break;
    case CPU_TRACE_SYSCALL:
        m_out.instant(track, "SYSCALL", "syscall", ps(cycle), fmt::format("\"cycle\":{}", cycle));
        break;
    case CPU_TRACE_START:
        privilege(core, 0, cycle);
        m_out.instant(track, "start-up IPI", "start", ps(cycle),
                      fmt::format("\"vector\":{},\"cycle\":{}", detail, cycle));
        break;
    }
}

// --- APICs ---

void timeline::apic(std::uint32_t core, apic_event event, std::uint64_t cycle, const struct ipi_msg *msg)
{
    static constexpr std::array<const char *, 4> names{"IPI sent", "IPI arrives", "IPI dropped", "timer"};
    std::string args = fmt::format("\"cycle\":{}", cycle);
    if (msg != nullptr)
        args +=
            fmt::format(",\"vector\":{},\"delivery_mode\":{},\"source\":{},\"destination\":{},\"user_interrupt\":{}",
                        msg->vector, msg->delivery_mode, msg->source, msg->destination, msg->number);
    m_out.instant(apic_track(core), names[static_cast<std::size_t>(event)], "apic", ps(cycle), args);
}

// --- tasks ---

// Guests without a kernel that tells of tasks have no such track.
trace_track timeline::task_track(std::uint32_t core)
{
    const trace_track track{PID, FIRST_TASK_TID + core};
    if (!m_cores[core].has_tasks)
        m_out.thread_name(track, fmt::format("core {} task", core), core * SORT_PER_CORE + SORT_TASK);
    m_cores[core].has_tasks = true;
    return track;
}

void timeline::task_begin(std::uint32_t core, const std::string &name, std::uint64_t cycle, const std::string &args)
{
    m_out.begin(task_track(core), name, "task", ps(cycle), args + fmt::format(",\"cycle\":{}", cycle));
}

void timeline::task_end(std::uint32_t core, std::uint64_t cycle, const std::string &args)
{
    m_out.end(task_track(core), ps(cycle), args);
}

void timeline::task_instant(std::uint32_t core, const std::string &name, std::uint64_t cycle, const std::string &args)
{
    m_out.instant(task_track(core), name, "task", ps(cycle), args + fmt::format(",\"cycle\":{}", cycle));
}

// --- the block device ---

void timeline::block_request(std::uint32_t place, const std::string &name, std::uint64_t begun_ps,
                             std::uint64_t done_ps, const std::string &args)
{
    const trace_track track{PID, FIRST_BLOCK_TID + place};
    if (place >= m_block_places.size())
        m_block_places.resize(place + 1);
    if (!m_block_places[place])
        m_out.thread_name(track, place == 0 ? "block device" : fmt::format("block device {}", place),
                          static_cast<std::uint32_t>(m_cores.size()) * SORT_PER_CORE + place);
    m_block_places[place] = true;
    m_out.slice(track, name, "block", begun_ps, done_ps - begun_ps, args);
}

// --- user interrupts ---

trace_track timeline::take_lane(std::uint32_t core, std::uint64_t first, std::uint64_t last)
{
    std::vector<lane> &lanes = m_cores[core].lanes;
    std::size_t index = 0;
    for (; index < lanes.size(); index++) {
        const auto &taken = lanes[index].taken;
        if (std::none_of(taken.begin(), taken.end(), [&](const auto &t) { return first < t.second && t.first < last; }))
            break;
    }
    if (index == lanes.size()) {
        lanes.emplace_back();
        m_out.thread_name(lane_track(core, index), fmt::format("core {} user interrupts {}", core, index),
                          core * SORT_PER_CORE + SORT_FIRST_LANE +
                              static_cast<std::uint32_t>(std::min<std::size_t>(index, MOST_SORTED_LANES)));
    }
    auto &taken = lanes[index].taken;
    if (taken.size() == REMEMBERED)
        taken.erase(taken.begin());
    taken.emplace_back(first, last);
    return lane_track(core, index);
}

// Slices of the borders 0..borders-1 that the interrupt reached. One that needed the kernel says so in its name.
void timeline::stages(const struct uintr_record &r, unsigned borders)
{
    static constexpr std::array<const char *, UINTR_PATH_COUNT> paths{"", ", resume", ", wake", ", held"};
    const char *path = borders > UINTR_AT_DELIVERED ? paths.at(uintr_record_path(&r)) : "";
    const std::uint64_t first = r.at[0], last = r.at[borders - 1];
    const trace_track track = take_lane(r.receiver, first, std::max(last, first + 1));
    m_out.slice(
        track, fmt::format("user interrupt {} (vector {}){}", r.number, r.vector, path), "uintr", ps(first),
        ps(last) - ps(first),
        fmt::format("\"number\":{},\"vector\":{},\"sender\":{},\"receiver\":{},\"coalesced\":{},\"suppressed\":{},"
                    "\"merged\":{},\"cycles\":{}",
                    r.number, r.vector, r.sender, r.receiver, r.coalesced, r.suppressed, r.merged, last - first));
    for (unsigned s = 0; s + 1 < borders; s++)
        m_out.slice(track, timing_stage_name(static_cast<enum timing_stage>(s)), "stage", ps(r.at[s]),
                    ps(r.at[s + 1]) - ps(r.at[s]),
                    fmt::format("\"cycles\":{},\"from\":{},\"to\":{}", r.at[s + 1] - r.at[s], r.at[s], r.at[s + 1]));
}

void timeline::user_interrupt(const struct uintr_record &r)
{
    // A border at cycle 0 was not reached; post begins after the first instruction, so no real border is 0.
    unsigned borders = UINTR_BORDER_COUNT;
    while (borders > 2 && r.at[borders - 1] == 0)
        borders--;
    stages(r, borders);

    const auto args = fmt::format("\"number\":{},\"vector\":{}", r.number, r.vector);
    const std::uint64_t begin = ps(r.at[UINTR_AT_SEND_BEGIN]), sent = ps(r.at[UINTR_AT_SENT]);
    m_out.slice(core_track(r.sender), fmt::format("SENDUIPI #{}", r.number), "uintr", begin,
                sent > begin ? sent - begin : ps(r.at[UINTR_AT_POSTED]) - begin, args);
    m_out.flow('s', core_track(r.sender), r.number, begin);
    if (borders <= UINTR_AT_DELIVERED)
        return;
    const trace_track receiver = core_track(r.receiver);
    const std::uint64_t deliver = ps(r.at[UINTR_AT_DELIVER_BEGIN]), delivered = ps(r.at[UINTR_AT_DELIVERED]);
    m_out.slice(receiver, fmt::format("deliver #{}", r.number), "uintr", deliver, delivered - deliver, args);
    if (borders <= UINTR_AT_RETURNED) {
        m_out.flow('f', receiver, r.number, deliver);
        return;
    }
    m_out.flow('t', receiver, r.number, deliver);
    const std::uint64_t uiret = ps(r.at[UINTR_AT_UIRET_BEGIN]), returned = ps(r.at[UINTR_AT_RETURNED]);
    m_out.slice(receiver, fmt::format("UIRET #{}", r.number), "uintr", uiret, returned - uiret, args);
    m_out.flow('f', receiver, r.number, uiret);
}

void timeline::finish(std::uint64_t cycle)
{
    for (std::uint32_t i = 0; i < m_cores.size(); i++) {
        if (m_cores[i].halted)
            m_out.end(core_track(i), ps(cycle));
        if (m_cores[i].cpl >= 0)
            m_out.end(core_track(i), ps(cycle));
    }
    m_out.finish();
}

} // namespace vp
