/* SPDX-License-Identifier: Apache-2.0 */
/* MOVS STOS LODS SCAS CMPS INS OUTS, with repeat prefixes. One call of a worker runs as many iterations as may start
 * before cpu->deadline; each costs what the instruction costs. An interrupted instruction leaves RIP on itself,
 * registers and cycles as after the iterations that completed, and RF set for whatever interrupts it. Source: SDM Vol.
 * 2, "REP/REPE/REPZ/REPNE/REPNZ"; Vol. 1, "String Operations".
 *
 * Runs of elements that lie on one page each are moved as a whole through the translation cache; single elements go
 * where pages end, where an access misses, and with DF set. Where there are hooks, which want to see each access
 * that is not known to be free, a run ends with a line. */
#include "handler.h"

#include "flags.h"

#define ALWAYS_INLINE static inline __attribute__((always_inline))
#define WORKER static __attribute__((noinline))

/* Ends a string handler: on to the next block, without the branch hook of JUMP. The worker has charged all iterations.
 */
#define STRING_END(completed)                                                                                          \
    do {                                                                                                               \
        if (!(completed))                                                                                              \
            LEAVE();                                                                                                   \
        struct chain *chain_ = op_chain(op) + 1;                                                                       \
        uint64_t rip_ = op_next_rip(cpu, op);                                                                          \
        book_before(cpu, op);                                                                                          \
        cpu->insns++;                                                                                                  \
        cpu->rip = rip_;                                                                                               \
        if (VP_LIKELY(chain_->gen == cpu->chain_gen))                                                                  \
            ENTER_BLOCK(chain_->block);                                                                                \
        cpu->link = chain_;                                                                                            \
        LEFT();                                                                                                        \
    } while (0)

/* What stays the same through an instruction. */
struct string {
    uint64_t mask;    /* of the address size                                            */
    uint64_t count;   /* elements left                                                  */
    uint32_t cost;    /* cycles of an iteration                                         */
    uint32_t pending; /* events that were pending before: they cannot be taken yet      */
    bool rep, down;
};

ALWAYS_INLINE uint64_t address_mask(const struct op *op)
{
    return (op->flags & OPF_ADDR32) ? UINT32_MAX : (op->flags & OPF_ADDR16) ? UINT16_MAX : UINT64_MAX;
}

ALWAYS_INLINE struct string string_begin(const struct cpu *cpu, const struct op *op)
{
    struct string s = {.mask = address_mask(op), .count = 1, .cost = (uint32_t)op->cost_after - op->cost_before};
    s.rep = (op->flags & (OPF_REP | OPF_REPNE)) != 0;
    s.down = (cpu->rflags & FLAG_DF) != 0;
    s.pending = cpu->pending;
    if (s.rep)
        s.count = cpu->gpr[RCX] & s.mask;
    return s;
}

/* Writes of 32-bit address registers clear the upper half, of 16-bit ones leave the rest. */
ALWAYS_INLINE void set_address_register(struct cpu *cpu, int reg, uint64_t value, uint64_t mask)
{
    if (mask == UINT16_MAX)
        value = (cpu->gpr[reg] & ~mask) | (value & mask);
    cpu->gpr[reg] = mask == UINT32_MAX ? (uint32_t)value : value;
}

ALWAYS_INLINE void move_pointer(struct cpu *cpu, const struct string *s, int reg, uint64_t elements, unsigned size)
{
    uint64_t bytes = elements * size;
    set_address_register(cpu, reg, s->down ? cpu->gpr[reg] - bytes : cpu->gpr[reg] + bytes, s->mask);
}

/* `elements` iterations are complete: counts and charges them. */
ALWAYS_INLINE void count_down(struct cpu *cpu, struct string *s, uint64_t elements)
{
    cpu->cycles += elements * s->cost;
    s->count -= elements;
    if (s->rep)
        set_address_register(cpu, RCX, s->count, s->mask);
}

/* A repeated instruction that has iterations left: may the next begin? If not, it is interrupted here. */
ALWAYS_INLINE bool may_continue(struct cpu *cpu, const struct op *op, const struct string *s)
{
    if (VP_LIKELY(cpu->cycles + op->cost_before < cpu->deadline && (cpu->pending & ~s->pending) == 0 &&
                  !(cpu->rflags & FLAG_TF)))
        return true;
    cpu->rflags |= FLAG_RF; /* SDM Vol. 3, "Instruction-Breakpoint Exception Condition": pushed by what comes now */
    return false;
}

/* How many iterations may start before the deadline; the first always may. */
ALWAYS_INLINE uint64_t allowed_by_time(const struct cpu *cpu, const struct op *op, const struct string *s)
{
    uint64_t start = cpu->cycles + op->cost_before;
    uint64_t left = cpu->deadline > start ? cpu->deadline - start : 1;
    if (VP_UNLIKELY(cpu->rflags & FLAG_TF))
        return 1;
    if (VP_LIKELY(s->count <= PAGE_SIZE && s->count * s->cost <= left))
        return s->count;
    uint64_t n = (left - 1) / s->cost + 1;
    return s->count < n ? s->count : n;
}

/* Linear address of an element. In 64-bit mode the translation cache holds only canonical addresses, and a miss checks.
 */
ALWAYS_INLINE uint64_t element_address(struct cpu *cpu, int seg, uint64_t offset, unsigned size, bool write)
{
    if (VP_LIKELY(cpu->mode & MODE_CODE64))
        return offset + (seg == SEG_FS || seg == SEG_GS ? cpu->seg[seg].base : 0);
    return cpu_segment_address(cpu, seg, offset, size, write);
}

/* Elements that lie wholly between `la` (offset in seg) and the end of its page, of the segment and of the address
 * size. The first has passed the segment checks. */
ALWAYS_INLINE uint64_t room(const struct cpu *cpu, const struct string *s, int seg, uint64_t la, uint64_t offset,
                            unsigned size)
{
    uint64_t bytes = PAGE_SIZE - (la & ~PAGE_MASK);
    if (VP_UNLIKELY(s->mask - offset < bytes))
        bytes = s->mask - offset + 1;
    if (VP_UNLIKELY(!(cpu->mode & MODE_CODE64))) {
        const struct segment *g = &cpu->seg[seg];
        if ((g->attr & SEG_ATTR_S) && (g->attr & 0xcu) == 0x4u)
            return 0; /* expand-down: one by one */
        if (g->limit - offset < bytes)
            bytes = g->limit - offset + 1;
    }
    return bytes / size;
}

ALWAYS_INLINE uint64_t smaller(uint64_t a, uint64_t b) { return a < b ? a : b; }

/* The lines of an element's two accesses, if the next element's need not be asked for: struct timing_model, keeps_two.
 */
struct turn {
    uint64_t first, second;
};
#define NO_TURN ((struct turn){TIMING_NO_LINE, TIMING_NO_LINE})

/* Elements from la on that need no hook, 0: the next one does. count_unasked() must be told how many were then
 * accessed. */
#ifdef CPU_HOOKED
ALWAYS_INLINE uint64_t room_in_line(uint64_t la, unsigned size)
{
    uint64_t bytes = UINT64_C(1) << TIMING_LINE_SHIFT;
    return (bytes - (la & (bytes - 1))) / size;
}
ALWAYS_INLINE uint64_t unasked(struct cpu *cpu, uint64_t la, unsigned size, int access)
{
    bool known = is_known_line(cpu_known_lines(cpu, access), la >> TIMING_LINE_SHIFT);
    return known ? room_in_line(la, size) : 0;
}
ALWAYS_INLINE uint64_t unasked_pairs(struct cpu *cpu, const struct turn *turn, uint64_t first, int first_access,
                                     uint64_t second, int second_access, unsigned size)
{
    uint64_t a = first >> TIMING_LINE_SHIFT, b = second >> TIMING_LINE_SHIFT;
    bool known = (turn->first == a && turn->second == b) || (is_known_line(cpu_known_lines(cpu, first_access), a) &&
                                                             is_known_line(cpu_known_lines(cpu, second_access), b));
    return known ? smaller(room_in_line(first, size), room_in_line(second, size)) : 0;
}
ALWAYS_INLINE void count_unasked(struct cpu *cpu, uint64_t elements, int access)
{
    cpu_known_lines(cpu, access)->hits += elements;
}
/* After an element's accesses were asked for, the first at the cycle `start`. If they took time, one may have thrown
 * the other out. One that straddles lines ends in others, so no element follows it here. */
ALWAYS_INLINE struct turn turn_after(const struct cpu *cpu, uint64_t start, uint64_t first, uint64_t second)
{
    bool free = cpu->keeps_two && cpu->cycles == start;
    return free ? (struct turn){first >> TIMING_LINE_SHIFT, second >> TIMING_LINE_SHIFT} : NO_TURN;
}
#else
#define unasked(cpu, la, size, access) UINT64_MAX
#define unasked_pairs(cpu, turn, first, first_access, second, second_access, size) ((void)(turn), UINT64_MAX)
#define count_unasked(cpu, elements, access) ((void)0)
#define turn_after(cpu, start, first, second) ((void)(start), NO_TURN)
#endif

ALWAYS_INLINE uint64_t peek(const uint8_t *p, unsigned size)
{
    uint64_t v = 0;
    memcpy(&v, p, size);
    return v;
}

/* Host address of the element at la, NULL if it takes the slow path. */
ALWAYS_INLINE uint8_t *host_read(const struct cpu *cpu, uint64_t la, unsigned size)
{
    const struct tlb_entry *slot = tlb_slot(cpu, la);
    return TLB_HIT(slot, read, la, size) ? (uint8_t *)(slot->host + la) : NULL;
}

ALWAYS_INLINE uint8_t *host_write(const struct cpu *cpu, uint64_t la, unsigned size)
{
    const struct tlb_entry *slot = tlb_slot(cpu, la);
    return TLB_HIT(slot, write, la, size) ? (uint8_t *)(slot->host + la) : NULL;
}

/* One element; on a fault cpu->leave is set. */
ALWAYS_INLINE uint64_t load(struct cpu *cpu, uint64_t la, unsigned size)
{
    const uint8_t *p = host_read(cpu, la, size);
    uint64_t v = p ? peek(p, size) : cpu_mem_read_slow(cpu, la, size);
    if (VP_LIKELY(cpu->leave == LEAVE_NONE))
        MEM_HOOK(la, size, TIMING_LOAD);
    return v;
}

ALWAYS_INLINE void store(struct cpu *cpu, uint64_t la, uint64_t value, unsigned size)
{
    uint8_t *p = host_write(cpu, la, size);
    if (p)
        memcpy(p, &value, size);
    else
        cpu_mem_write_slow(cpu, la, value, size);
    if (VP_LIKELY(cpu->leave == LEAVE_NONE))
        MEM_HOOK(la, size, TIMING_STORE);
}

#define FAULTED() VP_UNLIKELY(cpu->leave != LEAVE_NONE)

/* A repeat count of 0: nothing happens, which takes one iteration's time. */
#define NOTHING_TO_DO(s)                                                                                               \
    do {                                                                                                               \
        if (VP_UNLIKELY((s).count == 0)) {                                                                             \
            cpu->cycles += (s).cost;                                                                                   \
            return true;                                                                                               \
        }                                                                                                              \
    } while (0)

/* Workers: true if the instruction is complete, false if it was interrupted or cpu->leave is set. */

/* Upward copy in element order: where the destination begins inside the source, elements just written are read again.
 */
ALWAYS_INLINE void copy_up(uint8_t *dst, const uint8_t *src, uint64_t elements, unsigned size)
{
    if (VP_LIKELY((uintptr_t)dst - (uintptr_t)src >= elements * size)) {
        memmove(dst, src, elements * size);
        return;
    }
    for (uint64_t i = 0; i < elements; i++) {
        uint64_t v = peek(src + i * size, size);
        memcpy(dst + i * size, &v, size);
    }
}

ALWAYS_INLINE bool movs(struct cpu *cpu, const struct op *op, unsigned size)
{
    struct string s = string_begin(cpu, op);
    int seg = op->seg;
    struct turn turn = NO_TURN;

    NOTHING_TO_DO(s);
    for (;;) {
        uint64_t from = cpu->gpr[RSI] & s.mask, to = cpu->gpr[RDI] & s.mask, n = 0;
        uint64_t src_la = element_address(cpu, seg, from, size, false);
        if (FAULTED())
            return false;
        uint64_t dst_la = element_address(cpu, SEG_ES, to, size, true);
        if (FAULTED())
            return false;
        if (VP_LIKELY(!s.down)) {
            const uint8_t *src = host_read(cpu, src_la, size);
            uint8_t *dst = host_write(cpu, dst_la, size);
            if (VP_LIKELY(src && dst)) {
                n = smaller(room(cpu, &s, seg, src_la, from, size), room(cpu, &s, SEG_ES, dst_la, to, size));
                n = smaller(n, unasked_pairs(cpu, &turn, src_la, TIMING_LOAD, dst_la, TIMING_STORE, size));
                n = smaller(n, allowed_by_time(cpu, op, &s));
                copy_up(dst, src, n, size);
                count_unasked(cpu, n, TIMING_LOAD);
                count_unasked(cpu, n, TIMING_STORE);
            }
        }
        if (n == 0) {
            uint64_t start = cpu->cycles, v = load(cpu, src_la, size);
            if (FAULTED())
                return false;
            store(cpu, dst_la, v, size);
            if (FAULTED())
                return false;
            turn = turn_after(cpu, start, src_la, dst_la);
            n = 1;
        }
        move_pointer(cpu, &s, RSI, n, size);
        move_pointer(cpu, &s, RDI, n, size);
        count_down(cpu, &s, n);
        if (s.count == 0)
            return true;
        if (!may_continue(cpu, op, &s))
            return false;
    }
}

ALWAYS_INLINE void fill_up(uint8_t *dst, uint64_t value, uint64_t elements, unsigned size)
{
    uint64_t byte = value & 0xff;
    if (size == 1 || value == (byte * 0x0101010101010101u & (UINT64_MAX >> (64 - 8 * size)))) {
        memset(dst, (int)byte, elements * size);
        return;
    }
    for (uint64_t i = 0; i < elements; i++)
        memcpy(dst + i * size, &value, size);
}

ALWAYS_INLINE bool stos(struct cpu *cpu, const struct op *op, unsigned size)
{
    struct string s = string_begin(cpu, op);
    uint64_t value = cpu->gpr[RAX] & (UINT64_MAX >> (64 - 8 * size));

    NOTHING_TO_DO(s);
    for (;;) {
        uint64_t to = cpu->gpr[RDI] & s.mask, n = 0;
        uint64_t la = element_address(cpu, SEG_ES, to, size, true);
        if (FAULTED())
            return false;
        if (VP_LIKELY(!s.down)) {
            uint8_t *dst = host_write(cpu, la, size);
            if (VP_LIKELY(dst != NULL)) {
                n = smaller(room(cpu, &s, SEG_ES, la, to, size), allowed_by_time(cpu, op, &s));
                n = smaller(n, unasked(cpu, la, size, TIMING_STORE));
                fill_up(dst, value, n, size);
                count_unasked(cpu, n, TIMING_STORE);
            }
        }
        if (n == 0) {
            store(cpu, la, value, size);
            if (FAULTED())
                return false;
            n = 1;
        }
        move_pointer(cpu, &s, RDI, n, size);
        count_down(cpu, &s, n);
        if (s.count == 0)
            return true;
        if (!may_continue(cpu, op, &s))
            return false;
    }
}

ALWAYS_INLINE void set_accumulator(struct cpu *cpu, uint64_t v, unsigned size)
{
    if (size >= 4)
        cpu->gpr[RAX] = v;
    else
        memcpy(&cpu->gpr[RAX], &v, size);
}

/* Repeated LODS keeps the last element. */
ALWAYS_INLINE bool lods(struct cpu *cpu, const struct op *op, unsigned size)
{
    struct string s = string_begin(cpu, op);
    int seg = op->seg;

    NOTHING_TO_DO(s);
    for (;;) {
        uint64_t from = cpu->gpr[RSI] & s.mask, n = 0, v;
        uint64_t la = element_address(cpu, seg, from, size, false);
        if (FAULTED())
            return false;
        const uint8_t *src = !s.down ? host_read(cpu, la, size) : NULL;
        if (src) {
            n = smaller(room(cpu, &s, seg, la, from, size), allowed_by_time(cpu, op, &s));
            n = smaller(n, unasked(cpu, la, size, TIMING_LOAD));
        }
        if (n == 0) {
            v = load(cpu, la, size);
            if (FAULTED())
                return false;
            n = 1;
        } else {
            v = peek(src + (n - 1) * size, size);
            count_unasked(cpu, n, TIMING_LOAD);
        }
        set_accumulator(cpu, v, size);
        move_pointer(cpu, &s, RSI, n, size);
        count_down(cpu, &s, n);
        if (s.count == 0)
            return true;
        if (!may_continue(cpu, op, &s))
            return false;
    }
}

/* Flags of a - b. */
ALWAYS_INLINE void set_compare_flags(struct cpu *cpu, uint64_t a, uint64_t b, unsigned size)
{
    cpu->cc_op = CC_SUB8 + (unsigned)__builtin_ctz(size);
    cpu->cc_dst = (a - b) & (UINT64_MAX >> (64 - 8 * size));
    cpu->cc_src = b;
}

/* Does this comparison end REPE or REPNE? */
ALWAYS_INLINE bool ends_repeat(const struct op *op, uint64_t a, uint64_t b)
{
    return (op->flags & OPF_REPNE) ? a == b : a != b;
}

/* How many of n elements are compared: up to and including the first that ends the repetition. */
ALWAYS_INLINE uint64_t scan(const struct op *op, const uint8_t *p, uint64_t value, uint64_t n, unsigned size)
{
    if (size == 1 && (op->flags & OPF_REPNE)) {
        const uint8_t *hit = memchr(p, (int)value, n);
        return hit ? (uint64_t)(hit - p) + 1 : n;
    }
    for (uint64_t i = 0; i < n; i++)
        if (ends_repeat(op, value, peek(p + i * size, size)))
            return i + 1;
    return n;
}

/* After a fault the flags are those before the instruction: SDM Vol. 2, "REP", so they are set where it ends or is
 * interrupted. */
ALWAYS_INLINE bool scas(struct cpu *cpu, const struct op *op, unsigned size)
{
    struct string s = string_begin(cpu, op);
    uint64_t value = cpu->gpr[RAX] & (UINT64_MAX >> (64 - 8 * size));

    NOTHING_TO_DO(s);
    for (;;) {
        uint64_t at = cpu->gpr[RDI] & s.mask, n = 0, v;
        uint64_t la = element_address(cpu, SEG_ES, at, size, false);
        if (FAULTED())
            return false;
        const uint8_t *p = !s.down ? host_read(cpu, la, size) : NULL;
        if (p) {
            n = smaller(room(cpu, &s, SEG_ES, la, at, size), allowed_by_time(cpu, op, &s));
            n = smaller(n, unasked(cpu, la, size, TIMING_LOAD));
        }
        if (n == 0) {
            v = load(cpu, la, size);
            if (FAULTED())
                return false;
            n = 1;
        } else {
            n = scan(op, p, value, n, size);
            v = peek(p + (n - 1) * size, size);
            count_unasked(cpu, n, TIMING_LOAD);
        }
        move_pointer(cpu, &s, RDI, n, size);
        count_down(cpu, &s, n);
        bool ends = s.count == 0 || ends_repeat(op, value, v);
        if (ends || !may_continue(cpu, op, &s)) {
            set_compare_flags(cpu, value, v, size);
            return ends;
        }
    }
}

/* How many of n pairs are compared. REPE, the usual case, goes over equal memory by eight bytes. */
ALWAYS_INLINE uint64_t match(const struct op *op, const uint8_t *a, const uint8_t *b, uint64_t n, unsigned size)
{
    uint64_t i = 0, step = 8 / size;
    if (!(op->flags & OPF_REPNE))
        while (n - i >= step && peek(a + i * size, 8) == peek(b + i * size, 8))
            i += step;
    for (; i < n; i++)
        if (ends_repeat(op, peek(a + i * size, size), peek(b + i * size, size)))
            return i + 1;
    return n;
}

ALWAYS_INLINE bool cmps(struct cpu *cpu, const struct op *op, unsigned size)
{
    struct string s = string_begin(cpu, op);
    int seg = op->seg;
    struct turn turn = NO_TURN;

    NOTHING_TO_DO(s);
    for (;;) {
        uint64_t first = cpu->gpr[RSI] & s.mask, second = cpu->gpr[RDI] & s.mask, n = 0, a, b;
        uint64_t a_la = element_address(cpu, seg, first, size, false);
        if (FAULTED())
            return false;
        uint64_t b_la = element_address(cpu, SEG_ES, second, size, false);
        if (FAULTED())
            return false;
        const uint8_t *pa = !s.down ? host_read(cpu, a_la, size) : NULL;
        const uint8_t *pb = !s.down ? host_read(cpu, b_la, size) : NULL;
        if (pa && pb) {
            n = smaller(room(cpu, &s, seg, a_la, first, size), room(cpu, &s, SEG_ES, b_la, second, size));
            n = smaller(n, unasked_pairs(cpu, &turn, a_la, TIMING_LOAD, b_la, TIMING_LOAD, size));
            n = smaller(n, allowed_by_time(cpu, op, &s));
        }
        if (n == 0) {
            uint64_t start = cpu->cycles;
            a = load(cpu, a_la, size);
            if (FAULTED())
                return false;
            b = load(cpu, b_la, size);
            if (FAULTED())
                return false;
            turn = turn_after(cpu, start, a_la, b_la);
            n = 1;
        } else {
            n = match(op, pa, pb, n, size);
            a = peek(pa + (n - 1) * size, size);
            b = peek(pb + (n - 1) * size, size);
            count_unasked(cpu, 2 * n, TIMING_LOAD);
        }
        move_pointer(cpu, &s, RSI, n, size);
        move_pointer(cpu, &s, RDI, n, size);
        count_down(cpu, &s, n);
        bool ends = s.count == 0 || ends_repeat(op, a, b);
        if (ends || !may_continue(cpu, op, &s)) {
            set_compare_flags(cpu, a, b, size);
            return ends;
        }
    }
}

/* INS and OUTS: each element is an access to the port, at its own time. */
ALWAYS_INLINE bool ins(struct cpu *cpu, const struct op *op, unsigned size)
{
    struct string s = string_begin(cpu, op);
    uint16_t port = (uint16_t)cpu->gpr[RDX];

    if (cpu_check_io(cpu, port, size) != VP_OK)
        return false;
    NOTHING_TO_DO(s);
    for (;;) {
        uint64_t la = element_address(cpu, SEG_ES, cpu->gpr[RDI] & s.mask, size, true);
        if (FAULTED())
            return false;
        /* The port is read only once it is certain that its value can be stored. */
        if (!host_write(cpu, la, size)) {
            if (!cpu->stepping) {
                cpu->leave = LEAVE_RESTART;
                return false;
            }
            if (cpu_view_probe_write(cpu, cpu_current_view(cpu), la, size) != VP_OK)
                return false;
        }
        store(cpu, la, cpu_bus(cpu)->io_read(cpu->bus.ctx, port, size), size);
        if (FAULTED())
            return false;
        move_pointer(cpu, &s, RDI, 1, size);
        count_down(cpu, &s, 1);
        if (s.count == 0)
            return true;
        if (!may_continue(cpu, op, &s))
            return false;
    }
}

ALWAYS_INLINE bool outs(struct cpu *cpu, const struct op *op, unsigned size)
{
    struct string s = string_begin(cpu, op);
    uint16_t port = (uint16_t)cpu->gpr[RDX];

    if (cpu_check_io(cpu, port, size) != VP_OK)
        return false;
    NOTHING_TO_DO(s);
    for (;;) {
        uint64_t la = element_address(cpu, op->seg, cpu->gpr[RSI] & s.mask, size, false);
        if (FAULTED())
            return false;
        uint64_t v = load(cpu, la, size);
        if (FAULTED())
            return false;
        cpu_bus(cpu)->io_write(cpu->bus.ctx, port, size, (uint32_t)v);
        cpu->free_write = false; /* for OUT only: see cpu_write_is_free */
        move_pointer(cpu, &s, RSI, 1, size);
        count_down(cpu, &s, 1);
        if (s.count == 0)
            return true;
        if (!may_continue(cpu, op, &s))
            return false;
    }
}

/* The workers are functions of their own, so that the handlers keep nothing on the stack. */
#define STRING(name, bits, size)                                                                                       \
    WORKER bool name##_worker_##bits(struct cpu *cpu, const struct op *op) { return name(cpu, op, size); }             \
    OP(name##_##bits) { STRING_END(name##_worker_##bits(cpu, op)); }
#define STRING_SIZES(name) STRING(name, 8, 1) STRING(name, 16, 2) STRING(name, 32, 4) STRING(name, 64, 8)

STRING_SIZES(movs)
STRING_SIZES(stos)
STRING_SIZES(lods)
STRING_SIZES(scas)
STRING_SIZES(cmps)
/* Ports are at most 32 bits wide: REX.W changes nothing. */
STRING(ins, 8, 1)
STRING(ins, 16, 2)
STRING(ins, 32, 4)
STRING(ins, 64, 4)
STRING(outs, 8, 1)
STRING(outs, 16, 2)
STRING(outs, 32, 4)
STRING(outs, 64, 4)
