/* SPDX-License-Identifier: Apache-2.0 */
/* `table`: a fixed cost per instruction class, per event and per stage of a user interrupt. Defaults and where they come from
 * are in timing_table.def; profiles replace them. No cost depends on history, so blocks keep precomputed sums. */
#include "timing_models.h"

#include <stdio.h>
#include <stdlib.h>

/* Parameter indexes: insn_<class>, event_<event>, stage_<stage>, in the order of the table. */
enum table_param {
#define TABLE_INSN(name, value, sentence, source) PARAM_insn_##name,
#define TABLE_EVENT(name, value, sentence, source) PARAM_event_##name,
#define TABLE_STAGE(name, value, sentence, source) PARAM_stage_##name,
#include "timing_table.def"
#undef TABLE_INSN
#undef TABLE_EVENT
#undef TABLE_STAGE
    PARAM_COUNT
};

static const struct timing_param params[] = {
#define TABLE_INSN(name, value, sentence, source) {"insn_" #name, "cycles", value, 1, 100000, sentence, source},
#define TABLE_EVENT(name, value, sentence, source) {"event_" #name, "cycles", value, 0, 100000, sentence, source},
#define TABLE_STAGE(name, value, sentence, source) {"stage_" #name, "cycles", value, 0, 100000, sentence, source},
#include "timing_table.def"
#undef TABLE_INSN
#undef TABLE_EVENT
#undef TABLE_STAGE
};

struct table_model {
    uint32_t insn[TIMING_CLASS_COUNT], event[TIMING_EVENT_COUNT], stage[TIMING_STAGE_COUNT];
};

static void *table_create(const struct timing_setup *setup, char *error, size_t error_size)
{
    struct table_model *t = calloc(1, sizeof *t);
    if (!t) {
        snprintf(error, error_size, "out of memory");
        return NULL;
    }
#define TABLE_INSN(name, value, sentence, source) t->insn[TIMING_CLASS_##name] = (uint32_t)setup->values[PARAM_insn_##name];
#define TABLE_EVENT(name, value, sentence, source)                                                                     \
    t->event[TIMING_EVENT_##name] = (uint32_t)setup->values[PARAM_event_##name];
#define TABLE_STAGE(name, value, sentence, source)                                                                     \
    t->stage[TIMING_STAGE_##name] = (uint32_t)setup->values[PARAM_stage_##name];
#include "timing_table.def"
#undef TABLE_INSN
#undef TABLE_EVENT
#undef TABLE_STAGE
    return t;
}

static uint32_t table_insn_cost(void *model, const struct timing_insn *insn)
{
    return ((const struct table_model *)model)->insn[insn->cls];
}

static uint32_t table_event_cost(void *model, uint32_t core, uint32_t event)
{
    (void)core;
    return ((const struct table_model *)model)->event[event];
}

static uint32_t table_uintr_cost(void *model, uint32_t core, uint32_t stage, uint64_t upid_physical)
{
    (void)core;
    (void)upid_physical;
    return ((const struct table_model *)model)->stage[stage];
}

const struct timing_model timing_table = {
    .abi_version = TIMING_ABI_VERSION,
    .struct_size = sizeof(struct timing_model),
    .name = "table",
    .summary = "A fixed cost per instruction class, per event and per stage of a user interrupt",
    .params = params,
    .param_count = PARAM_COUNT,
    .create = table_create,
    .destroy = free,
    .insn_cost = table_insn_cost,
    .event_cost = table_event_cost,
    .uintr_cost = table_uintr_cost,
};
