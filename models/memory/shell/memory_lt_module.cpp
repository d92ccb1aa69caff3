// SPDX-License-Identifier: Apache-2.0
// See memory_lt_module.h. TLM rules: IEEE 1666-2011, clauses "Generic payload" and "Direct memory interface".
#include "memory_lt_module.h"

#include <limits>

memory_lt_module::memory_lt_module(const sc_core::sc_module_name &module_name, std::uint64_t size_bytes,
                                   const memory_timing &latencies)
    : sc_core::sc_module(module_name), mem_tsock("mem_tsock"), m_timing(latencies),
      m_core(memory_core(name(), size_bytes))
{
    mem_tsock.register_b_transport(this, &memory_lt_module::b_transport);
    mem_tsock.register_transport_dbg(this, &memory_lt_module::transport_dbg);
    mem_tsock.register_get_direct_mem_ptr(this, &memory_lt_module::get_direct_mem_ptr);
}

memory_lt_module::~memory_lt_module() { mem_destroy(m_core); }

void memory_lt_module::b_transport(tlm::tlm_generic_payload &trans, sc_core::sc_time &delay)
{
    const tlm::tlm_response_status status = memory_access(m_core, trans);
    trans.set_response_status(status);
    if (status != tlm::TLM_OK_RESPONSE)
        return;
    delay += memory_latency(m_timing, trans);
    trans.set_dmi_allowed(true);
}

unsigned memory_lt_module::transport_dbg(tlm::tlm_generic_payload &trans) { return memory_debug(m_core, trans); }

bool memory_lt_module::get_direct_mem_ptr(tlm::tlm_generic_payload &trans, tlm::tlm_dmi &dmi)
{
    const std::uint64_t size = mem_size(m_core);
    dmi.init();
    if (trans.get_address() >= size) { // the answer names the whole region that has no DMI
        dmi.allow_none();
        dmi.set_start_address(size);
        dmi.set_end_address(std::numeric_limits<sc_dt::uint64>::max());
        return false;
    }
    dmi.allow_read_write();
    dmi.set_start_address(0);
    dmi.set_end_address(size - 1); // inclusive
    dmi.set_dmi_ptr(mem_bytes(m_core));
    dmi.set_read_latency(m_timing.read_latency);
    dmi.set_write_latency(m_timing.write_latency);
    return true;
}
