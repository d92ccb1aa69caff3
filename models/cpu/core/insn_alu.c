/* SPDX-License-Identifier: Apache-2.0 */
/* Integer arithmetic and logic: ADD OR ADC SBB AND SUB XOR CMP TEST INC DEC NEG NOT. Flags stay lazy except for ADC and
 * SBB, whose carry-in makes them a function of three values. Five forms per size, see handlers.def. */
#define CPU_HAS_TWINS 1
#include "flags.h"
#include "handler.h"

#define CC_add(bits, r, a, b) SET_CC(ADD, bits, r, b)
#define CC_sub(bits, r, a, b) SET_CC(SUB, bits, r, b)
#define CC_or(bits, r, a, b) SET_CC(LOGIC, bits, r, 0)
#define CC_and(bits, r, a, b) SET_CC(LOGIC, bits, r, 0)
#define CC_xor(bits, r, a, b) SET_CC(LOGIC, bits, r, 0)

/* Flags of a + b + carry and a - b - borrow: carries into each bit are a ^ b ^ r. */
static inline void cc_adc(struct cpu *cpu, unsigned bits, uint64_t a, uint64_t b, uint64_t r)
{
    uint64_t carry = (a & b) | ((a | b) & ~r), overflow = (a ^ r) & (b ^ r);
    cc_set_flags(cpu, flags_szp(r, bits) | ((carry >> (bits - 1)) & 1) | ((a ^ b ^ r) & FLAG_AF) |
                          (((overflow >> (bits - 1)) & 1) ? FLAG_OF : 0));
}
static inline void cc_sbb(struct cpu *cpu, unsigned bits, uint64_t a, uint64_t b, uint64_t r)
{
    uint64_t borrow = (~a & b) | ((~a | b) & r), overflow = (a ^ b) & (a ^ r);
    cc_set_flags(cpu, flags_szp(r, bits) | ((borrow >> (bits - 1)) & 1) | ((a ^ b ^ r) & FLAG_AF) |
                          (((overflow >> (bits - 1)) & 1) ? FLAG_OF : 0));
}

#define EXPR_add(a, b) ((a) + (b))
#define EXPR_sub(a, b) ((a) - (b))
#define EXPR_or(a, b) ((a) | (b))
#define EXPR_and(a, b) ((a) & (b))
#define EXPR_xor(a, b) ((a) ^ (b))

/* Operations that write their destination. */
#define ALU(name, bits)                                                                                                \
    OP(name##_rr_##bits)                                                                                               \
    {                                                                                                                  \
        uint##bits##_t a = get_reg_##bits(cpu, op->rm), b = get_reg_##bits(cpu, op->reg);                              \
        uint##bits##_t r = (uint##bits##_t)EXPR_##name(a, b);                                                          \
        set_reg_##bits(cpu, op->rm, r);                                                                                \
        CC_##name(bits, r, a, b);                                                                                      \
        NEXT();                                                                                                        \
    }                                                                                                                  \
    OP(name##_ri_##bits)                                                                                               \
    {                                                                                                                  \
        uint##bits##_t a = get_reg_##bits(cpu, op->rm), b = (uint##bits##_t)op->imm;                                   \
        uint##bits##_t r = (uint##bits##_t)EXPR_##name(a, b);                                                          \
        set_reg_##bits(cpu, op->rm, r);                                                                                \
        CC_##name(bits, r, a, b);                                                                                      \
        NEXT();                                                                                                        \
    }                                                                                                                  \
    OP(name##_rm_##bits)                                                                                               \
    {                                                                                                                  \
        ADDRESS(la, bits / 8, false);                                                                                  \
        LOAD(bits, b, la);                                                                                             \
        uint##bits##_t a = get_reg_##bits(cpu, op->reg), r = (uint##bits##_t)EXPR_##name(a, b);                        \
        set_reg_##bits(cpu, op->reg, r);                                                                               \
        CC_##name(bits, r, a, b);                                                                                      \
        NEXT();                                                                                                        \
    }                                                                                                                  \
    OP(name##_mr_##bits)                                                                                               \
    {                                                                                                                  \
        ADDRESS(la, bits / 8, true);                                                                                   \
        uint##bits##_t b = get_reg_##bits(cpu, op->reg);                                                               \
        RMW(bits, la, a, r, r = (uint##bits##_t)EXPR_##name(a, b));                                                    \
        CC_##name(bits, r, a, b);                                                                                      \
        NEXT();                                                                                                        \
    }                                                                                                                  \
    OP(name##_mi_##bits)                                                                                               \
    {                                                                                                                  \
        ADDRESS(la, bits / 8, true);                                                                                   \
        uint##bits##_t b = (uint##bits##_t)op->imm;                                                                    \
        RMW(bits, la, a, r, r = (uint##bits##_t)EXPR_##name(a, b));                                                    \
        CC_##name(bits, r, a, b);                                                                                      \
        NEXT();                                                                                                        \
    }
#define ALU_SIZES(name) ALU(name, 8) ALU(name, 16) ALU(name, 32) ALU(name, 64)
ALU_SIZES(add)
ALU_SIZES(sub)
ALU_SIZES(or)
ALU_SIZES(and)
ALU_SIZES(xor)

/* ADC and SBB read CF first. */
#define EXPR_adc(a, b) ((a) + (b) + carry)
#define EXPR_sbb(a, b) ((a) - (b)-carry)
#define CARRY(name, bits)                                                                                              \
    OP(name##_rr_##bits)                                                                                               \
    {                                                                                                                  \
        uint##bits##_t carry = cc_carry(cpu), a = get_reg_##bits(cpu, op->rm), b = get_reg_##bits(cpu, op->reg);       \
        uint##bits##_t r = (uint##bits##_t)EXPR_##name(a, b);                                                          \
        set_reg_##bits(cpu, op->rm, r);                                                                                \
        cc_##name(cpu, bits, a, b, r);                                                                                 \
        NEXT();                                                                                                        \
    }                                                                                                                  \
    OP(name##_ri_##bits)                                                                                               \
    {                                                                                                                  \
        uint##bits##_t carry = cc_carry(cpu), a = get_reg_##bits(cpu, op->rm), b = (uint##bits##_t)op->imm;            \
        uint##bits##_t r = (uint##bits##_t)EXPR_##name(a, b);                                                          \
        set_reg_##bits(cpu, op->rm, r);                                                                                \
        cc_##name(cpu, bits, a, b, r);                                                                                 \
        NEXT();                                                                                                        \
    }                                                                                                                  \
    OP(name##_rm_##bits)                                                                                               \
    {                                                                                                                  \
        uint##bits##_t carry = cc_carry(cpu);                                                                          \
        ADDRESS(la, bits / 8, false);                                                                                  \
        LOAD(bits, b, la);                                                                                             \
        uint##bits##_t a = get_reg_##bits(cpu, op->reg), r = (uint##bits##_t)EXPR_##name(a, b);                        \
        set_reg_##bits(cpu, op->reg, r);                                                                               \
        cc_##name(cpu, bits, a, b, r);                                                                                 \
        NEXT();                                                                                                        \
    }                                                                                                                  \
    OP(name##_mr_##bits)                                                                                               \
    {                                                                                                                  \
        uint##bits##_t carry = cc_carry(cpu), b = get_reg_##bits(cpu, op->reg);                                        \
        ADDRESS(la, bits / 8, true);                                                                                   \
        RMW(bits, la, a, r, r = (uint##bits##_t)EXPR_##name(a, b));                                                    \
        cc_##name(cpu, bits, a, b, r);                                                                                 \
        NEXT();                                                                                                        \
    }                                                                                                                  \
    OP(name##_mi_##bits)                                                                                               \
    {                                                                                                                  \
        uint##bits##_t carry = cc_carry(cpu), b = (uint##bits##_t)op->imm;                                             \
        ADDRESS(la, bits / 8, true);                                                                                   \
        RMW(bits, la, a, r, r = (uint##bits##_t)EXPR_##name(a, b));                                                    \
        cc_##name(cpu, bits, a, b, r);                                                                                 \
        NEXT();                                                                                                        \
    }
#define CARRY_SIZES(name) CARRY(name, 8) CARRY(name, 16) CARRY(name, 32) CARRY(name, 64)
CARRY_SIZES(adc)
CARRY_SIZES(sbb)

/* CMP and TEST only set flags. */
#define EXPR_cmp(a, b) ((a) - (b))
#define EXPR_test(a, b) ((a) & (b))
#define CC_cmp(bits, r, b) SET_CC(SUB, bits, r, b)
#define CC_test(bits, r, b) SET_CC(LOGIC, bits, r, 0)
#define COMPARE(name, bits, form, first, second)                                                                       \
    OP(name##_##form##_##bits)                                                                                         \
    {                                                                                                                  \
        first;                                                                                                         \
        second;                                                                                                        \
        uint##bits##_t r = (uint##bits##_t)EXPR_##name(a, b);                                                          \
        CC_##name(bits, r, b);                                                                                         \
        NEXT();                                                                                                        \
    }
#define LOAD_OPERAND(bits, v)                                                                                          \
    ADDRESS(la, bits / 8, false);                                                                                      \
    LOAD(bits, v, la)
#define REG_OPERAND(bits, v, which) uint##bits##_t v = get_reg_##bits(cpu, op->which)
#define IMM_OPERAND(bits, v) uint##bits##_t v = (uint##bits##_t)op->imm
#define COMPARE_FORMS(name, bits)                                                                                      \
    COMPARE(name, bits, rr, REG_OPERAND(bits, a, rm), REG_OPERAND(bits, b, reg))                                       \
    COMPARE(name, bits, ri, REG_OPERAND(bits, a, rm), IMM_OPERAND(bits, b))                                            \
    COMPARE(name, bits, rm, REG_OPERAND(bits, a, reg), LOAD_OPERAND(bits, b))                                          \
    COMPARE(name, bits, mr, LOAD_OPERAND(bits, a), REG_OPERAND(bits, b, reg))                                          \
    COMPARE(name, bits, mi, LOAD_OPERAND(bits, a), IMM_OPERAND(bits, b))
#define COMPARE_SIZES(name)                                                                                            \
    COMPARE_FORMS(name, 8) COMPARE_FORMS(name, 16) COMPARE_FORMS(name, 32) COMPARE_FORMS(name, 64)
COMPARE_SIZES(cmp)
COMPARE_SIZES(test)

/* One operand, register or memory. INC and DEC keep CF. */
#define UNARY(bits)                                                                                                    \
    OP(inc_##bits)                                                                                                     \
    {                                                                                                                  \
        RM_MODIFY(bits, a, r, r = (uint##bits##_t)(a + 1u));                                                           \
        uint##bits##_t carry = cc_carry(cpu);                                                                          \
        SET_CC(INC, bits, r, carry);                                                                                   \
        NEXT();                                                                                                        \
    }                                                                                                                  \
    OP(dec_##bits)                                                                                                     \
    {                                                                                                                  \
        RM_MODIFY(bits, a, r, r = (uint##bits##_t)(a - 1u));                                                           \
        uint##bits##_t carry = cc_carry(cpu);                                                                          \
        SET_CC(DEC, bits, r, carry);                                                                                   \
        NEXT();                                                                                                        \
    }                                                                                                                  \
    OP(neg_##bits)                                                                                                     \
    {                                                                                                                  \
        RM_MODIFY(bits, a, r, r = (uint##bits##_t)(0u - a));                                                           \
        SET_CC(SUB, bits, r, a);                                                                                       \
        NEXT();                                                                                                        \
    }                                                                                                                  \
    OP(not_##bits)                                                                                                     \
    {                                                                                                                  \
        RM_MODIFY(bits, a, r, r = (uint##bits##_t) ~a);                                                                \
        (void)r;                                                                                                       \
        NEXT();                                                                                                        \
    }
UNARY(8) UNARY(16) UNARY(32) UNARY(64)
