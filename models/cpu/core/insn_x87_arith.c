/* SPDX-License-Identifier: Apache-2.0 */
/* x87 arithmetic, compares and mathematical functions: operands here, the rest in x87_arith.c and x87_math.c. */
#include "x87_unit.h"

#include "handler.h"

/* D8H, DAH, DCH, DEH with a memory operand: the operation is ModRM.reg. */
#define ARITH_MEMORY(name, bits, type)                                                                                 \
    OP(name)                                                                                                           \
    {                                                                                                                  \
        X87_BEGIN();                                                                                                   \
        ADDRESS(la, (bits) / 8, false);                                                                                \
        LOAD(bits, v, la);                                                                                             \
        x87_arith_memory(cpu, X87_EXT(op), type, v);                                                                   \
        X87_NEXT();                                                                                                    \
    }
ARITH_MEMORY(x87_arith_f32, 32, X87_F32)
ARITH_MEMORY(x87_arith_f64, 64, X87_F64)
ARITH_MEMORY(x87_arith_i16, 16, X87_I16)
ARITH_MEMORY(x87_arith_i32, 32, X87_I32)

#define SIMPLE(name, call)                                                                                             \
    OP(name)                                                                                                           \
    {                                                                                                                  \
        X87_BEGIN();                                                                                                   \
        call;                                                                                                          \
        X87_NEXT();                                                                                                    \
    }
/* DCH and DEH name the operation by what is done with ST(0) and ST(i), as D8H does: 4 is ST(0) - ST(i). */
SIMPLE(x87_arith_st0, x87_arith_registers(cpu, X87_EXT(op), STI(op), false, false))
SIMPLE(x87_arith_sti, x87_arith_registers(cpu, X87_EXT(op), STI(op), true, false))
SIMPLE(x87_arith_sti_pop, x87_arith_registers(cpu, X87_EXT(op), STI(op), true, true))
SIMPLE(x87_fcom, x87_compare(cpu, STI(op), false, 0))
SIMPLE(x87_fcomp, x87_compare(cpu, STI(op), false, 1))
SIMPLE(x87_fcompp, x87_compare(cpu, 1, false, 2))
SIMPLE(x87_fucom, x87_compare(cpu, STI(op), true, 0))
SIMPLE(x87_fucomp, x87_compare(cpu, STI(op), true, 1))
SIMPLE(x87_fucompp, x87_compare(cpu, 1, true, 2))
SIMPLE(x87_fcomi, x87_compare_to_flags(cpu, STI(op), false, false))
SIMPLE(x87_fcomip, x87_compare_to_flags(cpu, STI(op), false, true))
SIMPLE(x87_fucomi, x87_compare_to_flags(cpu, STI(op), true, false))
SIMPLE(x87_fucomip, x87_compare_to_flags(cpu, STI(op), true, true))
SIMPLE(x87_ftst, x87_test(cpu))
SIMPLE(x87_fxam, x87_examine(cpu))
SIMPLE(x87_math, x87_math(cpu, (uint8_t)op->imm))
