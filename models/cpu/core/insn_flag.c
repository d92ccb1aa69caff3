/* SPDX-License-Identifier: Apache-2.0 */
/* Single flags: CLC STC CMC CLD STD CLI STI CLAC STAC; SALC. */
#include "flags.h"
#include "handler.h"

OP(clc)
{
    cc_set_flags(cpu, cpu_status_flags(cpu) & ~(uint64_t)FLAG_CF);
    NEXT();
}
OP(stc)
{
    cc_set_flags(cpu, cpu_status_flags(cpu) | FLAG_CF);
    NEXT();
}
OP(cmc)
{
    cc_set_flags(cpu, cpu_status_flags(cpu) ^ FLAG_CF);
    NEXT();
}
OP(cld)
{
    cpu->rflags &= ~(uint64_t)FLAG_DF;
    NEXT();
}
OP(std)
{
    cpu->rflags |= FLAG_DF;
    NEXT();
}

/* SDM Vol. 2, "CLI", "STI": #GP(0) if CPL > IOPL (protected-mode virtual interrupts are not enumerated). */
static bool may_change_if(struct cpu *cpu)
{
    if ((cpu->cr0 & CR0_PE) && cpu->cpl > ((cpu->rflags & FLAG_IOPL) >> 12)) {
        (void)cpu_raise(cpu, EXC_GP, 0);
        return false;
    }
    return true;
}

OP(cli)
{
    if (!may_change_if(cpu))
        LEAVE();
    cpu->rflags &= ~(uint64_t)FLAG_IF;
    FINISH();
}

/* Maskable interrupts stay off for one more instruction if IF was clear. */
OP(sti)
{
    if (!may_change_if(cpu))
        LEAVE();
    if (!(cpu->rflags & FLAG_IF)) {
        cpu->rflags |= FLAG_IF;
        cpu->shadow |= SHADOW_STI;
    }
    FINISH();
}

static bool may_change_ac(struct cpu *cpu)
{
    if (!cpu_has_feature(cpu, CPU_FEATURE_smap) || cpu->cpl != 0) {
        (void)cpu_raise(cpu, EXC_UD, 0);
        return false;
    }
    return true;
}

OP(clac)
{
    if (!may_change_ac(cpu))
        LEAVE();
    cpu_set_rflags(cpu, 0, FLAG_AC);
    FINISH();
}

OP(stac)
{
    if (!may_change_ac(cpu))
        LEAVE();
    cpu_set_rflags(cpu, FLAG_AC, FLAG_AC);
    FINISH();
}

/* AL = CF ? FFH : 0; in SDM Vol. 2 only as a hole of the opcode map, on every processor since the 8086. */
OP(salc)
{
    REG8(RAX * 8) = (cpu_status_flags(cpu) & FLAG_CF) ? 0xff : 0;
    NEXT();
}
