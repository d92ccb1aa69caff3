// SPDX-License-Identifier: Apache-2.0
// See memory_lt_module.h. TLM rules: IEEE 1666-2011, clauses "Generic payload" and "Direct memory interface".
#include "memory_lt_module.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <string>

namespace {

bool enabled(const tlm::tlm_generic_payload &trans, unsigned i)
{
    const unsigned char *enables = trans.get_byte_enable_ptr();
    return enables == nullptr || enables[i % trans.get_byte_enable_length()] == TLM_BYTE_ENABLED;
}

enum mem_status access_bytes(struct memory *core, tlm::tlm_generic_payload &trans)
{
    const std::uint64_t address = trans.get_address();
    unsigned char *data = trans.get_data_ptr();
    const unsigned length = trans.get_data_length();
    if (trans.get_byte_enable_ptr() == nullptr)
        return trans.is_read() ? mem_read(core, address, data, length) : mem_write(core, address, data, length);
    if (length > mem_size(core) || address > mem_size(core) - length)
        return MEM_OUT_OF_RANGE; // all or nothing
    enum mem_status status = MEM_OK;
    for (unsigned i = 0; i < length && status == MEM_OK; i++)
        if (enabled(trans, i))
            status = trans.is_read() ? mem_read(core, address + i, data + i, 1) : mem_write(core, address + i, data + i, 1);
    return status;
}

} // namespace

tlm::tlm_response_status memory_access(struct memory *core, tlm::tlm_generic_payload &trans)
{
    if (trans.get_streaming_width() < trans.get_data_length())
        return tlm::TLM_BURST_ERROR_RESPONSE;
    if (trans.get_byte_enable_ptr() != nullptr && trans.get_byte_enable_length() == 0)
        return tlm::TLM_BYTE_ENABLE_ERROR_RESPONSE;
    atomic_extension *atomic = nullptr;
    trans.get_extension(atomic);
    enum mem_status status = MEM_OK;
    if (atomic != nullptr) {
        status = mem_modify(core, trans.get_address(), trans.get_data_length(), atomic->modify, atomic->arg);
        atomic->done = status == MEM_OK;
    } else if (!trans.is_read() && !trans.is_write()) {
        return tlm::TLM_OK_RESPONSE; // TLM_IGNORE_COMMAND
    } else {
        status = access_bytes(core, trans);
    }
    return status == MEM_OK ? tlm::TLM_OK_RESPONSE : tlm::TLM_ADDRESS_ERROR_RESPONSE;
}

memory_lt_module::memory_lt_module(const sc_core::sc_module_name &name, std::uint64_t size_bytes,
                                   const memory_timing &latencies)
    : sc_core::sc_module(name), mem_tsock("mem_tsock"), m_timing(latencies), m_core(mem_create(size_bytes))
{
    if (m_core == nullptr)
        throw std::invalid_argument(std::string(this->name()) + ": no memory of " + std::to_string(size_bytes) +
                                    " bytes (a multiple of 4096 is needed)");
    mem_tsock.register_b_transport(this, &memory_lt_module::b_transport);
    mem_tsock.register_transport_dbg(this, &memory_lt_module::transport_dbg);
    mem_tsock.register_get_direct_mem_ptr(this, &memory_lt_module::get_direct_mem_ptr);
}

memory_lt_module::~memory_lt_module() { mem_destroy(m_core); }

void memory_lt_module::b_transport(tlm::tlm_generic_payload &trans, sc_core::sc_time &delay)
{
    tlm::tlm_response_status status = memory_access(m_core, trans);
    trans.set_response_status(status);
    if (status != tlm::TLM_OK_RESPONSE)
        return;
    delay += trans.is_read() ? m_timing.read_latency : m_timing.write_latency;
    trans.set_dmi_allowed(true);
}

unsigned memory_lt_module::transport_dbg(tlm::tlm_generic_payload &trans)
{
    const std::uint64_t address = trans.get_address(), size = mem_size(m_core);
    if (address >= size || (!trans.is_read() && !trans.is_write()))
        return 0;
    const auto n = static_cast<unsigned>(std::min<std::uint64_t>(trans.get_data_length(), size - address));
    if (trans.is_read())
        std::memcpy(trans.get_data_ptr(), mem_bytes(m_core) + address, n);
    else
        std::memcpy(mem_bytes(m_core) + address, trans.get_data_ptr(), n);
    return n;
}

bool memory_lt_module::get_direct_mem_ptr(tlm::tlm_generic_payload &trans, tlm::tlm_dmi &dmi)
{
    dmi.allow_read_write();
    dmi.set_start_address(0);
    dmi.set_end_address(mem_size(m_core) - 1); // inclusive
    dmi.set_dmi_ptr(mem_bytes(m_core));
    dmi.set_read_latency(m_timing.read_latency);
    dmi.set_write_latency(m_timing.write_latency);
    if (trans.get_address() < mem_size(m_core))
        return true;
    dmi.allow_none();
    return false;
}
