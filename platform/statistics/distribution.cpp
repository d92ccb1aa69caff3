// SPDX-License-Identifier: Apache-2.0
// See distribution.h.
#include "distribution.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace vp
{

distribution_summary distribution::summary() const
{
    distribution_summary s;
    if (m_count == 0)
        return s;
    std::vector<std::pair<std::uint64_t, std::uint64_t>> sorted(m_counts.begin(), m_counts.end());
    std::sort(sorted.begin(), sorted.end());

    // Nearest rank: the smallest value with at least p percent of all values at or below it.
    auto percentile = [&](std::uint64_t p) {
        std::uint64_t rank = m_count / 100 * p + (m_count % 100 * p + 99) / 100;
        std::uint64_t seen = 0;
        for (const auto &[value, count] : sorted) {
            seen += count;
            if (seen >= std::max<std::uint64_t>(rank, 1))
                return value;
        }
        return sorted.back().first;
    };
    s.count = m_count;
    s.sum = m_sum;
    s.min = sorted.front().first;
    s.p50 = percentile(50);
    s.p95 = percentile(95);
    s.p99 = percentile(99);
    s.max = sorted.back().first;
    s.mean = static_cast<double>(m_sum) / static_cast<double>(m_count);
    return s;
}

void distribution::report(stat_tree &tree, const std::string &path, const char *counted, const char *unit,
                          const std::string &sentence) const
{
    const distribution_summary s = summary();
    tree.add(path + ".count", s.count, counted, sentence);
    tree.add(path + ".min", s.min, unit, "Shortest");
    tree.add(path + ".mean", s.mean, unit, "Mean");
    tree.add(path + ".p50", s.p50, unit, "Median, nearest rank");
    tree.add(path + ".p95", s.p95, unit, "95th percentile, nearest rank");
    tree.add(path + ".p99", s.p99, unit, "99th percentile, nearest rank");
    tree.add(path + ".max", s.max, unit, "Longest");
    tree.add(path + ".sum", s.sum, unit, "Sum of all");
}

} // namespace vp
