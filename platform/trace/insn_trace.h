// SPDX-License-Identifier: Apache-2.0
// The instruction trace: one line per instruction: cycle, core, CPL, mode, RIP, bytes, disassembly.
#ifndef PLATFORM_TRACE_INSN_TRACE_H
#define PLATFORM_TRACE_INSN_TRACE_H

#include "cpu.h"

#include <cstdint>
#include <cstdio>
#include <string>

namespace vp
{

class insn_trace
{
  public:
    explicit insn_trace(const std::string &path); // throws user_error if the file cannot be created
    ~insn_trace();
    insn_trace(const insn_trace &) = delete;
    insn_trace &operator=(const insn_trace &) = delete;

    void add(std::uint32_t core, const struct cpu_trace_insn &insn);
    void finish(); // throws user_error if writing failed

  private:
    std::string m_path;
    std::FILE *m_file;
    struct decoder *m_disassembler;
};

} // namespace vp

#endif
