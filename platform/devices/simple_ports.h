// SPDX-License-Identifier: Apache-2.0
// Two devices of one register: the debug console (port E9H, as in Bochs and QEMU) and the exit port (F4H).
#ifndef PLATFORM_DEVICES_SIMPLE_PORTS_H
#define PLATFORM_DEVICES_SIMPLE_PORTS_H

#include "device.h"
#include "uart16550.h"

#include <functional>

namespace vp
{

// Writes go to the console; reads answer E9H, by which guests find out that the port exists.
class debug_port : public device
{
  public:
    explicit debug_port(byte_sink sink) : m_sink(std::move(sink)) {}
    std::uint64_t size() const override { return 1; }
    std::uint32_t read(std::uint64_t, unsigned, std::uint64_t) override { return 0xe9; }
    void write(std::uint64_t, unsigned, std::uint32_t value, std::uint64_t) override
    {
        m_sink(static_cast<unsigned char>(value));
    }

  private:
    byte_sink m_sink;
};

// A write of 8, 16 or 32 bits at its first port ends the simulation; others are swallowed. Reads all ones.
class exit_port : public device
{
  public:
    using handler = std::function<void(std::uint32_t value, std::uint64_t now_ps)>;
    explicit exit_port(handler on_exit) : m_on_exit(std::move(on_exit)) {}
    unsigned width() const override { return 4; }
    std::uint64_t size() const override { return 4; }
    std::uint32_t read(std::uint64_t, unsigned, std::uint64_t) override { return UINT32_MAX; }
    void write(std::uint64_t offset, unsigned, std::uint32_t value, std::uint64_t now_ps) override
    {
        if (offset == 0)
            m_on_exit(value, now_ps);
    }

  private:
    handler m_on_exit;
};

} // namespace vp

#endif
