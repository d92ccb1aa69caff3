// SPDX-License-Identifier: Apache-2.0
// The table of keys. A new key is one row here, and a line in docs if it is to be stable (design section 9).
#include "registry.h"

#include "devices/disk.h"
#include "units.h"

#include <fmt/format.h>

#include <algorithm>

namespace vp
{

namespace
{

constexpr double MIB = 1024.0 * 1024.0;
constexpr double GIB = 1024.0 * MIB;

key_info integer(const char *name, const char *unit, std::uint64_t value, double min, double max, const char *sentence)
{
    return {name, key_type::integer, unit, value, min, max, {}, sentence, ""};
}

} // namespace

const std::vector<key_info> &platform_keys()
{
    static const std::vector<key_info> keys{
        integer("platform.cores", "", 2, 1, 64, "Number of logical processors"),
        {"platform.memory_bytes",
         key_type::size,
         "bytes",
         std::uint64_t{256} << 20,
         2 * MIB,
         64 * GIB,
         {},
         "RAM, a multiple of 4 KiB; what does not fit below the hole at 3 GiB continues at 4 GiB",
         ""},
        {"platform.quantum",
         key_type::quantum,
         "",
         std::string("auto"),
         0,
         0,
         {},
         "How long a core may run before the others catch up: auto is the interconnect's latency",
         ""},
        integer("cpu.clock_hz", "Hz", 2000000000, 1e6, 1e10,
                "Clock of the cores; must divide 10^15 (a cycle is whole femtoseconds)"),
        {"cpu.features",
         key_type::features,
         "",
         std::string("default"),
         0,
         0,
         {},
         "CPUID features: 'default', names added, -names taken away",
         ""},
        integer("cpu.physical_address_width", "bits", 46, 36, 46, "MAXPHYADDR"),
        {"lapic.x2apic", key_type::boolean, "", true, 0, 0, {}, "x2APIC mode is enumerated and may be enabled", ""},
        {"lapic.focus_checking",
         key_type::boolean,
         "",
         false,
         0,
         0,
         {},
         "Lowest priority prefers the focus processor (P6 family; a Xeon has none)",
         ""},
        integer("lapic.timer_cycles_per_tick", "cycles", 80, 1, 1e6,
                "Core cycles per count of the APIC timer with divider 1"),
        {"interconnect.model",
         key_type::choice,
         "",
         std::string("fixed"),
         0,
         0,
         {"fixed", "mesh"},
         "How messages between APICs travel",
         ""},
        integer("interconnect.latency_cycles", "cycles", 200, 1, 1e6, "Least latency of an IPI between two cores"),
        integer("interconnect.rows", "tiles", 4, 1, 64, "mesh: rows of tiles"),
        integer("interconnect.columns", "tiles", 7, 1, 64, "mesh: columns of tiles"),
        integer("interconnect.hop_cycles", "cycles", 8, 0, 10000,
                "mesh: each hop after the first, of messages and of cache lines (in core cycles)"),
        integer("interconnect.link_cycles", "cycles", 2, 0, 10000,
                "mesh: for which a message or a cache line occupies a link; 0: no contention"),
        {"interconnect.placement",
         key_type::text,
         "",
         std::string("rows"),
         0,
         0,
         {},
         "mesh: tiles of the cores: rows (core n on tile n, row by row), or a list such as 0,3,12",
         ""},
        {"console.input",
         key_type::text,
         "",
         std::string("stdin"),
         0,
         0,
         {},
         "What COM1 receives: stdin, none, or a file; not touched before the guest wants to receive",
         ""},
        {"block.file",
         key_type::text,
         "",
         std::string(),
         0,
         0,
         {},
         "The disk: a file of whole sectors, read as a whole before the run; empty: none, unless block.bytes is set",
         ""},
        {"block.bytes",
         key_type::size,
         "bytes",
         std::uint64_t{0},
         0,
         static_cast<double>(disk::MOST_BYTES),
         {},
         "The disk: zeros in memory, a multiple of 512; 0: none, unless block.file is set",
         ""},
        {"block.writes",
         key_type::choice,
         "",
         std::string("discard"),
         0,
         0,
         {"discard", "keep", "refuse"},
         "discard: the file never changes; keep: what was written goes into it at the end; refuse: a read-only disk",
         ""},
        integer("block.queue_depth", "descriptors", 128, 4, 1024, "Largest size of the queue, a power of two"),
        integer("block.parallel", "requests", 8, 1, 256, "Requests in service at once; others wait"),
        {"block.latency_us",
         key_type::real,
         "us",
         80.0,
         0,
         1e6,
         {},
         "From the beginning of a request's service to that of its transfer; overlaps with that of others",
         ""},
        integer("block.bandwidth_mb_s", "MB/s", 2000, 1, 1e6, "Of transfers, which follow one another; 10^6 bytes"),
        {"block.error_sectors",
         key_type::text,
         "",
         std::string(),
         0,
         0,
         {},
         "FIRST-LAST: requests that touch these sectors fail; empty: none",
         ""},
        {"timing.model",
         key_type::text,
         "",
         std::string("table"),
         0,
         0,
         {},
         "Timing model: a built-in name, or the path of a shared object",
         ""},
    };
    return keys;
}

std::vector<std::string> key_sections()
{
    std::vector<std::string> sections;
    for (const key_info &key : platform_keys()) {
        const std::string section = key.name.substr(0, key.name.find('.'));
        if (std::find(sections.begin(), sections.end(), section) == sections.end())
            sections.push_back(section);
    }
    return sections;
}

std::string to_text(const key_value &value)
{
    struct printer {
        std::string operator()(bool b) const { return b ? "true" : "false"; }
        std::string operator()(std::uint64_t n) const { return fmt::format("{}", n); }
        std::string operator()(double d) const { return format_real(d); }
        std::string operator()(const std::string &s) const { return s; }
    };
    return std::visit(printer{}, value);
}

std::string expectation(const key_info &key)
{
    switch (key.type) {
    case key_type::integer: return fmt::format("an integer from {:.0f} to {:.0f}", key.min, key.max);
    case key_type::size:
        return fmt::format("a size from {} to {} such as 256M", format_size(static_cast<std::uint64_t>(key.min)),
                           format_size(static_cast<std::uint64_t>(key.max)));
    case key_type::real:
        return fmt::format("a number from {} to {}{}{}", key.min, key.max, key.unit.empty() ? "" : " ", key.unit);
    case key_type::boolean: return "true or false";
    case key_type::text: return "a text";
    case key_type::choice: {
        std::string list;
        for (const std::string &c : key.choices)
            list += (list.empty() ? "" : ", ") + c;
        return "one of: " + list;
    }
    case key_type::features: return "a list of feature names, each with or without a leading '-', or 'default'";
    case key_type::quantum: return "auto, or a number with unit insn, cycles or ns (for example 100cycles)";
    }
    return "";
}

} // namespace vp
