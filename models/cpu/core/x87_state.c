/* SPDX-License-Identifier: Apache-2.0 */
/* The x87 unit's own bookkeeping: exceptions, stack faults, the pointers for exception handlers.
 * Source: SDM Vol. 1, "x87 FPU Exception Handling", "x87 FPU Floating-Point Exception Conditions". */
#include "x87_unit.h"

#include "mem.h"

/* The QNaN real indefinite. */
const union vec x87_indefinite = {.u64 = {0xc000000000000000u, 0xffff}};

void x87_summarize(struct cpu *cpu)
{
    unsigned fsw = cpu->x87.fsw & ~(X87_ES | X87_B);
    if (fsw & ~(unsigned)cpu->x87.fcw & X87_EXCEPTIONS)
        fsw |= X87_ES | X87_B;
    cpu->x87.fsw = (uint16_t)fsw;
}

bool x87_take_status(struct cpu *cpu, unsigned status, unsigned cc_mask)
{
    unsigned flags = status & X87_EXCEPTIONS;
    x87_set_cc(cpu, cc_mask | X87_C1, status);
    if (flags == 0)
        return true;
    cpu->x87.fsw = (uint16_t)(cpu->x87.fsw | flags);
    x87_summarize(cpu);
    return (flags & ~(unsigned)cpu->x87.fcw & X87_PRECOMPUTATION) == 0;
}

static bool stack_fault(struct cpu *cpu, unsigned c1)
{
    x87_set_cc(cpu, X87_C1, c1);
    cpu->x87.fsw |= X87_IE | X87_SF;
    x87_summarize(cpu);
    return (cpu->x87.fcw & X87_IE) != 0;
}

bool x87_underflow(struct cpu *cpu) { return stack_fault(cpu, 0); }
bool x87_overflow(struct cpu *cpu) { return stack_fault(cpu, X87_C1); }

bool x87_has_room(struct cpu *cpu)
{
    if (VP_LIKELY(x87_is_empty(cpu, 7)))
        return true;
    if (x87_overflow(cpu))
        x87_push(cpu, &x87_indefinite);
    return false;
}

void x87_set_control(struct cpu *cpu, unsigned value)
{
    cpu->x87.fcw = (uint16_t)((value & X87_FCW_DEFINED) | X87_FCW_ONE);
    x87_summarize(cpu);
}

/* SDM Vol. 2, "FINIT/FNINIT". The registers keep what they hold. */
void x87_init(struct cpu *cpu)
{
    cpu->x87.fcw = 0x37f;
    cpu->x87.fsw = 0;
    cpu->x87.valid = 0;
    cpu->x87.fop = 0;
    cpu->x87.fcs = cpu->x87.fds = 0;
    cpu->x87.fip = cpu->x87.fdp = 0;
}

/* SDM Vol. 1, "x87 FPU Instruction and Data (Operand) Pointers", "Fopcode Compatibility Sub-mode". */
void x87_note_exception_pointers(struct cpu *cpu, const struct op *op)
{
    cpu->x87.fop = (uint16_t)(op->imm & 0x7ff);
    if (!(op->flags & OPF_MEM))
        return;
    uint64_t offset = op_offset(cpu, op);
    if (op->flags & OPF_ADDR16)
        offset = (uint16_t)offset;
    else if ((op->flags & OPF_ADDR32) || !(cpu->mode & MODE_CODE64))
        offset = (uint32_t)offset;
    cpu->x87.fdp = offset;
}

/* As for any access of a handler: where the page walk took time, the instruction is done again alone. */
bool x87_may_write(struct cpu *cpu, uint64_t la, unsigned size)
{
    uint64_t before = cpu->cycles;
    if (cpu_view_probe_write(cpu, cpu_current_view(cpu), la, size) != VP_OK)
        return false;
    if (cpu->cycles != before && !cpu->stepping)
        cpu->leave = LEAVE_RESTART;
    return cpu->leave == LEAVE_NONE;
}
