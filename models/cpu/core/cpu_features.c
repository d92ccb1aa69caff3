/* SPDX-License-Identifier: Apache-2.0 */
/* The named CPUID features as the configuration knows them; the list is cpu_features.def. */
#include "cpu_state.h"

#include <string.h>

static const char *const names[] = {
#define CPU_FEATURE(name, leaf, subleaf, reg, bit, is_default, sentence) #name,
#include "cpu_features.def"
#undef CPU_FEATURE
};

const char *cpu_feature_name(enum cpu_feature feature)
{
    return (unsigned)feature < CPU_FEATURE_COUNT ? names[feature] : NULL;
}

int cpu_feature_find(const char *name)
{
    for (int i = 0; i < CPU_FEATURE_COUNT; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    return -1;
}

struct cpu_features cpu_features_default(void)
{
    return (struct cpu_features){.has = {
#define CPU_FEATURE(name, leaf, subleaf, reg, bit, is_default, sentence) [CPU_FEATURE_##name] = (is_default),
#include "cpu_features.def"
#undef CPU_FEATURE
                                 }};
}
