// SPDX-License-Identifier: Apache-2.0
// Length and validity of instructions, judged by a second decoder: every opcode of every map with every ModRM byte, in
// 16, 32 and 64-bit mode with the prefixes that matter, and random bytes. Each deviation is in deviations.def with its
// reason; one that does not occur any more fails the test.
#include "findings.h"
#include "zydis_judge.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <random>
#include <string>
#include <vector>

namespace
{

using prefixes = std::vector<std::uint8_t>;

const std::vector<prefixes> LEGACY_PREFIXES{{},     {0x66},       {0xf2},       {0xf3},       {0x67},
                                            {0xf0}, {0x66, 0xf2}, {0x66, 0xf3}, {0x66, 0x67}, {0xf0, 0x66}};
const std::vector<prefixes> LONG_PREFIXES{{},           {0x66},       {0xf2},       {0xf3},       {0x67},
                                          {0xf0},       {0x48},       {0x66, 0x48}, {0xf3, 0x48}, {0xf2, 0x48},
                                          {0x66, 0xf2}, {0x66, 0xf3}, {0x4f},       {0xf0, 0x48}, {0x48, 0x66}};

class decoder_findings : public findings
{
  public:
    decoder_findings()
        : findings("deviations.def", {
#define DEVIATION(text, reason) {text, reason},
#include "deviations.def"
#undef DEVIATION
                                     })
    {
    }
    void add(unsigned mode_bits, const std::uint8_t *bytes, const std::string &text)
    {
        cases++;
        if (!text.empty())
            findings::add(text, mode_bits, bytes, 10);
    }
    std::uint64_t cases = 0;
};

void enumerate(unsigned mode_bits, decoder_findings &found)
{
    zydis_judge judge(mode_bits);
    const std::vector<std::vector<std::uint8_t>> maps{{}, {0x0f}, {0x0f, 0x38}, {0x0f, 0x3a}};
    for (const prefixes &prefix : mode_bits == 64 ? LONG_PREFIXES : LEGACY_PREFIXES)
        for (const auto &map : maps)
            for (unsigned opcode = 0; opcode < 256; opcode++)
                for (unsigned modrm = 0; modrm < 256; modrm++) {
                    std::array<std::uint8_t, 24> bytes;
                    bytes.fill(0x24); // also a SIB byte
                    std::size_t n = 0;
                    for (std::uint8_t p : prefix)
                        bytes[n++] = p;
                    for (std::uint8_t m : map)
                        bytes[n++] = m;
                    bytes[n++] = static_cast<std::uint8_t>(opcode);
                    bytes[n] = static_cast<std::uint8_t>(modrm);
                    found.add(mode_bits, bytes.data(), judge.disagreement(bytes.data(), bytes.size()));
                }
}

void random_bytes(unsigned mode_bits, decoder_findings &found, unsigned count)
{
    zydis_judge judge(mode_bits);
    std::mt19937_64 random(mode_bits);
    for (unsigned i = 0; i < count; i++) {
        std::array<std::uint8_t, 24> bytes;
        for (std::uint8_t &b : bytes)
            b = static_cast<std::uint8_t>(random());
        if (random() % 2) // more of the two-byte maps than chance would give
            bytes[random() % 3] = 0x0f;
        found.add(mode_bits, bytes.data(), judge.disagreement(bytes.data(), bytes.size()));
    }
}

TEST(decoder, agrees_with_zydis)
{
    decoder_findings found;
    for (unsigned mode_bits : {16u, 32u, 64u}) {
        enumerate(mode_bits, found);
        random_bytes(mode_bits, found, 300000);
    }
    found.judge();
    std::printf("%llu encodings compared\n", static_cast<unsigned long long>(found.cases));
}

} // namespace
