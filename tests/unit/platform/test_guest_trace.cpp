// SPDX-License-Identifier: Apache-2.0
// What a kernel tells at the trace port becomes tasks: their slices on the timeline, and when they were woken.
#include "scratch_file.h"
#include "trace/guest_trace.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <cstring>
#include <random>

using namespace vp;

namespace
{

enum { SYS_READ = 0, SYS_WRITE = 1, SYS_FUTEX = 202 };

class guest_trace_test : public testing::Test
{
  protected:
    scratch_file file{".json"};
    std::optional<timeline> out{std::in_place, file.path(), 2, 1000000000}; // a cycle is 1 ns
    guest_trace trace{2, &*out};

    void name(std::uint32_t core, std::uint32_t tid, const std::string &text, std::uint64_t cycle)
    {
        trace.event(core, guest_event::name, tid, cycle);
        char bytes[16] = {};
        text.copy(bytes, sizeof bytes);
        for (unsigned i = 0; i < sizeof bytes; i += 4) {
            std::uint32_t word = 0;
            std::memcpy(&word, bytes + i, sizeof word);
            trace.event(core, guest_event::name_bytes, word, cycle);
        }
    }
    // "begin-end name" of each slice of the core's task track, in the order of their ends, inner ones indented.
    std::vector<std::string> slices(std::uint32_t core, std::uint64_t end)
    {
        trace.finish(end);
        out->finish(end);
        std::vector<std::string> found;
        std::vector<std::pair<std::uint64_t, std::string>> open;
        const auto written = nlohmann::json::parse(file.read());
        for (const auto &e : written["traceEvents"]) {
            if (e.value("tid", 0u) != 201 + core || e["ph"] == "M" || e["ph"] == "i")
                continue;
            const auto at = static_cast<std::uint64_t>(std::llround(e["ts"].get<double>() * 1000));
            if (e["ph"] == "B") {
                open.emplace_back(at, e["name"]);
                continue;
            }
            EXPECT_FALSE(open.empty());
            if (open.empty())
                return found;
            const auto [begin, title] = open.back();
            open.pop_back();
            const std::string result = e.contains("args") ? " = " + e["args"]["result"].dump() : "";
            found.push_back(std::string(open.size(), ' ') + std::to_string(begin) + "-" + std::to_string(at) + " " +
                            title + result);
        }
        EXPECT_TRUE(open.empty());
        return found;
    }
    using list = std::vector<std::string>;
};

} // namespace

TEST_F(guest_trace_test, tasks_and_their_system_calls_nest)
{
    name(0, 5, "shell", 10);
    trace.event(0, guest_event::task_switch, 5, 100);
    trace.event(0, guest_event::syscall, SYS_WRITE, 120);
    trace.event(0, guest_event::syscall_end, 12, 150);
    trace.event(0, guest_event::task_switch, 0, 200);
    trace.event(0, guest_event::task_switch, 6, 300);
    EXPECT_EQ(slices(0, 400), (list{" 120-150 write = 12", "100-200 shell 5", "300-400 task 6"}));
}

TEST_F(guest_trace_test, a_system_call_that_sleeps_goes_on_where_its_task_runs_again)
{
    trace.event(0, guest_event::task_switch, 5, 100);
    trace.event(0, guest_event::syscall, SYS_READ, 110);
    trace.event(0, guest_event::task_switch, 6, 120);
    trace.event(0, guest_event::task_switch, 0, 130);
    trace.event(1, guest_event::task_switch, 5, 200);
    trace.event(1, guest_event::syscall_end, static_cast<std::uint32_t>(-4), 210);
    EXPECT_EQ(slices(1, 300), (list{" 200-210 read = -4", "200-300 task 5"}));
}

TEST_F(guest_trace_test, a_system_call_without_an_end_ends_at_the_next)
{
    trace.event(0, guest_event::syscall, SYS_READ, 50); // of no task
    trace.event(0, guest_event::syscall_end, 0, 60);
    trace.event(0, guest_event::task_switch, 5, 100);
    trace.event(0, guest_event::syscall_end, 0, 105); // never begun
    trace.event(0, guest_event::syscall, SYS_FUTEX, 110);
    trace.event(0, guest_event::syscall, 5000, 120);
    EXPECT_EQ(slices(0, 130), (list{" 110-120 futex", " 120-130 system call 5000", "100-130 task 5"}));
}

TEST_F(guest_trace_test, work_of_a_program_is_shown_where_it_runs)
{
    trace.event(0, guest_event::work, 1, 50); // nobody's
    trace.event(0, guest_event::task_switch, 5, 100);
    trace.event(0, guest_event::work, 7, 110);
    trace.event(0, guest_event::syscall, SYS_WRITE, 120);
    trace.event(0, guest_event::syscall_end, 0, 130);
    trace.event(0, guest_event::task_switch, 0, 140);
    trace.event(1, guest_event::task_switch, 5, 200);
    trace.event(1, guest_event::work, 8, 210); // the one before did not tell its end
    trace.event(1, guest_event::work_end, 0, 220);
    trace.event(1, guest_event::work_end, 0, 230);
    EXPECT_EQ(slices(1, 300), (list{" 200-210 work 7", " 210-220 work 8", "200-300 task 5"}));
}

TEST_F(guest_trace_test, work_and_system_calls_nest)
{
    trace.event(0, guest_event::task_switch, 5, 100);
    trace.event(0, guest_event::work, 7, 110);
    trace.event(0, guest_event::syscall, SYS_WRITE, 120);
    trace.event(0, guest_event::syscall_end, 0, 130);
    trace.event(0, guest_event::syscall, SYS_READ, 140);
    trace.event(0, guest_event::work_end, 0, 150); // of a program that lies
    EXPECT_EQ(slices(0, 300), (list{"  120-130 write = 0", "  140-150 read", " 110-150 work 7", "100-300 task 5"}));
}

TEST_F(guest_trace_test, a_running_task_goes_on_under_its_new_name_and_a_new_task_begins_anew)
{
    name(0, 5, "init", 10);
    trace.event(0, guest_event::task_switch, 5, 100);
    trace.event(0, guest_event::syscall, 59, 110);
    name(0, 5, "a program with a long name", 120);
    trace.event(0, guest_event::task_switch, 0, 130);
    name(1, 5, "reborn \x01", 140); // in no system call
    trace.event(0, guest_event::task_switch, 5, 150);
    EXPECT_EQ(slices(0, 160), (list{" 110-120 execve", "100-120 init 5", " 120-130 execve",
                                    "120-130 a program with a 5", "150-160 reborn ? 5"}));
}

TEST_F(guest_trace_test, a_wake_is_remembered_for_the_task_that_runs)
{
    trace.event(1, guest_event::uintr_wake, 7, 1000);
    EXPECT_EQ(trace.woken(0), 0u);
    trace.event(0, guest_event::task_switch, 7, 1100);
    EXPECT_EQ(trace.woken(0), 1000u);
    trace.event(0, guest_event::task_switch, 8, 1200);
    EXPECT_EQ(trace.woken(0), 0u);
    trace.event(0, guest_event::uintr_resume, 7, 1300);
    slices(0, 1400);
    EXPECT_HAS(file.read(), "\"user interrupt wakes task 7\"");
    EXPECT_HAS(file.read(), "\"user interrupt resumes task 7\"");
    EXPECT_HAS(file.read(), "\"core 1 task\"");
}

TEST_F(guest_trace_test, operations_of_rings_are_named)
{
    trace.event(0, guest_event::ring_submit, 22 | 5 << 8, 10);
    trace.event(1, guest_event::ring_complete, 22 | 5 << 8, 20);
    trace.event(1, guest_event::ring_complete, 200 | 6 << 8, 30);
    trace.finish(40);
    out->finish(40);
    list found;
    const auto written = nlohmann::json::parse(file.read());
    for (const auto &e : written["traceEvents"])
        if (e["ph"] == "i")
            found.push_back(e["name"].get<std::string>() + " " + e["args"]["serial"].dump());
    EXPECT_EQ(found, (list{"READ submitted 5", "READ completed 5", "ring operation 200 completed 6"}));
}

TEST(guest_trace, without_a_timeline_wakes_are_kept_all_the_same)
{
    guest_trace trace(1);
    trace.event(0, guest_event::task_switch, 7, 10);
    trace.event(0, guest_event::syscall, 1, 20);
    trace.event(0, guest_event::uintr_wake, 7, 30);
    EXPECT_EQ(trace.woken(0), 30u);
    trace.finish(40);
}

TEST(guest_trace, names_of_system_calls)
{
    EXPECT_EQ(linux_syscall_name(0), "read");
    EXPECT_EQ(linux_syscall_name(231), "exit_group");
    EXPECT_EQ(linux_syscall_name(449), "uintr_register_handler");
    EXPECT_EQ(linux_syscall_name(476), "uintr_wait");
    EXPECT_EQ(linux_syscall_name(460), "system call 460");
}

TEST_F(guest_trace_test, nonsense_gives_slices_that_nest)
{
    std::mt19937 generator(1);
    const auto rng = [&] { return static_cast<std::uint32_t>(generator()); };
    for (std::uint64_t cycle = 0; cycle < 20000; cycle++) {
        const std::uint32_t value = rng() % 8 == 0 ? rng() : rng() % 4;
        trace.event(rng() % 2, static_cast<guest_event>(rng() % 8), value, cycle);
    }
    slices(0, 20000); // checks
}

TEST(guest_trace, a_guest_that_invents_tasks_does_not_eat_the_hosts_memory)
{
    guest_trace trace(1);
    for (std::uint32_t tid = 1; tid < 300000; tid++)
        trace.event(0, guest_event::uintr_wake, tid, tid);
    trace.event(0, guest_event::task_switch, 299999, 400000);
    EXPECT_EQ(trace.woken(0), 299999u);
    trace.event(0, guest_event::task_switch, 1, 400000);
    EXPECT_EQ(trace.woken(0), 0u) << "forgotten";
}
