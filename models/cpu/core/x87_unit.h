/* SPDX-License-Identifier: Apache-2.0 */
/* What the x87 handlers work with: the stack, exceptions, and the tools of the handlers themselves.
 *
 * A waiting instruction goes: X87_BEGIN() (a pending exception is #MF before anything else), memory operand, arithmetic
 * (x87_arith.c and its neighbours, on the host's x87: x87_host.c), X87_NEXT() (instruction pointer of the exception
 * handler's image). An unmasked exception is noted in FSW.ES and raised by the next waiting instruction.
 * Source: SDM Vol. 1, "Programming with the x87 FPU"; Vol. 2, the instructions' pages.
 *
 * DEVIATION: with CR0.NE = 0 a processor asserts FERR# and the chipset answers with IRQ13; here it is #MF as with NE
 * = 1. The pointers are those of processors that enumerate FDP_EXCPTN_ONLY and "deprecates FPU CS and DS": FDP and FOP
 * are those of the last instruction with an unmasked exception, FCS and FDS are 0. */
#ifndef CPU_X87_UNIT_H
#define CPU_X87_UNIT_H

#include "cpu_state.h"

/* FSW */
#define X87_IE 0x01u
#define X87_DE 0x02u
#define X87_ZE 0x04u
#define X87_OE 0x08u
#define X87_UE 0x10u
#define X87_PE 0x20u
#define X87_SF 0x40u
#define X87_C0 0x0100u
#define X87_C1 0x0200u
#define X87_C2 0x0400u
#define X87_C3 0x4000u
#define X87_B 0x8000u
#define X87_CC (X87_C0 | X87_C1 | X87_C2 | X87_C3)
#define X87_TOP 0x3800u
#define X87_TOP_SHIFT 11
#define X87_EXCEPTIONS 0x3fu                          /* flags of FSW, and their masks in FCW   */
#define X87_PRECOMPUTATION (X87_IE | X87_DE | X87_ZE) /* unmasked, they stop the instruction   */
/* FCW */
#define X87_FCW_DEFINED 0x1f3fu
#define X87_FCW_ONE 0x0040u /* reads as one */

static inline unsigned x87_top(const struct cpu *cpu) { return (cpu->x87.fsw >> X87_TOP_SHIFT) & 7u; }
static inline unsigned x87_physical(const struct cpu *cpu, unsigned i) { return (x87_top(cpu) + i) & 7u; }
static inline union vec *x87_st(struct cpu *cpu, unsigned i) { return &cpu->x87.r[x87_physical(cpu, i)]; }
static inline bool x87_is_empty(const struct cpu *cpu, unsigned i)
{
    return !((cpu->x87.valid >> x87_physical(cpu, i)) & 1u);
}
static inline void x87_set_top(struct cpu *cpu, unsigned top)
{
    cpu->x87.fsw = (uint16_t)((cpu->x87.fsw & ~X87_TOP) | (top & 7u) << X87_TOP_SHIFT);
}
static inline void x87_write(struct cpu *cpu, unsigned i, const union vec *v)
{
    unsigned n = x87_physical(cpu, i);
    cpu->x87.r[n] = *v;
    cpu->x87.valid = (uint8_t)(cpu->x87.valid | 1u << n);
}
static inline void x87_pop(struct cpu *cpu)
{
    cpu->x87.valid = (uint8_t)(cpu->x87.valid & ~(1u << x87_top(cpu)));
    x87_set_top(cpu, x87_top(cpu) + 1);
}
static inline void x87_push(struct cpu *cpu, const union vec *v)
{
    x87_set_top(cpu, x87_top(cpu) - 1);
    x87_write(cpu, 0, v);
}
static inline void x87_set_cc(struct cpu *cpu, unsigned mask, unsigned cc)
{
    cpu->x87.fsw = (uint16_t)((cpu->x87.fsw & ~mask) | (cc & mask));
}
/* C0..C3 are undefined after FFREE; processors clear C1. */
static inline void x87_free(struct cpu *cpu, unsigned i)
{
    x87_set_cc(cpu, X87_C1, 0);
    cpu->x87.valid = (uint8_t)(cpu->x87.valid & ~(1u << x87_physical(cpu, i)));
}

/* --- x87_state.c --- */
extern const union vec x87_indefinite;
void x87_summarize(struct cpu *cpu); /* ES and B from flags and masks */
/* Takes over the host's status word of one instruction: its exceptions, and the condition codes of cc_mask (C1 always).
 * False: an unmasked exception stopped it, nothing may be written. */
bool x87_take_status(struct cpu *cpu, unsigned status, unsigned cc_mask);
/* Stack faults set IE and SF; true if masked: the instruction goes on with the indefinite value. */
bool x87_underflow(struct cpu *cpu);
bool x87_overflow(struct cpu *cpu);
/* Room for one more? If not, the masked response was given. */
bool x87_has_room(struct cpu *cpu);
void x87_set_control(struct cpu *cpu, unsigned value);
void x87_init(struct cpu *cpu);
/* Can all these bytes be written? If not, cpu->leave is set. */
bool x87_may_write(struct cpu *cpu, uint64_t la, unsigned size);
void x87_note_exception_pointers(struct cpu *cpu, const struct op *op);

/* --- x87_image.c: the images of FNSTENV and FNSAVE; size is the operand size, 2 or else --- */
#define X87_ENV_MAX 28u
#define X87_SAVE_MAX 108u
static inline unsigned x87_env_bytes(unsigned size) { return size == 2 ? 14 : 28; }
/* Answer false if cpu->leave is set. */
bool x87_store_image(struct cpu *cpu, uint64_t la, unsigned size, bool with_registers);
bool x87_load_image(struct cpu *cpu, uint64_t la, unsigned size, bool with_registers);

/* --- x87_arith.c: one instruction each, from operand fetch to pop --- */
enum x87_memory_type { X87_F32, X87_F64, X87_I16, X87_I32, X87_I64, X87_BCD };
/* op: ModRM.reg of the arithmetic opcodes D8H, DCH: FADD FMUL FCOM FCOMP FSUB FSUBR FDIV FDIVR. `bits`: the operand as
 * in memory, of type F32, F64, I16 or I32. */
void x87_arith_memory(struct cpu *cpu, unsigned op, enum x87_memory_type type, uint64_t bits);
void x87_arith_registers(struct cpu *cpu, unsigned op, unsigned i, bool to_sti, bool pop);
void x87_compare(struct cpu *cpu, unsigned i, bool unordered, unsigned pops);
void x87_compare_to_flags(struct cpu *cpu, unsigned i, bool unordered, bool pop);
void x87_test(struct cpu *cpu);
void x87_examine(struct cpu *cpu);

/* --- x87_move.c --- */
void x87_load(struct cpu *cpu, enum x87_memory_type type, uint64_t low, unsigned high); /* high: of BCD */
void x87_load_real80(struct cpu *cpu, uint64_t low, unsigned high);
void x87_load_sti(struct cpu *cpu, unsigned i);
void x87_load_constant(struct cpu *cpu, unsigned which); /* ModRM.rm of D9 E8.. */
/* A store in two steps, since memory may fault in between: what to write, then the bookkeeping. */
struct x87_stored {
    uint64_t low;
    uint16_t high, status;
    bool writes;
};
struct x87_stored x87_store_value(struct cpu *cpu, enum x87_memory_type type, bool truncate);
struct x87_stored x87_store_real80(struct cpu *cpu);
void x87_store_done(struct cpu *cpu, struct x87_stored stored, bool pop);
void x87_store_sti(struct cpu *cpu, unsigned i, bool pop);
void x87_store_sti_unchecked(struct cpu *cpu, unsigned i); /* pops */
void x87_exchange(struct cpu *cpu, unsigned i);
void x87_move_if(struct cpu *cpu, unsigned i, bool condition);

/* --- x87_math.c: D9H, ModRM E0, E1, F0..FF --- */
void x87_math(struct cpu *cpu, unsigned modrm);

/* --- of the handlers --- */
/* ST(i) of the r/m operand; ModRM.reg; REX means nothing here. The record's imm holds the low three bits of the opcode
 * and the ModRM byte, as FOP does. */
#define STI(op) (((op)->rm >> 3) & 7u)
#define X87_EXT(op) (((unsigned)(op)->imm >> 3) & 7u)
#define X87_BEGIN()                                                                                                    \
    if (VP_UNLIKELY(cpu->x87.fsw & X87_ES)) {                                                                          \
        (void)cpu_raise(cpu, EXC_MF, 0);                                                                               \
        LEAVE();                                                                                                       \
    }
#define X87_NEXT()                                                                                                     \
    do {                                                                                                               \
        cpu->x87.fip = op_rip(op);                                                                                     \
        if (VP_UNLIKELY(cpu->x87.fsw & X87_ES))                                                                        \
            x87_note_exception_pointers(cpu, op);                                                                      \
        NEXT();                                                                                                        \
    } while (0)

#endif
