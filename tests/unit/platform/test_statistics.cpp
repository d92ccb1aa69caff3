// SPDX-License-Identifier: Apache-2.0
// Distributions, the stages of user interrupts, and both forms of the statistics file.
#include "config/user_error.h"
#include "scratch_file.h"
#include "statistics/distribution.h"
#include "statistics/stage_stats.h"
#include "statistics/stat_tree.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

using namespace vp;

namespace
{

// A record whose stages take 1, 2, 3, ... cycles.
struct uintr_record record(std::uint64_t begin)
{
    struct uintr_record r = {};
    r.number = 1;
    r.receiver = 1;
    r.at[0] = begin;
    for (unsigned i = 1; i < UINTR_BORDER_COUNT; i++)
        r.at[i] = r.at[i - 1] + i;
    return r;
}

} // namespace

TEST(distribution, percentiles_by_nearest_rank)
{
    distribution d;
    for (std::uint64_t v = 100; v >= 1; v--)
        d.add(v);
    distribution_summary s = d.summary();
    EXPECT_EQ(s.count, 100u);
    EXPECT_EQ(s.sum, 5050u);
    EXPECT_EQ(s.min, 1u);
    EXPECT_EQ(s.p50, 50u);
    EXPECT_EQ(s.p95, 95u);
    EXPECT_EQ(s.p99, 99u);
    EXPECT_EQ(s.max, 100u);
    EXPECT_DOUBLE_EQ(s.mean, 50.5);
}

TEST(distribution, one_value_is_every_percentile)
{
    distribution d;
    d.add(7);
    distribution_summary s = d.summary();
    EXPECT_EQ(s.min, 7u);
    EXPECT_EQ(s.p50, 7u);
    EXPECT_EQ(s.p99, 7u);
    EXPECT_EQ(s.max, 7u);
}

TEST(distribution, rare_large_values_show_in_p99_only)
{
    distribution d;
    for (int i = 0; i < 980; i++)
        d.add(10);
    for (int i = 0; i < 20; i++)
        d.add(1000);
    EXPECT_EQ(d.summary().p95, 10u);
    EXPECT_EQ(d.summary().p99, 1000u);
}

TEST(distribution, empty_is_all_zero)
{
    distribution_summary s = distribution().summary();
    EXPECT_EQ(s.count + s.min + s.max + s.p50 + s.sum, 0u);
}

TEST(stages, add_up_to_end_to_end)
{
    stage_stats stats;
    stats.add(record(1000));
    stats.add(record(5000));
    std::uint64_t sum = 0;
    for (unsigned s = TIMING_STAGE_post; s <= TIMING_STAGE_deliver; s++)
        sum += stats.stage(static_cast<enum timing_stage>(s)).summary().sum;
    EXPECT_EQ(sum, stats.end_to_end().summary().sum);
    EXPECT_EQ(stats.stage(TIMING_STAGE_handle).summary().min, 8u);
    EXPECT_EQ(stats.stage(TIMING_STAGE_return).summary().min, 9u);
    EXPECT_HAS(stats.table(2000000000), "end_to_end");
}

TEST(stages, posts_without_ipi_do_not_travel)
{
    struct uintr_record r = record(10);
    r.coalesced = true;
    stage_stats stats;
    stats.add(r);
    EXPECT_EQ(stats.stage(TIMING_STAGE_travel).count(), 0u);
    EXPECT_EQ(stats.stage(TIMING_STAGE_issue).count(), 0u);
    EXPECT_EQ(stats.stage(TIMING_STAGE_accept).count(), 1u);
    EXPECT_EQ(stats.end_to_end().count(), 1u);
}

TEST(stages, undelivered_records_give_no_stage_and_unreturned_ones_no_handle)
{
    struct uintr_record lost = record(10);
    for (unsigned i = UINTR_AT_NOTIFIED; i < UINTR_BORDER_COUNT; i++)
        lost.at[i] = 0;
    struct uintr_record running = record(10);
    running.at[UINTR_AT_UIRET_BEGIN] = running.at[UINTR_AT_RETURNED] = 0;
    stage_stats stats;
    stats.add(lost);
    stats.add(running);
    EXPECT_EQ(stats.undelivered(), 1u);
    EXPECT_EQ(stats.stage(TIMING_STAGE_deliver).count(), 1u);
    EXPECT_EQ(stats.stage(TIMING_STAGE_handle).count(), 0u);
}

TEST(stages, each_delivered_record_took_one_path)
{
    struct uintr_record direct = record(10), held = record(10), resumed = record(10), woken = record(10),
                        lost = record(10);
    held.user_since = direct.at[UINTR_AT_POSTED] + 1;
    resumed.by_own_ipi = true;
    woken.woken = direct.at[UINTR_AT_POSTED];
    for (unsigned i = UINTR_AT_NOTIFIED; i < UINTR_BORDER_COUNT; i++)
        lost.at[i] = 0;
    stage_stats stats;
    for (const struct uintr_record &r : {direct, held, resumed, woken, woken, lost})
        stats.add(r);
    stat_tree tree;
    stats.report(tree);
    EXPECT_EQ(tree.json()["uintr"]["path"],
              nlohmann::ordered_json::parse(R"({"direct": 1, "resume": 1, "wake": 2, "held": 1})"));
}

TEST(stages, a_record_that_goes_back_in_time_is_our_bug)
{
    struct uintr_record r = record(10);
    r.at[UINTR_AT_NOTIFIED] = 1;
    stage_stats stats;
    EXPECT_THROW(stats.add(r), std::logic_error);
    EXPECT_EQ(stage_stats().table(1), "");
}

TEST(stat_tree, paths_nest_and_keep_their_order)
{
    stat_tree tree;
    tree.add("sim.zeta", std::uint64_t{1}, "ps", "z");
    tree.add("sim.alpha", std::string("a \"b\""), "", "a");
    tree.add("cores[1].uintr.sent", std::uint64_t{5}, "interrupts", "s");
    tree.add("mean", 0.5, "cycles", "m");
    tree.add_section("timing");
    auto j = tree.json();
    EXPECT_EQ(j["cores"].size(), 2u);
    EXPECT_EQ(j["cores"][1]["uintr"]["sent"], 5);
    EXPECT_TRUE(j["timing"].is_object());
    std::string dump = j.dump();
    EXPECT_LT(dump.find("zeta"), dump.find("alpha"));
    EXPECT_HAS(tree.text(), "cores[1].uintr.sent 5 interrupts # s\n");
    EXPECT_HAS(tree.text(), "sim.alpha \"a \\\"b\\\"\" - # a\n");
    EXPECT_HAS(tree.text(), "mean 0.5 cycles # m\n");
}

TEST(stat_tree, files_by_ending)
{
    stat_tree tree;
    tree.add("sim.time_ps", std::uint64_t{42}, "ps", "t");
    scratch_file json(".json"), text(".txt");
    tree.write(json.path());
    tree.write(text.path());
    EXPECT_EQ(nlohmann::json::parse(json.read())["sim"]["time_ps"], 42);
    EXPECT_EQ(text.read(), "sim.time_ps 42 ps # t\n");
    EXPECT_HAS(USER_ERROR_OF(tree.write("/tmp/x.csv")), ".json or .txt");
    EXPECT_HAS(USER_ERROR_OF(tree.write("/nonexistent/x.json")), "cannot be written");
}
