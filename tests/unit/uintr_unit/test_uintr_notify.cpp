// SPDX-License-Identifier: Apache-2.0
// Notification processing. SDM Vol. 3, "User-Interrupt Notification Processing". N.. are the lines of the conformance
// checklist; those about identification are the CPU's tests.
#include "fake_machine.h"

namespace
{

constexpr std::uint64_t UPID = 0xffff880000020040;

class uintr_notify_test : public ::testing::Test
{
  protected:
    fake_machine m;

    void SetUp() override { m.write(0x989, UPID); }
    void upid(std::uint64_t low, std::uint64_t pir)
    {
        m.memory.put64(UPID, low);
        m.memory.put64(UPID + 8, pir);
    }
    std::uint64_t low() { return m.memory.get64(UPID); }
    std::uint64_t pir() { return m.memory.get64(UPID + 8); }
    std::uint64_t uirr() { return m.read(0x985); }
};

TEST_F(uintr_notify_test, N01_pir_moves_to_uirr_and_on_is_cleared_whatever_uif)
{
    for (bool uif : {false, true}) {
        m.write(0x985, 0);
        uintr_set_uif(m.u, uif);
        upid(0x0000010000ec0001, 0x8000000000000021);
        EXPECT_EQ(uintr_notify(m.u, &m.fault), VP_OK);
        EXPECT_EQ(low(), 0x0000010000ec0000u);
        EXPECT_EQ(pir(), 0u);
        EXPECT_EQ(uirr(), 0x8000000000000021u);
        EXPECT_TRUE(uintr_is_pending(m.u));
        EXPECT_EQ(uintr_uif(m.u), uif);
        EXPECT_TRUE(m.calls("push").empty());
    }
}

TEST_F(uintr_notify_test, N04_uirr_collects)
{
    m.write(0x985, 1);
    upid(1, 4);
    EXPECT_EQ(uintr_notify(m.u, &m.fault), VP_OK);
    EXPECT_EQ(uirr(), 5u);
}

TEST_F(uintr_notify_test, N05_an_empty_pir_is_legal)
{
    upid(1, 0);
    EXPECT_EQ(uintr_notify(m.u, &m.fault), VP_OK);
    EXPECT_EQ(low(), 0u);
    EXPECT_EQ(uirr(), 0u);
    EXPECT_FALSE(uintr_is_pending(m.u));
    m.write(0x985, 2);
    EXPECT_EQ(uintr_notify(m.u, &m.fault), VP_OK);
    EXPECT_EQ(uirr(), 2u);
}

TEST_F(uintr_notify_test, N06_pir_is_drained_even_if_on_is_clear)
{
    upid(0, 0x10);
    EXPECT_EQ(uintr_notify(m.u, &m.fault), VP_OK);
    EXPECT_EQ(uirr(), 0x10u);
    EXPECT_EQ(pir(), 0u);
}

TEST_F(uintr_notify_test, N07_sn_is_ignored_and_kept)
{
    upid(3, 0x10);
    EXPECT_EQ(uintr_notify(m.u, &m.fault), VP_OK);
    EXPECT_EQ(low(), 2u);
    EXPECT_EQ(uirr(), 0x10u);
}

TEST_F(uintr_notify_test, N08_reserved_bits_are_neither_checked_nor_changed)
{
    upid(~std::uint64_t{0}, 0x10);
    EXPECT_EQ(uintr_notify(m.u, &m.fault), VP_OK);
    EXPECT_EQ(low(), ~std::uint64_t{1});
    EXPECT_EQ(uirr(), 0x10u);
}

TEST_F(uintr_notify_test, N17_all_64_bits_are_collected_at_once)
{
    upid(1, ~std::uint64_t{0});
    EXPECT_EQ(uintr_notify(m.u, &m.fault), VP_OK);
    EXPECT_EQ(uirr(), ~std::uint64_t{0});
}

TEST_F(uintr_notify_test, N18_a_fault_leaves_everything_but_the_eoi)
{
    m.write(0x985, 2);
    upid(1, 4);
    auto memory = m.memory.bytes;
    auto state = m.state();
    m.fail_what = "modify";
    EXPECT_EQ(uintr_notify(m.u, &m.fault), VP_FAULT);
    EXPECT_EQ(m.fault.vector, 14);
    EXPECT_EQ(m.fault.error_code, 2u);
    EXPECT_EQ(m.fault.address, UPID);
    EXPECT_EQ(m.calls("eoi").size(), 1u);
    EXPECT_EQ(m.memory.bytes, memory);
    EXPECT_EQ(m.state(), state);
    EXPECT_EQ(m.step_order(), (std::vector<enum uintr_step>{UINTR_STEP_NOTIFY_BEGIN}));
}

TEST_F(uintr_notify_test, a_general_protection_fault_has_the_ext_bit)
{
    m.fail_what = "modify";
    m.fail_with = {13, true, 0, 0};
    EXPECT_EQ(uintr_notify(m.u, &m.fault), VP_FAULT);
    EXPECT_EQ(m.fault.error_code, 1u);
}

TEST_F(uintr_notify_test, T41_exactly_one_eoi_and_before_the_upid)
{
    upid(1, 4);
    EXPECT_EQ(uintr_notify(m.u, &m.fault), VP_OK);
    const std::vector<fake_call> expected = {
        {"step", UINTR_STEP_NOTIFY_BEGIN, 0}, {"eoi", 0, 0}, {"modify", UPID, 16}, {"step", UINTR_STEP_NOTIFIED, 0}};
    EXPECT_EQ(m.log, expected);
}

TEST_F(uintr_notify_test, the_step_tells_what_was_drained)
{
    m.write(0x985, 0x14);
    upid(1, 0x36);
    EXPECT_EQ(uintr_notify(m.u, &m.fault), VP_OK);
    struct uintr_step_info info = m.steps.at(1).second;
    EXPECT_EQ(info.upid_la, UPID);
    EXPECT_EQ(info.mask, 0x36u);
    EXPECT_EQ(info.already, 0x14u);
}

} // namespace
