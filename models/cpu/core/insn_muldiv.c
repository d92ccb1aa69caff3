/* SPDX-License-Identifier: Apache-2.0 */
/* Multiplication and division. Source: SDM Vol. 2, "MUL", "IMUL", "DIV", "IDIV".
 * Undefined flags: after a product SF and PF are those of its lower half and AF and ZF follow the same rule as any
 * result; a division leaves the flags alone. */
#define CPU_HAS_TWINS 1
#include "handler.h"

#include "flags.h"

__extension__ typedef unsigned __int128 uint128;
__extension__ typedef __int128 int128;

#define RAX_OFFSET (8 * RAX)
#define RDX_OFFSET (8 * RDX)

/* The double-size product or dividend is AX, DX:AX, EDX:EAX or RDX:RAX. */
static inline uint16_t get_double_8(struct cpu *cpu) { return get_reg_16(cpu, RAX_OFFSET); }
static inline uint32_t get_double_16(struct cpu *cpu)
{
    return (uint32_t)get_reg_16(cpu, RDX_OFFSET) << 16 | get_reg_16(cpu, RAX_OFFSET);
}
static inline uint64_t get_double_32(struct cpu *cpu)
{
    return (uint64_t)get_reg_32(cpu, RDX_OFFSET) << 32 | get_reg_32(cpu, RAX_OFFSET);
}
static inline uint128 get_double_64(struct cpu *cpu) { return (uint128)cpu->gpr[RDX] << 64 | cpu->gpr[RAX]; }

static inline void set_halves_8(struct cpu *cpu, uint8_t low, uint8_t high)
{
    set_reg_16(cpu, RAX_OFFSET, (uint16_t)(high << 8 | low));
}
#define SET_HALVES(bits)                                                                                               \
    static inline void set_halves_##bits(struct cpu *cpu, uint##bits##_t low, uint##bits##_t high)                     \
    {                                                                                                                  \
        set_reg_##bits(cpu, RAX_OFFSET, low);                                                                          \
        set_reg_##bits(cpu, RDX_OFFSET, high);                                                                         \
    }
SET_HALVES(16)
SET_HALVES(32)
SET_HALVES(64)

typedef uint16_t udouble_8;
typedef uint32_t udouble_16;
typedef uint64_t udouble_32;
typedef uint128 udouble_64;
typedef int16_t sdouble_8;
typedef int32_t sdouble_16;
typedef int64_t sdouble_32;
typedef int128 sdouble_64;

#define OVERFLOW_FLAGS(is) ((is) ? FLAG_CF | FLAG_OF : 0u)

/* Products are computed in the double size; the casts keep 16-bit operands out of int, which would overflow. */
#define MUL(bits)                                                                                                      \
    do {                                                                                                               \
        RM_READ(bits, v);                                                                                              \
        udouble_##bits p = (udouble_##bits)((uint128)v * get_reg_##bits(cpu, RAX_OFFSET));                             \
        uint##bits##_t high = (uint##bits##_t)(p >> (bits));                                                           \
        set_halves_##bits(cpu, (uint##bits##_t)p, high);                                                               \
        SET_RESULT(bits, p, OVERFLOW_FLAGS(high != 0));                                                                \
    } while (0)

#define SIGNED_PRODUCT(bits, a, b) (sdouble_##bits)((int128)(int##bits##_t)(a) * (int##bits##_t)(b))

#define IMUL1(bits)                                                                                                    \
    do {                                                                                                               \
        RM_READ(bits, v);                                                                                              \
        sdouble_##bits p = SIGNED_PRODUCT(bits, v, get_reg_##bits(cpu, RAX_OFFSET));                                   \
        set_halves_##bits(cpu, (uint##bits##_t)p, (uint##bits##_t)((udouble_##bits)p >> (bits)));                      \
        SET_RESULT(bits, p, OVERFLOW_FLAGS(p != (int##bits##_t)p));                                                    \
    } while (0)

#define IMUL_TO_REG(bits, factor)                                                                                      \
    do {                                                                                                               \
        RM_READ(bits, v);                                                                                              \
        sdouble_##bits p = SIGNED_PRODUCT(bits, v, factor);                                                            \
        set_reg_##bits(cpu, op->reg, (uint##bits##_t)p);                                                               \
        SET_RESULT(bits, p, OVERFLOW_FLAGS(p != (int##bits##_t)p));                                                    \
    } while (0)

#define RAISE_DE()                                                                                                     \
    do {                                                                                                               \
        (void)cpu_raise(cpu, EXC_DE, 0);                                                                               \
        LEAVE();                                                                                                       \
    } while (0)

#define DIV(bits)                                                                                                      \
    do {                                                                                                               \
        RM_READ(bits, divisor);                                                                                        \
        udouble_##bits dividend = get_double_##bits(cpu);                                                              \
        if ((uint##bits##_t)(dividend >> (bits)) >= divisor) /* by 0 too */                                            \
            RAISE_DE();                                                                                                \
        set_halves_##bits(cpu, (uint##bits##_t)(dividend / divisor), (uint##bits##_t)(dividend % divisor));            \
    } while (0)

/* The most negative dividend divided by -1 overflows in C too and must not be tried. */
#define IDIV_BY(bits, divisor)                                                                                         \
    do {                                                                                                               \
        sdouble_##bits dividend = (sdouble_##bits)get_double_##bits(cpu);                                              \
        if (divisor == 0 || (divisor == -1 && dividend == (sdouble_##bits)((udouble_##bits)1 << (2 * (bits)-1))))      \
            RAISE_DE();                                                                                                \
        sdouble_##bits quotient = (sdouble_##bits)(dividend / divisor);                                                \
        if (quotient != (int##bits##_t)quotient)                                                                       \
            RAISE_DE();                                                                                                \
        set_halves_##bits(cpu, (uint##bits##_t)quotient, (uint##bits##_t)(dividend % divisor));                        \
    } while (0)
#define IDIV(bits)                                                                                                     \
    do {                                                                                                               \
        RM_READ(bits, v);                                                                                              \
        int##bits##_t divisor = (int##bits##_t)v;                                                                      \
        IDIV_BY(bits, divisor);                                                                                        \
    } while (0)

/* Nearly every 64-bit division has a dividend that fits 64 bits, which the host divides much faster. */
#define DIV_64()                                                                                                       \
    do {                                                                                                               \
        RM_READ(64, divisor);                                                                                          \
        uint64_t low = cpu->gpr[RAX], high = cpu->gpr[RDX];                                                            \
        if (high >= divisor)                                                                                           \
            RAISE_DE();                                                                                                \
        if (VP_LIKELY(high == 0)) {                                                                                    \
            set_halves_64(cpu, low / divisor, low % divisor);                                                          \
        } else {                                                                                                       \
            uint128 dividend = (uint128)high << 64 | low;                                                              \
            set_halves_64(cpu, (uint64_t)(dividend / divisor), (uint64_t)(dividend % divisor));                        \
        }                                                                                                              \
    } while (0)

#define IDIV_64()                                                                                                      \
    do {                                                                                                               \
        RM_READ(64, v);                                                                                                \
        int64_t low = (int64_t)cpu->gpr[RAX], high = (int64_t)cpu->gpr[RDX], divisor = (int64_t)v;                     \
        if (VP_LIKELY(high == low >> 63 && divisor > 0)) {                                                             \
            set_halves_64(cpu, (uint64_t)(low / divisor), (uint64_t)(low % divisor));                                  \
        } else {                                                                                                       \
            IDIV_BY(64, divisor);                                                                                      \
        }                                                                                                              \
    } while (0)

#define MULTIPLY(bits)                                                                                                 \
    OP(mul_##bits)                                                                                                     \
    {                                                                                                                  \
        MUL(bits);                                                                                                     \
        NEXT();                                                                                                        \
    }                                                                                                                  \
    OP(imul1_##bits)                                                                                                   \
    {                                                                                                                  \
        IMUL1(bits);                                                                                                   \
        NEXT();                                                                                                        \
    }                                                                                                                  \
    OP(imul2_##bits)                                                                                                   \
    {                                                                                                                  \
        IMUL_TO_REG(bits, get_reg_##bits(cpu, op->reg));                                                               \
        NEXT();                                                                                                        \
    }                                                                                                                  \
    OP(imul3_##bits)                                                                                                   \
    {                                                                                                                  \
        IMUL_TO_REG(bits, op->imm);                                                                                    \
        NEXT();                                                                                                        \
    }

MULTIPLY(8)
MULTIPLY(16)
MULTIPLY(32)
MULTIPLY(64)
OP(div_8)
{
    DIV(8);
    NEXT();
}
OP(div_16)
{
    DIV(16);
    NEXT();
}
OP(div_32)
{
    DIV(32);
    NEXT();
}
OP(div_64)
{
    DIV_64();
    NEXT();
}
OP(idiv_8)
{
    IDIV(8);
    NEXT();
}
OP(idiv_16)
{
    IDIV(16);
    NEXT();
}
OP(idiv_32)
{
    IDIV(32);
    NEXT();
}
OP(idiv_64)
{
    IDIV_64();
    NEXT();
}
