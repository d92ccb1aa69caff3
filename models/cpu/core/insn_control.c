/* SPDX-License-Identifier: Apache-2.0 */
/* The engine's pseudo-operations, and instructions without effect on this core. */
#include "coverage.h"
#include "decode.h"
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

/* Stands before the handler of each instruction of a watched core. */
OP(covered)
{
    op_fn *handler = cpu->engine->fn[coverage_begin(cpu, op)];
    TAIL_CALL(handler, op);
}

/* Somebody may want to know why a guest gets #UD where a processor would go on. */
static void tell_unimplemented(struct cpu *cpu, uint64_t rip)
{
    uint8_t bytes[INSN_MAX_LENGTH];
    uint64_t la = cpu_is_code64(cpu) ? rip : (uint32_t)(cpu->seg[SEG_CS].base + rip);
    size_t size = cpu_debug_read(cpu, la, bytes, sizeof bytes);
    char name[INSN_NAME_SIZE];
    uint32_t length = decoder_unimplemented(cpu->decoder, bytes, size, cpu->mode, name, sizeof name);
    unsigned mode_bits = cpu_is_code64(cpu) ? 64 : (cpu->mode & MODE_CODE32) ? 32 : 16;
    if (length != 0)
        cpu_bus(cpu)->unimplemented(cpu->bus.ctx, rip, bytes, length, mode_bits, name);
}

OP(undefined)
{
    if (cpu->bus.unimplemented)
        tell_unimplemented(cpu, op_rip(op));
    (void)cpu_raise(cpu, EXC_UD, 0);
    LEAVE();
}

/* An instruction of a unit that is switched off; imm: enum unit. SDM Vol. 3, tables "Action Taken for Combinations of
 * OSFXSR, OSXMMEXCPT, SSE, ... EM, MP, and TS" and "Action Taken By MMX Instructions for Different Combinations of EM,
 * MP and TS". */
OP(unit_off)
{
    bool em = (cpu->cr0 & CR0_EM) != 0;
    bool undefined = op->imm == UNIT_SSE ? em || !(cpu->cr4 & CR4_OSFXSR) : op->imm == UNIT_MMX && em;
    (void)cpu_raise(cpu, undefined ? EXC_UD : EXC_NM, 0);
    LEAVE();
}

/* WAIT: SDM Vol. 2, "WAIT/FWAIT". */
OP(wait)
{
    if ((cpu->cr0 & (CR0_MP | CR0_TS)) == (CR0_MP | CR0_TS)) {
        (void)cpu_raise(cpu, EXC_NM, 0);
        LEAVE();
    }
    if (cpu->x87.fsw & X87_ES) {
        (void)cpu_raise(cpu, EXC_MF, 0);
        LEAVE();
    }
    NEXT();
}

/* More than 15 bytes: SDM Vol. 2, "Instruction Prefixes". */
OP(too_long)
{
    (void)cpu_raise(cpu, EXC_GP, 0);
    LEAVE();
}

OP(nop) { NEXT(); }
