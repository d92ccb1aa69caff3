// SPDX-License-Identifier: Apache-2.0
// See lookahead.h. The cost of a question is linear in the number of cores; it is asked once per quantum.
#include "lookahead.h"

#include <algorithm>
#include <stdexcept>

namespace
{

// Cycles saturate: CYCLE_NEVER plus anything is never.
std::uint64_t later(std::uint64_t cycle, std::uint64_t by)
{
    return cycle > CYCLE_NEVER - by ? CYCLE_NEVER : cycle + by;
}

} // namespace

lookahead::lookahead(const lookahead_config &config) : m_config(config), m_cores(config.cores)
{
    if (config.cores == 0 || config.lookahead_cycles == 0 || config.quantum_cycles == 0 || config.alone_cycles == 0)
        throw std::invalid_argument("lookahead: cores, lookahead, quantum and alone_cycles must be at least 1");
}

void lookahead::set_running(std::uint32_t core, std::uint64_t local)
{
    m_cores[core] = core_state{false, local, local};
}

void lookahead::set_waiting(std::uint32_t core, std::uint64_t local, std::uint64_t next)
{
    m_cores[core] = core_state{true, local, std::max(local, next)};
}

void lookahead::set_wake(std::uint32_t core, std::uint64_t at)
{
    core_state &c = m_cores[core];
    if (c.waiting)
        c.earliest = std::min(c.earliest, std::max(at, c.local));
}

void lookahead::set_device(std::uint64_t next, unsigned device)
{
    if (device >= m_devices.size())
        m_devices.resize(device + 1, CYCLE_NEVER);
    m_devices[device] = next;
    m_device = *std::min_element(m_devices.begin(), m_devices.end());
}

std::uint64_t lookahead::run_limit(std::uint32_t core, std::uint64_t now) const
{
    std::uint64_t earliest = m_device;
    bool alone = true;
    for (std::uint32_t j = 0; j < m_cores.size(); j++) {
        if (j == core)
            continue;
        earliest = std::min(earliest, m_cores[j].earliest);
        alone = alone && m_cores[j].waiting;
    }
    // A quantum longer than the lookahead is the user's wish: arrivals may then be late, and are counted.
    std::uint64_t reach = std::max(m_config.lookahead_cycles, m_config.quantum_cycles);
    std::uint64_t limit = later(now, alone ? m_config.alone_cycles : m_config.quantum_cycles);
    limit = std::min(limit, later(earliest, reach));
    // A core only asks when it is the one furthest behind, so the limit lies ahead; never stand still all the same.
    limit = std::max(limit, later(now, 1));
    return std::min(limit, m_end);
}

bool lookahead::is_alone(std::uint32_t core) const
{
    for (std::uint32_t j = 0; j < m_cores.size(); j++)
        if (j != core && !m_cores[j].waiting)
            return false;
    return true;
}

bool lookahead::is_all_waiting() const
{
    return std::all_of(m_cores.begin(), m_cores.end(), [](const core_state &c) { return c.waiting; });
}

bool lookahead::is_all_idle() const
{
    return m_device == CYCLE_NEVER && std::all_of(m_cores.begin(), m_cores.end(), [](const core_state &c) {
               return c.waiting && c.earliest == CYCLE_NEVER;
           });
}

std::uint64_t lookahead::latest() const
{
    std::uint64_t latest = 0;
    for (const core_state &c : m_cores)
        latest = std::max(latest, c.local);
    return latest;
}

void lookahead::end_at(std::uint64_t cycle) { m_end = std::min(m_end, cycle); }

void lookahead::count_late(std::uint64_t cycles)
{
    m_stats.late_arrivals++;
    m_stats.worst_late_cycles = std::max(m_stats.worst_late_cycles, cycles);
}
