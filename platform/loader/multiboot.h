// SPDX-License-Identifier: Apache-2.0
// Multiboot 1 (Multiboot Specification version 0.6.96): loads an image and its modules and writes the information
// structure. The machine state at entry is set by the core (cpu_start_multiboot). Not supported: the address fields of
// the header (a.out kludge) and video modes; images that ask for them are refused.
#ifndef PLATFORM_LOADER_MULTIBOOT_H
#define PLATFORM_LOADER_MULTIBOOT_H

#include "address_map.h"
#include "elf_image.h"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace vp
{

constexpr std::uint32_t MULTIBOOT_BOOT_MAGIC = 0x2badb002; // EAX at entry

struct boot_request {
    std::string image;
    std::vector<std::string> modules;
    std::vector<std::string> arguments; // of the guest; the command line is the image's file name and these
};

struct boot_result {
    std::uint32_t entry = 0;
    std::uint32_t info = 0; // physical address of the information structure: EBX at entry
};

// Writes guest-physical memory; the loader has checked that the range is RAM.
using memory_writer = std::function<void(std::uint64_t physical, const void *bytes, std::uint64_t size)>;

// RAM is zero before. Throws user_error naming the file and what was expected.
boot_result load_multiboot(const boot_request &request, const ram_layout &ram, const memory_writer &write);

} // namespace vp

#endif
