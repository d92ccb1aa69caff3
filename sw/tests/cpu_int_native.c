/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the groups of cpu_int on the host CPU and prints cpu_int_expected.h; with an argument, compares instead.
 * tests/guest builds and runs it: the expected values are checked wherever the tests run.
 */
#include "cpu_int_groups.h"
#include <stdio.h>

static const struct {
    const char *name;
    uint64_t (*run)(uint64_t seed);
    uint64_t expected;
} groups[] = {
#define GROUP(name) {#name, group_##name, EXPECTED_##name},
#ifndef EXPECTED_HEADER
#define GROUP_NONE(name) {#name, group_##name, 0},
    CPU_INT_GROUPS(GROUP_NONE)
#else
#include EXPECTED_HEADER
    CPU_INT_GROUPS(GROUP)
#endif
};

int main(int argc, char **argv)
{
    int wrong = 0;
    (void)argv;
    for (unsigned i = 0; i < sizeof groups / sizeof *groups; i++) {
        uint64_t sum = groups[i].run(CPU_INT_SEED);
        if (argc == 1)
            printf("#define EXPECTED_%s 0x%016llx\n", groups[i].name, (unsigned long long)sum);
        else if (sum != groups[i].expected)
            wrong += printf("%s: got %016llx\n", groups[i].name, (unsigned long long)sum) > 0;
    }
    return wrong;
}
