// SPDX-License-Identifier: Apache-2.0
// The values that a study picks from a run: statistics by their dotted name, and what the guest printed.
#ifndef PLATFORM_STUDY_COLUMNS_H
#define PLATFORM_STUDY_COLUMNS_H

#include "grid.h"

#include <nlohmann/json.hpp>

#include <string>
#include <variant>

namespace vp
{

// monostate: there is none.
using cell = std::variant<std::monostate, std::int64_t, double, std::string>;

std::string cell_text(const cell &value); // "" if there is none

// A run's number as it was written: an integer if it looks like one; otherwise text.
cell cell_from_text(const std::string &text);

// The column's key with each {dimension} replaced by the run's label.
std::string column_key(const study &s, const study_run &run, const study_column &column);

// key: of column_key(). statistics: null if the run wrote none. A distribution without values has no mean, least, most
// and percentiles: the statistics have 0 there.
cell extract(const study_column &column, const std::string &key, const nlohmann::ordered_json &statistics,
             const std::string &console);

// Why extract() found nothing: the words after "column NAME: ".
std::string why_missing(const study_column &column, const std::string &key, const nlohmann::ordered_json &statistics);

} // namespace vp

#endif
