/* SPDX-License-Identifier: Apache-2.0 */
/* Turning coverage of the opcode table on, and taking what has completed: coverage.h. */
#include "coverage.h"

#include "decode.h"

#include <stdlib.h>
#include <string.h>

_Static_assert(sizeof(struct cpu_opcode_set) * 8 == OPCODE_TABLE_MAX, "a set has a bit for each row");

/* Is the exception what the instruction is for? UD0 to UD2; RDPMC, because there is no performance counter. */
static bool is_meant_to_fault(const struct opcode_row *row) { return row->handler == H_ud || row->handler == H_rdpmc; }

void coverage_left(struct cpu *cpu)
{
    struct coverage *c = cpu->coverage;
    bool is_fault = cpu->leave == LEAVE_FAULT;
    if (cpu->leave != LEAVE_NONE && c->current != 0 && !(is_fault && is_meant_to_fault(&opcode_table[c->current - 1u])))
        c->current = 0; /* it did not happen, or not yet */
    coverage_complete(c);
}

void coverage_translated(struct cpu *cpu, struct op *op, unsigned handler, size_t row)
{
    struct coverage_entry *entry = &cpu->coverage->of_op[block_place(cpu, op)];
    entry->handler = (uint16_t)handler;
    entry->row = (uint16_t)(row + 1);
    op->fn = cpu->engine->fn[H_covered];
}

bool cpu_opcode_watch(struct cpu *cpu)
{
    if (cpu->coverage)
        return true;
    cpu->coverage = calloc(1, sizeof *cpu->coverage + block_places() * sizeof cpu->coverage->of_op[0]);
    if (!cpu->coverage)
        return false;
    if (cpu->twins) /* its records have no twins that look at the clock */
        cpu->engine = &engine_observed;
    block_drop_all(cpu); /* their records lead to the handlers themselves */
    return true;
}

void cpu_opcode_take(struct cpu *cpu, struct cpu_opcode_set *completed)
{
    if (!cpu->coverage)
        return;
    for (size_t i = 0; i < sizeof completed->word / sizeof completed->word[0]; i++)
        completed->word[i] |= cpu->coverage->completed.word[i];
    memset(&cpu->coverage->completed, 0, sizeof cpu->coverage->completed);
}
