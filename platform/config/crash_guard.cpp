// SPDX-License-Identifier: Apache-2.0
// See crash_guard.h. The handler uses only what POSIX allows in one: write and _exit.
#include "crash_guard.h"

#include <cstring>
#include <unistd.h>

namespace vp
{

namespace
{

constexpr int EXIT_USER_MISTAKE = 125;
constexpr std::size_t STACK_BYTES = 65536;

const std::string *volatile message = nullptr; // of the guard in force

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
    if (write(STDERR_FILENO, message->data(), message->size()) < 0 ||
        write(STDERR_FILENO, name, std::strlen(name)) < 0) {
        // Nobody listens; the status still tells.
    }
    _exit(EXIT_USER_MISTAKE);
}

} // namespace

crash_guard::crash_guard(const std::string &whose, const std::string &when)
    : m_message("uintr-vp: error: " + whose + " crashed " + when), m_stack(new char[STACK_BYTES])
{
    message = &m_message;
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
    message = nullptr;
}

} // namespace vp
