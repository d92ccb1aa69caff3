// SPDX-License-Identifier: Apache-2.0
// The table of a study's results: a row for each finished run, in the order of the grid. It is written as CSV (RFC
// 4180) and into the study's SQLite file as table `results`; nothing in it depends on the host or on which run ended
// first.
#ifndef PLATFORM_STUDY_RESULT_TABLE_H
#define PLATFORM_STUDY_RESULT_TABLE_H

#include "columns.h"
#include "result_store.h"

#include <string>
#include <vector>

namespace vp
{

struct result_row {
    std::size_t run = 0;             // index into the grid's runs
    std::vector<std::string> labels; // of the points, by dimension
    std::vector<cell> values;        // by column
    int exit_status = 0;
    std::string reason; // "" if nothing failed

    bool has_failed() const { return !reason.empty(); }
};

// Picks the columns' values out of a stored run; a value that is missing is a reason to fail.
result_row make_row(const study &s, const std::vector<study_run> &runs, std::size_t run, const stored_run &stored);

std::string csv(const study &s, const std::vector<result_row> &rows);

// CSV in place of an older file, and the table `results`. Throws user_error.
void write_results(const study &s, const std::vector<result_row> &rows, const std::string &csv_path,
                   result_store &store);

} // namespace vp

#endif
