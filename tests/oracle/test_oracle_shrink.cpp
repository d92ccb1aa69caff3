// SPDX-License-Identifier: Apache-2.0
// The oracle's own test: a core that answers wrongly in a known case must be found, and the report must show no more
// than what makes the case.
#include "fx_oracle.h"

namespace
{

class oracle_shrink : public testing::Test
{
  protected:
    void SetUp() override
    {
        if (!m_oracle.is_usable())
            GTEST_SKIP() << "low addresses cannot be mapped";
        m_oracle.judge().on_report = [this](const oracle_case &shrunk, const std::string &message) {
            m_reports.push_back(shrunk);
            m_messages.push_back(message);
        };
    }
    void TearDown() override { oracle_ledger::get().forget(); }

    fx_oracle m_oracle;
    std::vector<oracle_case> m_reports;
    std::vector<std::string> m_messages;
};

TEST_F(oracle_shrink, finds_the_bits_that_matter)
{
    m_oracle.judge().distort = [](const oracle_case &c, outcome &got) {
        if ((c.state.gpr[RBX] & 0x10000) && (c.state.rflags & CF) && (c.fx.xmm[5][1] & 0x40))
            got.state.gpr[RCX] ^= 1;
    };
    fx_form f;
    f.name = "nop, distorted";
    m_oracle.check_bytes(f, {0x90});
    ASSERT_FALSE(m_reports.empty());
    for (const oracle_case &c : m_reports) {
        for (int r = 0; r < 16; r++) {
            if (r != RSP) {
                EXPECT_EQ(c.state.gpr[r], r == RBX ? 0x10000u : 0u) << "register " << r;
            }
        }
        EXPECT_EQ(c.state.rflags, 0x202 | CF);
        EXPECT_EQ(c.fx.mxcsr, 0x1f80u);
        EXPECT_EQ(c.fx.fcw, 0x37f);
        EXPECT_EQ(c.fx.fsw, 0);
        EXPECT_EQ(c.fx.tags, 0);
        for (int i = 0; i < 16; i++) {
            EXPECT_EQ(c.fx.xmm[i][0], 0u);
            EXPECT_EQ(c.fx.xmm[i][1], i == 5 ? 0x40u : 0u);
        }
        for (const auto &st : c.fx.st)
            EXPECT_EQ(st[0] | st[1], 0u);
        for (std::size_t i = 0; i < memory_size() - native_cpu::PAGE; i++) // the last area is read-only
            ASSERT_EQ(c.memory[i], 0) << "memory plays no part";
    }
    EXPECT_NE(m_messages[0].find("shrunk: r1 1 expected 0"), std::string::npos) << m_messages[0];
    EXPECT_NE(m_messages[0].find("seed "), std::string::npos);
}

TEST_F(oracle_shrink, finds_the_byte_that_matters)
{
    m_oracle.judge().distort = [](const oracle_case &c, outcome &got) {
        if (got.state.gpr[RAX] & 0x80)
            got.state.rflags ^= c.state.gpr[RBX] != 0 ? ZF : 0;
    };
    fx_form f;
    f.name = "mov al, [rbx], distorted";
    f.prepare = [](machine_state &state, fx_image &, random_source &random) {
        state.gpr[RBX] = native_cpu::DATA + random.below(0x1000);
    };
    m_oracle.check_bytes(f, {0x8a, 0x03});
    ASSERT_FALSE(m_reports.empty());
    for (const oracle_case &c : m_reports) {
        const std::uint64_t at = c.state.gpr[RBX] - native_cpu::DATA;
        for (std::uint64_t i = 0; i < native_cpu::DATA_SIZE; i++)
            ASSERT_EQ(c.memory[i] & (i == at ? 0x80 : 0xff), i == at ? 0x80 : 0) << "byte " << i;
    }
}

TEST_F(oracle_shrink, a_core_that_is_right_gives_no_report)
{
    fx_form f;
    f.name = "nop, not distorted";
    m_oracle.check_bytes(f, {0x90});
    EXPECT_TRUE(m_reports.empty());
}

// Faults are compared field by field.
TEST_F(oracle_shrink, sees_a_wrong_fault)
{
    const std::function<void(outcome &)> wrong[] = {
        [](outcome &got) { got.vector = 13; },        [](outcome &got) { got.error ^= 2; },
        [](outcome &got) { got.address++; },          [](outcome &got) { got.rip++; },
        [](outcome &got) { got.state.gpr[R9] ^= 1; }, [](outcome &got) { got.fx.xmm[3][0] ^= 1; },
    };
    for (const auto &change : wrong) {
        m_reports.clear();
        m_oracle.judge().distort = [&](const oracle_case &, outcome &got) {
            if (got.vector == 14)
                change(got);
        };
        fx_form f;
        f.name = "mov [rbx], al, a wrong fault";
        f.prepare = [](machine_state &state, fx_image &, random_source &) {
            state.gpr[RBX] = native_cpu::READ_ONLY + 0x123;
        };
        m_oracle.check_bytes(f, {0x88, 0x03});
        EXPECT_EQ(m_reports.size(), oracle::MAX_REPORTS);
    }
}

} // namespace
