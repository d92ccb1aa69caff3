// SPDX-License-Identifier: Apache-2.0
// See study_settings.h. Configuration keys are checked against the registry, one value at a time; whether a combination
// makes sense is seen when it runs, and then is that run's reason to fail.
#include "study_settings.h"

#include "config/configuration.h"
#include "config/user_error.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

namespace vp
{

namespace
{

namespace fs = std::filesystem;

constexpr const char *ARGUMENT_PREFIX = "argument.";
constexpr const char *TIMING_PREFIX = "timing.";

enum class kind { image, files, profile, arguments, seed, time, count };

struct option_setting {
    const char *key;
    kind of;
    const char *option; // of `uintr-vp run`; "" if it is none
};
constexpr option_setting OPTION_SETTINGS[] = {
    {"image", kind::image, ""},
    {"modules", kind::files, "--module"},
    {"config", kind::files, "--config"},
    {"profile", kind::profile, "--profile"},
    {"arguments", kind::arguments, ""},
    {"seed", kind::seed, ""},
    {"max_time", kind::time, "--max-time"},
    {"max_insns", kind::count, "--max-insns"},
};

// Short names, as the options of `uintr-vp run`.
struct short_name {
    const char *name, *key;
};
constexpr short_name SHORT_NAMES[] = {
    {"cores", "platform.cores"},         {"timing", "timing.model"}, {"quantum", "platform.quantum"},
    {"memory", "platform.memory_bytes"}, {"disk", "block.file"},
};

const option_setting *find_option(const std::string &key)
{
    const auto *end = std::end(OPTION_SETTINGS);
    const auto *found = std::find_if(std::begin(OPTION_SETTINGS), end, [&](const auto &o) { return key == o.key; });
    return found == end ? nullptr : found;
}

bool starts_with(const std::string &text, const std::string &start)
{
    return text.compare(0, start.size(), start) == 0;
}

bool is_shared_object(const std::string &model)
{
    return model.find('/') != std::string::npos || fs::path(model).extension() == ".so";
}

std::string canonical_name(const std::string &key)
{
    if (key == "seed")
        return std::string(ARGUMENT_PREFIX) + "seed";
    for (const short_name &s : SHORT_NAMES)
        if (key == s.name)
            return s.key;
    return key;
}

[[noreturn]] void refuse(const study_setting &s, const std::string &expected)
{
    throw user_error(fmt::format("{}: {} = '{}': expected {}", s.place, s.key, s.text(), expected));
}

// Paths are relative to the study file.
std::string resolve(const std::string &path, const setting_context &context)
{
    return (fs::path(context.folder) / path).lexically_normal().string();
}

bool is_file(const std::string &path)
{
    std::error_code error;
    return fs::is_regular_file(path, error);
}

void need_file(const study_setting &s, const std::string &path, const char *what)
{
    if (!is_file(path))
        refuse(s, fmt::format("{}; there is no file {}", what, path));
}

// --- configuration keys ---

// The parameter of a built-in model, as a key; the models themselves are asked only by the run.
std::vector<key_info> timing_keys()
{
    std::vector<key_info> keys;
    for (std::size_t m = 0; timing_builtin(m) != nullptr; m++)
        for (std::size_t i = 0; i < timing_builtin(m)->param_count; i++)
            keys.push_back(timing_key(timing_builtin(m)->params[i]));
    return keys;
}

std::vector<std::string> known_names(const std::vector<key_info> &keys)
{
    std::vector<std::string> names;
    for (const option_setting &o : OPTION_SETTINGS)
        names.emplace_back(o.key);
    for (const short_name &s : SHORT_NAMES)
        names.emplace_back(s.name);
    for (const key_info &k : keys)
        names.push_back(k.name);
    return names;
}

void check_timing_model(study_setting &s, const setting_context &context)
{
    const std::string &name = s.values.front();
    if (is_shared_object(name)) {
        s.resolved = {fs::absolute(resolve(name, context)).string()};
        need_file(s, s.resolved.front(), "a shared object or the name of a timing model");
        s.files = s.resolved;
    } else if (timing_find(name.c_str()) == nullptr) {
        std::vector<std::string> names;
        for (std::size_t i = 0; timing_builtin(i) != nullptr; i++)
            names.emplace_back(timing_builtin(i)->name);
        refuse(s, fmt::format("one of: {}, or the path of a shared object", fmt::join(names, ", ")));
    }
}

void check_console_input(study_setting &s, const setting_context &context)
{
    const std::string &name = s.values.front();
    if (name == "stdin" || name == "none")
        return;
    s.resolved = {fs::absolute(resolve(name, context)).string()};
    need_file(s, s.resolved.front(), "stdin (which is empty in a study), none, or the path of a file");
    s.files = s.resolved;
}

void check_disk(study_setting &s, const setting_context &context)
{
    if (s.values.front().empty())
        return;
    s.resolved = {fs::absolute(resolve(s.values.front(), context)).string()};
    need_file(s, s.resolved.front(), "the path of a disk");
    s.files = s.resolved;
}

void check_key(study_setting &s, const setting_context &context)
{
    if (s.canonical == "timing.model")
        return check_timing_model(s, context);
    if (s.canonical == "console.input")
        return check_console_input(s, context);
    if (s.canonical == "block.file")
        return check_disk(s, context);
    if (s.canonical == "block.writes" && s.values.front() == "keep")
        refuse(s, "discard or refuse: the runs of a study share their files");
    std::vector<key_info> keys = platform_keys();
    const std::vector<key_info> of_models = timing_keys();
    keys.insert(keys.end(), of_models.begin(), of_models.end());
    const auto key = std::find_if(keys.begin(), keys.end(), [&](const key_info &k) { return k.name == s.canonical; });
    if (key == keys.end()) {
        // A parameter of the user's own timing model is known to that model only.
        if (starts_with(s.canonical, TIMING_PREFIX))
            return;
        throw user_error(
            fmt::format("{}: unknown key '{}'{}; expected a key of 'uintr-vp config', argument.NAME, or one "
                        "of: image, modules, config, profile, arguments, seed, max_time, max_insns, cores, "
                        "timing, quantum, memory, disk",
                        s.place, s.key, suggestion(s.key, known_names(keys))));
    }
    assignment a;
    a.key = s.key;
    a.value.text = s.values.front();
    a.place = s.place;
    key_info as_written = *key; // messages name the key as the user does
    as_written.name = s.key;
    convert(as_written, a);
}

// --- options ---

// A configuration or profile with all that it includes, and the files that its values name: a timing model, what the
// console reads. These lie where `uintr-vp run` would look for them: from the current folder on.
std::vector<std::string> files_behind(const std::string &path, bool is_profile, const setting_context &context)
{
    toml_info info;
    const std::vector<assignment> found = read_toml(path, is_profile, context.profile_directories, &info);
    for (const assignment &a : found) {
        const bool names_a_file =
            (a.key == "timing.model" && is_shared_object(a.value.text)) || a.key == "console.input";
        if (names_a_file && is_file(a.value.text))
            info.files.push_back(a.value.text);
    }
    return info.files;
}

void check_option(study_setting &s, const option_setting &option, const setting_context &context)
{
    const std::string &value = s.values.empty() ? std::string() : s.values.front();
    switch (option.of) {
    case kind::image:
        s.resolved = {resolve(value, context)};
        s.files = s.resolved;
        break;
    case kind::files:
        s.resolved.clear();
        for (const std::string &v : s.values) {
            s.resolved.push_back(resolve(v, context));
            need_file(s, s.resolved.back(), "paths of files");
        }
        s.files = s.resolved;
        if (s.canonical == "config") {
            s.files.clear();
            for (const std::string &path : s.resolved)
                for (const std::string &file : files_behind(path, false, context))
                    s.files.push_back(file);
        }
        break;
    case kind::profile:
        try {
            const bool is_path = value.find('/') != std::string::npos || fs::path(value).extension() == ".toml";
            const std::string file =
                find_profile(is_path ? resolve(value, context) : value, context.profile_directories);
            need_file(s, file, "a profile");
            s.files = files_behind(file, true, context);
            if (is_path)
                s.resolved = {fs::absolute(file).string()};
        } catch (const user_error &e) {
            throw user_error(fmt::format("{}: {}", s.place, e.what()));
        }
        break;
    case kind::time:
        if (const auto ps = parse_time_ps(value); !ps || *ps == 0)
            refuse(s, "a time above 0 with unit ps, ns, us, ms or s, such as 10ms");
        break;
    case kind::count:
        if (const auto n = parse_unsigned(value); !n || *n == 0)
            refuse(s, "a whole number above 0");
        break;
    case kind::seed:
        if (!parse_unsigned(value))
            refuse(s, "a whole number");
        break;
    case kind::arguments: break;
    }
}

} // namespace

std::string study_setting::text() const { return fmt::format("{}", fmt::join(values, " ")); }

bool is_list_setting(const std::string &key) { return key == "arguments" || key == "modules" || key == "config"; }

void check_setting(study_setting &s, const setting_context &context)
{
    s.canonical = canonical_name(s.key);
    s.resolved = s.values;
    if (!is_list_setting(s.key) && (s.values.size() != 1 || s.values.front().empty()))
        refuse(s, "one value that is not empty");
    if (const option_setting *option = find_option(s.key))
        check_option(s, *option, context);
    else if (!starts_with(s.canonical, ARGUMENT_PREFIX))
        check_key(s, context);
}

bool image_exists(const study_setting &image) { return is_file(image.resolved.front()); }

void refuse_missing_image(const study_setting &image)
{
    refuse(image, fmt::format("the path of a Multiboot image; there is no file {}", image.resolved.front()));
}

std::vector<std::string> names_set_by(const study_setting &s)
{
    std::vector<std::string> names{s.canonical};
    if (s.canonical == "arguments")
        for (const std::string &argument : s.values)
            if (const std::size_t equals = argument.find('='); equals != std::string::npos)
                names.push_back(ARGUMENT_PREFIX + argument.substr(0, equals));
    return names;
}

std::vector<study_setting> merge_settings(const std::vector<std::vector<study_setting>> &layers)
{
    std::vector<study_setting> merged;
    for (const std::vector<study_setting> &layer : layers)
        for (const study_setting &s : layer) {
            const auto same = std::find_if(merged.begin(), merged.end(),
                                           [&](const study_setting &m) { return m.canonical == s.canonical; });
            if (same == merged.end())
                merged.push_back(s);
            else
                *same = s;
        }
    return merged;
}

std::vector<std::string> run_arguments(const std::vector<study_setting> &merged, bool as_written)
{
    std::vector<std::string> options, guest, named_guest;
    std::string image;
    for (const study_setting &s : merged) {
        const std::vector<std::string> &values = as_written ? s.values : s.resolved;
        const option_setting *option = find_option(s.canonical);
        if (starts_with(s.canonical, ARGUMENT_PREFIX))
            named_guest.push_back(s.canonical.substr(std::string(ARGUMENT_PREFIX).size()) + "=" + values.front());
        else if (option == nullptr)
            options.insert(options.end(), {"--set", s.canonical + "=" + values.front()});
        else if (option->of == kind::image)
            image = values.front();
        else if (option->of == kind::arguments)
            guest = values;
        else
            for (const std::string &v : values)
                options.insert(options.end(), {option->option, v});
    }
    std::vector<std::string> all{"run"};
    all.insert(all.end(), options.begin(), options.end());
    all.push_back(image);
    if (!guest.empty() || !named_guest.empty()) {
        all.emplace_back("--");
        all.insert(all.end(), guest.begin(), guest.end());
        all.insert(all.end(), named_guest.begin(), named_guest.end());
    }
    return all;
}

} // namespace vp
