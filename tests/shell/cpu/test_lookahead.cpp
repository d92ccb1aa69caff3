// SPDX-License-Identifier: Apache-2.0
// The time keeper alone: how far may a core run?
#include "lookahead.h"

#include <gtest/gtest.h>

namespace
{

lookahead_config config(std::uint32_t cores)
{
    lookahead_config c;
    c.cores = cores;
    c.lookahead_cycles = 200;
    c.quantum_cycles = 200;
    c.alone_cycles = 1000000;
    return c;
}

} // namespace

TEST(lookahead, two_running_cores_stay_within_one_quantum)
{
    lookahead k(config(2));
    k.set_running(0, 1000);
    k.set_running(1, 1000);
    EXPECT_EQ(k.run_limit(0, 1000), 1200u);
    k.set_running(0, 1203); // the last instruction ended beyond the limit
    EXPECT_EQ(k.run_limit(1, 1000), 1200u);
    EXPECT_FALSE(k.is_alone(0));
}

TEST(lookahead, nobody_passes_what_a_slower_core_may_still_send)
{
    lookahead_config c = config(3);
    c.quantum_cycles = 150;
    lookahead k(c);
    k.set_running(0, 1000);
    k.set_running(1, 900);
    k.set_running(2, 5000);
    EXPECT_EQ(k.run_limit(0, 1000), 1100u); // 900 + lookahead
}

TEST(lookahead, alone_a_core_runs_to_the_others_next_event_plus_lookahead)
{
    lookahead k(config(2));
    k.set_running(0, 1000);
    k.set_waiting(1, 500, 7000);
    EXPECT_TRUE(k.is_alone(0));
    EXPECT_EQ(k.run_limit(0, 1000), 7200u);
    k.set_waiting(1, 500, CYCLE_NEVER);
    EXPECT_EQ(k.run_limit(0, 1000), 1001000u);
    k.set_wake(1, 3000);
    EXPECT_EQ(k.run_limit(0, 1000), 3200u);
    k.set_wake(1, 9000); // later ones change nothing
    EXPECT_EQ(k.run_limit(0, 1000), 3200u);
}

TEST(lookahead, a_waiting_core_cannot_act_before_it_halted)
{
    lookahead k(config(2));
    k.set_waiting(1, 5000, 100);
    EXPECT_EQ(k.run_limit(0, 1000), 5200u);
}

TEST(lookahead, idle_for_ever_needs_every_core)
{
    lookahead k(config(2));
    EXPECT_FALSE(k.is_all_idle());
    k.set_waiting(0, 10, CYCLE_NEVER);
    EXPECT_FALSE(k.is_all_idle());
    k.set_waiting(1, 20, 500);
    EXPECT_FALSE(k.is_all_idle());
    k.set_waiting(1, 20, CYCLE_NEVER);
    EXPECT_TRUE(k.is_all_idle());
    EXPECT_EQ(k.latest(), 20u);
    k.set_wake(0, 100);
    EXPECT_FALSE(k.is_all_idle());
}

TEST(lookahead, a_device_bounds_every_core_and_is_no_idleness)
{
    lookahead k(config(2));
    k.set_running(0, 1000);
    k.set_waiting(1, 500, CYCLE_NEVER);
    EXPECT_EQ(k.run_limit(0, 1000), 1001000u);
    k.set_device(5000);
    EXPECT_EQ(k.run_limit(0, 1000), 5200u) << "felt a lookahead later";
    k.set_waiting(0, 1000, CYCLE_NEVER);
    EXPECT_FALSE(k.is_all_idle());
    EXPECT_TRUE(k.is_all_waiting());
    k.set_device(3000, 2);
    k.set_device(4000, 1);
    EXPECT_EQ(k.run_limit(1, 500), 3200u) << "the earliest of several";
    k.set_device(CYCLE_NEVER, 2);
    EXPECT_EQ(k.run_limit(1, 500), 4200u);
    k.set_device(CYCLE_NEVER);
    k.set_device(CYCLE_NEVER, 1);
    EXPECT_TRUE(k.is_all_idle());
    k.set_running(1, 600);
    EXPECT_FALSE(k.is_all_waiting());
}

TEST(lookahead, the_earliest_end_counts_and_bounds_every_limit)
{
    lookahead k(config(2));
    k.end_at(1100);
    k.end_at(1050);
    k.end_at(1090);
    EXPECT_EQ(k.end(), 1050u);
    k.set_running(1, 1000);
    EXPECT_EQ(k.run_limit(0, 1000), 1050u);
}

TEST(lookahead, a_longer_quantum_is_allowed_and_lateness_counted)
{
    lookahead_config c = config(2);
    c.quantum_cycles = 5000;
    lookahead k(c);
    k.set_running(1, 0);
    EXPECT_EQ(k.run_limit(0, 0), 5000u);
    k.count_late(30);
    k.count_late(10);
    EXPECT_EQ(k.stats().late_arrivals, 2u);
    EXPECT_EQ(k.stats().worst_late_cycles, 30u);
}

TEST(lookahead, nonsense_is_refused)
{
    for (int field = 0; field < 4; field++) {
        lookahead_config c = config(1);
        (field == 0 ? c.lookahead_cycles : field == 1 ? c.quantum_cycles : c.alone_cycles) = 0;
        if (field == 3)
            c = config(0);
        EXPECT_THROW(lookahead{c}, std::invalid_argument);
    }
}
