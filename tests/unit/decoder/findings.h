// SPDX-License-Identifier: Apache-2.0
// Disagreements with Zydis, counted by their words; those on purpose are listed with their reason in a .def file. One
// that is not listed fails the test, and so does one that is listed and does not occur.
#ifndef FINDINGS_H
#define FINDINGS_H

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <map>
#include <string>
#include <utility>
#include <vector>

struct deviation {
    std::string text, reason;
};

class findings
{
  public:
    // file: where the deviations are, for messages.
    findings(std::string file, std::vector<deviation> deviations)
        : m_file(std::move(file)), m_deviations(std::move(deviations))
    {
    }
    // bytes: the first `size` of them are shown, of the first case of its kind.
    void add(const std::string &text, unsigned mode_bits, const std::uint8_t *bytes, std::size_t size)
    {
        auto [at, is_new] = m_seen.try_emplace(text);
        at->second.count++;
        if (!is_new)
            return;
        at->second.example = std::to_string(mode_bits) + " bit:";
        for (std::size_t i = 0; i < size; i++) {
            char digits[4];
            std::snprintf(digits, sizeof digits, " %02x", static_cast<unsigned>(bytes[i]));
            at->second.example += digits;
        }
    }
    void judge() const
    {
        for (const auto &[text, what] : m_seen)
            EXPECT_TRUE(is_explained(text)) << text << " (" << what.count << " cases), first " << what.example;
        for (const deviation &d : m_deviations)
            EXPECT_EQ(m_seen.count(d.text), 1u) << m_file << " explains what does not occur: " << d.text;
    }

  private:
    struct what {
        std::uint64_t count = 0;
        std::string example;
    };
    std::string m_file;
    std::vector<deviation> m_deviations;
    std::map<std::string, what> m_seen;

    bool is_explained(const std::string &text) const
    {
        return std::any_of(m_deviations.begin(), m_deviations.end(),
                           [&](const deviation &d) { return d.text == text; });
    }
};

#endif
