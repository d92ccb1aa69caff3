// SPDX-License-Identifier: Apache-2.0
// Suggestions for misspelt words: Levenshtein distance, at most a third of the word wrong.
#include "user_error.h"

#include <algorithm>
#include <numeric>

namespace vp
{

namespace
{

std::size_t edit_distance(const std::string &a, const std::string &b)
{
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 1; i <= a.size(); i++) {
        std::size_t diagonal = row[0];
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); j++) {
            std::size_t substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
            diagonal = row[j];
            row[j] = std::min({row[j] + 1, row[j - 1] + 1, substituted});
        }
    }
    return row[b.size()];
}

} // namespace

std::string nearest(const std::string &word, const std::vector<std::string> &candidates)
{
    constexpr std::size_t LONGEST = 100; // nobody misspells a word of that length
    if (word.size() > LONGEST)
        return "";
    std::string best;
    std::size_t best_distance = std::max<std::size_t>(2, word.size() / 3) + 1;
    for (const std::string &c : candidates) {
        std::size_t d = edit_distance(word, c);
        // "cores" is surely meant as "platform.cores"
        std::size_t dot = c.rfind('.');
        if (dot != std::string::npos)
            d = std::min(d, edit_distance(word, c.substr(dot + 1)) + 1);
        if (d < best_distance) {
            best_distance = d;
            best = c;
        }
    }
    return best;
}

std::string suggestion(const std::string &word, const std::vector<std::string> &candidates)
{
    std::string best = nearest(word, candidates);
    return best.empty() ? "" : " (did you mean '" + best + "'?)";
}

} // namespace vp
