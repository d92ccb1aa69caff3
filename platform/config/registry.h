// SPDX-License-Identifier: Apache-2.0
// What can be configured: each key with type, unit, range, default and a sentence. The keys of the chosen timing model
// are added when it is known (configuration.cpp).
#ifndef PLATFORM_CONFIG_REGISTRY_H
#define PLATFORM_CONFIG_REGISTRY_H

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace vp
{

enum class key_type {
    integer, // unsigned
    size,    // bytes; K, M, G suffixes
    real,
    boolean,
    text,
    choice,   // one of `choices`
    features, // list of CPUID feature names
    quantum,  // auto | N(insn|cycles|ns)
};

// Integers and sizes are uint64; choices, features and quanta are their text.
using key_value = std::variant<bool, std::uint64_t, double, std::string>;

struct key_info {
    std::string name;
    key_type type;
    std::string unit; // "" for none
    key_value default_value;
    double min = 0, max = 0; // of integer, size and real
    std::vector<std::string> choices;
    std::string sentence;
    std::string source; // of the default; "" if it is a plain choice of ours
};

const std::vector<key_info> &platform_keys();
// What keys begin with, up to the dot.
std::vector<std::string> key_sections();

// What a value of this key looks like, for messages: "an integer from 1 to 64".
std::string expectation(const key_info &key);
std::string to_text(const key_value &value);

} // namespace vp

#endif
