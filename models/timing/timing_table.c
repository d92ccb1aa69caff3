/* SPDX-License-Identifier: Apache-2.0 */
/* `table`: a fixed cost per instruction class, per event and per stage of a user interrupt. Defaults and where they
 * come from are in timing_table.def; profiles replace them. No cost depends on history, so blocks keep precomputed
 * sums. */
#include "timing_models.h"

#include <stdio.h>
#include <stdlib.h>

#define TABLE_LARGEST_COST 100000

/* Parameter indexes: insn_<class>, event_<event>, stage_<stage>, in the order of the table. */
enum table_param {
#define TABLE_INSN(name, value, confidence, sentence, source) PARAM_insn_##name,
#define TABLE_EVENT(name, value, confidence, sentence, source) PARAM_event_##name,
#define TABLE_STAGE(name, value, confidence, sentence, source) PARAM_stage_##name,
#include "timing_table.def"
#undef TABLE_INSN
#undef TABLE_EVENT
#undef TABLE_STAGE
    PARAM_COUNT
};

/* An instruction takes at least one cycle: time must pass. */
#define PARAM(name, value, min, confidence, sentence, source)                                                          \
    {                                                                                                                  \
        name, "cycles", value, min, TABLE_LARGEST_COST, sentence, source " (" #confidence ")"                          \
    }
static const struct timing_param params[] = {
#define TABLE_INSN(name, value, confidence, sentence, source)                                                          \
    PARAM("insn_" #name, value, 1, confidence, sentence, source),
#define TABLE_EVENT(name, value, confidence, sentence, source)                                                         \
    PARAM("event_" #name, value, 0, confidence, sentence, source),
#define TABLE_STAGE(name, value, confidence, sentence, source)                                                         \
    PARAM("stage_" #name, value, 0, confidence, sentence, source),
#include "timing_table.def"
#undef TABLE_INSN
#undef TABLE_EVENT
#undef TABLE_STAGE
};

/* Completeness, by counting: a name that is not in the ABI's lists does not compile below, one that is there twice not
 * here. Stages travel, hold and handle are never asked for. */
struct insn_rows {
#define TABLE_INSN(name, ...) char row_##name;
#define TABLE_EVENT(...)
#define TABLE_STAGE(...)
#include "timing_table.def"
#undef TABLE_INSN
#undef TABLE_EVENT
};
struct event_rows {
#define TABLE_INSN(...)
#define TABLE_EVENT(name, ...) char row_##name;
#include "timing_table.def"
#undef TABLE_INSN
#undef TABLE_EVENT
#undef TABLE_STAGE
};
#define STAGE_ROWS (PARAM_COUNT - sizeof(struct insn_rows) - sizeof(struct event_rows))
_Static_assert(sizeof(struct insn_rows) == TIMING_CLASS_COUNT, "timing_table.def lacks an instruction class");
_Static_assert(sizeof(struct event_rows) == TIMING_EVENT_COUNT, "timing_table.def lacks an event");
_Static_assert(STAGE_ROWS == TIMING_STAGE_COUNT - 3, "timing_table.def lacks a stage");

struct table_model {
    uint32_t insn[TIMING_CLASS_COUNT], event[TIMING_EVENT_COUNT], stage[TIMING_STAGE_COUNT];
};

/* Ranges are checked before create is called: every value fits. */
static bool values_are_whole(const struct timing_setup *setup, char *error, size_t error_size)
{
    for (size_t i = 0; i < PARAM_COUNT; i++)
        if (setup->values[i] != (double)(uint32_t)setup->values[i]) {
            snprintf(error, error_size, "timing.%s = %g: expected a whole number of cycles", params[i].name,
                     setup->values[i]);
            return false;
        }
    return true;
}

static void *table_create(const struct timing_setup *setup, char *error, size_t error_size)
{
    if (!values_are_whole(setup, error, error_size))
        return NULL;
    struct table_model *t = calloc(1, sizeof *t);
    if (!t) {
        snprintf(error, error_size, "out of memory");
        return NULL;
    }
#define TABLE_INSN(name, value, confidence, sentence, source)                                                          \
    t->insn[TIMING_CLASS_##name] = (uint32_t)setup->values[PARAM_insn_##name];
#define TABLE_EVENT(name, value, confidence, sentence, source)                                                         \
    t->event[TIMING_EVENT_##name] = (uint32_t)setup->values[PARAM_event_##name];
#define TABLE_STAGE(name, value, confidence, sentence, source)                                                         \
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
