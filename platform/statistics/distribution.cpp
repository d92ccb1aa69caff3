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

} // namespace vp
