// SPDX-License-Identifier: Apache-2.0
// A plug-in that throws an exception where the platform looks out for it; where, a definition chooses (CMakeLists.txt).
#include "timing_model.h"

#include <stdexcept>

namespace
{

[[noreturn]] void fail() { throw std::runtime_error("the sky is cloudy"); }

timing_model make()
{
    timing_model m = {};
    m.abi_version = TIMING_ABI_VERSION;
    m.struct_size = sizeof(timing_model);
    m.name = "throws";
    m.summary = "A plug-in that throws";
#ifdef THROWS_IN_CREATE
    m.create = [](const timing_setup *, char *, std::size_t) -> void * { fail(); };
#elif defined(THROWS_IN_REPORT)
    m.report = [](void *, void *, void (*)(void *, const char *, double, const char *, const char *)) { fail(); };
#endif
    return m;
}

} // namespace

const timing_model *uintr_vp_timing_model()
{
#ifdef THROWS_IN_ENTRY
    fail();
#endif
    static const timing_model model = make();
    return &model;
}
