// SPDX-License-Identifier: Apache-2.0
// A device as the platform's buses see it: registers behind offsets, time as an argument. Devices know no SystemC and
// can be tested alone; device_module gives any of them a TLM socket.
#ifndef PLATFORM_DEVICES_DEVICE_H
#define PLATFORM_DEVICES_DEVICE_H

#include <cstdint>

namespace vp
{

class device
{
  public:
    virtual ~device() = default;
    // Widest access in bytes; the module splits wider ones into consecutive offsets.
    virtual unsigned width() const { return 1; }
    // Registers the device occupies.
    virtual std::uint64_t size() const = 0;
    // size is 1, 2 or 4 and at most width(). now_ps is the simulated time of the access.
    virtual std::uint32_t read(std::uint64_t offset, unsigned size, std::uint64_t now_ps) = 0;
    virtual void write(std::uint64_t offset, unsigned size, std::uint32_t value, std::uint64_t now_ps) = 0;
};

} // namespace vp

#endif
