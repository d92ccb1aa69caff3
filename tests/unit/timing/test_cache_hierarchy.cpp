// SPDX-License-Identifier: Apache-2.0
// Coherent caches: known sequences with their cycles, and random accesses of several cores after which the rules of
// coherence must hold and nothing may have been remembered that is no longer so.
#include "cache_hierarchy.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace
{

constexpr std::uint32_t L2 = 16 - 5, L3 = 66 - 5, DRAM = 214 - 5, TRANSFER = 120;

struct hierarchy_config small(std::uint32_t cores)
{
    struct hierarchy_config c = {};
    c.cores = cores;
    c.l1i = {4, 2};
    c.l1d = {4, 2};
    c.l2 = {8, 4};
    c.l3 = {16, 4};
    c.l1_cycles = 5;
    c.l2_cycles = 16;
    c.l3_cycles = 66;
    c.dram_cycles = 214;
    c.transfer_cycles = TRANSFER;
    return c;
}

class caches
{
  public:
    explicit caches(const struct hierarchy_config &config) { EXPECT_TRUE(hierarchy_create(&h, &config)); }
    ~caches() { hierarchy_destroy(&h); }
    caches(const caches &) = delete;
    caches &operator=(const caches &) = delete;
    std::uint32_t load(std::uint32_t core, std::uint64_t line) { return data(core, line, false); }
    std::uint32_t store(std::uint32_t core, std::uint64_t line) { return data(core, line, true); }
    std::uint32_t data(std::uint32_t core, std::uint64_t line, bool write)
    {
        const std::uint32_t cycles = hierarchy_data(&h, core, line, line, write, now);
        now += step;
        return cycles;
    }
    const struct hierarchy_stats &stats(std::uint32_t core) const { return h.core[core].stats; }
    struct hierarchy h;
    std::uint64_t now = 0, step = 100000; // so long after each other that nobody meets a line on its way
};

TEST(cache_hierarchy, the_first_touch_comes_from_memory_and_the_second_from_l1)
{
    caches c(small(2));
    EXPECT_EQ(c.load(0, 100), DRAM);
    EXPECT_EQ(c.load(0, 100), 0u);
    EXPECT_EQ(c.store(0, 100), 0u) << "exclusive becomes modified silently";
    EXPECT_EQ(c.store(0, 101), DRAM);
    EXPECT_EQ(c.load(0, 101), 0u);
    EXPECT_EQ(c.stats(0).dram, 2u);
    EXPECT_EQ(c.stats(0).l1d_hits, 3u);
    EXPECT_EQ(c.stats(0).l1d_misses, 2u);
    EXPECT_EQ(c.stats(1).l1d_misses, 0u);
}

TEST(cache_hierarchy, what_l1_lost_is_in_l2_and_what_l2_lost_is_in_l3)
{
    caches c(small(1));
    for (std::uint64_t i = 0; i < 3; i++)
        c.load(0, 4 * i); // three lines of one set of two ways
    EXPECT_EQ(c.load(0, 0), L2);
    for (std::uint64_t i = 0; i < 5; i++)
        c.load(0, 800 + 8 * i); // five lines of one set of L2, four ways
    EXPECT_EQ(c.load(0, 800), L3);
    EXPECT_EQ(c.load(0, 800), 0u);
    EXPECT_EQ(hierarchy_check(&c.h, 2000), nullptr);
}

TEST(cache_hierarchy, a_line_that_another_core_wrote_costs_a_transfer)
{
    caches c(small(3));
    c.store(0, 7);
    EXPECT_EQ(c.load(1, 7), TRANSFER);
    EXPECT_EQ(c.load(0, 7), 0u) << "the writer keeps a copy";
    EXPECT_EQ(c.store(0, 7), TRANSFER) << "but must take the other away before it writes again";
    EXPECT_EQ(c.stats(0).upgrades, 1u);
    EXPECT_EQ(c.stats(1).invalidated, 1u);
    EXPECT_EQ(c.store(1, 7), TRANSFER);
    EXPECT_EQ(c.store(1, 7), 0u);
    EXPECT_EQ(c.store(0, 7), TRANSFER);
    EXPECT_EQ(c.stats(0).transfers, 1u);
    EXPECT_EQ(c.stats(1).transfers, 2u);
    EXPECT_EQ(c.load(2, 7), TRANSFER);
    EXPECT_EQ(c.load(1, 7), L3) << "the owner wrote it back when it became a sharer";
}

// A way between four cores in a row and slices on their tiles that writes down which lines take it, and when.
struct way {
    struct sent {
        std::uint32_t from, to;
        std::uint64_t cycle;
        bool operator==(const sent &o) const { return from == o.from && to == o.to && cycle == o.cycle; }
    };
    static constexpr std::uint32_t WAIT = 1000; // so that waiting is seen in every answer
    std::vector<sent> lines;

    static std::uint32_t apart(std::uint32_t a, std::uint32_t b) { return 10 * (a > b ? a - b : b - a); }
    static std::uint32_t send(void *ctx, std::uint32_t from, std::uint32_t to, std::uint64_t cycle)
    {
        static_cast<way *>(ctx)->lines.push_back({from, to, cycle});
        return apart(from, to) + WAIT;
    }
    struct hierarchy_config config(std::uint32_t cores)
    {
        struct hierarchy_config c = small(cores);
        c.distance = [](void *, std::uint32_t from, std::uint32_t to) { return apart(from, to); };
        c.slice_distance = [](void *, std::uint32_t core, std::uint64_t line) {
            return apart(core, static_cast<std::uint32_t>(line % 4));
        };
        c.send_between = send;
        c.send_slice = [](void *ctx, std::uint32_t core, std::uint64_t line, bool to_core, std::uint64_t cycle) {
            const auto slice = static_cast<std::uint32_t>(line % 4);
            return to_core ? send(ctx, slice, core, cycle) : send(ctx, core, slice, cycle);
        };
        c.distance_ctx = this;
        return c;
    }
};

TEST(cache_hierarchy, the_nearest_copy_is_fetched_and_takes_the_way)
{
    way w;
    caches c(w.config(4));
    c.store(3, 8);
    w.lines.clear();
    c.now = 700000;
    EXPECT_EQ(c.load(0, 8), TRANSFER + 30 + way::WAIT);
    EXPECT_EQ(c.store(2, 8), L3 + 20 + way::WAIT) << "from the slice; that the copies are gone is known sooner";
    EXPECT_EQ(c.store(0, 8), TRANSFER + 20 + way::WAIT);
    const std::vector<way::sent> expected{{3, 0, 700000}, {0, 2, 800000}, {2, 0, 900000}};
    EXPECT_EQ(w.lines, expected);
}

TEST(cache_hierarchy, who_only_needs_the_right_to_write_moves_no_line)
{
    way w;
    caches c(w.config(4));
    c.store(3, 8);
    c.load(1, 8);
    w.lines.clear();
    EXPECT_EQ(c.store(1, 8), TRANSFER + 20) << "core 3 is asked";
    EXPECT_TRUE(w.lines.empty());
    EXPECT_EQ(c.stats(1).upgrades, 1u);
}

TEST(cache_hierarchy, a_farther_slice_costs_more_and_victims_go_there)
{
    way w;
    caches c(w.config(2));
    EXPECT_EQ(c.load(0, 0), DRAM + way::WAIT) << "its own tile";
    EXPECT_EQ(c.load(0, 3), DRAM + 30 + way::WAIT);
    EXPECT_EQ(c.load(1, 7), DRAM + 20 + way::WAIT) << "the same slice from one tile nearer";
    for (std::uint64_t i = 0; i < 4; i++)
        c.load(0, 3 + 8 * (i + 1)); // 3 leaves L2 for L3
    const std::vector<way::sent> last_two{{3, 0, c.now - c.step}, {0, 3, c.now - c.step}};
    EXPECT_EQ(std::vector<way::sent>(w.lines.end() - 2, w.lines.end()), last_two) << "a line comes, its victim goes";
    EXPECT_EQ(c.load(0, 3), L3 + 30 + way::WAIT);
}

// However many cores write a line in turn, it moves from one to the next one after the other.
TEST(cache_hierarchy, cores_that_write_one_line_wait_for_each_other)
{
    for (std::uint32_t cores : {2u, 4u, 16u}) {
        caches c(small(cores));
        c.step = 0;
        std::vector<std::uint64_t> cycle(cores, 0);
        constexpr std::uint32_t ROUNDS = 50;
        c.store(0, 7);
        cycle[0] = DRAM;
        for (std::uint32_t round = 0; round < ROUNDS; round++)
            for (std::uint32_t i = 1; i <= cores; i++) {
                c.now = cycle[i % cores];
                cycle[i % cores] += c.store(i % cores, 7);
            }
        for (std::uint64_t at : cycle)
            EXPECT_GE(at, std::uint64_t{TRANSFER} * cores * (ROUNDS - 1)) << cores;
        EXPECT_LE(cycle[0], std::uint64_t{TRANSFER} * cores * ROUNDS + DRAM) << "and no longer than that";
        EXPECT_GT(c.stats(1).wait_cycles, 0u);
    }
}

TEST(cache_hierarchy, readers_wait_for_a_line_on_its_way_but_not_for_each_other)
{
    caches c(small(5));
    c.store(0, 7);
    c.step = 0;
    EXPECT_EQ(c.load(1, 7), TRANSFER);
    c.now += 20;
    EXPECT_EQ(c.load(2, 7), TRANSFER - 20 + L3) << "it is still on its way to core 1";
    EXPECT_EQ(c.load(3, 7), TRANSFER - 20 + L3);
    c.now += TRANSFER;
    EXPECT_EQ(c.load(4, 7), L3);
    EXPECT_EQ(c.stats(2).waits, 1u);
    EXPECT_EQ(c.stats(2).wait_cycles, TRANSFER - 20);
    EXPECT_EQ(c.stats(4).waits, 0u);
}

// Cores run ahead of each other: who comes from before the line left finds it at home.
TEST(cache_hierarchy, an_earlier_cycle_does_not_wait_for_a_later_one)
{
    caches c(small(3));
    c.store(0, 7);
    c.step = 0;
    c.now += 500;
    EXPECT_EQ(c.store(1, 7), TRANSFER);
    c.now -= 500;
    EXPECT_EQ(c.store(2, 7), TRANSFER);
    c.now += 500;
    EXPECT_EQ(c.store(0, 7), TRANSFER + TRANSFER) << "the line was moving for core 1 from then on";
}

TEST(cache_hierarchy, instructions_are_shared_and_a_store_takes_them_away)
{
    caches c(small(2));
    EXPECT_EQ(hierarchy_fetch(&c.h, 0, 50, 50, 0), DRAM);
    EXPECT_EQ(hierarchy_fetch(&c.h, 0, 50, 50, 0), 0u);
    EXPECT_EQ(hierarchy_fetch(&c.h, 1, 50, 50, 0), TRANSFER);
    EXPECT_EQ(c.load(0, 50), L2) << "L2 holds both kinds";
    c.store(1, 50);
    EXPECT_GT(hierarchy_fetch(&c.h, 0, 50, 50, 0), L2);
    EXPECT_EQ(hierarchy_check(&c.h, 100), nullptr);
}

TEST(cache_hierarchy, a_flushed_line_is_nowhere)
{
    caches c(small(3));
    c.load(0, 7);
    c.load(1, 7);
    hierarchy_fetch(&c.h, 1, 7, 7, 0);
    c.store(2, 8);
    for (std::uint64_t i = 1; i <= 4; i++)
        c.load(2, 9 + 8 * i); // 9 is in L3 only
    c.load(2, 9);
    for (std::uint64_t line : {7, 8, 9, 10})
        hierarchy_flush(&c.h, line); // 10: nobody has it
    EXPECT_EQ(hierarchy_check(&c.h, 100), nullptr);
    EXPECT_EQ(hierarchy_fetch(&c.h, 1, 7, 7, 0), DRAM);
    hierarchy_flush(&c.h, 7);
    for (std::uint64_t line : {7, 8, 9})
        EXPECT_EQ(c.load(0, line), DRAM) << line;
    EXPECT_EQ(c.load(1, 7), TRANSFER);
}

TEST(cache_hierarchy, a_core_that_flushes_all_leaves_other_cores_theirs)
{
    caches c(small(2));
    c.store(0, 1);
    c.load(0, 2);
    c.load(1, 2);
    c.store(1, 3);
    for (std::uint64_t i = 0; i <= 4; i++)
        c.load(1, 4 + 8 * i); // 4 leaves L2 for L3
    hierarchy_fetch(&c.h, 0, 50, 50, 0);
    hierarchy_flush_all(&c.h, 0);
    EXPECT_EQ(hierarchy_check(&c.h, 100), nullptr);
    EXPECT_EQ(hierarchy_fetch(&c.h, 0, 50, 50, 0), DRAM);
    EXPECT_EQ(c.load(0, 1), DRAM);
    EXPECT_EQ(c.load(0, 2), TRANSFER) << "core 1 has it still";
    EXPECT_EQ(c.load(0, 4), DRAM) << "L3 is empty";
    EXPECT_EQ(c.store(1, 3), 0u);
}

// Lines of another page: a linear line is not its physical one.
constexpr std::uint64_t linear_of(std::uint64_t line) { return line + 64 * 1000; }

// Random accesses; what is remembered of L1D must be the first way of its set, and writable only if modified.
void storm(const struct hierarchy_config &config, unsigned lines, unsigned seed)
{
    caches c(config);
    std::mt19937 random(seed);
    for (int i = 0; i < 30000; i++) {
        auto core = static_cast<std::uint32_t>(random() % config.cores);
        std::uint64_t line = random() % lines;
        if (random() % 50 == 0)
            hierarchy_flush(&c.h, line);
        if (random() % 1000 == 0)
            hierarchy_flush_all(&c.h, core);
        if (random() % 4 == 0) {
            const struct timing_lines &known = c.h.core[core].known.filter.fetch;
            bool hit = known.line[line & known.mask] == linear_of(line);
            std::uint32_t cycles = hierarchy_fetch(&c.h, core, line, linear_of(line), 0);
            if (hit) {
                ASSERT_EQ(cycles, 0u) << "what was remembered was not so";
            }
        } else {
            bool write = random() % 2;
            const struct timing_filter &f = c.h.core[core].known.filter;
            const struct timing_lines &known = write ? f.store : f.load;
            bool hit = known.line[line & known.mask] == linear_of(line);
            std::uint32_t cycles = hierarchy_data(&c.h, core, line, linear_of(line), write, 0);
            if (hit) {
                ASSERT_EQ(cycles, 0u) << "what was remembered was not so";
            }
        }
        if (i % 64 == 0) {
            const char *error = hierarchy_check(&c.h, lines);
            ASSERT_EQ(error, nullptr) << error;
        }
        for (std::uint32_t k = 0; k < config.cores; k++) {
            const struct cache_known &known = c.h.core[k].known;
            std::uint64_t entry = line & known.filter.load.mask, physical = known.physical[0][entry];
            bool writable = known.filter.store.line[entry] != TIMING_NO_LINE;
            if (physical == TIMING_NO_LINE) {
                ASSERT_FALSE(writable) << i;
                ASSERT_EQ(known.filter.load.line[entry], TIMING_NO_LINE) << i;
                continue;
            }
            ASSERT_EQ(known.filter.load.line[entry], linear_of(physical)) << i;
            ASSERT_EQ(cache_array_age(&c.h.core[k].l1d, physical), 0u) << i;
            ASSERT_EQ(writable, cache_array_peek(&c.h.core[k].l1d, physical) == MESI_M) << i;
        }
    }
    std::uint64_t upgrades = 0, transfers = 0;
    for (std::uint32_t k = 0; k < config.cores; k++) {
        const struct hierarchy_stats &s = c.stats(k);
        EXPECT_EQ(s.l1d_misses + s.l1i_misses, s.l2_hits + s.l2_misses);
        EXPECT_EQ(s.l2_misses, s.l3_hits + s.transfers + s.dram);
        upgrades += s.upgrades;
        transfers += s.transfers;
    }
    if (config.cores > 1) {
        EXPECT_GT(upgrades, 0u);
        EXPECT_GT(transfers, 0u);
    }
}

TEST(cache_hierarchy, random_accesses_of_four_cores_stay_coherent)
{
    storm(small(4), 40, 1);  // everything fits into L2: sharing
    storm(small(4), 300, 2); // evictions from all levels
    struct hierarchy_config odd = small(3);
    odd.l1d = {3, 2};
    odd.l3 = {7, 3};
    storm(odd, 100, 3);
    storm(small(1), 100, 4);
    struct hierarchy_config wide = small(2); // more sets than are remembered
    wide.l1d = {128, 1};
    wide.l2 = {256, 2};
    storm(wide, 600, 5);
}

TEST(cache_hierarchy, the_same_accesses_give_the_same_cycles)
{
    caches a(small(4)), b(small(4));
    std::mt19937 random(5);
    for (int i = 0; i < 20000; i++) {
        auto core = static_cast<std::uint32_t>(random() % 4);
        std::uint64_t line = random() % 200;
        bool write = random() % 3 == 0;
        ASSERT_EQ(hierarchy_data(&a.h, core, line, line, write, 0), hierarchy_data(&b.h, core, line, line, write, 0));
    }
}

} // namespace
