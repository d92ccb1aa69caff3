// SPDX-License-Identifier: Apache-2.0
// See device_timer.h.
#include "device_timer.h"

#include <algorithm>

namespace vp
{

device_timer::device_timer(const sc_core::sc_module_name &name, lookahead &keeper, unsigned device,
                           const sc_core::sc_time &period)
    : sc_core::sc_module(name), m_keeper(keeper), m_device(device), m_period(period.value()), m_due("next_time")
{
    SC_HAS_PROCESS(device_timer);
    SC_METHOD(due);
    sensitive << m_due;
    dont_initialize();
}

sc_core::sc_time device_timer::time_of(std::uint64_t ps) const
{
    return sc_core::sc_time::from_value(ps * sc_core::sc_time(1, sc_core::SC_PS).value());
}

std::uint64_t device_timer::cycle_of(std::uint64_t ps) const { return (time_of(ps).value() + m_period - 1) / m_period; }

void device_timer::plan(std::uint64_t now_ps)
{
    const std::uint64_t next = next_ps();
    if (next == m_next_ps)
        return;
    m_next_ps = next;
    m_due.cancel();
    m_keeper.set_device(next == UINT64_MAX ? CYCLE_NEVER : cycle_of(next), m_device);
    if (next == UINT64_MAX)
        return;
    const sc_core::sc_time now = sc_core::sc_time_stamp();
    m_due.notify(std::max(time_of(next), now) - now);
    // The core that made it so must not run past what it has just planned.
    on_sent(cycle_of(now_ps), cycle_of(next) + m_keeper.config().lookahead_cycles);
}

void device_timer::due()
{
    const std::uint64_t now_ps = m_next_ps;
    m_next_ps = UINT64_MAX;
    m_keeper.set_device(CYCLE_NEVER, m_device);
    act(now_ps);
    plan(now_ps);
    if (m_keeper.is_all_idle())
        on_idle(std::max(cycle_of(now_ps), m_keeper.latest()));
}

} // namespace vp
