// SPDX-License-Identifier: Apache-2.0
// See memory_access.h.
#include "memory_access.h"

#include <stdexcept>
#include <string>

namespace
{

// The atomic access that a write carries, or null.
atomic_extension *atomic_of(const tlm::tlm_generic_payload &trans)
{
    atomic_extension *atomic = nullptr;
    trans.get_extension(atomic);
    return trans.is_write() ? atomic : nullptr;
}

// The attributes that every access needs, as the clause on each attribute says.
tlm::tlm_response_status check(const tlm::tlm_generic_payload &trans)
{
    if (trans.get_data_length() == 0 || trans.get_streaming_width() < trans.get_data_length())
        return tlm::TLM_BURST_ERROR_RESPONSE;
    const unsigned char *enables = trans.get_byte_enable_ptr();
    if (enables == nullptr)
        return tlm::TLM_OK_RESPONSE;
    if (trans.get_byte_enable_length() == 0)
        return tlm::TLM_BYTE_ENABLE_ERROR_RESPONSE;
    for (unsigned i = 0; i < trans.get_byte_enable_length(); i++)
        if (enables[i] != TLM_BYTE_ENABLED && enables[i] != TLM_BYTE_DISABLED)
            return tlm::TLM_BYTE_ENABLE_ERROR_RESPONSE;
    return tlm::TLM_OK_RESPONSE;
}

tlm::tlm_response_status response(enum mem_status status)
{
    return status == MEM_OK ? tlm::TLM_OK_RESPONSE : tlm::TLM_ADDRESS_ERROR_RESPONSE;
}

tlm::tlm_response_status modify(struct memory *core, tlm::tlm_generic_payload &trans, atomic_extension &atomic)
{
    if (atomic.modify == nullptr)
        return tlm::TLM_GENERIC_ERROR_RESPONSE;
    if (trans.get_byte_enable_ptr() != nullptr)
        return tlm::TLM_BYTE_ENABLE_ERROR_RESPONSE;
    if (trans.get_data_length() > MEM_MODIFY_MAX_BYTES)
        return tlm::TLM_BURST_ERROR_RESPONSE;
    const enum mem_status status =
        mem_modify(core, trans.get_address(), trans.get_data_length(), atomic.modify, atomic.arg);
    atomic.done = status == MEM_OK;
    return response(status);
}

} // namespace

tlm::tlm_response_status memory_access(struct memory *core, tlm::tlm_generic_payload &trans)
{
    if (!trans.is_read() && !trans.is_write())
        return tlm::TLM_OK_RESPONSE; // TLM_IGNORE_COMMAND
    const tlm::tlm_response_status attributes = check(trans);
    if (attributes != tlm::TLM_OK_RESPONSE)
        return attributes;
    if (atomic_extension *atomic = atomic_of(trans))
        return modify(core, trans, *atomic);

    const std::uint64_t address = trans.get_address();
    unsigned char *data = trans.get_data_ptr();
    const unsigned length = trans.get_data_length();
    const unsigned char *enables = trans.get_byte_enable_ptr();
    const unsigned enable_count = trans.get_byte_enable_length();
    if (data == nullptr)
        return tlm::TLM_GENERIC_ERROR_RESPONSE;
    if (enables == nullptr)
        return response(trans.is_read() ? mem_read(core, address, data, length)
                                        : mem_write(core, address, data, length));
    return response(trans.is_read() ? mem_read_enabled(core, address, data, length, enables, enable_count)
                                    : mem_write_enabled(core, address, data, length, enables, enable_count));
}

sc_core::sc_time memory_latency(const memory_timing &timing, const tlm::tlm_generic_payload &trans)
{
    if (trans.is_read())
        return timing.read_latency;
    if (!trans.is_write())
        return sc_core::SC_ZERO_TIME;
    return atomic_of(trans) != nullptr ? timing.read_latency + timing.write_latency : timing.write_latency;
}

unsigned memory_debug(struct memory *core, tlm::tlm_generic_payload &trans)
{
    std::uint64_t count = 0;
    if (trans.is_read())
        count = mem_debug_read(core, trans.get_address(), trans.get_data_ptr(), trans.get_data_length());
    else if (trans.is_write())
        count = mem_debug_write(core, trans.get_address(), trans.get_data_ptr(), trans.get_data_length());
    return static_cast<unsigned>(count); // at most data_length
}

struct memory *memory_core(const char *module, std::uint64_t size_bytes)
{
    struct memory *core = mem_create(size_bytes);
    if (core == nullptr)
        throw std::invalid_argument(std::string(module) + ": no memory of " + std::to_string(size_bytes) +
                                    " bytes: expected a multiple of 4096 that this host can reserve");
    return core;
}
