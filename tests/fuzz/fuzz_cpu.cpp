// SPDX-License-Identifier: Apache-2.0
// Random machines run random code: nothing may crash, hang or read outside of guest memory (sanitizers tell), and the
// plain and the observed flavour of the core must end in the same state.
#include "fuzz_machine.h"
#include "fuzz_main.h"

namespace
{

std::string try_case(std::uint64_t seed, std::uint64_t &instructions)
{
    fuzz_machine plain(seed, false), observed(seed, true);
    std::string wrong = plain.run();
    if (wrong.empty())
        wrong = observed.run();
    if (wrong.empty() && plain.state() != observed.state())
        wrong = "the plain and the observed flavour differ";
    instructions += plain.instructions() + observed.instructions();
    return wrong;
}

} // namespace

int main(int argc, char **argv) { return fuzz_main(argc, argv, {"fuzz_cpu", "instructions", try_case}); }
