// SPDX-License-Identifier: Apache-2.0
// A folder for files that only this process and its children need; it goes away with the object. And reading a file
// that a child has written.
#ifndef PLATFORM_SCRATCH_FOLDER_H
#define PLATFORM_SCRATCH_FOLDER_H

#include <string>

namespace vp
{

class scratch_folder
{
  public:
    scratch_folder(); // where the host keeps temporary files (TMPDIR). Throws user_error.
    ~scratch_folder();
    scratch_folder(const scratch_folder &) = delete;
    scratch_folder &operator=(const scratch_folder &) = delete;

    std::string file(const std::string &name) const { return m_path + "/" + name; }

  private:
    std::string m_path;
};

// "" if it does not exist.
std::string read_whole_file(const std::string &path);

} // namespace vp

#endif
