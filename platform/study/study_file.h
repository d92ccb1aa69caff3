// SPDX-License-Identifier: Apache-2.0
// A study as its TOML file describes it: what all runs share, the grid, the values to collect, the plots.
// docs/studies.md explains the file; everything in it is checked here, so that a study that has begun can only fail run
// by run.
#ifndef PLATFORM_STUDY_STUDY_FILE_H
#define PLATFORM_STUDY_STUDY_FILE_H

#include "study_settings.h"

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace vp
{

// One value of a dimension: what it is called in tables, and what it sets.
struct study_point {
    std::string label;
    std::vector<study_setting> settings;
};

struct study_dimension {
    std::string name;
    std::vector<study_point> points;
};

// A value of each run.
struct study_column {
    enum class source {
        statistic, // key is its dotted name
        console,   // the first number behind the word `key` on a line of the guest's
        pattern,   // the group of this regular expression, in a line of the guest's
    };
    std::string name;
    source from = source::statistic;
    std::string key; // {dimension} stands for the point's label
    std::string unit;
    double scale = 1;
    bool optional = false; // a run without it has not failed
};

struct plot_axis {
    std::string label;
    bool log = false;
    std::optional<std::pair<double, double>> range;
    std::vector<double> tics; // empty: as gnuplot likes
};

struct study_plot {
    std::string name, title; // name: of the files
    std::string x;           // a dimension with numbers, or a column
    std::vector<std::string> y;
    std::string series; // a dimension; "": one line for each y
    plot_axis x_axis, y_axis;
    std::string legend;                         // where: "" below the plot, or "top left", ...
    std::map<std::string, std::string> labels;  // of points and columns in the legend
    std::map<std::string, std::string> only_at; // dimension and label: other runs are left out
};

struct study {
    std::string path, name, title; // name: of the file without .toml
    double timeout_s = 0;          // of one run
    std::vector<study_setting> common;
    std::vector<study_dimension> grid;
    std::vector<study_column> columns;
    std::vector<study_plot> plots;

    const study_dimension *dimension(const std::string &name) const;
    const study_column *column(const std::string &name) const;
};

// Throws user_error with file, line, key and what was expected.
study read_study(const std::string &path, const std::vector<std::string> &profile_directories);

} // namespace vp

#endif
