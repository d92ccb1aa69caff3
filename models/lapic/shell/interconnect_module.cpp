// SPDX-License-Identifier: Apache-2.0
// See interconnect_module.h.
#include "interconnect_module.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <string>

interconnect_module::interconnect_module(const sc_core::sc_module_name &name, const struct interconnect_config &config,
                                         std::vector<struct lapic *> apics, const sc_core::sc_time &period,
                                         const struct timing *timing, std::size_t senders)
    : sc_core::sc_module(name), m_period(period.value()), m_core(interconnect_create(&config)), m_timing(timing),
      m_apics(std::move(apics)), m_targets(m_apics.size())
{
    if (m_core == nullptr || m_period == 0) {
        interconnect_destroy(m_core);
        throw std::invalid_argument(std::string(this->name()) +
                                    ": the latency and the clock period must be at least 1");
    }
    const std::size_t count = m_apics.size();
    for (std::size_t i = 0; i < count + senders; i++) {
        const bool is_apic = i < count;
        const std::string socket =
            is_apic ? "ipi_tsock_" + std::to_string(i) : "message_tsock_" + std::to_string(i - count);
        auto &sockets = is_apic ? ipi_tsock : message_tsock;
        sockets.push_back(std::make_unique<target_socket>(socket.c_str()));
        sockets.back()->register_b_transport(this, &interconnect_module::transport, static_cast<int>(i));
    }
    for (std::size_t i = 0; i < count; i++)
        ipi_isock.push_back(std::make_unique<initiator_socket>(("ipi_isock_" + std::to_string(i)).c_str()));
}

interconnect_module::~interconnect_module() { interconnect_destroy(m_core); }

std::uint64_t interconnect_module::latency(const struct ipi_msg &msg, std::size_t from, std::size_t to,
                                           std::uint64_t cycle)
{
    std::uint64_t cycles = interconnect_latency(m_core, from, to, cycle);
    if (m_timing != nullptr && from != to) {
        const struct timing_ipi ipi = {static_cast<std::uint32_t>(from), static_cast<std::uint32_t>(to), msg.vector,
                                       msg.user, cycle};
        cycles += timing_ipi_latency(m_timing, &ipi);
    }
    return cycles;
}

// source: index of the socket's owner; the number of APICs or more for other senders.
void interconnect_module::transport(int source, tlm::tlm_generic_payload &payload, sc_core::sc_time &delay)
{
    if (!payload.is_write() || payload.get_data_length() != sizeof(struct ipi_msg)) {
        payload.set_response_status(tlm::TLM_COMMAND_ERROR_RESPONSE);
        return;
    }
    struct ipi_msg msg;
    std::memcpy(&msg, payload.get_data_ptr(), sizeof msg);

    const std::size_t from = std::min(static_cast<std::size_t>(source), m_apics.size());
    const std::uint64_t time = (sc_core::sc_time_stamp() + delay).value();
    const std::uint64_t cycle = time / m_period + (time % m_period != 0 ? 1 : 0);
    const std::size_t count = interconnect_route(m_core, &msg, m_apics.data(), m_apics.size(), from, m_targets.data());

    if (interconnect_refuses(&msg, m_apics.data(), m_targets.data(), count))
        return payload.set_response_status(tlm::TLM_OK_RESPONSE);
    sc_core::sc_time earliest = sc_core::sc_max_time();
    for (std::size_t i = 0; i < count; i++) {
        const std::size_t to = m_targets[i];
        const std::uint64_t cycles = latency(msg, from, to, cycle);
        const sc_core::sc_time arrives = delay + sc_core::sc_time::from_value(cycles * m_period);
        if (to != from)
            earliest = std::min(earliest, arrives);
        if (on_copy)
            on_copy(msg, from, to, cycle, cycle + cycles);
        forward(msg, to, arrives);
    }
    if (earliest != sc_core::sc_max_time())
        delay = earliest;
    payload.set_response_status(tlm::TLM_OK_RESPONSE);
}

void interconnect_module::forward(const struct ipi_msg &msg, std::size_t to, sc_core::sc_time delay)
{
    struct ipi_msg copy = msg;
    tlm::tlm_generic_payload payload;
    payload.set_command(tlm::TLM_WRITE_COMMAND);
    payload.set_data_ptr(reinterpret_cast<unsigned char *>(&copy));
    payload.set_data_length(sizeof copy);
    payload.set_streaming_width(sizeof copy);
    (*ipi_isock[to])->b_transport(payload, delay);
    if (payload.get_response_status() != tlm::TLM_OK_RESPONSE)
        SC_REPORT_ERROR(name(), "a local APIC refused a message");
}
