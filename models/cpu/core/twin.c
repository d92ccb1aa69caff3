/* SPDX-License-Identifier: Apache-2.0 */
/* From a timed handler to its observed twin, by name: where the end of a block is near the deadline, the instructions
 * after one that took time run as twins, which look at the clock. Rare, so a search does. */
#include "cpu_state.h"

#include <stdlib.h>

struct cpu_twin {
    op_fn *timed, *observed;
};

static int compare(const void *a, const void *b)
{
    uintptr_t x = (uintptr_t)((const struct cpu_twin *)a)->timed, y = (uintptr_t)((const struct cpu_twin *)b)->timed;
    return x < y ? -1 : x > y;
}

struct cpu_twin *cpu_twins_create(void)
{
    struct cpu_twin *twins = malloc(H_COUNT * sizeof *twins);
    if (!twins)
        return NULL;
    for (size_t i = 0; i < H_COUNT; i++)
        twins[i] = (struct cpu_twin){engine_timed.fn[i], engine_observed.fn[i]};
    qsort(twins, H_COUNT, sizeof *twins, compare);
    return twins;
}

op_fn *cpu_asking_twin(const struct cpu *cpu, op_fn *fn)
{
    if (!cpu->twins)
        return fn;
    const struct cpu_twin key = {fn, NULL};
    const struct cpu_twin *found = bsearch(&key, cpu->twins, H_COUNT, sizeof key, compare);
    return found ? found->observed : fn;
}
