// SPDX-License-Identifier: Apache-2.0
// See fuzz_main.h.
#include "fuzz_main.h"

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <unistd.h>

namespace
{

constexpr unsigned SECONDS_PER_CASE = 20;

const char *program_name = "";
volatile std::uint64_t current_case;

// A crash or a hang tells the seed before it ends the program.
extern "C" void on_signal(int number)
{
    char text[160];
    const auto seed = static_cast<unsigned long long>(current_case);
    const int n = std::snprintf(text, sizeof text, "case %llu: %s\n  again: %s --cases 1 --seed %llu\n", seed,
                                number == SIGALRM ? "hangs" : "crashes", program_name, seed);
    (void)!write(STDOUT_FILENO, text, static_cast<std::size_t>(n));
    std::signal(number, SIG_DFL);
    std::raise(number);
}

std::uint64_t number(const char *text)
{
    char *end = nullptr;
    const std::uint64_t value = std::strtoull(text, &end, 0);
    if (end == text || *end != '\0') {
        std::fprintf(stderr, "%s: '%s': expected a number\n", program_name, text);
        std::exit(2);
    }
    return value;
}

} // namespace

int fuzz_main(int argc, char **argv, const fuzz_program &program)
{
    program_name = program.name;
    std::uint64_t seed = 1, cases = 1000, seconds = 0, work = 0;
    for (int i = 1; i < argc; i += 2) {
        std::uint64_t *target = std::strcmp(argv[i], "--seed") == 0      ? &seed
                                : std::strcmp(argv[i], "--cases") == 0   ? &cases
                                : std::strcmp(argv[i], "--seconds") == 0 ? &seconds
                                                                         : nullptr;
        if (target == nullptr || i + 1 == argc) {
            std::fprintf(stderr, "usage: %s [--seconds S | --cases N] [--seed FIRST]\n", program_name);
            return 2;
        }
        *target = number(argv[i + 1]);
    }
    for (int fatal : {SIGALRM, SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL})
        std::signal(fatal, on_signal);
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
    const bool shows_progress = isatty(STDERR_FILENO) != 0;
    std::uint64_t done = 0;
    for (; seconds != 0 ? std::chrono::steady_clock::now() < end : done < cases; done++, seed++) {
        if (shows_progress)
            std::fprintf(stderr, "\rcase %llu", static_cast<unsigned long long>(seed));
        current_case = seed;
        alarm(SECONDS_PER_CASE);
        const std::string wrong = program.try_case(seed, work);
        alarm(0);
        if (!wrong.empty()) {
            std::printf("case %llu: %s\n  again: %s --cases 1 --seed %llu\n", static_cast<unsigned long long>(seed),
                        wrong.c_str(), program_name, static_cast<unsigned long long>(seed));
            return 1;
        }
    }
    std::printf("%llu cases, %llu %s, nothing found\n", static_cast<unsigned long long>(done),
                static_cast<unsigned long long>(work), program.unit);
    return 0;
}
