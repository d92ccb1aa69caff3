// SPDX-License-Identifier: Apache-2.0
// See host_terminal.h. What was there before is kept in static memory, because a signal handler has no other;
// tcsetattr, signal and raise are allowed in one (POSIX, "Signal Concepts").
#include "host_terminal.h"

#include <array>
#include <csignal>
#include <cstdlib>
#include <termios.h>

namespace vp
{

namespace
{

constexpr std::array<int, 7> ENDING{SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGQUIT, SIGHUP};
constexpr std::size_t STACK_BYTES = 65536;

volatile std::sig_atomic_t raw_fd = -1;
struct termios before;
std::array<char, STACK_BYTES> signal_stack; // the stack itself may be what is broken

extern "C" void on_ending_signal(int signal)
{
    restore_terminal();
    std::signal(signal, SIG_DFL);
    std::raise(signal);
}

// The handlers stay for good after the first time: what they restore is nothing while no terminal is raw.
void catch_ending_signals()
{
    static bool is_done = false;
    if (is_done)
        return;
    is_done = true;
    std::atexit(restore_terminal);
    stack_t stack = {};
    stack.ss_sp = signal_stack.data();
    stack.ss_size = signal_stack.size();
    sigaltstack(&stack, nullptr);
    struct sigaction action = {};
    action.sa_handler = on_ending_signal;
    action.sa_flags = SA_ONSTACK;
    sigemptyset(&action.sa_mask);
    for (const int signal : ENDING)
        sigaction(signal, &action, nullptr);
}

} // namespace

void restore_terminal()
{
    if (raw_fd < 0)
        return;
    tcsetattr(raw_fd, TCSANOW, &before);
    raw_fd = -1;
}

bool host_terminal::make_raw(int fd)
{
    if (m_is_raw || raw_fd >= 0 || tcgetattr(fd, &before) != 0)
        return m_is_raw;
    struct termios raw = before;
    cfmakeraw(&raw);
    raw.c_oflag = before.c_oflag;
    catch_ending_signals();
    raw_fd = fd; // first: a signal in between restores what is still there
    if (tcsetattr(fd, TCSANOW, &raw) != 0) {
        raw_fd = -1;
        return false;
    }
    m_is_raw = true;
    return true;
}

void host_terminal::restore()
{
    if (m_is_raw)
        restore_terminal();
    m_is_raw = false;
}

} // namespace vp
