// SPDX-License-Identifier: Apache-2.0
// The program. It brings its own main, so that SystemC's banner stays off the user's terminal; everything else is in
// commands.cpp.
#include "commands.h"
#include "host_terminal.h"
#include "process_pool.h"

#include <csignal>
#include <cstdlib>
#include <ctime>
#include <string>
#include <systemc>
#include <vector>

namespace
{

volatile std::sig_atomic_t interrupted = 0;
volatile std::time_t first_interrupt = 0;
bool is_child = false; // of a study or a quantum check

// The first interrupt ends the run in order, with statistics and traces; another one, a second later or more, ends the
// program (the two that a terminal and a parent may send together are one).
void on_interrupt(int signal)
{
    const std::time_t now = std::time(nullptr);
    if (interrupted != 0 && now > first_interrupt + 1) {
        vp::restore_terminal();
        std::signal(signal, SIG_DFL);
        std::raise(signal);
    }
    if (interrupted == 0)
        first_interrupt = now;
    interrupted = 1;
}

} // namespace

int sc_main(int argc, char *argv[])
{
    // A child ends at once, by the signal, so that its parent sees that it did not end by itself; nobody wants
    // statistics of half a run there.
    for (const int signal : {SIGINT, SIGTERM})
        std::signal(signal, is_child ? SIG_DFL : on_interrupt);
    sc_core::sc_set_time_resolution(1, sc_core::SC_FS); // clocks need whole femtoseconds; see cpu.clock_hz
    return vp::run_program(std::vector<std::string>(argv + 1, argv + argc), &interrupted);
}

int main(int argc, char *argv[])
{
    is_child = vp::die_with_parent();
    setenv("SYSTEMC_DISABLE_COPYRIGHT_MESSAGE", "1", 1);
    return sc_core::sc_elab_and_sim(argc, argv);
}
