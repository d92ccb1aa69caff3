// SPDX-License-Identifier: Apache-2.0
// See scratch_folder.h.
#include "scratch_folder.h"

#include "config/user_error.h"

#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace vp
{

scratch_folder::scratch_folder()
{
    std::error_code error;
    const std::filesystem::path parent = std::filesystem::temp_directory_path(error);
    m_path = (parent / "uintr-vp.XXXXXX").string();
    if (error || mkdtemp(m_path.data()) == nullptr)
        throw user_error(fmt::format("{}: no temporary folder can be made there; set TMPDIR", parent.string()));
}

scratch_folder::~scratch_folder()
{
    std::error_code ignored;
    std::filesystem::remove_all(m_path, ignored);
}

std::string read_whole_file(const std::string &path)
{
    std::ostringstream text;
    if (const std::ifstream file(path, std::ios::binary); file)
        text << file.rdbuf();
    return text.str();
}

} // namespace vp
