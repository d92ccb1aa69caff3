// SPDX-License-Identifier: Apache-2.0
// The Multiboot loader on made-up ELF files: good ones of both classes, and every way in which one can be bad.
#include "config/user_error.h"
#include "elf32_image.h"
#include "loader/multiboot.h"
#include "scratch_file.h"

#include <elf.h>
#include <gtest/gtest.h>

#include <cstring>
#include <map>

using namespace vp;

namespace
{

struct fake_elf {
    Elf64_Ehdr header = {};
    std::vector<Elf64_Phdr> segments;
    std::uint32_t multiboot[3] = {0x1badb002, 3, 0u - 0x1badb002u - 3u};
    std::uint64_t multiboot_at = 0x1000; // file offset
    std::size_t file_bytes = 0x2000;

    fake_elf()
    {
        std::memcpy(header.e_ident, ELFMAG, SELFMAG);
        header.e_ident[EI_CLASS] = ELFCLASS64;
        header.e_ident[EI_DATA] = ELFDATA2LSB;
        header.e_ident[EI_VERSION] = EV_CURRENT;
        header.e_type = ET_EXEC;
        header.e_machine = EM_X86_64;
        header.e_version = EV_CURRENT;
        header.e_entry = 0x100010;
        header.e_phoff = sizeof header;
        header.e_ehsize = sizeof header;
        header.e_phentsize = sizeof(Elf64_Phdr);
        Elf64_Phdr p = {};
        p.p_type = PT_LOAD;
        p.p_offset = 0x1000;
        p.p_vaddr = p.p_paddr = 0x100000;
        p.p_filesz = 0x1000;
        p.p_memsz = 0x3000;
        segments.push_back(p);
    }

    std::vector<unsigned char> bytes() const
    {
        std::vector<unsigned char> b(file_bytes);
        Elf64_Ehdr h = header;
        h.e_phnum = static_cast<Elf64_Half>(segments.size());
        auto put = [&b](std::size_t at, const void *from, std::size_t size) {
            for (std::size_t i = 0; i < size && at + i < b.size(); i++)
                b[at + i] = static_cast<const unsigned char *>(from)[i];
        };
        put(multiboot_at, multiboot, sizeof multiboot);
        put(multiboot_at + 16, "code", 4);
        put(0, &h, sizeof h);
        put(sizeof h, segments.data(), segments.size() * sizeof(Elf64_Phdr));
        return b;
    }
};

// Guest memory as the loader writes it, by address.
struct fake_memory {
    std::map<std::uint64_t, std::vector<unsigned char>> blocks;
    memory_writer writer()
    {
        return [this](std::uint64_t at, const void *bytes, std::uint64_t size) {
            auto p = static_cast<const unsigned char *>(bytes);
            blocks[at].assign(p, p + size);
        };
    }
    std::uint32_t word(std::uint64_t address) const
    {
        std::uint32_t value = 0;
        auto it = std::prev(blocks.upper_bound(address));
        std::memcpy(&value, &it->second.at(address - it->first), 4);
        return value;
    }
    std::string text(std::uint64_t address) const
    {
        auto it = std::prev(blocks.upper_bound(address));
        return reinterpret_cast<const char *>(&it->second.at(address - it->first));
    }
};

const ram_layout RAM(16 << 20);

std::string error_of(const std::vector<unsigned char> &bytes, const ram_layout &ram = RAM)
{
    scratch_file file(".elf");
    file.write(bytes);
    fake_memory memory;
    std::string e = USER_ERROR_OF(load_multiboot({file.path(), {}, {}}, ram, memory.writer()));
    if (!e.empty()) {
        EXPECT_HAS(e, file.path());
    }
    EXPECT_EQ(e.find('\n'), std::string::npos);
    return e;
}

std::string error_of(const fake_elf &elf) { return error_of(elf.bytes()); }

} // namespace

TEST(loader, loads_segments_and_writes_the_information)
{
    scratch_file file(".elf"), module(".bin", "module bytes");
    file.write(fake_elf().bytes());
    fake_memory memory;
    boot_result r = load_multiboot({file.path(), {module.path()}, {"one", "two"}}, RAM, memory.writer());
    EXPECT_EQ(r.entry, 0x100010u);
    EXPECT_EQ(memory.blocks.at(0x100000).size(), 0x1000u);
    EXPECT_EQ(memory.text(0x100010), "code");

    const std::uint32_t info = r.info;
    EXPECT_EQ(memory.word(info) & 0x4d, 0x4du); // memory, command line, modules, map
    EXPECT_EQ(memory.word(info + 8), 15u * 1024);
    EXPECT_EQ(memory.text(memory.word(info + 16)), file.path().substr(5) + " one two"); // without /tmp/
    EXPECT_EQ(memory.word(info + 20), 1u);
    const std::uint32_t mods = memory.word(info + 24);
    EXPECT_EQ(memory.word(mods), 0x103000u); // behind the BSS, page-aligned
    EXPECT_EQ(memory.word(mods + 4), 0x103000u + 12);
    EXPECT_EQ(memory.text(memory.word(mods + 8)), module.path());

    std::uint64_t available = 0;
    const std::uint32_t map = memory.word(info + 48), length = memory.word(info + 44);
    for (std::uint32_t at = map; at < map + length; at += memory.word(at) + 4)
        if (memory.word(at + 20) == 1)
            available += memory.word(at + 12);
    EXPECT_EQ(available, (15u << 20) + 0x90000);
}

TEST(loader, loads_32_bit_images) { EXPECT_EQ(error_of(elf32_image({})), ""); }

TEST(loader, memory_above_the_hole_is_in_the_map)
{
    ram_layout ram(std::uint64_t{5} << 30);
    EXPECT_EQ(ram.low_bytes, HOLE_FIRST);
    EXPECT_EQ(ram.top(), HIGH_RAM_FIRST + (std::uint64_t{2} << 30));
    EXPECT_EQ(error_of(fake_elf().bytes(), ram), "");
}

TEST(loader, files_that_are_no_elf)
{
    EXPECT_HAS(error_of(std::vector<unsigned char>{}), "not an ELF file");
    EXPECT_HAS(error_of(std::vector<unsigned char>(5000, 'x')), "not an ELF file");
    fake_memory m;
    EXPECT_HAS(USER_ERROR_OF(load_multiboot({"/nonexistent.elf", {}, {}}, RAM, m.writer())),
               "/nonexistent.elf: no such file");
    EXPECT_HAS(USER_ERROR_OF(load_multiboot({"/tmp", {}, {}}, RAM, m.writer())), "not a regular file");
}

TEST(loader, every_truncation_is_refused_or_harmless)
{
    std::vector<unsigned char> whole = fake_elf().bytes();
    for (std::size_t size = 0; size < whole.size(); size += size < 256 ? 1 : 61)
        EXPECT_NE(error_of(std::vector<unsigned char>(whole.begin(), whole.begin() + static_cast<long>(size))), "")
            << size;
}

TEST(loader, wrong_kinds_of_elf)
{
    fake_elf e;
    e.header.e_machine = EM_AARCH64;
    EXPECT_HAS(error_of(e), "another architecture");
    e = fake_elf();
    e.header.e_type = ET_DYN;
    EXPECT_HAS(error_of(e), "position-independent");
    e = fake_elf();
    e.header.e_type = ET_REL;
    EXPECT_HAS(error_of(e), "relocatable");
    e = fake_elf();
    e.segments[0].p_type = PT_INTERP;
    EXPECT_HAS(error_of(e), "dynamically linked");
    e = fake_elf();
    e.segments.clear();
    EXPECT_HAS(error_of(e), "no program headers");
    e = fake_elf();
    e.segments[0].p_type = PT_NOTE;
    EXPECT_HAS(error_of(e), "nothing to load");
}

TEST(loader, hostile_segments)
{
    fake_elf e;
    e.segments[0].p_filesz = 0x4000;
    EXPECT_HAS(error_of(e), "more bytes in the file");
    e = fake_elf();
    e.segments[0].p_offset = UINT64_MAX - 10;
    EXPECT_HAS(error_of(e), "truncated");
    e = fake_elf();
    e.segments[0].p_paddr = UINT64_MAX - 0x100;
    EXPECT_HAS(error_of(e), "wraps around");
    e = fake_elf();
    e.segments[0].p_memsz = std::uint64_t{1} << 40;
    EXPECT_HAS(error_of(e), "does not fit into memory");
    e = fake_elf();
    e.segments[0].p_paddr = 0x8f000;
    EXPECT_HAS(error_of(e), "overlaps the boot information");
    e = fake_elf();
    e.segments.push_back(e.segments[0]);
    EXPECT_HAS(error_of(e), "overlap in physical memory");
    e = fake_elf();
    e.header.e_entry = 0x90000000;
    EXPECT_HAS(error_of(e), "entry point");
    e = fake_elf();
    e.header.e_phoff = 0x1fff;
    EXPECT_NE(error_of(e), "");
}

TEST(loader, multiboot_headers)
{
    fake_elf e;
    e.multiboot[0] = 0;
    EXPECT_HAS(error_of(e), "no Multiboot header");
    e = fake_elf();
    e.multiboot[2]++;
    EXPECT_HAS(error_of(e), "no Multiboot header");
    e = fake_elf();
    e.multiboot[1] = 0x10003;
    e.multiboot[2] = 0u - e.multiboot[0] - e.multiboot[1];
    EXPECT_HAS(error_of(e), "address fields");
    e.multiboot[1] = 4;
    e.multiboot[2] = 0u - e.multiboot[0] - e.multiboot[1];
    EXPECT_HAS(error_of(e), "video mode");
    e.multiboot[1] = 0x80;
    e.multiboot[2] = 0u - e.multiboot[0] - e.multiboot[1];
    EXPECT_HAS(error_of(e), "unknown features");
    e = fake_elf();
    e.file_bytes = 0x4000;
    e.multiboot_at = 0x3000; // too late
    EXPECT_HAS(error_of(e), "no Multiboot header");
}

TEST(loader, modules_and_arguments_must_fit)
{
    scratch_file file(".elf"), module(".bin", std::string(2 << 20, 'm'));
    file.write(fake_elf().bytes());
    fake_memory memory;
    ram_layout small(2 << 20);
    EXPECT_HAS(USER_ERROR_OF(load_multiboot({file.path(), {module.path()}, {}}, small, memory.writer())),
               "does not fit into memory behind the image");
    EXPECT_HAS(USER_ERROR_OF(load_multiboot({file.path(), {"/nonexistent.bin"}, {}}, RAM, memory.writer())),
               "a boot module");
    EXPECT_HAS(USER_ERROR_OF(load_multiboot({file.path(), {}, {std::string(70000, 'a')}}, RAM, memory.writer())),
               "guest arguments and module names");
}
