/* SPDX-License-Identifier: Apache-2.0 */
/* Arithmetic and compares of the x87, each with its stack faults and pops. Source: SDM Vol. 2, FADD, FSUB, FSUBR, FMUL,
 * FDIV, FDIVR, FCOM, FCOMI, FICOM, FUCOM, FTST, FXAM. */
#include "x87_unit.h"

#include "flags.h"
#include "x87_host.h"

enum { OP_FCOM = 2, OP_FCOMP = 3 };

static void unordered_by_underflow(struct cpu *cpu, unsigned pops)
{
    bool masked = x87_underflow(cpu);
    x87_set_cc(cpu, X87_C0 | X87_C2 | X87_C3, X87_C0 | X87_C2 | X87_C3);
    for (; masked && pops > 0; pops--)
        x87_pop(cpu);
}

static void finish_compare(struct cpu *cpu, unsigned status, unsigned pops)
{
    if (!x87_take_status(cpu, status, X87_CC))
        return;
    for (; pops > 0; pops--)
        x87_pop(cpu);
}

void x87_arith_memory(struct cpu *cpu, unsigned op, enum x87_memory_type type, uint64_t bits)
{
    static x87_host_binary *const *const tables[4] = {x87_host_arith_f32, x87_host_arith_f64, x87_host_arith_i16,
                                                      x87_host_arith_i32};
    union vec result = {.u64 = {0, 0}};
    bool compares = op == OP_FCOM || op == OP_FCOMP;
    if (VP_UNLIKELY(x87_is_empty(cpu, 0))) {
        if (compares)
            unordered_by_underflow(cpu, op - OP_FCOM);
        else if (x87_underflow(cpu))
            x87_write(cpu, 0, &x87_indefinite);
        return;
    }
    unsigned status = tables[type][op](cpu->x87.fcw, &result, x87_st(cpu, 0), &bits);
    if (compares)
        finish_compare(cpu, status, op - OP_FCOM);
    else if (x87_take_status(cpu, status, 0))
        *x87_st(cpu, 0) = result;
}

void x87_arith_registers(struct cpu *cpu, unsigned op, unsigned i, bool to_sti, bool pop)
{
    union vec result = {.u64 = {0, 0}};
    unsigned to = to_sti ? i : 0;
    if (VP_UNLIKELY(x87_is_empty(cpu, 0) || x87_is_empty(cpu, i))) {
        if (!x87_underflow(cpu))
            return;
        x87_write(cpu, to, &x87_indefinite);
    } else {
        unsigned status = x87_host_arith[op](cpu->x87.fcw, &result, x87_st(cpu, 0), x87_st(cpu, i));
        if (!x87_take_status(cpu, status, 0))
            return;
        *x87_st(cpu, to) = result;
    }
    if (pop)
        x87_pop(cpu);
}

void x87_compare(struct cpu *cpu, unsigned i, bool unordered, unsigned pops)
{
    if (VP_UNLIKELY(x87_is_empty(cpu, 0) || x87_is_empty(cpu, i))) {
        unordered_by_underflow(cpu, pops);
        return;
    }
    x87_host_binary *compare = unordered ? x87_host_fucom : x87_host_arith[OP_FCOM];
    finish_compare(cpu, compare(cpu->x87.fcw, NULL, x87_st(cpu, 0), x87_st(cpu, i)), pops);
}

/* "If the operation results in an invalid-arithmetic-operand exception being raised, the status flags in the EFLAGS
 * register are set only if the exception is masked" (SDM Vol. 2, "FCOMI/FCOMIP/FUCOMI/FUCOMIP"); C1 is set to 0. An
 * unmasked denormal operand only keeps the stack from being popped. */
void x87_compare_to_flags(struct cpu *cpu, unsigned i, bool unordered, bool pop)
{
    uint32_t flags = FLAG_ZF | FLAG_PF | FLAG_CF;
    if (VP_UNLIKELY(x87_is_empty(cpu, 0) || x87_is_empty(cpu, i))) {
        if (!x87_underflow(cpu))
            return;
    } else {
        unsigned status =
            (unordered ? x87_host_fucomi : x87_host_fcomi)(cpu->x87.fcw, &flags, x87_st(cpu, 0), x87_st(cpu, i));
        pop &= x87_take_status(cpu, status, 0);
        if (status & ~(unsigned)cpu->x87.fcw & X87_IE)
            return;
    }
    cpu->cc_op = CC_FLAGS;
    cpu->cc_src = flags;
    if (pop)
        x87_pop(cpu);
}

void x87_test(struct cpu *cpu)
{
    union vec unused = {.u64 = {0, 0}};
    if (VP_UNLIKELY(x87_is_empty(cpu, 0)))
        unordered_by_underflow(cpu, 0);
    else
        finish_compare(cpu, x87_host_ftst(cpu->x87.fcw, &unused, x87_st(cpu, 0)), 0);
}

/* Also of an empty register: class "empty", and the sign of what lies there. */
void x87_examine(struct cpu *cpu)
{
    union vec unused = {.u64 = {0, 0}};
    unsigned status = x87_host_fxam(cpu->x87.fcw, &unused, x87_st(cpu, 0));
    if (x87_is_empty(cpu, 0))
        status = (status & X87_C1) | X87_C3 | X87_C0;
    x87_set_cc(cpu, X87_CC, status);
}
