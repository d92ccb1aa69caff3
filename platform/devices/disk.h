// SPDX-License-Identifier: Apache-2.0
// The bytes of a disk: a file, read as a whole before the run, or zeros in memory. What the guest writes changes the
// copy in memory; save() puts it back into the file, which is the only time that the file is touched again.
#ifndef PLATFORM_DEVICES_DISK_H
#define PLATFORM_DEVICES_DISK_H

#include <cstdint>
#include <memory>
#include <string>

namespace vp
{

class disk
{
  public:
    static constexpr std::uint64_t SECTOR_BYTES = 512;
    static constexpr std::uint64_t MOST_BYTES = std::uint64_t{16} << 30;

    // Both throw user_error, which names the file or the key and what was expected. bytes: as the key allows.
    static disk of_file(const std::string &path);
    static disk of_zeros(std::uint64_t bytes);
    // The file can be written to later; throws user_error. Changes nothing.
    void check_writable() const;

    std::uint64_t sectors() const { return m_bytes / SECTOR_BYTES; }
    // [sector, sector + bytes / SECTOR_BYTES) must be inside.
    const unsigned char *at(std::uint64_t sector) const { return m_content.get() + sector * SECTOR_BYTES; }
    unsigned char *change(std::uint64_t sector)
    {
        m_is_changed = true;
        return m_content.get() + sector * SECTOR_BYTES;
    }

    void save(); // to its file, if there is one and something has changed since; throws user_error

  private:
    struct release {
        void operator()(unsigned char *bytes) const;
    };

    disk(std::string path, std::uint64_t bytes);

    std::string m_path; // "": none
    std::uint64_t m_bytes;
    std::unique_ptr<unsigned char, release> m_content;
    bool m_is_changed = false;
};

} // namespace vp

#endif
