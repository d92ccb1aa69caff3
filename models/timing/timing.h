/* SPDX-License-Identifier: Apache-2.0 */
/* An instance of a timing model as the rest of the platform uses it: found by name or loaded from a shared object,
 * created with checked parameter values. The ABI that models implement is timing_model.h. */
#ifndef TIMING_H
#define TIMING_H

#include "timing_model.h"
#include "vp.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Built-in models, by index; NULL past the last. */
const struct timing_model *timing_builtin(size_t index);
const struct timing_model *timing_find(const char *name); /* built-in by name, or NULL */

/* Loads a shared object (dlopen). NULL on failure with a one-line reason in error; *handle is for timing_unload. */
const struct timing_model *timing_load(const char *path, void **handle, char *error, size_t error_size);
void timing_unload(void *handle); /* after every instance is destroyed */

/* Index of a parameter, or -1. */
int timing_param_index(const struct timing_model *model, const char *name);

struct timing {
    const struct timing_model *model;
    void *self; /* the model's own state */
};

/* Values must lie in [min, max]; false with a reason in error otherwise. */
VP_NODISCARD bool timing_create(struct timing *t, const struct timing_model *model, const struct timing_setup *setup,
                                char *error, size_t error_size);
void timing_destroy(struct timing *t); /* accepts an instance that is all zero */

/* Asking: 0 where the hook is NULL; a nonsense answer ends the process with the model's and the hook's name. */
uint32_t timing_insn_cost(const struct timing *t, const struct timing_insn *insn); /* without the hook: 1 */
__attribute__((noreturn, cold)) void timing_fail(const struct timing *t, const char *hook, uint32_t cost);
static inline uint32_t timing_believed(const struct timing *t, const char *hook, uint32_t cost)
{
    if (VP_UNLIKELY(cost > TIMING_COST_MAX))
        timing_fail(t, hook, cost);
    return cost;
}
static inline uint32_t timing_mem_cost(const struct timing *t, const struct timing_mem *access)
{
    return t->model->mem_cost ? timing_believed(t, "mem_cost", t->model->mem_cost(t->self, access)) : 0;
}
static inline uint32_t timing_branch_cost(const struct timing *t, const struct timing_branch *branch)
{
    return t->model->branch_cost ? timing_believed(t, "branch_cost", t->model->branch_cost(t->self, branch)) : 0;
}
uint32_t timing_event_cost(const struct timing *t, uint32_t core, enum timing_event event);
uint32_t timing_uintr_cost(const struct timing *t, uint32_t core, enum timing_stage stage, uint64_t upid_physical);
uint32_t timing_ipi_latency(const struct timing *t, const struct timing_ipi *ipi);
uint32_t timing_fault_cost(const struct timing *t, const struct timing_mem *access);
bool timing_has_cache_op(const struct timing *t);
uint32_t timing_cache_op(const struct timing *t, const struct timing_mem *line, enum timing_cache_op op);
void timing_tlb_flush(const struct timing *t, uint32_t core, enum timing_flush scope, uint64_t linear);

/* NULL: the model has none. A mask that is too large ends the process as a nonsense answer does. */
struct timing_filter *timing_filter(const struct timing *t, uint32_t core);
struct timing_branches *timing_branches(const struct timing *t, uint32_t core); /* NULL: the model has none */
bool timing_keeps_two(const struct timing *t);
bool timing_is_integers_only(const struct timing *t);

const char *timing_stage_name(enum timing_stage stage);
const char *timing_class_name(enum timing_class cls);
const char *timing_event_name(enum timing_event event);

#ifdef __cplusplus
}
#endif
#endif
