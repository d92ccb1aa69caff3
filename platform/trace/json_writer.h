// SPDX-License-Identifier: Apache-2.0
// Writes a Chrome JSON trace event file as a stream: one event per line, nothing kept in memory. Timestamps are
// microseconds with six decimals (picoseconds), printed from integers, so that runs are byte-identical.
// Format: "Trace Event Format" (Chromium), which Perfetto reads.
#ifndef PLATFORM_TRACE_JSON_WRITER_H
#define PLATFORM_TRACE_JSON_WRITER_H

#include <cstdint>
#include <cstdio>
#include <string>

namespace vp
{

struct trace_track {
    std::uint32_t pid, tid;
};

class json_writer
{
  public:
    // Throws user_error if the file cannot be created.
    explicit json_writer(const std::string &path);
    ~json_writer(); // closes the JSON if finish() was not called
    json_writer(const json_writer &) = delete;
    json_writer &operator=(const json_writer &) = delete;

    void process_name(std::uint32_t pid, const std::string &name);
    void thread_name(trace_track track, const std::string &name, std::uint32_t sort_index);

    // args: JSON members without braces ("\"vector\":3"), or "".
    void begin(trace_track track, const std::string &name, const char *category, std::uint64_t ps,
               const std::string &args = "");
    void end(trace_track track, std::uint64_t ps, const std::string &args = "");
    void slice(trace_track track, const std::string &name, const char *category, std::uint64_t ps,
               std::uint64_t duration_ps, const std::string &args = "");
    void instant(trace_track track, const std::string &name, const char *category, std::uint64_t ps,
                 const std::string &args = "");
    // phase: 's' start, 't' step, 'f' finish; binds to the slice that encloses ps on that track.
    void flow(char phase, trace_track track, std::uint64_t id, std::uint64_t ps);

    void finish(); // throws user_error if writing failed

  private:
    void event(const std::string &members);

    std::string m_path;
    std::FILE *m_file;
    bool m_first = true;
};

} // namespace vp

#endif
