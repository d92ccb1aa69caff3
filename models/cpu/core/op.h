/* SPDX-License-Identifier: Apache-2.0 */
/* Decoded code: operation records in blocks. A block is a run of instructions on one page that is entered at its first
 * record; each handler ends in a sibling call to the next record's handler. Blocks are cached by physical address,
 * linear RIP and mode (block.c), and chained to their successors by struct chain in the record after the last one. */
#ifndef CPU_OP_H
#define CPU_OP_H

#include <stdbool.h>
#include <stdint.h>

struct cpu;
struct op;

/* With sibling calls a handler runs the rest of the block and returns when threaded code is left. Without them
 * (debug, sanitizers) it returns the next record, or NULL to leave. */
#if defined(CPU_ENGINE_LOOP) && CPU_ENGINE_LOOP
typedef const struct op *op_result;
#else
typedef void op_result;
#endif
typedef op_result op_fn(struct cpu *cpu, const struct op *op);

#define OPF_MEM 0x01u    /* the r/m operand is memory                                    */
#define OPF_FLAT 0x02u   /* linear address = base + index*scale + disp: 64-bit, no base   */
#define OPF_ADDR32 0x04u /* 32-bit address size                                           */
#define OPF_ADDR16 0x08u /* 16-bit address size                                           */
#define OPF_LOCK 0x10u
#define OPF_REP 0x20u   /* F3 */
#define OPF_REPNE 0x40u /* F2 */

/* Register operands are byte offsets into cpu->gpr: 8 * number, plus 1 for AH..BH. */
struct op {
    op_fn *fn;
    uint64_t imm; /* immediate, sign-extended to the operand size; branch target            */
    int64_t disp; /* displacement, RIP already added                                        */
    uint8_t reg;  /* ModRM.reg operand, or register in the opcode (also CRn, DRn, Sreg: number) */
    uint8_t rm;   /* ModRM.r/m operand if not memory                                        */
    uint8_t base; /* byte offsets of address registers; REG_ZERO's where absent             */
    uint8_t index;
    uint8_t scale;        /* shift 0..3                                                             */
    uint8_t seg;          /* segment of the memory operand                                          */
    uint8_t size;         /* operand size in bytes: 1, 2, 4, 8                                      */
    uint8_t flags;        /* OPF_*                                                                  */
    uint16_t cost_before; /* cycles from the block's start to this instruction's start        */
    uint16_t cost_after;  /* ... to its end                                                    */
    uint16_t rip_offset;  /* of this instruction from the block's RIP                          */
    uint8_t length;
    uint8_t n; /* index in the block                                                     */
};

struct block;

/* A remembered successor: valid while gen equals cpu->chain_gen. */
struct chain {
    struct block *block;
    uint64_t gen;
};

#define BLOCK_ASKS (UINT64_MAX - 1) /* never a line's number */

struct block {
    uint64_t pa, rip;
    uint32_t mode;
    uint32_t last_start; /* cycles from the start of the first to the start of the last instruction */
    uint16_t length;     /* bytes                                                                    */
    uint8_t count;       /* instructions                                                             */
    bool crosses;        /* the last instruction continues on page2                                  */
    bool transient;      /* code in a device: not cached, its place in the arena is used again       */
    uint8_t lines;       /* ... of the code, from first_line on                                      */
    uint64_t first_line; /* linear address >> TIMING_LINE_SHIFT; BLOCK_ASKS: its fetch is always asked for */
    uint64_t page2;      /* its physical page                                                        */
    struct block *hash_next, *page_next;
    struct op ops[]; /* count records and one end record: its fn leads to the fall-through block */
};

/* The two successors of a block live where the record after a branch would be. */
static inline struct chain *op_chain(const struct op *op) { return (struct chain *)(uintptr_t)(op + 1); }

_Static_assert(sizeof(struct op) == 40, "operation records are 40 bytes");
_Static_assert(2 * sizeof(struct chain) <= sizeof(struct op), "two chains fit into a record");

/* Handlers by name: handlers.def. */
enum handler {
#define H1(name) H_##name,
#define H4(name) H_##name##_8, H_##name##_16, H_##name##_32, H_##name##_64,
#include "handlers.def"
#undef H1
#undef H4
    H_COUNT
};

/* A flavour of the handlers: handler.h. */
struct engine {
    op_fn *fn[H_COUNT];
    bool is_hooked; /* somebody is asked or told: the timing model, or the instruction trace */
};
extern const struct engine engine_plain, engine_timed, engine_observed;

#endif
