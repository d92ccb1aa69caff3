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

/* CF alone, which ADC, SBB, INC and DEC need: without a call, so that their handlers save no registers. */
static inline bool cc_carry(const struct cpu *cpu)
{
    unsigned op = cpu->cc_op;
    if (op == CC_FLAGS || op >= CC_INC8)
        return (cpu->cc_src & FLAG_CF) != 0;
    if (op >= CC_LOGIC8)
        return false;
    if (op >= CC_SUB8)
        return ((cpu->cc_dst + cpu->cc_src) & (UINT64_MAX >> (64 - (8u << ((op - 1) & 3))))) < cpu->cc_src;
    return cpu->cc_dst < cpu->cc_src;
}

/* Instructions that replace some of CF, AF and OF and keep the other flags settle the flags first (cc_op is CC_FLAGS or
 * one of CC_RESULT, cc_src holds CF, AF, OF) and then call cc_replace. Settling changes no flag. */
static inline bool cc_is_settled(const struct cpu *cpu) { return cpu->cc_op == CC_FLAGS || cpu->cc_op >= CC_RESULT8; }

/* Settles the usual kinds without a call; false: the flags are those of INC or DEC, which cpu_settle_flags knows. */
static inline bool cc_settle_fast(struct cpu *cpu)
{
    unsigned op = cpu->cc_op, top = (8u << ((op - 1) & 3)) - 1;
    uint64_t dst = cpu->cc_dst, src = cpu->cc_src;
    if (cc_is_settled(cpu))
        return true;
    if (op >= CC_INC8)
        return false;
    cpu->cc_op = CC_RESULT8 + ((op - 1) & 3);
    if (op >= CC_LOGIC8) {
        cpu->cc_src = 0;
    } else if (op >= CC_SUB8) {
        uint64_t a = (dst + src) & (UINT64_MAX >> (63 - top));
        cpu->cc_src =
            (a < src ? FLAG_CF : 0) | ((a ^ src ^ dst) & FLAG_AF) | ((((a ^ src) & (a ^ dst)) >> top & 1) << 11);
    } else {
        uint64_t a = dst - src;
        cpu->cc_src =
            (dst < src ? FLAG_CF : 0) | ((a ^ src ^ dst) & FLAG_AF) | ((((a ^ dst) & (src ^ dst)) >> top & 1) << 11);
    }
    return true;
}

#ifdef CPU_FAST
#define SETTLE_FLAGS()                                                                                                 \
    do {                                                                                                               \
        if (VP_UNLIKELY(!cc_settle_fast(cpu)))                                                                         \
            MISS();                                                                                                    \
    } while (0)
#else
#define SETTLE_FLAGS() cpu_settle_flags(cpu)
#endif

static inline void cc_replace(struct cpu *cpu, uint64_t mask, uint64_t flags)
{
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
