// SPDX-License-Identifier: Apache-2.0
// An 8254 programmable interval timer whose three counters follow simulated time at 1.193182 MHz. Source: Intel 8254
// data sheet, "Programming the 8254". Counting is computed when read; OUT is a function of time. BCD counting is
// accepted and counts in binary. Gates are high.
#ifndef PLATFORM_DEVICES_PIT8254_H
#define PLATFORM_DEVICES_PIT8254_H

#include "device.h"

#include <array>

namespace vp
{

class pit8254 : public device
{
  public:
    static constexpr std::uint64_t CLOCK_HZ = 1193182;

    std::uint64_t size() const override { return 4; }
    std::uint32_t read(std::uint64_t offset, unsigned size, std::uint64_t now_ps) override;
    void write(std::uint64_t offset, unsigned size, std::uint32_t value, std::uint64_t now_ps) override;

    bool output(unsigned counter, std::uint64_t now_ps) const; // level of OUT
    // Time of the first 0 -> 1 of OUT after now_ps, if nobody writes in between; UINT64_MAX if there is none.
    std::uint64_t next_rise(unsigned counter, std::uint64_t now_ps) const;

  private:
    struct counter {
        std::uint8_t mode = 0;
        std::uint8_t access = 3;        // 1 low byte, 2 high byte, 3 both
        std::uint32_t reload = 0x10000; // 0 written means 65536
        std::uint64_t start_tick = 0;   // of the clock, when the count was loaded
        bool is_loaded = false;
        bool wrote_low = false, read_low = false; // the other byte follows
        std::uint8_t low = 0;
        bool is_latched = false, is_status_latched = false;
        std::uint16_t latched = 0;
        std::uint8_t status = 0;
    };

    static std::uint64_t ticks(std::uint64_t now_ps);
    static std::uint16_t count(const counter &c, std::uint64_t now_ps);
    static bool level(const counter &c, std::uint64_t now_ps);
    void control(std::uint8_t value, std::uint64_t now_ps);
    static void latch_count(counter &c, std::uint64_t now_ps);
    static void latch_status(counter &c, std::uint64_t now_ps);

    std::array<counter, 3> m_counters;
};

} // namespace vp

#endif
