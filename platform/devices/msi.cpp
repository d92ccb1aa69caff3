// SPDX-License-Identifier: Apache-2.0
// See msi.h.
#include "msi.h"

namespace vp
{

namespace
{

// Address: 31:20 FEEH, 19:12 destination ID, 3 redirection hint, 2 destination mode.
constexpr unsigned DESTINATION_SHIFT = 12;
constexpr std::uint64_t RESERVED = 0xff0, REDIRECTION_HINT = 1u << 3, LOGICAL = 1u << 2;
// Data: 7:0 vector, 10:8 delivery mode, 14 level (assert), 15 trigger mode.
constexpr unsigned MODE_SHIFT = 8;
constexpr std::uint32_t VECTOR = 0xff, ASSERT = 1u << 14, LEVEL = 1u << 15;

} // namespace

bool msi_message(std::uint64_t offset, std::uint32_t data, struct ipi_msg &msg)
{
    if (offset & (RESERVED | 3))
        return false;
    msg = {};
    msg.destination = static_cast<std::uint32_t>(offset >> DESTINATION_SHIFT & 0xff);
    msg.logical = (offset & LOGICAL) != 0;
    msg.vector = static_cast<std::uint8_t>(data & VECTOR);
    msg.delivery_mode = static_cast<std::uint8_t>(data >> MODE_SHIFT & 7);
    msg.assert_level = true;
    switch (msg.delivery_mode) {
    case IPI_FIXED:
        // With a logical destination the redirection hint chooses one processor of the set.
        if ((offset & REDIRECTION_HINT) && msg.logical)
            msg.delivery_mode = IPI_LOWEST_PRIORITY;
        [[fallthrough]];
    case IPI_LOWEST_PRIORITY:
        msg.level = (data & LEVEL) != 0;
        return !msg.level || (data & ASSERT); // de-assertion of a level ends nothing that a local APIC keeps
    case IPI_SMI:
    case IPI_NMI:
    case IPI_INIT:
    case IPI_EXTINT: return true; // edges
    default: return false;        // 011 and 110 are reserved
    }
}

std::uint32_t msi_window::read(std::uint64_t, unsigned, std::uint64_t) { return UINT32_MAX; }

void msi_window::write(std::uint64_t offset, unsigned size, std::uint32_t value, std::uint64_t now_ps)
{
    struct ipi_msg msg;
    if (size == 4 && msi_message(offset, value, msg))
        (void)m_send(msg, now_ps);
}

} // namespace vp
