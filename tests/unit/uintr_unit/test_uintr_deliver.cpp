// SPDX-License-Identifier: Apache-2.0
// Delivery. SDM Vol. 3, "User-Interrupt Delivery". D.. are the lines of the conformance checklist; those about the
// conditions of delivery are the CPU's tests.
#include "fake_machine.h"

namespace
{

constexpr std::uint64_t HANDLER = 0x401000, RIP = 0x400123, RSP = 0x7fff1238, RFLAGS = 0x202;

class uintr_deliver_test : public ::testing::Test
{
  protected:
    fake_machine m;
    struct uintr_regs regs = {RIP, RSP, RFLAGS};

    void SetUp() override
    {
        m.write(0x986, HANDLER);
        m.write(0x987, 0x80);
        m.write(0x989, 0x5000);
        m.write(0x985, 0x20);
        uintr_set_uif(m.u, true);
    }
    enum vp_status deliver(unsigned width = 48) { return uintr_deliver(m.u, &regs, width, &m.fault); }
    void expect_frame(std::uint64_t frame, std::uint64_t vector, std::uint64_t rip, std::uint64_t rflags,
                      std::uint64_t rsp)
    {
        EXPECT_EQ(regs.rsp, frame);
        EXPECT_EQ(m.memory.get64(frame), vector);
        EXPECT_EQ(m.memory.get64(frame + 8), rip);
        EXPECT_EQ(m.memory.get64(frame + 16), rflags);
        EXPECT_EQ(m.memory.get64(frame + 24), rsp);
    }
    void expect_unchanged(const std::array<std::uint64_t, 7> &state, const struct uintr_regs &before)
    {
        EXPECT_EQ(m.state(), state);
        EXPECT_EQ(regs.rip, before.rip);
        EXPECT_EQ(regs.rsp, before.rsp);
        EXPECT_EQ(regs.rflags, before.rflags);
    }
};

TEST_F(uintr_deliver_test, D01_worked_example_A_subtracts_and_aligns)
{
    ASSERT_EQ(deliver(), VP_OK);
    EXPECT_EQ(m.memory.get64(0x7fff11a8), 0x7fff1238u);
    EXPECT_EQ(m.memory.get64(0x7fff11a0), RFLAGS);
    EXPECT_EQ(m.memory.get64(0x7fff1198), RIP);
    EXPECT_EQ(m.memory.get64(0x7fff1190), 5u);
    EXPECT_EQ(regs.rsp, 0x7fff1190u);
    EXPECT_EQ(regs.rip, HANDLER);
}

TEST_F(uintr_deliver_test, D02_worked_example_B_loads)
{
    m.write(0x987, 0x20003);
    ASSERT_EQ(deliver(), VP_OK);
    EXPECT_EQ(regs.rsp, 0x1ffe0u);
    expect_frame(0x1ffe0, 5, RIP, RFLAGS, RSP);
}

TEST_F(uintr_deliver_test, D03_every_misalignment_is_aligned_down)
{
    m.write(0x987, 0);
    for (std::uint64_t low = 0; low < 16; low++) {
        m.write(0x985, 1);
        regs = {RIP, 0x10000 + low, RFLAGS};
        ASSERT_EQ(deliver(), VP_OK);
        expect_frame(0x10000 - 32, 0, RIP, RFLAGS, 0x10000 + low);
    }
}

TEST_F(uintr_deliver_test, T54_the_subtraction_comes_before_the_alignment)
{
    m.write(0x987, 0x8);
    regs.rsp = 0x10010;
    ASSERT_EQ(deliver(), VP_OK);
    EXPECT_EQ(regs.rsp, 0x10000u - 32);
    m.write(0x987, 0x8);
    m.write(0x985, 1);
    regs.rsp = 0x1001c;
    ASSERT_EQ(deliver(), VP_OK);
    EXPECT_EQ(regs.rsp, 0x10010u - 32);
}

TEST_F(uintr_deliver_test, a_negative_adjustment_wraps_modulo_2_to_the_64)
{
    m.write(0x987, 0xffffffffffffff00);
    regs.rsp = 0x10000;
    ASSERT_EQ(deliver(), VP_OK);
    EXPECT_EQ(regs.rsp, 0x10100u - 32);
}

TEST_F(uintr_deliver_test, D04_D05_the_highest_vector_goes_first_and_only_its_bit_is_cleared)
{
    m.write(0x985, 0x8000000000000001);
    ASSERT_EQ(deliver(), VP_OK);
    EXPECT_EQ(m.memory.get64(regs.rsp), 63u);
    EXPECT_EQ(m.read(0x985), 1u);
    EXPECT_TRUE(uintr_is_pending(m.u));
    ASSERT_EQ(deliver(), VP_OK);
    EXPECT_EQ(m.memory.get64(regs.rsp), 0u);
    EXPECT_EQ(m.read(0x985), 0u);
    EXPECT_FALSE(uintr_is_pending(m.u));
}

TEST_F(uintr_deliver_test, D06_every_vector_is_pushed_as_a_number)
{
    for (unsigned v = 0; v < 64; v++) {
        m.write(0x985, ONE << v);
        regs = {RIP, RSP, RFLAGS};
        ASSERT_EQ(deliver(), VP_OK);
        EXPECT_EQ(m.memory.get64(regs.rsp), v);
        EXPECT_EQ(m.read(0x985), 0u);
    }
}

TEST_F(uintr_deliver_test, all_64_vectors_come_in_the_order_63_to_0)
{
    m.write(0x985, ~std::uint64_t{0});
    for (unsigned v = 64; v-- > 0;) {
        ASSERT_EQ(deliver(), VP_OK);
        EXPECT_EQ(m.memory.get64(regs.rsp), v);
    }
    EXPECT_FALSE(uintr_is_pending(m.u));
}

TEST_F(uintr_deliver_test, D07_uif_is_cleared)
{
    ASSERT_EQ(deliver(), VP_OK);
    EXPECT_FALSE(uintr_uif(m.u));
}

TEST_F(uintr_deliver_test, D08_D09_only_tf_and_rf_are_cleared_and_the_image_has_them)
{
    for (unsigned bit = 0; bit < 22; bit++) {
        m.write(0x985, 1);
        regs = {RIP, RSP, ONE << bit | 2};
        ASSERT_EQ(deliver(), VP_OK);
        EXPECT_EQ(m.memory.get64(regs.rsp + 16), ONE << bit | 2);
        EXPECT_EQ(regs.rflags, bit == 8 || bit == 16 ? 2 : ONE << bit | 2) << bit;
    }
}

TEST_F(uintr_deliver_test, D14_D16_a_fault_of_any_push_changes_no_register_and_a_retry_delivers_once)
{
    for (int good = 0; good < 4; good++) {
        SCOPED_TRACE(good);
        m.write(0x985, 0x21);
        uintr_set_uif(m.u, true);
        regs = {RIP, RSP, 0x10302};
        auto state = m.state();
        m.steps.clear();
        m.fail_what = "push";
        m.fail_after = good;
        m.fail_with = {14, true, 6, 0};
        EXPECT_EQ(deliver(), VP_FAULT);
        EXPECT_EQ(m.fault.vector, 14);
        EXPECT_EQ(m.fault.error_code, 6u);
        EXPECT_EQ(m.fault.address, 0x7fff11a8u - 8 * static_cast<unsigned>(good));
        expect_unchanged(state, {RIP, RSP, 0x10302});
        EXPECT_EQ(m.step_order(), (std::vector<enum uintr_step>{UINTR_STEP_DELIVER_BEGIN}));
        m.fail_what.clear();
        ASSERT_EQ(deliver(), VP_OK);
        expect_frame(0x7fff1190, 5, RIP, 0x10302, RSP);
        EXPECT_EQ(m.read(0x985), 1u);
    }
}

TEST_F(uintr_deliver_test, D17_the_handler_must_be_canonical_in_the_current_paging_mode)
{
    fake_machine wide(57);
    ASSERT_EQ(uintr_msr_write(wide.u, 0x986, 0x0000800000000000), VP_OK);
    ASSERT_EQ(uintr_msr_write(wide.u, 0x985, 1), VP_OK);
    uintr_set_uif(wide.u, true);
    auto state = wide.state();
    EXPECT_EQ(uintr_deliver(wide.u, &regs, 48, &wide.fault), VP_FAULT);
    expect_gp0(wide.fault);
    EXPECT_EQ(wide.state(), state);
    EXPECT_EQ(regs.rip, RIP);
    EXPECT_TRUE(wide.calls("push").empty());
    EXPECT_EQ(uintr_deliver(wide.u, &regs, 57, &wide.fault), VP_OK);
    EXPECT_EQ(regs.rip, 0x0000800000000000u);
}

TEST_F(uintr_deliver_test, D18_a_stack_fault_is_passed_on)
{
    auto state = m.state();
    m.fail_what = "push";
    m.fail_with = {12, true, 0, 0};
    EXPECT_EQ(deliver(), VP_FAULT);
    EXPECT_EQ(m.fault.vector, 12);
    EXPECT_EQ(m.fault.error_code, 0u);
    expect_unchanged(state, {RIP, RSP, RFLAGS});
}

TEST_F(uintr_deliver_test, D25_a_nested_delivery_uses_the_handlers_stack)
{
    m.write(0x985, 3);
    ASSERT_EQ(deliver(), VP_OK);
    std::uint64_t outer = regs.rsp;
    regs.rip = HANDLER + 7;
    uintr_set_uif(m.u, true);
    ASSERT_EQ(deliver(), VP_OK);
    expect_frame(((outer - 0x80) & ~std::uint64_t{15}) - 32, 0, HANDLER + 7, RFLAGS, outer);
}

TEST_F(uintr_deliver_test, pushes_go_from_high_to_low_addresses_between_the_steps)
{
    ASSERT_EQ(deliver(), VP_OK);
    const std::vector<fake_call> expected = {{"step", UINTR_STEP_DELIVER_BEGIN, 0},
                                             {"push", 0x7fff11a8, RSP},
                                             {"push", 0x7fff11a0, RFLAGS},
                                             {"push", 0x7fff1198, RIP},
                                             {"push", 0x7fff1190, 5},
                                             {"step", UINTR_STEP_DELIVERED, 0}};
    EXPECT_EQ(m.log, expected);
    EXPECT_EQ(m.steps.at(0).second.vector, 5);
    EXPECT_EQ(m.steps.at(0).second.upid_la, 0x5000u);
    EXPECT_EQ(m.steps.at(1).second.vector, 5);
    EXPECT_EQ(m.steps.at(1).second.frame_la, 0x7fff1190u);
}

} // namespace
