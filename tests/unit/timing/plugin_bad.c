/* SPDX-License-Identifier: Apache-2.0 */
/* A timing model with one thing wrong; which, a definition chooses (CMakeLists.txt). */
#include "timing_model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#ifdef FAULT_NAMELESS_PARAM
#define FIRST_NAME NULL
#elif defined(FAULT_NAME_MODEL)
#define FIRST_NAME "model"
#elif defined(FAULT_NAME_SPACE)
#define FIRST_NAME "a b"
#elif defined(FAULT_NAME_EQUALS)
#define FIRST_NAME "a=b"
#elif defined(FAULT_NAME_DOT)
#define FIRST_NAME "a.b"
#else
#define FIRST_NAME "first"
#endif
#ifdef FAULT_ENUMERATION
#define FIRST_UNIT "two|names"
#elif defined(FAULT_HALF_A_NAME)
#define FIRST_UNIT "one|two|three"
#define FIRST_DEFAULT 0.5
#elif defined(FAULT_EMPTY_CHOICE)
#define FIRST_UNIT "one|two|"
#else
#define FIRST_UNIT "cycles"
#endif
#ifndef FIRST_DEFAULT
#define FIRST_DEFAULT 1
#endif
#ifdef FAULT_SOURCELESS_PARAM
#define FIRST_SOURCE NULL
#else
#define FIRST_SOURCE "this test"
#endif
#ifdef FAULT_TWICE
#define SECOND_NAME "first"
#else
#define SECOND_NAME "second"
#endif
#ifdef FAULT_DEFAULT_LOW
#define SECOND_DEFAULT 0
#else
#define SECOND_DEFAULT 5
#endif
#ifdef FAULT_NAN_RANGE
#define SECOND_MAX ((double)NAN)
#else
#define SECOND_MAX 10
#endif

static const struct timing_param params[] = {
    {FIRST_NAME, FIRST_UNIT, FIRST_DEFAULT, 0, 2, "A parameter", FIRST_SOURCE},
    {SECOND_NAME, "cycles", SECOND_DEFAULT, 1, SECOND_MAX, "Another", "this test"},
};

#ifdef FAULT_NONSENSE
static uint32_t insn_cost(void *model, const struct timing_insn *insn)
{
    (void)model;
    return insn->cls == TIMING_CLASS_alu ? TIMING_COST_MAX : UINT32_MAX;
}
static uint32_t mem_cost(void *model, const struct timing_mem *access)
{
    (void)model;
    (void)access;
    return TIMING_COST_MAX + 1;
}
static uint32_t branch_cost(void *model, const struct timing_branch *branch)
{
    (void)model;
    (void)branch;
    return TIMING_COST_MAX + 2;
}
static uint32_t event_cost(void *model, uint32_t core, uint32_t event)
{
    (void)model;
    return TIMING_COST_MAX + 3 + core + event;
}
static uint32_t uintr_cost(void *model, uint32_t core, uint32_t stage, uint64_t upid_physical)
{
    (void)model;
    (void)upid_physical;
    return TIMING_COST_MAX + 4 + core + stage;
}
static uint32_t ipi_latency(void *model, const struct timing_ipi *ipi)
{
    (void)model;
    (void)ipi;
    return TIMING_COST_MAX + 5;
}
static uint32_t fault_cost(void *model, const struct timing_mem *access)
{
    (void)model;
    (void)access;
    return TIMING_COST_MAX + 6;
}
static uint32_t cache_op(void *model, const struct timing_mem *line, uint32_t op)
{
    (void)model;
    (void)line;
    return TIMING_COST_MAX + 7 + op;
}
#endif

#ifdef FAULT_MASK
static struct timing_filter *filter(void *model, uint32_t core)
{
    static struct timing_filter f;
    (void)model;
    (void)core;
    f.load.mask = f.fetch.mask = TIMING_LINES - 1;
    f.store.mask = UINT64_MAX;
    return &f;
}
#endif
#if defined(FAULT_MASK) || defined(FAULT_SLOW) /* the latter no fault: as slow as a model may be */
static uint32_t mem_cost(void *model, const struct timing_mem *access)
{
    (void)model;
    (void)access;
    return TIMING_COST_MAX;
}
#endif

#if defined(FAULT_DESTROY_ONLY)
static void destroy(void *model) { (void)model; }
#endif

/* These crash as they are; a sanitizer must not find the fault first. */
#define AS_IT_IS __attribute__((no_sanitize("undefined", "address")))

#ifdef FAULT_LOAD_CRASHES
__attribute__((constructor)) static void crash_when_loaded(void) { __builtin_trap(); }
#endif

#if defined(FAULT_CREATE_CRASHES)
AS_IT_IS static void *create(const struct timing_setup *setup, char *error, size_t error_size)
{
    volatile uint32_t *nowhere = NULL;
    (void)error;
    (void)error_size;
    *nowhere = setup->cores;
    return NULL;
}
#elif defined(FAULT_CREATE_OVERFLOWS)
AS_IT_IS static uint32_t dig(volatile uint32_t *hole) /* until the stack ends */
{
    volatile uint32_t deeper[1024];
    deeper[0] = *hole + 1;
    return deeper[0] ? dig(deeper) + deeper[0] : 0;
}
AS_IT_IS static void *create(const struct timing_setup *setup, char *error, size_t error_size)
{
    volatile uint32_t hole = setup->cores;
    (void)error;
    (void)error_size;
    return dig(&hole) == 0 ? NULL : malloc(1);
}
#elif defined(FAULT_CREATE_ABORTS)
static void *create(const struct timing_setup *setup, char *error, size_t error_size)
{
    (void)setup;
    (void)error;
    (void)error_size;
    abort();
}
#elif defined(FAULT_CREATE_EXITS)
static void *create(const struct timing_setup *setup, char *error, size_t error_size)
{
    (void)setup;
    (void)error;
    (void)error_size;
    exit(0);
}
#elif defined(FAULT_CREATE_ASKS) /* no fault: it asks all that the platform can tell */
static void *create(const struct timing_setup *setup, char *error, size_t error_size)
{
    static char self; /* it has no state */
    uint32_t way = setup->distance(setup->distance_ctx, 0, 1), slice = setup->slice_distance(setup->distance_ctx, 0, 1);
    if (way == 0 || setup->send_between(setup->distance_ctx, 0, 1, 0) != way ||
        setup->send_slice(setup->distance_ctx, 0, 1, true, 0) != slice) {
        snprintf(error, error_size, "a way on which nothing moves has another length");
        return NULL;
    }
    return &self;
}
#elif defined(FAULT_CREATE_FAILS) || defined(FAULT_CREATE_SILENT)
static void *create(const struct timing_setup *setup, char *error, size_t error_size)
{
    (void)setup;
#ifdef FAULT_CREATE_FAILS
    snprintf(error, error_size, "the moon is not full");
#else
    (void)error;
    (void)error_size;
#endif
    return NULL;
}
#endif

static const struct timing_model model = {
#ifdef FAULT_ABI_VERSION
    .abi_version = TIMING_ABI_VERSION + 6,
#else
    .abi_version = TIMING_ABI_VERSION,
#endif
#ifdef FAULT_STRUCT_SIZE
    .struct_size = TIMING_FIRST_SIZE - 8,
#elif defined(FAULT_TOO_LARGE)
    .struct_size = sizeof(struct timing_model) + 8,
#elif defined(FAULT_FIRST_EDITION) /* no fault: a model of an older header */
    .struct_size = TIMING_FIRST_SIZE,
#else
    .struct_size = sizeof(struct timing_model),
#endif
#if defined(FAULT_EMPTY_NAME)
    .name = "",
#elif !defined(FAULT_NO_NAME)
    .name = "bad",
#endif
#ifndef FAULT_NO_SUMMARY
    .summary = "A plug-in with a fault",
#endif
#ifndef FAULT_NO_PARAMS
    .params = params,
#endif
    .param_count = sizeof params / sizeof params[0],
#ifdef FAULT_DESTROY_ONLY
    .destroy = destroy,
#endif
#if defined(FAULT_CREATE_FAILS) || defined(FAULT_CREATE_SILENT) || defined(FAULT_CREATE_CRASHES) ||                    \
    defined(FAULT_CREATE_OVERFLOWS) || defined(FAULT_CREATE_ABORTS) || defined(FAULT_CREATE_EXITS) ||                  \
    defined(FAULT_CREATE_ASKS)
    .create = create,
#endif
#ifdef FAULT_NONSENSE
    .insn_cost = insn_cost,
    .mem_cost = mem_cost,
    .branch_cost = branch_cost,
    .event_cost = event_cost,
    .uintr_cost = uintr_cost,
    .ipi_latency = ipi_latency,
    .fault_cost = fault_cost,
    .cache_op = cache_op,
#endif
#if defined(FAULT_MASK) || defined(FAULT_SLOW)
    .mem_cost = mem_cost,
#endif
#ifdef FAULT_MASK
    .filter = filter,
#endif
#if defined(FAULT_SETUP_LARGER)
    .setup_size = sizeof(struct timing_setup) + sizeof(void *),
#elif defined(FAULT_SETUP_SMALLER)
    .setup_size = TIMING_SETUP_FIRST_SIZE - 1,
#elif defined(FAULT_SETUP_FIRST) /* no fault either */
    .setup_size = TIMING_SETUP_FIRST_SIZE,
#elif !defined(FAULT_FIRST_EDITION)
    .setup_size = sizeof(struct timing_setup),
#endif
};

const struct timing_model *uintr_vp_timing_model(void)
{
#ifdef FAULT_NULL_TABLE
    return model.params ? NULL : &model;
#else
    return &model;
#endif
}
