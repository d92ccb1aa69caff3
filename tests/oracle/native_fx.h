// SPDX-License-Identifier: Apache-2.0
// The host processor as judge of x87, MMX and SSE: around the instruction it loads the state by FXRSTOR64 and takes it
// back by FXSAVE64, neither of which waits for pending x87 exceptions.
#ifndef NATIVE_FX_H
#define NATIVE_FX_H

#include "fx_access.h"
#include "native_cpu.h"

class native_fx
{
  public:
    static constexpr std::uint64_t IN = native_cpu::STATE + 0x400, OUT = native_cpu::STATE + 0x800,
                                   MXCSR = native_cpu::STATE + 0x300;
    static constexpr std::uint64_t INSN = native_cpu::CODE + 9; // where the instruction itself is

    native_fx()
    {
        const std::uint32_t mxcsr = 0x1f80;
        if (m_cpu.is_usable())
            std::memcpy(native_cpu::at(MXCSR), &mxcsr, sizeof mxcsr);
    }
    native_fx(const native_fx &) = delete;
    native_fx &operator=(const native_fx &) = delete;

    bool is_usable() const { return m_cpu.is_usable(); }
    native_cpu &cpu() { return m_cpu; }

    void set_code(const std::vector<std::uint8_t> &insn)
    {
        std::vector<std::uint8_t> code = {0x48, 0x0f, 0xae, 0x0c, 0x25}; // fxrstor64 [IN]
        put32(code, IN);
        code.insert(code.end(), insn.begin(), insn.end());
        code.insert(code.end(), {0x48, 0x0f, 0xae, 0x04, 0x25}); // fxsave64 [OUT]
        put32(code, OUT);
        code.insert(code.end(), {0xdb, 0xe3, 0x0f, 0xae, 0x14, 0x25}); // fninit; ldmxcsr [MXCSR]
        put32(code, MXCSR);
        m_cpu.set_code(code);
    }

    // False: the instruction faulted; state and image are those of the fault.
    bool run(machine_state &state, fx_image &fx)
    {
        bool taken;
        std::memcpy(native_cpu::at(IN), &fx, sizeof fx);
        const bool completed = m_cpu.run(state, taken);
        std::memcpy(&fx, completed ? native_cpu::at(OUT) : native_cpu::fault().fx.data(), sizeof fx);
        return completed;
    }

  private:
    static void put32(std::vector<std::uint8_t> &code, std::uint64_t v)
    {
        for (unsigned i = 0; i < 4; i++)
            code.push_back(static_cast<std::uint8_t>(v >> (8 * i)));
    }

    native_cpu m_cpu;
};

#endif
