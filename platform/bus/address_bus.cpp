// SPDX-License-Identifier: Apache-2.0
// See address_bus.h.
#include "address_bus.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>

namespace vp
{

address_bus::address_bus(const sc_core::sc_module_name &name) : sc_core::sc_module(name), tsock("tsock"), isock("isock")
{
    tsock.register_b_transport(this, &address_bus::b_transport);
    tsock.register_get_direct_mem_ptr(this, &address_bus::get_direct_mem_ptr);
    tsock.register_transport_dbg(this, &address_bus::transport_dbg);
    isock.register_invalidate_direct_mem_ptr(this, &address_bus::invalidate_direct_mem_ptr);
}

void address_bus::map(unsigned port, std::uint64_t first, std::uint64_t bytes, std::uint64_t target_first)
{
    if (bytes == 0 || first > UINT64_MAX - (bytes - 1))
        throw std::invalid_argument(std::string(name()) + ": a region must not be empty or wrap around");
    region r{first, first + (bytes - 1), target_first, port};
    for (const region &other : m_regions)
        if (r.first <= other.last && other.first <= r.last)
            throw std::invalid_argument(std::string(name()) + ": two regions overlap");
    m_regions.push_back(r);
}

const address_bus::region *address_bus::find(std::uint64_t address) const
{
    for (const region &r : m_regions)
        if (address >= r.first && address <= r.last)
            return &r;
    return nullptr;
}

void address_bus::b_transport(int, tlm::tlm_generic_payload &payload, sc_core::sc_time &delay)
{
    const std::uint64_t address = payload.get_address();
    const unsigned length = payload.get_data_length();
    const region *r = find(address);
    const std::uint64_t last = address + (length == 0 ? 0 : length - 1);
    if (r != nullptr && last <= r->last && last >= address) {
        payload.set_address(address - r->first + r->target_first);
        isock[static_cast<int>(r->port)]->b_transport(payload, delay);
        payload.set_address(address);
        return;
    }
    bool touches = std::any_of(m_regions.begin(), m_regions.end(),
                               [&](const region &other) { return address <= other.last && other.first <= last; });
    if (touches && length > 1) {
        split(payload, delay);
        return;
    }
    if (payload.is_read())
        std::memset(payload.get_data_ptr(), 0xff, length);
    payload.set_dmi_allowed(false);
    payload.set_response_status(tlm::TLM_OK_RESPONSE);
}

// An access that is partly in a region and partly not: byte by byte, as a narrow device on a wide bus sees it.
void address_bus::split(tlm::tlm_generic_payload &payload, sc_core::sc_time &delay)
{
    tlm::tlm_generic_payload piece;
    piece.set_command(payload.get_command());
    piece.set_data_length(1);
    piece.set_streaming_width(1);
    for (unsigned i = 0; i < payload.get_data_length(); i++) {
        piece.set_address(payload.get_address() + i);
        piece.set_data_ptr(payload.get_data_ptr() + i);
        piece.set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
        b_transport(0, piece, delay);
        if (piece.is_response_error() && piece.is_read())
            *piece.get_data_ptr() = 0xff;
    }
    payload.set_dmi_allowed(false);
    payload.set_response_status(tlm::TLM_OK_RESPONSE);
}

bool address_bus::get_direct_mem_ptr(int, tlm::tlm_generic_payload &payload, tlm::tlm_dmi &dmi)
{
    const std::uint64_t address = payload.get_address();
    const region *r = find(address);
    if (r == nullptr)
        return false;
    payload.set_address(address - r->first + r->target_first);
    bool granted = isock[static_cast<int>(r->port)]->get_direct_mem_ptr(payload, dmi);
    payload.set_address(address);
    if (!granted)
        return false;
    // The target's range, cut to what this region shows of it, in bus addresses.
    const std::uint64_t target_last = r->target_first + (r->last - r->first);
    const std::uint64_t first = std::max<std::uint64_t>(dmi.get_start_address(), r->target_first);
    const std::uint64_t last = std::min<std::uint64_t>(dmi.get_end_address(), target_last);
    dmi.set_dmi_ptr(dmi.get_dmi_ptr() + (first - dmi.get_start_address()));
    dmi.set_start_address(first - r->target_first + r->first);
    dmi.set_end_address(last - r->target_first + r->first);
    return true;
}

unsigned address_bus::transport_dbg(int, tlm::tlm_generic_payload &payload)
{
    const std::uint64_t address = payload.get_address();
    const region *r = find(address);
    if (r == nullptr)
        return 0;
    payload.set_address(address - r->first + r->target_first);
    unsigned done = isock[static_cast<int>(r->port)]->transport_dbg(payload);
    payload.set_address(address);
    return done;
}

void address_bus::invalidate_direct_mem_ptr(int id, sc_dt::uint64 first, sc_dt::uint64 last)
{
    for (const region &r : m_regions) {
        const std::uint64_t target_last = r.target_first + (r.last - r.first);
        if (r.port != static_cast<unsigned>(id) || first > target_last || last < r.target_first)
            continue;
        const std::uint64_t from = std::max<std::uint64_t>(first, r.target_first) - r.target_first + r.first;
        const std::uint64_t to = std::min<std::uint64_t>(last, target_last) - r.target_first + r.first;
        for (unsigned i = 0; i < tsock.size(); i++)
            tsock[static_cast<int>(i)]->invalidate_direct_mem_ptr(from, to);
    }
}

} // namespace vp
