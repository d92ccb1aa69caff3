/* SPDX-License-Identifier: Apache-2.0 */
/* x87 control: words, environment, tags and TOP. The FN forms do not wait: a pending exception stays pending.
 * Source: SDM Vol. 2, FINIT, FCLEX, FLDCW, FSTCW, FSTSW, FLDENV, FSTENV, FRSTOR, FSAVE, FFREE, FINCSTP, FDECSTP, FNOP.
 */
#include "x87_unit.h"

#include "handler.h"

OP(x87_fninit)
{
    x87_init(cpu);
    NEXT();
}

OP(x87_fnclex)
{
    cpu->x87.fsw &= (uint16_t) ~(X87_EXCEPTIONS | X87_SF | X87_ES | X87_B);
    NEXT();
}

OP(x87_fldcw)
{
    X87_BEGIN();
    ADDRESS(la, 2, false);
    LOAD(16, v, la);
    x87_set_control(cpu, v);
    NEXT();
}

OP(x87_fnstcw)
{
    ADDRESS(la, 2, true);
    STORE(16, la, cpu->x87.fcw);
    NEXT();
}

OP(x87_fnstsw)
{
    ADDRESS(la, 2, true);
    STORE(16, la, cpu->x87.fsw);
    NEXT();
}

OP(x87_fnstsw_ax)
{
    set_reg_16(cpu, 8 * RAX, cpu->x87.fsw);
    NEXT();
}

OP(x87_fldenv)
{
    X87_BEGIN();
    ADDRESS(la, x87_env_bytes(op->size), false);
    if (!x87_load_image(cpu, la, op->size, false))
        LEAVE();
    MEM_HOOK(la, x87_env_bytes(op->size), TIMING_LOAD);
    NEXT();
}

/* Afterwards all exceptions are masked. */
OP(x87_fnstenv)
{
    ADDRESS(la, x87_env_bytes(op->size), true);
    if (!x87_store_image(cpu, la, op->size, false))
        LEAVE();
    MEM_HOOK(la, x87_env_bytes(op->size), TIMING_STORE);
    x87_set_control(cpu, cpu->x87.fcw | X87_EXCEPTIONS);
    NEXT();
}

OP(x87_frstor)
{
    X87_BEGIN();
    ADDRESS(la, x87_env_bytes(op->size) + 80, false);
    if (!x87_load_image(cpu, la, op->size, true))
        LEAVE();
    MEM_HOOK(la, x87_env_bytes(op->size) + 80, TIMING_LOAD);
    NEXT();
}

/* Afterwards the unit is as FNINIT leaves it. */
OP(x87_fnsave)
{
    ADDRESS(la, x87_env_bytes(op->size) + 80, true);
    if (!x87_store_image(cpu, la, op->size, true))
        LEAVE();
    MEM_HOOK(la, x87_env_bytes(op->size) + 80, TIMING_STORE);
    x87_init(cpu);
    NEXT();
}

#define SIMPLE(name, code)                                                                                             \
    OP(name)                                                                                                           \
    {                                                                                                                  \
        X87_BEGIN();                                                                                                   \
        code;                                                                                                          \
        X87_NEXT();                                                                                                    \
    }
SIMPLE(x87_fnop, (void)0)
SIMPLE(x87_ffree, x87_free(cpu, STI(op)))
SIMPLE(x87_fincstp, x87_set_cc(cpu, X87_C1, 0); x87_set_top(cpu, x87_top(cpu) + 1))
SIMPLE(x87_fdecstp, x87_set_cc(cpu, X87_C1, 0); x87_set_top(cpu, x87_top(cpu) - 1))

/* DF C0+i, known as FFREEP: FFREE and a pop. SDM does not name it; all processors have it. */
SIMPLE(x87_ffreep, x87_free(cpu, STI(op)); x87_pop(cpu))

/* FNENI, FNDISI, FNSETPM of the 8087 and 80287: no effect since (SDM Vol. 3, "x87 FPU Instructions" of the chapter on
 * compatibility). */
OP(x87_obsolete) { NEXT(); }
