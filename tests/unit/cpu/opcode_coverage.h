// SPDX-License-Identifier: Apache-2.0
// Which rows of the opcode table a test program has completed: written at its end to the file that VP_OPCODE_COVERAGE
// names, one row per line; without it, cores are not watched. docs/instructions.md takes the judges from there, so only
// what a test judges may be noted, not what its fixture does to get there.
#ifndef OPCODE_COVERAGE_H
#define OPCODE_COVERAGE_H

#include "cpu_opcodes.h"

#include <cstdlib>
#include <cstring>
#include <fstream>

class opcode_coverage
{
  public:
    // What the core executes from now on counts, if it is noted.
    static void watch(cpu *core)
    {
        if (std::getenv("VP_OPCODE_COVERAGE") != nullptr && core != nullptr && cpu_opcode_watch(core))
            forget(core);
    }
    // What has completed since the last call counts. To be called before a core is destroyed.
    static void note(cpu *core)
    {
        if (core != nullptr)
            cpu_opcode_take(core, &get().m_completed);
    }
    static void forget(cpu *core)
    {
        cpu_opcode_set nobody{};
        cpu_opcode_take(core, &nobody);
    }
    // An encoding that the test uses as a tool.
    static void leave_out(const char *encoding) { get().m_tool = encoding; }

  private:
    static opcode_coverage &get()
    {
        static opcode_coverage all;
        return all;
    }
    opcode_coverage() = default;
    ~opcode_coverage()
    {
        const char *path = std::getenv("VP_OPCODE_COVERAGE");
        if (path == nullptr)
            return;
        std::ofstream file(path);
        for (std::size_t n = 0; n < cpu_opcode_count(); n++) {
            cpu_opcode opcode;
            cpu_opcode_describe(n, &opcode);
            if (cpu_opcode_is_in(&m_completed, n) && std::strcmp(opcode.encoding, m_tool) != 0)
                file << n << '\n';
        }
    }
    cpu_opcode_set m_completed{};
    const char *m_tool = "";
};

#endif
