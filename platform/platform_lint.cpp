// SPDX-License-Identifier: Apache-2.0
// The platform as the lint sees it (lint/uintr_lint.h): state of the cores, of their local APICs and of memory.
#include "platform.h"

namespace vp
{

void platform::build_lint()
{
    if (!m_options.lint_uintr)
        return;
    m_lint = std::make_unique<uintr_lint>(static_cast<lint_machine &>(*this), [](std::uint32_t core, const auto &text) {
        SC_REPORT_WARNING(("core " + std::to_string(core)).c_str(), text.c_str());
    });
}

struct cpu_regs platform::registers(std::uint32_t core)
{
    struct cpu_regs regs;
    cpu_get_regs(m_cores[core]->core(), &regs);
    return regs;
}

std::uint64_t platform::uintr_msr(std::uint32_t core, std::uint32_t msr)
{
    return cpu_uintr_msr(m_cores[core]->core(), msr);
}

bool platform::is_x2apic(std::uint32_t core) { return lapic_is_x2apic(m_lapics[core]->core()); }

bool platform::read(std::uint32_t core, std::uint64_t linear, void *bytes, std::size_t size)
{
    return cpu_debug_read(m_cores[core]->core(), linear, bytes, size) == size;
}

bool platform::translate(std::uint32_t core, std::uint64_t linear, std::uint64_t *physical)
{
    return cpu_debug_translate(m_cores[core]->core(), linear, physical);
}

} // namespace vp
