// SPDX-License-Identifier: Apache-2.0
// The user timer of the unit: IA32_UINTR_TIMER, when its event is pending, what the event does. Judge: ISE reference,
// "User-Timer Events and Interrupts". When the core looks at it: tests/unit/cpu/test_user_timer.cpp.
#include "fake_machine.h"

namespace
{

TEST(uintr_timer, W01_every_value_can_be_written_and_reads_back)
{
    fake_machine m;
    for (std::uint64_t value : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{0x3f}, std::uint64_t{0x12345640 | 7},
                                ~std::uint64_t{0}, ONE << 63}) {
        uintr_timer_write(m.u, value);
        EXPECT_EQ(uintr_timer_read(m.u), value);
        EXPECT_EQ(uintr_timer_deadline(m.u), value & ~std::uint64_t{0x3f});
    }
    EXPECT_TRUE(m.log.empty());
}

TEST(uintr_timer, W02_the_event_is_pending_from_the_deadline_on)
{
    fake_machine m;
    uintr_timer_write(m.u, 0x1000 | 9);
    EXPECT_FALSE(uintr_timer_is_pending(m.u, 0));
    EXPECT_FALSE(uintr_timer_is_pending(m.u, 0xfff));
    EXPECT_TRUE(uintr_timer_is_pending(m.u, 0x1000));
    EXPECT_TRUE(uintr_timer_is_pending(m.u, ~std::uint64_t{0}));
}

TEST(uintr_timer, W02_the_event_sets_the_bit_of_each_vector_and_clears_the_register)
{
    for (unsigned vector = 0; vector < 64; vector++) {
        fake_machine m;
        m.write(0x985, ONE << 17);
        uintr_timer_write(m.u, 0x40 | vector);
        uintr_timer_expire(m.u);
        EXPECT_EQ(m.read(0x985), ONE << 17 | ONE << vector);
        EXPECT_EQ(uintr_timer_read(m.u), 0u) << "the vector too";
        EXPECT_FALSE(uintr_timer_is_pending(m.u, ~std::uint64_t{0}));
        EXPECT_TRUE(uintr_is_pending(m.u));
    }
}

TEST(uintr_timer, W04_a_deadline_of_zero_is_no_event)
{
    fake_machine m;
    uintr_timer_write(m.u, 0x1000 | 9);
    uintr_timer_write(m.u, 0);
    EXPECT_FALSE(uintr_timer_is_pending(m.u, ~std::uint64_t{0}));
    uintr_timer_write(m.u, 9); // a vector without a deadline
    EXPECT_FALSE(uintr_timer_is_pending(m.u, ~std::uint64_t{0}));
    EXPECT_FALSE(uintr_is_pending(m.u));
}

TEST(uintr_timer, no_part_of_the_xsave_component_and_zero_after_reset)
{
    fake_machine m;
    uintr_timer_write(m.u, 0x1000 | 9);
    EXPECT_FALSE(uintr_xsave_in_use(m.u));
    std::uint8_t image[UINTR_XSAVE_SIZE] = {};
    EXPECT_EQ(uintr_xrstor(m.u, image), VP_OK);
    EXPECT_EQ(uintr_timer_read(m.u), 0x1000u | 9);
    uintr_xrstor_init(m.u);
    EXPECT_EQ(uintr_timer_read(m.u), 0x1000u | 9);
    uintr_reset(m.u);
    EXPECT_EQ(uintr_timer_read(m.u), 0u);
}

} // namespace
