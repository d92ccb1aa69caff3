/* SPDX-License-Identifier: Apache-2.0 */
/* The instruction count that a workload is known to take (insns.def): a fixed part and a part per 1000 iterations. */
#include "guest.h"

static const struct {
    const char *name;
    int64_t fixed;
    uint64_t per_1000;
} table[] = {
#include "insns.def"
    {0, 0, 0}};

static int same(const char *a, const char *b)
{
    while (*a && *a == *b)
        a++, b++;
    return *a == *b;
}

uint64_t instructions_hint(const char *name, uint64_t iters)
{
    for (int i = 0; table[i].name; i++)
        if (same(table[i].name, name))
            return table[i].fixed + table[i].per_1000 * iters / 1000;
    return 0;
}
