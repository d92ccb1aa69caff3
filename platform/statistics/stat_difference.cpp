// SPDX-License-Identifier: Apache-2.0
// See stat_difference.h.
#include "stat_difference.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <set>

namespace vp
{

namespace
{

using json = nlohmann::ordered_json;

constexpr std::array STAGE_CYCLES{"min", "mean", "p50", "p95", "p99", "max"};

std::string text_of(const json &value) { return value.is_string() ? value.get<std::string>() : value.dump(); }

void collect(const json &node, const std::string &path, std::map<std::string, json> &leaves)
{
    if (node.is_object()) {
        for (const auto &[name, inner] : node.items())
            collect(inner, path.empty() ? name : path + "." + name, leaves);
    } else if (node.is_array()) {
        for (std::size_t i = 0; i < node.size(); i++)
            collect(node[i], fmt::format("{}[{}]", path, i), leaves);
    } else {
        leaves[path] = node;
    }
}

bool is_compared(const std::string &path)
{
    return path != "sim.host_seconds" && path != "sim.mips" && path.compare(0, 7, "config.") != 0;
}

bool is_stage_cycles(const std::string &path)
{
    return path.compare(0, 13, "uintr.stages.") == 0 &&
           std::find(STAGE_CYCLES.begin(), STAGE_CYCLES.end(), path.substr(path.rfind('.') + 1)) != STAGE_CYCLES.end();
}

void set_numbers(stat_difference &d, const json &value, const json &reference)
{
    d.is_number = value.is_number() && reference.is_number();
    if (!d.is_number)
        return;
    const double base = reference.get<double>();
    d.absolute = value.get<double>() - base;
    d.relative = d.absolute == 0 ? 0
                 : base == 0     ? std::numeric_limits<double>::infinity()
                                 : std::abs(d.absolute / base);
}

std::string relative_text(const stat_difference &d)
{
    if (!d.is_number)
        return "-";
    return std::isinf(d.relative) ? "from 0" : fmt::format("{:.3g} %", d.relative * 100);
}

std::string row(std::size_t width, const std::string &name, const std::string &value, const std::string &reference,
                const std::string &absolute, const std::string &relative)
{
    return fmt::format("  {:<{}}  {:>16}  {:>16}  {:>14}  {:>10}\n", name, width, value, reference, absolute, relative);
}

std::string row(std::size_t width, const std::string &name, const stat_difference &d)
{
    return row(width, name, d.value, d.reference, d.is_number ? fmt::format("{:+.6g}", d.absolute) : "-",
               relative_text(d));
}

} // namespace

std::vector<stat_difference> compare_statistics(const json &run, const json &reference)
{
    std::map<std::string, json> mine, theirs;
    collect(run, "", mine);
    collect(reference, "", theirs);
    std::set<std::string> paths;
    for (const auto *leaves : {&mine, &theirs})
        for (const auto &[path, value] : *leaves)
            if (is_compared(path))
                paths.insert(path);
    std::vector<stat_difference> found;
    for (const std::string &path : paths) {
        const auto a = mine.find(path), b = theirs.find(path);
        if (a != mine.end() && b != theirs.end() && a->second == b->second)
            continue;
        stat_difference d;
        d.path = path;
        d.value = a == mine.end() ? "(none)" : text_of(a->second);
        d.reference = b == theirs.end() ? "(none)" : text_of(b->second);
        if (a != mine.end() && b != theirs.end())
            set_numbers(d, a->second, b->second);
        found.push_back(d);
    }
    std::stable_sort(found.begin(), found.end(), [](const stat_difference &a, const stat_difference &b) {
        if (a.is_number != b.is_number)
            return !a.is_number;
        return a.relative > b.relative;
    });
    return found;
}

std::vector<stage_difference> compare_stages(const json &run, const json &reference)
{
    static const json none = json::object();
    const json stages = run.value("uintr", none).value("stages", none);
    const json theirs = reference.value("uintr", none).value("stages", none);
    std::vector<stage_difference> found;
    for (const auto &[name, stage] : stages.items()) {
        const json other = theirs.value(name, none);
        stage_difference d;
        d.path = name;
        if (stage.value("count", 0) == 0 || other.value("count", 0) == 0) {
            d.value = fmt::format("{} times", stage.value("count", 0));
            d.reference = fmt::format("{} times", other.value("count", 0));
            found.push_back(d);
            continue;
        }
        for (const char *what : STAGE_CYCLES) {
            stage_difference here;
            here.path = name;
            here.what = what;
            here.value = text_of(stage.at(what));
            here.reference = text_of(other.at(what));
            set_numbers(here, stage.at(what), other.at(what));
            if (d.what.empty() || std::abs(here.absolute) > std::abs(d.absolute))
                d = here;
        }
        found.push_back(d);
    }
    return found;
}

std::string difference_report(const json &run, const json &reference, const std::string &run_name,
                              const std::string &reference_name)
{
    const std::vector<stat_difference> all = compare_statistics(run, reference);
    if (all.empty())
        return fmt::format("identical: every statistic is the same at {} and at {}\n", run_name, reference_name);

    std::string out = "largest difference of each stage of a user interrupt, in cycles\n";
    out += row(18, "stage", run_name, reference_name, "difference", "relative");
    for (const stage_difference &d : compare_stages(run, reference)) {
        if (!d.is_number)
            out += d.value == d.reference ? fmt::format("  {:<18}  did not occur\n", d.path) : row(18, d.path, d);
        else if (d.absolute == 0)
            out += fmt::format("  {:<18}  identical\n", d.path);
        else
            out += row(18, fmt::format("{} ({})", d.path, d.what), d);
    }

    std::size_t width = 18;
    for (const stat_difference &d : all)
        width = std::max(width, d.path.size());
    std::size_t shown = 0;
    std::string rows;
    for (const stat_difference &d : all)
        if (!is_stage_cycles(d.path)) {
            rows += row(width, d.path, d);
            shown++;
        }
    if (shown == 0)
        return out + "all other statistics are identical\n";
    return out + fmt::format("other statistics that differ: {}, largest relative difference first\n", shown) +
           row(width, "statistic", run_name, reference_name, "difference", "relative") + rows;
}

} // namespace vp
