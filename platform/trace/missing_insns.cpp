// SPDX-License-Identifier: Apache-2.0
// See missing_insns.h.
#include "missing_insns.h"

#include <fmt/format.h>

namespace vp
{

std::string missing_insns::text(std::uint64_t rip, const std::uint8_t *bytes, std::uint32_t length,
                                const std::string &name)
{
    if (!m_seen.insert(name).second)
        return "";
    std::string hex;
    for (std::uint32_t i = 0; i < length; i++)
        hex += fmt::format(" {:02x}", bytes[i]);
    return fmt::format("not implemented: {} (bytes{}) at RIP {:x}", name, hex, rip);
}

} // namespace vp
