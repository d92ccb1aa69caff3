// SPDX-License-Identifier: Apache-2.0
// See run_options.h.
#include "run_options.h"

#include <algorithm>

namespace vp
{

const char *reason_name(end_reason reason)
{
    switch (reason) {
    case end_reason::guest_exit: return "guest exit";
    case end_reason::max_time: return "limit: max-time";
    case end_reason::max_insns: return "limit: max-insns";
    case end_reason::end_of_time: return "limit: end of simulated time";
    case end_reason::interrupted: return "interrupted";
    case end_reason::console: return "ended at the console";
    case end_reason::shutdown: return "triple fault";
    case end_reason::all_idle: return "all cores idle for ever";
    case end_reason::none: break;
    }
    return "none";
}

int exit_status_of(const run_end &end, bool qemu)
{
    switch (end.reason) {
    case end_reason::guest_exit: {
        auto value = static_cast<int>(std::min<std::uint32_t>(end.value, EXIT_LARGEST_GUEST));
        return qemu ? value << 1 | 1 : value; // as QEMU's isa-debug-exit
    }
    case end_reason::max_time:
    case end_reason::max_insns:
    case end_reason::end_of_time:
    case end_reason::interrupted: return EXIT_LIMIT;
    case end_reason::console: return EXIT_CONSOLE;
    case end_reason::shutdown:
    case end_reason::all_idle: return EXIT_GUEST_STUCK;
    case end_reason::none: break;
    }
    return EXIT_INTERNAL;
}

} // namespace vp
