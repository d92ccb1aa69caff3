/* SPDX-License-Identifier: Apache-2.0 */
/* Indivisible read-modify-writes: LOCK instructions, XCHG, UPID updates, accessed bits. The modify function works on a
 * copy and nothing can run in between: the simulation is cooperative and this function never waits. */
#include "memory_state.h"

#include <string.h>

enum mem_status mem_modify(struct memory *m, uint64_t offset, uint32_t size, mem_modify_fn *fn, void *arg)
{
    uint8_t copy[MEM_MODIFY_MAX_BYTES];

    VP_ASSERT(fn != NULL);
    if (size == 0 || size > MEM_MODIFY_MAX_BYTES || !mem_is_inside(m, offset, size))
        return MEM_OUT_OF_RANGE;
    memcpy(copy, m->bytes + offset, size);
    if (fn(arg, copy))
        memcpy(m->bytes + offset, copy, size);
    m->stats.modifies++;
    return MEM_OK;
}
