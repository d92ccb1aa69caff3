// SPDX-License-Identifier: Apache-2.0
// RAM as a loosely-timed TLM-2.0 target with DMI. mem_tsock: addresses are offsets from the start of the RAM. Reads and
// writes of any length with byte enables; streaming width must cover the data; an atomic_extension makes a write
// indivisible. The same core behind four phases is memory_at_module.
#ifndef MEMORY_LT_MODULE_H
#define MEMORY_LT_MODULE_H

#include "memory_access.h"

#include <cstdint>
#include <systemc>
#include <tlm>
#include <tlm_utils/simple_target_socket.h>

class memory_lt_module : public sc_core::sc_module
{
  public:
    tlm_utils::simple_target_socket<memory_lt_module> mem_tsock;

    // Throws std::invalid_argument if the size is not a multiple of 4096 or cannot be had.
    memory_lt_module(const sc_core::sc_module_name &name, std::uint64_t size_bytes,
                     const memory_timing &latencies = {});
    ~memory_lt_module() override;
    struct memory *core() const { return m_core; }
    const struct mem_stats &stats() const { return *mem_stats(m_core); } // DMI accesses are not counted

  private:
    void b_transport(tlm::tlm_generic_payload &trans, sc_core::sc_time &delay);
    unsigned transport_dbg(tlm::tlm_generic_payload &trans);
    bool get_direct_mem_ptr(tlm::tlm_generic_payload &trans, tlm::tlm_dmi &dmi);

    memory_timing m_timing;
    struct memory *m_core;
};

#endif
