/* SPDX-License-Identifier: Apache-2.0 */
/* The ABI of a timing model: what everything costs, in cycles of the core's clock (uint32).
 *
 * The models report what happened; the timing model answers what it cost. A model is one constant table of
 * functions; each hook may be NULL and then costs nothing, in cycles and at run time. A shared object exports
 *     const struct timing_model *uintr_vp_timing_model(void);
 * and is loaded with --timing ./mine.so. Costs above TIMING_COST_MAX are an error of the model.
 * Instances share nothing: create may be called several times in one process. Hooks are called from one thread, and
 * must neither throw exceptions nor end the process. Strings in the tables live as long as the shared object. Nothing
 * but the standard headers is needed.
 *
 * How this header grows. TIMING_ABI_VERSION changes only when a model that was built against an older header can no
 * longer be used. Otherwise:
 *   - struct timing_model grows at its end. Its struct_size tells which hooks the model knows; those beyond it count as
 *     NULL. A longer one than the platform's is refused.
 *   - so do the structures that the platform passes: what it passes is never shorter than the model's header says. The
 *     model states the size of struct timing_setup there (setup_size), and one that wants a longer struct timing_setup
 *     than the platform has is refused. 0, or a struct_size that ends before setup_size: the first edition of the
 *     structure. A header in which another structure that is passed grows lets timing_setup grow as well, so that
 *     setup_size tells it.
 *   - what the model hands to the platform, struct timing_filter and struct timing_branches with what they consist of,
 *     does not grow.
 *   - the lists of classes and events grow at their end. A model answers 0 to a number that it does not know (1 for a
 *     class).
 */
#ifndef UINTR_VP_TIMING_MODEL_H
#define UINTR_VP_TIMING_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TIMING_ABI_VERSION 1u
#define TIMING_COST_MAX 1000000u /* cycles; the largest answer that is believed */

/* One parameter, set as timing.<name>. A name is of letters, digits, '_' and '-', and not "model": timing.model chooses
 * the model. An enumeration has its values' names in `unit`, separated by bars ("on|off");
 * users write a name, the model is given its index. */
struct timing_param {
    const char *name;
    const char *unit; /* "cycles", "bytes", ...; "" for a pure number */
    double default_value, min, max;
    const char *sentence; /* what it is, one sentence                 */
    const char *source;   /* where the default comes from             */
};

struct timing_setup {
    uint32_t cores;
    uint64_t clock_hz;
    const double *values; /* one per parameter, in the order of params */
    /* Since the first edition of version 1 (TIMING_SETUP_FIRST_SIZE). */
    /* Extra cycles of a line's way from one core's cache to another's, as the interconnect is built; NULL: none. */
    uint32_t (*distance)(void *distance_ctx, uint32_t from_core, uint32_t to_core);
    void *distance_ctx;
    /* The same from a core to the slice of the shared cache that has a line (physical address >> TIMING_LINE_SHIFT);
     * distance_ctx; NULL: none. */
    uint32_t (*slice_distance)(void *distance_ctx, uint32_t core, uint64_t line);
    /* The same two for a line that leaves at `cycle` and takes the links on its way: waiting for links that are taken
     * is in the answer. to_core false: it goes from the core to the slice. distance_ctx; NULL where distance is. */
    uint32_t (*send_between)(void *distance_ctx, uint32_t from_core, uint32_t to_core, uint64_t cycle);
    uint32_t (*send_slice)(void *distance_ctx, uint32_t core, uint64_t line, bool to_core, uint64_t cycle);
};

#define TIMING_SETUP_FIRST_SIZE offsetof(struct timing_setup, distance) /* least setup_size but 0 */

/* Class of an instruction: what insn_cost may depend on. */
enum timing_class {
#define TIMING_CLASS(name, sentence) TIMING_CLASS_##name,
#include "timing_class.def"
#undef TIMING_CLASS
    TIMING_CLASS_COUNT
};

struct timing_insn {
    uint32_t cls; /* enum timing_class */
    uint8_t length;
    /* Of the operand in memory, else of the destination, in bytes: 1, 2, 4, 8, 16; 4 or 8 of an instruction on one
     * element of an XMM register; 10 of the x87; 4, 6 or 10 of a far pointer, 6 or 10 of GDTR and IDTR; one element of
     * a string, one value on the stack, also of PUSHA, IRET and far transfers. 0: an area (FXSAVE, XSAVE, FNSAVE,
     * FNSTENV and their restores). Without an operand the operand size of the encoding, which means nothing then. */
    uint8_t operand_bytes;
    /* Does it read and write memory, through operands, stack, string, table (XLAT) or area? Not counted: what only an
     * address is needed of (LEA, PREFETCH, CLFLUSH, INVLPG, NOP), descriptors, and the tables of the UINTR unit. By its
     * encoding: a condition or a count of 0 may leave an access out. locked: LOCK prefix, or XCHG with memory. */
    bool loads, stores, locked;
    const char *mnemonic; /* lower case */
};

/* LOAD, STORE, MODIFY: operands, stacks, descriptors, and what the UINTR unit reads and writes (UITT, UPID, pushes and
 * pops), in memory; devices are event mmio. FETCH: the code of a block, when it is entered. WALK: an entry of the
 * paging structures that the simulated core read because its own cache of translations had none (linear: what is
 * translated). A model with translation caches of its own ignores WALK and asks `walk`. */
enum timing_access { TIMING_LOAD, TIMING_STORE, TIMING_MODIFY, TIMING_FETCH, TIMING_WALK };

/* The entries of the paging structures that translate an address, from the root. */
#define TIMING_WALK_MAX 5
struct timing_walk {
    uint32_t count;
    uint32_t page_shift; /* of the page: 12, 21, 22 or 30 */
    bool global;
    uint64_t entry[TIMING_WALK_MAX]; /* physical addresses */
};

struct timing_mem {
    uint32_t core;
    uint32_t access; /* enum timing_access */
    uint64_t linear, physical;
    uint32_t bytes;
    bool supervisor;
    uint64_t cycle; /* when: at the beginning of the block of instructions, and what accesses have cost since */
    /* How the address is translated now, without side effects. False: not at all; *walk has the entries up to the one
     * that says so. NULL while paging is off. */
    bool (*walk)(void *walk_ctx, uint64_t linear, struct timing_walk *walk);
    void *walk_ctx;
};

struct timing_branch {
    uint32_t core;
    uint64_t from, to; /* linear addresses */
    bool taken, conditional, indirect, call, ret;
    uint64_t next; /* the instruction after it: where a call will return to */
};

/* What instructions ask of the caches. The list grows at its end; a model answers 0 to what it does not know. */
enum timing_cache_op {
    TIMING_CACHE_FLUSH,          /* CLFLUSH, CLFLUSHOPT: the line leaves every cache of every core      */
    TIMING_CACHE_WRITE_BACK,     /* CLWB: what was written goes to memory, the line may stay            */
    TIMING_CACHE_PREFETCH,       /* PREFETCHh: the line will be read                                    */
    TIMING_CACHE_PREFETCH_WRITE, /* PREFETCHW: it will be written                                       */
    TIMING_CACHE_FLUSH_ALL,      /* INVD, WBINVD: every line leaves the core's caches and the shared one */
};

/* What a core forgets of its translations. */
enum timing_flush { TIMING_FLUSH_PAGE, TIMING_FLUSH_NOT_GLOBAL, TIMING_FLUSH_ALL };

/* What need not be asked. A model may keep, per core, lines of which it knows that an access costs nothing and changes
 * nothing: the core looks there before it fills in a struct timing_mem, counts, and goes on. An access counts as known
 * if it lies within one line and line[number & mask] is its number (linear address >> TIMING_LINE_SHIFT).
 *   load    for TIMING_LOAD, store for TIMING_STORE and TIMING_MODIFY, fetch for TIMING_FETCH: each line of a block
 * The model writes line, in its hooks and whenever another core's access ends what it knew; mask it writes before
 * `filter` answers and never again; the core writes hits. A linear address is known in the current address space only:
 * on tlb_flush the model forgets. */
#define TIMING_LINE_SHIFT 6
#define TIMING_LINES 64u          /* mask is at most TIMING_LINES - 1 */
#define TIMING_NO_LINE UINT64_MAX /* no line's number */
struct timing_lines {
    uint64_t mask;
    uint64_t hits; /* accesses (fetch: lines) that were not asked for */
    uint64_t line[TIMING_LINES];
};
struct timing_filter {
    struct timing_lines load, store, fetch;
};

/* Branches that need not be asked about, of one core: conditional ones in 64-bit mode of which the model knows that,
 * met again with the same outcome and after the same history, they cost nothing and change nothing but the history.
 * One counts as known if the entry at its place holds its address, outcome and history; the core then shifts the
 * outcome into the history, counts, and goes on. After a branch that was asked about, the model has the history in its
 * own hands. The model enters what it knows and removes it when it is no longer true; the core writes history and hits.
 */
#define TIMING_BRANCHES 512u
struct timing_known_branch {
    uint64_t branch; /* timing_branch_key(); 0: none */
    uint64_t history;
};
struct timing_branches {
    uint64_t history;    /* for example: the outcomes of branches, the latest in bit 0                    */
    uint64_t hits;       /* branches that were not asked about                                            */
    bool jumps_are_free; /* direct jumps, neither conditional nor calls, cost nothing and change nothing  */
    struct timing_known_branch known[TIMING_BRANCHES];
};
static inline uint64_t timing_branch_key(uint64_t from, bool taken) { return from << 2 | (uint64_t)taken << 1 | 1; }
static inline struct timing_known_branch *timing_branch_at(struct timing_branches *b, uint64_t from)
{
    uint64_t place = from ^ from >> 9 ^ b->history ^ b->history >> 9;
    return &b->known[place & (TIMING_BRANCHES - 1)];
}

/* Events other than plain execution. */
enum timing_event {
#define TIMING_EVENT(name, sentence) TIMING_EVENT_##name,
#include "timing_event.def"
#undef TIMING_EVENT
    TIMING_EVENT_COUNT
};

/* The stages of a user interrupt, in order. */
enum timing_stage {
#define TIMING_STAGE(name, from, to) TIMING_STAGE_##name,
#include "timing_stage.def"
#undef TIMING_STAGE
    TIMING_STAGE_COUNT
};

struct timing_ipi {
    uint32_t from_core; /* the number of cores: a device's message (I/O APIC, MSI) */
    uint32_t to_core;
    uint8_t vector;
    bool user;
    uint64_t cycle; /* when it leaves */
};

struct timing_model {
    uint32_t abi_version; /* TIMING_ABI_VERSION */
    uint32_t struct_size; /* sizeof(struct timing_model) */
    const char *name, *summary;
    const struct timing_param *params;
    size_t param_count;
    /* NULL on failure, with a sentence in error (error_size bytes). */
    void *(*create)(const struct timing_setup *setup, char *error, size_t error_size);
    void (*destroy)(void *model);
    uint32_t (*insn_cost)(void *model,
                          const struct timing_insn *insn); /* asked once per decoded instruction; 0 counts as 1 */
    uint32_t (*mem_cost)(void *model, const struct timing_mem *access); /* cycles on top of insn_cost               */
    uint32_t (*branch_cost)(void *model, const struct timing_branch *branch);
    uint32_t (*event_cost)(void *model, uint32_t core, uint32_t event); /* enum timing_event                        */
    /* Cost of a stage that the core executes (post, issue, accept, notify, deliver, return). The others (travel, hold,
     * handle) are not asked: they follow from the interconnect and from what the guest does. */
    uint32_t (*uintr_cost)(void *model, uint32_t core, uint32_t stage, uint64_t upid_physical);
    uint32_t (*ipi_latency)(void *model, const struct timing_ipi *ipi); /* added to the interconnect's latency      */
    /* Statistics at the end, under timing.<name>. Names nest with dots, [n] is an element of an array (below 4096):
     * "cores[1].caches.hits"; parts are of letters, digits, '_' and '-'. unit may be "", nothing may be NULL. */
    void (*report)(void *model, void *ctx,
                   void (*put)(void *ctx, const char *name, double value, const char *unit, const char *sentence));
    /* Since the first edition of version 1 (TIMING_FIRST_SIZE). */
    void (*tlb_flush)(void *model, uint32_t core, uint32_t scope, uint64_t linear); /* enum timing_flush */
    /* What mem_cost need not be asked about; the model's own, as long as it lives. NULL: ask always. */
    struct timing_filter *(*filter)(void *model, uint32_t core);
    /* mem_cost and branch_cost calculate with integers only: they may be called under the guest's rounding mode. */
    bool integers_only;
    size_t setup_size; /* sizeof(struct timing_setup) of the header that the model was built with */
    /* What branch_cost need not be asked about; the model's own, as long as it lives. NULL: ask always. Used where
     * there is a filter as well. */
    struct timing_branches *(*branches)(void *model, uint32_t core);
    /* True: if two accesses, each within a line, have just cost nothing, then the same two in turn again, as by a copy,
     * cost nothing and change nothing, however often. The core then counts them as known. NULL: false. */
    bool (*keeps_two)(void *model);
    /* A translation that ended in a page fault: `access` is the one that was not made (LOAD, STORE or FETCH; physical
     * 0). Its walk has been told like any other, as event page_walk and as accesses WALK; this is for models with
     * translation caches of their own, which ignore those. */
    uint32_t (*fault_cost)(void *model, const struct timing_mem *access);
    /* enum timing_cache_op; line: the operand, in memory; for FLUSH_ALL linear and physical are 0. On top of insn_cost.
     */
    uint32_t (*cache_op)(void *model, const struct timing_mem *line, uint32_t op);
};
#define TIMING_FIRST_SIZE offsetof(struct timing_model, tlb_flush) /* least struct_size of version 1 */

typedef const struct timing_model *timing_entry_fn(void);
#define TIMING_ENTRY_SYMBOL "uintr_vp_timing_model"
/* What the shared object defines; declared here for its C linkage, its visibility and its type. */
#if defined(__GNUC__)
__attribute__((visibility("default")))
#endif
const struct timing_model *
uintr_vp_timing_model(void);

#ifdef __cplusplus
}
#endif
#endif
