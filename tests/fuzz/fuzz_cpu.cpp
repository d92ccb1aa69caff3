// SPDX-License-Identifier: Apache-2.0
// Random machines run random code: nothing may crash, hang or read outside of guest memory (sanitizers tell), and the
// plain and the observed flavour of the core must end in the same state. One core alone that reads no clock and comes
// to an end must come to the same one with every timing model.
//   fuzz_cpu [--seconds S | --cases N] [--seed FIRST]
#include "fuzz_machine.h"

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <unistd.h>
#include <vector>

namespace
{

constexpr unsigned SECONDS_PER_CASE = 20;

volatile std::uint64_t current_case;

// A crash or a hang tells the seed before it ends the program.
extern "C" void on_signal(int number)
{
    char text[120];
    const int n = std::snprintf(text, sizeof text, "case %llu: %s\n  again: fuzz_cpu --cases 1 --seed %llu\n",
                                static_cast<unsigned long long>(current_case), number == SIGALRM ? "hangs" : "crashes",
                                static_cast<unsigned long long>(current_case));
    (void)!write(STDOUT_FILENO, text, static_cast<std::size_t>(n));
    std::signal(number, SIG_DFL);
    std::raise(number);
}

// An instance of a built-in timing model with its defaults.
class timing_instance
{
  public:
    explicit timing_instance(const char *name)
    {
        const struct timing_model *model = timing_find(name);
        std::vector<double> values;
        for (std::size_t i = 0; i < model->param_count; i++)
            values.push_back(model->params[i].default_value);
        struct timing_setup setup = {};
        setup.cores = fuzz_machine::CORES;
        setup.clock_hz = 2000000000;
        setup.values = values.data();
        char error[200];
        if (!timing_create(&timing, model, &setup, error, sizeof error)) {
            std::fprintf(stderr, "fuzz_cpu: %s: %s\n", name, error);
            std::exit(2);
        }
    }
    ~timing_instance() { timing_destroy(&timing); }
    timing_instance(const timing_instance &) = delete;
    timing_instance &operator=(const timing_instance &) = delete;
    struct timing timing = {};
};

constexpr unsigned ALONE_EVERY = 4; // cases
constexpr std::uint64_t ALONE_INSTRUCTIONS = 3000;
std::uint64_t compared_models; // cases that came to an end with every timing model

// The end of one core is the same whatever anything costs. Models with history keep theirs from case to case.
std::string try_timing_models(std::uint64_t seed)
{
    static const timing_instance table("table"), cache("cache");
    fuzz_machine functional(seed, false);
    if (!functional.run_alone(ALONE_INSTRUCTIONS, 10 * ALONE_INSTRUCTIONS))
        return "";
    compared_models++;
    for (const timing_instance *t : {&table, &cache}) {
        fuzz_machine other(seed, false, &t->timing);
        const std::string name = t->timing.model->name;
        if (!other.run_alone(functional.instructions() + 1))
            return "it does not end with the timing model " + name;
        if (functional.state(false) != other.state(false))
            return "the timing model " + name + " changes the result";
    }
    return "";
}

// Empty, or what is wrong with the case.
std::string try_case(std::uint64_t seed, std::uint64_t &instructions)
{
    current_case = seed;
    alarm(SECONDS_PER_CASE);
    fuzz_machine plain(seed, false), observed(seed, true);
    std::string wrong = plain.run();
    if (wrong.empty())
        wrong = observed.run();
    if (wrong.empty() && plain.state() != observed.state())
        wrong = "the plain and the observed flavour differ";
    instructions += plain.instructions() + observed.instructions();
    if (wrong.empty() && seed % ALONE_EVERY == 0)
        wrong = try_timing_models(seed);
    alarm(0);
    return wrong;
}

std::uint64_t number(const char *text)
{
    char *end = nullptr;
    const std::uint64_t value = std::strtoull(text, &end, 0);
    if (end == text || *end != '\0') {
        std::fprintf(stderr, "fuzz_cpu: '%s': expected a number\n", text);
        std::exit(2);
    }
    return value;
}

} // namespace

int main(int argc, char **argv)
{
    std::uint64_t seed = 1, cases = 1000, seconds = 0, instructions = 0;
    for (int i = 1; i < argc; i += 2) {
        std::uint64_t *target = std::strcmp(argv[i], "--seed") == 0      ? &seed
                                : std::strcmp(argv[i], "--cases") == 0   ? &cases
                                : std::strcmp(argv[i], "--seconds") == 0 ? &seconds
                                                                         : nullptr;
        if (target == nullptr || i + 1 == argc) {
            std::fprintf(stderr, "usage: fuzz_cpu [--seconds S | --cases N] [--seed FIRST]\n");
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
        const std::string wrong = try_case(seed, instructions);
        if (!wrong.empty()) {
            std::printf("case %llu: %s\n  again: fuzz_cpu --cases 1 --seed %llu\n",
                        static_cast<unsigned long long>(seed), wrong.c_str(), static_cast<unsigned long long>(seed));
            return 1;
        }
    }
    std::printf("%llu cases, %llu instructions, %llu compared under all timing models, nothing found\n",
                static_cast<unsigned long long>(done), static_cast<unsigned long long>(instructions),
                static_cast<unsigned long long>(compared_models));
    if (done >= 1000 && compared_models < done / (ALONE_EVERY * 20)) {
        std::printf("too few cases came to an end to compare timing models\n");
        return 1;
    }
    return 0;
}
