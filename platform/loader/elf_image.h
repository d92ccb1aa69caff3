// SPDX-License-Identifier: Apache-2.0
// An executable ELF file as a loader needs it: segments and entry, checked against the file's own size. Where the
// segments may go is the boot protocol's business (multiboot.h).
#ifndef PLATFORM_LOADER_ELF_IMAGE_H
#define PLATFORM_LOADER_ELF_IMAGE_H

#include <cstdint>
#include <string>
#include <vector>

namespace vp
{

using byte_vector = std::vector<unsigned char>;

struct elf_segment {
    std::uint64_t physical, file_offset, file_bytes, memory_bytes;
    std::uint64_t virtual_address;
};

struct elf_image {
    bool is_64bit = false;
    std::uint64_t entry = 0;
    std::vector<elf_segment> segments; // PT_LOAD with memory_bytes > 0
};

// Whole file, at most 1 GiB. Throws user_error naming the file.
byte_vector read_file(const std::string &path, const std::string &expected);

// Throws user_error naming the file and what was expected: a static little-endian x86 executable.
elf_image parse_elf(const std::string &path, const byte_vector &file);

} // namespace vp

#endif
