// SPDX-License-Identifier: Apache-2.0
// Length and validity of instructions, judged by a second decoder: every opcode of every map with every ModRM byte, in
// 16, 32 and 64-bit mode with the prefixes that matter, and random bytes. Each deviation is in deviations.def with its
// reason; one that does not occur any more fails the test.
#include "zydis_judge.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <map>
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

const struct deviation {
    const char *text;
    const char *reason;
} DEVIATIONS[] = {
#define DEVIATION(text, reason) {text, reason},
#include "deviations.def"
#undef DEVIATION
    {nullptr, nullptr},
};

class findings
{
  public:
    void add(unsigned mode_bits, const std::uint8_t *bytes, const std::string &text)
    {
        cases++;
        if (text.empty())
            return;
        auto [at, is_new] = m_seen.try_emplace(text);
        at->second.count++;
        if (is_new) {
            char hex[64];
            int n = std::snprintf(hex, sizeof hex, "%u bit:", mode_bits);
            for (int i = 0; i < 10; i++)
                n += std::snprintf(hex + n, sizeof hex - static_cast<std::size_t>(n), " %02x", bytes[i]);
            at->second.example = hex;
        }
    }
    // Reports what is not explained.
    void judge() const
    {
        for (const auto &[text, what] : m_seen)
            EXPECT_TRUE(is_explained(text)) << text << " (" << what.count << " cases), first " << what.example;
    }
    bool has(const std::string &text) const { return m_seen.count(text) != 0; }
    std::uint64_t cases = 0;

  private:
    static bool is_explained(const std::string &text)
    {
        for (const deviation *d = DEVIATIONS; d->text != nullptr; d++)
            if (text == d->text)
                return true;
        return false;
    }
    struct what {
        std::uint64_t count = 0;
        std::string example;
    };
    std::map<std::string, what> m_seen;
};

void enumerate(unsigned mode_bits, findings &found)
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

void random_bytes(unsigned mode_bits, findings &found, unsigned count)
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
    findings found;
    for (unsigned mode_bits : {16u, 32u, 64u}) {
        enumerate(mode_bits, found);
        random_bytes(mode_bits, found, 300000);
    }
    found.judge();
    for (const deviation *d = DEVIATIONS; d->text != nullptr; d++)
        EXPECT_TRUE(found.has(d->text)) << "deviations.def explains what does not occur: " << d->text;
    std::printf("%llu encodings compared\n", static_cast<unsigned long long>(found.cases));
}

} // namespace
