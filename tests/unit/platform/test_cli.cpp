// SPDX-License-Identifier: Apache-2.0
// The command line: what is understood, in which order it counts, and what is refused with a line that helps.
#include "cli.h"
#include "config/user_error.h"
#include "scratch_file.h"

#include <gtest/gtest.h>

using namespace vp;

namespace
{

command_line parse(const std::vector<std::string> &arguments) { return *parse_arguments(arguments).command; }
std::string error_of(const std::vector<std::string> &arguments) { return USER_ERROR_OF(parse_arguments(arguments)); }

} // namespace

TEST(cli, run_with_everything)
{
    command_line c =
        parse({"run",   "-c",         "a.toml",    "--config",    "b.toml",  "--profile",     "p",      "--module",
               "m1",    "--module",   "m2",        "--stats",     "s.json",  "--trace",       "t.json", "--itrace",
               "i.txt", "--max-time", "10ms",      "--max-insns", "1000",    "--exit-status", "qemu",   "--progress",
               "off",   "-q",         "image.elf", "--",          "--guest", "x y",           "-q"});
    EXPECT_EQ(c.what, command_line::verb::run);
    EXPECT_EQ(c.config_files, (std::vector<std::string>{"a.toml", "b.toml"}));
    EXPECT_EQ(c.profile, "p");
    EXPECT_EQ(c.run.boot.image, "image.elf");
    EXPECT_EQ(c.run.boot.modules, (std::vector<std::string>{"m1", "m2"}));
    EXPECT_EQ(c.run.boot.arguments, (std::vector<std::string>{"--guest", "x y", "-q"}));
    EXPECT_EQ(c.run.stats_path, "s.json");
    EXPECT_EQ(c.run.trace_path, "t.json");
    EXPECT_EQ(c.run.itrace_path, "i.txt");
    EXPECT_EQ(c.run.max_time_ps, 10000000000u);
    EXPECT_EQ(c.run.max_insns, 1000u);
    EXPECT_TRUE(c.run.qemu_exit_status);
    EXPECT_TRUE(c.run.quiet);
    EXPECT_EQ(c.run.progress, progress_mode::off);
}

TEST(cli, assignments_keep_the_order_of_appearance)
{
    command_line c = parse({"run", "--set", "a=1", "--cores", "3", "-s", "b=2", "--timing", "table", "x.elf", "--cores",
                            "4", "--quantum", "1insn", "--memory", "1G"});
    std::vector<std::string> seen;
    for (const assignment &a : c.assignments)
        seen.push_back(a.key + "=" + a.value.text + " " + a.place);
    EXPECT_EQ(seen,
              (std::vector<std::string>{"a=1 --set", "platform.cores=3 --cores", "b=2 --set",
                                        "timing.model=table --timing", "platform.cores=4 --cores",
                                        "platform.quantum=1insn --quantum", "platform.memory_bytes=1G --memory"}));
}

TEST(cli, other_commands)
{
    EXPECT_EQ(parse({"models"}).what, command_line::verb::models);
    EXPECT_EQ(parse({"config", "--cores", "4"}).what, command_line::verb::config);
    EXPECT_HAS(parse_arguments({"--version"}).output, "uintr-vp ");
    EXPECT_HAS(parse_arguments({"--help"}).output, "run");
    EXPECT_HAS(parse_arguments({"run", "-h"}).output, "--max-time");
    EXPECT_HAS(parse_arguments({"config", "--help"}).output, "--profile");
    EXPECT_HAS(parse_arguments({"models", "-h"}).output, "--timing");
}

TEST(cli, mistakes_get_one_line)
{
    EXPECT_HAS(error_of({}), "no command given");
    EXPECT_HAS(error_of({"rnu", "x.elf"}), "did you mean 'run'?");
    EXPECT_HAS(error_of({"run"}), "no image given");
    EXPECT_HAS(error_of({"run", "--", "x"}), "no image given");
    EXPECT_HAS(error_of({"run", "--coers", "4", "x.elf"}), "unknown option '--coers' (did you mean '--cores'?)");
    EXPECT_HAS(error_of({"run", "--coers=4", "x.elf"}), "did you mean '--cores'?");
    EXPECT_HAS(error_of({"run", "x.elf", "y"}), "unexpected argument 'y'");
    EXPECT_HAS(error_of({"run", "x.elf", "--cores"}), "--cores");
    EXPECT_HAS(error_of({"run", "x.elf", "--max-time", "10"}), "--max-time: '10'");
    EXPECT_HAS(error_of({"run", "x.elf", "--max-insns", "-5"}), "--max-insns");
    EXPECT_HAS(error_of({"run", "x.elf", "--max-insns", "0"}), "--max-insns");
    EXPECT_HAS(error_of({"run", "x.elf", "--exit-status", "bochs"}), "expected one of: plain, qemu");
    EXPECT_HAS(error_of({"run", "x.elf", "--progress", "maybe"}), "expected one of: auto, on, off");
    EXPECT_HAS(error_of({"run", "x.elf", "--stats", "s.xml"}), ".json or .txt");
    EXPECT_HAS(error_of({"run", "x.elf", "--set", "nonsense"}), "expected KEY=VALUE");
    EXPECT_HAS(error_of({"models", "--", "x"}), "takes no guest arguments");
    for (const auto &arguments :
         std::vector<std::vector<std::string>>{{}, {"run"}, {"run", "-x", "y"}, {"config", "extra"}})
        EXPECT_EQ(error_of(arguments).find('\n'), std::string::npos);
}
