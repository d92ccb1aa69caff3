/* SPDX-License-Identifier: Apache-2.0 */
/* The engine's pseudo-operations, and instructions without effect on this core. */
#include "handler.h"

/* The record after the last instruction of a block that does not end in a jump: nothing is booked here. */
OP(end_of_block)
{
    struct chain *chain = op_chain(op);
    cpu->cycles += op->cost_after;
    cpu->insns += op->n;
    cpu->rip = op_next_rip(cpu, op);
    if (VP_LIKELY(chain->gen == cpu->chain_gen))
        ENTER_BLOCK(chain->block);
    cpu->link = chain;
    LEFT();
}

OP(undefined)
{
    (void)cpu_raise(cpu, EXC_UD, 0);
    LEAVE();
}

/* More than 15 bytes: SDM Vol. 2, "Instruction Prefixes". */
OP(too_long)
{
    (void)cpu_raise(cpu, EXC_GP, 0);
    LEAVE();
}

OP(nop) { NEXT(); }
