// SPDX-License-Identifier: Apache-2.0
// Repeated string instructions where they are interrupted: by time, by faults, by single steps, at devices; their cost
// and count; ports; segments and address sizes outside 64-bit mode. What they compute is judged by the host
// (tests/oracle/test_oracle_flow.cpp).
#include "cpu_fixture.h"

#include <numeric>

namespace
{

constexpr std::uint64_t CODE = 0x10000, DATA = 0x210000, OTHER = 0x220000;
constexpr std::uint64_t RF = 0x10000, TF = 0x100, DF = 0x400, CF = 1;

// Both flavours of the handlers; cycles and results must not differ.
class insn_string : public testing::TestWithParam<bool>
{
  protected:
    insn_string() : m(GetParam()) {}

    void SetUp() override
    {
        m.start64();
        std::iota(m.ram(DATA), m.ram(DATA) + 0x2000, std::uint8_t{0});
        std::memset(m.ram(OTHER), 0, 0x2000);
    }
    // The instruction under test, followed by the stop.
    void prepare(std::vector<std::uint8_t> code, std::uint64_t rsi, std::uint64_t rdi, std::uint64_t rcx)
    {
        length = code.size();
        code.insert(code.end(), cpu_fixture::STOP, cpu_fixture::STOP + 2);
        m.write(CODE, code);
        cpu_regs r = m.regs();
        r.rip = CODE;
        r.rflags = 2;
        r.gpr[RSI] = rsi;
        r.gpr[RDI] = rdi;
        r.gpr[RCX] = rcx;
        m.set_regs(r);
    }
    std::uint64_t now() { return cpu_now(m.core()); }
    std::uint64_t instructions() { return cpu_stats(m.core())->instructions; }
    bool stopped_after_it() { return m.run_to_stop() && m.regs().rip == CODE + length + 2; }

    cpu_fixture m;
    std::size_t length = 0;
};

TEST_P(insn_string, stops_at_the_deadline_and_goes_on)
{
    prepare({0xf3, 0xa4}, DATA, OTHER, 1000);
    std::uint64_t start = now(), count = instructions();
    ASSERT_EQ(m.run_for(100), CPU_STOP_UNTIL);
    cpu_regs r = m.regs();
    EXPECT_EQ(now(), start + 100);
    EXPECT_EQ(r.rip, CODE);
    EXPECT_EQ(r.gpr[RCX], 900u);
    EXPECT_EQ(r.gpr[RSI], DATA + 100);
    EXPECT_EQ(r.gpr[RDI], OTHER + 100);
    EXPECT_TRUE(r.rflags & RF) << "an interrupt taken here must push RF";
    EXPECT_EQ(instructions(), count) << "counted when it is complete";
    EXPECT_EQ(*m.ram(OTHER + 99), 99);
    EXPECT_EQ(*m.ram(OTHER + 100), 0);
    ASSERT_TRUE(stopped_after_it());
    EXPECT_EQ(m.regs().gpr[RCX], 0u);
    EXPECT_EQ(std::memcmp(m.ram(DATA), m.ram(OTHER), 1000), 0);
    EXPECT_EQ(now(), start + 1001); // and the stop
    EXPECT_EQ(instructions(), count + 2);
    EXPECT_FALSE(m.regs().rflags & RF);
}

TEST_P(insn_string, an_iteration_starts_only_before_the_deadline)
{
    for (std::uint64_t limit = 1; limit < 40; limit++) {
        prepare({0xf3, 0xaa}, 0, OTHER, 30); // rep stosb
        ASSERT_EQ(m.run_for(limit), CPU_STOP_UNTIL);
        EXPECT_EQ(m.regs().gpr[RCX], limit < 30 ? 30 - limit : 0);
        if (limit > 30)
            break;
    }
}

TEST_P(insn_string, count_of_zero_takes_one_cycle)
{
    for (unsigned opcode : {0xa4u, 0xa6u, 0xaau, 0xacu, 0xaeu}) {
        prepare({0xf3, static_cast<std::uint8_t>(opcode)}, 1, 2, 0);
        std::uint64_t start = now();
        cpu_regs before = m.regs();
        ASSERT_TRUE(stopped_after_it());
        EXPECT_EQ(now(), start + 2);
        EXPECT_EQ(m.regs().gpr[RSI], before.gpr[RSI]);
        EXPECT_EQ(m.regs().gpr[RDI], before.gpr[RDI]);
        EXPECT_EQ(m.regs().gpr[RAX], before.gpr[RAX]);
    }
}

TEST_P(insn_string, fault_in_the_middle_keeps_what_is_done)
{
    for (bool source : {false, true}) {
        std::uint64_t page = (source ? DATA : OTHER) + 0x1000;
        m.set_page(page, 0);
        m.write(CODE, {0x0f, 0x01, 0x3e}); // invlpg [rsi]
        cpu_regs r = m.regs();
        r.rip = CODE;
        r.gpr[RSI] = page;
        m.set_regs(r);
        (void)m.run_for(1);
        prepare({0xf3, 0x48, 0xa5}, DATA + 0xf00, OTHER + 0xf00, 100); // rep movsq
        ASSERT_TRUE(m.run_to_stop());
        r = m.regs();
        EXPECT_EQ(cpu_fixture::stopped_by_vector(r.rip - 2), 14);
        EXPECT_EQ(r.cr2, page);
        EXPECT_EQ(r.gpr[RCX], 68u);
        EXPECT_EQ(r.gpr[RSI], DATA + 0x1000);
        EXPECT_EQ(r.gpr[RDI], OTHER + 0x1000);
        EXPECT_EQ(m.read64(r.gpr[RSP] + 8), CODE) << "restarts the instruction";
        EXPECT_TRUE(m.read64(r.gpr[RSP] + 24) & RF);
        m.set_page(page, page | cpu_fixture::PAGE_FLAGS);
    }
}

TEST_P(insn_string, fault_of_a_comparison_keeps_the_flags)
{
    m.set_page(OTHER + 0x1000, 0);
    prepare({0xf9, 0xf3, 0xae}, 0, OTHER + 0xff0, 100); // stc; repe scasb
    cpu_regs r = m.regs();
    r.gpr[RAX] = 0;
    m.set_regs(r);
    ASSERT_TRUE(m.run_to_stop());
    r = m.regs();
    EXPECT_EQ(cpu_fixture::stopped_by_vector(r.rip - 2), 14);
    EXPECT_EQ(r.gpr[RCX], 84u);
    EXPECT_EQ(m.read64(r.gpr[RSP] + 24) & 0x8d5, CF) << "ZF would be that of the last comparison";
}

TEST_P(insn_string, single_step_traps_after_each_iteration)
{
    prepare({0xf3, 0xa4}, DATA, OTHER, 3);
    for (unsigned left = 3; left > 0; left--) {
        cpu_regs r = m.regs();
        r.rip = CODE;
        r.rflags = 2 | TF;
        m.set_regs(r);
        ASSERT_TRUE(m.run_to_stop());
        r = m.regs();
        EXPECT_EQ(cpu_fixture::stopped_by_vector(r.rip - 2), 1);
        EXPECT_EQ(r.gpr[RCX], left - 1);
        EXPECT_EQ(m.read64(r.gpr[RSP]), left > 1 ? CODE : CODE + length);
    }
}

TEST_P(insn_string, overlapping_copy_repeats_the_pattern)
{
    prepare({0xf3, 0xa4}, DATA, DATA + 3, 200);
    ASSERT_TRUE(stopped_after_it());
    for (unsigned i = 0; i < 203; i++)
        ASSERT_EQ(*m.ram(DATA + i), i % 3);
}

TEST_P(insn_string, writes_the_code_behind_itself)
{
    // rep movsb puts `inc eax` (FF C0) over the two NOPs that follow
    const std::uint8_t inc[] = {0xff, 0xc0};
    m.write(DATA, inc, 2);
    for (unsigned round = 0; round < 2; round++) {
        prepare({0xf3, 0xa4, 0x90, 0x90}, DATA, CODE + 2, 2);
        cpu_regs r = m.regs();
        r.gpr[RAX] = 7;
        m.set_regs(r);
        ASSERT_TRUE(stopped_after_it());
        EXPECT_EQ(m.regs().gpr[RAX], 8u);
    }
}

TEST_P(insn_string, device_sees_each_element_at_its_time)
{
    std::vector<std::uint64_t> times;
    std::vector<std::uint32_t> values;
    m.on_device_write = [&](std::uint64_t pa, const std::uint8_t *bytes, std::uint32_t size) {
        std::uint32_t v = 0;
        EXPECT_EQ(size, 4u);
        EXPECT_EQ(pa, cpu_fixture::DEVICE + 0x100 + 4 * values.size());
        std::memcpy(&v, bytes, 4);
        values.push_back(v);
        times.push_back(now());
    };
    prepare({0xf3, 0xa5}, DATA, cpu_fixture::DEVICE + 0x100, 5);
    std::uint64_t start = now();
    ASSERT_TRUE(stopped_after_it());
    ASSERT_EQ(values.size(), 5u);
    for (unsigned i = 0; i < 5; i++) {
        EXPECT_EQ(times[i], start + i);
        EXPECT_EQ(values[i], 0x03020100u + i * 0x04040404u);
    }
}

TEST_P(insn_string, ports)
{
    std::vector<std::uint32_t> written;
    std::vector<std::uint64_t> times;
    m.on_io_write = [&](std::uint16_t port, std::uint32_t size, std::uint32_t v) {
        EXPECT_EQ(port, 0x1234);
        EXPECT_EQ(size, 2u);
        written.push_back(v);
        times.push_back(now());
    };
    prepare({0x66, 0xf3, 0x6f}, DATA, 0, 4); // rep outsw
    cpu_regs r = m.regs();
    r.gpr[RDX] = 0xffff1234;
    m.set_regs(r);
    std::uint64_t start = now();
    ASSERT_TRUE(stopped_after_it());
    EXPECT_EQ(written, (std::vector<std::uint32_t>{0x0100, 0x0302, 0x0504, 0x0706}));
    EXPECT_EQ(times, (std::vector<std::uint64_t>{start, start + 1, start + 2, start + 3}));
    EXPECT_EQ(m.regs().gpr[RSI], DATA + 8);

    std::uint32_t next = 0xa0;
    m.on_io_read = [&](std::uint16_t, std::uint32_t size) {
        EXPECT_EQ(size, 1u);
        return next++;
    };
    prepare({0xf3, 0x6c}, 0, OTHER + 0xffe, 5); // rep insb, over a page's end
    ASSERT_TRUE(stopped_after_it());
    for (unsigned i = 0; i < 5; i++)
        EXPECT_EQ(*m.ram(OTHER + 0xffe + i), 0xa0 + i);
    EXPECT_EQ(m.regs().gpr[RCX], 0u);
}

TEST_P(insn_string, port_is_not_read_when_its_value_cannot_be_stored)
{
    unsigned reads = 0;
    m.on_io_read = [&](std::uint16_t, std::uint32_t) { return reads++; };
    m.set_page(OTHER + 0x1000, 0);
    prepare({0xf3, 0x6d}, 0, OTHER + 0xffa, 5); // rep insd: the second crosses into a page that is absent
    ASSERT_TRUE(m.run_to_stop());
    EXPECT_EQ(cpu_fixture::stopped_by_vector(m.regs().rip - 2), 14);
    EXPECT_EQ(m.regs().gpr[RCX], 4u);
    EXPECT_EQ(reads, 1u);
}

// --- 32-bit protected mode: flat segments, no paging ---

class insn_string_32 : public insn_string
{
  protected:
    void SetUp() override
    {
        m.start32();
        std::iota(m.ram(DATA), m.ram(DATA) + 0x2000, std::uint8_t{0});
    }
};

TEST_P(insn_string_32, registers_are_32_bits)
{
    prepare({0xf3, 0xa4}, DATA, OTHER, 300);
    ASSERT_TRUE(stopped_after_it());
    EXPECT_EQ(std::memcmp(m.ram(DATA), m.ram(OTHER), 300), 0);
    EXPECT_EQ(m.regs().gpr[RSI], DATA + 300);
}

TEST_P(insn_string_32, sixteen_bit_addresses_wrap_and_keep_the_upper_half)
{
    // SI from FFF0H to 000FH, DI from 8100H; CX counts, the upper half of ECX does not
    std::iota(m.ram(0xfff0), m.ram(0x10000), std::uint8_t{0x10});
    std::iota(m.ram(0), m.ram(0x10), std::uint8_t{0x20});
    m.write(0x9000, {0x67, 0xf3, 0xa4, 0xe6, 0xf4});
    cpu_regs r = m.regs();
    r.rip = 0x9000;
    r.rflags = 2;
    r.gpr[RSI] = 0x7777fff0;
    r.gpr[RDI] = 0x55558100;
    r.gpr[RCX] = 0x12340020;
    m.set_regs(r);
    ASSERT_TRUE(m.run_to_stop());
    r = m.regs();
    EXPECT_EQ(r.gpr[RSI], 0x77770010u);
    EXPECT_EQ(r.gpr[RDI], 0x55558120u);
    EXPECT_EQ(r.gpr[RCX], 0x12340000u);
    for (unsigned i = 0; i < 32; i++)
        EXPECT_EQ(*m.ram(0x8100 + i), 0x10 + i);
}

TEST_P(insn_string_32, downwards)
{
    prepare({0xf3, 0xa5}, DATA + 0x100, OTHER + 0x100, 16);
    cpu_regs r = m.regs();
    r.rflags |= DF;
    m.set_regs(r);
    ASSERT_TRUE(stopped_after_it());
    EXPECT_EQ(m.regs().gpr[RSI], DATA + 0x100 - 64);
    EXPECT_EQ(std::memcmp(m.ram(DATA + 0xc4), m.ram(OTHER + 0xc4), 64), 0);
}

INSTANTIATE_TEST_SUITE_P(flavours, insn_string, testing::Bool(),
                         [](const auto &p) { return p.param ? "observed" : "plain"; });
INSTANTIATE_TEST_SUITE_P(flavours, insn_string_32, testing::Bool(),
                         [](const auto &p) { return p.param ? "observed" : "plain"; });

} // namespace
