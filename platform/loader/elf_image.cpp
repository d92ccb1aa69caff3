// SPDX-License-Identifier: Apache-2.0
// ELF through libelf, which does the byte order and the two classes; every offset is checked here once more, because
// the file may be hostile.
#include "elf_image.h"

#include "config/user_error.h"

#include <fmt/format.h>
#include <gelf.h>
#include <libelf.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>

namespace vp
{

namespace
{

constexpr std::uintmax_t LARGEST_FILE_BYTES = 1 << 30;
constexpr std::size_t MOST_SEGMENTS = 1024;

struct elf_closer {
    void operator()(Elf *elf) const { elf_end(elf); }
};

[[noreturn]] void refuse(const std::string &path, const std::string &what)
{
    throw user_error(fmt::format("{}: {}; expected a static x86 ELF executable", path, what));
}

void check_header(const std::string &path, const GElf_Ehdr &header)
{
    if (header.e_ident[EI_DATA] != ELFDATA2LSB)
        refuse(path, "big-endian ELF file");
    if (header.e_machine != EM_386 && header.e_machine != EM_X86_64)
        refuse(path, fmt::format("ELF file for another architecture (e_machine {})", header.e_machine));
    if (header.e_type != ET_EXEC)
        refuse(path, header.e_type == ET_DYN   ? "position-independent or shared ELF file"
                     : header.e_type == ET_REL ? "relocatable ELF object that was not linked"
                                               : fmt::format("ELF file of type {}", header.e_type));
}

} // namespace

byte_vector read_file(const std::string &path, const std::string &expected)
{
    std::error_code error;
    auto status = std::filesystem::status(path, error);
    if (!std::filesystem::exists(status))
        throw user_error(fmt::format("{}: no such file; expected {}", path, expected));
    if (!std::filesystem::is_regular_file(status))
        throw user_error(fmt::format("{}: not a regular file; expected {}", path, expected));
    std::uintmax_t size = std::filesystem::file_size(path, error);
    if (error || size > LARGEST_FILE_BYTES)
        throw user_error(fmt::format("{}: larger than 1 GiB; expected {}", path, expected));
    byte_vector bytes(size);
    std::ifstream file(path, std::ios::binary);
    if (!file.read(reinterpret_cast<char *>(bytes.data()), static_cast<std::streamsize>(size)))
        throw user_error(fmt::format("{}: cannot be read", path));
    return bytes;
}

elf_image parse_elf(const std::string &path, const byte_vector &file)
{
    if (file.size() < SELFMAG || std::memcmp(file.data(), ELFMAG, SELFMAG) != 0)
        refuse(path, "not an ELF file");
    const std::size_t least =
        file.size() > EI_CLASS && file[EI_CLASS] == ELFCLASS64 ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr);
    if (file.size() < least)
        refuse(path, "truncated ELF file: no complete header");

    elf_version(EV_CURRENT);
    // libelf wants a mutable image but only reads headers here.
    byte_vector copy = file;
    std::unique_ptr<Elf, elf_closer> elf(elf_memory(reinterpret_cast<char *>(copy.data()), copy.size()));
    if (!elf || elf_kind(elf.get()) != ELF_K_ELF)
        refuse(path, "damaged ELF file");
    GElf_Ehdr header;
    if (gelf_getehdr(elf.get(), &header) == nullptr)
        refuse(path, fmt::format("damaged ELF header ({})", elf_errmsg(-1)));
    check_header(path, header);

    std::size_t count = 0;
    if (elf_getphdrnum(elf.get(), &count) != 0 || count == 0)
        refuse(path, "no program headers");
    if (count > MOST_SEGMENTS)
        refuse(path, fmt::format("{} program headers", count));

    elf_image image;
    image.is_64bit = gelf_getclass(elf.get()) == ELFCLASS64;
    image.entry = header.e_entry;
    for (std::size_t i = 0; i < count; i++) {
        GElf_Phdr p;
        if (gelf_getphdr(elf.get(), static_cast<int>(i), &p) == nullptr)
            refuse(path, "truncated ELF file: program headers lie outside of it");
        if (p.p_type == PT_INTERP)
            refuse(path, "dynamically linked ELF file");
        if (p.p_type != PT_LOAD || p.p_memsz == 0)
            continue;
        if (p.p_filesz > p.p_memsz)
            refuse(path, fmt::format("segment {} has more bytes in the file than in memory", i));
        if (p.p_offset > file.size() || p.p_filesz > file.size() - p.p_offset)
            refuse(path, fmt::format("truncated ELF file: segment {} ends at byte {:#x} of {:#x}", i,
                                     p.p_offset + p.p_filesz, file.size()));
        if (p.p_paddr > UINT64_MAX - p.p_memsz)
            refuse(path, fmt::format("segment {} wraps around the address space", i));
        image.segments.push_back(elf_segment{p.p_paddr, p.p_offset, p.p_filesz, p.p_memsz, p.p_vaddr});
    }
    if (image.segments.empty())
        refuse(path, "nothing to load");
    return image;
}

} // namespace vp
