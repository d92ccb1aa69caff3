// SPDX-License-Identifier: Apache-2.0
// See disk.h.
#include "disk.h"

#include "config/units.h"
#include "config/user_error.h"

#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <utility>

namespace vp
{

namespace fs = std::filesystem;

void disk::release::operator()(unsigned char *bytes) const { std::free(bytes); }

// calloc: pages of zeros that nobody touches take no memory of the host.
disk::disk(std::string path, std::uint64_t bytes)
    : m_path(std::move(path)), m_bytes(bytes), m_content(static_cast<unsigned char *>(std::calloc(bytes, 1)))
{
    if (!m_content)
        throw user_error(fmt::format("{}: this host has too little memory for a disk of {}",
                                     m_path.empty() ? "block.bytes" : m_path, format_size(bytes)));
}

disk disk::of_zeros(std::uint64_t bytes)
{
    if (bytes % SECTOR_BYTES != 0)
        throw user_error(fmt::format("block.bytes = {}: expected a multiple of {}", bytes, SECTOR_BYTES));
    return disk("", bytes);
}

disk disk::of_file(const std::string &path)
{
    std::error_code error;
    const fs::file_status status = fs::status(path, error);
    if (!fs::exists(status))
        throw user_error(fmt::format("block.file: {}: there is no such file", path));
    if (!fs::is_regular_file(status))
        throw user_error(fmt::format("block.file: {}: expected a regular file", path));
    const std::uint64_t bytes = fs::file_size(path, error);
    if (error || bytes == 0 || bytes % SECTOR_BYTES != 0 || bytes > MOST_BYTES)
        throw user_error(fmt::format("block.file: {}: {} bytes: expected a multiple of {}, from {} to {}", path,
                                     error ? 0 : bytes, SECTOR_BYTES, SECTOR_BYTES, format_size(MOST_BYTES)));
    disk d(path, bytes);
    std::ifstream file(path, std::ios::binary);
    if (!file.read(reinterpret_cast<char *>(d.m_content.get()), static_cast<std::streamsize>(bytes)))
        throw user_error(fmt::format("block.file: {}: cannot be read", path));
    return d;
}

void disk::check_writable() const
{
    if (!m_path.empty() && !std::fstream(m_path, std::ios::binary | std::ios::in | std::ios::out))
        throw user_error(fmt::format("block.file: {}: cannot be written, as block.writes = keep asks for", m_path));
}

// In place: the file keeps its links, owner and permissions.
void disk::save()
{
    if (m_path.empty() || !m_is_changed)
        return;
    std::fstream file(m_path, std::ios::binary | std::ios::in | std::ios::out);
    file.write(reinterpret_cast<const char *>(m_content.get()), static_cast<std::streamsize>(m_bytes));
    file.close();
    if (!file)
        throw user_error(fmt::format("block.file: {}: cannot be written", m_path));
    m_is_changed = false;
}

} // namespace vp
