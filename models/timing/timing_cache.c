/* SPDX-License-Identifier: Apache-2.0 */
/* `cache`: the costs of `table`, and on top of them what depends on history: caches with coherence
 * (cache_hierarchy.h), translation caches (cache_tlb.h), a branch predictor (branch_predictor.h). What the UINTR unit
 * reads and writes goes through the same caches, so a UPID that moves between two cores costs two transfers.
 *
 * Speed: most accesses go to the line that was used last in its set of L1, on a page whose translation is at hand. The
 * core finds these in the filter (struct timing_filter) and does not ask. Such an access changes nothing that
 * replacement in L1 sees; only the order of use within the translation caches is not kept at each access.
 */
#include "branch_predictor.h"
#include "cache_hierarchy.h"
#include "cache_tlb.h"
#include "timing_models.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TABLE_WITHOUT_LINES 1 /* of timing_table.def: rows that this model has in its own way */
enum cache_param {
#define TABLE_INSN(name, ...) PARAM_insn_##name,
#define TABLE_MNEMONIC(name, ...) PARAM_insn_##name,
#define TABLE_EVENT(name, ...) PARAM_event_##name,
#define TABLE_STAGE(name, ...) PARAM_stage_##name,
#define TABLE_ACCEPTANCE(...) PARAM_acceptance,
#define TABLE_ACCEPT(name, ...) PARAM_accept_##name,
#include "timing_table.def"
    TABLE_PARAMS,
    PARAM_before_own = TABLE_PARAMS - 1,
#define CACHE_PARAM(name, ...) PARAM_##name,
#include "timing_cache.def"
#undef CACHE_PARAM
    PARAM_COUNT
};

static const struct timing_param params[] = {
#include "timing_table_params.def"
#define CACHE_PARAM(name, unit, value, min, max, confidence, sentence, source)                                         \
    {#name, unit, value, min, max, sentence, source " (" #confidence ")"},
#include "timing_cache.def"
#undef CACHE_PARAM
};

struct core_state {
    struct timing_filter *filter; /* in the core's caches */
    uint64_t tlb_lost[2];         /* of the translation caches, when what is remembered was last known to be right */
    /* Data accesses, and lines of instructions, that were not asked for: without and with translation. What the filter
     * has counted since is_paging last changed comes on top. */
    uint64_t known[2], known_lines[2];
    bool is_paging;
    uint64_t data_cycles, fetch_cycles, branch_cycles, cut_cycles;
    struct tlb_unit tlb;
    struct branch_predictor predictor;
};

struct cache_model {
    void *table; /* an instance of the model `table` */
    struct hierarchy hierarchy;
    struct core_state *core;
    uint32_t cores, l1_cycles, mispredict;
    uint32_t exposed[TIMING_WALK]; /* percent, by kind of access */
};

/* --- creation --- */

static uint32_t value_of(const struct timing_setup *setup, enum cache_param p) { return (uint32_t)setup->values[p]; }

static bool values_are_good(const struct timing_setup *setup, char *error, size_t error_size)
{
    for (size_t i = 0; i < PARAM_COUNT; i++)
        if (setup->values[i] != (double)(uint32_t)setup->values[i]) {
            snprintf(error, error_size, "timing.%s = %g: expected a whole number", params[i].name, setup->values[i]);
            return false;
        }
    static const enum cache_param latencies[] = {PARAM_l1_cycles, PARAM_l2_cycles, PARAM_l3_cycles, PARAM_dram_cycles};
    for (size_t i = 1; i < sizeof latencies / sizeof latencies[0]; i++)
        if (setup->values[latencies[i]] < setup->values[latencies[i - 1]]) {
            snprintf(error, error_size, "timing.%s = %g: expected at least timing.%s = %g", params[latencies[i]].name,
                     setup->values[latencies[i]], params[latencies[i - 1]].name, setup->values[latencies[i - 1]]);
            return false;
        }
    uint32_t stlb = value_of(setup, PARAM_stlb_entries);
    if (tlb_unit_ways(stlb) > CACHE_ARRAY_WAYS_MAX) {
        snprintf(error, error_size, "timing.stlb_entries = %u: would be sets of %u ways, expected at most %u", stlb,
                 tlb_unit_ways(stlb), CACHE_ARRAY_WAYS_MAX);
        return false;
    }
    if (setup->cores > DIRECTORY_CORES_MAX) {
        snprintf(error, error_size, "at most %u cores", DIRECTORY_CORES_MAX);
        return false;
    }
    return true;
}

static bool size_of(const struct timing_setup *setup, enum cache_param kib, enum cache_param ways,
                    struct cache_size *size, char *error, size_t error_size)
{
    uint32_t lines = value_of(setup, kib) * (1024u >> CACHE_LINE_SHIFT);
    size->ways = value_of(setup, ways);
    size->sets = lines / size->ways;
    if (lines % size->ways == 0)
        return true;
    snprintf(error, error_size, "timing.%s = %u: %u lines do not divide into timing.%s = %u", params[kib].name,
             value_of(setup, kib), lines, params[ways].name, size->ways);
    return false;
}

/* The table's own instance, with the values that both have in common (in the same order) and the rows left out. */
static void *create_table(const struct timing_setup *setup, char *error, size_t error_size)
{
    double *values = calloc(timing_table.param_count, sizeof *values);
    void *table = NULL;
    if (values) {
        for (size_t i = 0, shared = 0; i < timing_table.param_count; i++) {
            const char *name = timing_table.params[i].name;
            if (shared < TABLE_PARAMS && strcmp(name, params[shared].name) == 0)
                values[i] = setup->values[shared++];
            else if (strcmp(name, "stage_issue") == 0)
                values[i] = setup->values[PARAM_ucode_issue];
            else if (strcmp(name, "stage_notify") == 0)
                values[i] = setup->values[PARAM_ucode_notify];
            /* event_page_walk stays 0: walks are charged by the translation caches */
        }
        struct timing_setup its = *setup;
        its.values = values;
        table = timing_table.create(&its, error, error_size);
    }
    free(values);
    return table;
}

static void cache_destroy(void *model)
{
    struct cache_model *m = model;
    if (m->table)
        timing_table.destroy(m->table);
    hierarchy_destroy(&m->hierarchy);
    for (uint32_t i = 0; m->core && i < m->cores; i++)
        tlb_unit_destroy(&m->core[i].tlb);
    free(m->core);
    free(m);
}

static bool create_cores(struct cache_model *m, const struct timing_setup *setup)
{
    const struct tlb_config tlb = {
        .dtlb_entries = value_of(setup, PARAM_dtlb_entries),
        .dtlb_large = value_of(setup, PARAM_dtlb_large),
        .itlb_entries = value_of(setup, PARAM_itlb_entries),
        .itlb_large = value_of(setup, PARAM_itlb_large),
        .stlb_entries = value_of(setup, PARAM_stlb_entries),
        .stlb_cycles = value_of(setup, PARAM_stlb_cycles),
        .walk_cycles = value_of(setup, PARAM_walk_cycles),
    };
    m->cores = setup->cores;
    m->core = calloc(setup->cores, sizeof *m->core);
    if (!m->core)
        return false;
    for (uint32_t i = 0; i < setup->cores; i++) {
        if (!tlb_unit_create(&m->core[i].tlb, &tlb))
            return false;
        m->core[i].predictor.settled.jumps_are_free = true;
        m->core[i].filter = &m->hierarchy.core[i].known.filter;
    }
    return true;
}

/* The longest way of a line. Slices are found by asking for lines: of the tiles of any mesh these meet all but a few.
 */
static uint32_t longest_way(const struct timing_setup *setup)
{
    const uint64_t lines = setup->slice_distance ? 32768 : 0;
    uint32_t longest = 0;
    for (uint32_t core = 0; core < setup->cores; core++) {
        for (uint32_t other = 0; setup->distance && other < setup->cores; other++) {
            uint32_t way = setup->distance(setup->distance_ctx, core, other);
            longest = way > longest ? way : longest;
        }
        for (uint64_t line = 0; line < lines; line++) {
            uint32_t way = setup->slice_distance(setup->distance_ctx, core, line);
            longest = way > longest ? way : longest;
        }
    }
    return longest;
}

/* A line's way must leave room in what an access may cost: what comes on top is waiting, which ends there (at_most). */
static bool ways_are_short(const struct timing_setup *setup, char *error, size_t error_size)
{
    enum cache_param dearest = PARAM_dram_cycles;
    if (setup->values[PARAM_transfer_cycles] > setup->values[dearest])
        dearest = PARAM_transfer_cycles;
    uint32_t way = longest_way(setup), cycles = value_of(setup, dearest);
    if (way <= TIMING_COST_MAX - cycles)
        return true;
    snprintf(error, error_size,
             "the longest way of a cache line on the mesh (interconnect.hop_cycles, interconnect.rows, "
             "interconnect.columns), %u cycles, and timing.%s = %u are more than an access may cost, %u",
             way, params[dearest].name, cycles, TIMING_COST_MAX);
    return false;
}

static void *cache_create(const struct timing_setup *setup, char *error, size_t error_size)
{
    struct hierarchy_config h = {
        .cores = setup->cores,
        .l1_cycles = value_of(setup, PARAM_l1_cycles),
        .l2_cycles = value_of(setup, PARAM_l2_cycles),
        .l3_cycles = value_of(setup, PARAM_l3_cycles),
        .dram_cycles = value_of(setup, PARAM_dram_cycles),
        .transfer_cycles = value_of(setup, PARAM_transfer_cycles),
        .distance = setup->distance,
        .slice_distance = setup->slice_distance,
        .send_between = setup->send_between,
        .send_slice = setup->send_slice,
        .distance_ctx = setup->distance_ctx,
    };
    if (!values_are_good(setup, error, error_size) || !ways_are_short(setup, error, error_size) ||
        !size_of(setup, PARAM_l1i_kib, PARAM_l1i_ways, &h.l1i, error, error_size) ||
        !size_of(setup, PARAM_l1d_kib, PARAM_l1d_ways, &h.l1d, error, error_size) ||
        !size_of(setup, PARAM_l2_kib, PARAM_l2_ways, &h.l2, error, error_size) ||
        !size_of(setup, PARAM_l3_kib, PARAM_l3_ways, &h.l3, error, error_size))
        return NULL;
    struct cache_model *m = calloc(1, sizeof *m);
    if (m) {
        m->l1_cycles = h.l1_cycles;
        m->mispredict = value_of(setup, PARAM_mispredict_cycles);
        m->exposed[TIMING_LOAD] = value_of(setup, PARAM_load_exposed);
        m->exposed[TIMING_STORE] = value_of(setup, PARAM_store_exposed);
        m->exposed[TIMING_MODIFY] = m->exposed[TIMING_FETCH] = 100;
        m->table = create_table(setup, error, error_size);
        if (m->table && hierarchy_create(&m->hierarchy, &h) && create_cores(m, setup))
            return m;
        cache_destroy(m);
    }
    snprintf(error, error_size, "out of memory");
    return NULL;
}

/* --- what depends on nothing --- */

static uint32_t cache_insn_cost(void *model, const struct timing_insn *insn)
{
    return timing_table.insn_cost(((const struct cache_model *)model)->table, insn);
}

static uint32_t cache_event_cost(void *model, uint32_t core, uint32_t event)
{
    return timing_table.event_cost(((const struct cache_model *)model)->table, core, event);
}

/* The accesses of the stage have been charged one by one: what is left is microcode. */
static uint32_t cache_uintr_cost(void *model, uint32_t core, uint32_t stage, uint64_t upid_physical)
{
    return timing_table.uintr_cost(((const struct cache_model *)model)->table, core, stage, upid_physical);
}

/* --- memory --- */

struct walk_context {
    struct cache_model *model;
    const struct timing_mem *access;
    uint32_t cycles; /* of the loads so far: each waits for the one before */
};

static bool ask_for_walk(void *ctx, uint64_t linear, struct timing_walk *walk)
{
    const struct timing_mem *a = ((const struct walk_context *)ctx)->access;
    return a->walk(a->walk_ctx, linear, walk);
}

static uint32_t load_entry(void *ctx, uint64_t physical)
{
    struct walk_context *w = ctx;
    uint32_t cycles =
        w->model->l1_cycles + hierarchy_data(&w->model->hierarchy, w->access->core, physical >> CACHE_LINE_SHIFT,
                                             TIMING_NO_LINE, false, w->access->cycle + w->cycles);
    w->cycles += cycles;
    return cycles;
}

/* What is remembered holds for translations of the first level. */
static void forget_if_lost(struct cache_model *m, uint32_t core, bool is_fetch)
{
    struct core_state *c = &m->core[core];
    if (c->tlb_lost[is_fetch] != c->tlb.lost[is_fetch])
        hierarchy_forget(&m->hierarchy, core, is_fetch);
    c->tlb_lost[is_fetch] = c->tlb.lost[is_fetch];
}

__attribute__((noinline)) static uint32_t translate_slow(struct cache_model *m, const struct timing_mem *a,
                                                         bool is_fetch)
{
    struct walk_context ctx = {m, a, 0};
    const struct tlb_walker walker = {&ctx, ask_for_walk, load_entry};
    uint32_t cycles = tlb_unit_access(&m->core[a->core].tlb, a->linear, is_fetch, &walker);
    forget_if_lost(m, a->core, is_fetch);
    return cycles;
}

static inline uint32_t translate(struct cache_model *m, struct core_state *c, const struct timing_mem *a, bool is_fetch)
{
    if (!a->walk || tlb_unit_same_page(&c->tlb, a->linear, is_fetch))
        return 0;
    return translate_slow(m, a, is_fetch);
}

static uint64_t last_linear(const struct timing_mem *a)
{
    return (a->linear + (a->bytes ? a->bytes - 1 : 0)) >> CACHE_LINE_SHIFT;
}

/* Books what was not asked for. A change of CR0.PG drops all translations, so it is noticed at the first access. */
static void book_known(struct cache_model *m, uint32_t core, bool is_paging)
{
    struct core_state *c = &m->core[core];
    struct timing_filter *f = c->filter;
    c->known[c->is_paging] += f->load.hits + f->store.hits;
    c->known_lines[c->is_paging] += f->fetch.hits;
    f->load.hits = f->store.hits = f->fetch.hits = 0;
    c->is_paging = is_paging;
}

/* An access of many lines, or one that waits for taken links, can come to more than is believed: the rest is counted.
 */
static uint32_t at_most(struct core_state *c, uint32_t cycles)
{
    if (VP_LIKELY(cycles <= TIMING_COST_MAX))
        return cycles;
    c->cut_cycles += cycles - TIMING_COST_MAX;
    return TIMING_COST_MAX;
}

/* The core may ask although it need not: for what it reads itself, descriptors and the like. */
static inline bool is_known(const struct timing_lines *known, uint64_t line)
{
    return known->line[line & known->mask] == line;
}

static inline uint32_t data_cost(struct cache_model *m, struct core_state *c, const struct timing_mem *a)
{
    uint64_t linear = a->linear >> CACHE_LINE_SHIFT, line = a->physical >> CACHE_LINE_SHIFT, last = last_linear(a);
    bool write = a->access != TIMING_LOAD;
    struct timing_lines *known = write ? &c->filter->store : &c->filter->load;
    if (last == linear && is_known(known, linear)) {
        known->hits++;
        return 0;
    }
    uint32_t cycles = translate(m, c, a, false), exposed = m->exposed[a->access];
    cycles += hierarchy_data(&m->hierarchy, a->core, line, linear, write, a->cycle + cycles);
    while (VP_UNLIKELY(linear < last))
        cycles += hierarchy_data(&m->hierarchy, a->core, ++line, ++linear, write, a->cycle + cycles);
    if (exposed != 100)
        cycles = (uint32_t)((uint64_t)cycles * exposed / 100);
    cycles = at_most(c, cycles);
    c->data_cycles += cycles;
    return cycles;
}

__attribute__((noinline)) static uint32_t fetch_cost(struct cache_model *m, struct core_state *c,
                                                     const struct timing_mem *a)
{
    uint64_t first = a->linear >> CACHE_LINE_SHIFT, line = a->physical >> CACHE_LINE_SHIFT, last = last_linear(a);
    uint64_t linear = first;
    struct timing_lines *known = &c->filter->fetch;
    while (linear <= last && is_known(known, linear))
        linear++;
    if (linear > last) {
        known->hits += last - first + 1;
        return 0;
    }
    uint32_t cycles = translate(m, c, a, true);
    for (linear = first; linear <= last; linear++, line++)
        cycles += hierarchy_fetch(&m->hierarchy, a->core, line, linear, a->cycle + cycles);
    cycles = at_most(c, cycles);
    c->fetch_cycles += cycles;
    return cycles;
}

static uint32_t cache_mem_cost(void *model, const struct timing_mem *a)
{
    struct cache_model *m = model;
    struct core_state *c = &m->core[a->core];
    if (VP_UNLIKELY(a->access == TIMING_WALK))
        return 0;
    if (VP_UNLIKELY(c->is_paging != (a->walk != NULL)))
        book_known(m, a->core, a->walk != NULL);
    return a->access == TIMING_FETCH ? fetch_cost(m, c, a) : data_cost(m, c, a);
}

/* The core waits for the whole walk. */
static uint32_t cache_fault_cost(void *model, const struct timing_mem *a)
{
    struct cache_model *m = model;
    struct core_state *c = &m->core[a->core];
    struct walk_context ctx = {m, a, 0};
    const struct tlb_walker walker = {&ctx, a->walk ? ask_for_walk : NULL, load_entry};
    bool is_fetch = a->access == TIMING_FETCH;
    uint32_t cycles = at_most(c, tlb_unit_fault(&c->tlb, a->linear, is_fetch, &walker));
    *(is_fetch ? &c->fetch_cycles : &c->data_cycles) += cycles;
    return cycles;
}

/* A cycle for each line that there is room for: WBINVD looks at all of them, and so does the host. */
static uint32_t flush_all(struct cache_model *m, uint32_t core)
{
    const struct hierarchy_core *c = &m->hierarchy.core[core];
    const struct cache_array *all[] = {&c->l1i, &c->l1d, &c->l2, &m->hierarchy.l3};
    uint64_t lines = 0;
    for (unsigned i = 0; i < sizeof all / sizeof all[0]; i++)
        lines += (uint64_t)all[i]->sets * all[i]->way_count;
    hierarchy_flush_all(&m->hierarchy, core);
    return lines < TIMING_COST_MAX ? (uint32_t)lines : TIMING_COST_MAX;
}

/* A prefetch is not waited for, and its line is there at once. Nothing here costs for being written back. */
static uint32_t cache_cache_op(void *model, const struct timing_mem *a, uint32_t op)
{
    struct cache_model *m = model;
    struct core_state *c = &m->core[a->core];
    uint64_t line = a->physical >> CACHE_LINE_SHIFT;
    bool is_prefetch = op == TIMING_CACHE_PREFETCH || op == TIMING_CACHE_PREFETCH_WRITE;
    if (c->is_paging != (a->walk != NULL))
        book_known(m, a->core, a->walk != NULL);
    if (op == TIMING_CACHE_FLUSH_ALL) {
        uint32_t all = flush_all(m, a->core);
        c->data_cycles += all;
        return all;
    }
    if (op != TIMING_CACHE_FLUSH && op != TIMING_CACHE_WRITE_BACK && !is_prefetch)
        return 0;
    uint32_t cycles = translate(m, c, a, false);
    if (is_prefetch) {
        (void)hierarchy_data(&m->hierarchy, a->core, line, a->linear >> CACHE_LINE_SHIFT,
                             op == TIMING_CACHE_PREFETCH_WRITE, a->cycle + cycles);
        return 0;
    }
    if (op == TIMING_CACHE_FLUSH)
        hierarchy_flush(&m->hierarchy, line);
    cycles = at_most(c, cycles);
    c->data_cycles += cycles;
    return cycles;
}

static struct timing_filter *cache_filter(void *model, uint32_t core)
{
    return ((struct cache_model *)model)->core[core].filter;
}

static bool is_felt(const struct cache_model *m, uint32_t cycles)
{
    return cycles * m->exposed[TIMING_LOAD] >= 100 && cycles * m->exposed[TIMING_STORE] >= 100;
}

/* What took no time has hit L1 and the first level of translations, if a miss of either can be felt; then the next two
 * hit as well, and after both the order of use is what it was. */
static bool cache_keeps_two(void *model)
{
    const struct cache_model *m = model;
    const struct hierarchy_config *h = &m->hierarchy.config;
    const struct tlb_config *tlb = &m->core[0].tlb.config;
    return is_felt(m, h->l2_cycles - h->l1_cycles) && is_felt(m, tlb->stlb_cycles) && h->l1d.ways >= 2 &&
           tlb->dtlb_entries >= 2 && tlb->dtlb_large >= 2;
}

static void cache_tlb_flush(void *model, uint32_t core, uint32_t scope, uint64_t linear)
{
    struct cache_model *m = model;
    if (scope == TIMING_FLUSH_PAGE)
        tlb_unit_invalidate(&m->core[core].tlb, linear);
    else
        tlb_unit_flush(&m->core[core].tlb, scope == TIMING_FLUSH_NOT_GLOBAL);
    forget_if_lost(m, core, false);
    forget_if_lost(m, core, true);
}

/* --- branches --- */

static uint32_t mispredicted(struct cache_model *m, struct core_state *c)
{
    c->branch_cycles += m->mispredict;
    return m->mispredict;
}

static uint32_t cache_branch_cost(void *model, const struct timing_branch *b)
{
    struct cache_model *m = model;
    struct core_state *c = &m->core[b->core];
    bool right = true;
    if (b->conditional)
        right = predictor_conditional(&c->predictor, b->from, b->taken);
    else if (b->ret)
        right = predictor_return(&c->predictor, b->to);
    else if (b->indirect)
        right = predictor_indirect(&c->predictor, b->from, b->to);
    if (b->call)
        predictor_call(&c->predictor, b->next);
    return VP_LIKELY(right) ? 0 : mispredicted(m, c);
}

static struct timing_branches *cache_branches(void *model, uint32_t core)
{
    return &((struct cache_model *)model)->core[core].predictor.settled;
}

/* --- report --- */

typedef void put_fn(void *ctx, const char *name, double value, const char *unit, const char *sentence);

static void report_core(struct cache_model *m, uint32_t core, void *ctx, put_fn *put)
{
    book_known(m, core, m->core[core].is_paging);
    const struct core_state *c = &m->core[core];
    struct hierarchy_stats h = m->hierarchy.core[core].stats;
    struct tlb_stats t = c->tlb.stats;
    struct predictor_stats p = c->predictor.stats;
    char name[64];
    h.l1d_hits += c->known[0] + c->known[1];
    h.l1i_hits += c->known_lines[0] + c->known_lines[1];
    t.dtlb_hits += c->known[1];
    t.itlb_hits += c->known_lines[1]; /* per line */
    p.conditional += c->predictor.settled.hits;
#define PUT(stat, value, unit, sentence)                                                                               \
    snprintf(name, sizeof name, "cores[%u].%s", core, stat);                                                           \
    put(ctx, name, (double)(value), unit, sentence);
#define CACHE_STAT(stat, unit, sentence) PUT("caches." #stat, h.stat, unit, sentence)
#include "cache_hierarchy_stats.def"
#undef CACHE_STAT
#define CACHE_STAT(stat, unit, sentence) PUT("tlb." #stat, t.stat, unit, sentence)
#include "cache_tlb_stats.def"
#undef CACHE_STAT
#define CACHE_STAT(stat, unit, sentence) PUT("branches." #stat, p.stat, unit, sentence)
#include "branch_predictor_stats.def"
#undef CACHE_STAT
    PUT("cycles.data", c->data_cycles, "cycles", "Cycles charged for data accesses beyond hits in L1")
    PUT("cycles.fetch", c->fetch_cycles, "cycles", "Cycles charged for instruction fetches beyond hits in L1")
    PUT("cycles.cut", c->cut_cycles, "cycles", "Cycles of single accesses beyond 1000000, which were not charged")
    PUT("cycles.branches", c->branch_cycles, "cycles", "Cycles charged for mispredicted branches")
#undef PUT
}

static void cache_report(void *model, void *ctx, put_fn *put)
{
    struct cache_model *m = model;
    for (uint32_t i = 0; i < m->cores; i++)
        report_core(m, i, ctx, put);
}

const struct timing_model timing_cache = {
    .abi_version = TIMING_ABI_VERSION,
    .struct_size = sizeof(struct timing_model),
    .name = "cache",
    .summary = "The table, and caches with coherence, translation caches and a branch predictor",
    .params = params,
    .param_count = PARAM_COUNT,
    .create = cache_create,
    .destroy = cache_destroy,
    .insn_cost = cache_insn_cost,
    .mem_cost = cache_mem_cost,
    .branch_cost = cache_branch_cost,
    .event_cost = cache_event_cost,
    .uintr_cost = cache_uintr_cost,
    .report = cache_report,
    .tlb_flush = cache_tlb_flush,
    .filter = cache_filter,
    .integers_only = true,
    .setup_size = sizeof(struct timing_setup),
    .branches = cache_branches,
    .keeps_two = cache_keeps_two,
    .fault_cost = cache_fault_cost,
    .cache_op = cache_cache_op,
};
