/* SPDX-License-Identifier: Apache-2.0 */
/* Tools of the instruction handlers (insn_*.c). Each of those files is compiled once per flavour; OP() gives the
 * handlers of the flavours different names:
 *   plain     the fast path only, without hooks. Where a memory access misses the translation cache, the handler ends
 *             in a sibling call to its slow twin, which does the instruction from the start: so a plain handler saves
 *             no registers.
 *   slow      (CPU_SLOW) complete; continues with the plain handler of the next record.
 *   timed     (CPU_TIMED) the fast path under a timing model with a filter: no access, no branch and no block's fetch
 *             needs to be asked for, so time does not move within a block. Everything else is the observed twin's.
 *   observed  (CPU_OBSERVED) complete, with the hooks of instruction trace and timing model.
 * Twins need handlers that change nothing before their first access: files that are so define CPU_HAS_TWINS. In other
 * files the plain handler is complete, and the timed one is too, with hooks (CPU_HOOKED).
 *
 *   OP(bswap_32) { REG32(op->reg) = ...; NEXT(); }
 *
 * A handler ends in exactly one of:
 *   NEXT()              go on with the next record of the block
 *   LEAVE()             after cpu_raise() or when cpu->leave is set: the instruction did not happen
 *   FINISH()            the instruction is complete and RIP advances past it; events are looked at (end of block)
 *   FINISH_AT(rip)      the same with a new RIP: jumps without a chain, IRET, SYSCALL
 *   JUMP(kind, which, rip)  direct branch: chain 0 (taken) or 1 (fall-through)
 * Handlers that use FINISH, FINISH_AT or JUMP must be the last of a block: mark their opcode rows ENDS.
 * No handler may take the address of a local variable, or the sibling call is lost: slow paths answer values.
 */
#ifndef CPU_HANDLER_H
#define CPU_HANDLER_H

#include "cpu_state.h"

#include <string.h>

#if defined(CPU_OBSERVED)
#define OP_NAME(name) observed_##name
#elif defined(CPU_TIMED)
#define OP_NAME(name) timed_##name
#define OP_TWIN(name) observed_##name
#elif defined(CPU_SLOW)
#define OP_NAME(name) slow_##name
#else
#define OP_NAME(name) plain_##name
#define OP_TWIN(name) slow_##name
#endif
#if defined(CPU_HAS_TWINS) && !defined(CPU_OBSERVED) && !defined(CPU_SLOW)
#define CPU_FAST 1 /* this is the fast half of a pair */
#endif
#if defined(CPU_TIMED) && defined(CPU_FAST)
#define CPU_UNASKED 1 /* ... under a timing model: what must be asked for is the other half's */
#elif defined(CPU_TIMED) || defined(CPU_OBSERVED)
#define CPU_HOOKED 1
#endif

#define H1(name) op_fn plain_##name, slow_##name, timed_##name, observed_##name;
#define H4(name) H1(name##_8) H1(name##_16) H1(name##_32) H1(name##_64)
#include "handlers.def"
#undef H1
#undef H4

#if defined(CPU_ENGINE_LOOP) && CPU_ENGINE_LOOP
#define TAIL_CALL(fn, ...) return (fn)(cpu, __VA_ARGS__)
#else
#define TAIL_CALL(fn, ...)                                                                                             \
    do {                                                                                                               \
        (fn)(cpu, __VA_ARGS__);                                                                                        \
        return;                                                                                                        \
    } while (0)
#endif

#ifdef CPU_FAST
/* loads_, stores_: accesses of this instruction so far that the timing model need not be asked about. They count when
 * it is complete, for after MISS() the twin begins again. */
#define FAST_PARAMETERS                                                                                                \
    struct cpu *cpu __attribute__((unused)), const struct op *op __attribute__((unused)),                              \
        op_fn *twin_ __attribute__((unused)), uint32_t loads_ __attribute__((unused)),                                 \
        uint32_t stores_ __attribute__((unused))
#define OP(name)                                                                                                       \
    static inline __attribute__((always_inline)) op_result fast_##name(FAST_PARAMETERS);                               \
    op_result OP_NAME(name)(struct cpu * cpu, const struct op *op) { FAST_BODY(fast_##name, OP_TWIN(name)); }          \
    static inline op_result fast_##name(FAST_PARAMETERS)
#if defined(CPU_ENGINE_LOOP) && CPU_ENGINE_LOOP
#define FAST_BODY(body, twin) return body(cpu, op, twin, 0, 0)
#else
#define FAST_BODY(body, twin) body(cpu, op, twin, 0, 0)
#endif
#define MISS() TAIL_CALL(twin_, op)
#else
#define OP(name)                                                                                                       \
    op_result OP_NAME(name)(struct cpu * cpu __attribute__((unused)), const struct op *op __attribute__((unused)))
#endif

/* First in a handler that has a hook in a function, or changes something before a branch's hook. */
#ifdef CPU_UNASKED
#define ASK_ALWAYS() MISS()
#else
#define ASK_ALWAYS() ((void)0)
#endif

/* charge.c: the hooks. */
void cpu_observe_insn(struct cpu *cpu, const struct op *op);
/* Enters a block whose fetch must be asked for. */
op_result cpu_enter_asking(struct cpu *cpu, const struct block *b);
/* Goes on with a record of the current block after time may have moved, as far as the deadline lets. */
op_result cpu_go_on(struct cpu *cpu, const struct op *op);
enum branch_kind {
    BRANCH_CONDITIONAL,
    BRANCH_JUMP,
    BRANCH_CALL,
    BRANCH_JUMP_INDIRECT,
    BRANCH_CALL_INDIRECT,
    BRANCH_RETURN,
};
void cpu_observe_branch(struct cpu *cpu, const struct op *op, uint64_t to, enum branch_kind kind, bool taken);
void cpu_observe_mem(struct cpu *cpu, uint64_t la, unsigned bytes, int access);

/* What the timing model said need not be asked: timing_model.h, struct timing_filter. */
static inline struct timing_lines *cpu_known_lines(struct cpu *cpu, int access)
{
    return access == TIMING_LOAD ? &cpu->filter->load : &cpu->filter->store;
}
static inline bool is_known_line(const struct timing_lines *known, uint64_t line)
{
    return known->line[line & known->mask] == line;
}
static inline bool is_known_access(const struct timing_lines *known, uint64_t la, unsigned bytes)
{
    uint64_t line = la >> TIMING_LINE_SHIFT;
    return is_known_line(known, line) && (la + (bytes - 1)) >> TIMING_LINE_SHIFT == line;
}
static inline void cpu_observe_mem_unless_known(struct cpu *cpu, uint64_t la, unsigned bytes, int access)
{
    struct timing_lines *known = cpu_known_lines(cpu, access);
    if (VP_LIKELY(is_known_access(known, la, bytes)))
        known->hits++;
    else
        cpu_observe_mem(cpu, la, bytes, access);
}
/* These two count if they answer true. */
__attribute__((always_inline)) static inline bool cpu_fetch_is_known(struct cpu *cpu, const struct block *b)
{
    struct timing_lines *known = &cpu->filter->fetch;
    bool is_known = is_known_line(known, b->first_line); /* of one line or more: a block is never empty */
    for (uint64_t i = 1; VP_UNLIKELY(i < b->lines); i++)
        is_known = is_known && is_known_line(known, b->first_line + i);
    if (VP_LIKELY(is_known))
        known->hits += b->lines;
    return is_known;
}
__attribute__((always_inline)) static inline bool cpu_branch_is_known(struct cpu *cpu, uint64_t from, bool taken)
{
    struct timing_branches *known = cpu->branches;
    const struct timing_known_branch *b = timing_branch_at(known, from);
    if (VP_UNLIKELY(b->branch != timing_branch_key(from, taken) || b->history != known->history))
        return false;
    known->history = known->history << 1 | taken;
    known->hits++;
    return true;
}

#ifdef CPU_OBSERVED
#define TRACE_HOOK(op)                                                                                                 \
    do {                                                                                                               \
        if (VP_UNLIKELY(cpu->bus.trace_insn != NULL))                                                                  \
            cpu_observe_insn(cpu, op);                                                                                 \
    } while (0)
#else
#define TRACE_HOOK(op) ((void)0)
#endif
#if defined(CPU_HOOKED) || defined(CPU_UNASKED)
#define FETCH_HOOK(b)                                                                                                  \
    do {                                                                                                               \
        if (VP_UNLIKELY(!cpu_fetch_is_known(cpu, b)))                                                                  \
            TAIL_CALL(cpu_enter_asking, b);                                                                            \
    } while (0)
#else
#define FETCH_HOOK(b) ((void)0)
#endif

#if defined(CPU_ENGINE_LOOP) && CPU_ENGINE_LOOP
#define GOTO_OP(next)                                                                                                  \
    do {                                                                                                               \
        const struct op *next_ = (next);                                                                               \
        TRACE_HOOK(next_);                                                                                             \
        return next_;                                                                                                  \
    } while (0)
#define LEFT() return NULL
#else
#define GOTO_OP(next)                                                                                                  \
    do {                                                                                                               \
        const struct op *next_ = (next);                                                                               \
        TRACE_HOOK(next_);                                                                                             \
        next_->fn(cpu, next_);                                                                                         \
        return;                                                                                                        \
    } while (0)
#define LEFT() return
#endif

/* --- registers --- */
#define REG_AT(type, offset) (*(type *)(void *)((char *)cpu->gpr + (offset)))
#define REG8(offset) REG_AT(uint8_t, offset)
#define REG16(offset) REG_AT(uint16_t, offset)
#define REG64(offset) REG_AT(uint64_t, offset)
#define READ_REG32(offset) ((uint32_t)REG64(offset))
/* Writes of 32-bit registers clear the upper half. */
static inline void set_reg_8(struct cpu *cpu, unsigned offset, uint8_t v) { REG8(offset) = v; }
static inline void set_reg_16(struct cpu *cpu, unsigned offset, uint16_t v) { REG16(offset) = v; }
static inline void set_reg_32(struct cpu *cpu, unsigned offset, uint32_t v) { REG64(offset) = v; }
static inline void set_reg_64(struct cpu *cpu, unsigned offset, uint64_t v) { REG64(offset) = v; }
static inline uint8_t get_reg_8(struct cpu *cpu, unsigned offset) { return REG8(offset); }
static inline uint16_t get_reg_16(struct cpu *cpu, unsigned offset) { return REG16(offset); }
static inline uint32_t get_reg_32(struct cpu *cpu, unsigned offset) { return READ_REG32(offset); }
static inline uint64_t get_reg_64(struct cpu *cpu, unsigned offset) { return REG64(offset); }

/* Register in VEX.vvvv: the record has no field of its own for it, and immediates of VEX encodings have 8 bits. */
#define OP_VVVV_SHIFT 56
#define OP_VVVV(op) ((unsigned)((op)->imm >> OP_VVVV_SHIFT))

/* --- where we are --- */
static inline const struct block *op_block(const struct op *op)
{
    return (const struct block *)(const void *)((const char *)(op - op->n) - offsetof(struct block, ops));
}
static inline uint64_t op_rip(const struct op *op) { return op_block(op)->rip + op->rip_offset; }
/* RIP after the instruction, wrapped to the code size by the mode. */
static inline uint64_t op_next_rip(const struct cpu *cpu, const struct op *op)
{
    uint64_t rip = op_rip(op) + op->length;
    return (cpu->mode & MODE_CODE64) ? rip : (cpu->mode & MODE_CODE32) ? (uint32_t)rip : (uint16_t)rip;
}

/* Books the instructions before `op` and puts RIP on it: the instruction itself did not happen. */
static inline void book_before(struct cpu *cpu, const struct op *op)
{
    cpu->cycles += op->cost_before;
    cpu->insns += op->n;
    cpu->rip = op_rip(op);
}
/* Books the block up to and including `op`; RIP is the caller's. */
static inline void book_through(struct cpu *cpu, const struct op *op)
{
    cpu->cycles += op->cost_after;
    cpu->insns += op->n + 1u;
}

#ifdef CPU_UNASKED
#define COUNT_ACCESSES()                                                                                               \
    do {                                                                                                               \
        if (loads_)                                                                                                    \
            cpu->filter->load.hits += loads_;                                                                          \
        if (stores_)                                                                                                   \
            cpu->filter->store.hits += stores_;                                                                        \
    } while (0)
#else
#define COUNT_ACCESSES() ((void)0)
#endif

#define LEAVE()                                                                                                        \
    do {                                                                                                               \
        COUNT_ACCESSES();                                                                                              \
        book_before(cpu, op);                                                                                          \
        LEFT();                                                                                                        \
    } while (0)
#define FINISH_AT(new_rip)                                                                                             \
    do {                                                                                                               \
        uint64_t rip_ = (new_rip);                                                                                     \
        COUNT_ACCESSES();                                                                                              \
        book_through(cpu, op);                                                                                         \
        cpu->rip = rip_;                                                                                               \
        LEFT();                                                                                                        \
    } while (0)
#define FINISH() FINISH_AT(op_next_rip(cpu, op))

#ifdef CPU_HOOKED
/* Costs of memory and branches may have moved time: look whether the rest of the block may still start as it is. */
#define NEXT()                                                                                                         \
    do {                                                                                                               \
        if (VP_LIKELY(cpu->cycles + op_block(op)->last_start < cpu->deadline))                                         \
            GOTO_OP(op + 1);                                                                                           \
        if (cpu->cycles + op[1].cost_before >= cpu->deadline)                                                          \
            FINISH();                                                                                                  \
        TRACE_HOOK(op + 1);                                                                                            \
        TAIL_CALL(cpu_go_on, op + 1);                                                                                  \
    } while (0)
#else
#define NEXT()                                                                                                         \
    do {                                                                                                               \
        COUNT_ACCESSES();                                                                                              \
        GOTO_OP(op + 1);                                                                                               \
    } while (0)
#endif

#define ENTER_BLOCK(b)                                                                                                 \
    do {                                                                                                               \
        if (VP_UNLIKELY(cpu->cycles + (b)->last_start >= cpu->deadline))                                               \
            LEFT();                                                                                                    \
        FETCH_HOOK(b);                                                                                                 \
        GOTO_OP((b)->ops);                                                                                             \
    } while (0)

#define JUMP(kind, which, new_rip)                                                                                     \
    do {                                                                                                               \
        uint64_t rip_ = (new_rip);                                                                                     \
        struct chain *chain_ = op_chain(op) + (which);                                                                 \
        BRANCH_HOOK(op, rip_, kind, (which) == 0);                                                                     \
        COUNT_ACCESSES();                                                                                              \
        book_through(cpu, op);                                                                                         \
        cpu->rip = rip_;                                                                                               \
        if (VP_LIKELY(chain_->gen == cpu->chain_gen))                                                                  \
            ENTER_BLOCK(chain_->block);                                                                                \
        cpu->link = chain_;                                                                                            \
        LEFT();                                                                                                        \
    } while (0)

#if defined(CPU_HOOKED)
#define BRANCH_HOOK(op, to, kind, taken) cpu_observe_branch(cpu, op, to, kind, taken)
#elif defined(CPU_UNASKED)
/* Conditional branches, which change nothing before it, go to the twin; others are asked for here. */
#define BRANCH_HOOK(op, to, kind, taken)                                                                               \
    do {                                                                                                               \
        if ((kind) == BRANCH_CONDITIONAL) {                                                                            \
            bool is_known_ = (cpu->mode & MODE_CODE64) && cpu_branch_is_known(cpu, op_rip(op), taken);                 \
            if (VP_UNLIKELY(!is_known_) && cpu->timing->model->branch_cost)                                            \
                MISS();                                                                                                \
        } else if ((kind) != BRANCH_JUMP || VP_UNLIKELY(!cpu->branches->jumps_are_free)) {                             \
            cpu_observe_branch(cpu, op, to, kind, taken);                                                              \
        }                                                                                                              \
    } while (0)
#else
#define BRANCH_HOOK(op, to, kind, taken) ((void)0)
#endif

#include "mem.h"

#endif
