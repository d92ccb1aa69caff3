// SPDX-License-Identifier: Apache-2.0
// Physical memory as a device that masters the bus sees it: bytes at guest addresses, RAM and nothing else.
#ifndef PLATFORM_DEVICES_GUEST_MEMORY_H
#define PLATFORM_DEVICES_GUEST_MEMORY_H

#include <cstdint>

namespace vp
{

class guest_memory
{
  public:
    virtual ~guest_memory() = default;
    // Is all of it RAM, in one piece? Also of no bytes at all the address must be RAM.
    virtual bool has(std::uint64_t physical, std::uint64_t size) const = 0;
    // false, and nothing is done, if not.
    [[nodiscard]] virtual bool read(std::uint64_t physical, void *bytes, std::uint64_t size) = 0;
    [[nodiscard]] virtual bool write(std::uint64_t physical, const void *bytes, std::uint64_t size) = 0;
};

} // namespace vp

#endif
