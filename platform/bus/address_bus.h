// SPDX-License-Identifier: Apache-2.0
// A TLM-2.0 bus that decodes addresses. The platform has two: physical memory (RAM, I/O APIC) and ports. Absent
// addresses read all ones and swallow writes. DMI passes through with addresses translated both ways. No time is added.
#ifndef PLATFORM_BUS_ADDRESS_BUS_H
#define PLATFORM_BUS_ADDRESS_BUS_H

#include <systemc>
#include <tlm>
#include <tlm_utils/multi_passthrough_initiator_socket.h>
#include <tlm_utils/multi_passthrough_target_socket.h>

#include <cstdint>
#include <vector>

namespace vp
{

class address_bus : public sc_core::sc_module
{
  public:
    tlm_utils::multi_passthrough_target_socket<address_bus> tsock;    // any number of initiators
    tlm_utils::multi_passthrough_initiator_socket<address_bus> isock; // bound by attach()

    explicit address_bus(const sc_core::sc_module_name &name);

    // Binds `target` at [first, first + bytes); the target sees addresses from `target_first` on. A target may be
    // attached at several places by a later map() with the port that attach answered. Throws std::invalid_argument on
    // overlap.
    template <typename TARGET_SOCKET>
    unsigned attach(TARGET_SOCKET &target, std::uint64_t first, std::uint64_t bytes, std::uint64_t target_first = 0)
    {
        isock.bind(target);
        map(m_ports, first, bytes, target_first);
        return m_ports++;
    }
    void map(unsigned port, std::uint64_t first, std::uint64_t bytes, std::uint64_t target_first);

  private:
    struct region {
        std::uint64_t first, last; // on the bus, inclusive
        std::uint64_t target_first;
        unsigned port;
    };

    const region *find(std::uint64_t address) const;
    void b_transport(int id, tlm::tlm_generic_payload &payload, sc_core::sc_time &delay);
    bool get_direct_mem_ptr(int id, tlm::tlm_generic_payload &payload, tlm::tlm_dmi &dmi);
    unsigned transport_dbg(int id, tlm::tlm_generic_payload &payload);
    void invalidate_direct_mem_ptr(int id, sc_dt::uint64 first, sc_dt::uint64 last);
    void split(tlm::tlm_generic_payload &payload, sc_core::sc_time &delay);

    std::vector<region> m_regions; // in the order of attachment; few
    unsigned m_ports = 0;
};

} // namespace vp

#endif
