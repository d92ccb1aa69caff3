// SPDX-License-Identifier: Apache-2.0
// See device_module.h.
#include "device_module.h"

#include "atomic_extension.h"
#include "register_access.h"

#include <algorithm>
#include <cstring>

namespace vp
{

namespace
{

// Exact for every resolution of 1 ps or finer.
std::uint64_t picoseconds(const sc_core::sc_time &time)
{
    static constexpr std::uint64_t MOST_FEMTO_PER_PICO = 1000;
    std::uint64_t ps = sc_core::sc_time(1, sc_core::SC_PS).value();
    return ps >= 1 && ps <= MOST_FEMTO_PER_PICO ? time.value() / ps : 0;
}

} // namespace

device_module::device_module(const sc_core::sc_module_name &name, device &target)
    : sc_core::sc_module(name), tsock("tsock"), m_device(target)
{
    tsock.register_b_transport(this, &device_module::b_transport);
}

void device_module::b_transport(tlm::tlm_generic_payload &payload, sc_core::sc_time &delay)
{
    const std::uint64_t address = payload.get_address();
    const unsigned length = payload.get_data_length();
    if (payload.get_extension<atomic_extension>() != nullptr) {
        payload.set_response_status(tlm::TLM_COMMAND_ERROR_RESPONSE); // the initiator reads and writes instead
        return;
    }
    payload.set_response_status(register_access(payload, m_device.size()));
    if (!payload.is_response_ok())
        return;
    const std::uint64_t now = picoseconds(sc_core::sc_time_stamp() + delay);
    unsigned char *bytes = payload.get_data_ptr();
    if (before_access)
        before_access(now);
    for (unsigned at = 0; at < length;) {
        // Pieces are powers of two: 1, 2 or 4 bytes.
        unsigned piece = std::min(m_device.width(), length - at);
        piece = piece >= 4 ? 4 : piece >= 2 ? 2 : 1;
        std::uint32_t value = 0;
        if (payload.is_write()) {
            std::memcpy(&value, bytes + at, piece);
            m_device.write(address + at, piece, value, now);
        } else if (payload.is_read()) {
            value = m_device.read(address + at, piece, now);
            std::memcpy(bytes + at, &value, piece);
        }
        at += piece;
    }
    if (after_access)
        after_access(now);
}

} // namespace vp
