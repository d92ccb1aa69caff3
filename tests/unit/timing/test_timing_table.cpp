// SPDX-License-Identifier: Apache-2.0
// The model `table`: each parameter moves its own cost and no other; the defaults add up to what was measured.
#include "timing_fixture.h"

#include <algorithm>

namespace
{

// Every answer that the model can give, in the order class, event, stage.
std::vector<std::uint32_t> all_costs(const timing_instance &t)
{
    std::vector<std::uint32_t> costs;
    for (unsigned i = 0; i < TIMING_CLASS_COUNT; i++)
        costs.push_back(t.insn(static_cast<enum timing_class>(i)));
    for (unsigned i = 0; i < TIMING_EVENT_COUNT; i++)
        costs.push_back(timing_event_cost(&t.timing, 0, static_cast<enum timing_event>(i)));
    for (unsigned i = 0; i < TIMING_STAGE_COUNT; i++)
        costs.push_back(timing_uintr_cost(&t.timing, 0, static_cast<enum timing_stage>(i), 0x1000));
    return costs;
}

std::vector<std::string> all_names()
{
    std::vector<std::string> names;
    for (unsigned i = 0; i < TIMING_CLASS_COUNT; i++)
        names.push_back(std::string("insn_") + timing_class_name(static_cast<enum timing_class>(i)));
    for (unsigned i = 0; i < TIMING_EVENT_COUNT; i++)
        names.push_back(std::string("event_") + timing_event_name(static_cast<enum timing_event>(i)));
    for (unsigned i = 0; i < TIMING_STAGE_COUNT; i++)
        names.push_back(std::string("stage_") + timing_stage_name(static_cast<enum timing_stage>(i)));
    return names;
}

// A parameter of an instruction that is no class.
bool is_mnemonic(const std::string &name)
{
    const auto names = all_names();
    return name.rfind("insn_", 0) == 0 && std::find(names.begin(), names.end(), name) == names.end();
}

class timing_table_test : public ::testing::Test
{
  protected:
    timing_table_test() : t(timing_find("table")) {}
    void SetUp() override { ASSERT_TRUE(t.create()) << t.error; }
    std::uint32_t stage(enum timing_stage s) const { return timing_uintr_cost(&t.timing, 0, s, 0); }
    std::uint32_t event(enum timing_event e) const { return timing_event_cost(&t.timing, 0, e); }

    timing_instance t;
};

TEST_F(timing_table_test, every_parameter_moves_its_own_cost_and_no_other)
{
    const auto before = all_costs(t);
    const auto names = all_names();
    ASSERT_EQ(before.size(), names.size());
    const struct timing_model *model = timing_find("table");
    std::size_t found = 0;
    for (std::size_t i = 0; i < names.size(); i++) {
        if (timing_param_index(model, names[i].c_str()) < 0)
            continue; // a stage that is not asked for, see below
        found++;
        timing_instance other(model);
        other.value(names[i].c_str()) = 4711;
        ASSERT_TRUE(other.create()) << other.error;
        auto expected = before;
        expected[i] = 4711;
        EXPECT_EQ(all_costs(other), expected) << names[i];
    }
    std::size_t others = 0; // of single instructions, and the pipeline's policy: below
    for (std::size_t i = 0; i < model->param_count; i++) {
        const std::string name = model->params[i].name;
        others += name == "acceptance" || name.rfind("accept_", 0) == 0 || is_mnemonic(name);
    }
    EXPECT_EQ(found + others, model->param_count);
}

TEST_F(timing_table_test, some_instructions_cost_their_own)
{
    auto cost = [](const timing_instance &of, const char *mnemonic, enum timing_class cls) {
        struct timing_insn i = {};
        i.cls = cls;
        i.mnemonic = mnemonic;
        return timing_insn_cost(&of.timing, &i);
    };
    EXPECT_EQ(cost(t, "mfence", TIMING_CLASS_fence), 38u);
    EXPECT_EQ(cost(t, "lfence", TIMING_CLASS_fence), 12u);
    EXPECT_EQ(cost(t, "rdrand", TIMING_CLASS_system), 971u);
    EXPECT_EQ(cost(t, "popf", TIMING_CLASS_stack) + cost(t, "pushf", TIMING_CLASS_stack), 30u);
    EXPECT_EQ(cost(t, "cmpxchg8b", TIMING_CLASS_alu), 16u);
    EXPECT_EQ(cost(t, "cmpxchg8b", TIMING_CLASS_locked), 18u) << "LOCK decides";
    timing_instance other(timing_find("table"));
    other.value("insn_lfence") = 4711;
    ASSERT_TRUE(other.create());
    EXPECT_EQ(cost(other, "lfence", TIMING_CLASS_fence), 4711u);
    EXPECT_EQ(cost(other, "sfence", TIMING_CLASS_fence), 6u);
    EXPECT_EQ(all_costs(other), all_costs(t));
}

TEST_F(timing_table_test, acceptance_is_a_policy_of_the_pipeline_for_every_interrupt)
{
    const std::uint32_t entry = event(TIMING_EVENT_interrupt) - 424;
    auto expect = [&](unsigned policy, const char *param, std::uint32_t accept) {
        timing_instance other(timing_find("table"));
        other.value("acceptance") = policy;
        EXPECT_EQ(other.value(param), accept);
        ASSERT_TRUE(other.create()) << other.error;
        EXPECT_EQ(timing_uintr_cost(&other.timing, 0, TIMING_STAGE_accept, 0), accept);
        EXPECT_EQ(timing_event_cost(&other.timing, 0, TIMING_EVENT_interrupt), entry + accept);
        EXPECT_EQ(timing_uintr_cost(&other.timing, 0, TIMING_STAGE_notify, 0), stage(TIMING_STAGE_notify));
        EXPECT_EQ(timing_event_cost(&other.timing, 0, TIMING_EVENT_exception), event(TIMING_EVENT_exception));
        timing_instance moved(timing_find("table"));
        moved.value("acceptance") = policy;
        moved.value(param) = accept + 11;
        ASSERT_TRUE(moved.create());
        EXPECT_EQ(timing_uintr_cost(&moved.timing, 0, TIMING_STAGE_accept, 0), accept + 11);
    };
    expect(0, "stage_accept", 424);
    expect(1, "accept_drain", 192);
    expect(2, "accept_tracked", 0);
    const struct timing_model *model = timing_find("table");
    EXPECT_STREQ(model->params[timing_param_index(model, "acceptance")].unit, "flush|drain|tracked");
    EXPECT_GE(timing_param_index(timing_find("cache"), "acceptance"), 0);
}

// x2APIC and TSC_DEADLINE writes do not serialise: SDM Vol. 3, "Serializing Instructions".
TEST_F(timing_table_test, a_write_of_an_msr_costs_by_kind)
{
    EXPECT_EQ(t.insn(TIMING_CLASS_msr) + event(TIMING_EVENT_msr_x2apic_icr), 100u);
    EXPECT_LT(event(TIMING_EVENT_msr_tsc_deadline), event(TIMING_EVENT_msr_tsc));
    EXPECT_LT(event(TIMING_EVENT_msr_x2apic), event(TIMING_EVENT_msr_uintr));
}

TEST_F(timing_table_test, only_the_stages_that_a_core_executes_have_a_cost)
{
    const struct timing_model *model = timing_find("table");
    for (const char *name : {"stage_travel", "stage_hold", "stage_handle"})
        EXPECT_EQ(timing_param_index(model, name), -1) << name;
    for (enum timing_stage s : {TIMING_STAGE_travel, TIMING_STAGE_hold, TIMING_STAGE_handle})
        EXPECT_EQ(stage(s), 0u);
}

TEST_F(timing_table_test, costs_do_not_depend_on_core_or_place)
{
    EXPECT_EQ(timing_uintr_cost(&t.timing, 0, TIMING_STAGE_notify, 0x1000),
              timing_uintr_cost(&t.timing, 63, TIMING_STAGE_notify, 0x7000));
    EXPECT_EQ(timing_event_cost(&t.timing, 0, TIMING_EVENT_iret), timing_event_cost(&t.timing, 63, TIMING_EVENT_iret));
}

// xUI (ASPLOS 2025) and Skyloft (SOSP 2024); see timing_table.def.
TEST_F(timing_table_test, a_send_costs_383_cycles_with_and_167_without_notification)
{
    const std::uint32_t post = t.insn(TIMING_CLASS_senduipi) + stage(TIMING_STAGE_post);
    EXPECT_EQ(post, 167u);
    EXPECT_EQ(post + stage(TIMING_STAGE_issue), 383u);
}

TEST_F(timing_table_test, a_receive_costs_the_measured_720_cycles_within_five_percent)
{
    EXPECT_EQ(stage(TIMING_STAGE_accept), 424u);
    EXPECT_EQ(stage(TIMING_STAGE_notify) + stage(TIMING_STAGE_deliver), 262u);
    EXPECT_EQ(stage(TIMING_STAGE_return) + t.insn(TIMING_CLASS_uiret), 10u);
    const double receive = stage(TIMING_STAGE_accept) + stage(TIMING_STAGE_notify) + stage(TIMING_STAGE_deliver) +
                           stage(TIMING_STAGE_return) + t.insn(TIMING_CLASS_uiret);
    EXPECT_NEAR(receive, 720, 0.05 * 720);
}

TEST_F(timing_table_test, masking_costs_what_was_measured)
{
    EXPECT_EQ(t.insn(TIMING_CLASS_clui), 2u);
    EXPECT_EQ(t.insn(TIMING_CLASS_stui), 32u);
}

TEST_F(timing_table_test, an_external_interrupt_is_acceptance_and_an_idt_entry)
{
    EXPECT_EQ(event(TIMING_EVENT_interrupt), stage(TIMING_STAGE_accept) + event(TIMING_EVENT_exception));
}

TEST_F(timing_table_test, memory_branches_and_ipis_cost_nothing_extra)
{
    const struct timing_model *model = timing_find("table");
    EXPECT_EQ(model->mem_cost, nullptr);
    EXPECT_EQ(model->branch_cost, nullptr);
    EXPECT_EQ(model->ipi_latency, nullptr);
}

TEST(timing_table, two_instances_share_nothing)
{
    timing_instance a(timing_find("table")), b(timing_find("table"));
    a.value("insn_alu") = 5;
    ASSERT_TRUE(a.create());
    ASSERT_TRUE(b.create());
    b.values.assign(b.values.size(), 9); // the caller's array is not needed after create
    EXPECT_EQ(a.insn(TIMING_CLASS_alu), 5u);
    EXPECT_EQ(b.insn(TIMING_CLASS_alu), 1u);
    timing_destroy(&a.timing);
    EXPECT_EQ(b.insn(TIMING_CLASS_alu), 1u);
}

TEST(timing_table, a_fraction_of_a_cycle_is_refused_and_not_cut_off)
{
    timing_instance t(timing_find("table"));
    t.value("stage_deliver") = 111.5;
    EXPECT_FALSE(t.create());
    EXPECT_EQ(t.error, "timing.stage_deliver = 111.5: expected a whole number of cycles");
}

} // namespace
