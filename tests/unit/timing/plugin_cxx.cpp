// SPDX-License-Identifier: Apache-2.0
// A plug-in in C++: the header alone must give the entry function its C linkage and its visibility.
#include "timing_model.h"

#include <cstdint>

namespace
{

timing_model make()
{
    timing_model m = {};
    m.abi_version = TIMING_ABI_VERSION;
    m.struct_size = sizeof(timing_model);
    m.name = "cxx";
    m.summary = "A plug-in in C++";
    // Types by their names alone: no function of the header hides one.
    m.create = [](const timing_setup *, char *, std::size_t) -> void * { return new timing_branches(); };
    m.destroy = [](void *self) { delete static_cast<timing_branches *>(self); };
    m.mem_cost = [](void *, const timing_mem *access) -> std::uint32_t { return access->access == TIMING_WALK; };
    m.branch_cost = [](void *, const timing_branch *branch) -> std::uint32_t { return branch->taken; };
    m.branches = [](void *self, std::uint32_t) { return static_cast<timing_branches *>(self); };
    m.ipi_latency = [](void *, const timing_ipi *ipi) -> std::uint32_t { return ipi->vector; };
    m.setup_size = sizeof(timing_setup);
    m.insn_cost = [](void *, const timing_insn *insn) -> std::uint32_t {
        return insn->cls == TIMING_CLASS_divide ? 30 : 1;
    };
    return m;
}

} // namespace

const timing_model *uintr_vp_timing_model()
{
    static const timing_model model = make();
    return &model;
}
