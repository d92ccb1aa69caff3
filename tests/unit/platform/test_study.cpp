// SPDX-License-Identifier: Apache-2.0
// Studies without a simulation: the study file and its mistakes, the grid, values out of statistics and output, the
// store, tables, and what is drawn.
#include "config/user_error.h"
#include "scratch_file.h"
#include "study/plots.h"
#include "study/result_table.h"
#include "study/study_progress.h"

#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <fstream>

using namespace vp;

namespace
{

const std::string PROFILES = std::string(PROJECT_SOURCE) + "/platform/profiles";

// A study file and an image for it.
struct fixture {
    scratch_file image{".elf", "an image"};
    scratch_file file{".toml"};

    std::string head() const { return "[run]\nimage = \"" + image.path() + "\"\n"; }
    study read(const std::string &text)
    {
        file.write(text);
        return read_study(file.path(), {PROFILES});
    }
    study with(const std::string &rest) { return read(head() + rest); }
    std::string error_of(const std::string &rest) { return USER_ERROR_OF(with(rest)); }
    // "FILE:LINE", counted from the first line of `rest`.
    std::string at(int line) const { return file.path() + ":" + std::to_string(line + 2) + ": "; }
};

std::vector<std::string> names(const std::vector<study_dimension> &dimensions)
{
    std::vector<std::string> list;
    for (const study_dimension &d : dimensions)
        list.push_back(d.name);
    return list;
}

const std::string GRID = "[grid]\ntiming = [\"table\", \"functional\"]\ninterconnect.latency_cycles = [50, 100, 200]\n";
const std::string COLUMNS = "[columns]\nend = { statistic = \"uintr.stages.end_to_end.p50\", unit = \"cycles\" }\n";
const std::string PLOT = "[[plot]]\nname = \"p\"\nx = \"interconnect.latency_cycles\"\ny = \"end\"\n";

} // namespace

TEST(study_file, keeps_the_order_of_the_file)
{
    fixture f;
    const study s = f.with("[grid]\nzeta = [ { label = \"one\", cores = 1 }, { label = \"two\", cores = 2 } ]\n"
                           "interconnect.latency_cycles = [1]\ntiming = [\"table\"]\nargument.alpha = [1]\n"
                           "[columns]\nzz = \"sim.time_ps\"\naa = \"sim.instructions\"\n");
    EXPECT_EQ(names(s.grid),
              (std::vector<std::string>{"zeta", "interconnect.latency_cycles", "timing", "argument.alpha"}));
    EXPECT_EQ(s.columns.at(0).name, "zz");
    EXPECT_EQ(s.columns.at(1).key, "sim.instructions");
    EXPECT_EQ(s.grid[0].points.at(1).label, "two");
    EXPECT_EQ(s.name + ".toml", std::filesystem::path(f.file.path()).filename());
}

TEST(study_file, mistakes_name_file_line_key_and_what_was_expected)
{
    fixture f;
    EXPECT_EQ(f.error_of("cores = \"two\"\n"), f.at(1) + "cores = 'two': expected an integer from 1 to 64");
    EXPECT_HAS(f.error_of("coers = 2\n"), f.at(1) + "unknown key 'coers' (did you mean 'cores'?)");
    EXPECT_HAS(f.error_of("[grid]\ncores = 2\n"), f.at(2) + "cores: expected a list of values");
    EXPECT_HAS(f.error_of("[grid]\ncores = []\n"), f.at(2) + "cores: expected a list of values");
    EXPECT_HAS(f.error_of("[grid]\ncores = [1, 2,\n 65]\n"),
               f.at(3) + "cores = '65': expected an integer from 1 to 64");
    EXPECT_HAS(f.error_of("[grid]\ncores = [2, 2]\n"), "'2' is there twice");
    EXPECT_HAS(f.error_of("[grid]\nx = [ { cores = 1 } ]\n"), f.at(2) + "x: expected { label = ");
    EXPECT_HAS(f.error_of("[grid]\nreason = [ { label = \"a\" } ]\n"), "reason: expected another name");
    EXPECT_HAS(f.error_of("timing = \"tabel\"\n"),
               f.at(1) + "timing = 'tabel': expected one of: functional, table, cache");
    EXPECT_HAS(f.error_of("timing = \"./mine.so\"\n"), "mine.so");
    EXPECT_HAS(f.error_of("console.input = \"keys.txt\"\n"), "keys.txt");
    EXPECT_EQ(f.error_of("console.input = \"none\"\n").find("console.input = "), std::string::npos);
    EXPECT_HAS(f.error_of("timing.insn_alu = -1\n"), f.at(1) + "timing.insn_alu = '-1': expected a number from 1");
    EXPECT_HAS(f.error_of("profile = \"saphire-rapids\"\n"), "did you mean 'sapphire-rapids'?");
    EXPECT_HAS(f.error_of("max_time = \"10\"\n"), f.at(1) + "max_time = '10': expected a time above 0");
    EXPECT_HAS(f.error_of("arguments = \"spin\"\n"), f.at(1) + "arguments: expected a list of texts");
    EXPECT_HAS(f.error_of("seed = \"x\"\n"), "seed = 'x': expected a whole number");
    EXPECT_HAS(f.error_of("[study]\ntimeout_s = 0\n"),
               f.at(2) + "study.timeout_s: expected a number of seconds above 0");
    EXPECT_HAS(f.error_of("[study]\ntimeot_s = 1\n"), "unknown key 'study.timeot_s' (did you mean 'timeout_s'?)");
    EXPECT_HAS(f.error_of("[colums]\n"), f.at(1) + "unknown key 'colums' (did you mean 'columns'?)");
    EXPECT_HAS(f.error_of("[columns]\nx = 3\n"), f.at(2) + "columns.x: expected the name of a statistic, or {");
    EXPECT_HAS(f.error_of("[columns]\nx = { unit = \"s\" }\n"), "expected one of statistic, console and pattern");
    EXPECT_HAS(f.error_of("[columns]\nx = { pattern = \"a+\" }\n"), "expected a regular expression with one group");
    EXPECT_HAS(f.error_of("[columns]\nx = { pattern = \"(\" }\n"), "expected a regular expression");
    EXPECT_HAS(f.error_of("[columns]\nx = { console = \"a_{cores}\" }\n"), "not 'cores'");
    EXPECT_HAS(f.error_of(GRID + "[columns]\ntiming = \"sim.time_ps\"\n"),
               "a dimension of the grid is called 'timing'");
    EXPECT_HAS(f.error_of("cores = 1\ncores = 2\n"), f.at(2) + "not valid TOML");
}

// Otherwise one would override the other in silence, and the table would name values that no run had.
TEST(study_file, two_dimensions_cannot_set_the_same_thing)
{
    fixture f;
    const auto clash = [&](int line, const std::string &second, const std::string &first, const std::string &key) {
        return f.at(line) + second + ": expected settings that no other dimension has, but " + first + " (" +
               f.at(2).substr(0, f.at(2).size() - 2) + ") sets " + key + " too";
    };
    EXPECT_EQ(f.error_of("[grid]\ncores = [2, 3]\nplatform.cores = [4]\n"),
              clash(3, "platform.cores", "cores", "platform.cores"));
    EXPECT_EQ(f.error_of("[grid]\ntiming = [\"functional\", \"table\"]\nm = [\n  { label = \"a\" },\n"
                         "  { label = \"b\", timing = \"table\" },\n]\n"),
              clash(5, "m", "timing", "timing.model"));
    EXPECT_EQ(f.error_of("[grid]\nseed = [1, 2]\nargument.seed = [7]\n"),
              clash(3, "argument.seed", "seed", "argument.seed"));
    EXPECT_EQ(f.error_of("[grid]\nargument.n = [1, 2]\nk = [ { label = \"a\", arguments = [\"spin\", \"n=3\"] } ]\n"),
              clash(3, "k", "argument.n", "argument.n"));
    EXPECT_HAS(f.error_of("[grid]\na = [ { label = \"a\", arguments = [\"x\"] } ]\n"
                          "b = [ { label = \"b\", arguments = [\"y\"] } ]\n"),
               "a (" + f.file.path() + ":4) sets arguments too");
    // What all runs share may be replaced, and points of one dimension exclude each other.
    EXPECT_EQ(f.error_of("cores = 2\n[grid]\nplatform.cores = [4]\n"), "");
    EXPECT_EQ(f.error_of("[grid]\nk = [ { label = \"a\", cores = 2 }, { label = \"b\", platform.cores = 3 } ]\n"), "");
    EXPECT_EQ(f.error_of("[grid]\nargument.n = [1]\nk = [ { label = \"a\", arguments = [\"spin\", \"nn=3\"] } ]\n"),
              "");
}

TEST(study_file, mistakes_of_plots)
{
    fixture f;
    const std::string base = GRID + COLUMNS;
    const int after = 5; // lines of base
    EXPECT_EQ(f.error_of(base + PLOT), "");
    EXPECT_HAS(f.error_of(base + "[[plot]]\nname = \"p\"\nx = \"timing\"\ny = \"end\"\n"),
               f.at(after + 3) + "plot.x: expected a dimension with numbers; 'table' of timing is none");
    EXPECT_HAS(f.error_of(base + "[[plot]]\nname = \"p\"\nx = \"timing\"\n"), "expected a dimension with numbers");
    EXPECT_HAS(f.error_of(base + "[[plot]]\nname = \"p\"\nx = \"end\"\ny = \"edn\"\n"), "did you mean 'end'?");
    EXPECT_HAS(f.error_of(base + "[[plot]]\nx = \"end\"\ny = \"end\"\n"), "plot.name: expected a text");
    EXPECT_HAS(f.error_of(base + "[[plot]]\nname = \"../p\"\nx = \"end\"\ny = \"end\"\n"), "it names the files");
    EXPECT_HAS(f.error_of(base + PLOT + PLOT), "a plot before is called 'p'");
    EXPECT_HAS(f.error_of(base + PLOT + "series = \"cores\"\n"),
               "expected one of: timing, interconnect.latency_cycles");
    EXPECT_HAS(f.error_of(base + PLOT + "x_scale = \"log10\"\n"),
               f.at(after + 5) + "plot.x_scale: expected \"linear\" or \"log\"");
    EXPECT_HAS(f.error_of(base + PLOT + "y_scale = \"log\"\ny_range = [0, 1]\n"), "0 < LEAST < MOST");
    EXPECT_HAS(f.error_of(base + PLOT + "legend = \"topleft\"\n"), "did you mean 'top left'?");
    EXPECT_HAS(f.error_of(base + PLOT + "only_at = { timing = \"cache\" }\n"), "a point of timing, not 'cache'");
    EXPECT_HAS(f.error_of(base + "plot = 3\n"), "columns.plot"); // still in [columns]
}

TEST(study_file, an_image_is_needed_and_must_exist)
{
    fixture f;
    EXPECT_HAS(USER_ERROR_OF(f.read("[run]\ncores = 2\n")), "run.image: no image given");
    EXPECT_HAS(USER_ERROR_OF(f.read("[run]\nimage = \"nowhere.elf\"\n")),
               f.file.path() + ":2: image = 'nowhere.elf': expected the path");
    EXPECT_HAS(USER_ERROR_OF(read_study("nowhere.toml", {})), "nowhere.toml: no such study file");
    // One of several may be missing: that is the failure of its runs.
    EXPECT_EQ(f.error_of("[grid]\nimage = [\"nowhere.elf\", \"" + f.image.path() + "\"]\n"), "");
    EXPECT_EQ(f.error_of("[grid]\nk = [ { label = \"a\", image = \"nowhere.elf\" }, { label = \"b\" } ]\n"), "");
    EXPECT_EQ(USER_ERROR_OF(f.read("[run]\nimage = \"nowhere.elf\"\n[grid]\nimage = [\"" + f.image.path() + "\"]\n")),
              "");
    EXPECT_HAS(f.error_of("[grid]\nimage = [\"nowhere.elf\", \"neither.elf\"]\n"), f.at(2) + "image = 'nowhere.elf'");
    // The image may be a dimension; paths are relative to the study file.
    const std::string name = std::filesystem::path(f.image.path()).filename();
    EXPECT_EQ(f.read("[grid]\nimage = [\"" + name + "\"]\n").grid.at(0).points.at(0).settings.at(0).resolved.at(0),
              f.image.path());
}

TEST(grid, every_combination_the_last_dimension_fastest)
{
    fixture f;
    const study s =
        f.with("arguments = [\"spin\", \"samples=10\"]\ncores = 2\nprofile = \"ideal\"\nmax_time = \"1s\"\n" + GRID +
               "seed = [1, 2]\n");
    const std::vector<study_run> runs = expand_grid(s);
    ASSERT_EQ(runs.size(), 12u);
    std::vector<std::string> first;
    for (std::size_t i = 0; i < 3; i++)
        first.push_back(label_of(s, runs[i], 0) + " " + label_of(s, runs[i], 1) + " " + label_of(s, runs[i], 2));
    EXPECT_EQ(first, (std::vector<std::string>{"table 50 1", "table 50 2", "table 100 1"}));
    EXPECT_EQ(runs.back().arguments,
              (std::vector<std::string>{"run", "--set", "platform.cores=2", "--profile", "ideal", "--max-time", "1s",
                                        "--set", "timing.model=functional", "--set", "interconnect.latency_cycles=200",
                                        f.image.path(), "--", "spin", "samples=10", "seed=2"}));
    EXPECT_EQ(runs.back().files, (std::vector<std::string>{f.image.path(), PROFILES + "/ideal.toml"}));
}

TEST(grid, a_point_overrides_what_all_runs_share)
{
    fixture f;
    const study s = f.with(
        "cores = 2\nargument.n = 1\n[grid]\nkind = [ { label = \"a b\", platform.cores = 4, argument.n = 7 } ]\n");
    EXPECT_EQ(shell_words(expand_grid(s).at(0).arguments), "run --set platform.cores=4 " + f.image.path() + " -- n=7");
    EXPECT_EQ(expand_grid(f.with("")).size(), 1u);
}

TEST(grid, too_many_runs)
{
    fixture f;
    std::string list = "[1";
    for (int i = 2; i < 400; i++)
        list += ", " + std::to_string(i);
    EXPECT_HAS(USER_ERROR_OF(expand_grid(f.with("[grid]\nargument.a = " + list + "]\nargument.b = " + list + "]\n"))),
               "at most 100000 runs");
}

TEST(grid, the_digest_follows_the_contents)
{
    fixture f;
    const study_run run = expand_grid(f.with("")).at(0);
    const std::string before = input_digest().of(run);
    EXPECT_EQ(input_digest().of(run), before);
    f.image.write("another image");
    EXPECT_NE(input_digest().of(run), before);
    // A run that failed for want of its image is another one when the image is there.
    std::filesystem::remove(f.image.path());
    const std::string without = input_digest().of(run);
    f.image.write("");
    EXPECT_NE(input_digest().of(run), without);
}

TEST(shell_words, quotes_what_a_shell_would_split)
{
    EXPECT_EQ(shell_words({"run", "a b", "it's", ""}), "run 'a b' 'it'\\''s' ''");
}

TEST(columns, statistics_by_name)
{
    const auto statistics =
        nlohmann::ordered_json::parse(R"({"cores":[{"n":1},{"n":22,"u":{"sent":3}}],"x":{"mean":1.5,"t":"text"}})");
    const auto get = [&](const std::string &key, double scale = 1) {
        study_column c;
        c.scale = scale;
        return cell_text(extract(c, key, statistics, ""));
    };
    EXPECT_EQ(get("cores[1].n"), "22");
    EXPECT_EQ(get("cores[1].u.sent"), "3");
    EXPECT_EQ(get("x.mean"), "1.5");
    EXPECT_EQ(get("x.mean", 0.1), "0.15");
    EXPECT_EQ(get("cores[1].n", 0.1), "2.2");
    EXPECT_EQ(get("x.t"), "text");
    for (const char *absent : {"cores[2].n", "cores", "cores[", "cores[x].n", "x.mean.more", "y", "x[0]"})
        EXPECT_EQ(get(absent), "") << absent;
}

TEST(columns, a_distribution_of_nothing_has_no_median)
{
    const auto statistics = nlohmann::ordered_json::parse(
        R"({"none":{"count":0,"min":0,"mean":0.0,"p50":0,"p95":0,"p99":0,"max":0,"sum":0,"hits":0},)"
        R"("one":{"count":1,"min":0,"mean":0.0,"p50":0,"p95":0,"p99":0,"max":0,"sum":0},"max":0})");
    const auto get = [&](const std::string &key) { return cell_text(extract({}, key, statistics, "")); };
    for (const char *absent : {"none.min", "none.mean", "none.p50", "none.p95", "none.p99", "none.max"})
        EXPECT_EQ(get(absent), "") << absent;
    for (const char *zero : {"none.count", "none.sum", "none.hits", "one.min", "one.p50", "one.mean", "max"})
        EXPECT_EQ(get(zero), "0") << zero;
}

TEST(columns, what_the_guest_printed)
{
    const std::string console =
        "BENCH latency_max 9 cycles\nBENCH latency 12.5 cycles\nBENCH latency 13 cycles\nN=-4e2 of 7\n";
    study_column c;
    c.from = study_column::source::console;
    EXPECT_EQ(cell_text(extract(c, "latency", {}, console)), "12.5");
    EXPECT_EQ(cell_text(extract(c, "latency_max", {}, console)), "9");
    EXPECT_EQ(cell_text(extract(c, "N", {}, console)), "-400");
    EXPECT_EQ(cell_text(extract(c, "laten", {}, console)), "");
    c.from = study_column::source::pattern;
    EXPECT_EQ(cell_text(extract(c, "of ([0-9]+)$", {}, console)), "7");
    EXPECT_EQ(cell_text(extract(c, "(c[a-z]+)$", {}, console)), "cycles");
    EXPECT_EQ(cell_text(extract(c, "(absent)", {}, console)), "");
}

TEST(result_store, keeps_runs_and_notices_other_inputs)
{
    const scratch_file file(".sqlite");
    std::filesystem::remove(file.path());
    {
        result_store store(file.path());
        store.put({"key", "inputs", 3, "why", 1.5, 0, "console\n", "{}"});
        store.put({"key", "inputs", 0, "", 1.5, 0, "again", "{\"a\":1}"});
        store.put({"late", "inputs", -9, "timeout", 2, 2, "", ""});
    }
    result_store store(file.path());
    EXPECT_FALSE(store.get("key", "other inputs"));
    EXPECT_FALSE(store.get("other key", "inputs"));
    ASSERT_TRUE(store.get("key", "inputs"));
    EXPECT_EQ(store.get("key", "inputs")->console, "again");
    EXPECT_EQ(store.get("key", "inputs")->statistics, "{\"a\":1}");
    EXPECT_EQ(store.get("key", "inputs", true)->console, "");
    EXPECT_EQ(store.get("late", "inputs")->exit_status, -9);
    EXPECT_EQ(store.get("late", "inputs")->timeout_s, 2);
    store.forget("key");
    EXPECT_FALSE(store.get("key", "inputs"));
    EXPECT_TRUE(store.get("late", "inputs"));
    store.forget_all();
    EXPECT_FALSE(store.get("late", "inputs"));
}

TEST(result_store, refuses_what_is_no_database)
{
    const scratch_file file(".sqlite", std::string(4096, 'x'));
    EXPECT_HAS(USER_ERROR_OF(result_store(file.path())), file.path());
    EXPECT_HAS(USER_ERROR_OF(result_store("/nowhere/at/all.sqlite")), "/nowhere/at/all.sqlite");
}

TEST(result_table, rows_with_values_and_reasons)
{
    fixture f;
    const study s = f.with(GRID + COLUMNS + "said = { console = \"n_{timing}\", optional = true }\n");
    const std::vector<study_run> runs = expand_grid(s);
    stored_run good;
    good.statistics = R"({"uintr":{"stages":{"end_to_end":{"p50":7}}}})";
    good.console = "n_table 3\n";
    stored_run silent;
    silent.statistics = "{}";
    stored_run nothing; // was measured
    nothing.statistics = R"({"uintr":{"stages":{"end_to_end":{"count":0,"p50":0}}}})";
    stored_run killed = good; // in the midst: what it had said so far is no result
    killed.exit_status = -SIGKILL;
    killed.reason = "killed";
    stored_run failed;
    failed.exit_status = -1;
    failed.reason = "timeout, \"late\"";
    const std::vector<result_row> rows{make_row(s, runs, 0, good), make_row(s, runs, 1, silent),
                                       make_row(s, runs, 2, nothing), make_row(s, runs, 3, killed),
                                       make_row(s, runs, 5, failed)};
    EXPECT_EQ(csv(s, rows), "run,timing,interconnect.latency_cycles,end,said,exit_status,reason\n"
                            "0,table,50,7,3,0,\n"
                            "1,table,100,,,0,column end: the run has no statistic 'uintr.stages.end_to_end.p50'\n"
                            "2,table,200,,,0,column end: 'uintr.stages.end_to_end.p50' of nothing: its count is 0\n"
                            "3,functional,50,,,,killed\n"
                            "5,functional,200,,,,\"timeout, \"\"late\"\"\"\n");
}

namespace
{

result_row row(const std::string &timing, const std::string &latency, cell value, const std::string &reason = "")
{
    result_row r;
    r.labels = {timing, latency};
    r.values = {value};
    r.reason = reason;
    return r;
}

} // namespace

TEST(plots, lines_by_series_sorted_by_x_without_failed_runs)
{
    fixture f;
    const study s =
        f.with(GRID + COLUMNS + PLOT + "series = \"timing\"\nlabels = { table = \"the table\" }\nx_scale = \"log\"\n");
    const std::vector<result_row> rows{row("table", "200", 4.5),
                                       row("table", "50", std::int64_t{1}),
                                       row("table", "50", std::int64_t{3}),
                                       row("table", "50", std::int64_t{9}),
                                       row("table", "100", std::int64_t{2}, "failed"),
                                       row("table", "100", {}),
                                       row("table", "100", std::string("text"))};
    const std::vector<plot_line> lines = plot_lines(s, s.plots.at(0), rows);
    ASSERT_EQ(lines.size(), 1u); // none of the other model
    EXPECT_EQ(lines[0].label, "the table");
    ASSERT_EQ(lines[0].points.size(), 2u);
    EXPECT_EQ(lines[0].points[0].x, 50);
    EXPECT_EQ(lines[0].points[0].median, 3);
    EXPECT_EQ(lines[0].points[0].least, 1);
    EXPECT_EQ(lines[0].points[0].most, 9);
    EXPECT_EQ(lines[0].points[1].median, 4.5);
    const std::string script = plot_script(s.plots[0], lines);
    EXPECT_HAS(script, "50 3 1 9 3\n200 4.5 4.5 4.5 1\n");
    EXPECT_HAS(script, "set logscale x 10");
    EXPECT_HAS(script, "set format x '%.10g'"); // gnuplot's own has a blank, which moves centred labels
    EXPECT_HAS(script, "set ylabel 'end (cycles)'");
    EXPECT_HAS(script, "yerrorbars"); // several runs at one point
    EXPECT_HAS(script, "set output 'p.svg'");
    EXPECT_HAS(script, "set output 'p.png'");
}

TEST(plots, pictures_that_show_nothing_any_more_go_away)
{
    fixture f;
    const study s = f.with(GRID + COLUMNS + PLOT);
    const scratch_file base("");
    std::filesystem::remove(base.path());
    std::filesystem::create_directory(base.path());
    const auto path = [&](const char *name) { return std::filesystem::path(base.path()) / name; };
    EXPECT_FALSE(remove_pictures(base.path(), s.plots.at(0)));
    for (const char *name : {"p.svg", "p.png", "p.gnuplot", "p.csv", "q.svg"})
        std::ofstream(path(name)) << "x";
    EXPECT_TRUE(remove_pictures(base.path(), s.plots.at(0)));
    for (const char *name : {"p.svg", "p.png", "p.gnuplot"})
        EXPECT_FALSE(std::filesystem::exists(path(name))) << name;
    for (const char *name : {"p.csv", "q.svg"})
        EXPECT_TRUE(std::filesystem::exists(path(name))) << name;
    std::filesystem::remove_all(base.path());
}

TEST(study_progress, a_run_that_has_ended_does_not_run)
{
    study_progress progress(progress_mode::on, 3, 0);
    progress.tick(2);
    testing::internal::CaptureStderr();
    progress.ended("a", "");
    progress.ended("b", "");
    progress.tick(1);
    progress.ended("c", "");
    const std::string said = testing::internal::GetCapturedStderr();
    EXPECT_HAS(said, "study: 1 of 3 runs, 1 running,");
    EXPECT_HAS(said, "study: 2 of 3 runs, about");
    EXPECT_HAS(said, "study: 3 of 3 runs: c: done");
}

TEST(plots, texts_cannot_leave_their_quotes)
{
    fixture f;
    const study s = f.with(GRID + COLUMNS + PLOT + "title = \"it's; system('x')\"\n");
    EXPECT_HAS(plot_script(s.plots.at(0), plot_lines(s, s.plots[0], {row("table", "50", 1.0)})),
               "set title 'it''s; system(''x'')'");
    EXPECT_TRUE(plot_lines(s, s.plots[0], {}).empty());
}
