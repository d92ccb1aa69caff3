/* SPDX-License-Identifier: Apache-2.0 */
/* Instances of timing models: registry, creation with checked parameters, and the questions the platform asks.
 * The models themselves are timing_functional.c, timing_table.c and timing_cache.c; shared objects are timing_load.c's.
 */
#include "timing.h"
#include "timing_models.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct timing_model *const builtin[] = {&timing_functional, &timing_table, &timing_cache};

const struct timing_model *timing_builtin(size_t index)
{
    return index < sizeof builtin / sizeof builtin[0] ? builtin[index] : NULL;
}

const struct timing_model *timing_find(const char *name)
{
    for (size_t i = 0; timing_builtin(i); i++)
        if (strcmp(timing_builtin(i)->name, name) == 0)
            return timing_builtin(i);
    return NULL;
}

int timing_param_index(const struct timing_model *model, const char *name)
{
    for (size_t i = 0; i < model->param_count; i++)
        if (strcmp(model->params[i].name, name) == 0)
            return (int)i;
    return -1;
}

bool timing_create(struct timing *t, const struct timing_model *model, const struct timing_setup *setup, char *error,
                   size_t error_size)
{
    t->model = NULL;
    t->self = NULL;
    if (setup->cores == 0 || setup->clock_hz == 0) {
        snprintf(error, error_size, "a timing model needs at least one core and a clock");
        return false;
    }
    for (size_t i = 0; i < model->param_count; i++) {
        const struct timing_param *p = &model->params[i];
        double v = setup->values[i];
        if (!(v >= p->min && v <= p->max)) { /* also refuses NaN */
            snprintf(error, error_size, "timing.%s = %g is out of range: %g to %g %s", p->name, v, p->min, p->max,
                     p->unit);
            return false;
        }
    }
    if (error_size > 0)
        error[0] = 0;
    if (model->create) {
        t->self = model->create(setup, error, error_size);
        if (!t->self) {
            if (error_size > 0 && error[0] == 0)
                snprintf(error, error_size, "create failed and gave no reason");
            return false;
        }
    }
    t->model = model;
    return true;
}

void timing_destroy(struct timing *t)
{
    if (t->model && t->model->destroy && t->self)
        t->model->destroy(t->self);
    t->model = NULL;
    t->self = NULL;
}

/* A model that answers nonsense is its author's error, not ours: status 125. */
void timing_fail(const struct timing *t, const char *hook, uint32_t cost)
{
    fflush(NULL); /* the guest's output so far */
    fprintf(stderr, "uintr-vp: timing model '%s': hook %s answered %u cycles, at most %u are believed\n",
            t->model->name, hook, cost, TIMING_COST_MAX);
    _Exit(125);
}

uint32_t timing_insn_cost(const struct timing *t, const struct timing_insn *insn)
{
    return t->model->insn_cost ? timing_believed(t, "insn_cost", t->model->insn_cost(t->self, insn)) : 1;
}

uint32_t timing_event_cost(const struct timing *t, uint32_t core, enum timing_event event)
{
    return t->model->event_cost ? timing_believed(t, "event_cost", t->model->event_cost(t->self, core, event)) : 0;
}

uint32_t timing_uintr_cost(const struct timing *t, uint32_t core, enum timing_stage stage, uint64_t upid_physical)
{
    if (!t->model->uintr_cost)
        return 0;
    return timing_believed(t, "uintr_cost", t->model->uintr_cost(t->self, core, stage, upid_physical));
}

uint32_t timing_ipi_latency(const struct timing *t, const struct timing_ipi *ipi)
{
    return t->model->ipi_latency ? timing_believed(t, "ipi_latency", t->model->ipi_latency(t->self, ipi)) : 0;
}

/* Does the model's table reach as far as this hook? It may have been built against an older header. */
#define KNOWS(t, hook)                                                                                                 \
    ((t)->model->struct_size >= offsetof(struct timing_model, hook) + sizeof(t)->model->hook && (t)->model->hook)

void timing_tlb_flush(const struct timing *t, uint32_t core, enum timing_flush scope, uint64_t linear)
{
    if (KNOWS(t, tlb_flush))
        t->model->tlb_flush(t->self, core, (uint32_t)scope, linear);
}

uint32_t timing_fault_cost(const struct timing *t, const struct timing_mem *access)
{
    return KNOWS(t, fault_cost) ? timing_believed(t, "fault_cost", t->model->fault_cost(t->self, access)) : 0;
}

bool timing_has_cache_op(const struct timing *t) { return KNOWS(t, cache_op); }

uint32_t timing_cache_op(const struct timing *t, const struct timing_mem *line, enum timing_cache_op op)
{
    return KNOWS(t, cache_op) ? timing_believed(t, "cache_op", t->model->cache_op(t->self, line, (uint32_t)op)) : 0;
}

struct timing_filter *timing_filter(const struct timing *t, uint32_t core)
{
    struct timing_filter *f = KNOWS(t, filter) ? t->model->filter(t->self, core) : NULL;
    const struct timing_lines *lines[] = {f ? &f->load : NULL, f ? &f->store : NULL, f ? &f->fetch : NULL};
    for (size_t i = 0; f && i < sizeof lines / sizeof lines[0]; i++)
        if (lines[i]->mask >= TIMING_LINES) {
            fflush(NULL);
            fprintf(stderr,
                    "uintr-vp: timing model '%s': hook filter answered a mask of %#llx, at most %#x is believed\n",
                    t->model->name, (unsigned long long)lines[i]->mask, TIMING_LINES - 1);
            _Exit(125);
        }
    return f;
}

struct timing_branches *timing_branches(const struct timing *t, uint32_t core)
{
    return KNOWS(t, branches) ? t->model->branches(t->self, core) : NULL;
}

bool timing_keeps_two(const struct timing *t) { return KNOWS(t, keeps_two) && t->model->keeps_two(t->self); }

bool timing_is_integers_only(const struct timing *t) { return KNOWS(t, integers_only); }

const char *timing_stage_name(enum timing_stage stage)
{
    static const char *const names[] = {
#define TIMING_STAGE(name, from, to) #name,
#include "timing_stage.def"
#undef TIMING_STAGE
    };
    return stage < TIMING_STAGE_COUNT ? names[stage] : NULL;
}

const char *timing_class_name(enum timing_class cls)
{
    static const char *const names[] = {
#define TIMING_CLASS(name, sentence) #name,
#include "timing_class.def"
#undef TIMING_CLASS
    };
    return cls < TIMING_CLASS_COUNT ? names[cls] : NULL;
}

const char *timing_event_name(enum timing_event event)
{
    static const char *const names[] = {
#define TIMING_EVENT(name, sentence) #name,
#include "timing_event.def"
#undef TIMING_EVENT
    };
    return event < TIMING_EVENT_COUNT ? names[event] : NULL;
}
