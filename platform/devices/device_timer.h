// SPDX-License-Identifier: Apache-2.0
// Lets a device act by itself: keeps its next time as an event, and tells the time keeper, so that the rule of
// lookahead.h holds: what the device does then is felt one interconnect latency later, and no core has passed that. A
// device that writes memory is felt at once: no core passes the cycle at which it acts, and each sees the bytes from
// the first instruction on that begins at or after it.
#ifndef PLATFORM_DEVICES_DEVICE_TIMER_H
#define PLATFORM_DEVICES_DEVICE_TIMER_H

#include "lookahead.h"

#include <functional>
#include <systemc>

#include <cstdint>

namespace vp
{

class device_timer : public sc_core::sc_module
{
  public:
    // When the device will act next if nobody touches it; UINT64_MAX: never.
    std::function<std::uint64_t()> next_ps;
    std::function<void(std::uint64_t now_ps)> act;
    // A core may feel it from cycle `arrives` on; and: every core waits, and the device has acted without waking one.
    std::function<void(std::uint64_t sent, std::uint64_t arrives)> on_sent;
    std::function<void(std::uint64_t cycle)> on_idle;

    enum class felt { by_messages, in_memory };

    // keeper must outlive the module and knows the device by this number. period: of a core's cycle.
    device_timer(const sc_core::sc_module_name &name, lookahead &keeper, unsigned device,
                 const sc_core::sc_time &period, felt how = felt::by_messages);

    // After everything that may have changed the answer of next_ps.
    void plan(std::uint64_t now_ps);
    std::uint64_t cycle_of(std::uint64_t ps) const; // the first at or after it

  private:
    sc_core::sc_time time_of(std::uint64_t ps) const;
    void due(); // SC_METHOD

    lookahead &m_keeper;
    const unsigned m_device;
    const std::uint64_t m_period;     // in units of the time resolution
    const std::uint64_t m_felt_after; // cycles
    sc_core::sc_event m_due;
    std::uint64_t m_next_ps = UINT64_MAX;
};

} // namespace vp

#endif
