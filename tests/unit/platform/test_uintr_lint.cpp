// SPDX-License-Identifier: Apache-2.0
// The rules of --lint uintr on a machine of two cores that a test sets up by hand.
#include "lint/uintr_lint.h"

#include <gtest/gtest.h>

#include <cstring>

namespace
{

using vp::lint_machine;
using vp::uintr_lint;

constexpr std::uint64_t UPID = 0x1040, UITT = 0x2000, STACK = 0x3000;

class fake_machine : public lint_machine
{
  public:
    std::uint32_t core_count() const override { return 2; }
    struct cpu_regs registers(std::uint32_t core) override { return regs[core]; }
    std::uint64_t uintr_msr(std::uint32_t core, std::uint32_t msr) override { return msrs[core][msr - UINTR_MSR_RR]; }
    bool is_x2apic(std::uint32_t) override { return x2apic; }
    bool read(std::uint32_t, std::uint64_t linear, void *bytes, std::size_t size) override
    {
        if (linear + size > sizeof memory)
            return false;
        std::memcpy(bytes, memory + linear, size);
        return true;
    }
    bool translate(std::uint32_t, std::uint64_t linear, std::uint64_t *physical) override
    {
        *physical = linear;
        return linear < sizeof memory;
    }
    void store(std::uint64_t at, std::uint64_t value) { std::memcpy(memory + at, &value, sizeof value); }

    struct cpu_regs regs[2] = {};
    std::uint64_t msrs[2][6] = {};
    bool x2apic = false;
    std::uint8_t memory[0x4000] = {};
};

class lint : public testing::Test
{
  protected:
    // Core 1 has a table whose entry 2 leads to the UPID.
    lint()
    {
        machine.store(UITT + 32, 1);
        machine.store(UITT + 40, UPID);
        machine.msrs[1][UINTR_MSR_TT - UINTR_MSR_RR] = UITT | 1;
        machine.msrs[1][UINTR_MSR_MISC - UINTR_MSR_RR] = 3;
        machine.msrs[0][UINTR_MSR_STACKADJUST - UINTR_MSR_RR] = 128;
    }
    void run(std::vector<std::uint8_t> bytes, std::uint8_t cpl = 3, std::uint32_t core = 0)
    {
        struct cpu_trace_insn insn = {};
        insn.rip = ++rip;
        insn.cpl = cpl;
        insn.mode_bits = 64;
        insn.length = static_cast<std::uint8_t>(bytes.size());
        std::memcpy(insn.bytes, bytes.data(), bytes.size());
        all.insn(core, insn);
    }
    void step(std::uint32_t core, enum uintr_step what, std::uint64_t frame = 0)
    {
        struct uintr_step_info info = {};
        info.upid_la = UPID;
        info.frame_la = frame;
        info.notify = true;
        all.step(core, what, info);
    }
    void store(std::uint64_t at, std::uint32_t bytes, std::uint32_t access = TIMING_STORE)
    {
        all.mem(0, {at, at, bytes, access});
    }
    std::size_t told() const { return texts.size(); }

    fake_machine machine;
    std::vector<std::string> texts;
    uintr_lint all{machine, [this](std::uint32_t, const std::string &text) { texts.push_back(text); }};
    std::uint64_t rip = 0x400000;
};

const std::vector<std::uint8_t> RET{0xc3}, IRETQ{0x48, 0xcf}, MOV{0x89, 0x07}, LOCK_AND{0xf0, 0x83, 0x27, 0xfe},
    XCHG{0x48, 0x87, 0x07}, WRMSR{0x0f, 0x30}, XRSTORS{0x48, 0x0f, 0xc7, 0x1f};

TEST_F(lint, return_by_ret_or_iret_at_the_frame_only)
{
    step(0, UINTR_STEP_DELIVERED, STACK);
    machine.regs[0].gpr[4] = STACK - 8; // a function called by the handler
    run(RET);
    machine.regs[0].gpr[4] = STACK + 8;
    run(RET, 0); // the kernel
    EXPECT_EQ(told(), 0u);
    run(RET);
    EXPECT_EQ(told(), 1u);
    run(RET); // the frame is gone
    EXPECT_EQ(told(), 1u);
    step(0, UINTR_STEP_DELIVERED, STACK);
    run(IRETQ);
    EXPECT_EQ(told(), 2u);
}

TEST_F(lint, uiret_ends_the_frame_and_other_address_spaces_have_their_own)
{
    step(0, UINTR_STEP_DELIVERED, STACK);
    machine.regs[0].gpr[4] = STACK + 8;
    machine.regs[0].cr3 = 0x5000;
    run(RET);
    machine.regs[0].cr3 = 0;
    step(0, UINTR_STEP_RETURNED, STACK + 8);
    run(RET);
    EXPECT_EQ(told(), 0u);
}

TEST_F(lint, plain_stores_before_the_first_post)
{
    run(MOV);
    store(UPID, 8);
    EXPECT_EQ(told(), 0u) << "nobody has told a processor of it yet";
    machine.msrs[0][UINTR_MSR_PD - UINTR_MSR_RR] = UPID;
    run(WRMSR, 0);
    run(MOV);
    store(UPID, 8);
    EXPECT_EQ(told(), 1u) << "a receiver's register points to it, and core 1 has an entry";
    machine.store(UITT + 32, 0);
    run(MOV);
    store(UPID, 8);
    EXPECT_EQ(told(), 1u) << "no entry any more";
}

TEST_F(lint, plain_stores_to_a_upid_that_no_receiver_has_yet)
{
    machine.msrs[1][UINTR_MSR_TT - UINTR_MSR_RR] = 0;
    for (const std::vector<std::uint8_t> &insn : {WRMSR, XRSTORS}) {
        run(insn, 0, 1);
        run(MOV, 0, 1);
    }
    run(MOV);
    store(UPID, 8);
    EXPECT_EQ(told(), 0u) << "the table is not in use";
    machine.msrs[1][UINTR_MSR_TT - UINTR_MSR_RR] = UITT | 1;
    run(XRSTORS, 0, 1); // and the core halts: no instruction follows
    run(MOV);
    store(UPID, 8);
    EXPECT_EQ(told(), 1u) << "entry 2 leads to it";
    // A new entry in the table in use, by either core.
    machine.store(UITT + 48, 1);
    machine.store(UITT + 56, UPID + 64);
    run(MOV);
    store(UITT + 48, 16);
    run(MOV);
    store(UPID + 64, 8);
    EXPECT_EQ(told(), 2u);
}

TEST_F(lint, plain_stores_to_a_upid_that_another_core_can_post_to)
{
    machine.store(UPID + 4, 1u << 8); // NDST
    step(1, UINTR_STEP_POSTED);
    store(UPID + 4, 4);
    store(UPID + 16, 8);
    store(UPID - 8, 8);
    store(UPID, 8, TIMING_LOAD);
    EXPECT_EQ(told(), 0u) << "NDST and what lies beside";
    run(LOCK_AND);
    store(UPID, 8, TIMING_MODIFY);
    run(XCHG);
    store(UPID + 8, 8, TIMING_MODIFY);
    EXPECT_EQ(told(), 0u) << "locked";
    run(MOV);
    store(UPID - 4, 8);
    store(UPID + 8, 8); // the same instruction
    EXPECT_EQ(told(), 1u);
    run(MOV);
    store(UPID + 15, 1);
    EXPECT_EQ(told(), 2u);
    machine.store(UITT + 32, 0);
    run(MOV);
    store(UPID, 8);
    EXPECT_EQ(told(), 2u) << "the table has no such entry any more";
}

TEST_F(lint, ndst_in_the_form_of_the_other_mode)
{
    machine.store(UPID, std::uint64_t{0xff00} << 32); // broadcast
    step(1, UINTR_STEP_POSTED);
    machine.store(UPID, std::uint64_t{0x0100} << 32);
    step(1, UINTR_STEP_POSTED);
    EXPECT_EQ(told(), 0u);
    machine.x2apic = true;
    step(1, UINTR_STEP_POSTED);
    EXPECT_EQ(told(), 1u);
    machine.store(UPID, std::uint64_t{1} << 32);
    step(1, UINTR_STEP_POSTED);
    EXPECT_EQ(told(), 1u);
    machine.x2apic = false;
    rip++;
    run(MOV);
    step(0, UINTR_STEP_POSTED);
    EXPECT_EQ(told(), 2u);
}

TEST_F(lint, uinv_belongs_to_an_address_space)
{
    std::uint64_t &misc = machine.msrs[0][UINTR_MSR_MISC - UINTR_MSR_RR];
    misc = std::uint64_t{0xec} << 32;
    machine.msrs[0][UINTR_MSR_PD - UINTR_MSR_RR] = UPID;
    all.cpl_changed(0, 3);
    machine.regs[0].cr3 = 0x7000;
    all.cpl_changed(0, 0);
    EXPECT_EQ(told(), 0u);
    misc = 0; // switched out
    all.cpl_changed(0, 3);
    misc = std::uint64_t{0xec} << 32; // back, in its own
    machine.regs[0].cr3 = 0;
    all.cpl_changed(0, 3);
    EXPECT_EQ(told(), 0u);
    machine.regs[0].cr3 = 0x7000;
    all.cpl_changed(0, 3);
    EXPECT_EQ(told(), 1u);
}

TEST_F(lint, uinv_belongs_to_a_thread)
{
    struct cpu_regs &r = machine.regs[0];
    machine.msrs[0][UINTR_MSR_MISC - UINTR_MSR_RR] = std::uint64_t{0xec} << 32;
    machine.msrs[0][UINTR_MSR_PD - UINTR_MSR_RR] = UPID;
    const auto resume = [&](std::uint64_t fs_base, std::uint64_t rsp) {
        all.cpl_changed(0, 0);
        run(IRETQ, 0);
        r.fs_base = fs_base;
        all.cpl_changed(0, 3);
        r.gpr[4] = rsp;
        run(MOV);
    };
    resume(0, 0x20000);
    resume(0x7000, 0x20000 - 256); // gets a thread pointer
    resume(0x7000, 0x80000);       // a signal handler on its own stack
    resume(0x7000, 0x20000);
    r.fs_base = 0x7100; // WRFSBASE
    resume(0x7100, 0x20000);
    EXPECT_EQ(told(), 0u);
    resume(0x9000, 0x40000);
    EXPECT_EQ(told(), 1u);
    machine.msrs[0][UINTR_MSR_MISC - UINTR_MSR_RR] = 0;
    resume(0x7000, 0x20000);
    machine.msrs[0][UINTR_MSR_MISC - UINTR_MSR_RR] = std::uint64_t{0xec} << 32;
    resume(0x9000, 0x40000);
    EXPECT_EQ(told(), 1u) << "UINV was cleared between the two";
}

TEST_F(lint, red_zone)
{
    std::uint64_t &adjust = machine.msrs[0][UINTR_MSR_STACKADJUST - UINTR_MSR_RR];
    for (std::uint64_t good : {std::uint64_t{128}, std::uint64_t{4096}, std::uint64_t{0x3001}, std::uint64_t{1}}) {
        adjust = good;
        step(0, UINTR_STEP_DELIVERED, STACK);
    }
    EXPECT_EQ(told(), 0u);
    adjust = 126;
    step(0, UINTR_STEP_DELIVERED, STACK);
    step(0, UINTR_STEP_DELIVERED, STACK);
    EXPECT_EQ(told(), 1u);
    machine.msrs[0][UINTR_MSR_HANDLER - UINTR_MSR_RR] = 0x1234; // another place
    adjust = static_cast<std::uint64_t>(-64);
    step(0, UINTR_STEP_DELIVERED, STACK);
    ASSERT_EQ(told(), 2u);
    EXPECT_NE(texts[1].find("STACKADJUST -64"), std::string::npos) << texts[1];
}

} // namespace
