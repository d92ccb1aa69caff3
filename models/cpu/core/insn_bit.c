/* SPDX-License-Identifier: Apache-2.0 */
/* Bit tests, bit scans and bit counts. Source: SDM Vol. 2, "BT", "BTS", "BTR", "BTC", "BSF", "BSR", "TZCNT", "LZCNT",
 * "POPCNT". With a register as bit number and memory as operand, the number selects a bit of a string that may begin
 * far from, and lie before, the operand's address. BT and its relatives set CF and leave the other flags, as processors
 * do. */
#define CPU_HAS_TWINS 1
#include "handler.h"

#include "flags.h"

/* Address of the part of the bit string that holds bit `number` (sign-extended): number / bits operands further. */
#define BIT_STRING_OFFSET(bits, number)                                                                                \
    (op_offset(cpu, op) + (uint64_t)((number) >> __builtin_ctz(bits)) * ((bits) / 8))
#define BIT_STRING_ADDRESS(bits, la, number, is_write)                                                                 \
    ADDRESS_AT(la, BIT_STRING_OFFSET(bits, number), (bits) / 8, is_write)

#define BIT(bits, n) ((uint##bits##_t)1 << (n))
#define SET(bits, v, n) (uint##bits##_t)((v) | BIT(bits, n))
#define RESET(bits, v, n) (uint##bits##_t)((v) & (uint##bits##_t) ~BIT(bits, n))
#define COMPLEMENT(bits, v, n) (uint##bits##_t)((v) ^ BIT(bits, n))

#define TEST_REG(bits)                                                                                                 \
    do {                                                                                                               \
        SETTLE_FLAGS();                                                                                                \
        int64_t number = (int##bits##_t)get_reg_##bits(cpu, op->reg);                                                  \
        unsigned n = (unsigned)number & ((bits)-1);                                                                    \
        uint##bits##_t v;                                                                                              \
        if (op->flags & OPF_MEM) {                                                                                     \
            BIT_STRING_ADDRESS(bits, string_la, number, false);                                                        \
            LOAD(bits, loaded, string_la);                                                                             \
            v = loaded;                                                                                                \
        } else {                                                                                                       \
            v = get_reg_##bits(cpu, op->rm);                                                                           \
        }                                                                                                              \
        cc_replace(cpu, FLAG_CF, (uint64_t)(v >> n) & 1);                                                              \
    } while (0)

#define CHANGE_REG(bits, CHANGE)                                                                                       \
    do {                                                                                                               \
        SETTLE_FLAGS();                                                                                                \
        int64_t number = (int##bits##_t)get_reg_##bits(cpu, op->reg);                                                  \
        unsigned n = (unsigned)number & ((bits)-1);                                                                    \
        uint##bits##_t old, result;                                                                                    \
        if (op->flags & OPF_MEM) {                                                                                     \
            BIT_STRING_ADDRESS(bits, string_la, number, true);                                                         \
            RM_MODIFY_MEM(bits, string_la, old, result, result = CHANGE(bits, old, n));                                \
        } else {                                                                                                       \
            old = get_reg_##bits(cpu, op->rm);                                                                         \
            result = CHANGE(bits, old, n);                                                                             \
            set_reg_##bits(cpu, op->rm, result);                                                                       \
        }                                                                                                              \
        cc_replace(cpu, FLAG_CF, (uint64_t)(old >> n) & 1);                                                            \
    } while (0)

#define TEST_IMM(bits)                                                                                                 \
    do {                                                                                                               \
        SETTLE_FLAGS();                                                                                                \
        unsigned n = (unsigned)op->imm & ((bits)-1);                                                                   \
        RM_READ(bits, v);                                                                                              \
        cc_replace(cpu, FLAG_CF, (uint64_t)(v >> n) & 1);                                                              \
    } while (0)

#define CHANGE_IMM(bits, CHANGE)                                                                                       \
    do {                                                                                                               \
        SETTLE_FLAGS();                                                                                                \
        unsigned n = (unsigned)op->imm & ((bits)-1);                                                                   \
        RM_MODIFY(bits, old, result, result = CHANGE(bits, old, n));                                                   \
        cc_replace(cpu, FLAG_CF, (uint64_t)(old >> n) & 1);                                                            \
    } while (0)

#define BIT_TEST(bits)                                                                                                 \
    OP(bt_r_##bits)                                                                                                    \
    {                                                                                                                  \
        TEST_REG(bits);                                                                                                \
        NEXT();                                                                                                        \
    }                                                                                                                  \
    OP(bt_i_##bits)                                                                                                    \
    {                                                                                                                  \
        TEST_IMM(bits);                                                                                                \
        NEXT();                                                                                                        \
    }
#define BIT_CHANGE(name, CHANGE, bits)                                                                                 \
    OP(name##_r_##bits)                                                                                                \
    {                                                                                                                  \
        CHANGE_REG(bits, CHANGE);                                                                                      \
        NEXT();                                                                                                        \
    }                                                                                                                  \
    OP(name##_i_##bits)                                                                                                \
    {                                                                                                                  \
        CHANGE_IMM(bits, CHANGE);                                                                                      \
        NEXT();                                                                                                        \
    }
#define BIT_CHANGES(name, CHANGE)                                                                                      \
    BIT_CHANGE(name, CHANGE, 8) BIT_CHANGE(name, CHANGE, 16) BIT_CHANGE(name, CHANGE, 32) BIT_CHANGE(name, CHANGE, 64)

BIT_TEST(8)
BIT_TEST(16)
BIT_TEST(32)
BIT_TEST(64)
BIT_CHANGES(bts, SET)
BIT_CHANGES(btr, RESET)
BIT_CHANGES(btc, COMPLEMENT)

/* Scans: a source of 0 sets ZF and leaves the whole destination alone, as Intel and AMD document today. */
#define SCAN(bits, index)                                                                                              \
    do {                                                                                                               \
        RM_READ(bits, v);                                                                                              \
        if (v != 0)                                                                                                    \
            set_reg_##bits(cpu, op->reg, (uint##bits##_t)(index));                                                     \
        SET_RESULT(bits, v, 0);                                                                                        \
    } while (0)

/* Counts of zeros: CF tells a source of 0, ZF a result of 0. */
#define COUNT_ZEROS(bits, count)                                                                                       \
    do {                                                                                                               \
        RM_READ(bits, v);                                                                                              \
        uint##bits##_t zeros = (uint##bits##_t)(v == 0 ? (bits) : (count));                                            \
        set_reg_##bits(cpu, op->reg, zeros);                                                                           \
        SET_RESULT(bits, zeros, v == 0 ? FLAG_CF : 0);                                                                 \
    } while (0)

/* Sums of 1, 2, 4 and 8 bits side by side; the compiler's builtin would be a call on hosts without the instruction. */
static inline uint64_t count_ones(uint64_t v)
{
    v -= (v >> 1) & 0x5555555555555555u;
    v = (v & 0x3333333333333333u) + ((v >> 2) & 0x3333333333333333u);
    v = (v + (v >> 4)) & 0x0f0f0f0f0f0f0f0fu;
    return (v * 0x0101010101010101u) >> 56;
}

#define POPCNT(bits)                                                                                                   \
    do {                                                                                                               \
        RM_READ(bits, v);                                                                                              \
        set_reg_##bits(cpu, op->reg, (uint##bits##_t)count_ones(v));                                                   \
        cc_set_flags(cpu, v == 0 ? FLAG_ZF : 0);                                                                       \
    } while (0)

#define LOWEST_BIT(v) __builtin_ctzll(v)
#define HIGHEST_BIT(v) (63 - __builtin_clzll(v))

#define SCANS(bits)                                                                                                    \
    OP(bsf_##bits)                                                                                                     \
    {                                                                                                                  \
        SCAN(bits, LOWEST_BIT(v));                                                                                     \
        NEXT();                                                                                                        \
    }                                                                                                                  \
    OP(bsr_##bits)                                                                                                     \
    {                                                                                                                  \
        SCAN(bits, HIGHEST_BIT(v));                                                                                    \
        NEXT();                                                                                                        \
    }                                                                                                                  \
    OP(tzcnt_##bits)                                                                                                   \
    {                                                                                                                  \
        COUNT_ZEROS(bits, LOWEST_BIT(v));                                                                              \
        NEXT();                                                                                                        \
    }                                                                                                                  \
    OP(lzcnt_##bits)                                                                                                   \
    {                                                                                                                  \
        COUNT_ZEROS(bits, (bits)-1 - HIGHEST_BIT(v));                                                                  \
        NEXT();                                                                                                        \
    }                                                                                                                  \
    OP(popcnt_##bits)                                                                                                  \
    {                                                                                                                  \
        POPCNT(bits);                                                                                                  \
        NEXT();                                                                                                        \
    }

SCANS(8)
SCANS(16)
SCANS(32)
SCANS(64)
