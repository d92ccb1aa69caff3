// SPDX-License-Identifier: Apache-2.0
// Trace files are valid JSON whatever happens to the run; the instruction trace has one line per instruction.
#include "config/user_error.h"
#include "scratch_file.h"
#include "timing.h"
#include "trace/insn_trace.h"
#include "trace/json_writer.h"
#include "trace/missing_insns.h"
#include "trace/timeline.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <map>
#include <string>

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

namespace
{

nlohmann::json events_of(const scratch_file &file) { return nlohmann::json::parse(file.read())["traceEvents"]; }

// Two overlapping user interrupts from core 0 to core 1, the second still in its handler.
void two_interrupts(timeline &t)
{
    struct uintr_record r = {};
    r.receiver = 1;
    for (std::uint64_t n = 1; n <= 2; n++) {
        r.number = n;
        r.at[0] = 1000 * n;
        for (unsigned i = 1; i < UINTR_BORDER_COUNT; i++)
            r.at[i] = r.at[i - 1] + 300;
        if (n == 2)
            r.at[UINTR_AT_UIRET_BEGIN] = r.at[UINTR_AT_RETURNED] = 0;
        t.user_interrupt(r);
    }
}

} // namespace

TEST(timeline, slices_of_a_track_are_opened_and_closed_in_pairs)
{
    scratch_file file(".json");
    timeline t(file.path(), 2, 2000000000);
    t.core_event(0, CPU_TRACE_CPL, 0, 0, 0);
    t.core_event(0, CPU_TRACE_CPL, 3, 0, 100);
    t.core_event(1, CPU_TRACE_START, 8, 0, 150);
    t.core_event(1, CPU_TRACE_HALT, 0, 0, 160);
    t.core_event(1, CPU_TRACE_CPL, 3, 0, 170); // closes the halt too
    t.core_event(0, CPU_TRACE_EXCEPTION, 14, 4, 200);
    t.core_event(1, CPU_TRACE_HALT, 0, 0, 300);
    t.finish(400);
    int depth[3] = {};
    for (const auto &e : events_of(file)) {
        if (e["ph"] == "B")
            depth[e["tid"].get<int>()]++;
        if (e["ph"] == "E") {
            EXPECT_GE(--depth[e["tid"].get<int>()], 0);
        }
    }
    EXPECT_EQ(depth[1], 0);
    EXPECT_EQ(depth[2], 0);
}

TEST(timeline, a_user_interrupt_has_nine_stages_and_a_flow)
{
    scratch_file file(".json");
    timeline t(file.path(), 2, 2000000000);
    two_interrupts(t);
    t.finish(10000);
    std::map<std::string, int> stages, lanes;
    std::string flow_of_first;
    double end_of_last = 0;
    for (const auto &e : events_of(file)) {
        if (e.contains("cat") && e["cat"] == "stage") {
            stages[e["name"]]++;
            lanes[std::to_string(e["tid"].get<int>())]++;
            EXPECT_EQ(e["args"]["cycles"], 300);
            end_of_last = std::max(end_of_last, e["ts"].get<double>() + e["dur"].get<double>());
        }
        if (e.contains("id") && e["id"] == 1)
            flow_of_first += e["ph"].get<std::string>();
    }
    EXPECT_EQ(stages.size(), static_cast<std::size_t>(TIMING_STAGE_COUNT));
    EXPECT_EQ(stages["post"], 2);
    EXPECT_EQ(stages["return"], 1);
    EXPECT_EQ(lanes.size(), 2u) << "interrupts that overlap have rows of their own";
    EXPECT_EQ(flow_of_first, "stf");
    EXPECT_DOUBLE_EQ(end_of_last, (2000 + 7 * 300) * 0.0005);
}

TEST(timeline, messages_of_the_apics_carry_their_fields)
{
    scratch_file file(".json");
    timeline t(file.path(), 1, 1000000000);
    struct ipi_msg msg = {};
    msg.vector = 0xec;
    msg.number = 5;
    t.apic(0, apic_event::arrived, 1234, &msg);
    t.apic(0, apic_event::timer, 1300, nullptr);
    t.finish(2000);
    auto events = events_of(file);
    auto &e = events[events.size() - 2];
    EXPECT_EQ(e["name"], "IPI arrives");
    EXPECT_DOUBLE_EQ(e["ts"], 1.234);
    EXPECT_EQ(e["args"]["vector"], 0xec);
    EXPECT_EQ(e["args"]["user_interrupt"], 5);
}

TEST(missing_insns, each_mnemonic_once)
{
    vp::missing_insns missing;
    const std::uint8_t vaddps[] = {0xc5, 0xf0, 0x58, 0xc2}, other[] = {0xc5, 0xf8, 0x58, 0xc0},
                       vmxoff[] = {0x0f, 0x01, 0xc4};
    EXPECT_EQ(missing.text(0x1000, vaddps, 4, "vaddps"), "not implemented: vaddps (bytes c5 f0 58 c2) at RIP 1000");
    EXPECT_EQ(missing.text(0x2000, other, 4, "vaddps"), "");
    EXPECT_EQ(missing.text(0xffff800000002000, vmxoff, 3, "vmxoff"),
              "not implemented: vmxoff (bytes 0f 01 c4) at RIP ffff800000002000");
}
