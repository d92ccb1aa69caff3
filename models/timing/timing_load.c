/* SPDX-License-Identifier: Apache-2.0 */
/* A timing model from a shared object: opened, its table checked field by field, refused with a reason. */
#include "timing.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

/* As a key timing.<name>, on the command line and in TOML. */
static bool name_is_good(const char *name)
{
    return name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")] == 0;
}

/* names: how many. */
static bool enumeration_is_good(const struct timing_param *p, unsigned names, char *error, size_t error_size)
{
    size_t length = strlen(p->unit);
    if (p->unit[0] == '|' || p->unit[length - 1] == '|' || strstr(p->unit, "||")) {
        snprintf(error, error_size, "parameter %s: one of its names is empty: %s", p->name, p->unit);
        return false;
    }
    if (p->min != 0 || p->max != names - 1) {
        snprintf(error, error_size, "parameter %s: %u names are values 0 to %u, not %g to %g", p->name, names,
                 names - 1, p->min, p->max);
        return false;
    }
    if (p->default_value != (unsigned)p->default_value) { /* it is in the range */
        snprintf(error, error_size, "parameter %s: default %g is the number of no name", p->name, p->default_value);
        return false;
    }
    return true;
}

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
        if (!name_is_good(p->name)) {
            snprintf(error, error_size, "parameter '%s': a name may have letters, digits, '_' and '-'", p->name);
            return false;
        }
        if (strcmp(p->name, "model") == 0) {
            snprintf(error, error_size, "parameter model: the name is taken, timing.model chooses the model");
            return false;
        }
        if (!(p->min <= p->default_value && p->default_value <= p->max)) {
            snprintf(error, error_size, "parameter %s: default %g is not within %g to %g", p->name, p->default_value,
                     p->min, p->max);
            return false;
        }
        unsigned names = 1; /* of an enumeration */
        for (const char *c = p->unit; *c; c++)
            names += *c == '|';
        if (names > 1 && !enumeration_is_good(p, names, error, error_size))
            return false;
        if ((size_t)timing_param_index(m, p->name) != i) {
            snprintf(error, error_size, "parameter %s is there twice", p->name);
            return false;
        }
    }
    return true;
}

static bool setup_is_known(const struct timing_model *m, char *error, size_t error_size)
{
    size_t size =
        m->struct_size >= offsetof(struct timing_model, setup_size) + sizeof m->setup_size ? m->setup_size : 0;
    if (size == 0 || (size >= TIMING_SETUP_FIRST_SIZE && size <= sizeof(struct timing_setup)))
        return true;
    snprintf(error, error_size, "its struct timing_setup has %zu bytes, expected %zu to %zu: built against %s header?",
             size, TIMING_SETUP_FIRST_SIZE, sizeof(struct timing_setup),
             size > sizeof(struct timing_setup) ? "a newer" : "another");
    return false;
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
    if (!setup_is_known(m, error, error_size))
        return false;
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
