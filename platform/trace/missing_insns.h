// SPDX-License-Identifier: Apache-2.0
// Instructions that a guest executed and the core does not have: one line for each, the first time it is met.
#ifndef PLATFORM_TRACE_MISSING_INSNS_H
#define PLATFORM_TRACE_MISSING_INSNS_H

#include <cstdint>
#include <set>
#include <string>

namespace vp
{

class missing_insns
{
  public:
    // "not implemented: vaddps (bytes c5 f0 58 c2) at RIP 1000"; empty if this name was reported before.
    std::string text(std::uint64_t rip, const std::uint8_t *bytes, std::uint32_t length, const std::string &name);

  private:
    std::set<std::string> m_seen;
};

} // namespace vp

#endif
