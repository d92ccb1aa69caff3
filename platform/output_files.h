// SPDX-License-Identifier: Apache-2.0
// Files that a run writes must be neither what it reads nor each other.
#ifndef PLATFORM_OUTPUT_FILES_H
#define PLATFORM_OUTPUT_FILES_H

#include "cli.h"
#include "config/configuration.h"

namespace vp
{

// Throws user_error with both names. Devices such as /dev/null may be written twice.
void check_output_files(const command_line &command, const configuration &config);

} // namespace vp

#endif
