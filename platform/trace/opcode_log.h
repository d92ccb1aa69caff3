// SPDX-License-Identifier: Apache-2.0
// Which encodings of the opcode table the guest has completed: one line for each at the end of the run, with its number
// in the table, mnemonic and encoding. An instruction that faulted has not completed.
#ifndef PLATFORM_TRACE_OPCODE_LOG_H
#define PLATFORM_TRACE_OPCODE_LOG_H

#include "cpu.h"

#include <cstdio>
#include <string>
#include <vector>

namespace vp
{

class opcode_log
{
  public:
    explicit opcode_log(const std::string &path); // throws user_error if the file cannot be created
    ~opcode_log();
    opcode_log(const opcode_log &) = delete;
    opcode_log &operator=(const opcode_log &) = delete;

    void watch(struct cpu *core); // before the run; the core must live until finish()
    void finish();                // throws user_error if writing failed

  private:
    std::string m_path;
    std::FILE *m_file;
    std::vector<struct cpu *> m_cores;
};

} // namespace vp

#endif
