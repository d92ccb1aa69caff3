/* SPDX-License-Identifier: Apache-2.0 */
/* Decimal adjustments, which exist outside 64-bit mode only. Source: SDM Vol. 2, "DAA", "DAS", "AAA", "AAS", "AAM",
 * "AAD". Undefined flags: OF is clear, and SF ZF PF after AAA and AAS are those of AL. */
#include "handler.h"

#include "flags.h"

#define AL REG8(8 * RAX)
#define AH REG8(8 * RAX + 1)
#define AX REG16(8 * RAX)

/* DAA adds 6 and 60H where a digit overflowed, DAS subtracts them. */
static inline void adjust_packed(struct cpu *cpu, bool subtract)
{
    uint64_t before = cpu_status_flags(cpu), flags = 0;
    uint8_t al = AL, low = 0, high = 0;

    if ((al & 0xf) > 9 || (before & FLAG_AF)) {
        low = 6;
        flags |= FLAG_AF;
        /* the borrow of DAS's first step stays; DAA's carry implies the condition of the second */
        if (subtract && al < 6)
            flags |= FLAG_CF;
    }
    if (al > 0x99 || (before & FLAG_CF)) {
        high = 0x60;
        flags |= FLAG_CF;
    }
    uint8_t by = (uint8_t)(low + high);
    AL = (uint8_t)(subtract ? al - by : al + by);
    SET_RESULT(8, AL, flags);
}

OP(daa)
{
    adjust_packed(cpu, false);
    NEXT();
}

OP(das)
{
    adjust_packed(cpu, true);
    NEXT();
}

/* AAA and AAS carry between AL and AH as one 16-bit number on all processors since the 80286. */
static inline void adjust_unpacked(struct cpu *cpu, bool subtract)
{
    uint64_t flags = 0;
    if ((AL & 0xf) > 9 || (cpu_status_flags(cpu) & FLAG_AF)) {
        AX = (uint16_t)(subtract ? AX - 0x106 : AX + 0x106);
        flags = FLAG_AF | FLAG_CF;
    }
    AL &= 0xf;
    SET_RESULT(8, AL, flags);
}

OP(aaa)
{
    adjust_unpacked(cpu, false);
    NEXT();
}

OP(aas)
{
    adjust_unpacked(cpu, true);
    NEXT();
}

OP(aam)
{
    uint8_t base = (uint8_t)op->imm, al = AL;
    if (base == 0) {
        (void)cpu_raise(cpu, EXC_DE, 0);
        LEAVE();
    }
    AH = (uint8_t)(al / base);
    AL = (uint8_t)(al % base);
    SET_RESULT(8, AL, 0);
    NEXT();
}

OP(aad)
{
    AX = (uint8_t)(AL + AH * (uint8_t)op->imm);
    SET_RESULT(8, AL, 0);
    NEXT();
}
