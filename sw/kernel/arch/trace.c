/* SPDX-License-Identifier: Apache-2.0 */
/* Points on the simulator's timeline: one 32-bit OUT each to ports that other machines do not have. They cost the guest
 * no cycle. */
#include "arch/cpu.h"
#include "arch/insn.h"
#include "string.h"

enum { TRACE_PORT = 0x5e0, TRACE_NAME_PORT = 0x5fc };

static bool is_present, is_known;

void trace(enum trace_point point, uint32_t value)
{
    if (!is_known) {
        is_present = inl(TRACE_PORT) != UINT32_MAX;
        is_known = true;
    }
    if (is_present)
        outl((uint16_t)(TRACE_PORT + 4 * point), value);
}

void trace_name(int tid, const char *name)
{
    uint32_t words[TASK_NAME_BYTES / 4] = {0};
    memcpy(words, name, MIN(strlen(name), sizeof words - 1));
    trace(TRACE_NAME, (uint32_t)tid);
    for (size_t i = 0; is_present && i < ARRAY_SIZE(words); i++)
        outl(TRACE_NAME_PORT, words[i]);
}
