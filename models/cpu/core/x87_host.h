/* SPDX-License-Identifier: Apache-2.0 */
/* One x87 instruction on the host's own x87, with the guest's control word as it is. The host's unit is empty and has
 * its own control word before and after. Unmasked exceptions do not trap: they would at the next waiting instruction,
 * and there is none before the flags are cleared. So an unmasked exception has its exact effect: no result for IE, DE
 * and ZE, the result with adjusted exponent for OE and UE (SDM Vol. 1, "x87 FPU Floating-Point Exception Conditions").
 *
 * Each function answers the host's status word: the exceptions of this instruction, C0..C3. A result is written only if
 * there is one. */
#ifndef CPU_X87_HOST_H
#define CPU_X87_HOST_H

#include "vec.h"

/* Two operands, ST(0) the first. op: ModRM.reg of D8H, DCH (FADD FMUL FCOM FCOMP FSUB FSUBR FDIV FDIVR). */
typedef uint16_t x87_host_binary(uint16_t fcw, union vec *result, const union vec *a, const void *b);
extern x87_host_binary *const x87_host_arith[8], *const x87_host_arith_f32[8], *const x87_host_arith_f64[8],
                                                                                   *const x87_host_arith_i16[8],
                                                                                       *const x87_host_arith_i32[8];
x87_host_binary x87_host_fucom, x87_host_fprem, x87_host_fprem1, x87_host_fscale, x87_host_fyl2x, x87_host_fyl2xp1,
    x87_host_fpatan;
/* FCOMI, FUCOMI: *flags gets ZF, PF, CF. */
uint16_t x87_host_fcomi(uint16_t fcw, uint32_t *flags, const union vec *a, const union vec *b);
uint16_t x87_host_fucomi(uint16_t fcw, uint32_t *flags, const union vec *a, const union vec *b);

/* One operand. */
typedef uint16_t x87_host_unary(uint16_t fcw, union vec *result, const union vec *a);
x87_host_unary x87_host_fchs, x87_host_fabs, x87_host_f2xm1, x87_host_fsqrt, x87_host_frndint, x87_host_fsin,
    x87_host_fcos, x87_host_ftst, x87_host_fxam;
/* Two results where `pushed` is answered true: result[0] is the pushed one, result[1] lies under it. */
typedef uint16_t x87_host_push(uint16_t fcw, union vec result[2], const union vec *a, uint32_t *pushed);
x87_host_push x87_host_fptan, x87_host_fsincos, x87_host_fxtract;

/* Loads and stores with conversion, by enum x87_memory_type. */
typedef uint16_t x87_host_load(uint16_t fcw, union vec *result, const void *memory);
typedef uint16_t x87_host_store(uint16_t fcw, void *memory, const union vec *a);
extern x87_host_load *const x87_host_loads[6];
extern x87_host_store *const x87_host_stores[6], *const x87_host_truncating_stores[6];

/* FLD1 FLDL2T FLDL2E FLDPI FLDLG2 FLDLN2 FLDZ. */
void x87_host_constant(uint16_t fcw, union vec *result, unsigned which);

#endif
