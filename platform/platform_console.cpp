// SPDX-License-Identifier: Apache-2.0
// How the host's input reaches COM1 (devices/console_input.h): between the slices of a run, and when nothing else can
// happen. Input of a file or pipe needs this at its end only: before, the UART takes it when the guest looks.
#include "platform.h"

#include <algorithm>
#include <cstdio>

namespace vp
{

namespace
{

constexpr int WITHOUT_LIMIT = -1, SLICE_MS = 1;
// A guest that has looked so often in vain, and done nothing else with its UART, waits for input.
constexpr unsigned POLLS_OF_A_WAITING_GUEST = 1000;

} // namespace

void platform::connect_console()
{
    m_end_of_file_due = sc_core::SC_ZERO_TIME;
    m_end_of_file_gap = sc_core::sc_time(1, sc_core::SC_MS);
    m_input.on_wait = [this] { m_console.flush(); };
    m_input.on_long_wait = [this] {
        if (!m_options.quiet)
            std::fprintf(stderr, "uintr-vp: the guest reads its console: waiting for input (console.input = %s)\n",
                         m_config.text("console.input").c_str());
    };
    m_input.on_raw = [this] {
        m_progress.give_way();
        if (!m_options.quiet)
            std::fprintf(stderr, "uintr-vp: the keyboard is the guest's now; Ctrl-A x ends the run\n");
    };
}

// Every core waits and nothing will wake one: may input? Not if the guest could not feel it.
bool platform::can_wait_for_input() const
{
    return m_com1.is_listening() && m_com1.is_drained() && m_input.may_come() &&
           std::any_of(m_cores.begin(), m_cores.end(), [](const auto &c) { return cpu_listens(c->core()); });
}

bool platform::guest_waits_for_input() const
{
    return m_com1.is_drained() && (m_keeper.is_all_waiting() || m_com1.polls() >= POLLS_OF_A_WAITING_GUEST);
}

// Between two slices. What comes is felt a lookahead after the core that is furthest ahead, as if it had come then.
void platform::serve_console()
{
    m_console.flush(); // a prompt ends without a new line
    const std::uint64_t now = m_keeper.latest();
    if (!m_com1.is_wanted() || now >= m_end.cycle)
        return;
    const bool is_idle = m_keeper.is_all_idle();
    if (m_input.is_terminal() && !m_input.has_ended()) {
        // While every core waits, simulated time does not run ahead of the user's, and the host has a rest.
        m_input.poll(is_idle ? WITHOUT_LIMIT : m_keeper.is_all_waiting() ? SLICE_MS : 0);
    } else if (m_input.has_ended() && guest_waits_for_input() &&
               (is_idle || sc_core::sc_time_stamp() >= m_end_of_file_due) && m_input.end_of_file()) {
        // The guest may have slept, and not waited for input at all: again, but each time later.
        m_end_of_file_due = sc_core::sc_time_stamp() + m_end_of_file_gap;
        m_end_of_file_gap += m_end_of_file_gap;
    }
    m_com1.look(ps_of_cycle(now));
    m_com1_timer->plan(ps_of_cycle(now));
    if (m_input.wants_to_quit())
        request_end(now, end_reason::console);
    else if (is_idle && m_keeper.is_all_idle() && !can_wait_for_input())
        request_end(now, end_reason::all_idle);
}

} // namespace vp
