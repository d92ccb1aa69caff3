/* SPDX-License-Identifier: Apache-2.0 */
/* Which rows of the opcode table have completed. While a core is watched, the record of each instruction leads to the
 * handler `covered`, which notes the row and goes on to the real one. That instruction has completed if the next one
 * begins, or if threaded code is left without a fault. A core that is not watched pays nothing for it. */
#ifndef CPU_COVERAGE_H
#define CPU_COVERAGE_H

#include "cpu_opcodes.h"
#include "cpu_state.h"

struct coverage_entry {
    uint16_t handler, row; /* row + 1 */
};

struct coverage {
    struct cpu_opcode_set completed;
    uint16_t current;              /* row + 1 of the instruction in progress; 0: none */
    struct coverage_entry of_op[]; /* by block_place() */
};

static inline void coverage_complete(struct coverage *c)
{
    unsigned row = c->current - 1u;
    if (c->current != 0)
        c->completed.word[row / 64] |= 1ull << (row % 64);
    c->current = 0;
}

/* The instruction at `op` begins, so the one before it has completed. Answers its handler. */
static inline unsigned coverage_begin(struct cpu *cpu, const struct op *op)
{
    const struct coverage_entry *entry = &cpu->coverage->of_op[block_place(cpu, op)];
    coverage_complete(cpu->coverage);
    cpu->coverage->current = entry->row;
    return entry->handler;
}

/* coverage.c: threaded code was left. */
void coverage_left(struct cpu *cpu);
/* A record has been translated: `handler` is to be its handler. */
#define COVERAGE_NO_ROW SIZE_MAX
void coverage_translated(struct cpu *cpu, struct op *op, unsigned handler, size_t row);

#endif
