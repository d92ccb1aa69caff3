// SPDX-License-Identifier: Apache-2.0
// See study_file.h. toml++ sorts the keys of a table, but the order of dimensions and columns is the user's: everything
// is taken in the order of the file.
#include "study_file.h"

#include "config/toml_document.h"
#include "config/units.h"
#include "config/user_error.h"
#include "study_plot_reader.h"
#include "toml_members.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <map>
#include <regex>

namespace vp
{

namespace
{

constexpr double DEFAULT_TIMEOUT_S = 600;
constexpr const char *RESERVED[] = {"run", "exit_status", "reason"}; // columns of every table of results

bool is_same_name(const std::string &a, const std::string &b)
{
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

struct reader {
    const toml_place &at;
    const setting_context &context;
    study &result;

    // --- settings ---

    study_setting setting(const std::string &key, const toml::node &node) const
    {
        study_setting s;
        s.key = key;
        s.place = at.place(node);
        const toml::array *list = node.as_array();
        if (is_list_setting(key) != (list != nullptr))
            at.refuse(node, key, list != nullptr ? "one value" : "a list of texts");
        if (list == nullptr)
            s.values = {at.scalar(node, key)};
        else
            for (const toml::node &element : *list)
                s.values.push_back(at.text(element, key));
        check_setting(s, context);
        return s;
    }

    // [run], or a point with a label; dotted keys are nested tables.
    void settings(const std::string &prefix, const toml::table &table, std::vector<study_setting> &found,
                  const std::string &skipped = "") const
    {
        for (const auto &[name, node] : in_file_order(table)) {
            const std::string key = prefix.empty() ? name : prefix + "." + name;
            if (key == skipped)
                continue;
            if (const toml::table *inner = node->as_table())
                settings(key, *inner, found);
            else
                found.push_back(setting(key, *node));
        }
    }

    // --- the grid ---

    // { label = "...", key = value, ... }: a point that sets several things.
    study_point named_point(const std::string &name, const toml::table &table) const
    {
        study_point p;
        const toml::node *label = table.get("label");
        if (label == nullptr)
            at.refuse(table, name, "{ label = \"...\", KEY = VALUE, ... }");
        p.label = at.text(*label, name + ".label");
        settings("", table, p.settings, "label");
        return p;
    }

    study_dimension dimension(const std::string &name, const toml::node &node) const
    {
        const toml::array *list = node.as_array();
        if (list == nullptr || list->empty())
            at.refuse(node, name, "a list of values: every dimension of the grid is one");
        study_dimension d;
        d.name = name;
        for (const toml::node &element : *list) {
            if (const toml::table *table = element.as_table()) {
                d.points.push_back(named_point(name, *table));
            } else {
                study_point p;
                p.settings = {setting(name, element)};
                p.label = p.settings.front().text();
                d.points.push_back(p);
            }
            const study_point &last = d.points.back();
            if (std::any_of(d.points.begin(), d.points.end() - 1,
                            [&](const study_point &p) { return p.label == last.label; }))
                at.refuse(element, name, fmt::format("different points, but '{}' is there twice", last.label));
        }
        return d;
    }

    void grid(const std::string &prefix, const toml::table &table)
    {
        for (const auto &[name, node] : in_file_order(table)) {
            const std::string key = prefix.empty() ? name : prefix + "." + name;
            if (const toml::table *inner = node->as_table()) {
                grid(key, *inner);
                continue;
            }
            claim_name(*node, key, key);
            const study_dimension d = dimension(key, *node);
            refuse_settings_of_others(d);
            result.grid.push_back(d);
        }
    }

    // What two dimensions set, a run would have from the later one, and its row would name the earlier one's too.
    void refuse_settings_of_others(const study_dimension &d) const
    {
        struct claim {
            const study_dimension *dimension;
            std::string place;
        };
        std::map<std::string, claim> claims; // by what is set
        for (const study_dimension &other : result.grid)
            for (const study_point &p : other.points)
                for (const study_setting &s : p.settings)
                    for (const std::string &name : names_set_by(s))
                        claims.insert({name, {&other, s.place}});
        for (const study_point &p : d.points)
            for (const study_setting &s : p.settings)
                for (const std::string &name : names_set_by(s))
                    if (const auto found = claims.find(name); found != claims.end())
                        throw user_error(fmt::format(
                            "{}: {}: expected settings that no other dimension has, but {} ({}) sets {} too", s.place,
                            d.name, found->second.dimension->name, found->second.place, name));
    }

    // Dimensions and columns become columns of one table, whose names are the same in upper and lower case.
    void claim_name(const toml::node &node, const std::string &key, const std::string &name) const
    {
        for (const char *reserved : RESERVED)
            if (is_same_name(name, reserved))
                at.refuse(node, key,
                          fmt::format("another name: every table of results has a column '{}' (names differ in more "
                                      "than upper and lower case)",
                                      reserved));
        for (const study_dimension &d : result.grid)
            if (is_same_name(name, d.name))
                at.refuse(node, key, fmt::format("another name: a dimension of the grid is called '{}'", d.name));
        for (const study_column &c : result.columns)
            if (is_same_name(name, c.name))
                at.refuse(node, key,
                          fmt::format("another name: there is a column '{}' (names differ in more than upper and lower "
                                      "case)",
                                      c.name));
    }

    // --- columns ---

    // {name} in a key must name a dimension.
    void check_placeholders(const toml::node &node, const study_column &c) const
    {
        static const std::regex placeholder("\\{([^{}]*)\\}");
        for (std::sregex_iterator it(c.key.begin(), c.key.end(), placeholder), end; it != end; ++it)
            if (result.dimension((*it)[1]) == nullptr && c.from != study_column::source::pattern)
                at.refuse(node, "columns." + c.name,
                          fmt::format("{{NAME}} to name a dimension of the grid, not '{}'", (*it)[1].str()));
    }

    void column(const std::string &name, const toml::node &node)
    {
        const std::string key = "columns." + name;
        claim_name(node, key, name);
        study_column c;
        c.name = name;
        if (node.is_string()) { // short for { statistic = "..." }
            c.key = at.text(node, key);
        } else {
            const toml::table *table = node.as_table();
            if (table == nullptr)
                at.refuse(node, key,
                          "the name of a statistic, or { statistic | console | pattern = \"...\", unit = \"...\" }");
            const toml_members m(at, key, *table, {"statistic", "console", "pattern", "unit", "scale", "optional"});
            const int sources = static_cast<int>(m.has("statistic")) + static_cast<int>(m.has("console")) +
                                static_cast<int>(m.has("pattern"));
            if (sources != 1)
                at.refuse(node, key, "one of statistic, console and pattern");
            c.from = m.has("statistic") ? study_column::source::statistic
                     : m.has("console") ? study_column::source::console
                                        : study_column::source::pattern;
            c.key = m.text("statistic") + m.text("console") + m.text("pattern");
            c.unit = m.text("unit");
            c.scale = m.number("scale").value_or(1);
            c.optional = m.boolean("optional");
        }
        if (c.key.empty())
            at.refuse(node, key, "a text that is not empty");
        if (c.from == study_column::source::pattern)
            check_pattern(node, key, c.key);
        check_placeholders(node, c);
        result.columns.push_back(c);
    }

    void check_pattern(const toml::node &node, const std::string &key, const std::string &pattern) const
    {
        try {
            if (std::regex(pattern).mark_count() != 1)
                at.refuse(node, key, "a regular expression with one group: (...) is the value");
        } catch (const std::regex_error &e) {
            at.refuse(node, key, fmt::format("a regular expression (ECMAScript): {}", e.what()));
        }
    }

    // --- the whole ---

    const toml::table *section(const toml::table &table, const char *name) const
    {
        const toml::node *node = table.get(name);
        if (node != nullptr && node->as_table() == nullptr)
            at.refuse(*node, name, fmt::format("a table [{}]", name));
        return node == nullptr ? nullptr : node->as_table();
    }

    void study_section(const toml::table &table)
    {
        const toml_members m(at, "study", table, {"title", "timeout_s"});
        result.title = m.text("title");
        if (const auto t = m.number("timeout_s")) {
            if (*t <= 0)
                at.refuse(*table.get("timeout_s"), "study.timeout_s", "a number of seconds above 0");
            result.timeout_s = *t;
        }
    }

    static const study_setting *image_in(const std::vector<study_setting> &settings)
    {
        const auto found =
            std::find_if(settings.begin(), settings.end(), [](const study_setting &s) { return s.key == "image"; });
        return found == settings.end() ? nullptr : &*found;
    }

    // Every run needs one, and one of them must be there.
    void need_image() const
    {
        std::vector<const study_setting *> images;
        bool every_run_has_one = false;
        for (const study_dimension &d : result.grid) { // at most one has images
            std::size_t with_image = 0;
            for (const study_point &p : d.points)
                if (const study_setting *image = image_in(p.settings)) {
                    images.push_back(image);
                    with_image++;
                }
            every_run_has_one = every_run_has_one || with_image == d.points.size();
        }
        if (!every_run_has_one) {
            const study_setting *image = image_in(result.common);
            if (image == nullptr)
                throw user_error(
                    fmt::format("{}: run.image: no image given: expected image = \"PATH\" in [run]", result.path));
            images.push_back(image);
        }
        if (std::none_of(images.begin(), images.end(), [](const study_setting *s) { return image_exists(*s); }))
            refuse_missing_image(*images.front());
    }

    void read(const toml::table &table)
    {
        const toml_members checked(at, "", table, {"study", "run", "grid", "columns", "plot"});
        if (const toml::table *t = section(table, "study"))
            study_section(*t);
        if (const toml::table *t = section(table, "run"))
            settings("", *t, result.common);
        if (const toml::table *t = section(table, "grid"))
            grid("", *t);
        need_image();
        if (const toml::table *t = section(table, "columns"))
            for (const auto &[name, node] : in_file_order(*t))
                column(name, *node);
        const toml::node *plots = table.get("plot");
        if (plots == nullptr)
            return;
        if (!plots->is_array_of_tables())
            at.refuse(*plots, "plot", "tables [[plot]]");
        for (const toml::node &node : *plots->as_array())
            result.plots.push_back(read_plot(at, *node.as_table(), result));
    }
};

} // namespace

const study_dimension *study::dimension(const std::string &wanted) const
{
    const auto found = std::find_if(grid.begin(), grid.end(), [&](const auto &d) { return d.name == wanted; });
    return found == grid.end() ? nullptr : &*found;
}

const study_column *study::column(const std::string &wanted) const
{
    const auto found = std::find_if(columns.begin(), columns.end(), [&](const auto &c) { return c.name == wanted; });
    return found == columns.end() ? nullptr : &*found;
}

study read_study(const std::string &path, const std::vector<std::string> &profile_directories)
{
    const toml::table table = parse_toml_file(path, "study");
    const std::filesystem::path file(path);
    study result;
    result.path = path;
    result.name = file.stem().string();
    result.timeout_s = DEFAULT_TIMEOUT_S;
    const toml_place at(path);
    const setting_context context{file.parent_path().string(), profile_directories};
    reader{at, context, result}.read(table);
    return result;
}

} // namespace vp
