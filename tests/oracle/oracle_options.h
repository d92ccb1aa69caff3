// SPDX-License-Identifier: Apache-2.0
// How long and from where the oracle runs, from the environment: VP_ORACLE_SEED (0x.. or decimal; fixed by default, so
// that the ordinary tests are the same each time) and VP_ORACLE_SCALE (multiplies encodings and cases).
#ifndef ORACLE_OPTIONS_H
#define ORACLE_OPTIONS_H

#include <cstdint>
#include <cstdlib>
#include <string>

struct oracle_options {
    std::uint64_t seed = 20260101;
    unsigned scale = 1;

    static const oracle_options &get()
    {
        static const oracle_options options = from_environment();
        return options;
    }
    // A stream of its own for each call of a check, so that a form runs the same alone and among others.
    std::uint64_t seed_of(const std::string &form, unsigned call) const
    {
        std::uint64_t h = 0xcbf29ce484222325 ^ seed; // FNV-1a
        for (char c : form)
            h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3;
        return (h ^ call) * 0x100000001b3;
    }

  private:
    static oracle_options from_environment()
    {
        oracle_options o;
        if (const char *seed = std::getenv("VP_ORACLE_SEED"))
            o.seed = std::strtoull(seed, nullptr, 0);
        if (const char *scale = std::getenv("VP_ORACLE_SCALE"))
            o.scale = static_cast<unsigned>(std::strtoul(scale, nullptr, 0));
        if (o.scale == 0)
            o.scale = 1;
        return o;
    }
};

#endif
