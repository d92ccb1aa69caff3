// SPDX-License-Identifier: Apache-2.0
// The registry, names, creation with checked values, and asking a model that has no hooks (`functional`).
#include "timing_fixture.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <set>

namespace
{

TEST(timing_registry, has_three_models_and_ends)
{
    ASSERT_NE(timing_builtin(0), nullptr);
    EXPECT_STREQ(timing_builtin(0)->name, "functional");
    EXPECT_STREQ(timing_builtin(1)->name, "table");
    EXPECT_STREQ(timing_builtin(2)->name, "cache");
    EXPECT_EQ(timing_builtin(3), nullptr);
    EXPECT_EQ(timing_builtin(1000), nullptr);
    for (std::size_t i = 0; timing_builtin(i) != nullptr; i++)
        EXPECT_EQ(timing_find(timing_builtin(i)->name), timing_builtin(i));
}

TEST(timing_registry, does_not_find_what_is_not_there)
{
    for (const char *name : {"", "tabl", "tablex", "Table", "./table"})
        EXPECT_EQ(timing_find(name), nullptr) << name;
}

// What timing_load checks of a plug-in, the built-in models must keep too.
TEST(timing_registry, built_in_models_are_described_completely)
{
    for (std::size_t i = 0; timing_builtin(i) != nullptr; i++) {
        const struct timing_model *m = timing_builtin(i);
        EXPECT_EQ(m->abi_version, TIMING_ABI_VERSION);
        EXPECT_EQ(m->struct_size, sizeof *m);
        EXPECT_GT(std::strlen(m->summary), 0u);
        for (std::size_t p = 0; p < m->param_count; p++) {
            const struct timing_param &param = m->params[p];
            EXPECT_EQ(timing_param_index(m, param.name), static_cast<int>(p)) << param.name << " is there twice";
            EXPECT_GT(std::strlen(param.sentence), 0u) << param.name;
            EXPECT_GT(std::strlen(param.source), 0u) << param.name;
            EXPECT_LE(param.min, param.default_value) << param.name;
            EXPECT_GE(param.max, param.default_value) << param.name;
            EXPECT_LE(param.max, TIMING_COST_MAX) << param.name;
            // Bare keys of TOML.
            EXPECT_EQ(std::strspn(param.name, "abcdefghijklmnopqrstuvwxyz0123456789_"), std::strlen(param.name));
        }
    }
}

TEST(timing_registry, an_unknown_parameter_has_no_index)
{
    EXPECT_EQ(timing_param_index(timing_find("table"), "insn_nop"), -1);
    EXPECT_EQ(timing_param_index(timing_find("functional"), "insn_alu"), -1);
}

TEST(timing_names, stages_are_those_of_the_design_in_their_order)
{
    const char *const stages[] = {"post", "issue", "travel", "accept", "notify", "hold", "deliver", "handle", "return"};
    ASSERT_EQ(static_cast<std::size_t>(TIMING_STAGE_COUNT), std::size(stages));
    for (unsigned i = 0; i < TIMING_STAGE_COUNT; i++)
        EXPECT_STREQ(timing_stage_name(static_cast<enum timing_stage>(i)), stages[i]);
    EXPECT_EQ(timing_stage_name(TIMING_STAGE_COUNT), nullptr);
}

TEST(timing_names, every_class_and_event_has_one_of_its_own)
{
    std::set<std::string> names;
    for (unsigned i = 0; i < TIMING_CLASS_COUNT; i++)
        EXPECT_TRUE(names.insert(timing_class_name(static_cast<enum timing_class>(i))).second) << i;
    EXPECT_EQ(timing_class_name(TIMING_CLASS_COUNT), nullptr);
    EXPECT_STREQ(timing_class_name(TIMING_CLASS_senduipi), "senduipi");
    names.clear();
    for (unsigned i = 0; i < TIMING_EVENT_COUNT; i++)
        EXPECT_TRUE(names.insert(timing_event_name(static_cast<enum timing_event>(i))).second) << i;
    EXPECT_EQ(timing_event_name(TIMING_EVENT_COUNT), nullptr);
    EXPECT_STREQ(timing_event_name(TIMING_EVENT_page_walk), "page_walk");
}

TEST(timing_functional, one_instruction_is_one_cycle_and_all_else_is_free)
{
    timing_instance t(timing_find("functional"));
    ASSERT_TRUE(t.create()) << t.error;
    for (unsigned i = 0; i < TIMING_CLASS_COUNT; i++)
        EXPECT_EQ(t.insn(static_cast<enum timing_class>(i)), 1u) << i;
    const struct timing_mem mem = {};
    const struct timing_branch branch = {};
    const struct timing_ipi ipi = {};
    EXPECT_EQ(timing_mem_cost(&t.timing, &mem), 0u);
    EXPECT_EQ(timing_branch_cost(&t.timing, &branch), 0u);
    EXPECT_EQ(timing_ipi_latency(&t.timing, &ipi), 0u);
    for (unsigned i = 0; i < TIMING_EVENT_COUNT; i++)
        EXPECT_EQ(timing_event_cost(&t.timing, 0, static_cast<enum timing_event>(i)), 0u) << i;
    for (unsigned i = 0; i < TIMING_STAGE_COUNT; i++)
        EXPECT_EQ(timing_uintr_cost(&t.timing, 0, static_cast<enum timing_stage>(i), 0), 0u) << i;
}

TEST(timing_functional, has_no_hooks_so_that_it_costs_nothing_at_run_time)
{
    const struct timing_model *m = timing_find("functional");
    EXPECT_EQ(m->insn_cost, nullptr);
    EXPECT_EQ(m->mem_cost, nullptr);
    EXPECT_EQ(m->branch_cost, nullptr);
    EXPECT_EQ(m->event_cost, nullptr);
    EXPECT_EQ(m->uintr_cost, nullptr);
    EXPECT_EQ(m->ipi_latency, nullptr);
}

TEST(timing_create, refuses_values_out_of_range_by_name)
{
    const double bad[] = {
        0, -1, 1e9, std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity(), std::nan("")};
    for (double v : bad) {
        timing_instance t(timing_find("table"));
        t.value("insn_multiply") = v;
        EXPECT_FALSE(t.create()) << v;
        EXPECT_HAS(t.error, "timing.insn_multiply");
        EXPECT_HAS(t.error, "1 to 100000 cycles");
        EXPECT_EQ(t.timing.model, nullptr);
        EXPECT_EQ(t.timing.self, nullptr);
    }
}

TEST(timing_create, takes_the_ends_of_the_range)
{
    timing_instance t(timing_find("table"));
    t.value("insn_multiply") = 100000;
    t.value("insn_divide") = 1;
    t.value("stage_post") = 0;
    ASSERT_TRUE(t.create()) << t.error;
    EXPECT_EQ(t.insn(TIMING_CLASS_multiply), 100000u);
    EXPECT_EQ(t.insn(TIMING_CLASS_divide), 1u);
}

TEST(timing_create, refuses_a_machine_without_cores_or_clock)
{
    timing_instance t(timing_find("functional"));
    t.cores = 0;
    EXPECT_FALSE(t.create());
    EXPECT_HAS(t.error, "at least one core");
    t.cores = 1;
    t.clock_hz = 0;
    EXPECT_FALSE(t.create());
}

TEST(timing_destroy, may_be_repeated_and_accepts_an_instance_that_never_was)
{
    struct timing none = {};
    timing_destroy(&none);
    timing_instance t(timing_find("table"));
    ASSERT_TRUE(t.create());
    timing_destroy(&t.timing);
    timing_destroy(&t.timing);
    EXPECT_EQ(t.timing.self, nullptr);
}

} // namespace
