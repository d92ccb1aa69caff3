// SPDX-License-Identifier: Apache-2.0
// RAM as an approximately-timed TLM-2.0 target: the base protocol's four phases over the same core as memory_lt_module.
//
//   BEGIN_REQ --accept_latency--> END_REQ --read/write latency--> BEGIN_RESP --initiator--> END_RESP
//
// Up to queue_depth requests are in flight; when the queue is full, END_REQ waits for a slot: by the request exclusion
// rule that stops the initiator. Requests are served in the order of their arrival, so that accesses to one address
// keep their order; the data moves when the response is due. One response at a time (response exclusion rule).
// b_transport serves loosely-timed initiators and passes the queue by. No DMI: it would go round the timing.
#ifndef MEMORY_AT_MODULE_H
#define MEMORY_AT_MODULE_H

#include "memory_access.h"

#include <cstdint>
#include <deque>
#include <systemc>
#include <tlm>
#include <tlm_utils/peq_with_cb_and_phase.h>
#include <tlm_utils/simple_target_socket.h>

struct memory_at_config {
    memory_timing latencies;                                 // from END_REQ to BEGIN_RESP
    sc_core::sc_time accept_latency = sc_core::SC_ZERO_TIME; // from BEGIN_REQ to END_REQ, when a slot is free
    unsigned queue_depth = 4;                                // requests in flight, at least 1
};

struct memory_at_stats {
#define MEMORY_AT_STAT(name, unit, sentence) std::uint64_t name = 0;
#include "memory_at_stats.def"
#undef MEMORY_AT_STAT
};

class memory_at_module : public sc_core::sc_module
{
  public:
    tlm_utils::simple_target_socket<memory_at_module> mem_tsock;

    // Throws std::invalid_argument on a size as memory_lt_module does, or if queue_depth is 0.
    memory_at_module(const sc_core::sc_module_name &name, std::uint64_t size_bytes,
                     const memory_at_config &config = {});
    ~memory_at_module() override;
    struct memory *core() const { return m_core; }
    const struct mem_stats &stats() const { return *mem_stats(m_core); }
    const memory_at_stats &at_stats() const { return m_stats; }

  private:
    tlm::tlm_sync_enum nb_transport_fw(tlm::tlm_generic_payload &trans, tlm::tlm_phase &phase, sc_core::sc_time &delay);
    void b_transport(tlm::tlm_generic_payload &trans, sc_core::sc_time &delay);
    unsigned transport_dbg(tlm::tlm_generic_payload &trans);

    // The queue calls this when a phase's time has come.
    void on_phase(tlm::tlm_generic_payload &trans, const tlm::tlm_phase &phase);
    void begin_request(tlm::tlm_generic_payload &trans);
    void take_slot(tlm::tlm_generic_payload &trans);
    void end_request(tlm::tlm_generic_payload &trans);
    void respond_if_free();
    void end_response(tlm::tlm_generic_payload &trans);
    void protocol_error(const char *what);

    memory_at_config m_config;
    struct memory *m_core;
    memory_at_stats m_stats;
    tlm_utils::peq_with_cb_and_phase<memory_at_module> m_phases;
    unsigned m_in_flight = 0;                            // from END_REQ being certain to END_RESP
    bool m_request_open = false;                         // between BEGIN_REQ and END_REQ
    tlm::tlm_generic_payload *m_stalled = nullptr;       // its END_REQ waits for a slot
    std::deque<tlm::tlm_generic_payload *> m_ready;      // done, BEGIN_RESP not sent
    tlm::tlm_generic_payload *m_responding = nullptr;    // between BEGIN_RESP and END_RESP
    bool m_response_ending = false;                      // END_RESP has been announced for m_responding
    sc_core::sc_time m_last_due = sc_core::SC_ZERO_TIME; // no response is due before an earlier request's
};

#endif
