// SPDX-License-Identifier: Apache-2.0
// See device_timer.h.
#include "device_timer.h"

#include <algorithm>

namespace vp
{

device_timer::device_timer(const sc_core::sc_module_name &name, lookahead &keeper, unsigned device,
                           const sc_core::sc_time &period, felt how)
    : sc_core::sc_module(name), m_keeper(keeper), m_device(device), m_period(period.value()),
      m_felt_after(how == felt::in_memory ? 0 : keeper.config().lookahead_cycles), m_due("next_time")
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
    if (next == UINT64_MAX) {
        m_keeper.set_device(CYCLE_NEVER, m_device);
        return;
    }
    // The keeper adds the lookahead to what it is told.
    const std::uint64_t felt = cycle_of(next) + m_felt_after, lookahead_cycles = m_keeper.config().lookahead_cycles;
    m_keeper.set_device(felt - std::min(felt, lookahead_cycles), m_device);
    const sc_core::sc_time now = sc_core::sc_time_stamp();
    m_due.notify(std::max(time_of(next), now) - now);
    // The core that made it so must not run past what it has just planned.
    on_sent(cycle_of(now_ps), felt);
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
