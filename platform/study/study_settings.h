// SPDX-License-Identifier: Apache-2.0
// One thing that a study sets in a run: an option of `uintr-vp run`, a configuration key, or an argument of the guest.
// Which there are, whether a value can be one, and how settings become the arguments of a run.
#ifndef PLATFORM_STUDY_STUDY_SETTINGS_H
#define PLATFORM_STUDY_STUDY_SETTINGS_H

#include <string>
#include <vector>

namespace vp
{

struct study_setting {
    std::string key;                 // as written: "cores", "interconnect.latency_cycles", "argument.samples"
    std::vector<std::string> values; // as written; several only for lists (arguments, modules, config)
    std::string place;               // "file.toml:12"
    // After check_setting():
    std::string canonical;             // one name for one thing: "platform.cores" for "cores"
    std::vector<std::string> resolved; // paths made from the study file's folder; otherwise as written
    std::vector<std::string> files;    // whose content the run depends on

    std::string text() const; // the values, separated by spaces
};

struct setting_context {
    std::string folder; // of the study file, "" for the current one; paths in the file are relative to it
    std::vector<std::string> profile_directories;
};

// True for the keys that take a list of texts.
bool is_list_setting(const std::string &key);

// Throws user_error that names place, key, value and what was expected. An image may be missing: that is the failure of
// the runs that need it.
void check_setting(study_setting &setting, const setting_context &context);

// For an image after check_setting().
bool image_exists(const study_setting &image);
[[noreturn]] void refuse_missing_image(const study_setting &image);

// What a setting sets, for who asks whether two set the same: its canonical name, and "argument.NAME" for each
// NAME=VALUE among the guest's arguments.
std::vector<std::string> names_set_by(const study_setting &setting);

// As check_setting() leaves them; of two with the same canonical name the later counts.
std::vector<study_setting> merge_settings(const std::vector<std::vector<study_setting>> &layers);

// "run ... IMAGE [-- GUEST-ARGUMENTS]" without output options. as_written: with paths as the study file has them, a
// name of the run that does not depend on where the study lies.
std::vector<std::string> run_arguments(const std::vector<study_setting> &merged, bool as_written);

} // namespace vp

#endif
