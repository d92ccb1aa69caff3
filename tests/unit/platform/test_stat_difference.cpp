// SPDX-License-Identifier: Apache-2.0
// What --quantum-check says of two runs, and how the command line of each comes about.
#include "cli.h"
#include "config/user_error.h"
#include "quantum_check.h"
#include "scratch_file.h"
#include "statistics/stat_difference.h"

#include <gtest/gtest.h>

#include <cmath>

using namespace vp;

namespace
{

using json = nlohmann::ordered_json;

json statistics(int p50, int p99, int hits, int cycles)
{
    json s = json::parse(R"({"sim":{"host_seconds":1.0,"mips":2.0,"exit_reason":"guest exit"},"config":{"a":1},
        "cores":[{"cycles":0,"hits":0}],
        "uintr":{"stages":{"travel":{"count":2,"min":1,"mean":1.5,"p50":0,"p95":9,"p99":0,"max":9},
                           "hold":{"count":0,"min":0,"mean":0.0,"p50":0,"p95":0,"p99":0,"max":0}}}})");
    s["uintr"]["stages"]["travel"]["p50"] = p50;
    s["uintr"]["stages"]["travel"]["p99"] = p99;
    s["cores"][0]["hits"] = hits;
    s["cores"][0]["cycles"] = cycles;
    return s;
}

} // namespace

TEST(stat_difference, host_values_and_configuration_do_not_count)
{
    json other = statistics(1, 2, 3, 4);
    other["sim"]["host_seconds"] = 9.0;
    other["sim"]["mips"] = 9.0;
    other["config"]["a"] = 9;
    EXPECT_TRUE(compare_statistics(statistics(1, 2, 3, 4), other).empty());
    EXPECT_HAS(difference_report(statistics(1, 2, 3, 4), other, "auto", "1insn"), "identical");
}

TEST(stat_difference, largest_relative_difference_first)
{
    json other = statistics(1, 2, 0, 200);
    other["sim"]["exit_reason"] = "triple fault";
    other["cores"][0].erase("hits");
    other["cores"][0]["misses"] = 0;
    json mine = statistics(1, 2, 0, 210);
    mine["cores"][0]["misses"] = 5;
    const auto found = compare_statistics(mine, other);
    ASSERT_EQ(found.size(), 4u);
    EXPECT_EQ(found[0].path, "cores[0].hits");
    EXPECT_EQ(found[0].reference, "(none)");
    EXPECT_EQ(found[1].path, "sim.exit_reason");
    EXPECT_FALSE(found[1].is_number);
    EXPECT_EQ(found[2].path, "cores[0].misses");
    EXPECT_TRUE(std::isinf(found[2].relative));
    EXPECT_EQ(found[3].path, "cores[0].cycles");
    EXPECT_EQ(found[3].absolute, 10);
    EXPECT_DOUBLE_EQ(found[3].relative, 0.05);
}

TEST(stat_difference, the_value_of_a_stage_that_is_farthest_apart)
{
    const auto stages = compare_stages(statistics(10, 40, 0, 0), statistics(12, 30, 0, 0));
    ASSERT_EQ(stages.size(), 2u);
    EXPECT_EQ(stages[0].path, "travel");
    EXPECT_EQ(stages[0].what, "p99");
    EXPECT_EQ(stages[0].absolute, 10);
    EXPECT_FALSE(stages[1].is_number); // did not occur
    const std::string report = difference_report(statistics(10, 40, 0, 0), statistics(12, 30, 0, 0), "auto", "1insn");
    EXPECT_HAS(report, "travel (p99)");
    EXPECT_HAS(report, "did not occur");
    EXPECT_HAS(report, "all other statistics are identical");
}

TEST(quantum_check, the_two_command_lines)
{
    EXPECT_EQ(quantum_check_arguments(
                  {"run", "--quantum-check", "-q", "--cores", "4", "i.elf", "--", "--quantum-check", "-q"}, "1insn",
                  "f.json"),
              (std::vector<std::string>{"run", "--cores", "4", "i.elf", "--quantum", "1insn", "--stats", "f.json", "-q",
                                        "--", "--quantum-check", "-q"}));
}

TEST(quantum_check, goes_with_no_output_and_no_quantum)
{
    const auto error_of = [](const std::vector<std::string> &arguments) {
        return USER_ERROR_OF(parse_arguments(arguments));
    };
    EXPECT_EQ(error_of({"run", "--quantum-check", "i.elf"}), "");
    for (const char *option : {"--quantum=auto", "--stats=s.json", "--trace=t.json", "--itrace=i.txt"})
        EXPECT_HAS(error_of({"run", "--quantum-check", option, "i.elf"}), "cannot go with it");
}

TEST(study_command_line, options)
{
    const study_options o =
        parse_arguments({"study", "-j", "3", "-o", "out", "--fresh", "--retry-failed", "--no-plots", "-q", "s.toml"})
            .command->study;
    EXPECT_EQ(o.file, "s.toml");
    EXPECT_EQ(o.jobs, 3u);
    EXPECT_EQ(o.output, "out");
    EXPECT_TRUE(o.fresh && o.retry_failed && o.no_plots && o.quiet);
    EXPECT_FALSE(o.list);
    EXPECT_HAS(USER_ERROR_OF(parse_arguments({"study"})), "no study file given");
    EXPECT_HAS(USER_ERROR_OF(parse_arguments({"study", "-j", "0", "s.toml"})), "--jobs: '0'");
    EXPECT_HAS(USER_ERROR_OF(parse_arguments({"study", "--freh", "s.toml"})), "did you mean '--fresh'?");
}
