// SPDX-License-Identifier: Apache-2.0
// uintr_module in a fixture: steps in, reports out, numbers for IPIs, statistics.
#include "uintr_module.h"

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>

namespace
{

constexpr std::uint64_t UPID = 0xffff880000001000, FRAME = 0x7fff0000;

struct listener : tlm::tlm_analysis_if<uintr_report> {
    std::vector<uintr_report> reports;
    void write(const uintr_report &report) override { reports.push_back(report); }
};

class uintr_module_test : public ::testing::Test
{
  protected:
    static int m_count; // SystemC wants a new name for each module
    listener m_listener;
    std::unique_ptr<uintr_module> m_module;

    void SetUp() override
    {
        m_module = std::make_unique<uintr_module>(("uintr" + std::to_string(m_count++)).c_str(), 2u);
        m_module->record_out.bind(m_listener);
    }

    void step(unsigned core, enum uintr_step step, std::uint64_t cycle, struct uintr_step_info info = {})
    {
        m_module->step(core, step, info, cycle, UPID);
    }
    static struct uintr_step_info posted(std::uint8_t vector, bool notify, bool suppressed = false, bool again = false)
    {
        struct uintr_step_info info = {};
        info.upid_la = UPID;
        info.vector = vector;
        info.notify = notify;
        info.suppressed = suppressed;
        info.again = again;
        return info;
    }
    void receive(unsigned core, std::uint8_t vector, std::uint64_t cycle)
    {
        struct uintr_step_info info = {};
        step(core, UINTR_STEP_NOTIFY_BEGIN, cycle, info);
        info.upid_la = UPID;
        info.mask = std::uint64_t{1} << vector;
        step(core, UINTR_STEP_NOTIFIED, cycle + 10, info);
        info = {};
        info.vector = vector;
        step(core, UINTR_STEP_DELIVER_BEGIN, cycle + 20, info);
        info.frame_la = FRAME;
        step(core, UINTR_STEP_DELIVERED, cycle + 30, info);
        info = {};
        info.frame_la = FRAME + 8;
        step(core, UINTR_STEP_UIRET_BEGIN, cycle + 40, info);
        step(core, UINTR_STEP_RETURNED, cycle + 50, info);
    }
};

int uintr_module_test::m_count = 0;

TEST(uintr_module, refuses_to_serve_no_cores) { EXPECT_THROW(uintr_module("none", 0), std::invalid_argument); }

TEST_F(uintr_module_test, a_whole_life_becomes_one_complete_report)
{
    step(0, UINTR_STEP_SEND_BEGIN, 100);
    step(0, UINTR_STEP_UITTE_READ, 105);
    step(0, UINTR_STEP_POSTED, 110, posted(5, true));
    EXPECT_EQ(m_module->number_for_ipi(0), 1u);
    EXPECT_EQ(m_module->number_for_ipi(1), 0u);
    step(0, UINTR_STEP_SENT, 120);
    EXPECT_EQ(m_module->number_for_ipi(0), 0u);
    m_module->arrived(1, 1, 220);
    EXPECT_TRUE(m_listener.reports.empty());
    receive(1, 5, 230);
    ASSERT_EQ(m_listener.reports.size(), 1u);
    const uintr_report &report = m_listener.reports[0];
    EXPECT_TRUE(report.complete);
    const std::uint64_t at[] = {100, 110, 120, 220, 230, 240, 250, 260, 270, 280};
    for (unsigned i = 0; i < UINTR_BORDER_COUNT; i++)
        EXPECT_EQ(report.record.at[i], at[i]) << i;
    EXPECT_EQ(report.record.sender, 0u);
    EXPECT_EQ(report.record.receiver, 1u);
    EXPECT_EQ(uintr_record_end_to_end(&report.record), 160u);
}

TEST_F(uintr_module_test, a_post_without_ipi_has_no_number_to_carry)
{
    step(0, UINTR_STEP_SEND_BEGIN, 100);
    step(0, UINTR_STEP_POSTED, 110, posted(5, false, true));
    EXPECT_EQ(m_module->number_for_ipi(0), 0u);
    receive(1, 5, 230);
    ASSERT_EQ(m_listener.reports.size(), 1u);
    EXPECT_TRUE(m_listener.reports[0].record.suppressed);
    EXPECT_EQ(m_listener.reports[0].record.at[UINTR_AT_SENT], 110u);
}

TEST_F(uintr_module_test, a_send_that_faults_leaves_no_number_behind)
{
    step(0, UINTR_STEP_SEND_BEGIN, 100);
    step(0, UINTR_STEP_POSTED, 110, posted(5, true));
    step(0, UINTR_STEP_SEND_BEGIN, 200);
    EXPECT_EQ(m_module->number_for_ipi(0), 0u);
}

TEST_F(uintr_module_test, finish_reports_the_rest_as_incomplete)
{
    step(0, UINTR_STEP_POSTED, 110, posted(5, true));
    step(0, UINTR_STEP_POSTED, 130, posted(6, false));
    m_module->finish();
    ASSERT_EQ(m_listener.reports.size(), 2u);
    for (const uintr_report &report : m_listener.reports)
        EXPECT_FALSE(report.complete);
    m_module->finish();
    EXPECT_EQ(m_listener.reports.size(), 2u);
}

TEST_F(uintr_module_test, statistics_are_kept_per_core_and_summed)
{
    step(0, UINTR_STEP_POSTED, 110, posted(5, true));
    step(1, UINTR_STEP_POSTED, 120, posted(5, false, false, true));
    step(1, UINTR_STEP_POSTED, 130, posted(6, false, true));
    receive(1, 5, 230);
    receive(0, 9, 400); // posted by software
    EXPECT_EQ(m_module->core_count(), 2u);
    EXPECT_EQ(m_module->stats(0).sent, 1u);
    EXPECT_EQ(m_module->stats(0).untracked, 1u);
    EXPECT_EQ(m_module->stats(1).merged, 1u);
    struct uintr_track_stats total = m_module->total_stats();
    EXPECT_EQ(total.posted, 3u);
    EXPECT_EQ(total.sent, 1u);
    EXPECT_EQ(total.coalesced, 1u);
    EXPECT_EQ(total.suppressed, 1u);
    EXPECT_EQ(total.merged, 1u);
    EXPECT_EQ(total.delivered, 1u);
    EXPECT_EQ(total.returned, 1u);
    EXPECT_EQ(total.untracked, 1u);
    EXPECT_EQ(total.dropped, 0u);
}

TEST_F(uintr_module_test, works_without_a_listener)
{
    uintr_module alone("alone", 1);
    struct uintr_step_info info = posted(5, true);
    alone.step(0, UINTR_STEP_POSTED, info, 10, UPID);
    alone.finish();
    EXPECT_EQ(alone.stats(0).posted, 1u);
}

} // namespace

int sc_main(int argc, char **argv)
{
    ::testing::InitGoogleTest(&argc, argv);
    return RUN_ALL_TESTS();
}
