// SPDX-License-Identifier: Apache-2.0
// The distribution of a whole quantity, kept exactly: a count per distinct value. Percentiles are by nearest rank, so
// they are always values that occurred.
#ifndef PLATFORM_STATISTICS_DISTRIBUTION_H
#define PLATFORM_STATISTICS_DISTRIBUTION_H

#include "stat_tree.h"

#include <cstdint>
#include <string>
#include <unordered_map>

namespace vp
{

struct distribution_summary {
    std::uint64_t count = 0, sum = 0, min = 0, p50 = 0, p95 = 0, p99 = 0, max = 0;
    double mean = 0;
};

class distribution
{
  public:
    void add(std::uint64_t value)
    {
        m_counts[value]++;
        m_count++;
        m_sum += value;
    }
    std::uint64_t count() const { return m_count; }
    distribution_summary summary() const; // all zero if there is no value
    // path.count in units of `counted`, with the sentence, and path.min to path.max and path.sum in `unit`.
    void report(stat_tree &tree, const std::string &path, const char *counted, const char *unit,
                const std::string &sentence) const;

  private:
    std::unordered_map<std::uint64_t, std::uint64_t> m_counts;
    std::uint64_t m_count = 0, m_sum = 0;
};

} // namespace vp

#endif
