// SPDX-License-Identifier: Apache-2.0
// The effective configuration: every key with its value and where it came from. Later layers win; every assignment is
// checked, also those that another one overrides.
#ifndef PLATFORM_CONFIG_CONFIGURATION_H
#define PLATFORM_CONFIG_CONFIGURATION_H

#include "assignment.h"
#include "cpu.h"
#include "registry.h"
#include "timing.h"
#include "units.h"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace vp
{

struct config_entry {
    key_info key;
    key_value value;
    std::string origin; // "default", "file.toml:12", "--set", "--cores"
    std::string source, confidence;
    std::size_t layer; // of the file, or the option, that set it: later ones are greater; 0: default
};

// The names of a timing parameter that is an enumeration; empty for a number.
std::vector<std::string> timing_choices(const struct timing_param &p);
// The key that sets a parameter of a timing model.
key_info timing_key(const struct timing_param &p);

class configuration
{
  public:
    // layers in order of precedence, lowest first: profile, --config files, command line. Loads the timing model.
    // Throws user_error.
    explicit configuration(const std::vector<assignment> &layers = {});
    ~configuration();
    configuration(const configuration &) = delete;
    configuration &operator=(const configuration &) = delete;

    const std::vector<config_entry> &entries() const { return m_entries; }

    std::uint64_t integer(const std::string &key) const;
    double real(const std::string &key) const;
    bool boolean(const std::string &key) const;
    const std::string &text(const std::string &key) const;
    quantum quantum_setting() const;
    const struct cpu_features &features() const { return m_features; }

    const struct timing_model *timing_model() const { return m_model; }
    std::vector<double> timing_values() const; // in the order of the model's parameters

    // "ORIGIN: " of the key named in `text` that was set last, of several in one file the first: what a message about
    // several values begins with. "" if all are defaults.
    std::string blame(const std::string &text) const;

    // The table of `uintr-vp config`.
    std::string print() const;

  private:
    config_entry *find(const std::string &key);
    const config_entry &at(const std::string &key) const;
    void add_keys(const std::vector<key_info> &keys);
    void apply(const assignment &a);
    void load_timing_model();
    void add_timing_keys();
    void check_together() const;
    void check_block() const;
    struct cpu_features parse_features(const config_entry &entry) const;

    std::vector<config_entry> m_entries;
    std::map<std::string, std::size_t> m_index;
    std::size_t m_layers = 0; // so far
    std::string m_last_file;
    const struct timing_model *m_model = nullptr;
    void *m_handle = nullptr; // of a shared object
    struct cpu_features m_features = {};
};

// A raw value as a value of this key; throws user_error naming place, key and what was expected.
key_value convert(const key_info &key, const assignment &a);

} // namespace vp

#endif
