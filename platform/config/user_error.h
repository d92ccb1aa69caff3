// SPDX-License-Identifier: Apache-2.0
// The user's mistake (usage, configuration, image): one line that names file, key and what was expected. The program
// ends with status 125. Our own mistakes are other exceptions and end it with 127.
#ifndef PLATFORM_CONFIG_USER_ERROR_H
#define PLATFORM_CONFIG_USER_ERROR_H

#include <stdexcept>
#include <string>
#include <vector>

namespace vp
{

class user_error : public std::runtime_error
{
  public:
    using std::runtime_error::runtime_error;
};

// The candidate closest to `word` by edit distance, or "" if none is near enough to be meant.
std::string nearest(const std::string &word, const std::vector<std::string> &candidates);
// " (did you mean 'x'?)" or "".
std::string suggestion(const std::string &word, const std::vector<std::string> &candidates);

} // namespace vp

#endif
