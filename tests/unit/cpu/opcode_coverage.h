// SPDX-License-Identifier: Apache-2.0
// Which rows of the opcode table a test program has executed: written at its end to the file that VP_OPCODE_COVERAGE
// names, one encoding per line. docs/instructions.md takes the judge of each instruction from there.
#ifndef OPCODE_COVERAGE_H
#define OPCODE_COVERAGE_H

#include "cpu_opcodes.h"

#include <cstdlib>
#include <fstream>
#include <vector>

class opcode_coverage
{
  public:
    // Call before a core is destroyed.
    static void note(const cpu *core)
    {
        static opcode_coverage all;
        if (core == nullptr)
            return;
        for (std::size_t n = 0; n < all.m_met.size(); n++)
            all.m_met[n] = all.m_met[n] || cpu_opcode_was_met(core, n);
    }

  private:
    opcode_coverage() : m_met(cpu_opcode_count()) {}
    ~opcode_coverage()
    {
        const char *path = std::getenv("VP_OPCODE_COVERAGE");
        if (path == nullptr)
            return;
        std::ofstream file(path);
        for (std::size_t n = 0; n < m_met.size(); n++)
            if (m_met[n])
                file << n << '\n';
    }
    std::vector<bool> m_met;
};

#endif
