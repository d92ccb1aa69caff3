// SPDX-License-Identifier: Apache-2.0
// The timer in its three modes, to the cycle. Divide configuration BH is "by 1".
#include "lapic_fixture.h"

namespace
{

constexpr std::uint32_t MASKED = 0x10000, PERIODIC = 0x20000, DEADLINE = 0x40000;

class lapic_timer_test : public lapic_test
{
  public:
    void SetUp() override
    {
        lapic_test::SetUp();
        write(DIVIDE, 0xb);
    }
    std::uint32_t count_at(std::uint64_t cycle)
    {
        return static_cast<std::uint32_t>(lapic_mmio_read(l, CURRENT, 4, cycle));
    }
};

TEST_F(lapic_timer_test, one_shot_fires_exactly_after_the_count)
{
    write(LVT_TIMER, 0x41);
    write(INITIAL, 500);
    EXPECT_EQ(lapic_next_deadline(l), 1500u);
    lapic_advance(l, 1499);
    EXPECT_FALSE(lapic_has_interrupt(l));
    lapic_advance(l, 1500);
    EXPECT_EQ(ack(), 0x41);
    EXPECT_EQ(lapic_next_deadline(l), VP_NEVER);
    lapic_eoi(l);
    lapic_advance(l, 100000);
    EXPECT_FALSE(lapic_has_interrupt(l));
    EXPECT_EQ(lapic_stats(l)->timer_expiries, 1u);
}

TEST_F(lapic_timer_test, current_count_is_exact)
{
    write(LVT_TIMER, MASKED | 0x41);
    write(INITIAL, 500);
    EXPECT_EQ(count_at(1000), 500u);
    EXPECT_EQ(count_at(1001), 499u);
    EXPECT_EQ(count_at(1499), 1u);
    EXPECT_EQ(count_at(1500), 0u);
    EXPECT_EQ(count_at(2000), 0u);
    EXPECT_EQ(read(INITIAL), 500u);
}

TEST_F(lapic_timer_test, every_divider_counts_at_its_rate)
{
    const struct {
        std::uint32_t code, divider;
    } table[] = {{0x0, 2}, {0x1, 4}, {0x2, 8}, {0x3, 16}, {0x8, 32}, {0x9, 64}, {0xa, 128}, {0xb, 1}};
    for (const auto &row : table) {
        write(DIVIDE, row.code);
        write(LVT_TIMER, 0x41);
        write(INITIAL, 10);
        EXPECT_EQ(lapic_next_deadline(l), now + 10 * row.divider) << row.code;
        EXPECT_EQ(lapic_debug_read(l, CURRENT, now + row.divider - 1), row.divider == 1 ? 10u : 10u) << row.code;
        EXPECT_EQ(lapic_debug_read(l, CURRENT, now + row.divider), 9u) << row.code;
        write(INITIAL, 0);
    }
}

TEST_F(lapic_timer_test, cycles_per_tick_scale_the_count)
{
    struct lapic_config config = default_config();
    config.timer_cycles_per_tick = 80;
    start(config);
    write(DIVIDE, 0x1); // by 4
    write(LVT_TIMER, 0x41);
    write(INITIAL, 3);
    EXPECT_EQ(lapic_next_deadline(l), now + 960u);
    EXPECT_EQ(count_at(now + 319), 3u);
    EXPECT_EQ(count_at(now + 320), 2u);
}

TEST_F(lapic_timer_test, the_largest_count_with_the_largest_divider_does_not_overflow)
{
    struct lapic_config config = default_config();
    config.timer_cycles_per_tick = 1u << 24;
    start(config);
    write(DIVIDE, 0xa);
    write(LVT_TIMER, 0x41);
    write(INITIAL, 0xffffffff);
    EXPECT_EQ(lapic_next_deadline(l), now + UINT64_C(0xffffffff) * 128 * (1u << 24));
    EXPECT_EQ(read(CURRENT), 0xffffffffu);
}

TEST_F(lapic_timer_test, zero_stops_the_timer)
{
    write(LVT_TIMER, 0x41);
    write(INITIAL, 500);
    write(INITIAL, 0);
    EXPECT_EQ(lapic_next_deadline(l), VP_NEVER);
    EXPECT_EQ(count_at(1200), 0u);
}

TEST_F(lapic_timer_test, writing_the_initial_count_restarts)
{
    write(LVT_TIMER, 0x41);
    write(INITIAL, 500);
    now = 1400;
    write(INITIAL, 500);
    EXPECT_EQ(lapic_next_deadline(l), 1900u);
}

TEST_F(lapic_timer_test, changing_the_divider_keeps_the_count)
{
    write(LVT_TIMER, 0x41);
    write(INITIAL, 500);
    now = 1100;
    write(DIVIDE, 0x0); // by 2
    EXPECT_EQ(read(CURRENT), 400u);
    EXPECT_EQ(lapic_next_deadline(l), 1100u + 800u);
}

TEST_F(lapic_timer_test, periodic_fires_every_period_without_drift)
{
    write(LVT_TIMER, PERIODIC | 0x41);
    write(INITIAL, 100);
    for (std::uint64_t at = 1100; at < 2000; at += 100) {
        EXPECT_EQ(lapic_next_deadline(l), at);
        lapic_advance(l, at + 7); // looked at late: the next one is not
        EXPECT_EQ(ack(), 0x41);
        lapic_eoi(l);
    }
}

TEST_F(lapic_timer_test, periodic_reloads_at_zero)
{
    write(LVT_TIMER, PERIODIC | MASKED | 0x41);
    write(INITIAL, 100);
    EXPECT_EQ(count_at(1099), 1u);
    EXPECT_EQ(count_at(1100), 100u);
    EXPECT_EQ(count_at(1250), 50u);
}

TEST_F(lapic_timer_test, missed_periods_coalesce_and_are_counted)
{
    write(LVT_TIMER, PERIODIC | 0x41);
    write(INITIAL, 100);
    lapic_advance(l, 1000 + 1000000000);
    EXPECT_EQ(lapic_stats(l)->timer_expiries, 10000000u);
    EXPECT_EQ(lapic_stats(l)->interrupts_coalesced, 9999999u);
    EXPECT_EQ(lapic_next_deadline(l), 1000u + 1000000000u + 100u);
    ack();
    lapic_eoi(l);
    EXPECT_FALSE(lapic_has_interrupt(l));
}

// What a halted core waits for: not for what it would sleep through.
TEST_F(lapic_timer_test, the_next_interrupt_is_one_that_is_not_offered_yet)
{
    write(LVT_TIMER, PERIODIC | 0x41);
    write(INITIAL, 500);
    EXPECT_EQ(lapic_next_interrupt(l), 1500u);
    lapic_set_cr8(l, 4);
    EXPECT_EQ(lapic_next_interrupt(l), VP_NEVER) << "41H is of the class of the priority";
    EXPECT_EQ(lapic_next_deadline(l), 1500u);
    lapic_set_cr8(l, 3);
    EXPECT_EQ(lapic_next_interrupt(l), 1500u);
    lapic_advance(l, 1500);
    EXPECT_EQ(lapic_next_interrupt(l), VP_NEVER) << "it is in IRR";
    EXPECT_EQ(ack(), 0x41);
    EXPECT_EQ(lapic_next_interrupt(l), VP_NEVER) << "its class is in service";
    lapic_eoi(l);
    EXPECT_EQ(lapic_next_interrupt(l), 2000u);
    write(LVT_TIMER, PERIODIC | MASKED | 0x41);
    EXPECT_EQ(lapic_next_interrupt(l), VP_NEVER);
    write(LVT_TIMER, PERIODIC | 0x5); // an illegal vector is an error, which may interrupt
    EXPECT_EQ(lapic_next_interrupt(l), 2000u);
}

TEST_F(lapic_timer_test, the_debug_view_of_a_periodic_count_needs_no_advance)
{
    write(LVT_TIMER, PERIODIC | 0x41);
    write(INITIAL, 100);
    EXPECT_EQ(lapic_debug_read(l, CURRENT, 1100), 100u);
    EXPECT_EQ(lapic_debug_read(l, CURRENT, 1330), 70u);
    EXPECT_EQ(lapic_next_deadline(l), 1100u);
}

TEST_F(lapic_timer_test, a_masked_timer_has_no_deadline_but_counts)
{
    write(LVT_TIMER, MASKED | 0x41);
    write(INITIAL, 100);
    EXPECT_EQ(lapic_next_deadline(l), VP_NEVER);
    now = 1200;
    write(LVT_TIMER, 0x41); // too late
    EXPECT_FALSE(lapic_has_interrupt(l));
    EXPECT_EQ(lapic_stats(l)->timer_expiries, 1u);
}

TEST_F(lapic_timer_test, unmasking_before_expiry_delivers)
{
    write(LVT_TIMER, MASKED | 0x41);
    write(INITIAL, 100);
    now = 1050;
    write(LVT_TIMER, 0x41);
    EXPECT_EQ(lapic_next_deadline(l), 1100u);
    lapic_advance(l, 1100);
    EXPECT_TRUE(lapic_has_interrupt(l));
}

TEST_F(lapic_timer_test, an_access_at_the_cycle_of_expiry_sees_it)
{
    write(LVT_TIMER, 0x41);
    write(INITIAL, 100);
    now = 1100;
    EXPECT_EQ(read(IRR + 0x20), 1u << 1);
}

TEST_F(lapic_timer_test, one_shot_and_periodic_can_be_changed_while_counting)
{
    write(LVT_TIMER, 0x41);
    write(INITIAL, 100);
    now = 1050;
    write(LVT_TIMER, PERIODIC | 0x41);
    lapic_advance(l, 1100);
    EXPECT_EQ(lapic_next_deadline(l), 1200u);
    now = 1150;
    write(LVT_TIMER, 0x41);
    EXPECT_EQ(lapic_next_deadline(l), 1200u);
    lapic_advance(l, 1200);
    EXPECT_EQ(lapic_next_deadline(l), VP_NEVER);
}

TEST_F(lapic_timer_test, the_reserved_mode_does_not_count)
{
    write(LVT_TIMER, 0x60041);
    write(INITIAL, 100);
    EXPECT_EQ(lapic_next_deadline(l), VP_NEVER);
    EXPECT_EQ(read(CURRENT), 0u);
}

TEST_F(lapic_timer_test, software_disable_silences_the_timer)
{
    write(LVT_TIMER, 0x41);
    write(INITIAL, 100);
    write(SVR, 0xff);
    EXPECT_EQ(lapic_next_deadline(l), VP_NEVER);
    lapic_advance(l, 1100);
    EXPECT_FALSE(lapic_has_interrupt(l));
}

TEST_F(lapic_timer_test, an_illegal_vector_is_a_receive_error)
{
    write(LVT_TIMER, 0x0f);
    write(INITIAL, 100);
    lapic_advance(l, 1100);
    EXPECT_FALSE(lapic_has_interrupt(l));
    now = 1100;
    EXPECT_EQ(errors(), 0x40u);
}

TEST_F(lapic_timer_test, init_stops_the_timer)
{
    write(LVT_TIMER, 0x41);
    write(INITIAL, 100);
    lapic_init(l);
    EXPECT_EQ(lapic_next_deadline(l), VP_NEVER);
}

// --- TSC deadline ---

TEST_F(lapic_timer_test, tsc_deadline_fires_when_the_tsc_gets_there)
{
    write(LVT_TIMER, DEADLINE | 0x41);
    EXPECT_TRUE(msr_write(MSR_DEADLINE, 5000));
    EXPECT_EQ(lapic_next_deadline(l), 5000u);
    EXPECT_EQ(msr(MSR_DEADLINE), 5000u);
    lapic_advance(l, 4999);
    EXPECT_FALSE(lapic_has_interrupt(l));
    lapic_advance(l, 5000);
    EXPECT_EQ(ack(), 0x41);
    now = 5000;
    EXPECT_EQ(msr(MSR_DEADLINE), 0u);
    EXPECT_EQ(lapic_next_deadline(l), VP_NEVER);
}

TEST_F(lapic_timer_test, a_deadline_in_the_past_fires_at_once)
{
    write(LVT_TIMER, DEADLINE | 0x41);
    EXPECT_TRUE(msr_write(MSR_DEADLINE, 1));
    EXPECT_EQ(ack(), 0x41);
    EXPECT_EQ(msr(MSR_DEADLINE), 0u);
}

TEST_F(lapic_timer_test, zero_disarms_the_deadline)
{
    write(LVT_TIMER, DEADLINE | 0x41);
    EXPECT_TRUE(msr_write(MSR_DEADLINE, 5000));
    EXPECT_TRUE(msr_write(MSR_DEADLINE, 0));
    EXPECT_EQ(lapic_next_deadline(l), VP_NEVER);
    lapic_advance(l, 6000);
    EXPECT_FALSE(lapic_has_interrupt(l));
}

TEST_F(lapic_timer_test, the_deadline_counts_in_tsc_not_in_cycles)
{
    lapic_set_tsc_offset(l, 100000, now);
    write(LVT_TIMER, DEADLINE | 0x41);
    EXPECT_TRUE(msr_write(MSR_DEADLINE, 102000));
    EXPECT_EQ(lapic_next_deadline(l), 2000u);
    lapic_set_tsc_offset(l, 100500, now); // the TSC was moved forward
    EXPECT_EQ(lapic_next_deadline(l), 1500u);
    lapic_set_tsc_offset(l, 0 - UINT64_C(500), now);
    EXPECT_EQ(lapic_next_deadline(l), 102500u);
    lapic_set_tsc_offset(l, 101000, now);
    EXPECT_EQ(ack(), 0x41);
}

TEST_F(lapic_timer_test, a_deadline_after_the_end_of_time_never_comes)
{
    write(LVT_TIMER, DEADLINE | 0x41);
    EXPECT_TRUE(msr_write(MSR_DEADLINE, UINT64_MAX));
    lapic_advance(l, UINT64_MAX - 1);
    EXPECT_FALSE(lapic_has_interrupt(l));
}

TEST_F(lapic_timer_test, the_deadline_msr_is_dead_in_the_counting_modes)
{
    write(LVT_TIMER, 0x41);
    EXPECT_TRUE(msr_write(MSR_DEADLINE, 5000));
    EXPECT_EQ(msr(MSR_DEADLINE), 0u);
    EXPECT_EQ(lapic_next_deadline(l), VP_NEVER);
}

TEST_F(lapic_timer_test, the_counting_registers_are_dead_in_deadline_mode)
{
    write(LVT_TIMER, DEADLINE | 0x41);
    write(INITIAL, 100);
    EXPECT_EQ(read(INITIAL), 0u);
    EXPECT_EQ(read(CURRENT), 0u);
    EXPECT_EQ(lapic_next_deadline(l), VP_NEVER);
    EXPECT_TRUE(msr_write(MSR_DEADLINE, 5000));
    write(DIVIDE, 0x3);
    EXPECT_EQ(lapic_next_deadline(l), 5000u);
    EXPECT_EQ(read(CURRENT), 0u);
}

TEST_F(lapic_timer_test, changing_to_and_from_deadline_mode_disarms)
{
    write(LVT_TIMER, PERIODIC | 0x41);
    write(INITIAL, 100);
    write(LVT_TIMER, DEADLINE | 0x41);
    EXPECT_EQ(lapic_next_deadline(l), VP_NEVER);
    EXPECT_TRUE(msr_write(MSR_DEADLINE, 5000));
    write(LVT_TIMER, PERIODIC | 0x41);
    EXPECT_EQ(lapic_next_deadline(l), VP_NEVER);
    write(LVT_TIMER, DEADLINE | 0x41);
    EXPECT_EQ(msr(MSR_DEADLINE), 0u);
}

TEST_F(lapic_timer_test, a_masked_deadline_is_used_up_silently)
{
    write(LVT_TIMER, DEADLINE | MASKED | 0x41);
    EXPECT_TRUE(msr_write(MSR_DEADLINE, 2000));
    EXPECT_EQ(lapic_next_deadline(l), VP_NEVER);
    now = 2000;
    EXPECT_EQ(msr(MSR_DEADLINE), 0u);
    EXPECT_FALSE(lapic_has_interrupt(l));
}

} // namespace
