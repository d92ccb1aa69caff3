// SPDX-License-Identifier: Apache-2.0
// Random machines run random code: nothing may crash, hang or read outside of guest memory (sanitizers tell), and the
// flavours of the core must end in the same state: plain and observed; under a model with caches timed and observed, at
// the same cycle, with the same statistics. One core alone that reads no clock and comes to an end must come to the
// same one with every timing model.
#include "fuzz_machine.h"
#include "fuzz_main.h"
#include "timing_fixture.h"

#include <cstdio>
#include <cstdlib>
#include <utility>
#include <vector>

namespace
{

// A built-in timing model with its defaults, or with small caches: they are soon full.
class fuzz_model : public timing_instance
{
  public:
    explicit fuzz_model(const char *name, bool is_small = false) : timing_instance(timing_find(name))
    {
        const std::pair<const char *, double> small[] = {{"l1i_kib", 1},      {"l1i_ways", 2},    {"l1d_kib", 1},
                                                         {"l1d_ways", 2},     {"l2_kib", 4},      {"l2_ways", 4},
                                                         {"l3_kib", 16},      {"l3_ways", 4},     {"dtlb_entries", 4},
                                                         {"itlb_entries", 2}, {"stlb_entries", 8}};
        for (const auto &[key, v] : small)
            if (is_small)
                value(key) = v;
        cores = fuzz_machine::CORES;
        if (!create()) {
            std::fprintf(stderr, "fuzz_cpu: %s: %s\n", name, error.c_str());
            std::exit(2);
        }
    }
};

constexpr unsigned ALONE_EVERY = 4; // cases
constexpr std::uint64_t ALONE_INSTRUCTIONS = 3000;
std::uint64_t compared_models; // cases that came to an end with every timing model

// The end of one core is the same whatever anything costs. Models with history keep theirs from case to case.
std::string try_timing_models(std::uint64_t seed)
{
    static const fuzz_model table("table"), cache("cache");
    fuzz_machine functional(seed, false);
    if (!functional.run_alone(ALONE_INSTRUCTIONS, 10 * ALONE_INSTRUCTIONS))
        return "";
    compared_models++;
    for (const fuzz_model *t : {&table, &cache}) {
        fuzz_machine other(seed, false, &t->timing);
        const std::string name = t->timing.model->name;
        if (!other.run_alone(functional.instructions() + 1))
            return "it does not end with the timing model " + name;
        if (functional.state(false) != other.state(false))
            return "the timing model " + name + " changes the result";
    }
    return "";
}

// Under a model with caches, what need not be asked for is not: nothing else may come out.
std::string try_timed(std::uint64_t seed, std::uint64_t &instructions)
{
    const fuzz_model one("cache", true), another("cache", true);
    fuzz_machine timed(seed, false, &one.timing), observed(seed, true, &another.timing);
    std::string wrong = timed.run();
    if (wrong.empty())
        wrong = observed.run();
    if (wrong.empty() && timed.state() != observed.state())
        wrong = "the timed and the observed flavour differ";
    if (wrong.empty() && one.statistics() != another.statistics())
        wrong = "the timed and the observed flavour differ in the model's statistics";
    instructions += timed.instructions() + observed.instructions();
    return wrong;
}

// Empty, or what is wrong with the case.
std::string try_case(std::uint64_t seed, std::uint64_t &instructions)
{
    fuzz_machine plain(seed, false), observed(seed, true);
    std::string wrong = plain.run();
    if (wrong.empty())
        wrong = observed.run();
    if (wrong.empty() && plain.state() != observed.state())
        wrong = "the plain and the observed flavour differ";
    instructions += plain.instructions() + observed.instructions();
    if (wrong.empty())
        wrong = try_timed(seed, instructions);
    if (wrong.empty() && seed % ALONE_EVERY == 0)
        wrong = try_timing_models(seed);
    return wrong;
}

} // namespace

int main(int argc, char **argv)
{
    const int status = fuzz_main(argc, argv, {"fuzz_cpu", "instructions", try_case});
    std::printf("%llu cases compared under all timing models\n", static_cast<unsigned long long>(compared_models));
    return status;
}
