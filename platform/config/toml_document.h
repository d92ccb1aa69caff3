// SPDX-License-Identifier: Apache-2.0
// A TOML file as toml++'s tree, for the readers of configurations (toml_source.cpp) and studies (study/study_file.cpp).
// Nobody else includes this: toml++ is a large header.
#ifndef PLATFORM_CONFIG_TOML_DOCUMENT_H
#define PLATFORM_CONFIG_TOML_DOCUMENT_H

#include <toml++/toml.h>

#include <string>

namespace vp
{

// what: "configuration", "study"; for messages. Throws user_error with file and line.
toml::table parse_toml_file(const std::string &path, const char *what);

} // namespace vp

#endif
