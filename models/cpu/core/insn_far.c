/* SPDX-License-Identifier: Apache-2.0 */
/* Far JMP, CALL, RET and the loads of full pointers (LDS LES LSS LFS LGS): operands; the work is far.c's and
 * segment.c's. These instructions run alone in their block, so nothing here is on a fast path. */
#include "handler.h"

#define FINISH_THERE()                                                                                                 \
    do { /* RIP is where the transfer led */                                                                           \
        book_through(cpu, op);                                                                                         \
        LEFT();                                                                                                        \
    } while (0)

/* The memory operand 16:16, 16:32 or 16:64. */
#define FAR_POINTER(selector, offset)                                                                                  \
    uint64_t offset;                                                                                                   \
    ADDRESS(far_la_, op->size + 2u, false);                                                                            \
    if (op->size == 8) {                                                                                               \
        LOAD(64, far_v_, far_la_);                                                                                     \
        offset = far_v_;                                                                                               \
    } else if (op->size == 4) {                                                                                        \
        LOAD(32, far_v_, far_la_);                                                                                     \
        offset = far_v_;                                                                                               \
    } else {                                                                                                           \
        LOAD(16, far_v_, far_la_);                                                                                     \
        offset = far_v_;                                                                                               \
    }                                                                                                                  \
    LOAD(16, selector, far_la_ + op->size)

OP(jmp_far_imm)
{
    if (cpu_far_jump(cpu, (uint16_t)(op->imm >> 32), (uint32_t)op->imm, op->size, op_next_rip(cpu, op)) != VP_OK)
        LEAVE();
    FINISH_THERE();
}

OP(call_far_imm)
{
    if (cpu_far_call(cpu, (uint16_t)(op->imm >> 32), (uint32_t)op->imm, op->size, op_next_rip(cpu, op)) != VP_OK)
        LEAVE();
    FINISH_THERE();
}

OP(jmp_far_mem)
{
    FAR_POINTER(selector, offset);
    if (cpu_far_jump(cpu, selector, offset, op->size, op_next_rip(cpu, op)) != VP_OK)
        LEAVE();
    FINISH_THERE();
}

OP(call_far_mem)
{
    FAR_POINTER(selector, offset);
    if (cpu_far_call(cpu, selector, offset, op->size, op_next_rip(cpu, op)) != VP_OK)
        LEAVE();
    FINISH_THERE();
}

OP(ret_far)
{
    if (cpu_far_return(cpu, op->size, 0) != VP_OK)
        LEAVE();
    FINISH_THERE();
}

OP(ret_far_imm)
{
    if (cpu_far_return(cpu, op->size, (uint16_t)op->imm) != VP_OK)
        LEAVE();
    FINISH_THERE();
}

/* The offset register changes only if the segment could be loaded. */
#define LOAD_POINTER(name, segment)                                                                                    \
    OP(name)                                                                                                           \
    {                                                                                                                  \
        FAR_POINTER(selector, offset);                                                                                 \
        if (cpu_load_segment(cpu, (segment), selector) != VP_OK)                                                       \
            LEAVE();                                                                                                   \
        if (op->size == 2)                                                                                             \
            set_reg_16(cpu, op->reg, (uint16_t)offset);                                                                \
        else                                                                                                           \
            set_reg_64(cpu, op->reg, offset);                                                                          \
        FINISH();                                                                                                      \
    }
LOAD_POINTER(lds, SEG_DS)
LOAD_POINTER(les, SEG_ES)
LOAD_POINTER(lss, SEG_SS)
LOAD_POINTER(lfs, SEG_FS)
LOAD_POINTER(lgs, SEG_GS)
