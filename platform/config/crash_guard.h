// SPDX-License-Identifier: Apache-2.0
// While foreign code runs that a user brought (the constructors and the entry function of a timing plug-in, its hooks
// create and report), a crash in it, an exception or a call of exit() must not look like something that the simulator
// did: the process then ends with status 125 and one line that says whose code it was. Outside of a guard signals and
// exit() do what they always did. One guard at a time; the program has one thread.
#ifndef PLATFORM_CONFIG_CRASH_GUARD_H
#define PLATFORM_CONFIG_CRASH_GUARD_H

#include "user_error.h"

#include <array>
#include <csignal>
#include <exception>
#include <memory>
#include <string>

namespace vp
{

class crash_guard
{
  public:
    // "uintr-vp: error: WHOSE crashed WHEN (SIGSEGV)", "... ended the process WHEN"
    crash_guard(const std::string &whose, const std::string &when);
    ~crash_guard();
    // Calls `foreign` under a guard and answers what it does. An exception: user_error, "WHOSE threw WHEN: WHAT".
    template <class F>
    static auto call(const std::string &whose, const std::string &when, F foreign)
    {
        const crash_guard guard(whose, when);
        try {
            return foreign();
        } catch (const std::exception &e) {
            throw user_error(whose + " threw an exception " + when + ": " + e.what());
        } catch (...) {
            throw user_error(whose + " threw an exception " + when);
        }
    }
    crash_guard(const crash_guard &) = delete;
    crash_guard &operator=(const crash_guard &) = delete;

  private:
    static constexpr std::array SIGNALS = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
    std::string m_crashed; // all but the signal's name: the handler may not allocate
    std::string m_ended;
    std::array<struct sigaction, SIGNALS.size()> m_before{};
    std::unique_ptr<char[]> m_stack; // the handler's own, since the crash may be a stack overflow
    stack_t m_stack_before{};
};

} // namespace vp

#endif
