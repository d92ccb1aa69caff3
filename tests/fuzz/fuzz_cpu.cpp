// SPDX-License-Identifier: Apache-2.0
// Random machines run random code: nothing may crash, hang or read outside of guest memory (sanitizers tell), and the
// flavours of the core must end in the same state: plain and observed; under a model with caches timed and observed, at
// the same cycle, with the same statistics. One core alone that reads no clock and comes to an end must come to the
// same one with every timing model.
#include "fuzz_machine.h"
#include "fuzz_main.h"

#include <cstdio>
#include <cstdlib>
#include <utility>
#include <vector>

namespace
{

// An instance of a built-in timing model with its defaults, or with small caches: they are soon full.
class timing_instance
{
  public:
    explicit timing_instance(const char *name, bool is_small = false)
    {
        const struct timing_model *model = timing_find(name);
        std::vector<double> values;
        for (std::size_t i = 0; i < model->param_count; i++)
            values.push_back(model->params[i].default_value);
        const std::pair<const char *, double> small[] = {{"l1i_kib", 1},      {"l1i_ways", 2},    {"l1d_kib", 1},
                                                         {"l1d_ways", 2},     {"l2_kib", 4},      {"l2_ways", 4},
                                                         {"l3_kib", 16},      {"l3_ways", 4},     {"dtlb_entries", 4},
                                                         {"itlb_entries", 2}, {"stlb_entries", 8}};
        for (const auto &[key, value] : small)
            if (is_small)
                values.at(static_cast<std::size_t>(timing_param_index(model, key))) = value;
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
    std::string report() const
    {
        std::string text;
        timing.model->report(timing.self, &text,
                             [](void *ctx, const char *name, double value, const char *, const char *) {
                                 *static_cast<std::string *>(ctx) += name + (" " + std::to_string(value)) + "\n";
                             });
        return text;
    }
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

// Under a model with caches, what need not be asked for is not: nothing else may come out.
std::string try_timed(std::uint64_t seed, std::uint64_t &instructions)
{
    const timing_instance one("cache", true), another("cache", true);
    fuzz_machine timed(seed, false, &one.timing), observed(seed, true, &another.timing);
    std::string wrong = timed.run();
    if (wrong.empty())
        wrong = observed.run();
    if (wrong.empty() && timed.state() != observed.state())
        wrong = "the timed and the observed flavour differ";
    if (wrong.empty() && one.report() != another.report())
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
