// SPDX-License-Identifier: Apache-2.0
// See memory_at_module.h. TLM rules: IEEE 1666-2011, clause "Base protocol".
#include "memory_at_module.h"

#include <algorithm>
#include <stdexcept>
#include <string>

memory_at_module::memory_at_module(const sc_core::sc_module_name &module_name, std::uint64_t size_bytes,
                                   const memory_at_config &config)
    : sc_core::sc_module(module_name), mem_tsock("mem_tsock"), m_config(config), m_core(nullptr),
      m_phases(this, &memory_at_module::on_phase)
{
    if (config.queue_depth == 0)
        throw std::invalid_argument(std::string(name()) + ": queue_depth is 0, expected at least 1");
    m_core = memory_core(name(), size_bytes);
    mem_tsock.register_nb_transport_fw(this, &memory_at_module::nb_transport_fw);
    mem_tsock.register_b_transport(this, &memory_at_module::b_transport);
    mem_tsock.register_transport_dbg(this, &memory_at_module::transport_dbg);
}

memory_at_module::~memory_at_module() { mem_destroy(m_core); }

void memory_at_module::protocol_error(const char *what)
{
    SC_REPORT_ERROR("/uintr_vp/memory_at", (std::string(name()) + ": " + what).c_str());
}

tlm::tlm_sync_enum memory_at_module::nb_transport_fw(tlm::tlm_generic_payload &trans, tlm::tlm_phase &phase,
                                                     sc_core::sc_time &delay)
{
    if (phase == tlm::BEGIN_REQ) {
        if (!trans.has_mm()) {
            protocol_error("a transaction without memory manager on the non-blocking path");
            return tlm::TLM_ACCEPTED;
        }
        if (m_request_open) {
            protocol_error("BEGIN_REQ before the END_REQ of the request before (request exclusion rule)");
            return tlm::TLM_ACCEPTED;
        }
        m_request_open = true;
        m_stats.requests++;
        trans.acquire(); // released in end_response
        m_phases.notify(trans, tlm::BEGIN_REQ, delay);
    } else if (phase == tlm::END_RESP) {
        if (&trans != m_responding || m_response_ending) {
            protocol_error("END_RESP of a transaction that is not in its response phase");
            return tlm::TLM_ACCEPTED;
        }
        m_response_ending = true;
        m_phases.notify(trans, tlm::END_RESP, delay);
    } else if (phase == tlm::END_REQ || phase == tlm::BEGIN_RESP) {
        protocol_error("END_REQ or BEGIN_RESP from the initiator");
    }
    return tlm::TLM_ACCEPTED; // extended phases may be ignored
}

void memory_at_module::on_phase(tlm::tlm_generic_payload &trans, const tlm::tlm_phase &phase)
{
    if (phase == tlm::BEGIN_REQ) {
        begin_request(trans);
    } else if (phase == tlm::END_REQ) {
        end_request(trans);
    } else if (phase == tlm::BEGIN_RESP) {
        trans.set_response_status(memory_access(m_core, trans));
        m_ready.push_back(&trans);
        if (m_responding != nullptr)
            m_stats.held_back++;
        respond_if_free();
    } else {
        end_response(trans);
    }
}

void memory_at_module::begin_request(tlm::tlm_generic_payload &trans)
{
    if (m_in_flight < m_config.queue_depth) {
        take_slot(trans);
        return;
    }
    m_stats.stalled++;
    m_stalled = &trans;
}

void memory_at_module::take_slot(tlm::tlm_generic_payload &trans)
{
    m_in_flight++;
    m_stats.most_in_flight = std::max<std::uint64_t>(m_stats.most_in_flight, m_in_flight);
    m_phases.notify(trans, tlm::END_REQ, m_config.accept_latency);
}

void memory_at_module::end_request(tlm::tlm_generic_payload &trans)
{
    const sc_core::sc_time now = sc_core::sc_time_stamp();
    m_last_due = std::max(m_last_due, now + memory_latency(m_config.latencies, trans));
    m_phases.notify(trans, tlm::BEGIN_RESP, m_last_due - now);
    // Last: the initiator may begin its next request from within this call.
    m_request_open = false;
    tlm::tlm_phase phase = tlm::END_REQ;
    sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
    if (mem_tsock->nb_transport_bw(trans, phase, delay) == tlm::TLM_COMPLETED)
        protocol_error("the initiator completed a transaction at END_REQ");
}

void memory_at_module::respond_if_free()
{
    if (m_responding != nullptr || m_ready.empty())
        return;
    tlm::tlm_generic_payload &trans = *m_ready.front();
    m_ready.pop_front();
    m_responding = &trans;
    m_response_ending = false;
    tlm::tlm_phase phase = tlm::BEGIN_RESP;
    sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
    const tlm::tlm_sync_enum answer = mem_tsock->nb_transport_bw(trans, phase, delay);
    if (answer == tlm::TLM_ACCEPTED)
        return; // END_RESP comes, or came during the call, on the forward path
    if (answer == tlm::TLM_UPDATED && phase != tlm::END_RESP) {
        protocol_error("the initiator answered BEGIN_RESP with a phase that is not END_RESP");
        return;
    }
    m_response_ending = true;
    m_phases.notify(trans, tlm::END_RESP, delay);
}

void memory_at_module::end_response(tlm::tlm_generic_payload &trans)
{
    m_responding = nullptr;
    m_in_flight--;
    m_stats.responses++;
    trans.release(); // the last touch
    if (m_stalled != nullptr) {
        tlm::tlm_generic_payload &next = *m_stalled;
        m_stalled = nullptr;
        take_slot(next);
    }
    respond_if_free();
}

void memory_at_module::b_transport(tlm::tlm_generic_payload &trans, sc_core::sc_time &delay)
{
    const tlm::tlm_response_status status = memory_access(m_core, trans);
    trans.set_response_status(status);
    if (status == tlm::TLM_OK_RESPONSE)
        delay += m_config.accept_latency + memory_latency(m_config.latencies, trans);
}

unsigned memory_at_module::transport_dbg(tlm::tlm_generic_payload &trans) { return memory_debug(m_core, trans); }
