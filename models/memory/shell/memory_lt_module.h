// SPDX-License-Identifier: Apache-2.0
// RAM as a loosely-timed TLM-2.0 target with DMI. mem_tsock: addresses are offsets from the start of the RAM. Reads and
// writes of any length with byte enables; streaming width must cover the data. atomic_extension makes a write indivisible.
#ifndef MEMORY_LT_MODULE_H
#define MEMORY_LT_MODULE_H

#include "atomic_extension.h"
#include "memory.h"

#include <cstdint>
#include <systemc>
#include <tlm>
#include <tlm_utils/simple_target_socket.h>

struct memory_timing {
    sc_core::sc_time read_latency = sc_core::SC_ZERO_TIME;  // per transaction, also given with DMI
    sc_core::sc_time write_latency = sc_core::SC_ZERO_TIME;
};

// One generic-payload access on a memory core; shared by the LT and AT shells. Does not touch time.
tlm::tlm_response_status memory_access(struct memory *core, tlm::tlm_generic_payload &trans);

class memory_lt_module : public sc_core::sc_module {
public:
    tlm_utils::simple_target_socket<memory_lt_module> mem_tsock;

    // Throws std::invalid_argument if the size is not a multiple of 4096 or cannot be had.
    memory_lt_module(const sc_core::sc_module_name &name, std::uint64_t size_bytes, const memory_timing &latencies = {});
    ~memory_lt_module() override;
    struct memory *core() const { return m_core; }

private:
    void b_transport(tlm::tlm_generic_payload &trans, sc_core::sc_time &delay);
    unsigned transport_dbg(tlm::tlm_generic_payload &trans);
    bool get_direct_mem_ptr(tlm::tlm_generic_payload &trans, tlm::tlm_dmi &dmi);

    memory_timing m_timing;
    struct memory *m_core;
};

#endif
