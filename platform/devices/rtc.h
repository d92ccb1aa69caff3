// SPDX-License-Identifier: Apache-2.0
// The real-time clock and CMOS RAM behind ports 70H/71H (MC146818). The date is fixed at the start, so that runs are
// deterministic, and advances with simulated time. Alarms and interrupts are stored, not raised.
#ifndef PLATFORM_DEVICES_RTC_H
#define PLATFORM_DEVICES_RTC_H

#include "device.h"

#include <array>

namespace vp
{

class rtc : public device
{
  public:
    rtc();
    std::uint64_t size() const override { return 2; }
    std::uint32_t read(std::uint64_t offset, unsigned size, std::uint64_t now_ps) override;
    void write(std::uint64_t offset, unsigned size, std::uint32_t value, std::uint64_t now_ps) override;

  private:
    std::uint8_t clock_register(std::uint8_t index, std::uint64_t now_ps) const;

    std::uint8_t m_index = 0;
    std::array<std::uint8_t, 128> m_ram{};
};

} // namespace vp

#endif
