// SPDX-License-Identifier: Apache-2.0
// [[plot]] of a study file.
#ifndef PLATFORM_STUDY_STUDY_PLOT_READER_H
#define PLATFORM_STUDY_STUDY_PLOT_READER_H

#include "study_file.h"
#include "toml_members.h"

namespace vp
{

// of: the study with its grid and columns. Throws user_error.
study_plot read_plot(const toml_place &at, const toml::table &table, const study &of);

} // namespace vp

#endif
