// SPDX-License-Identifier: Apache-2.0
// The core as the oracle drives it: at CPL 3 as the host's program is, with the same pages absent and read-only. Each
// run answers an outcome, faults from what the core pushed for their handler.
#ifndef ORACLE_GUEST_H
#define ORACLE_GUEST_H

#include "core_access.h"
#include "cpu_fixture.h"
#include "oracle_case.h"

class oracle_guest
{
  public:
    explicit oracle_guest(bool observed) : machine_(observed)
    {
        machine_.start64();
        for (std::uint64_t page : native_cpu::ABSENT)
            machine_.set_page(page, 0);
        machine_.set_page(native_cpu::READ_ONLY, native_cpu::READ_ONLY | 5); // present, user
        machine_.write(native_cpu::TAKEN, cpu_fixture::STOP, sizeof cpu_fixture::STOP);
        fx_enable(machine_.core(), 0x20, 0); // NE
        // The stop port, and no other, is open to user code: I/O permission bitmap in the TSS.
        const std::uint16_t bitmap = 0x68;
        machine_.write(cpu_fixture::TSS + 0x66, &bitmap, sizeof bitmap);
        std::vector<std::uint8_t> ports(0x40, 0xff);
        ports[cpu_fixture::STOP_PORT / 8] = static_cast<std::uint8_t>(~(1u << cpu_fixture::STOP_PORT % 8));
        machine_.write(cpu_fixture::TSS + bitmap, ports);
        core_get(machine_.core(), &user_);
        user_.cr4 |= 1u << 16 | 1u << 18; // FSGSBASE, OSXSAVE
        enable_xsave();
        for (unsigned v : {3u, 4u}) // INT3 and INTO are open to user code
            *machine_.ram(cpu_fixture::IDT + 16 * v + 5) = 0xee;
        user_.seg[CORE_TR].limit = 0x68 + 0x3f;
        user_.seg[CORE_CS] = {0, 0xffffffff, 0x23, 0xa0fb};
        for (int s : {CORE_SS, CORE_DS, CORE_ES})
            user_.seg[s] = {0, 0xffffffff, 0x1b, 0xc0f3};
        user_.cpl = 3;
        core_set(machine_.core(), &user_);
        opcode_coverage::leave_out("E6 ib"); // STOP
        opcode_coverage::forget(machine_.core());
    }
    ~oracle_guest() { opcode_coverage::forget(machine_.core()); }
    oracle_guest(const oracle_guest &) = delete;
    oracle_guest &operator=(const oracle_guest &) = delete;

    cpu_fixture &machine() { return machine_; }
    std::uint8_t *at(std::uint64_t address) { return machine_.ram(address); }

    void load(std::uint64_t address, std::vector<std::uint8_t> code)
    {
        code.insert(code.end(), cpu_fixture::STOP, cpu_fixture::STOP + 2);
        machine_.write(address, code);
    }

    outcome run(const oracle_case &c, bool with_fx)
    {
        cpu *core = machine_.core();
        cpu_regs r{};
        std::memcpy(r.gpr, c.state.gpr, sizeof r.gpr);
        r.rflags = c.state.rflags;
        r.rip = c.code;
        machine_.set_regs(r);
        if (with_fx)
            fx_set(core, &c.fx);
        outcome o;
        o.stopped = machine_.run_to_stop(2000000);
        r = machine_.regs();
        std::memcpy(o.state.gpr, r.gpr, sizeof r.gpr);
        o.state.rflags = r.rflags;
        o.rip = r.rip - sizeof cpu_fixture::STOP;
        if (with_fx)
            fx_get(core, &o.fx);
        o.vector = cpu_fixture::stopped_by_vector(o.rip);
        if (!o.stopped || o.vector >= 0 || r.cpl != 3) {
            if (o.vector >= 0)
                take_frame(o);
            core_set(core, &user_);
        }
        return o;
    }

  private:
    void enable_xsave() // x87 and SSE state in XCR0
    {
        core_set(machine_.core(), &user_);                                                    // still at CPL 0
        load(native_cpu::CODE, {0x31, 0xc9, 0x31, 0xd2, 0xb8, 3, 0, 0, 0, 0x0f, 0x01, 0xd1}); // xsetbv
        cpu_regs r = machine_.regs();
        r.rip = native_cpu::CODE;
        machine_.set_regs(r);
        EXPECT_TRUE(machine_.run_to_stop());
    }
    void take_frame(outcome &o)
    {
        const bool has_error = o.vector == 8 || (o.vector >= 10 && o.vector <= 14) || o.vector == 17;
        std::uint64_t frame = (cpu_fixture::STACK_TOP & ~std::uint64_t{15}) - 40;
        if (has_error)
            o.error = machine_.read64(frame - 8);
        o.rip = machine_.read64(frame);
        o.state.rflags = machine_.read64(frame + 16);
        o.state.gpr[RSP] = machine_.read64(frame + 24);
        if (o.vector == 14)
            o.address = machine_.regs().cr2;
    }

    cpu_fixture machine_;
    core_state user_;
};

#endif
