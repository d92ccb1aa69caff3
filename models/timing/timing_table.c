/* SPDX-License-Identifier: Apache-2.0 */
/* `table`: a fixed cost per instruction class, per event and per stage of a user interrupt. Defaults and where they
 * come from are in timing_table.def; profiles replace them. No cost depends on history, so blocks keep precomputed
 * sums. */
#include "timing_models.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Parameter indexes, in the order of the table. */
enum table_param {
#define TABLE_INSN(name, ...) PARAM_insn_##name,
#define TABLE_MNEMONIC(name, ...) PARAM_insn_##name,
#define TABLE_EVENT(name, ...) PARAM_event_##name,
#define TABLE_STAGE(name, ...) PARAM_stage_##name,
#define TABLE_ACCEPTANCE(...) PARAM_acceptance,
#define TABLE_ACCEPT(name, ...) PARAM_accept_##name,
#include "timing_table.def"
    PARAM_COUNT
};

static const struct timing_param params[] = {
#include "timing_table_params.def"
};

/* Completeness, by counting: a name that is not in the ABI's lists does not compile below, one that is there twice not
 * here. Stages travel, hold and handle are never asked for. */
struct insn_rows {
#define TABLE_INSN(name, ...) char row_##name;
#include "timing_table.def"
};
struct event_rows {
#define TABLE_EVENT(name, ...) char row_##name;
#include "timing_table.def"
};
struct stage_rows {
#define TABLE_STAGE(name, ...) char row_##name;
#include "timing_table.def"
};
_Static_assert(sizeof(struct insn_rows) == TIMING_CLASS_COUNT, "timing_table.def lacks an instruction class");
_Static_assert(sizeof(struct event_rows) == TIMING_EVENT_COUNT, "timing_table.def lacks an event");
_Static_assert(sizeof(struct stage_rows) == TIMING_STAGE_COUNT - 3, "timing_table.def lacks a stage");

/* Instructions with a cost of their own. */
static const struct own_cost {
    const char *mnemonic;
    enum table_param param;
} own_costs[] = {
#define TABLE_MNEMONIC(name, ...) {#name, PARAM_insn_##name},
#include "timing_table.def"
};
#define OWN_COSTS (sizeof own_costs / sizeof own_costs[0])

struct table_model {
    uint32_t insn[TIMING_CLASS_COUNT], event[TIMING_EVENT_COUNT], stage[TIMING_STAGE_COUNT];
    uint32_t own[OWN_COSTS];
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

/* The pipeline treats every interrupt alike: what user interrupts save or pay in stage accept, others do too. */
static void accept_by_policy(struct table_model *t, const double *values)
{
    enum { FLUSH, DRAIN, TRACKED };
    const uint32_t acceptance = (uint32_t)values[PARAM_acceptance], flush = t->stage[TIMING_STAGE_accept];
    if (acceptance == FLUSH)
        return;
    const uint32_t accept = (uint32_t)values[acceptance == DRAIN ? PARAM_accept_drain : PARAM_accept_tracked];
    uint32_t *interrupt = &t->event[TIMING_EVENT_interrupt];
    *interrupt = (*interrupt > flush ? *interrupt - flush : 0) + accept;
    t->stage[TIMING_STAGE_accept] = accept;
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
#define TABLE_INSN(name, ...) t->insn[TIMING_CLASS_##name] = (uint32_t)setup->values[PARAM_insn_##name];
#define TABLE_EVENT(name, ...) t->event[TIMING_EVENT_##name] = (uint32_t)setup->values[PARAM_event_##name];
#define TABLE_STAGE(name, ...) t->stage[TIMING_STAGE_##name] = (uint32_t)setup->values[PARAM_stage_##name];
#include "timing_table.def"
    for (size_t i = 0; i < OWN_COSTS; i++)
        t->own[i] = (uint32_t)setup->values[own_costs[i].param];
    accept_by_policy(t, setup->values);
    return t;
}

static uint32_t table_insn_cost(void *model, const struct timing_insn *insn)
{
    const struct table_model *t = model;
    for (size_t i = 0; insn->mnemonic && i < OWN_COSTS; i++)
        if (insn->cls != TIMING_CLASS_locked && strcmp(insn->mnemonic, own_costs[i].mnemonic) == 0)
            return t->own[i];
    return t->insn[insn->cls];
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
    .setup_size = sizeof(struct timing_setup),
};
