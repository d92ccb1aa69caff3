// SPDX-License-Identifier: Apache-2.0
// See missing_insns.h.
#include "missing_insns.h"

#include <fmt/format.h>

#include <array>

namespace vp
{

missing_insns::~missing_insns() { cpu_disassembler_destroy(m_disassembler); }

std::string missing_insns::text(std::uint64_t rip, const std::uint8_t *bytes, std::uint32_t length, unsigned mode_bits)
{
    if (m_disassembler == nullptr)
        m_disassembler = cpu_disassembler_create();
    std::array<char, 160> line{};
    std::string mnemonic = "unknown instruction";
    if (m_disassembler != nullptr &&
        cpu_disassemble(m_disassembler, bytes, length, rip, mode_bits, line.data(), line.size()) != 0) {
        mnemonic = line.data();
        mnemonic = mnemonic.substr(0, mnemonic.find(' '));
    }
    if (!m_seen.insert(mnemonic).second)
        return "";
    std::string hex;
    for (std::uint32_t i = 0; i < length; i++)
        hex += fmt::format(" {:02x}", bytes[i]);
    return fmt::format("not implemented: {} (bytes{}) at RIP {:x}", mnemonic, hex, rip);
}

} // namespace vp
