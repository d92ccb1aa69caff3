// SPDX-License-Identifier: Apache-2.0
// Layers of assignments become the effective configuration. The timing model is chosen first, because its parameters
// are keys too; then every assignment is checked and applied in order.
#include "configuration.h"

#include "cpu.h"
#include "crash_guard.h"
#include "devices/disk.h"
#include "user_error.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <sstream>

namespace vp
{

namespace
{

constexpr const char *TIMING_PREFIX = "timing.";
constexpr std::uint64_t FEMTOSECONDS_PER_SECOND = 1000000000000000;

bool is_path(const std::string &model)
{
    return model.find('/') != std::string::npos || (model.size() > 3 && model.compare(model.size() - 3, 3, ".so") == 0);
}

std::vector<std::string> builtin_names()
{
    std::vector<std::string> names;
    for (std::size_t i = 0; timing_builtin(i) != nullptr; i++)
        names.push_back(timing_builtin(i)->name);
    return names;
}

std::string join(const std::vector<std::string> &words)
{
    std::string text;
    for (const std::string &w : words)
        text += (text.empty() ? "" : ", ") + w;
    return text;
}

void add_default(struct cpu_features &features)
{
    const struct cpu_features standard = cpu_features_default();
    for (int i = 0; i < CPU_FEATURE_COUNT; i++)
        features.has[i] = features.has[i] || standard.has[i];
}

// The effective list, as `uintr-vp config` and the statistics show it.
std::string feature_names(const struct cpu_features &features)
{
    std::string names;
    for (int i = 0; i < CPU_FEATURE_COUNT; i++)
        if (features.has[i])
            names += (names.empty() ? "" : ",") + std::string(cpu_feature_name(static_cast<enum cpu_feature>(i)));
    return names;
}

// Nearest clocks below and above whose cycle is a whole number of femtoseconds.
std::string neighbours(std::uint64_t clock_hz)
{
    std::uint64_t below = 1, above = FEMTOSECONDS_PER_SECOND;
    for (std::uint64_t two = 1, i = 0; i <= 15; i++, two *= 2)
        for (std::uint64_t divisor = two, j = 0; j <= 15; j++, divisor *= 5) {
            if (divisor < clock_hz)
                below = std::max(below, divisor);
            if (divisor > clock_hz)
                above = std::min(above, divisor);
        }
    return fmt::format("{} or {}", below, above);
}

} // namespace

configuration::configuration(const std::vector<assignment> &layers)
{
    add_keys(platform_keys());
    for (const assignment &a : layers)
        if (a.key == "timing.model")
            apply(a);
    load_timing_model();
    try {
        add_timing_keys();
        for (const assignment &a : layers)
            apply(a);
        m_features = parse_features(at("cpu.features"));
        find("cpu.features")->value = feature_names(m_features);
        check_together();
    } catch (...) {
        timing_unload(m_handle);
        throw;
    }
}

configuration::~configuration() { timing_unload(m_handle); }

void configuration::add_keys(const std::vector<key_info> &keys)
{
    for (const key_info &key : keys) {
        m_index[key.name] = m_entries.size();
        m_entries.push_back(config_entry{key, key.default_value, "default", key.source, "", 0});
    }
}

config_entry *configuration::find(const std::string &key)
{
    auto it = m_index.find(key);
    return it == m_index.end() ? nullptr : &m_entries[it->second];
}

const config_entry &configuration::at(const std::string &key) const { return m_entries[m_index.at(key)]; }

// --- the timing model and its parameters ---

void configuration::load_timing_model()
{
    const config_entry &entry = at("timing.model");
    const std::string &name = std::get<std::string>(entry.value);
    if (!is_path(name)) {
        m_model = timing_find(name.c_str());
        if (m_model == nullptr)
            throw user_error(
                fmt::format("{}: unknown timing model '{}'{}; expected one of: {}, or the path of a shared object",
                            entry.origin, name, suggestion(name, builtin_names()), join(builtin_names())));
        return;
    }
    std::array<char, 512> error{};
    // dlopen searches the library path for a bare file name; the user means the file.
    std::string path = name.find('/') == std::string::npos ? "./" + name : name;
    m_model = crash_guard::call("timing model " + name, "while it was loaded",
                                [&] { return timing_load(path.c_str(), &m_handle, error.data(), error.size()); });
    if (m_model == nullptr)
        throw user_error(fmt::format("{}: timing model {}: {}", entry.origin, name, error.data()));
}

// timing_model.h, struct timing_param.
std::vector<std::string> timing_choices(const struct timing_param &p)
{
    std::vector<std::string> names;
    std::stringstream list(p.unit);
    std::string name;
    while (std::strchr(p.unit, '|') != nullptr && std::getline(list, name, '|'))
        names.push_back(name);
    return names;
}

key_info timing_key(const struct timing_param &p)
{
    const std::string name = std::string(TIMING_PREFIX) + p.name;
    const std::vector<std::string> choices = timing_choices(p);
    if (!choices.empty())
        return {name,    key_type::choice, "",      choices.at(static_cast<std::size_t>(p.default_value)), 0, 0,
                choices, p.sentence,       p.source};
    return {name, key_type::real, p.unit, p.default_value, p.min, p.max, {}, p.sentence, p.source};
}

void configuration::add_timing_keys()
{
    std::vector<key_info> keys;
    for (std::size_t i = 0; i < m_model->param_count; i++)
        keys.push_back(timing_key(m_model->params[i]));
    add_keys(keys);
}

namespace
{

// A profile may describe several models at once; the parameters of those not chosen are checked, but not used.
std::optional<key_info> key_of_some_model(const std::string &key)
{
    const std::string prefix = TIMING_PREFIX;
    if (key.compare(0, prefix.size(), prefix) != 0)
        return {};
    for (std::size_t i = 0; timing_builtin(i) != nullptr; i++) {
        const int index = timing_param_index(timing_builtin(i), key.c_str() + prefix.size());
        if (index >= 0)
            return timing_key(timing_builtin(i)->params[index]);
    }
    return {};
}

} // namespace

std::vector<double> configuration::timing_values() const
{
    std::vector<double> values;
    for (std::size_t i = 0; i < m_model->param_count; i++) {
        const config_entry &entry = at(std::string(TIMING_PREFIX) + m_model->params[i].name);
        if (entry.key.type == key_type::choice) {
            const auto chosen =
                std::find(entry.key.choices.begin(), entry.key.choices.end(), std::get<std::string>(entry.value));
            values.push_back(static_cast<double>(chosen - entry.key.choices.begin()));
        } else {
            values.push_back(std::get<double>(entry.value));
        }
    }
    return values;
}

// --- assignments ---

void configuration::apply(const assignment &a)
{
    config_entry *entry = find(a.key);
    if (entry == nullptr) {
        const std::optional<key_info> of_another_model = key_of_some_model(a.key);
        if (a.from_profile && of_another_model) {
            (void)convert(*of_another_model, a);
            return;
        }
        std::vector<std::string> names;
        for (const config_entry &e : m_entries)
            names.push_back(e.key.name);
        std::string of_model;
        if (of_another_model)
            of_model = fmt::format(" of the timing model '{}'", m_model->name);
        throw user_error(fmt::format("{}: unknown key '{}'{}{}; 'uintr-vp config' lists all keys", a.place, a.key,
                                     of_model, suggestion(a.key, names)));
    }
    entry->value = convert(entry->key, a);
    const std::string file = a.place.substr(0, a.place.rfind(':'));
    m_layers += file != m_last_file;
    m_last_file = file;
    entry->layer = m_layers;
    entry->origin = a.place;
    entry->source = a.source;
    entry->confidence = a.confidence;
}

struct cpu_features configuration::parse_features(const config_entry &entry) const
{
    std::vector<std::string> names;
    for (int i = 0; i < CPU_FEATURE_COUNT; i++)
        names.push_back(cpu_feature_name(static_cast<enum cpu_feature>(i)));
    struct cpu_features features = {};
    std::stringstream list(std::get<std::string>(entry.value));
    std::string word;
    bool first = true;
    while (std::getline(list, word, ',')) {
        word.erase(0, word.find_first_not_of(' '));
        word.erase(word.find_last_not_of(' ') + 1);
        bool remove = !word.empty() && word[0] == '-';
        if (!word.empty() && (word[0] == '-' || word[0] == '+')) {
            // "-uintr" alone means: the default without it.
            if (first)
                features = cpu_features_default();
            word.erase(0, 1);
        }
        first = false;
        int index = cpu_feature_find(word.c_str());
        if (word == "default" && !remove)
            add_default(features);
        else if (index < 0)
            throw user_error(fmt::format("{}: cpu.features: unknown feature '{}'{}; expected some of: default, {}",
                                         entry.origin, word, suggestion(word, names), join(names)));
        else if (remove)
            features.has[index] = false;
        else
            features.has[index] = true;
    }
    return features;
}

void configuration::check_together() const
{
    std::uint64_t clock = integer("cpu.clock_hz");
    if (FEMTOSECONDS_PER_SECOND % clock != 0)
        throw user_error(
            fmt::format("{}: cpu.clock_hz = {}: a cycle must be a whole number of femtoseconds; nearest: {}",
                        at("cpu.clock_hz").origin, clock, neighbours(clock)));
    if (integer("platform.memory_bytes") % 4096 != 0)
        throw user_error(fmt::format("{}: platform.memory_bytes = {}: expected a multiple of 4096",
                                     at("platform.memory_bytes").origin, integer("platform.memory_bytes")));
    check_block();
    quantum q = quantum_setting();
    if (q.count > 1000000000)
        throw user_error(fmt::format("{}: platform.quantum = '{}': expected at most 1000000000",
                                     at("platform.quantum").origin, text("platform.quantum")));
}

void configuration::check_block() const
{
    const auto refuse = [this](const char *key, const std::string &expected) {
        const config_entry &e = at(key);
        throw user_error(fmt::format("{}: {} = '{}': expected {}", e.origin, key, to_text(e.value), expected));
    };
    const std::uint64_t depth = integer("block.queue_depth");
    if ((depth & (depth - 1)) != 0)
        refuse("block.queue_depth", "a power of two");
    if (!text("block.error_sectors").empty() && !parse_range(text("block.error_sectors")))
        refuse("block.error_sectors", "FIRST-LAST, two numbers of sectors, such as 8-15");
    if (integer("block.bytes") % disk::SECTOR_BYTES != 0)
        refuse("block.bytes", fmt::format("a multiple of {}", disk::SECTOR_BYTES));
    if (integer("block.bytes") != 0 && !text("block.file").empty())
        refuse("block.bytes", fmt::format("0, because block.file = '{}' is the disk", text("block.file")));
    if (text("block.writes") == "keep" && text("block.file").empty())
        refuse("block.writes", "block.file too: there is no file to keep them in");
}

// --- reading ---

std::uint64_t configuration::integer(const std::string &key) const { return std::get<std::uint64_t>(at(key).value); }
double configuration::real(const std::string &key) const { return std::get<double>(at(key).value); }
bool configuration::boolean(const std::string &key) const { return std::get<bool>(at(key).value); }
const std::string &configuration::text(const std::string &key) const { return std::get<std::string>(at(key).value); }
quantum configuration::quantum_setting() const { return *parse_quantum(text("platform.quantum")); }

std::string configuration::blame(const std::string &text) const
{
    const std::string of_a_key = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.";
    const config_entry *last = nullptr;
    for (std::size_t at = text.find_first_of(of_a_key), end = 0; at != std::string::npos;
         at = text.find_first_of(of_a_key, end)) {
        end = std::min(text.find_first_not_of(of_a_key, at), text.size());
        const auto found = m_index.find(text.substr(at, end - at));
        const config_entry *entry = found != m_index.end() ? &m_entries[found->second] : nullptr;
        if (entry != nullptr && entry->layer > (last != nullptr ? last->layer : 0))
            last = entry;
    }
    return last != nullptr ? last->origin + ": " : "";
}

std::string configuration::print() const
{
    constexpr std::size_t value_width = 18; // longer ones (lists) push their line's origin to the right
    std::size_t name_width = 0;
    for (const config_entry &e : m_entries)
        name_width = std::max(name_width, e.key.name.size());
    std::string out;
    for (const config_entry &e : m_entries) {
        std::string value = to_text(e.value) + (e.key.unit.empty() ? "" : " " + e.key.unit);
        out += fmt::format("{:<{}}  {:<{}}  # {}", e.key.name, name_width, value, value_width, e.origin);
        if (!e.source.empty())
            out += fmt::format("; source: {}", e.source);
        if (!e.confidence.empty())
            out += fmt::format(" ({})", e.confidence);
        out += '\n';
    }
    return out;
}

} // namespace vp
