// SPDX-License-Identifier: Apache-2.0
// See trace_port.h.
#include "trace_port.h"

#include "port_extension.h"
#include "register_access.h"

#include <cstring>

namespace vp
{

trace_port::trace_port(const sc_core::sc_module_name &name, sink on_event)
    : sc_core::sc_module(name), tsock("tsock"), m_on_event(std::move(on_event))
{
    tsock.register_b_transport(this, &trace_port::b_transport);
}

void trace_port::b_transport(tlm::tlm_generic_payload &payload, sc_core::sc_time &delay)
{
    const std::uint64_t address = payload.get_address();
    const unsigned length = payload.get_data_length();
    unsigned char *bytes = payload.get_data_ptr();
    payload.set_response_status(register_access(payload, SIZE));
    if (!payload.is_response_ok())
        return;
    if (payload.is_read())
        for (unsigned i = 0; i < length; i++)
            bytes[i] = static_cast<unsigned char>(MAGIC >> 8 * ((address + i) % sizeof MAGIC));
    auto *const writer = payload.get_extension<port_extension>();
    if (payload.is_write() && writer != nullptr) {
        writer->is_free = true;
        std::uint32_t value = 0;
        if (length == sizeof value && address % sizeof value == 0) {
            std::memcpy(&value, bytes, sizeof value);
            m_on_event(writer->core, static_cast<enum guest_event>(address / sizeof value), value,
                       sc_core::sc_time_stamp() + delay);
        }
    }
}

} // namespace vp
