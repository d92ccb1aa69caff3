/* SPDX-License-Identifier: Apache-2.0 */
/* Data accesses of handlers: the inline translation cache, and operands that may be register or memory.
 * Slow paths (miss, page crossing, device, cached code) are in mem_access.c.
 *
 *   LOAD(32, v, la);          declares uint32_t v; leaves the handler on a fault
 *   STORE(32, la, value);
 *   RMW(32, la, old, expr);   old is declared; expr may use it; written back indivisibly
 *   RM_READ(32, v); RM_WRITE(32, value); RM_MODIFY(32, old, expr);   the r/m operand of op, register or memory
 */
#ifndef CPU_MEM_H
#define CPU_MEM_H

#include "handler.h"

/* The linear address of the record's memory operand, segment base and limit applied. A fault sets cpu->leave. */
uint64_t cpu_address_slow(struct cpu *cpu, const struct op *op, uint64_t offset, unsigned size, bool write);

static inline uint64_t op_offset(const struct cpu *cpu, const struct op *op)
{
    const char *regs = (const char *)cpu->gpr;
    uint64_t base, index;
    memcpy(&base, regs + op->base, 8);
    memcpy(&index, regs + op->index, 8);
    return base + (index << op->scale) + (uint64_t)op->disp;
}

/* The last byte counts too: an access may run into the hole, whose edges are at page boundaries. */
static inline bool is_inside_canonical(uint64_t la, unsigned bytes)
{
    return bits_is_canonical(la, CPU_LINEAR_WIDTH) && bits_is_canonical(la + bytes - 1, CPU_LINEAR_WIDTH);
}

#ifdef CPU_FAST
#define ADDRESS_AT(la, offset, bytes, is_write)                                                                        \
    uint64_t la = (offset);                                                                                            \
    if (VP_UNLIKELY(!(op->flags & OPF_FLAT)))                                                                          \
        MISS();
#define CHECK_STACK(la) ((void)0)
#else
#define ADDRESS_AT(la, offset, bytes, is_write)                                                                        \
    uint64_t la = (offset);                                                                                            \
    if (VP_UNLIKELY(!(op->flags & OPF_FLAT) || !is_inside_canonical(la, bytes))) {                                     \
        la = cpu_address_slow(cpu, op, la, (bytes), (is_write));                                                       \
        if (VP_UNLIKELY(cpu->leave != LEAVE_NONE))                                                                     \
            LEAVE();                                                                                                   \
    }
/* An inline access to the 64-bit stack: non-canonical is #SS(0), not #GP(0). */
#define CHECK_STACK(la)                                                                                                \
    if (VP_UNLIKELY(!is_inside_canonical(la, 8))) {                                                                    \
        (void)cpu_raise(cpu, EXC_SS, 0);                                                                               \
        LEAVE();                                                                                                       \
    }
#endif
#define ADDRESS(la, bytes, is_write) ADDRESS_AT(la, op_offset(cpu, op), bytes, is_write)

static inline struct tlb_entry *tlb_slot(const struct cpu *cpu, uint64_t la)
{
    return &cpu->tlb[(la >> PAGE_SHIFT) & (TLB_SIZE - 1)];
}

/* After an access that was made; an unasked one had been found to need no hook before (HIT). */
#if defined(CPU_HOOKED)
#define MEM_HOOK(la, bytes, access) cpu_observe_mem_unless_known(cpu, la, bytes, access)
#elif defined(CPU_UNASKED)
#define MEM_HOOK(la, bytes, access) (void)((access) == TIMING_LOAD ? loads_++ : stores_++)
#else
#define MEM_HOOK(la, bytes, access) ((void)0)
#endif
/* The same in a function; its handlers begin with ASK_ALWAYS(). */
#ifdef CPU_UNASKED
#define FUNCTION_MEM_HOOK(la, bytes, access) ((void)0)
#else
#define FUNCTION_MEM_HOOK(la, bytes, access) MEM_HOOK(la, bytes, access)
#endif

/* The last byte's page must be the entry's page: an access that crosses misses and takes the slow path. */
#define TLB_HIT(slot, field, la, bytes) VP_LIKELY((((la) + ((bytes)-1)) & PAGE_MASK) == (slot)->field)
/* May the access be made here? */
#ifdef CPU_UNASKED
#define HIT(slot, field, la, bytes, access)                                                                            \
    (TLB_HIT(slot, field, la, bytes) && VP_LIKELY(is_known_access(cpu_known_lines(cpu, access), la, bytes)))
#else
#define HIT(slot, field, la, bytes, access) TLB_HIT(slot, field, la, bytes)
#endif

/* What a miss does: the fast half of a pair hands over to its twin; the others take the slow path here. */
#ifdef CPU_FAST
#define ON_LOAD_MISS(bits, v, la) MISS()
#define ON_STORE_MISS(bits, la, value) MISS()
#define ON_MODIFY_MISS(bits, la, old, result, compute) MISS()
#else
#define LEAVE_IF_ASKED()                                                                                               \
    if (VP_UNLIKELY(cpu->leave != LEAVE_NONE))                                                                         \
    LEAVE()
#define ON_LOAD_MISS(bits, v, la)                                                                                      \
    v = (uint##bits##_t)cpu_mem_read_slow(cpu, la, (bits) / 8);                                                        \
    LEAVE_IF_ASKED()
#define ON_STORE_MISS(bits, la, value)                                                                                 \
    cpu_mem_write_slow(cpu, la, value, (bits) / 8);                                                                    \
    LEAVE_IF_ASKED()
#define ON_MODIFY_MISS(bits, la, old, result, compute)                                                                 \
    for (bool done_ = false; !done_;) {                                                                                \
        old = (uint##bits##_t)cpu_mem_rmw_read_slow(cpu, la, (bits) / 8);                                              \
        LEAVE_IF_ASKED();                                                                                              \
        compute;                                                                                                       \
        done_ = cpu_mem_rmw_write_slow(cpu, la, old, result, (bits) / 8);                                              \
        LEAVE_IF_ASKED();                                                                                              \
    }
#endif

#define LOAD(bits, v, la)                                                                                              \
    uint##bits##_t v;                                                                                                  \
    do {                                                                                                               \
        uint64_t la_ = (la);                                                                                           \
        const struct tlb_entry *slot_ = tlb_slot(cpu, la_);                                                            \
        if (HIT(slot_, read, la_, (bits) / 8, TIMING_LOAD)) {                                                          \
            memcpy(&v, (const void *)(slot_->host + la_), (bits) / 8);                                                 \
        } else {                                                                                                       \
            ON_LOAD_MISS(bits, v, la_);                                                                                \
        }                                                                                                              \
        MEM_HOOK(la_, (bits) / 8, TIMING_LOAD);                                                                        \
    } while (0)

#define STORE(bits, la, value)                                                                                         \
    do {                                                                                                               \
        uint64_t la_ = (la);                                                                                           \
        uint##bits##_t value_ = (value);                                                                               \
        const struct tlb_entry *slot_ = tlb_slot(cpu, la_);                                                            \
        if (HIT(slot_, write, la_, (bits) / 8, TIMING_STORE)) {                                                        \
            memcpy((void *)(slot_->host + la_), &value_, (bits) / 8);                                                  \
        } else {                                                                                                       \
            ON_STORE_MISS(bits, la_, value_);                                                                          \
        }                                                                                                              \
        MEM_HOOK(la_, (bits) / 8, TIMING_STORE);                                                                       \
    } while (0)

/* 16 bytes: declares `__m128i v` (a union would live in memory and cost the sibling call). Operands of SSE must be
 * aligned unless the instruction says otherwise: #GP(0). */
#ifdef CPU_FAST
#define ON_WIDE_LOAD_MISS(v, la) MISS()
#define ON_WIDE_STORE_MISS(la, value) MISS()
#define CHECK_ALIGNED(la)                                                                                              \
    if (VP_UNLIKELY((la)&15))                                                                                          \
    MISS()
#else
#define ON_WIDE_LOAD_MISS(v, la)                                                                                       \
    cpu_mem_read_wide_slow(cpu, la, 16);                                                                               \
    LEAVE_IF_ASKED();                                                                                                  \
    v = cpu->mem_vec.i
#define ON_WIDE_STORE_MISS(la, value)                                                                                  \
    cpu->mem_vec.i = (value);                                                                                          \
    cpu_mem_write_wide_slow(cpu, la, 16);                                                                              \
    LEAVE_IF_ASKED()
#define CHECK_ALIGNED(la)                                                                                              \
    if (VP_UNLIKELY((la)&15)) {                                                                                        \
        (void)cpu_raise(cpu, EXC_GP, 0);                                                                               \
        LEAVE();                                                                                                       \
    }
#endif
#define LOAD_VEC(v, la)                                                                                                \
    __m128i v;                                                                                                         \
    do {                                                                                                               \
        uint64_t la_ = (la);                                                                                           \
        const struct tlb_entry *slot_ = tlb_slot(cpu, la_);                                                            \
        if (HIT(slot_, read, la_, 16, TIMING_LOAD)) {                                                                  \
            v = _mm_loadu_si128((const __m128i *)(slot_->host + la_));                                                 \
        } else {                                                                                                       \
            ON_WIDE_LOAD_MISS(v, la_);                                                                                 \
        }                                                                                                              \
        MEM_HOOK(la_, 16, TIMING_LOAD);                                                                                \
    } while (0)
#define STORE_VEC(la, value)                                                                                           \
    do {                                                                                                               \
        uint64_t la_ = (la);                                                                                           \
        __m128i value_ = (value);                                                                                      \
        const struct tlb_entry *slot_ = tlb_slot(cpu, la_);                                                            \
        if (HIT(slot_, write, la_, 16, TIMING_STORE)) {                                                                \
            _mm_storeu_si128((__m128i *)(slot_->host + la_), value_);                                                  \
        } else {                                                                                                       \
            ON_WIDE_STORE_MISS(la_, value_);                                                                           \
        }                                                                                                              \
        MEM_HOOK(la_, 16, TIMING_STORE);                                                                               \
    } while (0)

/* Vector registers by the offsets in a record. */
#define XMM(offset) (*(union vec *)(void *)((char *)cpu->xmm + (offset)))
#define MMX(offset) (((union vec *)(void *)((char *)cpu->x87.r + (offset)))->u64[0])

/* The r/m operand of a vector instruction, as 16 bytes; is_aligned: memory must be. Declares `__m128i v`. */
#define RM_READ_VEC(v, is_aligned)                                                                                     \
    __m128i v;                                                                                                         \
    do {                                                                                                               \
        if (op->flags & OPF_MEM) {                                                                                     \
            ADDRESS(rm_la_, 16, false);                                                                                \
            if (is_aligned)                                                                                            \
                CHECK_ALIGNED(rm_la_);                                                                                 \
            LOAD_VEC(rm_v_, rm_la_);                                                                                   \
            v = rm_v_;                                                                                                 \
        } else {                                                                                                       \
            v = XMM(op->rm).i;                                                                                         \
        }                                                                                                              \
    } while (0)
/* ... of which the instruction reads only the low 32 or 64 bits; the rest of v is then zero. */
#define RM_READ_VEC_LOW(bits, v)                                                                                       \
    __m128i v;                                                                                                         \
    do {                                                                                                               \
        if (op->flags & OPF_MEM) {                                                                                     \
            ADDRESS(rm_la_, (bits) / 8, false);                                                                        \
            LOAD(bits, rm_v_, rm_la_);                                                                                 \
            v = _mm_cvtsi64_si128((long long)rm_v_);                                                                   \
        } else {                                                                                                       \
            v = XMM(op->rm).i;                                                                                         \
        }                                                                                                              \
    } while (0)

/* `compute` is a statement that reads `old` and sets `result` (both uint<bits>_t); it may run more than once, so it
 * must not change anything else. Flags are set by the caller afterwards, from old and result. */
#define RMW(bits, la, old, result, compute)                                                                            \
    uint##bits##_t old, result;                                                                                        \
    RM_MODIFY_MEM(bits, la, old, result, compute)

/* The r/m operand. These declare v (or old, result) in the handler's scope. */
#define RM_READ(bits, v)                                                                                               \
    uint##bits##_t v;                                                                                                  \
    do {                                                                                                               \
        if (op->flags & OPF_MEM) {                                                                                     \
            ADDRESS(rm_la_, (bits) / 8, false);                                                                        \
            LOAD(bits, rm_v_, rm_la_);                                                                                 \
            v = rm_v_;                                                                                                 \
        } else {                                                                                                       \
            v = get_reg_##bits(cpu, op->rm);                                                                           \
        }                                                                                                              \
    } while (0)

#define RM_WRITE(bits, value)                                                                                          \
    do {                                                                                                               \
        uint##bits##_t rm_value_ = (value);                                                                            \
        if (op->flags & OPF_MEM) {                                                                                     \
            ADDRESS(rm_la_, (bits) / 8, true);                                                                         \
            STORE(bits, rm_la_, rm_value_);                                                                            \
        } else {                                                                                                       \
            set_reg_##bits(cpu, op->rm, rm_value_);                                                                    \
        }                                                                                                              \
    } while (0)

#define RM_MODIFY(bits, old, result, compute)                                                                          \
    uint##bits##_t old, result;                                                                                        \
    do {                                                                                                               \
        if (op->flags & OPF_MEM) {                                                                                     \
            ADDRESS(rm_la_, (bits) / 8, true);                                                                         \
            RM_MODIFY_MEM(bits, rm_la_, old, result, compute);                                                         \
        } else {                                                                                                       \
            old = get_reg_##bits(cpu, op->rm);                                                                         \
            compute;                                                                                                   \
            set_reg_##bits(cpu, op->rm, result);                                                                       \
        }                                                                                                              \
    } while (0)
/* RMW without its declarations: the operands exist already. */
#define RM_MODIFY_MEM(bits, la, old, result, compute)                                                                  \
    do {                                                                                                               \
        uint64_t la_ = (la);                                                                                           \
        const struct tlb_entry *slot_ = tlb_slot(cpu, la_);                                                            \
        if (HIT(slot_, write, la_, (bits) / 8, TIMING_MODIFY)) {                                                       \
            memcpy(&old, (const void *)(slot_->host + la_), (bits) / 8);                                               \
            compute;                                                                                                   \
            memcpy((void *)(slot_->host + la_), &result, (bits) / 8);                                                  \
        } else {                                                                                                       \
            ON_MODIFY_MISS(bits, la_, old, result, compute);                                                           \
        }                                                                                                              \
        MEM_HOOK(la_, (bits) / 8, TIMING_MODIFY);                                                                      \
    } while (0)

#endif
