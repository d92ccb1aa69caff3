/* SPDX-License-Identifier: Apache-2.0 */
/* The cache of decoded blocks: found by physical address, linear RIP and mode; dropped by physical page. Blocks come
 * from one arena that is emptied as a whole when it is full, so a chain can never point to freed memory: everything
 * that points to blocks (chains, jump cache) carries the generation cpu->chain_gen, which any drop advances. */
#include "coverage.h"
#include "decode.h"
#include "handler.h"

#include <stdlib.h>
#include <string.h>

#define ARENA_BYTES (24u << 20)
#define HASH_SIZE 16384u
#define BLOCK_MAX_INSNS 48u

struct block_cache {
    struct block *by_code[HASH_SIZE];
    struct block *by_page[HASH_SIZE];
    struct jump_cache_entry jump_cache[JUMP_CACHE_SIZE];
    size_t used;
    unsigned crossing; /* blocks inserted with `crosses` since the arena was emptied */
    uint8_t *arena;
};

static unsigned hash_code(uint64_t pa, uint64_t rip, uint32_t mode)
{
    uint64_t h = (pa ^ (rip << 7) ^ ((uint64_t)mode << 40)) * 0x9e3779b97f4a7c15u;
    return (unsigned)(h >> 50) & (HASH_SIZE - 1);
}
static unsigned hash_page(uint64_t pa)
{
    return (unsigned)(((pa >> PAGE_SHIFT) * 0x9e3779b97f4a7c15u) >> 50) & (HASH_SIZE - 1);
}

struct block_cache *block_cache_create(struct cpu *cpu)
{
    struct block_cache *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->arena = malloc(ARENA_BYTES);
    if (!c->arena) {
        free(c);
        return NULL;
    }
    cpu->jump_cache = c->jump_cache;
    return c;
}

void block_cache_destroy(struct block_cache *c)
{
    if (!c)
        return;
    free(c->arena);
    free(c);
}

size_t block_place(const struct cpu *cpu, const struct op *op)
{
    return (size_t)((const uint8_t *)op - cpu->blocks->arena) / sizeof *op;
}

size_t block_places(void) { return ARENA_BYTES / sizeof(struct op) + 1; }

void block_drop_all(struct cpu *cpu)
{
    struct block_cache *c = cpu->blocks;
    memset(c->by_code, 0, sizeof c->by_code);
    memset(c->by_page, 0, sizeof c->by_page);
    c->used = 0;
    c->crossing = 0;
    cpu->chain_gen++;
    cpu->link = NULL;
}

static void unlink_code(struct block_cache *c, struct block *b)
{
    struct block **p = &c->by_code[hash_code(b->pa, b->rip, b->mode)];
    while (*p && *p != b)
        p = &(*p)->hash_next;
    if (*p)
        *p = b->hash_next;
}

void block_drop_page(struct cpu *cpu, uint64_t pa)
{
    struct block_cache *c = cpu->blocks;
    struct block **p = &c->by_page[hash_page(pa)];
    while (*p) {
        struct block *b = *p;
        if ((b->pa & PAGE_MASK) == pa) {
            unlink_code(c, b);
            *p = b->page_next;
            cpu->stats.blocks_dropped++;
        } else {
            p = &b->page_next;
        }
    }
    /* Blocks that begin on another page and end here: rare, so the whole table is looked through. */
    for (unsigned i = 0; i < HASH_SIZE && c->crossing != 0; i++)
        for (struct block **q = &c->by_code[i]; *q;) {
            if ((*q)->crosses && (*q)->page2 == pa) {
                struct block *b = *q;
                struct block **r = &c->by_page[hash_page(b->pa)];
                *q = b->hash_next;
                while (*r && *r != b)
                    r = &(*r)->page_next;
                if (*r)
                    *r = b->page_next;
                cpu->stats.blocks_dropped++;
            } else {
                q = &(*q)->hash_next;
            }
        }
    cpu->chain_gen++;
    cpu->link = NULL;
}

/* Physical address of a fetch at la; VP_FAULT: raised. */
static enum vp_status fetch_translate(struct cpu *cpu, uint64_t la, uint64_t *pa)
{
    if ((cpu->mode & MODE_CODE64) && !bits_is_canonical(la, CPU_LINEAR_WIDTH))
        return cpu_raise(cpu, EXC_GP, 0);
    enum mmu_view view = cpu->cpl == 3 ? MMU_USER : MMU_SUPERVISOR;
    struct tlb_entry *slot = &cpu->tlb_sets[view][(la >> PAGE_SHIFT) & (TLB_SIZE - 1)];
    if (VP_UNLIKELY(slot->exec != (la & PAGE_MASK))) {
        if (cpu_tlb_fill(cpu, la, ACCESS_EXEC, view) != VP_OK)
            return VP_FAULT;
    }
    *pa = slot->pa | (la & ~PAGE_MASK);
    return VP_OK;
}

/* Copies up to 15 bytes of code at la; stops at the page's end unless pa2 is given (page of the rest). */
static size_t fetch_bytes(struct cpu *cpu, uint64_t pa, uint8_t bytes[INSN_MAX_LENGTH])
{
    size_t n = PAGE_SIZE - (size_t)(pa & ~PAGE_MASK);
    if (n > INSN_MAX_LENGTH)
        n = INSN_MAX_LENGTH;
    const uint8_t *page = cpu_bus(cpu)->direct_page(cpu->bus.ctx, pa & PAGE_MASK);
    if (page)
        memcpy(bytes, page + (pa & ~PAGE_MASK), n);
    else
        cpu_bus(cpu)->read(cpu->bus.ctx, pa, bytes, (uint32_t)n);
    return n;
}

static uint32_t static_cost(struct cpu *cpu, const struct insn *in)
{
    struct access_kind access = access_kind(in);
    struct timing_insn t = {
        .cls = access.locked ? (uint32_t)TIMING_CLASS_locked : in->row->cls,
        .length = in->length,
        .operand_bytes = access.operand_bytes,
        .loads = access.loads,
        .stores = access.stores,
        .locked = access.locked,
        .mnemonic = in->row->mnemonic,
    };
    uint32_t cost = timing_insn_cost(cpu_timing(cpu), &t);
    return cost ? cost : 1; /* time must pass, or a loop could hang the simulator */
}

/* How many bytes at RIP the code segment's limit lets be fetched. At the largest limit addresses wrap, as the manual
 * allows. SDM Vol. 3, "Limit Checking". */
static uint64_t fetch_room(const struct cpu *cpu)
{
    uint64_t limit = cpu->seg[SEG_CS].limit;
    if ((cpu->mode & MODE_CODE64) || limit == UINT32_MAX)
        return UINT64_MAX;
    return cpu->rip > limit ? 0 : limit - cpu->rip + 1;
}

/* Decodes one instruction at la, of which `room` bytes may be fetched. DECODE_SHORT: it goes on on the next page, or
 * (may_cross) a fault is raised. *page2: page of the bytes past the end of this one. */
static enum decode_result decode_at(struct cpu *cpu, uint64_t la, uint64_t rip, uint64_t pa, uint64_t room,
                                    struct insn *in, bool may_cross, uint64_t *page2, bool *crosses)
{
    uint8_t bytes[2 * INSN_MAX_LENGTH];
    size_t have = fetch_bytes(cpu, pa, bytes);
    *crosses = false;
    enum decode_result result = decode(cpu->decoder, bytes, have, cpu->mode, rip, in);
    if (result != DECODE_SHORT || !may_cross)
        return result;
    if (have >= room) {
        (void)cpu_raise(cpu, EXC_GP, 0);
        return DECODE_SHORT;
    }
    uint64_t next_la = (la & PAGE_MASK) + PAGE_SIZE, next_pa;
    if (!(cpu->mode & MODE_CODE64))
        next_la = (uint32_t)next_la;
    if (fetch_translate(cpu, next_la, &next_pa) != VP_OK)
        return DECODE_SHORT;
    have += fetch_bytes(cpu, next_pa, bytes + have);
    *page2 = next_pa & PAGE_MASK;
    *crosses = true;
    return decode(cpu->decoder, bytes, have, cpu->mode, rip, in);
}

static struct block *arena_block(struct cpu *cpu)
{
    struct block_cache *c = cpu->blocks;
    size_t need = sizeof(struct block) + (BLOCK_MAX_INSNS + 2) * sizeof(struct op);
    if (c->used + need > ARENA_BYTES)
        block_drop_all(cpu);
    struct block *b = (struct block *)(void *)(c->arena + c->used);
    memset(b, 0, sizeof *b);
    return b;
}

/* What is no instruction and only faults. */
static void add_fault(struct cpu *cpu, struct op *op, unsigned handler)
{
    op->fn = cpu->engine->fn[handler];
    op->length = 1;
    if (cpu->coverage)
        coverage_translated(cpu, op, handler, COVERAGE_NO_ROW);
}

static struct block *build(struct cpu *cpu, uint64_t la, uint64_t pa, uint32_t mode)
{
    struct block *b = arena_block(cpu);
    unsigned limit = (mode & MODE_STEP) ? 1 : BLOCK_MAX_INSNS;
    struct translation_state state = {CC_KNOWN_NOTHING, 0};
    uint64_t at = 0, room = fetch_room(cpu);
    uint32_t cost = 0;
    bool ends = false;

    b->pa = pa;
    b->rip = cpu->rip;
    b->mode = mode;
    while (b->count < limit && !ends) {
        struct op *op = &b->ops[b->count];
        struct insn in;
        bool crosses;
        uint64_t page2 = 0, rip = cpu->rip + at;
        if (b->count > 0 && ((pa + at) ^ pa) & PAGE_MASK)
            break;
        if (at >= room)
            break;
        enum decode_result result =
            decode_at(cpu, la + at, rip, pa + at, room - at, &in, b->count == 0, &page2, &crosses);
        if (result == DECODE_SHORT) {
            if (b->count > 0)
                break;   /* continues on the next page: a block of its own */
            return NULL; /* the fetch of the second page faulted */
        }
        if (result == DECODE_TOO_LONG && b->count > 0)
            break;
        if (result == DECODE_OK && in.length > room - at) {
            if (b->count > 0)
                break;
            (void)cpu_raise(cpu, EXC_GP, 0);
            return NULL;
        }
        memset(op, 0, sizeof *op);
        op->n = b->count;
        op->rip_offset = (uint16_t)at;
        op->cost_before = (uint16_t)cost;
        if (result == DECODE_TOO_LONG) { /* more than 15 bytes: #GP(0) */
            add_fault(cpu, op, H_too_long);
            ends = true;
            cost++;
        } else if (result == DECODE_UNDEFINED) {
            add_fault(cpu, op, H_undefined);
            ends = true;
            cost++;
        } else {
            if (b->count > 0 && (in.row->flags & ROW_ALONE))
                break;
            translate(cpu, &in, rip, op, &state);
            ends = (in.row->flags & ROW_ENDS) != 0;
            b->crosses = crosses;
            b->page2 = page2;
            cost += static_cost(cpu, &in);
        }
        if (cost > 60000) { /* 16-bit cost fields: a dear instruction stands alone */
            if (b->count > 0)
                break;
            cost = cost > UINT16_MAX ? UINT16_MAX : cost;
            ends = true;
        }
        op->cost_after = (uint16_t)cost;
        b->last_start = op->cost_before;
        at += op->length;
        b->count++;
        if (crosses)
            break;
    }
    b->length = (uint16_t)at;
    b->first_line = BLOCK_ASKS;
    b->lines = 1;
    if ((mode & MODE_CODE64) && !b->crosses && at > 0) { /* elsewhere CS has a base that may change */
        b->first_line = la >> TIMING_LINE_SHIFT;
        b->lines = (uint8_t)(((la + at - 1) >> TIMING_LINE_SHIFT) - b->first_line + 1);
    }
    struct op *end = &b->ops[b->count];
    memset(end, 0, sizeof *end);
    if (!ends) {
        /* Falls through: the end record is a pseudo-operation whose chain is in the record after it. */
        end->fn = cpu->engine->fn[H_end_of_block];
        end->n = b->count;
        end->rip_offset = b->length;
        end->cost_before = end->cost_after = b->ops[b->count - 1].cost_after;
        memset(end + 1, 0, sizeof *end);
    }
    return b;
}

static void insert(struct cpu *cpu, struct block *b)
{
    struct block_cache *c = cpu->blocks;
    unsigned h = hash_code(b->pa, b->rip, b->mode), p = hash_page(b->pa);
    size_t size = sizeof *b + (b->count + 2u) * sizeof(struct op);
    c->used += (size + 15) & ~(size_t)15;
    b->hash_next = c->by_code[h];
    c->by_code[h] = b;
    b->page_next = c->by_page[p];
    c->by_page[p] = b;
    cpu->stats.blocks_decoded++;
    if (b->crosses) {
        c->crossing++;
        uint32_t first = PAGE_SIZE - (uint32_t)(b->pa & ~PAGE_MASK);
        code_map_mark(cpu->code_map, b->pa, first);
        code_map_mark(cpu->code_map, b->page2, b->length > first ? b->length - first : 1);
    } else {
        code_map_mark(cpu->code_map, b->pa, b->length);
    }
}

/* A block whose last instruction continues on another page is the same only while that page is. */
static bool second_page_holds(struct cpu *cpu, const struct block *b, uint64_t la, bool *fault)
{
    uint64_t pa, next = (la & PAGE_MASK) + PAGE_SIZE;
    if (!(cpu->mode & MODE_CODE64))
        next = (uint32_t)next;
    if (fetch_translate(cpu, next, &pa) != VP_OK) {
        *fault = true;
        return false;
    }
    return (pa & PAGE_MASK) == b->page2;
}

struct block *block_find(struct cpu *cpu, bool step)
{
    uint32_t mode = cpu->mode | (step ? MODE_STEP : 0);
    struct jump_cache_entry *slot = jump_cache_slot(cpu, cpu->rip);
    if (!step && slot->rip == cpu->rip && slot->gen == cpu->chain_gen && slot->mode == mode)
        return slot->block;

    uint64_t la = cpu->rip, pa, room = fetch_room(cpu);
    if (!(mode & MODE_CODE64)) {
        if (room == 0) {
            (void)cpu_raise(cpu, EXC_GP, 0);
            return NULL;
        }
        la = (uint32_t)(cpu->seg[SEG_CS].base + cpu->rip);
    } else if (!bits_is_canonical(la, CPU_LINEAR_WIDTH)) {
        (void)cpu_raise(cpu, EXC_GP, 0);
        return NULL;
    }
    if (fetch_translate(cpu, la, &pa) != VP_OK)
        return NULL;
    struct block *b = cpu->blocks->by_code[hash_code(pa, cpu->rip, mode)];
    for (; b; b = b->hash_next)
        if (b->pa == pa && b->rip == cpu->rip && b->mode == mode && b->length <= room) {
            bool fault = false;
            if (b->crosses && !second_page_holds(cpu, b, la, &fault)) {
                if (fault)
                    return NULL;
                continue;
            }
            break;
        }
    if (!b) {
        b = build(cpu, la, pa, mode);
        if (!b)
            return NULL;
        /* Code in a device is decoded anew each time: nobody would tell us that it changed. */
        if (cpu_bus(cpu)->direct_page(cpu->bus.ctx, pa & PAGE_MASK) == NULL) {
            b->transient = true;
            b->first_line = BLOCK_ASKS;
            return b;
        }
        insert(cpu, b);
    }
    if (!step && !b->crosses) {
        slot->rip = cpu->rip;
        slot->gen = cpu->chain_gen;
        slot->mode = mode;
        slot->block = b;
    }
    return b;
}
