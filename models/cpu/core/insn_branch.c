/* SPDX-License-Identifier: Apache-2.0 */
/* Near jumps, calls, returns, conditions, loops. Direct targets are chained block to block; indirect ones go through
 * the jump cache. Where the block itself says who set the flags (SUB/CMP or a logic instruction of a known size), the
 * condition is computed from its operands without materialising flags. */
#define CPU_HAS_TWINS 1
#include "flags.h"
#include "handler.h"

/* SDM Vol. 2, "JMP": the new RIP must be canonical, or inside CS.limit outside 64-bit mode; the fault is the jump's
 * own. */
static inline bool target_is_good(const struct cpu *cpu, uint64_t rip)
{
    if (VP_LIKELY(cpu->mode & MODE_CODE64))
        return bits_is_canonical(rip, CPU_LINEAR_WIDTH);
    return rip <= cpu->seg[SEG_CS].limit;
}

#define CHECK_TARGET(rip)                                                                                              \
    do {                                                                                                               \
        if (VP_UNLIKELY(!target_is_good(cpu, rip))) {                                                                  \
            (void)cpu_raise(cpu, EXC_GP, 0);                                                                           \
            LEAVE();                                                                                                   \
        }                                                                                                              \
    } while (0)

#define JUMP_INDIRECT(kind, new_rip)                                                                                   \
    do {                                                                                                               \
        uint64_t to_ = (new_rip);                                                                                      \
        BRANCH_HOOK(op, to_, kind, true);                                                                              \
        COUNT_ACCESSES();                                                                                              \
        book_through(cpu, op);                                                                                         \
        cpu->rip = to_;                                                                                                \
        const struct jump_cache_entry *slot_ = jump_cache_slot(cpu, to_);                                              \
        if (VP_LIKELY(slot_->rip == to_ && slot_->gen == cpu->chain_gen && slot_->mode == cpu->mode &&                 \
                      !cpu->stepping))                                                                                 \
            ENTER_BLOCK(slot_->block);                                                                                 \
        LEFT();                                                                                                        \
    } while (0)

OP(jmp)
{
    CHECK_TARGET(op->imm);
    JUMP(BRANCH_JUMP, 0, op->imm);
}

/* Pushes the return address with the operand size. Sets leave on a fault. */
static void push_return(struct cpu *cpu, uint64_t value, unsigned size)
{
    unsigned width = (cpu->mode & MODE_CODE64) ? 8 : (cpu->mode & MODE_STACK32) ? 4 : 2;
    uint64_t rsp = cpu->gpr[RSP] - size;
    uint64_t offset = width == 8 ? rsp : width == 4 ? (uint32_t)rsp : (uint16_t)rsp;
    uint64_t la = cpu_segment_address(cpu, SEG_SS, offset, size, true);
    if (cpu->leave != LEAVE_NONE)
        return;
    cpu_mem_write_slow(cpu, la, value, size);
    if (cpu->leave != LEAVE_NONE)
        return;
    FUNCTION_MEM_HOOK(la, size, TIMING_STORE);
    if (width == 2)
        set_reg_16(cpu, RSP * 8, (uint16_t)rsp);
    else
        cpu->gpr[RSP] = width == 4 ? (uint32_t)rsp : rsp;
}

OP(call)
{
    CHECK_TARGET(op->imm);
    uint64_t next = op_next_rip(cpu, op);
    if (VP_LIKELY(op->size == 8)) {
        uint64_t rsp = cpu->gpr[RSP] - 8;
        CHECK_STACK(rsp);
        STORE(64, rsp, next);
        cpu->gpr[RSP] = rsp;
    } else {
        ASK_ALWAYS();
        push_return(cpu, next, op->size);
        if (cpu->leave != LEAVE_NONE)
            LEAVE();
    }
    JUMP(BRANCH_CALL, 0, op->imm);
}

/* The r/m operand of a near indirect branch, zero-extended. */
#define READ_TARGET(target)                                                                                            \
    uint64_t target;                                                                                                   \
    if (op->size == 8) {                                                                                               \
        RM_READ(64, t64);                                                                                              \
        target = t64;                                                                                                  \
    } else if (op->size == 4) {                                                                                        \
        RM_READ(32, t32);                                                                                              \
        target = t32;                                                                                                  \
    } else {                                                                                                           \
        RM_READ(16, t16);                                                                                              \
        target = t16;                                                                                                  \
    }

OP(jmp_ind)
{
    READ_TARGET(target);
    CHECK_TARGET(target);
    JUMP_INDIRECT(BRANCH_JUMP_INDIRECT, target);
}

OP(call_ind)
{
    READ_TARGET(target);
    CHECK_TARGET(target);
    uint64_t next = op_next_rip(cpu, op);
    if (VP_LIKELY(op->size == 8)) {
        uint64_t rsp = cpu->gpr[RSP] - 8;
        CHECK_STACK(rsp);
        STORE(64, rsp, next);
        cpu->gpr[RSP] = rsp;
    } else {
        ASK_ALWAYS();
        push_return(cpu, next, op->size);
        if (cpu->leave != LEAVE_NONE)
            LEAVE();
    }
    JUMP_INDIRECT(BRANCH_CALL_INDIRECT, target);
}

/* Pops nothing yet: answers the return address of a stack that is not 64-bit. Sets leave on a fault. */
static uint64_t read_return(struct cpu *cpu, unsigned size)
{
    unsigned width = (cpu->mode & MODE_CODE64) ? 8 : (cpu->mode & MODE_STACK32) ? 4 : 2;
    uint64_t rsp = cpu->gpr[RSP], offset = width == 8 ? rsp : width == 4 ? (uint32_t)rsp : (uint16_t)rsp;
    uint64_t la = cpu_segment_address(cpu, SEG_SS, offset, size, false);
    if (cpu->leave != LEAVE_NONE)
        return 0;
    uint64_t target = cpu_mem_read_slow(cpu, la, size);
    if (cpu->leave == LEAVE_NONE)
        FUNCTION_MEM_HOOK(la, size, TIMING_LOAD);
    return target;
}

static void add_to_stack_pointer(struct cpu *cpu, uint64_t bytes)
{
    uint64_t rsp = cpu->gpr[RSP] + bytes;
    if (cpu->mode & MODE_CODE64)
        cpu->gpr[RSP] = rsp;
    else if (cpu->mode & MODE_STACK32)
        cpu->gpr[RSP] = (uint32_t)rsp;
    else
        set_reg_16(cpu, RSP * 8, (uint16_t)rsp);
}

OP(ret)
{
    if (VP_LIKELY(op->size == 8)) {
        CHECK_STACK(cpu->gpr[RSP]);
        LOAD(64, target, cpu->gpr[RSP]);
        CHECK_TARGET(target);
        cpu->gpr[RSP] += 8;
        JUMP_INDIRECT(BRANCH_RETURN, target);
    }
    ASK_ALWAYS();
    uint64_t target = read_return(cpu, op->size);
    if (cpu->leave != LEAVE_NONE)
        LEAVE();
    CHECK_TARGET(target);
    add_to_stack_pointer(cpu, op->size);
    JUMP_INDIRECT(BRANCH_RETURN, target);
}

OP(ret_imm)
{
    ASK_ALWAYS();
    uint64_t target = read_return(cpu, op->size);
    if (cpu->leave != LEAVE_NONE)
        LEAVE();
    CHECK_TARGET(target);
    add_to_stack_pointer(cpu, op->size + (op->imm & 0xffff));
    JUMP_INDIRECT(BRANCH_RETURN, target);
}

#define JUMP_IF(condition)                                                                                             \
    do {                                                                                                               \
        if (condition) {                                                                                               \
            CHECK_TARGET(op->imm);                                                                                     \
            JUMP(BRANCH_CONDITIONAL, 0, op->imm);                                                                      \
        }                                                                                                              \
        JUMP(BRANCH_CONDITIONAL, 1, op_next_rip(cpu, op));                                                             \
    } while (0)

OP(jcc) { JUMP_IF(cpu_condition(cpu, op->reg)); }

/* After SUB or CMP: dst = a - src, so a = dst + src. */
#define SUB_OPERANDS(bits)                                                                                             \
    uint##bits##_t r = (uint##bits##_t)cpu->cc_dst, b = (uint##bits##_t)cpu->cc_src, a = (uint##bits##_t)(r + b);      \
    int##bits##_t sa = (int##bits##_t)a, sb = (int##bits##_t)b;                                                        \
    bool of = (((a ^ b) & (a ^ r)) >> (bits - 1)) & 1;                                                                 \
    (void)r, (void)sa, (void)sb, (void)of
#define JCC_SUB(cc, bits, condition)                                                                                   \
    OP(j##cc##_sub_##bits)                                                                                             \
    {                                                                                                                  \
        SUB_OPERANDS(bits);                                                                                            \
        JUMP_IF(condition);                                                                                            \
    }
#define JCC_SUB_ALL(bits)                                                                                              \
    JCC_SUB(o, bits, of)                                                                                               \
    JCC_SUB(no, bits, !of)                                                                                             \
    JCC_SUB(b, bits, a < b)                                                                                            \
    JCC_SUB(ae, bits, a >= b)                                                                                          \
    JCC_SUB(e, bits, r == 0)                                                                                           \
    JCC_SUB(ne, bits, r != 0)                                                                                          \
    JCC_SUB(be, bits, a <= b)                                                                                          \
    JCC_SUB(a, bits, a > b)                                                                                            \
    JCC_SUB(s, bits, (int##bits##_t)r < 0)                                                                             \
    JCC_SUB(ns, bits, (int##bits##_t)r >= 0)                                                                           \
    JCC_SUB(p, bits, flag_parity(r) != 0)                                                                              \
    JCC_SUB(np, bits, flag_parity(r) == 0)                                                                             \
    JCC_SUB(l, bits, sa < sb) JCC_SUB(ge, bits, sa >= sb) JCC_SUB(le, bits, sa <= sb) JCC_SUB(g, bits, sa > sb)
JCC_SUB_ALL(8)
JCC_SUB_ALL(16)
JCC_SUB_ALL(32)
JCC_SUB_ALL(64)

/* After AND, OR, XOR, TEST: CF = OF = 0. The conditions on one flag of the result serve others too: translate.c. */
#define JCC_LOGIC(cc, bits, condition)                                                                                 \
    OP(j##cc##_logic_##bits)                                                                                           \
    {                                                                                                                  \
        int##bits##_t r = (int##bits##_t)cpu->cc_dst;                                                                  \
        (void)r;                                                                                                       \
        JUMP_IF(condition);                                                                                            \
    }
#define JCC_LOGIC_ALL(bits)                                                                                            \
    JCC_LOGIC(o, bits, false)                                                                                          \
    JCC_LOGIC(no, bits, true)                                                                                          \
    JCC_LOGIC(b, bits, false)                                                                                          \
    JCC_LOGIC(ae, bits, true)                                                                                          \
    JCC_LOGIC(e, bits, r == 0)                                                                                         \
    JCC_LOGIC(ne, bits, r != 0)                                                                                        \
    JCC_LOGIC(be, bits, r == 0)                                                                                        \
    JCC_LOGIC(a, bits, r != 0)                                                                                         \
    JCC_LOGIC(s, bits, r < 0)                                                                                          \
    JCC_LOGIC(ns, bits, r >= 0)                                                                                        \
    JCC_LOGIC(p, bits, flag_parity((uint64_t)r) != 0)                                                                  \
    JCC_LOGIC(np, bits, flag_parity((uint64_t)r) == 0)                                                                 \
    JCC_LOGIC(l, bits, r < 0) JCC_LOGIC(ge, bits, r >= 0) JCC_LOGIC(le, bits, r <= 0) JCC_LOGIC(g, bits, r > 0)
JCC_LOGIC_ALL(8)
JCC_LOGIC_ALL(16)
JCC_LOGIC_ALL(32)
JCC_LOGIC_ALL(64)

/* rCX of the address size (op->reg = 2, 4 or 8), after adding delta. Answers the new count. */
static inline uint64_t count_after(struct cpu *cpu, const struct op *op, uint64_t delta)
{
    uint64_t c = cpu->gpr[RCX] + delta;
    return op->reg == 8 ? c : op->reg == 4 ? (uint32_t)c : (uint16_t)c;
}
static inline void set_count(struct cpu *cpu, const struct op *op, uint64_t c)
{
    if (op->reg == 2)
        set_reg_16(cpu, RCX * 8, (uint16_t)c);
    else
        cpu->gpr[RCX] = c;
}

#define LOOP_IF(condition)                                                                                             \
    do {                                                                                                               \
        ASK_ALWAYS();                                                                                                  \
        uint64_t count = count_after(cpu, op, UINT64_MAX);                                                             \
        bool jump = count != 0 && (condition);                                                                         \
        if (jump)                                                                                                      \
            CHECK_TARGET(op->imm);                                                                                     \
        set_count(cpu, op, count);                                                                                     \
        JUMP_IF(jump);                                                                                                 \
    } while (0)

OP(loop) { LOOP_IF(true); }
OP(loope) { LOOP_IF(cpu_condition(cpu, 4)); }
OP(loopne) { LOOP_IF(cpu_condition(cpu, 5)); }
OP(jcxz) { JUMP_IF(count_after(cpu, op, 0) == 0); }
