// SPDX-License-Identifier: Apache-2.0
// What the guest's kernel reports through the trace port: which task runs on which core, in which system call it is,
// how user interrupts are brought to it. Kept for the statistics of user interrupts (woken), and drawn on the timeline
// if there is one: per core a track of slices named after the running task, with slices of its system calls inside, and
// of pieces of work of which the program tells itself. A task that is switched out inside one shows it again where it
// runs on.
//
// Nothing of it changes what the guest sees. Tasks are known by their number (tid), which is the kernel's; 0 is none.
#ifndef PLATFORM_TRACE_GUEST_TRACE_H
#define PLATFORM_TRACE_GUEST_TRACE_H

#include "timeline.h"

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace vp
{

// What is written, by the number of the 32-bit port.
enum class guest_event : std::uint8_t {
    none = 0,
    task_switch = 1,   // tid that runs on this core from now on; 0: idle
    syscall = 2,       // number; the running task enters a system call
    syscall_end = 3,   // low half of the result
    uintr_resume = 4,  // tid, to which the kernel brings what was posted while it did not run
    uintr_wake = 5,    // tid, which the kernel wakes because of a post
    name = 6,          // tid, whose name follows; of one that runs nowhere: a new task
    name_bytes = 7,    // four bytes of it, in memory order; with the fourth time it is complete, NUL fills it up
    ring_submit = 8,   // bits 7:0 the operation of io_uring that the kernel takes from a ring, 31:8 its serial number
    ring_complete = 9, // the same: its completion is posted
    work = 10,         // number; the running task begins a piece of work, which programs tell themselves
    work_end = 11
};

class guest_trace
{
  public:
    explicit guest_trace(std::uint32_t cores, timeline *out = nullptr); // out must outlive it

    void event(std::uint32_t core, enum guest_event kind, std::uint32_t value, std::uint64_t cycle);
    void finish(std::uint64_t cycle); // closes what is open at the end of the run

    // Cycle at which the kernel last woke the task that runs on this core because of a post; 0: never.
    std::uint64_t woken(std::uint32_t core) const;

  private:
    struct task {
        std::string name;
        std::optional<std::uint32_t> work;    // with which it is busy
        std::optional<std::uint32_t> syscall; // in which it is
        std::uint64_t woken = 0;
    };
    struct core_state {
        std::uint32_t tid = 0;
        bool has_work_slice = false, has_syscall_slice = false;
        // A name that is being written.
        std::uint32_t named_tid = 0;
        std::string name;
    };

    task &task_of(std::uint32_t tid);
    bool is_running(std::uint32_t tid) const;
    std::string title(std::uint32_t tid) const;
    void begin_slices(std::uint32_t core, std::uint64_t cycle);
    void end_slices(std::uint32_t core, std::uint64_t cycle);
    void begin_work(std::uint32_t core, std::uint32_t number, std::uint64_t cycle);
    void end_work(std::uint32_t core, std::uint64_t cycle); // and a system call inside
    void begin_syscall(std::uint32_t core, std::uint32_t number, std::uint64_t cycle);
    void end_syscall(std::uint32_t core, std::uint64_t cycle, const std::string &args);
    void name_bytes(std::uint32_t core, std::uint32_t bytes, std::uint64_t cycle);

    timeline *const m_out;
    std::vector<core_state> m_cores;
    std::unordered_map<std::uint32_t, task> m_tasks;
};

// "read"; "system call 1000" if Linux has none of that number.
std::string linux_syscall_name(std::uint32_t number);

} // namespace vp

#endif
