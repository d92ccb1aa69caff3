// SPDX-License-Identifier: Apache-2.0
// See guest_trace.h.
#include "guest_trace.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace vp
{

namespace
{

constexpr std::size_t NAME_BYTES = 16;
// A guest that invents tasks must not eat the host's memory: then all are forgotten.
constexpr std::size_t MOST_TASKS = 1 << 16;

// Those of Linux's io_uring that a program of today is likely to use; the others are shown by number.
std::string ring_operation_name(std::uint32_t opcode)
{
    static constexpr std::array<const char *, 28> NAMES = {
        "NOP",          "READV",        "WRITEV",  "FSYNC",   "READ_FIXED", "WRITE_FIXED", "POLL_ADD",
        nullptr,        nullptr,        "SENDMSG", "RECVMSG", "TIMEOUT",    nullptr,       "ACCEPT",
        "ASYNC_CANCEL", "LINK_TIMEOUT", "CONNECT", nullptr,   "OPENAT",     "CLOSE",       nullptr,
        "STATX",        "READ",         "WRITE",   nullptr,   nullptr,      "SEND",        "RECV"};
    const bool is_named = opcode < NAMES.size() && NAMES[opcode] != nullptr;
    return is_named ? NAMES[opcode] : fmt::format("ring operation {}", opcode);
}

} // namespace

std::string linux_syscall_name(std::uint32_t number)
{
    switch (number) {
#define LINUX_SYSCALL(number, name)                                                                                    \
    case number:                                                                                                       \
        return #name;
#include "linux_syscalls.def"
#undef LINUX_SYSCALL
    default: return fmt::format("system call {}", number);
    }
}

guest_trace::guest_trace(std::uint32_t cores, timeline *out) : m_out(out), m_cores(cores) {}

guest_trace::task &guest_trace::task_of(std::uint32_t tid)
{
    if (m_tasks.size() >= MOST_TASKS && m_tasks.count(tid) == 0)
        m_tasks.clear();
    return m_tasks[tid];
}

bool guest_trace::is_running(std::uint32_t tid) const
{
    return std::any_of(m_cores.begin(), m_cores.end(), [=](const core_state &c) { return c.tid == tid; });
}

std::uint64_t guest_trace::woken(std::uint32_t core) const
{
    const auto found = m_tasks.find(m_cores.at(core).tid);
    return found != m_tasks.end() ? found->second.woken : 0;
}

std::string guest_trace::title(std::uint32_t tid) const
{
    const auto found = m_tasks.find(tid);
    const bool has_name = found != m_tasks.end() && !found->second.name.empty();
    return fmt::format("{} {}", has_name ? found->second.name : "task", tid);
}

// --- slices ---

void guest_trace::begin_slices(std::uint32_t core, std::uint64_t cycle)
{
    core_state &c = m_cores[core];
    if (m_out == nullptr || c.tid == 0)
        return;
    m_out->task_begin(core, title(c.tid), cycle, fmt::format("\"tid\":{}", c.tid));
    const task running = task_of(c.tid);
    if (running.work)
        begin_work(core, *running.work, cycle);
    if (running.syscall)
        begin_syscall(core, *running.syscall, cycle);
}

void guest_trace::begin_work(std::uint32_t core, std::uint32_t number, std::uint64_t cycle)
{
    m_out->task_begin(core, fmt::format("work {}", number), cycle, fmt::format("\"number\":{}", number));
    m_cores[core].has_work_slice = true;
}

void guest_trace::begin_syscall(std::uint32_t core, std::uint32_t number, std::uint64_t cycle)
{
    m_out->task_begin(core, linux_syscall_name(number), cycle, fmt::format("\"number\":{}", number));
    m_cores[core].has_syscall_slice = true;
}

void guest_trace::end_slices(std::uint32_t core, std::uint64_t cycle)
{
    core_state &c = m_cores[core];
    if (m_out == nullptr || c.tid == 0)
        return;
    end_work(core, cycle);
    m_out->task_end(core, cycle);
}

void guest_trace::end_work(std::uint32_t core, std::uint64_t cycle)
{
    core_state &c = m_cores[core];
    end_syscall(core, cycle, "");
    if (c.has_work_slice)
        m_out->task_end(core, cycle);
    c.has_work_slice = false;
}

void guest_trace::end_syscall(std::uint32_t core, std::uint64_t cycle, const std::string &args)
{
    core_state &c = m_cores[core];
    if (c.has_syscall_slice)
        m_out->task_end(core, cycle, args);
    c.has_syscall_slice = false;
}

// --- events ---

void guest_trace::event(std::uint32_t core, enum guest_event kind, std::uint32_t value, std::uint64_t cycle)
{
    core_state &c = m_cores.at(core);
    switch (kind) {
    case guest_event::task_switch:
        end_slices(core, cycle);
        c.tid = value;
        begin_slices(core, cycle);
        break;
    case guest_event::syscall:
        if (c.tid == 0)
            break;
        task_of(c.tid).syscall = value;
        end_syscall(core, cycle, ""); // of one that never told its end
        if (m_out != nullptr)
            begin_syscall(core, value, cycle);
        break;
    case guest_event::syscall_end:
        if (c.tid != 0)
            task_of(c.tid).syscall.reset();
        end_syscall(core, cycle, fmt::format("\"result\":{}", static_cast<std::int32_t>(value)));
        break;
    case guest_event::uintr_resume:
    case guest_event::uintr_wake:
        if (kind == guest_event::uintr_wake)
            task_of(value).woken = cycle;
        if (m_out != nullptr)
            m_out->task_instant(core,
                                fmt::format("user interrupt {} {}",
                                            kind == guest_event::uintr_wake ? "wakes" : "resumes", title(value)),
                                cycle, fmt::format("\"tid\":{}", value));
        break;
    case guest_event::name:
        c.named_tid = value;
        c.name.clear();
        break;
    case guest_event::name_bytes: name_bytes(core, value, cycle); break;
    case guest_event::ring_submit:
    case guest_event::ring_complete:
        if (m_out != nullptr)
            m_out->task_instant(core,
                                fmt::format("{} {}", ring_operation_name(value & 0xff),
                                            kind == guest_event::ring_submit ? "submitted" : "completed"),
                                cycle, fmt::format("\"serial\":{}", value >> 8));
        break;
    case guest_event::work:
    case guest_event::work_end:
        if (c.tid == 0)
            break;
        end_work(core, cycle);
        task_of(c.tid).work.reset();
        if (kind == guest_event::work) {
            task_of(c.tid).work = value;
            if (m_out != nullptr)
                begin_work(core, value, cycle);
        }
        break;
    case guest_event::none: break;
    }
}

void guest_trace::name_bytes(std::uint32_t core, std::uint32_t bytes, std::uint64_t cycle)
{
    core_state &c = m_cores[core];
    if (c.named_tid == 0)
        return;
    for (unsigned i = 0; i < sizeof bytes; i++)
        c.name.push_back(static_cast<char>(bytes >> 8 * i & 0xff));
    if (c.name.size() < NAME_BYTES)
        return;
    // What is no plain text would make a file that no viewer reads.
    std::string name = c.name.substr(0, c.name.find('\0'));
    std::replace_if(
        name.begin(), name.end(), [](char ch) { return ch < ' ' || ch > '~'; }, '?');
    const std::uint32_t tid = c.named_tid;
    c.named_tid = 0;
    if (!is_running(tid))
        task_of(tid) = task{};
    const bool is_own = c.tid == tid;
    if (is_own)
        end_slices(core, cycle);
    task_of(tid).name = name;
    if (is_own)
        begin_slices(core, cycle); // from here on under its new name
}

void guest_trace::finish(std::uint64_t cycle)
{
    for (std::uint32_t i = 0; i < m_cores.size(); i++) {
        end_slices(i, cycle);
        m_cores[i].tid = 0;
    }
}

} // namespace vp
