// SPDX-License-Identifier: Apache-2.0
// A plug-in in C++: the header alone must give the entry function its C linkage and its visibility.
#include "timing_model.h"

namespace
{

timing_model make()
{
    timing_model m = {};
    m.abi_version = TIMING_ABI_VERSION;
    m.struct_size = sizeof(timing_model);
    m.name = "cxx";
    m.summary = "A plug-in in C++";
    m.insn_cost = [](void *, const timing_insn *insn) -> uint32_t { return insn->cls == TIMING_CLASS_divide ? 30 : 1; };
    return m;
}

} // namespace

const timing_model *uintr_vp_timing_model()
{
    static const timing_model model = make();
    return &model;
}
