/* SPDX-License-Identifier: Apache-2.0 */
/* BMI1 (but TZCNT, which is insn_bit.c's), BMI2, ADX, and the random-number instructions. reg is the destination, vvvv
 * (v) the other register, rm a register or memory. Source: SDM Vol. 2, the instructions' pages. */
#define CPU_HAS_TWINS 1
#include "handler.h"

#include "flags.h"

#define VVVV(bits) get_reg_##bits(cpu, OP_VVVV(op))

/* reg = expr of rm, and v; SF and ZF by the result, CF and OF clear. */
#define LOGIC_OP(name, bits, expr)                                                                                     \
    OP(name##_##bits)                                                                                                  \
    {                                                                                                                  \
        RM_READ(bits, rm);                                                                                             \
        const uint##bits##_t v = VVVV(bits), result = (uint##bits##_t)(expr);                                          \
        set_reg_##bits(cpu, op->reg, result);                                                                          \
        SET_CC(LOGIC, bits, result, 0);                                                                                \
        NEXT();                                                                                                        \
    }
/* The same without flags. */
#define PLAIN_OP(name, bits, expr)                                                                                     \
    OP(name##_##bits)                                                                                                  \
    {                                                                                                                  \
        RM_READ(bits, rm);                                                                                             \
        const uint##bits##_t v = VVVV(bits);                                                                           \
        set_reg_##bits(cpu, op->reg, (uint##bits##_t)(expr));                                                          \
        NEXT();                                                                                                        \
    }
/* v = expr of rm; CF = carry. */
#define LOWEST_BIT_OP(name, bits, expr, carry)                                                                         \
    OP(name##_##bits)                                                                                                  \
    {                                                                                                                  \
        RM_READ(bits, rm);                                                                                             \
        const uint##bits##_t result = (uint##bits##_t)(expr);                                                          \
        set_reg_##bits(cpu, OP_VVVV(op), result);                                                                      \
        SET_RESULT(bits, result, (carry) ? FLAG_CF : 0);                                                               \
        NEXT();                                                                                                        \
    }
#define BOTH(SHAPE, name, ...) SHAPE(name, 32, __VA_ARGS__) SHAPE(name, 64, __VA_ARGS__)

BOTH(LOGIC_OP, andn, ~v &rm)
BOTH(LOWEST_BIT_OP, blsr, rm &(rm - 1), rm == 0)
BOTH(LOWEST_BIT_OP, blsmsk, rm ^ (rm - 1), rm == 0)
BOTH(LOWEST_BIT_OP, blsi, rm &(~rm + 1), rm != 0)

/* v: start in bits 7:0, length in bits 15:8. */
static inline uint64_t extract_bits(uint64_t from, unsigned start, unsigned length)
{
    uint64_t shifted = start < 64 ? from >> start : 0;
    return length < 64 ? shifted & ((UINT64_C(1) << length) - 1) : shifted;
}
BOTH(LOGIC_OP, bextr, extract_bits(rm, (unsigned)v & 0xff, (unsigned)(v >> 8) & 0xff))

#define BZHI(bits)                                                                                                     \
    OP(bzhi_##bits)                                                                                                    \
    {                                                                                                                  \
        RM_READ(bits, rm);                                                                                             \
        const unsigned n = (uint8_t)VVVV(bits);                                                                        \
        const uint##bits##_t result =                                                                                  \
            n < (bits) ? (uint##bits##_t)(rm & (((uint##bits##_t)1 << (n & ((bits)-1))) - 1)) : rm;                    \
        set_reg_##bits(cpu, op->reg, result);                                                                          \
        SET_RESULT(bits, result, n > (bits)-1 ? FLAG_CF : 0);                                                          \
        NEXT();                                                                                                        \
    }
BZHI(32)
BZHI(64)

BOTH(PLAIN_OP, shlx, rm << (v & (8 * sizeof rm - 1)))
BOTH(PLAIN_OP, shrx, rm >> (v & (8 * sizeof rm - 1)))
PLAIN_OP(sarx, 32, (int32_t)rm >> (v & 31))
PLAIN_OP(sarx, 64, (int64_t)rm >> (v & 63))

#define RORX(bits)                                                                                                     \
    OP(rorx_##bits)                                                                                                    \
    {                                                                                                                  \
        RM_READ(bits, rm);                                                                                             \
        const unsigned n = (unsigned)op->imm & ((bits)-1);                                                             \
        set_reg_##bits(cpu, op->reg, (uint##bits##_t)(rm >> n | rm << (((bits)-n) & ((bits)-1))));                     \
        NEXT();                                                                                                        \
    }
RORX(32)
RORX(64)

/* Low bits of `from` to the places of mask's bits. */
static inline uint64_t deposit(uint64_t from, uint64_t mask)
{
    uint64_t result = 0;
    for (; mask != 0; mask &= mask - 1, from >>= 1)
        if (from & 1)
            result |= mask & (~mask + 1);
    return result;
}
/* ... and back. */
static inline uint64_t extract(uint64_t from, uint64_t mask)
{
    uint64_t result = 0;
    for (uint64_t bit = 1; mask != 0; mask &= mask - 1, bit <<= 1)
        if (from & mask & (~mask + 1))
            result |= bit;
    return result;
}
BOTH(PLAIN_OP, pdep, deposit(v, rm))
BOTH(PLAIN_OP, pext, extract(v, rm))

/* rDX times rm: low half to v, high half to reg, which wins if they are the same. */
OP(mulx_32)
{
    RM_READ(32, rm);
    const uint64_t product = (uint64_t)READ_REG32(RDX * 8) * rm;
    set_reg_32(cpu, OP_VVVV(op), (uint32_t)product);
    set_reg_32(cpu, op->reg, (uint32_t)(product >> 32));
    NEXT();
}

OP(mulx_64)
{
    RM_READ(64, rm);
    __extension__ const unsigned __int128 product = (unsigned __int128)cpu->gpr[RDX] * rm;
    set_reg_64(cpu, OP_VVVV(op), (uint64_t)product);
    set_reg_64(cpu, op->reg, (uint64_t)(product >> 64));
    NEXT();
}

/* --- ADX: two independent carry chains --- */
#define ADD_WITH_FLAG(name, bits, flag)                                                                                \
    OP(name##_##bits)                                                                                                  \
    {                                                                                                                  \
        SETTLE_FLAGS();                                                                                                \
        RM_READ(bits, rm);                                                                                             \
        const uint##bits##_t old = get_reg_##bits(cpu, op->reg), carry = (cpu->cc_src & (flag)) != 0;                  \
        const uint##bits##_t sum = old + rm, result = sum + carry;                                                     \
        set_reg_##bits(cpu, op->reg, result);                                                                          \
        cc_replace(cpu, flag, sum < old || result < sum ? (flag) : 0);                                                 \
        NEXT();                                                                                                        \
    }
BOTH(ADD_WITH_FLAG, adcx, FLAG_CF)
BOTH(ADD_WITH_FLAG, adox, FLAG_OF)

/* --- RDRAND, RDSEED: numbers are always at hand. SplitMix64 (G. Steele et al., "Fast Splittable Pseudorandom Number
 * Generators"), seeded by the configuration: equal runs see equal numbers. --- */
static uint64_t next_random(struct cpu *cpu)
{
    uint64_t z = cpu->random += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

OP(rdrand)
{
    const uint64_t v = next_random(cpu);
    if (op->size == 2)
        set_reg_16(cpu, op->rm, (uint16_t)v);
    else
        set_reg_64(cpu, op->rm, op->size == 4 ? (uint32_t)v : v);
    cc_set_flags(cpu, FLAG_CF);
    NEXT();
}
