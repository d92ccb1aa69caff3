// SPDX-License-Identifier: Apache-2.0
// See json_writer.h.
#include "json_writer.h"

#include "config/user_error.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace vp
{

namespace
{

std::string microseconds(std::uint64_t ps) { return fmt::format("{}.{:06}", ps / 1000000, ps % 1000000); }

std::string quoted(const std::string &text) { return nlohmann::json(text).dump(); }

std::string common(char phase, trace_track track)
{
    return fmt::format("\"ph\":\"{}\",\"pid\":{},\"tid\":{}", phase, track.pid, track.tid);
}

std::string with_args(const std::string &args) { return args.empty() ? "" : ",\"args\":{" + args + "}"; }

} // namespace

json_writer::json_writer(const std::string &path) : m_path(path), m_file(std::fopen(path.c_str(), "wb"))
{
    if (m_file == nullptr)
        throw user_error(fmt::format("--trace: {}: cannot be created", path));
    std::fputs("{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n", m_file);
}

json_writer::~json_writer()
{
    if (m_file != nullptr) {
        std::fputs("\n]}\n", m_file);
        std::fclose(m_file);
    }
}

void json_writer::finish()
{
    std::fputs("\n]}\n", m_file);
    bool failed = std::ferror(m_file) != 0;
    failed = std::fclose(m_file) != 0 || failed;
    m_file = nullptr;
    if (failed)
        throw user_error(fmt::format("--trace: {}: cannot be written", m_path));
}

void json_writer::event(const std::string &members)
{
    std::fprintf(m_file, "%s{%s}", m_first ? "" : ",\n", members.c_str());
    m_first = false;
}

void json_writer::process_name(std::uint32_t pid, const std::string &name)
{
    event(fmt::format("\"ph\":\"M\",\"pid\":{},\"name\":\"process_name\",\"args\":{{\"name\":{}}}", pid, quoted(name)));
}

void json_writer::thread_name(trace_track track, const std::string &name, std::uint32_t sort_index)
{
    event(fmt::format("{},\"name\":\"thread_name\",\"args\":{{\"name\":{}}}", common('M', track), quoted(name)));
    event(fmt::format("{},\"name\":\"thread_sort_index\",\"args\":{{\"sort_index\":{}}}", common('M', track),
                      sort_index));
}

void json_writer::begin(trace_track track, const std::string &name, const char *category, std::uint64_t ps,
                        const std::string &args)
{
    event(fmt::format("{},\"ts\":{},\"name\":{},\"cat\":\"{}\"{}", common('B', track), microseconds(ps), quoted(name),
                      category, with_args(args)));
}

void json_writer::end(trace_track track, std::uint64_t ps, const std::string &args)
{
    event(fmt::format("{},\"ts\":{}{}", common('E', track), microseconds(ps), with_args(args)));
}

void json_writer::slice(trace_track track, const std::string &name, const char *category, std::uint64_t ps,
                        std::uint64_t duration_ps, const std::string &args)
{
    event(fmt::format("{},\"ts\":{},\"dur\":{},\"name\":{},\"cat\":\"{}\"{}", common('X', track), microseconds(ps),
                      microseconds(duration_ps), quoted(name), category, with_args(args)));
}

void json_writer::instant(trace_track track, const std::string &name, const char *category, std::uint64_t ps,
                          const std::string &args)
{
    event(fmt::format("{},\"s\":\"t\",\"ts\":{},\"name\":{},\"cat\":\"{}\"{}", common('i', track), microseconds(ps),
                      quoted(name), category, with_args(args)));
}

void json_writer::flow(char phase, trace_track track, std::uint64_t id, std::uint64_t ps)
{
    // "bp":"e": the arrow ends at the enclosing slice, not at the next one.
    event(fmt::format("{},\"ts\":{},\"id\":{},\"name\":\"user interrupt\",\"cat\":\"uintr\"{}", common(phase, track),
                      microseconds(ps), id, phase == 's' ? "" : ",\"bp\":\"e\""));
}

} // namespace vp
