// SPDX-License-Identifier: Apache-2.0
// Runs short pieces of guest code, instruction by instruction, on the machine of protected_fixture.h. Each instruction
// and each exception costs one cycle here.
#ifndef INSN_FIXTURE_H
#define INSN_FIXTURE_H

#include "protected_fixture.h"

enum { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15 };

class insn_fixture : public protected_fixture
{
  protected:
    using code = std::vector<std::uint8_t>;
    static constexpr int COMPLETED = -1;

    // Places code at RIP's start; the next run begins there.
    void place(const code &bytes, std::uint64_t at = CODE)
    {
        for (std::size_t i = 0; i < bytes.size(); i++)
            put(at + i, bytes[i]);
        drop_code(at);
    }
    void set_rip(std::uint64_t rip)
    {
        cpu_regs r = regs();
        r.rip = rip;
        cpu_set_regs(core, &r);
    }
    // One step: an instruction, or an exception. Answers the exception's vector, or COMPLETED.
    int step_once()
    {
        (void)!cpu_run(core, cpu_now(core) + 1);
        return vector_at(regs().rip);
    }
    static int vector_at(std::uint64_t rip)
    {
        return rip >= HANDLER && rip < HANDLER + 16 * 256 ? static_cast<int>((rip - HANDLER) / 16) : COMPLETED;
    }
    // Executes the one instruction `bytes` at CODE.
    int run(const code &bytes)
    {
        place(bytes);
        set_rip(CODE);
        return step_once();
    }
    cpu_regs regs()
    {
        cpu_regs r;
        cpu_get_regs(core, &r);
        return r;
    }
    void set_gpr(int reg, std::uint64_t v)
    {
        cpu_regs r = regs();
        r.gpr[reg] = v;
        cpu_set_regs(core, &r);
    }
    std::uint64_t gpr(int reg) { return regs().gpr[reg]; }
    void set_cr(std::uint64_t cr0_bits, std::uint64_t cr4_bits)
    {
        state = now();
        state.cr0 |= cr0_bits;
        state.cr4 |= cr4_bits;
        set();
    }
};

#endif
