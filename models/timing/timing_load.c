/* SPDX-License-Identifier: Apache-2.0 */
/* A timing model from a shared object: opened, its table checked field by field, refused with a reason. */
#include "timing.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

static bool params_are_good(const struct timing_model *m, char *error, size_t error_size)
{
    if (m->param_count > 0 && !m->params) {
        snprintf(error, error_size, "param_count is %zu but params is NULL", m->param_count);
        return false;
    }
    for (size_t i = 0; i < m->param_count; i++) {
        const struct timing_param *p = &m->params[i];
        if (!p->name || !p->name[0] || !p->unit || !p->sentence || !p->source) {
            snprintf(error, error_size, "parameter %zu lacks name, unit, sentence or source", i);
            return false;
        }
        if (!(p->min <= p->default_value && p->default_value <= p->max)) {
            snprintf(error, error_size, "parameter %s: default %g is not within %g to %g", p->name, p->default_value,
                     p->min, p->max);
            return false;
        }
        double names = 1; /* of an enumeration */
        for (const char *c = p->unit; *c; c++)
            names += *c == '|';
        if (names > 1 && (p->min != 0 || p->max != names - 1)) {
            snprintf(error, error_size, "parameter %s: %g names are values 0 to %g, not %g to %g", p->name, names,
                     names - 1, p->min, p->max);
            return false;
        }
        if ((size_t)timing_param_index(m, p->name) != i) {
            snprintf(error, error_size, "parameter %s is there twice", p->name);
            return false;
        }
    }
    return true;
}

static bool model_is_good(const struct timing_model *m, char *error, size_t error_size)
{
    if (!m) {
        snprintf(error, error_size, "%s() answered NULL", TIMING_ENTRY_SYMBOL);
        return false;
    }
    if (m->abi_version != TIMING_ABI_VERSION) {
        snprintf(error, error_size, "it was built for timing ABI version %u, this program has version %u",
                 m->abi_version, TIMING_ABI_VERSION);
        return false;
    }
    if (m->struct_size < TIMING_FIRST_SIZE || m->struct_size > sizeof *m) {
        snprintf(error, error_size,
                 "its struct timing_model has %u bytes, expected %zu to %zu: built against another header?",
                 m->struct_size, TIMING_FIRST_SIZE, sizeof *m);
        return false;
    }
    if (!m->name || !m->name[0] || !m->summary) {
        snprintf(error, error_size, "it has no name or no summary");
        return false;
    }
    if (m->destroy && !m->create) {
        snprintf(error, error_size, "it has destroy but no create");
        return false;
    }
    return params_are_good(m, error, error_size);
}

const struct timing_model *timing_load(const char *path, void **handle, char *error, size_t error_size)
{
    *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!*handle) {
        snprintf(error, error_size, "cannot be loaded: %s", dlerror());
        return NULL;
    }
    timing_entry_fn *entry;
    void *symbol = dlsym(*handle, TIMING_ENTRY_SYMBOL);
    if (!symbol) {
        snprintf(error, error_size, "it is no timing model: it has no function %s", TIMING_ENTRY_SYMBOL);
        timing_unload(*handle);
        *handle = NULL;
        return NULL;
    }
    memcpy(&entry, &symbol, sizeof entry); /* ISO C knows no cast from object to function pointer */
    const struct timing_model *model = entry();
    if (!model_is_good(model, error, error_size)) {
        timing_unload(*handle);
        *handle = NULL;
        return NULL;
    }
    return model;
}

void timing_unload(void *handle)
{
    if (handle)
        dlclose(handle);
}
