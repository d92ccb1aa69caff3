// SPDX-License-Identifier: Apache-2.0
// What the LT and the AT shell share: one generic-payload access on a memory core, without time, and its latency.
// Rules: IEEE 1666-2011, clause "Generic payload".
#ifndef MEMORY_ACCESS_H
#define MEMORY_ACCESS_H

#include "atomic_extension.h"
#include "memory.h"

#include <systemc>
#include <tlm>

struct memory_timing {
    sc_core::sc_time read_latency = sc_core::SC_ZERO_TIME;  // per transaction; also told with DMI
    sc_core::sc_time write_latency = sc_core::SC_ZERO_TIME; // an atomic access costs one read and one write
};

// Reads, writes (both with byte enables) or, with an atomic_extension, changes the bytes. Answers the response status
// and sets nothing but the data and the extension's `done`. What is refused is not done in part.
tlm::tlm_response_status memory_access(struct memory *core, tlm::tlm_generic_payload &trans);

sc_core::sc_time memory_latency(const memory_timing &timing, const tlm::tlm_generic_payload &trans);

// transport_dbg: neither counted nor timed; answers how many bytes were inside.
unsigned memory_debug(struct memory *core, tlm::tlm_generic_payload &trans);

// A core of that size; throws std::invalid_argument, with the module's name, if it cannot be had.
struct memory *memory_core(const char *module, std::uint64_t size_bytes);

#endif
