/* SPDX-License-Identifier: Apache-2.0 */
/* A timing model for one question: what if sending the message were the slow part? Every instruction takes a cycle, a
 * user interrupt costs nothing but the ICR write of its sender and the way of the message, and an access to the local
 * APIC's page has a price of its own. Three parameters; instances share nothing.
 */
#include <uintr_vp/timing_model.h>

#include <stdlib.h>

/* In the order of params below: setup->values has the same. */
enum { ICR_WRITE, APIC_ACCESS, WIRE, PARAMS };
static const struct timing_param params[PARAMS] = {
    [ICR_WRITE] = {"icr_write", "cycles", 400, 0, 100000, "What SENDUIPI waits for its ICR write", "an example"},
    [APIC_ACCESS] = {"apic_access", "cycles", 60, 0, 100000, "An access to the local APIC's page", "an example"},
    [WIRE] = {"wire", "cycles", 0, 0, 100000, "Added to the interconnect's latency of each message", "an example"},
};

struct slow_icr {
    uint32_t cost[PARAMS];
    uint64_t icr_writes;
};

static void *create(const struct timing_setup *setup, char *error, size_t error_size)
{
    (void)error; /* for a sentence if a value makes no sense: the ranges above have been checked already */
    (void)error_size;
    struct slow_icr *m = calloc(1, sizeof *m);
    if (m)
        for (int i = 0; i < PARAMS; i++)
            m->cost[i] = (uint32_t)setup->values[i];
    return m;
}

static void destroy(void *model) { free(model); }

static uint32_t event_cost(void *model, uint32_t core, uint32_t event)
{
    const struct slow_icr *m = model;
    (void)core;
    return event == TIMING_EVENT_mmio ? m->cost[APIC_ACCESS] : 0;
}

static uint32_t uintr_cost(void *model, uint32_t core, uint32_t stage, uint64_t upid_physical)
{
    struct slow_icr *m = model;
    (void)core;
    (void)upid_physical;
    if (stage != TIMING_STAGE_issue) /* the sender's part after UPID is updated: its ICR write */
        return 0;
    m->icr_writes++;
    return m->cost[ICR_WRITE];
}

static uint32_t ipi_latency(void *model, const struct timing_ipi *ipi)
{
    const struct slow_icr *m = model;
    (void)ipi;
    return m->cost[WIRE];
}

static void report(void *model, void *ctx,
                   void (*put)(void *ctx, const char *name, double value, const char *unit, const char *sentence))
{
    const struct slow_icr *m = model;
    put(ctx, "icr_writes", (double)m->icr_writes, "writes", "ICR writes by SENDUIPI");
}

/* Hooks that are left out cost nothing: no insn_cost means one cycle per instruction. */
static const struct timing_model model = {
    .abi_version = TIMING_ABI_VERSION,
    .struct_size = sizeof(struct timing_model),
    .name = "slow_icr",
    .summary = "One cycle per instruction; the ICR write and the wire are what costs",
    .params = params,
    .param_count = PARAMS,
    .create = create,
    .destroy = destroy,
    .event_cost = event_cost,
    .uintr_cost = uintr_cost,
    .ipi_latency = ipi_latency,
    .report = report,
    .setup_size = sizeof(struct timing_setup),
};

const struct timing_model *uintr_vp_timing_model(void) { return &model; }
