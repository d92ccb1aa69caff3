// SPDX-License-Identifier: Apache-2.0
// Runs of this same program as child processes, a few at a time, each with a time limit. SystemC elaborates once per
// process, so whoever needs several platforms (studies, --quantum-check) needs several processes. Children get the null
// device as input and write to files; they are in process groups of their own, so that an interrupt of the terminal
// reaches only the parent, which then kills them; they also die with a parent that is killed.
#ifndef PLATFORM_PROCESS_POOL_H
#define PLATFORM_PROCESS_POOL_H

#include <csignal>
#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace vp
{

struct process_task {
    std::vector<std::string> arguments; // after the program's name
    std::string out_path, err_path;
    double timeout_s = 0; // 0: none
};

struct process_end {
    enum class how { exited, signalled, timed_out };
    how ended = how::exited;
    int value = 0; // exit status or signal, SIGKILL after a timeout
    double seconds = 0;
};

struct process_events {
    std::function<void(std::size_t task, const process_end &end)> on_end; // in the order in which they end
    std::function<void(std::size_t running)> on_tick;                     // some times a second; may be empty
};

// Answers false if *interrupted was set: what then ran was killed and not reported. Throws std::system_error if a
// process cannot be started; what on_end throws is passed on. No child is left in any case.
bool run_processes(const std::vector<process_task> &tasks, unsigned jobs, const volatile std::sig_atomic_t *interrupted,
                   const process_events &events);

// In a child: dies with the parent that started it. Called once, first thing. Answers whether this is such a child.
bool die_with_parent();

unsigned processor_count(); // that this process may use

} // namespace vp

#endif
