// SPDX-License-Identifier: Apache-2.0
// See study_plot_reader.h. What a plot names must exist, and what it puts on an axis must be a number.
#include "study_plot_reader.h"

#include <algorithm>

namespace vp
{

namespace
{

const std::vector<std::string> MEMBERS{"name",    "title",   "x",       "y",       "series",  "x_label",
                                       "y_label", "x_scale", "y_scale", "x_range", "y_range", "x_tics",
                                       "y_tics",  "legend",  "labels",  "only_at"};
const std::vector<std::string> LEGENDS{"top left", "top right", "bottom left", "bottom right"};

struct plot_reader {
    const toml_place &at;
    const toml::table &table;
    const study &of;
    const toml_members m;

    std::vector<std::string> column_names() const
    {
        std::vector<std::string> names;
        for (const study_column &c : of.columns)
            names.push_back(c.name);
        return names;
    }

    [[noreturn]] void refuse_name(const std::string &member, const std::string &name,
                                  std::vector<std::string> names) const
    {
        throw user_error(fmt::format("{}: {} = '{}'{}: expected one of: {}", at.place(m.node(member)), m.key(member),
                                     name, suggestion(name, names), fmt::join(names, ", ")));
    }

    std::vector<std::string> dimension_names() const
    {
        std::vector<std::string> names;
        for (const study_dimension &d : of.grid)
            names.push_back(d.name);
        return names;
    }

    std::string file_name() const
    {
        const std::string name = m.needed_text("name");
        if (name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") !=
            std::string::npos)
            at.refuse(m.node("name"), m.key("name"), "letters, digits, '_' and '-': it names the files");
        for (const study_plot &other : of.plots)
            if (other.name == name)
                at.refuse(m.node("name"), m.key("name"),
                          fmt::format("another name: a plot before is called '{}'", name));
        return name;
    }

    std::string x() const
    {
        const std::string name = m.needed_text("x");
        if (const study_dimension *d = of.dimension(name)) {
            for (const study_point &p : d->points)
                if (!parse_real(p.label))
                    at.refuse(m.node("x"), m.key("x"),
                              fmt::format("a dimension with numbers; '{}' of {} is none", p.label, name));
        } else if (of.column(name) == nullptr) {
            std::vector<std::string> names = dimension_names();
            for (const std::string &c : column_names())
                names.push_back(c);
            refuse_name("x", name, names);
        }
        return name;
    }

    std::vector<std::string> y() const
    {
        std::vector<std::string> names;
        if (m.has("y") && m.node("y").is_array())
            for (const toml::node &element : *m.node("y").as_array())
                names.push_back(at.text(element, m.key("y")));
        else
            names.push_back(m.needed_text("y"));
        if (names.empty())
            at.refuse(m.node("y"), m.key("y"), "a column or a list of columns");
        for (const std::string &name : names)
            if (of.column(name) == nullptr)
                refuse_name("y", name, column_names());
        return names;
    }

    std::string series() const
    {
        const std::string name = m.text("series");
        if (!name.empty() && of.dimension(name) == nullptr)
            refuse_name("series", name, dimension_names());
        return name;
    }

    // "NAME (UNIT)" unless the file has better words.
    std::string label(const std::string &member, const std::string &name) const
    {
        if (m.has(member))
            return m.text(member);
        const study_column *c = of.column(name);
        return c == nullptr || c->unit.empty() ? name : fmt::format("{} ({})", name, c->unit);
    }

    plot_axis axis(const std::string &letter, const std::string &name) const
    {
        plot_axis a;
        a.label = label(letter + "_label", name);
        const std::string scale = m.text(letter + "_scale");
        if (!scale.empty() && scale != "linear" && scale != "log")
            at.refuse(m.node(letter + "_scale"), m.key(letter + "_scale"), "\"linear\" or \"log\"");
        a.log = scale == "log";
        const std::vector<double> range = m.numbers(letter + "_range");
        if (m.has(letter + "_range")) {
            if (range.size() != 2 || !(range[0] < range[1]) || (a.log && range[0] <= 0))
                at.refuse(m.node(letter + "_range"), m.key(letter + "_range"),
                          a.log ? "[LEAST, MOST] with 0 < LEAST < MOST" : "[LEAST, MOST] with LEAST < MOST");
            a.range = {range[0], range[1]};
        }
        a.tics = m.numbers(letter + "_tics");
        return a;
    }

    std::map<std::string, std::string> texts(const std::string &member) const
    {
        std::map<std::string, std::string> found;
        if (!m.has(member))
            return found;
        if (!m.node(member).is_table())
            at.refuse(m.node(member), m.key(member), "a table of texts");
        for (const auto &[name, node] : in_file_order(*m.node(member).as_table()))
            found[name] = at.scalar(*node, m.key(member) + "." + name);
        return found;
    }

    std::map<std::string, std::string> only_at() const
    {
        std::map<std::string, std::string> found = texts("only_at");
        for (const auto &[name, value] : found) {
            const std::string &wanted = value;
            const study_dimension *d = of.dimension(name);
            if (d == nullptr)
                refuse_name("only_at", name, dimension_names());
            if (std::none_of(d->points.begin(), d->points.end(), [&](const auto &p) { return p.label == wanted; }))
                at.refuse(m.node("only_at"), m.key("only_at") + "." + name,
                          fmt::format("a point of {}, not '{}'", name, value));
        }
        return found;
    }

    study_plot read() const
    {
        study_plot p;
        p.name = file_name();
        p.title = m.text("title");
        p.x = x();
        p.y = y();
        p.series = series();
        p.x_axis = axis("x", p.x);
        p.y_axis = axis("y", p.y.front());
        p.legend = m.text("legend");
        if (!p.legend.empty() && std::find(LEGENDS.begin(), LEGENDS.end(), p.legend) == LEGENDS.end())
            refuse_name("legend", p.legend, LEGENDS);
        p.labels = texts("labels");
        p.only_at = only_at();
        return p;
    }
};

} // namespace

study_plot read_plot(const toml_place &at, const toml::table &table, const study &of)
{
    return plot_reader{at, table, of, toml_members(at, "plot", table, MEMBERS)}.read();
}

} // namespace vp
