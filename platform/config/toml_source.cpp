// SPDX-License-Identifier: Apache-2.0
// Configuration files and profiles: TOML to assignments, with file and line of each. What the keys mean is checked
// later.
#include "assignment.h"
#include "registry.h"
#include "toml_document.h"
#include "user_error.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

namespace vp
{

namespace
{

constexpr std::uintmax_t LARGEST_FILE_BYTES = 4 << 20;

// How sure a source makes its value: docs/references.md says what each means.
const std::vector<std::string> CONFIDENCES = {"read", "notes", "derived", "memory"};
constexpr std::array VALUE_MEMBERS = {"value", "source", "confidence"};

bool is_blank(const std::string &text) { return text.find_first_not_of(" \t\r\n") == std::string::npos; }

bool is_value_member(std::string_view name)
{
    return std::find(VALUE_MEMBERS.begin(), VALUE_MEMBERS.end(), name) != VALUE_MEMBERS.end();
}

// { value = v, ... }, also where the value was forgotten.
bool is_value_table(const toml::table &table)
{
    return table.contains("value") ||
           (!table.empty() && std::all_of(table.begin(), table.end(),
                                          [](const auto &member) { return is_value_member(member.first.str()); }));
}

bool ends_with(const std::string &s, const std::string &end)
{
    return s.size() >= end.size() && s.compare(s.size() - end.size(), end.size(), end) == 0;
}

std::vector<std::filesystem::path> profiles_in(const std::vector<std::string> &directories)
{
    std::vector<std::filesystem::path> found;
    for (const std::string &directory : directories) {
        std::error_code error;
        for (const auto &entry : std::filesystem::directory_iterator(directory, error))
            if (entry.path().extension() == ".toml")
                found.push_back(entry.path());
    }
    return found;
}

// The names of the profiles there, in order.
std::vector<std::string> profile_names(const std::vector<std::string> &directories)
{
    std::vector<std::string> names;
    for (const std::filesystem::path &path : profiles_in(directories))
        names.push_back(path.stem().string());
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    return names;
}

// A profile's file in the first of the directories that has it; "" if there is none.
std::string profile_by_name(const std::string &name, const std::vector<std::string> &directories)
{
    for (const std::filesystem::path &path : profiles_in(directories))
        if (path.stem() == name)
            return path.string();
    return "";
}

struct inclusion {
    std::string file, place;
};

struct reader {
    const std::string &path;
    bool is_profile;
    const std::vector<std::string> &directories; // of profiles
    toml_info info;
    std::vector<assignment> found;
    std::vector<inclusion> included;

    std::string place(const toml::node &node) const { return fmt::format("{}:{}", path, node.source().begin.line); }

    // A leaf as a raw value; the message of a type that cannot be one names the place.
    raw_value leaf(const std::string &key, const toml::node &node) const
    {
        raw_value v;
        std::ostringstream text;
        if (auto b = node.as_boolean()) {
            v.of = raw_value::form::boolean;
            v.boolean = b->get();
            text << (v.boolean ? "true" : "false");
        } else if (auto i = node.as_integer()) {
            v.of = raw_value::form::integer;
            v.integer = i->get();
            text << v.integer;
        } else if (auto f = node.as_floating_point()) {
            v.of = raw_value::form::real;
            v.real = f->get();
            text << v.real;
        } else if (auto s = node.as_string()) {
            v.of = raw_value::form::text;
            text << s->get();
        } else if (auto a = node.as_array()) {
            v.of = raw_value::form::list;
            for (const toml::node &element : *a) {
                auto t = element.as_string();
                if (t == nullptr)
                    throw user_error(fmt::format("{}: {}: a list may only have texts", place(element), key));
                v.list.push_back(t->get());
                text << (text.tellp() > 0 ? "," : "") << t->get();
            }
        } else {
            throw user_error(fmt::format("{}: {}: dates and times are no configuration values", place(node), key));
        }
        v.text = text.str();
        return v;
    }

    std::string text_member(const std::string &key, const toml::table &table, const char *member) const
    {
        const toml::node *n = table.get(member);
        if (n == nullptr)
            return "";
        auto s = n->as_string();
        if (s == nullptr)
            throw user_error(fmt::format("{}: {}: '{}' must be a text", place(*n), key, member));
        return s->get();
    }

    // key = { value = v, source = "...", confidence = "..." }
    void value_table(const std::string &key, const toml::table &table)
    {
        for (const auto &[member, node] : table)
            if (!is_value_member(member.str()))
                throw user_error(fmt::format("{}: {}: unknown member '{}', expected value, source or confidence",
                                             place(node), key, std::string_view(member.str())));
        if (!table.contains("value"))
            throw user_error(fmt::format("{}: {}: value is missing; expected {{ value = ..., source = \"...\", "
                                         "confidence = \"...\" }}",
                                         place(table), key));
        assignment a;
        a.key = key;
        a.value = leaf(key, *table.get("value"));
        a.place = place(table);
        a.source = text_member(key, table, "source");
        a.confidence = text_member(key, table, "confidence");
        add(a, table);
    }

    void add(assignment a, const toml::node &node)
    {
        if (is_profile && is_blank(a.source))
            throw user_error(fmt::format("{}: {}: a profile must name the source of each value: "
                                         "{} = {{ value = {}, source = \"...\", confidence = \"...\" }}",
                                         place(node), a.key, a.key.substr(a.key.rfind('.') + 1), a.value.text));
        const auto known = std::find(CONFIDENCES.begin(), CONFIDENCES.end(), a.confidence);
        if (known == CONFIDENCES.end() && (is_profile || !a.confidence.empty()))
            throw user_error(fmt::format("{}: {}: confidence = '{}'{}: expected one of: {}", place(node), a.key,
                                         a.confidence, suggestion(a.confidence, CONFIDENCES),
                                         fmt::join(CONFIDENCES, ", ")));
        a.from_profile = is_profile;
        found.push_back(std::move(a));
    }

    void profile_table(const toml::node &node)
    {
        auto table = node.as_table();
        if (!is_profile || table == nullptr)
            throw user_error(fmt::format("{}: [profile] belongs into a profile (--profile)", place(node)));
        for (const auto &[member, n] : *table)
            if (member.str() != "name" && member.str() != "summary")
                throw user_error(fmt::format("{}: unknown member '{}' of [profile], expected name and summary",
                                             place(n), std::string_view(member.str())));
        info.name = text_member("profile", *table, "name");
        info.summary = text_member("profile", *table, "summary");
    }

    // include = "FILE" or a list of them: a path from this file's folder on, or the name of a file there without .toml;
    // in a profile also the name of a built-in one.
    void include(const toml::node &node)
    {
        if (auto list = node.as_array()) {
            for (const toml::node &element : *list)
                include(element);
            return;
        }
        auto name = node.as_string();
        if (name == nullptr || name->get().empty())
            throw user_error(fmt::format("{}: include: expected the name of a file, or a list of names", place(node)));
        std::filesystem::path file = name->get();
        if (file.extension() != ".toml")
            file += ".toml";
        file = std::filesystem::path(path).parent_path() / file;
        std::error_code error;
        if (std::filesystem::exists(file, error)) {
            included.push_back({file.string(), place(node)});
            return;
        }
        const std::string built_in = is_profile ? profile_by_name(name->get(), directories) : "";
        if (built_in.empty())
            throw user_error(fmt::format("{}: include: no file {}{}{}", place(node), file.string(),
                                         is_profile ? ", and no built-in profile of that name" : "",
                                         is_profile ? suggestion(name->get(), profile_names(directories)) : ""));
        included.push_back({built_in, place(node)});
    }

    // Without a key nothing else would notice that the name is wrong.
    void empty_table(const std::string &key, const toml::node &node) const
    {
        const std::vector<std::string> sections = key_sections();
        if (std::find(sections.begin(), sections.end(), key) == sections.end())
            throw user_error(fmt::format("{}: unknown table [{}]{}; expected one of: {}", place(node), key,
                                         suggestion(key, sections), fmt::join(sections, ", ")));
    }

    void walk(const std::string &prefix, const toml::table &table)
    {
        for (const auto &[name, node] : table) {
            std::string key = prefix.empty() ? std::string(name.str()) : prefix + "." + std::string(name.str());
            if (key == "profile") {
                profile_table(node);
            } else if (key == "include") {
                include(node);
            } else if (auto inner = node.as_table()) {
                if (!prefix.empty() && is_value_table(*inner))
                    value_table(key, *inner);
                else if (inner->empty())
                    empty_table(key, node);
                else
                    walk(key, *inner);
            } else {
                assignment a;
                a.key = key;
                a.value = leaf(key, node);
                a.place = place(node);
                add(a, node);
            }
        }
    }
};

std::string read_text(const std::string &path, const char *what)
{
    std::error_code error;
    auto status = std::filesystem::status(path, error);
    if (!std::filesystem::exists(status))
        throw user_error(fmt::format("{}: no such {} file", path, what));
    if (!std::filesystem::is_regular_file(status))
        throw user_error(fmt::format("{}: not a regular file; a TOML file was expected", path));
    if (std::filesystem::file_size(path, error) > LARGEST_FILE_BYTES)
        throw user_error(fmt::format("{}: larger than 4 MiB; a TOML {} was expected", path, what));
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    if (!file)
        throw user_error(fmt::format("{}: cannot be read", path));
    return text.str();
}

} // namespace

toml::table parse_toml_file(const std::string &path, const char *what)
{
    const std::string text = read_text(path, what);
    try {
        return toml::parse(text, path);
    } catch (const toml::parse_error &e) {
        throw user_error(fmt::format("{}:{}: not valid TOML: {}", path, e.source().begin.line, e.description()));
    }
}

namespace
{

using paths = std::vector<std::filesystem::path>;

bool contains(const paths &list, const std::filesystem::path &path)
{
    return std::find(list.begin(), list.end(), path) != list.end();
}

// What the file includes comes first, so that its own values win. including: the files on the way here, outermost
// first. done: those that were read; one that several files include counts where it is first included, so it takes
// nothing back that a file after it has set.
std::vector<assignment> read_file(const std::string &path, bool is_profile, const std::vector<std::string> &directories,
                                  toml_info &info, paths including, paths &done)
{
    const toml::table table = parse_toml_file(path, "configuration");
    reader r{path, is_profile, directories, {}, {}, {}};
    r.walk("", table);
    if (is_profile && (r.info.name.empty() || r.info.summary.empty()))
        throw user_error(fmt::format("{}: a profile needs a table [profile] with name and summary", path));
    // toml++ sorts keys; give the order of the file back.
    auto line = [](const assignment &a) { return std::stoull(a.place.substr(a.place.rfind(':') + 1)); };
    std::stable_sort(r.found.begin(), r.found.end(),
                     [&](const assignment &a, const assignment &b) { return line(a) < line(b); });

    std::vector<assignment> all;
    including.push_back(std::filesystem::weakly_canonical(path));
    for (const inclusion &i : r.included) {
        const std::filesystem::path file = std::filesystem::weakly_canonical(i.file);
        if (contains(including, file))
            throw user_error(
                fmt::format("{}: include: {} includes itself, directly or through others", i.place, i.file));
        if (contains(done, file))
            continue;
        for (assignment &a : read_file(i.file, is_profile, directories, info, including, done))
            all.push_back(std::move(a));
    }
    done.push_back(including.back());
    std::move(r.found.begin(), r.found.end(), std::back_inserter(all));
    info.name = r.info.name;
    info.summary = r.info.summary;
    info.files.push_back(path);
    return all;
}

} // namespace

std::vector<assignment> read_toml(const std::string &path, bool is_profile, const std::vector<std::string> &directories,
                                  toml_info *info)
{
    toml_info found;
    paths done;
    std::vector<assignment> all = read_file(path, is_profile, directories, found, {}, done);
    if (info != nullptr)
        *info = found;
    return all;
}

std::string find_profile(const std::string &name_or_path, const std::vector<std::string> &directories)
{
    if (name_or_path.find('/') != std::string::npos || ends_with(name_or_path, ".toml"))
        return name_or_path;
    std::string found = profile_by_name(name_or_path, directories);
    if (!found.empty())
        return found;
    const std::vector<std::string> names = profile_names(directories);
    throw user_error(fmt::format("--profile: unknown profile '{}'{}; expected one of: {}, or the path of a TOML file",
                                 name_or_path, suggestion(name_or_path, names),
                                 names.empty() ? "(none found)" : fmt::format("{}", fmt::join(names, ", "))));
}

assignment parse_set(const std::string &text)
{
    std::size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0)
        throw user_error(fmt::format("--set: '{}': expected KEY=VALUE", text));
    assignment a;
    a.key = text.substr(0, equals);
    a.value.text = text.substr(equals + 1);
    a.place = "--set";
    return a;
}

} // namespace vp
