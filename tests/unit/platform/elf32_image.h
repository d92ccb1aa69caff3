// SPDX-License-Identifier: Apache-2.0
// The bytes of a 32-bit Multiboot image of one page at 1 MiB: the header, then code, which is the entry.
#ifndef ELF32_IMAGE_H
#define ELF32_IMAGE_H

#include <elf.h>

#include <cstdint>
#include <cstring>
#include <vector>

inline std::vector<unsigned char> elf32_image(const std::vector<unsigned char> &code)
{
    constexpr unsigned FILE_OFFSET = 0x1000, LOAD = 0x100000;
    const std::uint32_t multiboot[3] = {0x1badb002, 0, 0u - 0x1badb002u};
    Elf32_Ehdr h = {};
    std::memcpy(h.e_ident, ELFMAG, SELFMAG);
    h.e_ident[EI_CLASS] = ELFCLASS32;
    h.e_ident[EI_DATA] = ELFDATA2LSB;
    h.e_ident[EI_VERSION] = EV_CURRENT;
    h.e_type = ET_EXEC;
    h.e_machine = EM_386;
    h.e_version = EV_CURRENT;
    h.e_entry = LOAD + sizeof multiboot;
    h.e_phoff = h.e_ehsize = sizeof h;
    h.e_phentsize = sizeof(Elf32_Phdr);
    h.e_phnum = 1;
    Elf32_Phdr p = {};
    p.p_type = PT_LOAD;
    p.p_offset = FILE_OFFSET;
    p.p_paddr = LOAD;
    p.p_filesz = p.p_memsz = 0x1000;
    std::vector<unsigned char> bytes(FILE_OFFSET + p.p_filesz);
    std::memcpy(&bytes[0], &h, sizeof h);
    std::memcpy(&bytes[sizeof h], &p, sizeof p);
    std::memcpy(&bytes[FILE_OFFSET], multiboot, sizeof multiboot);
    if (!code.empty())
        std::memcpy(&bytes[FILE_OFFSET + sizeof multiboot], code.data(), code.size());
    return bytes;
}

#endif
