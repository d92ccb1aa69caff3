// SPDX-License-Identifier: Apache-2.0
// Carries struct ipi_msg between local APICs: finds the receivers and the latency (models/lapic/core/interconnect.h
// plus the timing model), and forwards one copy to each. ipi_tsock[i] and ipi_isock[i] belong to APIC i;
// message_tsock[k] is for senders that are no APIC (I/O APIC, MSI). No architecture here.
//
// Delay of a message: on entry its sender's local offset; towards a receiver, plus the latency; on return to the
// sender, the offset at which the first other APIC gets it, unchanged if none does (nobody takes a level). A copy to
// the sender itself takes no time.
#ifndef LAPIC_SHELL_INTERCONNECT_MODULE_H
#define LAPIC_SHELL_INTERCONNECT_MODULE_H

#include "interconnect.h"
#include "timing.h"

#include <functional>
#include <memory>
#include <systemc>
#include <tlm>
#include <tlm_utils/simple_initiator_socket.h>
#include <tlm_utils/simple_target_socket.h>
#include <vector>

class interconnect_module : public sc_core::sc_module
{
  public:
    using target_socket = tlm_utils::simple_target_socket_tagged<interconnect_module>;
    using initiator_socket = tlm_utils::simple_initiator_socket<interconnect_module>;

    std::vector<std::unique_ptr<target_socket>> ipi_tsock;     // from APIC i
    std::vector<std::unique_ptr<initiator_socket>> ipi_isock;  // to APIC i
    std::vector<std::unique_ptr<target_socket>> message_tsock; // from other senders

    // Hook for a trace; may be empty: a copy of msg for APIC `to` leaves APIC `from` (count of APICs: another sender)
    // at cycle `sent` and arrives at cycle `arrives`.
    std::function<void(const struct ipi_msg &msg, std::size_t from, std::size_t to, std::uint64_t sent,
                       std::uint64_t arrives)>
        on_copy;

    // apics: the cores of the APICs in the order of the sockets, and timing (may be null), must outlive the module.
    // senders: number of message_tsock. Throws std::invalid_argument for a configuration that the core refuses.
    interconnect_module(const sc_core::sc_module_name &name, const struct interconnect_config &config,
                        std::vector<struct lapic *> apics, const sc_core::sc_time &period, const struct timing *timing,
                        std::size_t senders = 0);
    ~interconnect_module() override;

    std::uint64_t lookahead_cycles() const { return interconnect_lookahead(m_core); }
    // Model mesh: cycles that a cache line takes that leaves a tile for another at that cycle (interconnect.h).
    std::uint32_t line(std::uint32_t from_tile, std::uint32_t to_tile, std::uint64_t cycle)
    {
        return static_cast<std::uint32_t>(interconnect_line(m_core, from_tile, to_tile, cycle));
    }
    const struct interconnect_stats &stats() const { return *interconnect_stats(m_core); }

  private:
    void transport(int source, tlm::tlm_generic_payload &payload, sc_core::sc_time &delay);
    std::uint64_t latency(const struct ipi_msg &msg, std::size_t from, std::size_t to, std::uint64_t cycle);
    void forward(const struct ipi_msg &msg, std::size_t to, sc_core::sc_time delay);

    const std::uint64_t m_period; // of a cycle, in units of the time resolution
    struct interconnect *m_core;
    const struct timing *m_timing;
    std::vector<struct lapic *> m_apics;
    std::vector<std::size_t> m_targets; // room for one routing; messages do not nest
};

#endif
