// SPDX-License-Identifier: Apache-2.0
// What every target with `size` bytes of registers refuses: TLM-2.0, "Response status attribute".
#ifndef PLATFORM_DEVICES_REGISTER_ACCESS_H
#define PLATFORM_DEVICES_REGISTER_ACCESS_H

#include <tlm>

#include <cstdint>

namespace vp
{

// TLM_OK_RESPONSE, or why not: byte enables, a short streaming width, an address outside.
inline tlm::tlm_response_status register_access(const tlm::tlm_generic_payload &payload, std::uint64_t size)
{
    const unsigned length = payload.get_data_length();
    if (payload.get_byte_enable_ptr() != nullptr)
        return tlm::TLM_BYTE_ENABLE_ERROR_RESPONSE;
    if (payload.get_streaming_width() < length)
        return tlm::TLM_BURST_ERROR_RESPONSE;
    if (payload.get_address() >= size || length > size - payload.get_address())
        return tlm::TLM_ADDRESS_ERROR_RESPONSE;
    return tlm::TLM_OK_RESPONSE;
}

} // namespace vp

#endif
