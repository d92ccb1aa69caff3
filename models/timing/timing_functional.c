/* SPDX-License-Identifier: Apache-2.0 */
/* `functional`: one instruction takes one cycle, memory, events and stages are free. No hook is needed for that. */
#include "timing_models.h"

const struct timing_model timing_functional = {
    .abi_version = TIMING_ABI_VERSION,
    .struct_size = sizeof(struct timing_model),
    .name = "functional",
    .summary = "One instruction takes one cycle; memory, events and the stages of user interrupts are free",
    .setup_size = sizeof(struct timing_setup),
};
