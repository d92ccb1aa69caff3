/* SPDX-License-Identifier: Apache-2.0 */
/* Pieces of work of a program on the simulator's timeline: a slice from work_begin() to work_end(), inside that of its
 * task.
 *
 * One OUT each to a port that the minimal kernel opens to programs; it takes no cycle and no system call. On other
 * machines, which have no such ports, nothing is written. */
#ifndef WORK_TRACE_H
#define WORK_TRACE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/io.h>

enum { WORK_PORT = 0x608, WORK_PORT_END = 0x60c, WORK_PORT_MAGIC = 0x50545655 };

/* Whether there is a timeline: is_traced of the others. Linux lets only root use ports. */
static inline bool work_trace_open(void) { return ioperm(WORK_PORT, 8, 1) == 0 && inl(WORK_PORT) == WORK_PORT_MAGIC; }

static inline void work_begin(bool is_traced, uint32_t number)
{
    if (is_traced)
        outl(number, WORK_PORT);
}

static inline void work_end(bool is_traced)
{
    if (is_traced)
        outl(0, WORK_PORT_END);
}

#endif
