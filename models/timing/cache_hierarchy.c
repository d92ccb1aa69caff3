/* SPDX-License-Identifier: Apache-2.0 */
/* See cache_hierarchy.h. */
#include "cache_hierarchy.h"

#include <stdlib.h>

/* --- what is known of L1D and L1I ---
 *
 * An entry must be the most recent line of its set. All lines of a set share an entry, which every access takes over.
 * Where the number of sets is no power of two there is one entry for all. An entry's index lies within
 * the page, so it is the same for linear and physical lines. */

static uint64_t known_mask(uint32_t sets)
{
    if (sets & (sets - 1))
        return 0;
    return (sets < TIMING_LINES ? sets : TIMING_LINES) - 1;
}

static inline void forget_entry(struct cache_known *k, bool is_fetch, uint64_t i)
{
    k->physical[is_fetch][i] = TIMING_NO_LINE;
    if (is_fetch)
        k->filter.fetch.line[i] = TIMING_NO_LINE;
    else
        k->filter.load.line[i] = k->filter.store.line[i] = TIMING_NO_LINE;
}

static inline uint64_t entry_of(const struct cache_known *k, bool is_fetch, uint64_t line)
{
    return line & (is_fetch ? k->filter.fetch.mask : k->filter.load.mask);
}

/* The line is the most recent of its set now. */
static inline void remember_data(struct hierarchy_core *c, uint64_t line, uint64_t linear, enum mesi state)
{
    struct cache_known *k = &c->known;
    uint64_t i = entry_of(k, false, line);
    k->physical[0][i] = line;
    k->filter.load.line[i] = linear;
    k->filter.store.line[i] = state == MESI_M ? linear : TIMING_NO_LINE;
}
static inline void remember_code(struct hierarchy_core *c, uint64_t line, uint64_t linear)
{
    uint64_t i = entry_of(&c->known, true, line);
    c->known.physical[1][i] = line;
    c->known.filter.fetch.line[i] = linear;
}

void hierarchy_forget(struct hierarchy *h, uint32_t core, bool is_fetch)
{
    for (uint64_t i = 0; i < TIMING_LINES; i++)
        forget_entry(&h->core[core].known, is_fetch, i);
}

/* A line that L1 lost or may no longer write. */
static void forget_line(struct hierarchy *h, uint32_t core, uint64_t line)
{
    struct cache_known *k = &h->core[core].known;
    for (int is_fetch = 0; is_fetch < 2; is_fetch++) {
        uint64_t i = entry_of(k, is_fetch, line);
        if (k->physical[is_fetch][i] == line)
            forget_entry(k, is_fetch, i);
    }
}

/* --- creation --- */

static bool create_core(struct hierarchy_core *c, const struct hierarchy_config *config)
{
    return cache_array_create(&c->l1i, config->l1i.sets, config->l1i.ways) &&
           cache_array_create(&c->l1d, config->l1d.sets, config->l1d.ways) &&
           cache_array_create(&c->l2, config->l2.sets, config->l2.ways);
}

bool hierarchy_create(struct hierarchy *h, const struct hierarchy_config *config)
{
    *h = (struct hierarchy){.config = *config};
    h->core = calloc(config->cores, sizeof *h->core);
    if (!h->core)
        return false;
    for (uint32_t i = 0; i < config->cores; i++)
        if (!create_core(&h->core[i], config))
            return false;
    for (uint32_t i = 0; i < config->cores; i++) {
        struct timing_filter *filter = &h->core[i].known.filter;
        filter->load.mask = filter->store.mask = known_mask(config->l1d.sets);
        filter->fetch.mask = known_mask(config->l1i.sets);
        hierarchy_forget(h, i, false);
        hierarchy_forget(h, i, true);
    }
    uint64_t lines = (uint64_t)config->cores * config->l2.sets * config->l2.ways;
    return cache_array_create(&h->l3, config->l3.sets, config->l3.ways) &&
           directory_create(&h->directory, lines + 1); /* a line is in before the victim is out */
}

void hierarchy_destroy(struct hierarchy *h)
{
    for (uint32_t i = 0; h->core && i < h->config.cores; i++) {
        cache_array_destroy(&h->core[i].l1i);
        cache_array_destroy(&h->core[i].l1d);
        cache_array_destroy(&h->core[i].l2);
    }
    free(h->core);
    h->core = NULL;
    cache_array_destroy(&h->l3);
    directory_destroy(&h->directory);
}

static uint64_t bit(uint32_t core) { return UINT64_C(1) << core; }

/* Into L3, as the most recent of its set. */
static void put_in_l3(struct hierarchy *h, uint64_t line)
{
    if (!cache_array_touch(&h->l3, line))
        (void)cache_array_insert(&h->l3, line, MESI_S);
}

static void drop_private(struct hierarchy *h, uint32_t core, uint64_t line)
{
    struct hierarchy_core *c = &h->core[core];
    cache_array_remove(&c->l1i, line);
    cache_array_remove(&c->l1d, line);
    cache_array_remove(&c->l2, line);
    forget_line(h, core, line);
}

/* Throws the copies of every core in `sharers` away. */
static void invalidate(struct hierarchy *h, uint64_t line, uint64_t sharers)
{
    for (; sharers; sharers &= sharers - 1) {
        uint32_t core = (uint32_t)__builtin_ctzll(sharers);
        drop_private(h, core, line);
        h->core[core].stats.invalidated++;
    }
}

/* --- the way between cores and slices: as a question (only the distance), or with a line on it --- */

static uint32_t distance(const struct hierarchy *h, uint32_t from, uint32_t to)
{
    return h->config.distance ? h->config.distance(h->config.distance_ctx, from, to) : 0;
}

static uint32_t nearest(const struct hierarchy *h, uint32_t to, uint64_t sharers)
{
    uint32_t best = (uint32_t)__builtin_ctzll(sharers);
    for (sharers &= sharers - 1; sharers; sharers &= sharers - 1) {
        uint32_t other = (uint32_t)__builtin_ctzll(sharers);
        if (distance(h, other, to) < distance(h, best, to))
            best = other;
    }
    return best;
}

/* Cycles until the copies of others are gone. */
static uint32_t ask_cores(const struct hierarchy *h, uint32_t to, uint64_t sharers)
{
    return h->config.transfer_cycles + distance(h, nearest(h, to, sharers), to);
}

/* Cycles until the line is here from the nearest of those who have it. */
static uint32_t send_from_core(const struct hierarchy *h, uint32_t to, uint64_t sharers, uint64_t cycle)
{
    const struct hierarchy_config *c = &h->config;
    uint32_t from = nearest(h, to, sharers);
    return c->transfer_cycles + (c->send_between ? c->send_between(c->distance_ctx, from, to, cycle) : 0);
}

static uint32_t ask_slice(const struct hierarchy *h, uint32_t core, uint64_t line)
{
    const struct hierarchy_config *c = &h->config;
    return c->l3_cycles - c->l1_cycles + (c->slice_distance ? c->slice_distance(c->distance_ctx, core, line) : 0);
}

/* The same from L3, or from memory, where L3 does not have it. */
static uint32_t send_from_slice(const struct hierarchy *h, uint32_t core, uint64_t line, bool in_l3, uint64_t cycle)
{
    const struct hierarchy_config *c = &h->config;
    uint32_t cycles = (in_l3 ? c->l3_cycles : c->dram_cycles) - c->l1_cycles;
    return cycles + (c->send_slice ? c->send_slice(c->distance_ctx, core, line, true, cycle) : 0);
}

/* --- lines in flight --- */

static struct line_flight *flight_of(struct hierarchy *h, uint64_t line)
{
    return &h->flights[(line * 0x9e3779b97f4a7c15u >> 32) % LINE_FLIGHTS];
}

/* Cycles that an access at `cycle` waits until the line has arrived where others sent it. */
static uint32_t wait_for_line(struct hierarchy *h, uint32_t core, uint64_t line, uint64_t cycle)
{
    const struct line_flight *f = flight_of(h, line);
    if (f->line != line + 1 || cycle < f->from || cycle >= f->until)
        return 0;
    h->core[core].stats.waits++;
    h->core[core].stats.wait_cycles += f->until - cycle;
    return (uint32_t)(f->until - cycle);
}

/* The line moves for `cycles` from `cycle` on, which is not within its latest flight. */
static void fly(struct hierarchy *h, uint64_t line, uint64_t cycle, uint32_t cycles)
{
    struct line_flight *f = flight_of(h, line);
    if (f->line != line + 1 || cycle > f->until) {
        *f = (struct line_flight){line + 1, cycle, cycle + cycles};
    } else if (cycle == f->until) {
        f->until += cycles;
    } else { /* before it: what overlaps delays those who come later */
        f->until += cycle + cycles > f->from ? cycle + cycles - f->from : 0;
        f->from = cycle;
    }
}

/* The directory forgets that these cores have the line of the entry. */
static void leave_directory(struct hierarchy *h, struct directory_entry *e, uint64_t cores)
{
    e->sharers &= ~cores;
    e->owned = false;
    if (e->sharers == 0)
        directory_remove(&h->directory, e);
}

/* A new line for L2; its victim leaves the core for L3. */
static void fill_l2(struct hierarchy *h, uint32_t core, uint64_t line, enum mesi state, uint64_t cycle)
{
    struct hierarchy_core *c = &h->core[core];
    struct cache_victim victim = cache_array_insert(&c->l2, line, state);
    if (victim.number == CACHE_ARRAY_NONE)
        return;
    cache_array_remove(&c->l1i, victim.number);
    cache_array_remove(&c->l1d, victim.number);
    forget_line(h, core, victim.number);
    leave_directory(h, directory_find(&h->directory, victim.number), bit(core));
    put_in_l3(h, victim.number);
    if (h->config.send_slice)
        (void)h->config.send_slice(h->config.distance_ctx, core, victim.number, false, cycle);
}

/* A load that missed L2: who has the line? Answers the cycles after L1 and the new state. */
static uint32_t read_outside(struct hierarchy *h, uint32_t core, uint64_t line, enum mesi *state, uint64_t cycle)
{
    struct hierarchy_core *c = &h->core[core];
    struct directory_entry *e = directory_add(&h->directory, line);
    if (e->sharers == 0) {
        *state = MESI_E;
        e->sharers = bit(core);
        e->owned = true;
        bool in_l3 = cache_array_touch(&h->l3, line) != 0;
        if (in_l3)
            c->stats.l3_hits++;
        else
            c->stats.dram++;
        return send_from_slice(h, core, line, in_l3, cycle);
    }
    uint64_t others = e->sharers;
    uint32_t waited = wait_for_line(h, core, line, cycle);
    cycle += waited;
    bool from_l3 = !e->owned && cache_array_touch(&h->l3, line);
    if (e->owned) { /* it keeps the line as a sharer; what it wrote goes to L3 */
        uint32_t owner = (uint32_t)__builtin_ctzll(others);
        cache_array_set_state(&h->core[owner].l1d, line, MESI_S);
        cache_array_set_state(&h->core[owner].l2, line, MESI_S);
        forget_line(h, owner, line);
        put_in_l3(h, line);
    }
    e->sharers |= bit(core);
    e->owned = false;
    *state = MESI_S;
    if (from_l3) {
        c->stats.l3_hits++;
        return waited + send_from_slice(h, core, line, true, cycle);
    }
    c->stats.transfers++;
    uint32_t moved = send_from_core(h, core, others, cycle);
    fly(h, line, cycle, moved);
    return waited + moved;
}

/* A store that missed L2, or whose line is shared (have: this core has a copy). */
static uint32_t write_outside(struct hierarchy *h, uint32_t core, uint64_t line, bool have, uint64_t cycle)
{
    struct hierarchy_core *c = &h->core[core];
    struct directory_entry *e = directory_add(&h->directory, line);
    uint64_t others = e->sharers & ~bit(core);
    bool was_owned = e->owned;
    uint32_t waited = wait_for_line(h, core, line, cycle), cycles;
    cycle += waited;
    invalidate(h, line, others);
    e->sharers = bit(core);
    e->owned = true;
    bool in_l3 = have || cache_array_touch(&h->l3, line) != 0;
    if (have) {
        c->stats.upgrades++;
        cycles = others ? ask_cores(h, core, others) : ask_slice(h, core, line);
    } else if (was_owned || (others && !in_l3)) {
        c->stats.transfers++;
        cycles = send_from_core(h, core, others, cycle);
    } else {
        uint32_t asked = others ? ask_cores(h, core, others) : 0;
        cycles = send_from_slice(h, core, line, in_l3, cycle);
        cycles = cycles > asked ? cycles : asked;
        if (in_l3)
            c->stats.l3_hits++;
        else
            c->stats.dram++;
    }
    if (others)
        fly(h, line, cycle, cycles);
    return waited + cycles;
}

static void set_private(struct hierarchy_core *c, uint64_t line, enum mesi state)
{
    cache_array_set_state(&c->l1d, line, state);
    cache_array_set_state(&c->l2, line, state);
}

/* A hit that needs a right to write. */
static uint32_t make_writable(struct hierarchy *h, uint32_t core, uint64_t line, enum mesi state, uint64_t cycle)
{
    uint32_t cycles = state == MESI_S ? write_outside(h, core, line, true, cycle) : 0;
    set_private(&h->core[core], line, MESI_M);
    return cycles;
}

/* What a miss of L2 will look at lies far apart in the host's memory: it is asked for at once. */
static void prefetch_outside(const struct hierarchy *h, uint32_t core, uint64_t line)
{
    uint64_t victim = cache_array_oldest(&h->core[core].l2, line);
    directory_prefetch(&h->directory, line);
    cache_array_prefetch(&h->l3, line);
    if (victim != CACHE_ARRAY_NONE) {
        directory_prefetch(&h->directory, victim);
        cache_array_prefetch(&h->l3, victim);
    }
}

/* A miss of L1D. Answers the line's new state too. */
static uint32_t data_miss(struct hierarchy *h, uint32_t core, uint64_t line, bool write, uint64_t cycle,
                          enum mesi *state)
{
    struct hierarchy_core *c = &h->core[core];
    uint32_t cycles;
    c->stats.l1d_misses++;
    *state = (enum mesi)cache_array_touch(&c->l2, line);
    if (VP_LIKELY(*state != MESI_I)) {
        c->stats.l2_hits++;
        cycles = h->config.l2_cycles - h->config.l1_cycles;
        if (write && *state != MESI_M) {
            cycles += make_writable(h, core, line, *state, cycle);
            *state = MESI_M;
        }
    } else {
        c->stats.l2_misses++;
        prefetch_outside(h, core, line);
        if (write) {
            cycles = write_outside(h, core, line, false, cycle);
            *state = MESI_M;
        } else {
            cycles = read_outside(h, core, line, state, cycle);
        }
        fill_l2(h, core, line, *state, cycle);
    }
    (void)cache_array_insert(&c->l1d, line, *state); /* L2 knows the victim's state: nothing to write back */
    return cycles;
}

uint32_t hierarchy_data(struct hierarchy *h, uint32_t core, uint64_t line, uint64_t linear, bool write, uint64_t cycle)
{
    struct hierarchy_core *c = &h->core[core];
    uint32_t cycles = 0;
    enum mesi state = (enum mesi)cache_array_touch(&c->l1d, line);
    if (state == MESI_I) {
        cycles = data_miss(h, core, line, write, cycle, &state);
    } else {
        c->stats.l1d_hits++;
        if (write && state != MESI_M) {
            cycles = make_writable(h, core, line, state, cycle);
            state = MESI_M;
        }
    }
    remember_data(c, line, linear, state);
    return cycles;
}

static uint32_t fetch_miss(struct hierarchy *h, uint32_t core, uint64_t line, uint64_t cycle)
{
    struct hierarchy_core *c = &h->core[core];
    uint32_t cycles;
    c->stats.l1i_misses++;
    if (cache_array_touch(&c->l2, line)) {
        c->stats.l2_hits++;
        cycles = h->config.l2_cycles - h->config.l1_cycles;
    } else {
        enum mesi state;
        c->stats.l2_misses++;
        prefetch_outside(h, core, line);
        cycles = read_outside(h, core, line, &state, cycle);
        fill_l2(h, core, line, state, cycle);
    }
    (void)cache_array_insert(&c->l1i, line, MESI_S);
    return cycles;
}

uint32_t hierarchy_fetch(struct hierarchy *h, uint32_t core, uint64_t line, uint64_t linear, uint64_t cycle)
{
    struct hierarchy_core *c = &h->core[core];
    uint32_t cycles = 0;
    if (VP_LIKELY(cache_array_touch(&c->l1i, line)))
        c->stats.l1i_hits++;
    else
        cycles = fetch_miss(h, core, line, cycle);
    remember_code(c, line, linear);
    return cycles;
}

void hierarchy_flush(struct hierarchy *h, uint64_t line)
{
    struct directory_entry *e = directory_find(&h->directory, line);
    if (e) {
        uint64_t sharers = e->sharers;
        for (uint64_t left = sharers; left; left &= left - 1)
            drop_private(h, (uint32_t)__builtin_ctzll(left), line);
        leave_directory(h, e, sharers);
    }
    cache_array_remove(&h->l3, line);
}

void hierarchy_flush_all(struct hierarchy *h, uint32_t core)
{
    struct hierarchy_core *c = &h->core[core];
    for (size_t i = 0; i < cache_array_ways(&c->l2); i++) {
        uint64_t line = cache_array_at(&c->l2, i);
        if (line != CACHE_ARRAY_NONE)
            leave_directory(h, directory_find(&h->directory, line), bit(core));
    }
    cache_array_clear(&c->l1i);
    cache_array_clear(&c->l1d);
    cache_array_clear(&c->l2);
    cache_array_clear(&h->l3);
    hierarchy_forget(h, core, false);
    hierarchy_forget(h, core, true);
}

static const char *check_line(const struct hierarchy *h, uint64_t line)
{
    const struct directory_entry *e = directory_find(&h->directory, line);
    uint64_t holders = 0, writers = 0;
    for (uint32_t i = 0; i < h->config.cores; i++) {
        const struct hierarchy_core *c = &h->core[i];
        unsigned l2 = cache_array_peek(&c->l2, line), l1 = cache_array_peek(&c->l1d, line);
        if ((l1 || cache_array_peek(&c->l1i, line)) && !l2)
            return "a line is in L1 but not in L2";
        if (l1 && l1 != l2)
            return "L1D and L2 disagree about a line's state";
        holders |= l2 ? bit(i) : 0;
        writers |= l2 >= MESI_E ? bit(i) : 0;
    }
    if (writers && writers != holders)
        return "one core may write a line that another has";
    if (writers & (writers - 1))
        return "two cores may write a line";
    if (holders != (e ? e->sharers : 0))
        return "the directory does not know who has a line";
    if (e && (e->owned != 0) != (writers != 0))
        return "the directory is wrong about the owner";
    return NULL;
}

const char *hierarchy_check(const struct hierarchy *h, uint64_t lines)
{
    for (uint64_t line = 0; line < lines; line++) {
        const char *error = check_line(h, line);
        if (error)
            return error;
    }
    return NULL;
}
