// SPDX-License-Identifier: Apache-2.0
// The platform's RAM for devices that master the bus: below the hole and above 4 GiB. What is written drops cached code
// of every core and wakes who monitors the line, as a core's store does. Caches of a timing model do not notice: they
// hold no data, and a device's access costs no core anything.
#ifndef PLATFORM_DEVICES_GUEST_RAM_H
#define PLATFORM_DEVICES_GUEST_RAM_H

#include "address_map.h"
#include "cpu.h"
#include "guest_memory.h"
#include "memory.h"

#include <optional>

namespace vp
{

class guest_ram : public guest_memory
{
  public:
    // ram and code must outlive it; layout says where ram's bytes are.
    guest_ram(struct memory *ram, const ram_layout &layout, struct cpu_code_map *code)
        : m_ram(ram), m_layout(layout), m_code(code)
    {
    }

    bool has(std::uint64_t physical, std::uint64_t size) const override
    {
        return offset_of(physical, size).has_value();
    }
    [[nodiscard]] bool read(std::uint64_t physical, void *bytes, std::uint64_t size) override;
    [[nodiscard]] bool write(std::uint64_t physical, const void *bytes, std::uint64_t size) override;

  private:
    std::optional<std::uint64_t> offset_of(std::uint64_t physical, std::uint64_t size) const;

    struct memory *m_ram;
    const ram_layout m_layout;
    struct cpu_code_map *m_code;
};

} // namespace vp

#endif
