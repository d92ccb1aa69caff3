/* SPDX-License-Identifier: Apache-2.0 */
/* The handler table of one flavour; compiled for the plain, the timed and the observed flavour. */
#include "handler.h"

#if defined(CPU_OBSERVED)
const struct engine engine_observed = {
    .is_hooked = true,
#elif defined(CPU_TIMED)
const struct engine engine_timed = {
    .is_hooked = true,
#else
const struct engine engine_plain = {
    .is_hooked = false,
#endif
    .fn =
        {
#define H1(name) [H_##name] = OP_NAME(name),
#define H4(name)                                                                                                       \
    [H_##name##_8] = OP_NAME(name##_8), [H_##name##_16] = OP_NAME(name##_16), [H_##name##_32] = OP_NAME(name##_32),    \
    [H_##name##_64] = OP_NAME(name##_64),
#include "handlers.def"
#undef H1
#undef H4
        },
};
