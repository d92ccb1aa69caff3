// SPDX-License-Identifier: Apache-2.0
// Trace files are valid JSON whatever happens to the run; the instruction trace has one line per instruction.
#include "config/user_error.h"
#include "scratch_file.h"
#include "trace/insn_trace.h"
#include "trace/json_writer.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

using namespace vp;

TEST(json_writer, every_kind_of_event_parses)
{
    scratch_file file(".json");
    json_writer w(file.path());
    trace_track t{1, 2};
    w.process_name(1, "a \"name\"");
    w.thread_name(t, "core 0", 5);
    w.begin(t, "user", "privilege", 1500000, "\"cycle\":3");
    w.slice(t, "post", "stage", 1500001, 250);
    w.instant(t, "#PF 14", "exception", 2000000);
    w.flow('s', t, 7, 1600000);
    w.flow('f', t, 7, 1700000);
    w.end(t, 3000000);
    w.finish();
    auto events = nlohmann::json::parse(file.read())["traceEvents"];
    ASSERT_EQ(events.size(), 9u);
    EXPECT_EQ(events[0]["args"]["name"], "a \"name\"");
    EXPECT_EQ(events[3]["ph"], "B");
    EXPECT_DOUBLE_EQ(events[3]["ts"], 1.5);
    EXPECT_EQ(events[3]["args"]["cycle"], 3);
    EXPECT_DOUBLE_EQ(events[4]["dur"], 0.00025);
    EXPECT_EQ(events[6]["id"], 7);
}

TEST(json_writer, a_run_without_events_and_one_that_is_abandoned_are_valid_too)
{
    scratch_file empty(".json"), abandoned(".json");
    json_writer(empty.path()).finish();
    EXPECT_TRUE(nlohmann::json::parse(empty.read())["traceEvents"].empty());
    {
        json_writer w(abandoned.path());
        w.begin({1, 1}, "x", "y", 1);
    }
    EXPECT_EQ(nlohmann::json::parse(abandoned.read())["traceEvents"].size(), 1u);
}

TEST(json_writer, timestamps_are_exact_to_the_picosecond)
{
    scratch_file file(".json");
    json_writer w(file.path());
    w.instant({1, 1}, "x", "y", 123456789012345678);
    w.finish();
    EXPECT_HAS(file.read(), "\"ts\":123456789012.345678");
}

TEST(json_writer, a_file_that_cannot_be_made_is_the_users_mistake)
{
    EXPECT_HAS(USER_ERROR_OF(json_writer("/nonexistent/t.json")), "/nonexistent/t.json: cannot be created");
    EXPECT_HAS(USER_ERROR_OF(insn_trace("/nonexistent/i.txt")), "cannot be created");
}

TEST(insn_trace, one_line_per_instruction)
{
    scratch_file file(".txt");
    insn_trace trace(file.path());
    struct cpu_trace_insn insn = {};
    insn.cycle = 17;
    insn.rip = 0x100010;
    insn.bytes[0] = 0x90;
    insn.length = 1;
    insn.mode_bits = 64;
    insn.cpl = 3;
    trace.add(1, insn);
    trace.finish();
    std::string text = file.read();
    EXPECT_HAS(text, "\n17 1 3 64 0000000000100010 90 ");
    EXPECT_HAS(text, "nop");
}
