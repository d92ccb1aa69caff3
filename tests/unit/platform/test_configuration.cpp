// SPDX-License-Identifier: Apache-2.0
// Configuration: layers and precedence, origins, and one line for every mistake a user can make.
#include "config/configuration.h"
#include "config/user_error.h"
#include "cpu.h"
#include "scratch_file.h"

#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <memory>
#include <set>
#include <string>
#include <vector>

using namespace vp;

namespace
{

std::set<std::string> names_of(const struct cpu_features &features)
{
    std::set<std::string> names;
    for (int i = 0; i < CPU_FEATURE_COUNT; i++)
        if (features.has[i])
            names.insert(cpu_feature_name(static_cast<enum cpu_feature>(i)));
    return names;
}

assignment set(const std::string &text) { return parse_set(text); }

std::string error_of_toml(const std::string &content, bool is_profile = false)
{
    scratch_file file(".toml", content);
    return USER_ERROR_OF(configuration c(read_toml(file.path(), is_profile)));
}

const config_entry &entry(const configuration &c, const std::string &key)
{
    for (const config_entry &e : c.entries())
        if (e.key.name == key)
            return e;
    throw std::out_of_range(key);
}

} // namespace

double value_of(const std::string &key, const std::vector<assignment> &layers)
{
    configuration c(layers);
    return c.timing_values().at(
        static_cast<std::size_t>(timing_param_index(c.timing_model(), key.c_str() + std::strlen("timing."))));
}

TEST(configuration, defaults_are_the_documented_ones)
{
    configuration c;
    EXPECT_EQ(c.integer("platform.cores"), 2u);
    EXPECT_EQ(c.integer("platform.memory_bytes"), 256u << 20);
    EXPECT_EQ(c.integer("cpu.clock_hz"), 2000000000u);
    EXPECT_EQ(c.integer("interconnect.latency_cycles"), 200u);
    EXPECT_EQ(c.quantum_setting().of, quantum::unit::automatic);
    EXPECT_EQ(names_of(c.features()), names_of(cpu_features_default()));
    EXPECT_EQ(entry(c, "platform.cores").origin, "default");
}

TEST(configuration, later_layers_win_and_origin_says_which)
{
    scratch_file file(".toml", "[platform]\n\ncores = 4\nmemory_bytes = \"64M\"\n[cpu]\nclock_hz = 1_000_000_000\n");
    std::vector<assignment> layers = read_toml(file.path(), false);
    layers.push_back(set("platform.cores=8"));
    configuration c(layers);
    EXPECT_EQ(c.integer("platform.cores"), 8u);
    EXPECT_EQ(entry(c, "platform.cores").origin, "--set");
    EXPECT_EQ(c.integer("platform.memory_bytes"), 64u << 20);
    EXPECT_EQ(entry(c, "platform.memory_bytes").origin, file.path() + ":4");
    EXPECT_EQ(c.integer("cpu.clock_hz"), 1000000000u);
    EXPECT_HAS(c.print(), "platform.cores");
    EXPECT_HAS(c.print(), "# --set");
}

TEST(configuration, values_may_be_tables_with_a_source)
{
    scratch_file file(".toml",
                      "interconnect.latency_cycles = { value = 350, source = \"measured\", confidence = \"read\" }\n");
    configuration c(read_toml(file.path(), false));
    EXPECT_EQ(c.integer("interconnect.latency_cycles"), 350u);
    EXPECT_EQ(entry(c, "interconnect.latency_cycles").source, "measured");
    EXPECT_EQ(entry(c, "interconnect.latency_cycles").confidence, "read");
    EXPECT_HAS(c.print(), "source: measured (read)");
}

TEST(configuration, misspelt_key_names_place_and_nearest)
{
    std::string e = error_of_toml("[platform]\ncoers = 4\n");
    EXPECT_HAS(e, ".toml:2");
    EXPECT_HAS(e, "platform.coers");
    EXPECT_HAS(e, "did you mean 'platform.cores'?");
}

TEST(configuration, value_out_of_range_names_the_range)
{
    for (const char *text :
         {"platform.cores=0", "platform.cores=65", "platform.cores=-1", "platform.cores=many", "platform.cores="})
        EXPECT_HAS(USER_ERROR_OF(configuration c({set(text)})), "expected an integer from 1 to 64") << text;
    EXPECT_HAS(error_of_toml("platform.cores = 1000\n"),
               ".toml:1: platform.cores = '1000': expected an integer from 1 to 64");
    EXPECT_HAS(error_of_toml("platform.cores = \"two\"\n"), "expected an integer");
    EXPECT_HAS(error_of_toml("platform.cores = 1.5\n"), "expected an integer");
    EXPECT_HAS(error_of_toml("platform.memory_bytes = \"1T\"\n"), "expected a size");
    EXPECT_HAS(error_of_toml("lapic.x2apic = 1\n"), "expected true or false");
    EXPECT_HAS(error_of_toml("interconnect.model = \"meshy\"\n"), "expected one of: fixed");
    EXPECT_HAS(error_of_toml("platform.quantum = 100\n"), "expected auto");
}

TEST(configuration, an_overridden_value_is_checked_too)
{
    EXPECT_HAS(USER_ERROR_OF(configuration c({set("platform.cores=99"), set("platform.cores=1")})),
               "expected an integer");
}

TEST(configuration, memory_must_be_whole_pages)
{
    EXPECT_HAS(USER_ERROR_OF(configuration c({set("platform.memory_bytes=4097K")})), "expected a multiple of 4096");
}

TEST(configuration, clock_must_be_whole_femtoseconds_and_neighbours_are_named)
{
    EXPECT_EQ(USER_ERROR_OF(configuration c({set("cpu.clock_hz=3200000000")})), "");
    std::string e = USER_ERROR_OF(configuration c({set("cpu.clock_hz=3e9")}));
    EXPECT_HAS(e, "whole number of femtoseconds");
    EXPECT_HAS(e, "2560000000 or 3125000000");
}

TEST(configuration, features_can_be_added_and_taken_away)
{
    const auto expected = [](bool uintr, bool flexible) {
        struct cpu_features f = cpu_features_default();
        f.has[CPU_FEATURE_uintr] = uintr;
        f.has[CPU_FEATURE_uiret_uif] = flexible;
        return names_of(f);
    };
    EXPECT_EQ(names_of(configuration({set("cpu.features=-uintr")}).features()), expected(false, false));
    EXPECT_EQ(names_of(configuration({set("cpu.features=default,uiret_uif")}).features()), expected(true, true));
    EXPECT_EQ(names_of(configuration({set("cpu.features=+uiret_uif, -uintr")}).features()), expected(false, true));
    EXPECT_EQ(names_of(configuration({set("cpu.features=uintr")}).features()), std::set<std::string>{"uintr"});
    EXPECT_EQ(configuration({set("cpu.features=uintr,tsc")}).text("cpu.features"), "tsc,uintr");
    scratch_file file(".toml", "cpu.features = [\"default\", \"-uintr\"]\n");
    EXPECT_EQ(names_of(configuration(read_toml(file.path(), false)).features()), expected(false, false));
    EXPECT_HAS(USER_ERROR_OF(configuration c({set("cpu.features=default,uinter")})), "did you mean 'uintr'?");
    EXPECT_HAS(error_of_toml("cpu.features = [1]\n"), "a list may only have texts");
}

TEST(configuration, timing_model_brings_its_parameters)
{
    configuration c({set("timing.model=functional")});
    EXPECT_STREQ(c.timing_model()->name, "functional");
    EXPECT_EQ(c.timing_values().size(), c.timing_model()->param_count);
    configuration t({set("timing.model=table")});
    ASSERT_GT(t.timing_model()->param_count, 0u);
    const struct timing_param &p = t.timing_model()->params[0];
    std::string key = std::string("timing.") + p.name;
    configuration changed({set("timing.model=table"), set(key + "=" + std::to_string(static_cast<long>(p.max)))});
    EXPECT_EQ(changed.timing_values()[0], static_cast<double>(static_cast<long>(p.max)));
    EXPECT_HAS(USER_ERROR_OF(configuration bad({set("timing.model=table"), set(key + "=1e300")})),
               "expected a number from");
    EXPECT_HAS(USER_ERROR_OF(configuration bad({set("timing.model=functional"), set(key + "=1")})), "unknown key");
}

TEST(configuration, a_profile_may_describe_models_that_are_not_chosen)
{
    std::string key = timing_find("table")->params[0].name;
    std::string profile = "[profile]\nname = \"x\"\nsummary = \"y\"\n[timing]\n" + key + " = { value = " +
                          std::to_string(static_cast<long>(timing_find("table")->params[0].default_value)) +
                          ", source = \"s\", confidence = \"read\" }\n";
    scratch_file file(".toml", profile);
    std::vector<assignment> layers = read_toml(file.path(), true);
    layers.push_back(set("timing.model=functional"));
    EXPECT_EQ(USER_ERROR_OF(configuration c(layers)), "");
}

TEST(configuration, unknown_timing_model_lists_the_known_ones)
{
    std::string e = USER_ERROR_OF(configuration c({set("timing.model=tabel")}));
    EXPECT_HAS(e, "unknown timing model 'tabel'");
    EXPECT_HAS(e, "did you mean 'table'?");
    EXPECT_HAS(e, "functional");
    EXPECT_HAS(USER_ERROR_OF(configuration c({set("timing.model=/nonexistent/model.so")})), "/nonexistent/model.so");
    scratch_file text(".so", "this is no shared object");
    EXPECT_HAS(USER_ERROR_OF(configuration c({set("timing.model=" + text.path())})), text.path());
}

TEST(toml, mistakes_name_file_and_line)
{
    EXPECT_HAS(error_of_toml("[platform\ncores = 1\n"), ".toml:1: not valid TOML");
    EXPECT_HAS(error_of_toml("a = 1\na = 2\n"), ".toml:2: not valid TOML");
    EXPECT_HAS(error_of_toml("platform.cores = 2024-01-01\n"), "dates and times");
    EXPECT_HAS(error_of_toml("platform.cores = { value = 2, sauce = \"x\" }\n"), "unknown member 'sauce'");
    EXPECT_HAS(error_of_toml("platform.cores = { value = 2, source = 1 }\n"), "'source' must be a text");
    EXPECT_HAS(error_of_toml("[profile]\nname = \"x\"\n"), "belongs into a profile");
    EXPECT_HAS(error_of_toml(std::string("\xff\xfe\0\x01", 4)), "not valid TOML");
    EXPECT_HAS(USER_ERROR_OF(read_toml("/nonexistent.toml", false)), "no such configuration file");
    EXPECT_HAS(USER_ERROR_OF(read_toml("/tmp", false)), "not a regular file");
}

TEST(configuration, a_timing_parameter_may_be_an_enumeration)
{
    EXPECT_EQ(value_of("timing.acceptance", {}), 0);
    EXPECT_EQ(value_of("timing.acceptance", {set("timing.acceptance=tracked")}), 2);
    EXPECT_EQ(value_of("timing.acceptance", {set("timing.model=cache"), set("timing.acceptance=drain")}), 1);
    EXPECT_HAS(USER_ERROR_OF(configuration c({set("timing.acceptance=squash")})),
               "timing.acceptance = 'squash': expected one of: flush, drain, tracked");
    EXPECT_HAS(USER_ERROR_OF(configuration c({set("timing.acceptance=1")})), "expected one of: flush, drain, tracked");
    EXPECT_HAS(configuration(std::vector<assignment>{}).print(), "timing.acceptance");
}

// Each mistake of a profile: an error that names its file and line.
TEST(toml, mistakes_of_a_profile)
{
    const std::string head = "[profile]\nname = \"x\"\nsummary = \"y\"\n"; // three lines
    auto mistake = [&](const std::string &text) { return error_of_toml(head + text, true); };
    EXPECT_HAS(mistake("[timing]\ninsn_allu = { value = 1, source = \"s\", confidence = \"read\" }\n"),
               ".toml:5: unknown key 'timing.insn_allu'");
    EXPECT_HAS(mistake("[cpu]\nspeed = { value = 1, source = \"s\", confidence = \"read\" }\n"),
               ".toml:5: unknown key 'cpu.speed'");
    EXPECT_HAS(mistake("[timing]\ninsn_alu = { value = \"1 ns\", source = \"s\", confidence = \"read\" }\n"),
               ".toml:5: timing.insn_alu = '1 ns': expected a number from 1 to 100000 cycles");
    EXPECT_HAS(mistake("[cpu]\nclock_hz = { value = \"2 GHz\", source = \"s\", confidence = \"read\" }\n"),
               ".toml:5: cpu.clock_hz = '2 GHz'");
    EXPECT_HAS(mistake("[timing]\ninsn_alu = { value = 0, source = \"s\", confidence = \"read\" }\n"),
               ".toml:5: timing.insn_alu = '0': expected a number from 1 to 100000 cycles");
    EXPECT_HAS(mistake("[interconnect]\nlatency_cycles = { value = -1, source = \"s\", confidence = \"read\" }\n"),
               ".toml:5: interconnect.latency_cycles = '-1'");
    EXPECT_HAS(mistake("[timing]\n\ninsn_alu = { value = 2 }\n"),
               ".toml:6: timing.insn_alu: a profile must name the source");
    EXPECT_HAS(mistake("[timing]\ninsn_alu = { value = 2, source = \"\" }\n"),
               ".toml:5: timing.insn_alu: a profile must name the source");
}

// The model that is not chosen has ranges all the same.
TEST(toml, a_profile_is_wrong_also_about_models_that_are_not_chosen)
{
    const std::string head = "[profile]\nname = \"x\"\nsummary = \"y\"\n[timing]\n"; // four lines
    auto mistake = [&](const std::string &model, const std::string &text) {
        scratch_file file(".toml", head + text + ", source = \"s\", confidence = \"read\" }\n");
        std::vector<assignment> layers = read_toml(file.path(), true);
        layers.push_back(set("timing.model=" + model));
        return USER_ERROR_OF(configuration c(layers));
    };
    EXPECT_EQ(mistake("table", "l1d_kib = { value = 32"), "");
    EXPECT_HAS(mistake("table", "l1d_kib = { value = 99999999"),
               ".toml:5: timing.l1d_kib = '99999999': expected a number");
    EXPECT_HAS(mistake("table", "l1d_kib = { value = \"x\""), ".toml:5: timing.l1d_kib = 'x': expected a number");
    EXPECT_HAS(mistake("functional", "insn_alu = { value = 0"), ".toml:5: timing.insn_alu = '0': expected a number");
    EXPECT_HAS(mistake("functional", "acceptance = { value = \"x\""),
               ".toml:5: timing.acceptance = 'x': expected one of");
}

TEST(toml, each_value_of_a_profile_has_a_source_and_a_confidence)
{
    const std::string head = "[profile]\nname = \"x\"\nsummary = \"y\"\n[timing]\n"; // four lines
    auto mistake = [&](const std::string &text) { return error_of_toml(head + text + "\n", true); };
    for (const char *word : {"read", "notes", "derived", "memory"})
        EXPECT_EQ(mistake(std::string("insn_alu = { value = 2, source = \"s\", confidence = \"") + word + "\" }"), "");
    EXPECT_HAS(mistake("insn_alu = { value = 2, source = \"s\" }"),
               ".toml:5: timing.insn_alu: confidence = '': expected one of: read, notes, derived, memory");
    EXPECT_HAS(mistake("insn_alu = { value = 2, source = \"s\", confidence = \"raed\" }"),
               ".toml:5: timing.insn_alu: confidence = 'raed' (did you mean 'read'?): expected one of");
    EXPECT_HAS(mistake("insn_alu = { value = 2, source = \" \t \", confidence = \"read\" }"),
               ".toml:5: timing.insn_alu: a profile must name the source");
    EXPECT_HAS(mistake("insn_alu = { source = \"s\" }"), ".toml:5: timing.insn_alu: value is missing");
    EXPECT_HAS(mistake("[timing.insn_alu]\nsource = \"s\"\nconfidence = \"read\""),
               ".toml:5: timing.insn_alu: value is missing");
    // A configuration file need not say it, but says it right.
    EXPECT_HAS(error_of_toml("platform.cores = { value = 2, confidence = \"banana\" }\n"),
               ".toml:1: platform.cores: conf");
}

TEST(toml, an_empty_table_is_a_section_or_a_mistake)
{
    EXPECT_EQ(error_of_toml("[timing]\n[platform]\n"), "");
    EXPECT_HAS(error_of_toml("\n[foo]\n"), ".toml:2: unknown table [foo]; expected one of: platform, cpu");
    EXPECT_HAS(error_of_toml("[profile2]\n"), ".toml:1: unknown table [profile2]");
    EXPECT_HAS(error_of_toml("[timing.sub]\n"), ".toml:1: unknown table [timing.sub]");
    EXPECT_HAS(error_of_toml("[platfrom]\n"), "did you mean 'platform'?");
    EXPECT_HAS(error_of_toml("platform.cores = {}\n"), ".toml:1: unknown table [platform.cores]");
}

TEST(toml, a_profile_includes_a_built_in_one_by_its_name)
{
    const std::vector<std::string> built_in{PROJECT_SOURCE "/platform/profiles"};
    const std::string head = "[profile]\nname = \"x\"\nsummary = \"y\"\n";
    scratch_file file(".toml", "include = \"sapphire-rapids-mesh\"\n" + head +
                                   "[platform]\ncores = { value = 4, source = \"s\", confidence = \"read\" }\n");
    toml_info info;
    configuration c(read_toml(file.path(), true, built_in, &info));
    EXPECT_EQ(c.text("interconnect.model"), "mesh");
    EXPECT_EQ(c.integer("platform.cores"), 4u);
    EXPECT_EQ(info.name, "x");
    EXPECT_EQ(info.files, (std::vector<std::string>{built_in[0] + "/sapphire-rapids.toml",
                                                    built_in[0] + "/sapphire-rapids-mesh.toml", file.path()}));
    scratch_file wrong(".toml", "include = \"sapphire-rapid\"\n" + head);
    EXPECT_HAS(USER_ERROR_OF(read_toml(wrong.path(), true, built_in)), ".toml:1: include: no file ");
    EXPECT_HAS(USER_ERROR_OF(read_toml(wrong.path(), true, built_in)), "did you mean 'sapphire-rapids'?");
    scratch_file plain(".toml", "include = \"sapphire-rapids\"\n"); // no profile
    EXPECT_HAS(USER_ERROR_OF(read_toml(plain.path(), false, built_in)), ".toml:1: include: no file ");
}

TEST(configuration, blames_the_first_key_that_somebody_set)
{
    scratch_file file(".toml", "[timing]\nmodel = \"cache\"\nl1_cycles = 20\n");
    configuration c(read_toml(file.path(), false));
    EXPECT_EQ(c.blame("timing.l2_cycles = 16: expected at least timing.l1_cycles = 20"), file.path() + ":3: ");
    EXPECT_EQ(c.blame("timing.l2_cycles=timing.model"), file.path() + ":2: ");
    EXPECT_EQ(c.blame("timing.l2_cycles = 16: no timing.l1_cycle"), "");
    EXPECT_EQ(c.blame(""), "");
}

TEST(configuration, blames_whoever_set_one_of_the_keys_last)
{
    scratch_file included(".toml", "[timing]\nmodel = \"cache\"\nl2_cycles = 16\n");
    const std::string name = included.path();
    scratch_file file(".toml", "include = \"" + name + "\"\n[timing]\ndram_cycles = 300\nl1_cycles = 20\n");
    configuration c(read_toml(file.path(), false));
    EXPECT_EQ(c.blame("timing.l2_cycles = 16: expected at least timing.l1_cycles = 20"), file.path() + ":4: ");
    EXPECT_EQ(c.blame("timing.l1_cycles = 20: expected at most timing.dram_cycles = 300"), file.path() + ":4: ");
    EXPECT_EQ(c.blame("timing.l2_cycles = 16"), included.path() + ":3: ");
}

TEST(toml, a_file_includes_others_and_its_own_values_win)
{
    scratch_file inner(".toml", "platform.cores = 3\nlapic.x2apic = false\n");
    scratch_file outer(".toml", "platform.cores = 5\ninclude = \"" + inner.path() + "\"\n");
    configuration c(read_toml(outer.path(), false));
    EXPECT_EQ(c.integer("platform.cores"), 5u);
    EXPECT_FALSE(c.boolean("lapic.x2apic"));
    EXPECT_HAS(c.print(), inner.path() + ":2");
    EXPECT_HAS(error_of_toml("\ninclude = \"nowhere\"\n"), ".toml:2: include: no file");
    EXPECT_HAS(error_of_toml("\n\ninclude = [\"" + inner.path() + "\", 7]\n"), ".toml:3: include: expected the name");
    EXPECT_HAS(error_of_toml("include = \"\"\n"), ".toml:1: include: expected the name");
}

TEST(toml, an_include_that_comes_back_is_refused)
{
    scratch_file self(".toml", "");
    std::ofstream(self.path()) << "\n\ninclude = \"" << self.path() << "\"\n";
    EXPECT_HAS(USER_ERROR_OF(read_toml(self.path(), false)),
               self.path() + ":3: include: " + self.path() + " includes itself");
    scratch_file a(".toml", ""), b(".toml", "include = \"" + a.path() + "\"\n");
    std::ofstream(a.path()) << "include = \"" << b.path() << "\"\n";
    EXPECT_HAS(USER_ERROR_OF(read_toml(a.path(), false)), b.path() + ":1: include: " + a.path() + " includes itself");
    // Twice is no cycle.
    scratch_file leaf(".toml", "platform.cores = 3\n");
    scratch_file twice(".toml", "include = [\"" + leaf.path() + "\", \"" + leaf.path() + "\"]\n");
    EXPECT_EQ(configuration(read_toml(twice.path(), false)).integer("platform.cores"), 3u);
}

// However many ways lead to a file, it is read once: what was set after it stays.
TEST(toml, a_file_that_several_include_counts_once)
{
    scratch_file base(".toml", "platform.cores = 3\nlapic.x2apic = false\n");
    scratch_file left(".toml", "include = \"" + base.path() + "\"\nplatform.cores = 4\n");
    scratch_file right(".toml", "include = \"" + base.path() + "\"\n");
    scratch_file both(".toml", "include = [\"" + left.path() + "\", \"" + right.path() + "\"]\n");
    const configuration c(read_toml(both.path(), false));
    EXPECT_EQ(c.integer("platform.cores"), 4u);
    EXPECT_FALSE(c.boolean("lapic.x2apic"));
    std::vector<std::unique_ptr<scratch_file>> tower;
    tower.push_back(std::make_unique<scratch_file>(".toml", "platform.cores = 5\n"));
    for (int level = 0; level < 60; level++) { // 2^60 ways
        const std::string below = "\"" + tower.back()->path() + "\"";
        tower.push_back(std::make_unique<scratch_file>(".toml", "include = " + below + "\n"));
        const std::string beside = "\"" + tower.back()->path() + "\"";
        tower.push_back(std::make_unique<scratch_file>(".toml", "include = [" + below + ", " + beside + "]\n"));
    }
    EXPECT_EQ(configuration(read_toml(tower.back()->path(), false)).integer("platform.cores"), 5u);
}

TEST(toml, a_profile_needs_name_summary_and_sources)
{
    EXPECT_HAS(error_of_toml("platform.cores = { value = 2, source = \"s\", confidence = \"read\" }\n", true),
               "needs a table [profile]");
    EXPECT_HAS(error_of_toml("[profile]\nname = \"x\"\nsummary = \"y\"\n[platform]\ncores = 4\n", true),
               ".toml:5: platform.cores: a profile must name the source");
    EXPECT_HAS(error_of_toml("[profile]\nname = \"x\"\nauthor = \"y\"\n", true), "unknown member 'author'");
    scratch_file file(".toml",
                      "[profile]\nname = \"x\"\nsummary = \"y\"\n[platform]\ncores = { value = 4, source = \"s\", "
                      "confidence = \"notes\" }\n");
    toml_info info;
    EXPECT_EQ(read_toml(file.path(), true, {}, &info).size(), 1u);
    EXPECT_EQ(info.name, "x");
    EXPECT_EQ(info.summary, "y");
}

TEST(toml, profiles_are_found_by_name_or_path)
{
    EXPECT_EQ(find_profile("./mine.toml", {}), "./mine.toml");
    EXPECT_EQ(find_profile("mine.toml", {}), "mine.toml");
    EXPECT_HAS(USER_ERROR_OF(find_profile("none", {"/nonexistent"})), "unknown profile 'none'");
}

TEST(set_option, needs_key_and_value)
{
    EXPECT_HAS(USER_ERROR_OF(parse_set("platform.cores")), "expected KEY=VALUE");
    EXPECT_HAS(USER_ERROR_OF(parse_set("=4")), "expected KEY=VALUE");
    EXPECT_EQ(parse_set("a=b=c").value.text, "b=c");
}
