// SPDX-License-Identifier: Apache-2.0
// Every interleaving of posting, notification, delivery and context switches up to a bound keeps the invariants; every
// way of doing it wrong that is listed here is found, with a shortest trace. Spec: SDM Vol. 3, "User Interrupts";
// the operating system's part is that of Linux.
#include "explorer.h"
#include "race_machine.h"

#include <gtest/gtest.h>

#include <cstdio>

using namespace explore;

namespace
{

constexpr std::size_t MOST_STATES = 6000000;

result explore_all(const char *name, const variant &v, const bounds &b)
{
    race_machine machine(v, b);
    explorer<race_machine> e(machine, MOST_STATES);
    result r = e.run();
    std::printf("%s: %u + %u posts, %u switches: %llu states, %llu steps, %llu ends, %.3Lg interleavings%s%s\n", name,
                b.posts[0], b.posts[1], b.switches, static_cast<unsigned long long>(r.states),
                static_cast<unsigned long long>(r.steps), static_cast<unsigned long long>(r.final_states),
                r.interleavings, r.violation.empty() ? "" : "; VIOLATION: ", r.violation.c_str());
    for (std::size_t i = 0; i < r.trace.size(); i++)
        std::printf("  %2zu %s\n", i + 1, r.trace[i].c_str());
    return r;
}

void expect_right(const char *name, const variant &v, const bounds &b)
{
    result r = explore_all(name, v, b);
    EXPECT_EQ(r.violation, "");
    EXPECT_TRUE(r.complete) << "more states than the bound, or a cycle";
    EXPECT_GT(r.final_states, 0u);
    EXPECT_GT(r.interleavings, static_cast<long double>(r.states));
}

void expect_wrong(const char *name, const variant &v, const char *what, const bounds &b = {{2, 1}, 1})
{
    result r = explore_all(name, v, b);
    EXPECT_NE(r.violation.find(what), std::string::npos) << name << ": " << r.violation;
    EXPECT_GT(r.trace.size(), 2u);
}

} // namespace

TEST(races, S26_posts_without_an_operating_system) { expect_right("no switch", {}, {{2, 2}, 0}); }
TEST(races, S26_more_posts) { expect_right("no switch", {}, {{4, 4}, 0}); }
TEST(races, S27_one_switch) { expect_right("switch and migration", {}, {{2, 2}, 1}); }
TEST(races, S27_two_switches) { expect_right("two migrations", {}, {{2, 2}, 2}); }
TEST(races, S27_three_switches) { expect_right("three migrations", {}, {{2, 1}, 3}); }

// What the manual allows, and what turns out to be harmless.
TEST(races, notification_in_two_steps)
{
    variant v;
    v.notify = notify_kind::two_steps;
    expect_right("clear ON, then exchange PIR", v, {{3, 3}, 0});
}
TEST(races, sn_cleared_before_ndst_but_pir_read_last)
{
    variant v;
    v.resume = resume_order::clear_first;
    expect_right("clear SN, NDST, read PIR", v, {{2, 2}, 1});
}

// The explorer can fail.
TEST(mistakes, pir_read_before_sn_is_cleared)
{
    variant v;
    v.resume = resume_order::read_before_sn;
    expect_wrong("NDST, read PIR, clear SN", v, "never delivered");
}
TEST(mistakes, pir_read_before_ndst_is_written)
{
    variant v;
    v.resume = resume_order::read_before_ndst;
    expect_wrong("clear SN, read PIR, NDST", v, "never delivered");
}
TEST(mistakes, ndst_forgotten)
{
    variant v;
    v.resume = resume_order::no_ndst;
    expect_wrong("NDST stays", v, "never delivered");
}
TEST(mistakes, no_self_ipi)
{
    variant v;
    v.resume = resume_order::no_self_ipi;
    expect_wrong("no self-IPI", v, "never delivered");
}
TEST(mistakes, post_that_is_not_atomic)
{
    variant v;
    v.split_post = true;
    expect_wrong("SENDUIPI without lock", v, "stale", {{1, 1}, 0});
    expect_wrong("SENDUIPI without lock against the kernel", v, "stale", {{1, 0}, 1});
}
TEST(mistakes, sn_set_without_a_lock)
{
    variant v;
    v.split_sn = true;
    expect_wrong("SN without lock", v, "stale");
}
TEST(mistakes, pir_drained_before_on_is_cleared)
{
    variant v;
    v.notify = notify_kind::drain_first;
    expect_wrong("exchange PIR, then clear ON", v, "never delivered", {{1, 1}, 0});
}
TEST(mistakes, uirr_assigned)
{
    variant v;
    v.notify = notify_kind::assign;
    expect_wrong("UIRR = PIR", v, "lost", {{2, 1}, 0});
}
TEST(mistakes, notification_dropped_while_masked)
{
    variant v;
    v.notify = notify_kind::drop_masked;
    expect_wrong("dropped while UIF = 0", v, "never delivered", {{2, 1}, 0});
}
TEST(mistakes, uinv_kept_by_xsaves)
{
    variant v;
    v.keep_uinv = true;
    expect_wrong("UINV kept", v, "another thread's UPID");
}
// Why the core takes ON and PIR in one access: a post between the two sets ON again, its vector goes with this drain,
// and its IPI may find the thread switched out. On resume the kernel reads PIR = 0, sends no self-IPI, and ON stays 1.
TEST(mistakes, notification_in_two_steps_and_a_switch)
{
    variant v;
    v.notify = notify_kind::two_steps;
    expect_wrong("clear ON, then exchange PIR", v, "deaf", {{1, 1}, 1});
}
