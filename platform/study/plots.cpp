// SPDX-License-Identifier: Apache-2.0
// See plots.h.
#include "plots.h"

#include "config/units.h"
#include "config/user_error.h"
#include "scratch_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <map>
#include <spawn.h>
#include <sstream>
#include <stdexcept>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

namespace vp
{

namespace
{

// Colours that colour-blind readers tell apart and that are dark enough on paper; dashes and points do it in black and
// white.
struct line_style {
    const char *colour, *dash;
    int point;
};
constexpr std::array<line_style, 8> STYLES{{{"#0b5394", "solid", 7},
                                            {"#c2410c", "(10,5)", 5},
                                            {"#1b7f4d", "(3,4)", 9},
                                            {"#7a2a8a", "(12,4,3,4)", 13},
                                            {"#333333", "(6,3)", 6},
                                            {"#a07800", "(2,3)", 4},
                                            {"#00838f", "(14,4,3,4,3,4)", 8},
                                            {"#8a1c1c", "(5,2)", 12}}};

// The same picture at two sizes; gnuplot makes room for texts by the size of the font.
struct medium {
    const char *terminal, *ending;
    int width, height, font_size;
};
constexpr std::array<medium, 2> MEDIA{
    {{"svg", "svg", 800, 560, 15}, {"pngcairo linewidth 2 pointscale 2", "png", 1600, 1120, 30}}};

std::optional<double> number_of(const cell &value)
{
    if (const auto *i = std::get_if<std::int64_t>(&value))
        return static_cast<double>(*i);
    if (const auto *d = std::get_if<double>(&value))
        return *d;
    return std::nullopt;
}

std::size_t index_of(const study &s, const std::string &dimension)
{
    const auto found = std::find_if(s.grid.begin(), s.grid.end(), [&](const auto &d) { return d.name == dimension; });
    return static_cast<std::size_t>(found - s.grid.begin());
}

std::optional<double> value_in(const study &s, const result_row &row, const std::string &name)
{
    if (s.dimension(name) != nullptr)
        return parse_real(row.labels[index_of(s, name)]);
    for (std::size_t c = 0; c < s.columns.size(); c++)
        if (s.columns[c].name == name)
            return number_of(row.values[c]);
    return std::nullopt;
}

bool is_drawn(const study &s, const study_plot &plot, const result_row &row)
{
    return !row.has_failed() && std::all_of(plot.only_at.begin(), plot.only_at.end(), [&](const auto &at) {
        return row.labels[index_of(s, at.first)] == at.second;
    });
}

plot_point make_point(double x, std::vector<double> values)
{
    std::sort(values.begin(), values.end());
    const std::size_t n = values.size();
    const double median = n % 2 != 0 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
    return {x, median, values.front(), values.back(), n};
}

std::string label_in(const study_plot &plot, const std::string &name)
{
    const auto found = plot.labels.find(name);
    return found == plot.labels.end() ? name : found->second;
}

plot_line make_line(const study &s, const study_plot &plot, const std::vector<result_row> &rows, const std::string &y,
                    const std::string &series_label)
{
    std::map<double, std::vector<double>> found;
    for (const result_row &row : rows) {
        if (!is_drawn(s, plot, row) || (!plot.series.empty() && row.labels[index_of(s, plot.series)] != series_label))
            continue;
        const auto x = value_in(s, row, plot.x), value = value_in(s, row, y);
        if (x && value && (!plot.x_axis.log || *x > 0) && (!plot.y_axis.log || *value > 0))
            found[*x].push_back(*value);
    }
    plot_line line;
    const bool several = plot.y.size() > 1;
    line.label = plot.series.empty() ? label_in(plot, y)
                 : several           ? label_in(plot, series_label) + ", " + label_in(plot, y)
                                     : label_in(plot, series_label);
    for (const auto &[x, values] : found)
        line.points.push_back(make_point(x, values));
    return line;
}

// A text in gnuplot's single quotes, where nothing but the quote is special.
std::string quoted(const std::string &text)
{
    std::string out = "'";
    for (const char c : text)
        out += c == '\'' ? std::string("''") : c == '\n' ? std::string(" ") : std::string(1, c);
    return out + "'";
}

std::string axis_script(const char *letter, const plot_axis &axis)
{
    // gnuplot's own format has a blank for a sign, which counts when a label is centred below its tic.
    std::string out = fmt::format("set {0}label {1} noenhanced\nset format {0} '%.10g'\n", letter, quoted(axis.label));
    if (axis.log)
        out += fmt::format("set logscale {} 10\n", letter);
    if (axis.range)
        out += fmt::format("set {}range [{}:{}]\n", letter, axis.range->first, axis.range->second);
    else if (!axis.log)
        out += fmt::format("set {}range [0:*]\n", letter);
    if (!axis.tics.empty())
        out += fmt::format("set {}tics ({}) nomirror\nunset m{}tics\n", letter, fmt::join(axis.tics, ", "), letter);
    return out;
}

// Below the axes, the height is room between the axis' label and the legend.
std::string legend_script(const std::string &legend)
{
    return legend.empty() ? "set key outside center bottom horizontal Left reverse samplen 3.5 width 1 height 1.5\n"
                          : fmt::format("set key inside {} vertical Left reverse samplen 3.5 opaque\n", legend);
}

std::string style_script(std::size_t lines)
{
    std::string out;
    for (std::size_t i = 0; i < lines; i++) {
        const line_style &style = STYLES.at(i % STYLES.size());
        out += fmt::format("set style line {} linecolor rgb '{}' linewidth 2 dashtype {} pointtype {} pointsize 1\n",
                           i + 1, style.colour, style.dash, style.point);
    }
    return out;
}

std::string plot_command(const std::vector<plot_line> &lines, bool bars)
{
    std::string out;
    const char *separator = "plot";
    for (std::size_t i = 0; bars && i < lines.size(); i++, separator = ", \\\n    ") // below the points
        out +=
            fmt::format("{0} $line{1} using 1:2:3:4 with yerrorbars linestyle {1} dashtype solid pointtype -1 notitle",
                        separator, i + 1);
    for (std::size_t i = 0; i < lines.size(); i++, separator = ", \\\n    ")
        out += fmt::format("{0} $line{1} using 1:2 with linespoints linestyle {1} title {2} noenhanced", separator,
                           i + 1, quoted(lines[i].label));
    return out + "\n";
}

// Runs a program in a folder; its stderr goes to a file there. Answers its exit status.
int run_in(const std::string &folder, const std::string &program, std::vector<std::string> arguments, const char *err)
{
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addchdir_np(&actions, folder.c_str());
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, err, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
    std::vector<char *> argv;
    for (std::string &a : arguments)
        argv.push_back(a.data());
    argv.push_back(nullptr);
    pid_t pid = 0;
    const int error = posix_spawn(&pid, program.c_str(), &actions, nullptr, argv.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    if (error != 0)
        throw std::system_error(error, std::generic_category(), program);
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

} // namespace

std::vector<plot_line> plot_lines(const study &s, const study_plot &plot, const std::vector<result_row> &rows)
{
    std::vector<std::string> series{""};
    if (const study_dimension *d = s.dimension(plot.series)) {
        series.clear();
        for (const study_point &p : d->points)
            series.push_back(p.label);
    }
    std::vector<plot_line> lines;
    for (const std::string &label : series)
        for (const std::string &y : plot.y)
            if (plot_line line = make_line(s, plot, rows, y, label); !line.points.empty())
                lines.push_back(std::move(line));
    return lines;
}

std::string plot_script(const study_plot &plot, const std::vector<plot_line> &lines)
{
    std::string out = fmt::format("# made by uintr-vp study; run it with gnuplot in this folder\n"
                                  "# data: x, median, least, most, runs\n");
    bool bars = false;
    for (std::size_t i = 0; i < lines.size(); i++) {
        out += fmt::format("$line{} << EOD\n", i + 1);
        for (const plot_point &p : lines[i].points) {
            out += fmt::format("{} {} {} {} {}\n", p.x, p.median, p.least, p.most, p.runs);
            bars = bars || p.runs > 1;
        }
        out += "EOD\n";
    }
    out += "set encoding utf8\n"
           "set border 3 linewidth 1.2\n"
           "set tics nomirror out\n"
           "set grid linecolor rgb '#cccccc' linewidth 0.7 dashtype solid\n"
           "set bars small\n";
    if (!plot.title.empty())
        out += fmt::format("set title {} noenhanced\n", quoted(plot.title));
    out += axis_script("x", plot.x_axis) + axis_script("y", plot.y_axis) + legend_script(plot.legend) +
           style_script(lines.size());
    if (lines.size() == 1)
        out += "unset key\n";
    const std::string command = plot_command(lines, bars);
    for (const medium &m : MEDIA)
        out += fmt::format("set terminal {} background '#ffffff' size {},{} font 'DejaVu Sans,{}'\nset key font ',{}'\n"
                           "set output {}\n{}",
                           m.terminal, m.width, m.height, m.font_size, m.font_size * 5 / 6,
                           quoted(plot.name + "." + m.ending), command);
    return out + "unset output\n";
}

std::string find_gnuplot()
{
    const char *path = std::getenv("PATH");
    std::istringstream folders(path == nullptr ? "" : path);
    for (std::string folder; std::getline(folders, folder, ':');) {
        const std::string program = folder + "/gnuplot";
        if (access(program.c_str(), X_OK) == 0)
            return program;
    }
    return "";
}

bool remove_pictures(const std::string &folder, const study_plot &plot)
{
    bool removed = std::remove(fmt::format("{}/{}.gnuplot", folder, plot.name).c_str()) == 0;
    for (const medium &m : MEDIA)
        removed = std::remove(fmt::format("{}/{}.{}", folder, plot.name, m.ending).c_str()) == 0 || removed;
    return removed;
}

bool draw_plot(const std::string &gnuplot, const std::string &folder, const study_plot &plot,
               const std::vector<plot_line> &lines)
{
    if (lines.empty())
        return false;
    const std::string script = plot.name + ".gnuplot", messages = plot.name + ".messages";
    std::ofstream file(folder + "/" + script, std::ios::binary | std::ios::trunc);
    file << plot_script(plot, lines);
    file.close();
    if (!file)
        throw user_error(fmt::format("{}/{}: cannot be written", folder, script));
    const int status = run_in(folder, gnuplot, {"gnuplot", script}, messages.c_str());
    const std::string said = read_whole_file(folder + "/" + messages);
    std::remove((folder + "/" + messages).c_str());
    if (status != 0 || said.find("line ") != std::string::npos)
        throw std::runtime_error(fmt::format("gnuplot refuses {}/{}: {}", folder, script, said));
    return true;
}

} // namespace vp
