// SPDX-License-Identifier: Apache-2.0
// See result_table.h.
#include "result_table.h"

#include "config/units.h"
#include "config/user_error.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace vp
{

namespace
{

std::string csv_field(const std::string &text)
{
    if (text.find_first_of(",\"\r\n") == std::string::npos)
        return text;
    std::string quoted = "\"";
    for (const char c : text)
        quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
    return quoted + "\"";
}

std::string csv_line(const std::vector<std::string> &fields)
{
    std::string line;
    for (std::size_t i = 0; i < fields.size(); i++)
        line += (i == 0 ? "" : ",") + csv_field(fields[i]);
    return line + "\n";
}

bool all_are_numbers(const study_dimension &d)
{
    return std::all_of(d.points.begin(), d.points.end(), [](const auto &p) { return parse_real(p.label).has_value(); });
}

std::vector<stored_column> columns_of(const study &s)
{
    std::vector<stored_column> columns{{"run", "INTEGER"}};
    for (const study_dimension &d : s.grid)
        columns.push_back({d.name, all_are_numbers(d) ? "NUMERIC" : "TEXT"});
    for (const study_column &c : s.columns)
        columns.push_back({c.name, "NUMERIC"}); // what is no number stays text
    columns.push_back({"exit_status", "INTEGER"});
    columns.push_back({"reason", "TEXT"});
    return columns;
}

std::vector<std::string> fields_of(const result_row &row)
{
    std::vector<std::string> fields{fmt::format("{}", row.run)};
    fields.insert(fields.end(), row.labels.begin(), row.labels.end());
    for (const cell &value : row.values)
        fields.push_back(cell_text(value));
    fields.push_back(row.exit_status < 0 ? "" : fmt::format("{}", row.exit_status));
    fields.push_back(row.reason);
    return fields;
}

} // namespace

result_row make_row(const study &s, const std::vector<study_run> &runs, std::size_t run, const stored_run &stored)
{
    result_row row;
    row.run = run;
    row.exit_status = stored.exit_status;
    row.reason = stored.reason;
    for (std::size_t d = 0; d < s.grid.size(); d++)
        row.labels.push_back(label_of(s, runs[run], d));
    if (!stored.ended_by_itself()) { // what it had said so far is no result
        row.values.resize(s.columns.size());
        return row;
    }
    const auto statistics = nlohmann::ordered_json::parse(stored.statistics, nullptr, false);
    for (const study_column &c : s.columns) {
        const std::string key = column_key(s, runs[run], c);
        row.values.push_back(extract(c, key, statistics, stored.console));
        if (row.values.back().index() == 0 && !c.optional && row.reason.empty())
            row.reason = fmt::format("column {}: {}", c.name, why_missing(c, key, statistics));
    }
    return row;
}

std::string csv(const study &s, const std::vector<result_row> &rows)
{
    std::vector<std::string> names;
    for (const stored_column &c : columns_of(s))
        names.push_back(c.name);
    std::string text = csv_line(names);
    for (const result_row &row : rows)
        text += csv_line(fields_of(row));
    return text;
}

void write_results(const study &s, const std::vector<result_row> &rows, const std::string &csv_path,
                   result_store &store)
{
    std::vector<std::vector<std::string>> fields;
    for (const result_row &row : rows)
        fields.push_back(fields_of(row));
    store.replace_table("results", columns_of(s), fields);

    const std::string unfinished = csv_path + ".new";
    std::ofstream file(unfinished, std::ios::binary | std::ios::trunc);
    file << csv(s, rows);
    file.close();
    std::error_code error;
    if (file)
        std::filesystem::rename(unfinished, csv_path, error);
    if (!file || error)
        throw user_error(fmt::format("{}: cannot be written", csv_path));
}

} // namespace vp
