/* SPDX-License-Identifier: Apache-2.0 */
/* Setting the lazy status flags from handlers. Computing them is flags.c. */
#ifndef CPU_FLAGS_H
#define CPU_FLAGS_H

#include "cpu_state.h"

/* kind: ADD, SUB, LOGIC, INC, DEC; result and source truncated to the size. */
#define SET_CC(kind, bits, result, source)                                                                             \
    do {                                                                                                               \
        cpu->cc_op = CC_##kind##bits;                                                                                  \
        cpu->cc_dst = (uint##bits##_t)(result);                                                                        \
        cpu->cc_src = (uint##bits##_t)(source);                                                                        \
    } while (0)

/* SF, ZF and PF of the result; CF, AF and OF given. */
#define SET_RESULT(bits, result, flags)                                                                                \
    do {                                                                                                               \
        cpu->cc_op = CC_RESULT##bits;                                                                                  \
        cpu->cc_dst = (uint##bits##_t)(result);                                                                        \
        cpu->cc_src = (flags);                                                                                         \
    } while (0)

/* Replaces some of CF, AF and OF and keeps the other flags. */
static inline void cc_replace(struct cpu *cpu, uint64_t mask, uint64_t flags)
{
    if (cpu->cc_op != CC_FLAGS && cpu->cc_op < CC_RESULT8)
        cpu_settle_flags(cpu);
    cpu->cc_src = (cpu->cc_src & ~mask) | flags;
}

/* All six flags given. */
static inline void cc_set_flags(struct cpu *cpu, uint64_t flags)
{
    cpu->cc_op = CC_FLAGS;
    cpu->cc_src = flags & FLAGS_STATUS;
}

static inline uint64_t flag_parity(uint64_t result) { return __builtin_parity((uint8_t)result) ? 0 : FLAG_PF; }

/* SF, ZF and PF of a result of `bits` bits. */
static inline uint64_t flags_szp(uint64_t result, unsigned bits)
{
    uint64_t r = result & (UINT64_MAX >> (64 - bits));
    return flag_parity(r) | (r == 0 ? FLAG_ZF : 0) | ((r >> (bits - 1)) ? FLAG_SF : 0);
}

#endif
