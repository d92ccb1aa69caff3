// SPDX-License-Identifier: Apache-2.0
// The command line of every fuzzer: NAME [--seconds S | --cases N] [--seed FIRST]. Each case is made from its number
// alone; the first that finds something, crashes or hangs is printed with the command that repeats it.
#ifndef FUZZ_MAIN_H
#define FUZZ_MAIN_H

#include <cstdint>
#include <functional>
#include <string>

struct fuzz_program {
    const char *name;
    const char *unit; // of what `work` counts
    // Empty, or what is wrong with the case. Adds to work.
    std::function<std::string(std::uint64_t seed, std::uint64_t &work)> try_case;
};

int fuzz_main(int argc, char **argv, const fuzz_program &program);

#endif
