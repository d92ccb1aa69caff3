// SPDX-License-Identifier: Apache-2.0
// The runs of a study: every combination of the points of its dimensions, the last dimension changing fastest.
#ifndef PLATFORM_STUDY_GRID_H
#define PLATFORM_STUDY_GRID_H

#include "study_file.h"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace vp
{

struct study_run {
    std::vector<std::size_t> points;    // index into each dimension
    std::vector<std::string> arguments; // "run ... IMAGE -- ..." without output options
    std::string key;                    // names the run in the store: what it was told, in the words of the study file
    std::vector<std::string> files;     // whose content it depends on
};

// Throws user_error if they are too many.
std::vector<study_run> expand_grid(const study &s);

// The label of a run's point in a dimension.
const std::string &label_of(const study &s, const study_run &run, std::size_t dimension);

// Text that a shell reads back as these words.
std::string shell_words(const std::vector<std::string> &words);

// Tells whether a run would be the same again: a digest of this program and of the files that the run reads. Files are
// read once.
class input_digest
{
  public:
    input_digest();
    std::string of(const study_run &run); // hexadecimal

  private:
    std::uint64_t of_file(const std::string &path);
    std::map<std::string, std::uint64_t> m_files; // digests of contents
    std::uint64_t m_program;
};

} // namespace vp

#endif
