// SPDX-License-Identifier: Apache-2.0
// Timing models from shared objects: what a good one can do, and how each fault is named.
#include "timing_fixture.h"

#include <cstdio>
#include <fstream>

namespace
{

class plugin
{
  public:
    explicit plugin(const std::string &path)
    {
        std::array<char, 512> text{};
        model = timing_load(path.c_str(), &handle, text.data(), text.size());
        error = text.data();
        EXPECT_EQ(model == nullptr, handle == nullptr) << "a refused object must be closed again";
        EXPECT_EQ(error.find('\n'), std::string::npos);
    }
    ~plugin() { timing_unload(handle); }
    plugin(const plugin &) = delete;
    plugin &operator=(const plugin &) = delete;

    static std::string built(const std::string &name) { return PLUGIN_FOLDER "/" + name + ".so"; }

    const struct timing_model *model;
    void *handle = nullptr;
    std::string error;
};

std::string refusal(const std::string &name)
{
    plugin p(plugin::built(name));
    EXPECT_EQ(p.model, nullptr) << name;
    return p.error;
}

TEST(timing_load, a_good_plugin_answers_every_question)
{
    plugin p(plugin::built("plugin_good"));
    ASSERT_NE(p.model, nullptr) << p.error;
    EXPECT_STREQ(p.model->name, "good");
    timing_instance t(p.model);
    t.value("base") = 40;
    ASSERT_TRUE(t.create()) << t.error;
    EXPECT_EQ(t.insn(TIMING_CLASS_move), 40u + TIMING_CLASS_move);
    struct timing_mem mem = {};
    mem.bytes = 16;
    EXPECT_EQ(timing_mem_cost(&t.timing, &mem), 16u);
    struct timing_branch branch = {};
    branch.taken = true;
    EXPECT_EQ(timing_branch_cost(&t.timing, &branch), 17u);
    EXPECT_EQ(timing_event_cost(&t.timing, 3, TIMING_EVENT_iret), 3000u + TIMING_EVENT_iret);
    EXPECT_EQ(timing_uintr_cost(&t.timing, 1, TIMING_STAGE_accept, 5), 1000u + 10 * TIMING_STAGE_accept + 5);
    struct timing_ipi ipi = {};
    ipi.from_core = 1;
    ipi.to_core = 2;
    ipi.vector = 0xec;
    EXPECT_EQ(timing_ipi_latency(&t.timing, &ipi), 1u + 2 + 0xec);
}

TEST(timing_load, instances_of_a_plugin_share_nothing_and_report_their_own)
{
    plugin p(plugin::built("plugin_good"));
    ASSERT_NE(p.model, nullptr) << p.error;
    timing_instance a(p.model), b(p.model);
    ASSERT_TRUE(a.create() && b.create());
    a.insn(TIMING_CLASS_alu);
    a.insn(TIMING_CLASS_alu);
    b.insn(TIMING_CLASS_alu);
    auto asked = [](const timing_instance &t) {
        double value = -1;
        t.timing.model->report(t.timing.self, &value,
                               [](void *ctx, const char *name, double v, const char *, const char *) {
                                   if (std::string(name) == "asked")
                                       *static_cast<double *>(ctx) = v;
                               });
        return value;
    };
    EXPECT_EQ(asked(a), 2);
    EXPECT_EQ(asked(b), 1);
}

TEST(timing_load, values_of_a_plugin_are_checked_against_its_own_ranges)
{
    plugin p(plugin::built("plugin_good"));
    ASSERT_NE(p.model, nullptr) << p.error;
    timing_instance t(p.model);
    t.value("width") = 17;
    EXPECT_FALSE(t.create());
    EXPECT_HAS(t.error, "timing.width = 17 is out of range: 1 to 16");
}

TEST(timing_load, a_plugin_in_cxx_needs_nothing_but_the_header)
{
    plugin p(plugin::built("plugin_cxx"));
    ASSERT_NE(p.model, nullptr) << p.error;
    timing_instance t(p.model);
    ASSERT_TRUE(t.create());
    EXPECT_EQ(t.insn(TIMING_CLASS_divide), 30u);
}

TEST(timing_load, the_same_object_may_be_loaded_twice)
{
    plugin a(plugin::built("plugin_good")), b(plugin::built("plugin_good"));
    EXPECT_NE(a.model, nullptr);
    EXPECT_NE(b.model, nullptr);
}

TEST(timing_load, a_file_that_is_missing_is_named)
{
    plugin p("./no/such/model.so");
    EXPECT_EQ(p.model, nullptr);
    EXPECT_HAS(p.error, "cannot be loaded");
    EXPECT_HAS(p.error, "no/such/model.so");
}

TEST(timing_load, a_file_that_is_no_shared_object_is_refused)
{
    const std::string path = ::testing::TempDir() + "uintr_vp_no_object.so";
    std::ofstream(path) << "this is text";
    plugin p(path);
    EXPECT_EQ(p.model, nullptr);
    EXPECT_HAS(p.error, "cannot be loaded");
    std::remove(path.c_str());
}

TEST(timing_load, an_object_without_the_entry_is_refused)
{
    EXPECT_HAS(refusal("plugin_no_symbol"), "no function uintr_vp_timing_model");
}

TEST(timing_load, another_abi_version_is_refused_with_both_versions)
{
    const std::string error = refusal("plugin_abi_version");
    EXPECT_HAS(error, "version " + std::to_string(TIMING_ABI_VERSION + 6));
    EXPECT_HAS(error, "version " + std::to_string(TIMING_ABI_VERSION));
}

TEST(timing_load, a_table_of_another_size_is_refused)
{
    EXPECT_HAS(refusal("plugin_struct_size"), std::to_string(TIMING_FIRST_SIZE - 8) + " bytes");
    EXPECT_HAS(refusal("plugin_too_large"), std::to_string(sizeof(struct timing_model) + 8) + " bytes");
}

TEST(timing_load, a_model_of_an_older_header_has_no_newer_hooks)
{
    plugin p(plugin::built("plugin_first_edition"));
    ASSERT_NE(p.model, nullptr) << p.error;
    struct timing_model older = *p.model;
    older.struct_size = TIMING_FIRST_SIZE;
    older.tlb_flush = [](void *, std::uint32_t, std::uint32_t, std::uint64_t) {
        ADD_FAILURE() << "it knows no such hook";
    };
    older.filter = [](void *, std::uint32_t) -> struct timing_filter *
    {
        ADD_FAILURE() << "nor this one";
        return nullptr;
    };
    older.integers_only = true;
    older.branches = [](void *, std::uint32_t) -> struct timing_branches *
    {
        ADD_FAILURE() << "nor this one";
        return nullptr;
    };
    older.keeps_two = [](void *) { return true; };
    struct timing t = {&older, nullptr};
    timing_tlb_flush(&t, 0, TIMING_FLUSH_ALL, 0);
    EXPECT_EQ(timing_filter(&t, 0), nullptr);
    EXPECT_EQ(timing_branches(&t, 0), nullptr);
    EXPECT_FALSE(timing_keeps_two(&t));
    EXPECT_FALSE(timing_is_integers_only(&t));
}

TEST(timing_load, a_table_with_holes_is_refused)
{
    EXPECT_HAS(refusal("plugin_null_table"), "answered NULL");
    EXPECT_HAS(refusal("plugin_no_name"), "no name");
    EXPECT_HAS(refusal("plugin_empty_name"), "no name");
    EXPECT_HAS(refusal("plugin_no_summary"), "no summary");
    EXPECT_HAS(refusal("plugin_no_params"), "params is NULL");
    EXPECT_HAS(refusal("plugin_nameless_param"), "parameter 0 lacks");
    EXPECT_HAS(refusal("plugin_sourceless_param"), "parameter 0 lacks");
    EXPECT_HAS(refusal("plugin_destroy_only"), "destroy but no create");
}

TEST(timing_load, a_parameter_that_makes_no_sense_is_refused_by_name)
{
    EXPECT_HAS(refusal("plugin_twice"), "parameter first is there twice");
    EXPECT_HAS(refusal("plugin_default_low"), "parameter second: default 0 is not within 1 to 10");
    EXPECT_HAS(refusal("plugin_nan_range"), "parameter second");
    EXPECT_HAS(refusal("plugin_enumeration"), "parameter first: 2 names are values 0 to 1, not 0 to 2");
}

TEST(timing_load, a_parameter_is_a_key_that_users_can_write)
{
    EXPECT_HAS(refusal("plugin_name_model"), "parameter model: the name is taken");
    EXPECT_HAS(refusal("plugin_name_space"), "parameter 'a b': a name may have");
    EXPECT_HAS(refusal("plugin_name_equals"), "parameter 'a=b': a name may have");
    EXPECT_HAS(refusal("plugin_name_dot"), "parameter 'a.b': a name may have");
}

TEST(timing_load, the_default_of_an_enumeration_is_one_of_its_names)
{
    EXPECT_HAS(refusal("plugin_half_a_name"), "parameter first: default 0.5 is the number of no name");
    EXPECT_HAS(refusal("plugin_empty_choice"), "parameter first: one of its names is empty: one|two|");
}

TEST(timing_load, a_model_that_wants_a_longer_setup_than_there_is_is_refused)
{
    const std::size_t size = sizeof(struct timing_setup);
    EXPECT_HAS(refusal("plugin_setup_larger"), "its struct timing_setup has " + std::to_string(size + sizeof(void *)) +
                                                   " bytes, expected " + std::to_string(TIMING_SETUP_FIRST_SIZE) +
                                                   " to " + std::to_string(size) + ": built against a newer header?");
    EXPECT_HAS(refusal("plugin_setup_smaller"), "built against another header?");
    EXPECT_EQ(plugin(plugin::built("plugin_setup_first")).error, "");
    EXPECT_EQ(plugin(plugin::built("plugin_first_edition")).error, "");
    for (std::size_t i = 0; timing_builtin(i) != nullptr; i++)
        EXPECT_EQ(timing_builtin(i)->setup_size, size) << timing_builtin(i)->name;
}

TEST(timing_load_death, a_filter_whose_mask_is_too_large_ends_the_run_with_status_125)
{
    plugin p(plugin::built("plugin_mask"));
    ASSERT_NE(p.model, nullptr) << p.error;
    timing_instance t(p.model);
    ASSERT_TRUE(t.create()) << t.error;
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_EXIT(timing_filter(&t.timing, 0), ::testing::ExitedWithCode(125),
                "timing model 'bad': hook filter answered a mask of 0xffffffffffffffff, at most 0x3f is believed");
}

TEST(timing_load, a_create_that_fails_is_quoted)
{
    plugin p(plugin::built("plugin_create_fails"));
    ASSERT_NE(p.model, nullptr) << p.error;
    timing_instance t(p.model);
    EXPECT_FALSE(t.create());
    EXPECT_EQ(t.error, "the moon is not full");

    plugin silent(plugin::built("plugin_create_silent"));
    ASSERT_NE(silent.model, nullptr) << silent.error;
    timing_instance s(silent.model);
    EXPECT_FALSE(s.create());
    EXPECT_EQ(s.error, "create failed and gave no reason");
}

TEST(timing_load_death, a_nonsense_cost_ends_the_run_with_status_125_naming_model_and_hook)
{
    plugin p(plugin::built("plugin_nonsense"));
    ASSERT_NE(p.model, nullptr) << p.error;
    timing_instance t(p.model);
    ASSERT_TRUE(t.create()) << t.error;
    EXPECT_EQ(t.insn(TIMING_CLASS_alu), TIMING_COST_MAX); // the largest that is believed

    GTEST_FLAG_SET(death_test_style, "threadsafe");
    const auto user_error = ::testing::ExitedWithCode(125);
    const struct timing_mem mem = {};
    const struct timing_branch branch = {};
    const struct timing_ipi ipi = {};
    EXPECT_EXIT(
        t.insn(TIMING_CLASS_move), user_error,
        "uintr-vp: timing model 'bad': hook insn_cost answered 4294967295 cycles, at most 1000000 are believed");
    EXPECT_EXIT(timing_mem_cost(&t.timing, &mem), user_error, "hook mem_cost answered 1000001");
    EXPECT_EXIT(timing_branch_cost(&t.timing, &branch), user_error, "hook branch_cost answered 1000002");
    EXPECT_EXIT(timing_event_cost(&t.timing, 0, TIMING_EVENT_exception), user_error,
                "hook event_cost answered 1000003");
    EXPECT_EXIT(timing_uintr_cost(&t.timing, 0, TIMING_STAGE_post, 0), user_error, "hook uintr_cost answered 1000004");
    EXPECT_EXIT(timing_ipi_latency(&t.timing, &ipi), user_error, "hook ipi_latency answered 1000005");
    EXPECT_EXIT(timing_fault_cost(&t.timing, &mem), user_error, "hook fault_cost answered 1000006");
    EXPECT_EXIT(timing_cache_op(&t.timing, &mem, TIMING_CACHE_FLUSH), user_error, "hook cache_op answered 1000007");
}

} // namespace
