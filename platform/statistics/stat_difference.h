// SPDX-License-Identifier: Apache-2.0
// How far the statistics of two runs of one image are apart, value by value and for each stage of a user interrupt.
// Host-dependent values and the configuration are left out: they say how a run was made, not what it did.
#ifndef PLATFORM_STATISTICS_STAT_DIFFERENCE_H
#define PLATFORM_STATISTICS_STAT_DIFFERENCE_H

#include <nlohmann/json.hpp>

#include <string>
#include <vector>

namespace vp
{

struct stat_difference {
    std::string path;
    std::string value, reference; // "(none)" where a run has no such value
    bool is_number = false;       // both are: the two below are meant
    double absolute = 0;          // value - reference
    double relative = 0;          // |absolute| / |reference|; infinite if the reference is 0
};

// What differs, the largest relative difference first (what is no number before all), then by path.
std::vector<stat_difference> compare_statistics(const nlohmann::ordered_json &run,
                                                const nlohmann::ordered_json &reference);

// For each stage: which of its cycles (min mean p50 p95 p99 max) is farthest apart; path is "post", "issue", ...,
// "end_to_end", and is_number is false if the stage did not occur in both. `what` is that value's name.
struct stage_difference : stat_difference {
    std::string what;
};
std::vector<stage_difference> compare_stages(const nlohmann::ordered_json &run,
                                             const nlohmann::ordered_json &reference);

// The report of `run --quantum-check`: two tables, or one line that says that all is identical.
std::string difference_report(const nlohmann::ordered_json &run, const nlohmann::ordered_json &reference,
                              const std::string &run_name, const std::string &reference_name);

} // namespace vp

#endif
