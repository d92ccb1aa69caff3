// SPDX-License-Identifier: Apache-2.0
// The guest's way to put events on the timeline: sixteen 32-bit ports, one OUT per event. Port 4 k of the device is
// kind k of enum guest_event. Reads answer "UVTP", by which a guest finds out that the device exists; elsewhere ports
// that do not exist read all ones.
//
// It is no hardware but the simulator's own: writes cost no cycles under any timing model (port_extension.h) and change
// nothing that the guest or another device could see. So a guest runs alike whether somebody looks at the timeline or
// not. Narrower or misaligned writes are swallowed.
#ifndef PLATFORM_DEVICES_TRACE_PORT_H
#define PLATFORM_DEVICES_TRACE_PORT_H

#include "trace/guest_trace.h"

#include <functional>
#include <systemc>
#include <tlm>
#include <tlm_utils/simple_target_socket.h>

#include <cstdint>

namespace vp
{

class trace_port : public sc_core::sc_module
{
  public:
    static constexpr std::uint64_t SIZE = 0x40;
    static constexpr std::uint32_t MAGIC = 0x50545655; // "UVTP" in memory order

    tlm_utils::simple_target_socket<trace_port> tsock;

    using sink =
        std::function<void(std::uint32_t core, enum guest_event kind, std::uint32_t value, const sc_core::sc_time &at)>;
    trace_port(const sc_core::sc_module_name &name, sink on_event);

  private:
    void b_transport(tlm::tlm_generic_payload &payload, sc_core::sc_time &delay);

    const sink m_on_event;
};

} // namespace vp

#endif
