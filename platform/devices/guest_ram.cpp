// SPDX-License-Identifier: Apache-2.0
// See guest_ram.h.
#include "guest_ram.h"

namespace vp
{

std::optional<std::uint64_t> guest_ram::offset_of(std::uint64_t physical, std::uint64_t size) const
{
    const bool is_high = physical >= HIGH_RAM_FIRST;
    const std::uint64_t first = is_high ? HIGH_RAM_FIRST : 0;
    const std::uint64_t bytes = is_high ? m_layout.high_bytes : m_layout.low_bytes;
    const std::uint64_t at = physical - first;
    if (at >= bytes || size > bytes - at)
        return std::nullopt;
    return is_high ? m_layout.low_bytes + at : at;
}

bool guest_ram::read(std::uint64_t physical, void *bytes, std::uint64_t size)
{
    const auto offset = offset_of(physical, size);
    return offset && mem_read(m_ram, *offset, bytes, size) == MEM_OK;
}

bool guest_ram::write(std::uint64_t physical, const void *bytes, std::uint64_t size)
{
    const auto offset = offset_of(physical, size);
    if (!offset)
        return false;
    cpu_code_map_written(m_code, physical, size);
    return mem_write(m_ram, *offset, bytes, size) == MEM_OK;
}

} // namespace vp
