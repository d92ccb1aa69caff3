// SPDX-License-Identifier: Apache-2.0
// The TLM-2.0 shell of every device of the platform: unpack, split wide accesses, call, pack. Blocking transport only;
// no DMI; debug transport is refused because reading many registers changes them.
#ifndef PLATFORM_DEVICES_DEVICE_MODULE_H
#define PLATFORM_DEVICES_DEVICE_MODULE_H

#include "device.h"

#include <functional>
#include <systemc>
#include <tlm>
#include <tlm_utils/simple_target_socket.h>

namespace vp
{

class device_module : public sc_core::sc_module
{
  public:
    tlm_utils::simple_target_socket<device_module> tsock;

    // Called around each access, with its time; may be empty.
    std::function<void(std::uint64_t now_ps)> before_access, after_access;

    device_module(const sc_core::sc_module_name &name, device &target);

  private:
    void b_transport(tlm::tlm_generic_payload &payload, sc_core::sc_time &delay);

    device &m_device;
};

} // namespace vp

#endif
