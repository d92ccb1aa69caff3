// SPDX-License-Identifier: Apache-2.0
// See quantum_check.h.
#include "quantum_check.h"

#include "config/user_error.h"
#include "process_pool.h"
#include "run_options.h"
#include "scratch_folder.h"
#include "statistics/stat_difference.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdio>

namespace vp
{

namespace
{

constexpr std::array<const char *, 2> QUANTA{"auto", "1insn"};

struct one_run {
    process_end end;
    std::string console, messages, statistics;

    // What the program would have ended with.
    int status() const { return end.ended == process_end::how::exited ? end.value : EXIT_INTERNAL; }
};

bool is_one_of(const std::string &text, std::initializer_list<const char *> list)
{
    return std::any_of(list.begin(), list.end(), [&](const char *item) { return text == item; });
}

void report_ends(const one_run &exact, const one_run &lock_step)
{
    if (exact.status() != lock_step.status())
        std::fprintf(stderr, "exit status: %d at auto, %d at 1insn\n", exact.status(), lock_step.status());
    if (exact.console != lock_step.console) {
        const auto differs = std::mismatch(exact.console.begin(), exact.console.end(), lock_step.console.begin(),
                                           lock_step.console.end());
        const auto line = std::count(exact.console.begin(), differs.first, '\n') + 1;
        std::fprintf(stderr, "the guest's output differs from line %ld on\n", static_cast<long>(line));
    }
}

} // namespace

std::vector<std::string> quantum_check_arguments(const std::vector<std::string> &arguments, const std::string &quantum,
                                                 const std::string &stats_path)
{
    const auto dashes = std::find(arguments.begin(), arguments.end(), "--");
    std::vector<std::string> own;
    std::copy_if(arguments.begin(), dashes, std::back_inserter(own), [](const std::string &a) {
        return !is_one_of(a, {"--quantum-check", "-q", "--quiet"});
    });
    own.insert(own.end(), {"--quantum", quantum, "--stats", stats_path, "-q"});
    own.insert(own.end(), dashes, arguments.end());
    return own;
}

int run_quantum_check(const std::vector<std::string> &arguments, const volatile std::sig_atomic_t *interrupted)
{
    const scratch_folder folder;
    std::vector<process_task> tasks;
    for (const char *quantum : QUANTA) {
        process_task task;
        task.arguments = quantum_check_arguments(arguments, quantum, folder.file(std::string(quantum) + ".json"));
        task.out_path = folder.file(std::string(quantum) + ".out");
        task.err_path = folder.file(std::string(quantum) + ".err");
        tasks.push_back(task);
    }
    std::array<one_run, 2> runs;
    process_events events;
    events.on_end = [&](std::size_t task, const process_end &end) { runs.at(task).end = end; };
    if (!run_processes(tasks, processor_count(), interrupted, events)) {
        std::fprintf(stderr, "uintr-vp: stopped: interrupted by the user\n");
        return EXIT_LIMIT;
    }
    for (std::size_t i = 0; i < runs.size(); i++) {
        runs.at(i).console = read_whole_file(tasks[i].out_path);
        runs.at(i).messages = read_whole_file(tasks[i].err_path);
        runs.at(i).statistics = read_whole_file(folder.file(std::string(QUANTA.at(i)) + ".json"));
    }
    const auto &[exact, lock_step] = runs;
    std::fputs(exact.console.c_str(), stdout);
    std::fputs(exact.messages.c_str(), stderr);
    if (lock_step.messages != exact.messages)
        std::fprintf(stderr, "at 1insn: %s", lock_step.messages.c_str());
    // A run that was refused, or killed, has no statistics: its own message says why.
    if (exact.statistics.empty() || lock_step.statistics.empty())
        return exact.status() != 0 ? exact.status() : lock_step.status();

    std::fprintf(stderr, "quantum check: --quantum auto against 1insn (lock step)\n");
    report_ends(exact, lock_step);
    std::fputs(difference_report(nlohmann::ordered_json::parse(exact.statistics),
                                 nlohmann::ordered_json::parse(lock_step.statistics), QUANTA[0], QUANTA[1])
                   .c_str(),
               stderr);
    return exact.status() != 0 ? exact.status() : lock_step.status();
}

} // namespace vp
