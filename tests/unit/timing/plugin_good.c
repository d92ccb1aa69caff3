/* SPDX-License-Identifier: Apache-2.0 */
/* A timing model as a user would write it, with state of its own and every hook. Costs are made so that the test can
 * tell which arguments arrived. */
#include "timing_model.h"

#include <stdlib.h>

struct state {
    uint32_t cores;
    uint64_t clock_hz;
    uint32_t base;
    uint32_t asked; /* how often insn_cost was asked: must not be shared between instances */
};

static void *create(const struct timing_setup *setup, char *error, size_t error_size)
{
    (void)error;
    (void)error_size;
    struct state *s = calloc(1, sizeof *s);
    if (s) {
        s->cores = setup->cores;
        s->clock_hz = setup->clock_hz;
        s->base = (uint32_t)setup->values[1];
    }
    return s;
}

static uint32_t insn_cost(void *model, const struct timing_insn *insn)
{
    struct state *s = model;
    s->asked++;
    return s->base + insn->cls;
}

static uint32_t mem_cost(void *model, const struct timing_mem *access)
{
    (void)model;
    return access->bytes;
}

static uint32_t branch_cost(void *model, const struct timing_branch *branch)
{
    (void)model;
    return branch->taken ? 17 : 0;
}

static uint32_t event_cost(void *model, uint32_t core, uint32_t event)
{
    (void)model;
    return 1000 * core + event;
}

static uint32_t uintr_cost(void *model, uint32_t core, uint32_t stage, uint64_t upid_physical)
{
    (void)model;
    return 1000 * core + 10 * stage + (uint32_t)(upid_physical & 0xff);
}

static uint32_t ipi_latency(void *model, const struct timing_ipi *ipi)
{
    (void)model;
    return ipi->from_core + ipi->to_core + ipi->vector;
}

static void report(void *model, void *ctx,
                   void (*put)(void *ctx, const char *name, double value, const char *unit, const char *sentence))
{
    const struct state *s = model;
    put(ctx, "asked", s->asked, "questions", "How often insn_cost was asked");
}

static const struct timing_param params[] = {
    {"width", "", 4, 1, 16, "Instructions a cycle", "this test"},
    {"base", "cycles", 2, 1, TIMING_COST_MAX, "Cycles of any instruction", "this test"},
};

static const struct timing_model model = {
    .abi_version = TIMING_ABI_VERSION,
    .struct_size = sizeof(struct timing_model),
    .setup_size = sizeof(struct timing_setup),
    .name = "good",
    .summary = "A plug-in that answers what it was asked",
    .params = params,
    .param_count = sizeof params / sizeof params[0],
    .create = create,
    .destroy = free,
    .insn_cost = insn_cost,
    .mem_cost = mem_cost,
    .branch_cost = branch_cost,
    .event_cost = event_cost,
    .uintr_cost = uintr_cost,
    .ipi_latency = ipi_latency,
    .report = report,
};

const struct timing_model *uintr_vp_timing_model(void) { return &model; }
