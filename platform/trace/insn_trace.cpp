// SPDX-License-Identifier: Apache-2.0
// See insn_trace.h.
#include "insn_trace.h"

#include "config/user_error.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace vp
{

insn_trace::insn_trace(const std::string &path)
    : m_path(path), m_file(std::fopen(path.c_str(), "wb")), m_disassembler(cpu_disassembler_create())
{
    if (m_file == nullptr) {
        cpu_disassembler_destroy(m_disassembler);
        throw user_error(fmt::format("--itrace: {}: cannot be created", path));
    }
    std::fputs("# cycle core cpl mode rip bytes disassembly\n", m_file);
}

insn_trace::~insn_trace()
{
    if (m_file != nullptr)
        std::fclose(m_file);
    cpu_disassembler_destroy(m_disassembler);
}

void insn_trace::add(std::uint32_t core, const struct cpu_trace_insn &insn)
{
    std::array<char, 31> bytes{};
    const unsigned length = std::min<unsigned>(insn.length, sizeof insn.bytes);
    for (unsigned i = 0; i < length; i++)
        std::snprintf(&bytes[2 * i], 3, "%02x", insn.bytes[i]);
    std::array<char, 160> text{};
    if (m_disassembler == nullptr ||
        cpu_disassemble(m_disassembler, insn.bytes, length, insn.rip, insn.mode_bits, text.data(), text.size()) == 0)
        std::snprintf(text.data(), text.size(), "(bad)");
    std::fprintf(m_file, "%llu %u %u %u %016llx %-30s %s\n", static_cast<unsigned long long>(insn.cycle), core,
                 insn.cpl, insn.mode_bits, static_cast<unsigned long long>(insn.rip), bytes.data(), text.data());
}

void insn_trace::finish()
{
    bool failed = std::ferror(m_file) != 0;
    failed = std::fclose(m_file) != 0 || failed;
    m_file = nullptr;
    if (failed)
        throw user_error(fmt::format("--itrace: {}: cannot be written", m_path));
}

} // namespace vp
