/* SPDX-License-Identifier: Apache-2.0 */
/* Shifts and rotates of the r/m operand: by an immediate (_i; shift by one is an immediate too) or by CL (_c).
 * Source: SDM Vol. 2, "SAL/SAR/SHL/SHR", "RCL/RCR/ROL/ROR", "SHLD", "SHRD". A masked count of 0 leaves the flags alone.
 * Where the manual leaves OF undefined (counts other than 1) the formula for a count of 1 is used: it looks at the last
 * step. */
#define CPU_HAS_TWINS 1
#include "handler.h"

#include "flags.h"

#define COUNT_MASK(bits) ((bits) == 64 ? 63u : 31u)
#define MSB(bits, v) ((uint64_t)(v) >> ((bits)-1) & 1)
#define OF_IF(bit) ((uint64_t)(bit) << 11) /* FLAG_OF */

/* `count` is an expression: how many places, not masked. */
#define SHL(bits, count)                                                                                               \
    do {                                                                                                               \
        unsigned n = (unsigned)(count)&COUNT_MASK(bits);                                                               \
        RM_MODIFY(bits, old, result, result = (uint##bits##_t)((uint64_t)old << n));                                   \
        if (n != 0) {                                                                                                  \
            uint64_t cf = MSB(bits, (uint64_t)old << (n - 1)) & 1;                                                     \
            SET_RESULT(bits, result, cf | OF_IF(MSB(bits, result) ^ cf));                                              \
        }                                                                                                              \
    } while (0)

#define SHR(bits, count)                                                                                               \
    do {                                                                                                               \
        unsigned n = (unsigned)(count)&COUNT_MASK(bits);                                                               \
        RM_MODIFY(bits, old, result, result = (uint##bits##_t)((uint64_t)old >> n));                                   \
        if (n != 0) {                                                                                                  \
            uint64_t last = (uint64_t)old >> (n - 1);                                                                  \
            SET_RESULT(bits, result, (last & 1) | OF_IF(MSB(bits, last)));                                             \
        }                                                                                                              \
    } while (0)

#define SAR(bits, count)                                                                                               \
    do {                                                                                                               \
        unsigned n = (unsigned)(count)&COUNT_MASK(bits);                                                               \
        RM_MODIFY(bits, old, result, result = (uint##bits##_t)((int64_t)(int##bits##_t)old >> n));                     \
        if (n != 0)                                                                                                    \
            SET_RESULT(bits, result, (uint64_t)((int64_t)(int##bits##_t)old >> (n - 1)) & 1);                          \
    } while (0)

/* Rotates touch only CF and OF. The complement of the count is masked too, so that no shift is as wide as its type. */
#define ROTATE_LEFT(bits, v, r) (uint##bits##_t)((uint64_t)(v) << (r) | (uint64_t)(v) >> (((bits) - (r)) & ((bits)-1)))
#define ROL(bits, count)                                                                                               \
    do {                                                                                                               \
        SETTLE_FLAGS();                                                                                                \
        unsigned n = (unsigned)(count)&COUNT_MASK(bits), r = n & ((bits)-1);                                           \
        RM_MODIFY(bits, old, result, result = ROTATE_LEFT(bits, old, r));                                              \
        if (n != 0)                                                                                                    \
            cc_replace(cpu, FLAG_CF | FLAG_OF, (result & 1u) | OF_IF(MSB(bits, result) ^ (result & 1u)));              \
    } while (0)

#define ROR(bits, count)                                                                                               \
    do {                                                                                                               \
        SETTLE_FLAGS();                                                                                                \
        unsigned n = (unsigned)(count)&COUNT_MASK(bits), r = (0u - n) & ((bits)-1);                                    \
        RM_MODIFY(bits, old, result, result = ROTATE_LEFT(bits, old, r));                                              \
        if (n != 0)                                                                                                    \
            cc_replace(cpu, FLAG_CF | FLAG_OF, MSB(bits, result) | OF_IF(MSB(bits, result) ^ MSB((bits)-1, result)));  \
    } while (0)

/* Rotates of bits + 1 bits through CF. */
#define CARRY_COUNT(bits, count)                                                                                       \
    ((bits) < 32 ? ((unsigned)(count)&31u) % ((bits) + 1u) : (unsigned)(count)&COUNT_MASK(bits))
#define RCL_VALUE(bits, v, n, cf)                                                                                      \
    (uint##bits##_t)((uint64_t)(v) << (n) | (cf) << ((n)-1) | ((uint64_t)(v) >> 1) >> ((bits) - (n)))
#define RCR_VALUE(bits, v, n, cf)                                                                                      \
    (uint##bits##_t)((uint64_t)(v) >> (n) | (cf) << ((bits) - (n)) | ((uint64_t)(v) << 1) << ((bits) - (n)))

#define RCL(bits, count)                                                                                               \
    do {                                                                                                               \
        SETTLE_FLAGS();                                                                                                \
        unsigned n = CARRY_COUNT(bits, count);                                                                         \
        uint64_t cf = cpu->cc_src & FLAG_CF;                                                                           \
        RM_MODIFY(bits, old, result, result = n == 0 ? old : RCL_VALUE(bits, old, n, cf));                             \
        if (n != 0) {                                                                                                  \
            uint64_t out = (uint64_t)old >> ((bits)-n) & 1;                                                            \
            cc_replace(cpu, FLAG_CF | FLAG_OF, out | OF_IF(MSB(bits, result) ^ out));                                  \
        }                                                                                                              \
    } while (0)

#define RCR(bits, count)                                                                                               \
    do {                                                                                                               \
        SETTLE_FLAGS();                                                                                                \
        unsigned n = CARRY_COUNT(bits, count);                                                                         \
        uint64_t cf = cpu->cc_src & FLAG_CF;                                                                           \
        RM_MODIFY(bits, old, result, result = n == 0 ? old : RCR_VALUE(bits, old, n, cf));                             \
        if (n != 0)                                                                                                    \
            cc_replace(cpu, FLAG_CF | FLAG_OF,                                                                         \
                       ((uint64_t)old >> (n - 1) & 1) | OF_IF(MSB(bits, result) ^ MSB((bits)-1, result)));             \
    } while (0)

#define COUNT_i op->imm
#define COUNT_c cpu->gpr[RCX]

#define SHIFT_SIZES(name, NAME, from)                                                                                  \
    OP(name##_##from##_8)                                                                                              \
    {                                                                                                                  \
        NAME(8, COUNT_##from);                                                                                         \
        NEXT();                                                                                                        \
    }                                                                                                                  \
    OP(name##_##from##_16)                                                                                             \
    {                                                                                                                  \
        NAME(16, COUNT_##from);                                                                                        \
        NEXT();                                                                                                        \
    }                                                                                                                  \
    OP(name##_##from##_32)                                                                                             \
    {                                                                                                                  \
        NAME(32, COUNT_##from);                                                                                        \
        NEXT();                                                                                                        \
    }                                                                                                                  \
    OP(name##_##from##_64)                                                                                             \
    {                                                                                                                  \
        NAME(64, COUNT_##from);                                                                                        \
        NEXT();                                                                                                        \
    }
#define SHIFT(name, NAME) SHIFT_SIZES(name, NAME, i) SHIFT_SIZES(name, NAME, c)

SHIFT(shl, SHL)
SHIFT(shr, SHR)
SHIFT(sar, SAR)
SHIFT(rol, ROL)
SHIFT(ror, ROR)
SHIFT(rcl, RCL)
SHIFT(rcr, RCR)

/* Double shifts. Narrow operands may be shifted by more than their size, which the manual leaves undefined: then bits
 * of the destination come in again after those of the source, as Intel's processors do it. */
static inline uint64_t shld_narrow(unsigned bits, uint64_t dst, uint64_t src, unsigned n)
{
    uint64_t wide = dst << (2 * bits) | src << bits | dst; /* at most 48 bits */
    return wide >> (2 * bits - n);
}
static inline uint64_t shrd_narrow(unsigned bits, uint64_t dst, uint64_t src, unsigned n)
{
    uint64_t wide = dst << (2 * bits) | src << bits | dst;
    return wide >> n;
}
#define SHLD_VALUE(bits, dst, src, n)                                                                                  \
    (uint##bits##_t)((bits) < 32 ? shld_narrow(bits, dst, src, n)                                                      \
                                 : (uint64_t)(dst) << (n) | ((uint64_t)(src) >> 1) >> (((bits)-1 - (n)) & 63))
#define SHRD_VALUE(bits, dst, src, n)                                                                                  \
    (uint##bits##_t)((bits) < 32 ? shrd_narrow(bits, dst, src, n)                                                      \
                                 : (uint64_t)(dst) >> (n) | ((uint64_t)(src) << 1) << (((bits)-1 - (n)) & 63))
/* Counts of 8-bit forms, which have no encoding, stay in range of the narrow formulas. */
#define DOUBLE_MASK(bits) ((bits) == 8 ? 15u : COUNT_MASK(bits))

#define SHLD(bits, count)                                                                                              \
    do {                                                                                                               \
        unsigned n = (unsigned)(count)&DOUBLE_MASK(bits);                                                              \
        uint##bits##_t src = get_reg_##bits(cpu, op->reg);                                                             \
        RM_MODIFY(bits, old, result, result = n == 0 ? old : SHLD_VALUE(bits, old, src, n));                           \
        if (n != 0) {                                                                                                  \
            uint64_t cf = MSB(bits, n == 1 ? old : SHLD_VALUE(bits, old, src, n - 1));                                 \
            SET_RESULT(bits, result, cf | OF_IF(MSB(bits, result) ^ cf));                                              \
        }                                                                                                              \
    } while (0)

#define SHRD(bits, count)                                                                                              \
    do {                                                                                                               \
        unsigned n = (unsigned)(count)&DOUBLE_MASK(bits);                                                              \
        uint##bits##_t src = get_reg_##bits(cpu, op->reg);                                                             \
        RM_MODIFY(bits, old, result, result = n == 0 ? old : SHRD_VALUE(bits, old, src, n));                           \
        if (n != 0) {                                                                                                  \
            uint64_t cf = (n == 1 ? old : SHRD_VALUE(bits, old, src, n - 1)) & 1u;                                     \
            SET_RESULT(bits, result, cf | OF_IF(MSB(bits, result) ^ MSB((bits)-1, result)));                           \
        }                                                                                                              \
    } while (0)

SHIFT(shld, SHLD)
SHIFT(shrd, SHRD)
