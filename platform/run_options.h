// SPDX-License-Identifier: Apache-2.0
// What `uintr-vp run` was asked to do, besides the configuration, and how a run ends.
#ifndef PLATFORM_RUN_OPTIONS_H
#define PLATFORM_RUN_OPTIONS_H

#include "loader/multiboot.h"

#include <cstdint>
#include <string>

namespace vp
{

enum class progress_mode { automatic, on, off };

struct run_options {
    boot_request boot;
    std::string stats_path, trace_path, itrace_path, opcodes_path, state_path; // "" if not wanted
    std::uint64_t max_time_ps = 0;                                             // 0: no limit
    std::uint64_t max_insns = 0;                                               // 0: no limit
    bool lint_uintr = false;                                                   // --lint uintr
    bool quantum_check = false;                                                // two runs, compared: quantum_check.h
    bool qemu_exit_status = false;
    progress_mode progress = progress_mode::automatic;
    bool quiet = false;
    bool verbose = false;
};

// SystemC counts femtoseconds in 64 bits, 18446 s; the difference is for what ends later than it should.
constexpr std::uint64_t LONGEST_TIME_PS = 18'000'000'000'000'000;

enum class end_reason { none, guest_exit, max_time, max_insns, end_of_time, interrupted, console, shutdown, all_idle };

struct run_end {
    end_reason reason = end_reason::none;
    std::uint64_t cycle = UINT64_MAX;
    std::uint32_t value = 0; // guest_exit: what was written; shutdown: the core
};

// Exit statuses of the program: design, section "Command line".
enum exit_status : int {
    EXIT_LARGEST_GUEST = 123,
    EXIT_LIMIT = 124,
    EXIT_USER_ERROR = 125,
    EXIT_GUEST_STUCK = 126,
    EXIT_INTERNAL = 127,
    EXIT_CONSOLE = 130 // the user typed ^A x: as a shell says of a program that ^C ended
};

const char *reason_name(end_reason reason); // for statistics: "guest exit", "triple fault", ...
int exit_status_of(const run_end &end, bool qemu);

} // namespace vp

#endif
