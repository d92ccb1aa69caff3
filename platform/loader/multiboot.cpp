// SPDX-License-Identifier: Apache-2.0
// See multiboot.h. Layout: segments where the image wants them, modules page-aligned after the image, the information
// structure and its strings in low memory at BOOT_INFO_FIRST.
#include "multiboot.h"

#include "config/units.h"
#include "config/user_error.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <optional>

namespace vp
{

namespace
{

// Header: section 3.1 of the specification.
constexpr std::uint32_t HEADER_MAGIC = 0x1badb002;
constexpr std::size_t HEADER_SEARCH_BYTES = 8192;
constexpr std::uint32_t HEADER_PAGE_ALIGN = 1u << 0;
constexpr std::uint32_t HEADER_MEMORY_INFO = 1u << 1;
constexpr std::uint32_t HEADER_VIDEO = 1u << 2;
constexpr std::uint32_t HEADER_REQUIRED_MASK = 0xffff; // bits a loader must understand or refuse
constexpr std::uint32_t HEADER_AOUT_KLUDGE = 1u << 16;

// Information structure: section 3.3.
constexpr std::uint32_t INFO_MEMORY = 1u << 0;
constexpr std::uint32_t INFO_CMDLINE = 1u << 2;
constexpr std::uint32_t INFO_MODULES = 1u << 3;
constexpr std::uint32_t INFO_MMAP = 1u << 6;
constexpr std::uint32_t INFO_LOADER_NAME = 1u << 9;
constexpr std::uint32_t INFO_BYTES = 116;

constexpr std::uint32_t MMAP_AVAILABLE = 1;
constexpr std::uint32_t MMAP_RESERVED = 2;
constexpr std::uint32_t MMAP_ACPI = 3;

constexpr std::uint64_t PAGE = 0x1000;

struct range {
    std::uint64_t first, bytes;
    std::uint64_t end() const { return first + bytes; }
    bool overlaps(const range &o) const { return first < o.end() && o.first < end(); }
};

const range BOOT_INFO_RANGE{BOOT_INFO_FIRST, EXTENDED_FIRST - BOOT_INFO_FIRST};

void put32(byte_vector &bytes, std::size_t at, std::uint32_t value) { std::memcpy(&bytes[at], &value, sizeof value); }

void append32(byte_vector &bytes, std::uint32_t value)
{
    bytes.resize(bytes.size() + sizeof value);
    put32(bytes, bytes.size() - sizeof value, value);
}

void append64(byte_vector &bytes, std::uint64_t value)
{
    append32(bytes, static_cast<std::uint32_t>(value));
    append32(bytes, static_cast<std::uint32_t>(value >> 32));
}

// Flags of the header, or nothing if there is none.
std::optional<std::uint32_t> find_header(const byte_vector &file)
{
    std::size_t end = std::min(file.size(), HEADER_SEARCH_BYTES);
    for (std::size_t at = 0; at + 12 <= end; at += 4) {
        std::uint32_t word[3];
        std::memcpy(word, &file[at], sizeof word);
        if (word[0] == HEADER_MAGIC && word[0] + word[1] + word[2] == 0)
            return word[1];
    }
    return std::nullopt;
}

void check_flags(const std::string &path, std::uint32_t flags)
{
    if (flags & HEADER_AOUT_KLUDGE)
        throw user_error(
            fmt::format("{}: the Multiboot header has address fields (flag 16); expected an ELF image without", path));
    if (flags & HEADER_VIDEO)
        throw user_error(
            fmt::format("{}: the Multiboot header asks for a video mode (flag 2), which this machine has not", path));
    std::uint32_t unknown = flags & HEADER_REQUIRED_MASK & ~(HEADER_PAGE_ALIGN | HEADER_MEMORY_INFO);
    if (unknown != 0)
        throw user_error(fmt::format(
            "{}: the Multiboot header requires unknown features {:#x}; expected flags 0 and 1 only", path, unknown));
}

void check_segments(const std::string &path, const elf_image &image, const ram_layout &ram)
{
    for (const elf_segment &s : image.segments) {
        range r{s.physical, s.memory_bytes};
        if (r.end() > ram.low_bytes)
            throw user_error(
                fmt::format("{}: segment at {:#x}..{:#x} does not fit into memory; expected addresses below {:#x} "
                            "({} of RAM, --memory)",
                            path, r.first, r.end() - 1, ram.low_bytes, format_size(ram.low_bytes + ram.high_bytes)));
        if (r.overlaps(BOOT_INFO_RANGE))
            throw user_error(fmt::format("{}: segment at {:#x}..{:#x} overlaps the boot information at {:#x}..{:#x}; "
                                         "expected an image linked at 1 MiB or above",
                                         path, r.first, r.end() - 1, BOOT_INFO_RANGE.first, BOOT_INFO_RANGE.end() - 1));
    }
    for (std::size_t i = 0; i < image.segments.size(); i++)
        for (std::size_t j = 0; j < i; j++)
            if (range{image.segments[i].physical, image.segments[i].memory_bytes}.overlaps(
                    {image.segments[j].physical, image.segments[j].memory_bytes}))
                throw user_error(fmt::format("{}: segments {} and {} overlap in physical memory", path, j, i));
    bool entry_inside = std::any_of(image.segments.begin(), image.segments.end(), [&](const elf_segment &s) {
        return image.entry >= s.physical && image.entry - s.physical < s.memory_bytes;
    });
    if (!entry_inside)
        throw user_error(fmt::format(
            "{}: entry point {:#x} lies in no segment; expected a physical address of the image", path, image.entry));
}

// Collects what lies at BOOT_INFO_FIRST; addresses are known at once because it only grows.
class info_area
{
  public:
    info_area() : m_bytes(INFO_BYTES) {}

    std::uint32_t append(const byte_vector &block)
    {
        m_bytes.resize((m_bytes.size() + 7) / 8 * 8);
        std::size_t at = m_bytes.size();
        m_bytes.insert(m_bytes.end(), block.begin(), block.end());
        return static_cast<std::uint32_t>(BOOT_INFO_FIRST + at);
    }
    std::uint32_t append_text(const std::string &text)
    {
        byte_vector block(text.begin(), text.end());
        block.push_back(0);
        return append(block);
    }
    void set(std::size_t offset, std::uint32_t value) { put32(m_bytes, offset, value); }
    const byte_vector &bytes() const { return m_bytes; }

  private:
    byte_vector m_bytes;
};

byte_vector memory_map(const ram_layout &ram)
{
    byte_vector map;
    auto entry = [&](std::uint64_t first, std::uint64_t bytes, std::uint32_t type) {
        append32(map, 20); // size of the rest of the entry
        append64(map, first);
        append64(map, bytes);
        append32(map, type);
    };
    entry(0, BOOT_INFO_FIRST, MMAP_AVAILABLE);
    entry(BOOT_INFO_FIRST, ACPI_FIRST - BOOT_INFO_FIRST, MMAP_RESERVED);
    entry(ACPI_FIRST, EXTENDED_FIRST - ACPI_FIRST, MMAP_ACPI);
    entry(EXTENDED_FIRST, ram.low_bytes - EXTENDED_FIRST, MMAP_AVAILABLE);
    entry(IOAPIC_BASE, IOAPIC_SIZE, MMAP_RESERVED);
    entry(LAPIC_BASE, PAGE, MMAP_RESERVED);
    if (ram.high_bytes != 0)
        entry(HIGH_RAM_FIRST, ram.high_bytes, MMAP_AVAILABLE);
    return map;
}

// Loads the modules from `next` on; answers the module table.
byte_vector load_modules(const boot_request &request, const ram_layout &ram, std::uint64_t next, info_area &info,
                         const memory_writer &write)
{
    byte_vector table;
    for (const std::string &path : request.modules) {
        byte_vector file = read_file(path, "a boot module");
        next = (next + PAGE - 1) / PAGE * PAGE;
        if (next > ram.low_bytes || file.size() > ram.low_bytes - next)
            throw user_error(fmt::format("{}: module of {} bytes does not fit into memory behind the image; "
                                         "expected at most {} bytes (--memory)",
                                         path, file.size(), next < ram.low_bytes ? ram.low_bytes - next : 0));
        if (!file.empty())
            write(next, file.data(), file.size());
        append32(table, static_cast<std::uint32_t>(next));
        append32(table, static_cast<std::uint32_t>(next + file.size()));
        append32(table, info.append_text(path));
        append32(table, 0);
        next += file.size();
    }
    return table;
}

// An argument that a blank would split comes in double quotes, with a backslash before quotes and backslashes: as GRUB
// does it.
std::string quoted(const std::string &argument)
{
    if (!argument.empty() && argument.find_first_of(" \t\n\"\\'") == std::string::npos)
        return argument;
    std::string text = "\"";
    for (char c : argument) {
        if (c == '"' || c == '\\')
            text += '\\';
        text += c;
    }
    return text + "\"";
}

std::string command_line(const boot_request &request)
{
    // The name without its directory, so that where an image lies changes nothing that the guest can see.
    std::string line = request.image.substr(request.image.rfind('/') + 1);
    for (const std::string &a : request.arguments)
        line += " " + quoted(a);
    return line;
}

} // namespace

boot_result load_multiboot(const boot_request &request, const ram_layout &ram, const memory_writer &write)
{
    byte_vector file = read_file(request.image, "a Multiboot image (x86 ELF executable)");
    elf_image image = parse_elf(request.image, file);
    auto flags = find_header(file);
    if (!flags)
        throw user_error(fmt::format("{}: no Multiboot header in the first 8192 bytes; expected a Multiboot 1 image",
                                     request.image));
    check_flags(request.image, *flags);
    check_segments(request.image, image, ram);

    std::uint64_t image_end = EXTENDED_FIRST;
    for (const elf_segment &s : image.segments) {
        if (s.file_bytes != 0) // the rest is BSS: the RAM is zero
            write(s.physical, &file[s.file_offset], s.file_bytes);
        image_end = std::max(image_end, s.physical + s.memory_bytes);
    }

    info_area info;
    byte_vector modules = load_modules(request, ram, image_end, info, write);
    byte_vector map = memory_map(ram);
    std::uint32_t info_flags = INFO_MEMORY | INFO_CMDLINE | INFO_MODULES | INFO_MMAP | INFO_LOADER_NAME;
    info.set(0, info_flags);
    info.set(4, static_cast<std::uint32_t>(BOOT_INFO_FIRST / 1024));                  // mem_lower, KiB
    info.set(8, static_cast<std::uint32_t>((ram.low_bytes - EXTENDED_FIRST) / 1024)); // mem_upper, KiB
    info.set(16, info.append_text(command_line(request)));
    info.set(20, static_cast<std::uint32_t>(request.modules.size()));
    info.set(24, request.modules.empty() ? 0 : info.append(modules));
    info.set(44, static_cast<std::uint32_t>(map.size()));
    info.set(48, info.append(map));
    info.set(64, info.append_text("uintr-vp"));
    if (info.bytes().size() > BOOT_INFO_LAST + 1 - BOOT_INFO_FIRST)
        throw user_error(fmt::format("{}: guest arguments and module names need {} bytes; expected at most {}",
                                     request.image, info.bytes().size(), BOOT_INFO_LAST + 1 - BOOT_INFO_FIRST));
    write(BOOT_INFO_FIRST, info.bytes().data(), info.bytes().size());
    return boot_result{static_cast<std::uint32_t>(image.entry), static_cast<std::uint32_t>(BOOT_INFO_FIRST)};
}

} // namespace vp
