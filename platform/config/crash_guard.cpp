// SPDX-License-Identifier: Apache-2.0
// See crash_guard.h. The handler uses only what POSIX allows in one: write and _exit.
#include "crash_guard.h"

#include <cstdlib>
#include <cstring>
#include <unistd.h>

namespace vp
{

namespace
{

constexpr int EXIT_USER_MISTAKE = 125;
constexpr std::size_t STACK_BYTES = 65536;

// Of the guard in force.
const std::string *volatile crashed = nullptr;
const std::string *volatile ended = nullptr;

void say(const char *text, std::size_t size)
{
    if (write(STDERR_FILENO, text, size) < 0) {
        // Nobody listens; the status still tells.
    }
}

const char *name_of(int signal)
{
    switch (signal) {
    case SIGSEGV: return " (SIGSEGV)\n";
    case SIGBUS: return " (SIGBUS)\n";
    case SIGFPE: return " (SIGFPE)\n";
    case SIGILL: return " (SIGILL)\n";
    default: return " (SIGABRT)\n";
    }
}

extern "C" void on_crash(int signal)
{
    const char *name = name_of(signal);
    say(crashed->data(), crashed->size());
    say(name, std::strlen(name));
    _exit(EXIT_USER_MISTAKE);
}

extern "C" void on_exit_call()
{
    if (ended == nullptr)
        return;
    say(ended->data(), ended->size());
    _exit(EXIT_USER_MISTAKE);
}

} // namespace

crash_guard::crash_guard(const std::string &whose, const std::string &when)
    : m_crashed("uintr-vp: error: " + whose + " crashed " + when),
      m_ended("uintr-vp: error: " + whose + " ended the process " + when + "\n"), m_stack(new char[STACK_BYTES])
{
    static const bool is_registered = std::atexit(on_exit_call) == 0;
    ended = is_registered ? &m_ended : nullptr;
    crashed = &m_crashed;
    stack_t stack = {};
    stack.ss_sp = m_stack.get();
    stack.ss_size = STACK_BYTES;
    sigaltstack(&stack, &m_stack_before);
    struct sigaction action = {};
    action.sa_handler = on_crash;
    action.sa_flags = SA_ONSTACK;
    sigemptyset(&action.sa_mask);
    for (std::size_t i = 0; i < SIGNALS.size(); i++)
        sigaction(SIGNALS[i], &action, &m_before[i]);
}

crash_guard::~crash_guard()
{
    for (std::size_t i = 0; i < SIGNALS.size(); i++)
        sigaction(SIGNALS[i], &m_before[i], nullptr);
    sigaltstack(&m_stack_before, nullptr);
    crashed = ended = nullptr;
}

} // namespace vp
