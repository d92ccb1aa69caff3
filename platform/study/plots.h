// SPDX-License-Identifier: Apache-2.0
// The plots of a study, by gnuplot: NAME.gnuplot with the data in it, NAME.svg and NAME.png. Lines differ in colour,
// dash and point, so that they can be told apart in print; the legend stands below the axes unless the study file says
// where.
#ifndef PLATFORM_STUDY_PLOTS_H
#define PLATFORM_STUDY_PLOTS_H

#include "result_table.h"

#include <string>
#include <vector>

namespace vp
{

// Several runs at one point (seeds, or dimensions that the plot does not name): their median, and from least to most.
struct plot_point {
    double x = 0, median = 0, least = 0, most = 0;
    std::size_t runs = 0;
};

struct plot_line {
    std::string label;
    std::vector<plot_point> points; // by x
};

// Lines in the order of y and of the series' points; those without a point are left out. Failed runs, values that are
// no number, and on a logarithmic axis what is not above 0, are no points.
std::vector<plot_line> plot_lines(const study &s, const study_plot &plot, const std::vector<result_row> &rows);

// The gnuplot script; it is run in the folder of its outputs.
std::string plot_script(const study_plot &plot, const std::vector<plot_line> &lines);

std::string find_gnuplot(); // its path, or "" if it is not installed

// Writes and runs the script. Answers false if there is nothing to draw. Throws std::runtime_error with gnuplot's
// words.
bool draw_plot(const std::string &gnuplot, const std::string &folder, const study_plot &plot,
               const std::vector<plot_line> &lines);

// Those of a plot that has nothing to show any more, with their script. Answers false if there were none.
bool remove_pictures(const std::string &folder, const study_plot &plot);

} // namespace vp

#endif
