// SPDX-License-Identifier: Apache-2.0
// The core as the oracle drives it: at CPL 3 as the host's program is, with the same pages absent and read-only. Each
// run answers an outcome, faults from what the core pushed for their handler.
#ifndef ORACLE_GUEST_H
#define ORACLE_GUEST_H

#include "core_access.h"
#include "cpu_fixture.h"
#include "oracle_case.h"
#include "timing_fixture.h"

#include <memory>

// Flavours of the core's handlers.
enum class flavour { plain, observed, timed };
constexpr unsigned FLAVOURS = 3;

// The timing model `cache`, under which the flavour `timed` runs.
class oracle_timing : public timing_instance
{
  public:
    oracle_timing() : timing_instance(timing_find("cache")) { EXPECT_TRUE(create()) << error; }
};

class oracle_guest
{
  public:
    explicit oracle_guest(flavour f)
        : m_timing(f == flavour::timed ? std::make_unique<oracle_timing>() : nullptr),
          m_machine(f == flavour::observed, m_timing ? &m_timing->timing : nullptr)
    {
        m_machine.start64();
        for (std::uint64_t page : native_cpu::ABSENT)
            m_machine.set_page(page, 0);
        m_machine.set_page(native_cpu::READ_ONLY, native_cpu::READ_ONLY | 5); // present, user
        m_machine.write(native_cpu::TAKEN, cpu_fixture::STOP, sizeof cpu_fixture::STOP);
        fx_enable(m_machine.core(), 0x20, 0); // NE
        // The stop port, and no other, is open to user code: I/O permission bitmap in the TSS.
        const std::uint16_t bitmap = 0x68;
        m_machine.write(cpu_fixture::TSS + 0x66, &bitmap, sizeof bitmap);
        std::vector<std::uint8_t> ports(0x40, 0xff);
        ports[cpu_fixture::STOP_PORT / 8] = static_cast<std::uint8_t>(~(1u << cpu_fixture::STOP_PORT % 8));
        m_machine.write(cpu_fixture::TSS + bitmap, ports);
        core_get(m_machine.core(), &m_user);
        m_user.cr4 |= 1u << 16 | 1u << 18; // FSGSBASE, OSXSAVE
        enable_xsave();
        for (unsigned v : {3u, 4u}) // INT3 and INTO are open to user code
            *m_machine.ram(cpu_fixture::IDT + 16 * v + 5) = 0xee;
        m_user.seg[CORE_TR].limit = 0x68 + 0x3f;
        m_user.seg[CORE_CS] = {0, 0xffffffff, 0x23, 0xa0fb};
        for (int s : {CORE_SS, CORE_DS, CORE_ES})
            m_user.seg[s] = {0, 0xffffffff, 0x1b, 0xc0f3};
        m_user.cpl = 3;
        core_set(m_machine.core(), &m_user);
        opcode_coverage::leave_out("E6 ib"); // STOP
        opcode_coverage::forget(m_machine.core());
    }
    ~oracle_guest() { opcode_coverage::forget(m_machine.core()); }
    oracle_guest(const oracle_guest &) = delete;
    oracle_guest &operator=(const oracle_guest &) = delete;

    cpu_fixture &machine() { return m_machine; }
    std::uint8_t *at(std::uint64_t address) { return m_machine.ram(address); }

    void load(std::uint64_t address, std::vector<std::uint8_t> code)
    {
        code.insert(code.end(), cpu_fixture::STOP, cpu_fixture::STOP + 2);
        m_machine.write(address, code);
    }

    outcome run(const oracle_case &c, bool with_fx)
    {
        cpu *core = m_machine.core();
        cpu_regs r{};
        std::memcpy(r.gpr, c.state.gpr, sizeof r.gpr);
        r.rflags = c.state.rflags;
        r.rip = c.code;
        m_machine.set_regs(r);
        if (with_fx)
            fx_set(core, &c.fx);
        outcome o;
        o.stopped = m_machine.run_to_stop(2000000);
        r = m_machine.regs();
        std::memcpy(o.state.gpr, r.gpr, sizeof r.gpr);
        o.state.rflags = r.rflags;
        o.rip = r.rip - sizeof cpu_fixture::STOP;
        if (with_fx)
            fx_get(core, &o.fx);
        o.vector = cpu_fixture::stopped_by_vector(o.rip);
        if (!o.stopped || o.vector >= 0 || r.cpl != 3) {
            if (o.vector >= 0)
                take_frame(o);
            core_set(core, &m_user);
        }
        return o;
    }

  private:
    void enable_xsave() // x87 and SSE state in XCR0
    {
        core_set(m_machine.core(), &m_user);                                                  // still at CPL 0
        load(native_cpu::CODE, {0x31, 0xc9, 0x31, 0xd2, 0xb8, 3, 0, 0, 0, 0x0f, 0x01, 0xd1}); // xsetbv
        cpu_regs r = m_machine.regs();
        r.rip = native_cpu::CODE;
        m_machine.set_regs(r);
        EXPECT_TRUE(m_machine.run_to_stop());
    }
    void take_frame(outcome &o)
    {
        const bool has_error = o.vector == 8 || (o.vector >= 10 && o.vector <= 14) || o.vector == 17;
        std::uint64_t frame = (cpu_fixture::STACK_TOP & ~std::uint64_t{15}) - 40;
        if (has_error)
            o.error = m_machine.read64(frame - 8);
        o.rip = m_machine.read64(frame);
        o.state.rflags = m_machine.read64(frame + 16);
        o.state.gpr[RSP] = m_machine.read64(frame + 24);
        if (o.vector == 14)
            o.address = m_machine.regs().cr2;
    }

    std::unique_ptr<oracle_timing> m_timing;
    cpu_fixture m_machine;
    core_state m_user;
};

#endif
