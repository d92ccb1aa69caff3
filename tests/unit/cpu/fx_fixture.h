// SPDX-License-Identifier: Apache-2.0
// A core in 64-bit mode that runs a few bytes of code from a given x87, MMX and SSE state.
#ifndef FX_FIXTURE_H
#define FX_FIXTURE_H

#include "cpu_fixture.h"
#include "fx_access.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

class fx_fixture : public testing::Test
{
  protected:
    static constexpr std::uint64_t CODE = 0x202000, DATA = 0x210000, ABSENT = 0x300000;

    // Initial control words, everything masked; no page at ABSENT.
    fx_fixture()
    {
        machine.start64();
        machine.set_page(ABSENT, 0);
        fx_enable(machine.core(), 0x20, 0);
        fx.fcw = 0x37f;
        fx.mxcsr = 0x1f80;
    }
    // Runs code from the state fx, which is then the state after it; answers the vector of an exception, or -1.
    int run(const std::vector<std::uint8_t> &bytes)
    {
        std::vector<std::uint8_t> all = bytes;
        all.insert(all.end(), cpu_fixture::STOP, cpu_fixture::STOP + 2);
        machine.write(CODE, all);
        cpu_regs r = machine.regs();
        r.rip = CODE;
        machine.set_regs(r);
        fx_set(machine.core(), &fx);
        EXPECT_TRUE(machine.run_to_stop());
        fx_get(machine.core(), &fx);
        return cpu_fixture::stopped_by_vector(machine.regs().rip);
    }
    void set_gpr(int reg, std::uint64_t v)
    {
        cpu_regs r = machine.regs();
        r.gpr[reg] = v;
        machine.set_regs(r);
    }

    cpu_fixture machine;
    fx_image fx = {};
};

#endif
