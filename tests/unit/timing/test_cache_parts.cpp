// SPDX-License-Identifier: Apache-2.0
// The branch predictor against a bimodal one, and the translation caches with walks that are counted.
#include "branch_predictor.h"
#include "cache_tlb.h"

#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <memory>
#include <random>
#include <vector>

namespace
{

// --- branches ---

struct bimodal {
    std::vector<int> counter = std::vector<int>(4096, 2);
    unsigned missed = 0;
    void branch(std::uint64_t from, bool taken)
    {
        int &c = counter[from % 4096];
        missed += (c >= 2) != taken;
        c = taken ? std::min(c + 1, 3) : std::max(c - 1, 0);
    }
};

struct comparison {
    std::uint64_t tage, bimodal;
};

// Misses among the last half of `count` branches of a program that answers (from, taken) for each.
comparison run(unsigned count, const std::function<std::pair<std::uint64_t, bool>(unsigned)> &program)
{
    auto p = std::make_unique<branch_predictor>();
    bimodal b;
    comparison start = {};
    for (unsigned i = 0; i < count; i++) {
        if (i == count / 2)
            start = {p->stats.conditional_missed, b.missed};
        auto [from, taken] = program(i);
        predictor_conditional(p.get(), from, taken);
        b.branch(from, taken);
    }
    return {p->stats.conditional_missed - start.tage, b.missed - start.bimodal};
}

TEST(branch_predictor, learns_short_loops_that_a_bimodal_one_cannot)
{
    for (unsigned trips : {2u, 3u, 5u, 8u, 13u, 20u}) {
        comparison c = run(20000, [&](unsigned i) { return std::make_pair(0x401000u, i % trips != trips - 1); });
        EXPECT_LE(c.tage, 10u) << trips;
        EXPECT_GE(c.bimodal, 10000 / trips - 2) << trips;
    }
}

TEST(branch_predictor, learns_patterns_and_correlations)
{
    comparison pattern = run(20000, [](unsigned i) { return std::make_pair(0x55u, ((0x9a6du >> (i % 16)) & 1) != 0); });
    EXPECT_LE(pattern.tage, 10u);
    EXPECT_GE(pattern.bimodal, 2000u);
    // The third branch goes as the exclusive or of the first two, which are random.
    std::mt19937 random(1);
    bool a = false, b = false;
    comparison correlation = run(60000, [&](unsigned i) {
        bool taken = random() % 2;
        if (i % 3 == 0)
            a = taken;
        else if (i % 3 == 1)
            b = taken;
        else
            taken = a != b;
        return std::make_pair(0x700u + i % 3 * 16, taken);
    });
    EXPECT_LT(correlation.tage, correlation.bimodal * 4 / 5);
}

TEST(branch_predictor, is_as_good_as_a_bimodal_one_where_history_says_nothing)
{
    std::mt19937 random(2);
    comparison c = run(40000, [&](unsigned) {
        std::uint64_t from = 0x1000 + random() % 64 * 4;
        return std::make_pair(from, random() % 10 != 0);
    });
    EXPECT_LT(c.tage, c.bimodal * 3 / 2);
}

// A branch as a core meets it, which asks `quick` only for what is not known there; `thorough` is always asked. True:
// it was known.
bool met_by_core(branch_predictor &quick, branch_predictor &thorough, std::uint64_t from, bool taken)
{
    const timing_known_branch *b = timing_branch_at(&quick.settled, from);
    const bool is_known = b->branch == timing_branch_key(from, taken) && b->history == quick.settled.history;
    const bool right = predictor_conditional(&thorough, from, taken);
    if (is_known) {
        quick.settled.history = quick.settled.history << 1 | std::uint64_t{taken};
        EXPECT_TRUE(right) << "it was known to be predicted right";
    } else {
        EXPECT_EQ(predictor_conditional(&quick, from, taken), right);
    }
    return is_known;
}

// The memory of settled branches saves work and must change nothing.
TEST(branch_predictor, what_is_known_need_not_be_asked_about)
{
    auto quick = std::make_unique<branch_predictor>(), thorough = std::make_unique<branch_predictor>();
    std::mt19937 random(5);
    std::uint64_t quick_ones = 0;
    for (unsigned i = 0; i < 200000; i++) {
        // Loops of several branches, long enough to settle, then noise for a while.
        bool noise = i / 2000 % 4 == 3;
        std::uint64_t from = 0x400000 + 7 * (i % 3) + (noise ? random() % 50 : 0);
        bool taken = noise ? random() % 3 == 0 : i % 3 != 1;
        quick_ones += met_by_core(*quick, *thorough, from, taken);
        ASSERT_EQ(quick->settled.history, thorough->settled.history);
    }
    EXPECT_EQ(std::memcmp(quick->tage, thorough->tage, sizeof quick->tage), 0);
    EXPECT_EQ(std::memcmp(quick->bimodal, thorough->bimodal, sizeof quick->bimodal), 0);
    EXPECT_EQ(quick->stats.conditional_missed, thorough->stats.conditional_missed);
    EXPECT_EQ(quick->stats.conditional + quick_ones, thorough->stats.conditional);
    EXPECT_GT(quick_ones, 100000u);
}

// Two branches share an entry of the bimodal table: the second ends what was known of the first.
TEST(branch_predictor, what_depends_on_a_changed_entry_is_no_longer_known)
{
    auto quick = std::make_unique<branch_predictor>(), thorough = std::make_unique<branch_predictor>();
    const std::uint64_t one = 0x1000, other = one ^ (1u << BIMODAL_BITS | 1);
    auto fill_history = [&] {
        for (std::uint64_t i = 0; i < 80; i++)
            met_by_core(*quick, *thorough, 0x8000 + 16 * i, true);
    };
    bool is_known = false;
    for (int i = 0; i < 6; i++) {
        fill_history();
        is_known = met_by_core(*quick, *thorough, one, true);
    }
    EXPECT_TRUE(is_known);
    for (int i = 0; i < 4; i++)
        met_by_core(*quick, *thorough, other, false);
    fill_history();
    EXPECT_FALSE(met_by_core(*quick, *thorough, one, true));
    EXPECT_EQ(quick->stats.conditional_missed, thorough->stats.conditional_missed);
}

TEST(branch_predictor, returns_come_back_to_their_calls)
{
    auto p = std::make_unique<branch_predictor>();
    for (std::uint64_t i = 0; i < RETURN_STACK; i++)
        predictor_call(p.get(), 100 + i);
    for (std::uint64_t i = RETURN_STACK; i-- > 0;)
        EXPECT_TRUE(predictor_return(p.get(), 100 + i)) << i;
    EXPECT_FALSE(predictor_return(p.get(), 5));
    EXPECT_EQ(p->stats.returns, RETURN_STACK + 1u);
    EXPECT_EQ(p->stats.returns_missed, 1u);
}

TEST(branch_predictor, indirect_targets_follow_the_history)
{
    auto p = std::make_unique<branch_predictor>();
    for (int i = 0; i < 100; i++)
        predictor_indirect(p.get(), 0x10, 0x5000);
    EXPECT_EQ(p->stats.indirect_missed, 1u) << "a target that stays";
    p = std::make_unique<branch_predictor>();
    for (unsigned i = 0; i < 4000; i++)
        predictor_indirect(p.get(), 0x10, 0x5000 + i % 4 * 4);
    EXPECT_LT(p->stats.indirect_missed, 100u) << "four targets in turn";
}

// --- translations ---

struct tables {
    std::uint32_t page_shift = 12;
    bool global = false, present = true;
    unsigned walks = 0;
    std::vector<std::uint64_t> loads;
};

bool walk(void *ctx, std::uint64_t linear, struct timing_walk *w)
{
    auto *t = static_cast<tables *>(ctx);
    t->walks++;
    w->count = t->page_shift == 12 ? 4 : 3;
    w->page_shift = t->page_shift;
    w->global = t->global;
    for (std::uint32_t i = 0; i < w->count; i++)
        w->entry[i] = 0x1000 * (i + 1) + (linear >> (39 - 9 * i) & 511) * 8;
    return t->present;
}

std::uint32_t load(void *ctx, std::uint64_t physical)
{
    static_cast<tables *>(ctx)->loads.push_back(physical);
    return 10;
}

class translations
{
  public:
    translations() { EXPECT_TRUE(tlb_unit_create(&unit, &config)); }
    ~translations() { tlb_unit_destroy(&unit); }
    translations(const translations &) = delete;
    translations &operator=(const translations &) = delete;
    std::uint32_t data(std::uint64_t linear) { return tlb_unit_access(&unit, linear, false, &walker); }
    std::uint32_t fetch(std::uint64_t linear) { return tlb_unit_access(&unit, linear, true, &walker); }

    struct tlb_config config = {16, 4, 8, 4, 64, 7, 5};
    struct tlb_unit unit;
    tables memory;
    struct tlb_walker walker = {&memory, walk, load};
};

TEST(cache_tlb, a_walk_loads_its_entries_and_the_next_one_nearby_only_the_last)
{
    translations t;
    EXPECT_EQ(t.data(0x400000), 7u + 5 + 40);
    EXPECT_EQ(t.memory.loads.size(), 4u);
    EXPECT_EQ(t.data(0x400ff8), 0u);
    EXPECT_EQ(t.data(0x401000), 7u + 5 + 10) << "the page directory's entry is cached";
    EXPECT_EQ(t.memory.loads.back(), 0x4000u + 8);
    EXPECT_EQ(t.fetch(0x401000), 7u) << "the second level is common";
    EXPECT_EQ(t.fetch(0x401000), 0u);
    EXPECT_EQ(t.unit.stats.walks, 2u);
    EXPECT_EQ(t.unit.stats.walk_loads, 5u);
    EXPECT_EQ(t.unit.stats.stlb_hits, 1u);
}

TEST(cache_tlb, more_pages_than_the_first_level_has_hit_the_second)
{
    translations t;
    for (std::uint64_t i = 0; i < 32; i++)
        t.data(i << 12);
    EXPECT_EQ(t.unit.stats.walks, 32u);
    std::uint64_t lost = t.unit.lost[0];
    for (std::uint64_t i = 0; i < 32; i++)
        EXPECT_EQ(t.data(i << 12), 7u) << i;
    EXPECT_GT(t.unit.lost[0], lost) << "whoever remembers a translation must learn that it left";
    EXPECT_EQ(t.unit.stats.walks, 32u);
}

TEST(cache_tlb, a_large_page_is_one_translation)
{
    translations t;
    t.memory.page_shift = 21;
    EXPECT_EQ(t.data(0x40000000), 7u + 5 + 30);
    EXPECT_EQ(t.data(0x401ff000), 0u);
    EXPECT_NE(t.data(0x40200000), 0u);
    EXPECT_EQ(t.memory.walks, 2u);
}

TEST(cache_tlb, flushes_spare_what_is_global)
{
    translations t;
    t.data(0x1000);
    t.memory.global = true;
    t.data(0x2000);
    tlb_unit_flush(&t.unit, true);
    EXPECT_EQ(t.data(0x2000), 0u);
    EXPECT_NE(t.data(0x1000), 0u);
    tlb_unit_invalidate(&t.unit, 0x2345);
    EXPECT_NE(t.data(0x2000), 0u);
    tlb_unit_flush(&t.unit, false);
    EXPECT_NE(t.data(0x2000), 0u);
}

TEST(cache_tlb, a_walk_that_finds_nothing_leaves_nothing)
{
    translations t;
    t.memory.present = false;
    EXPECT_EQ(t.data(0x1000), 7u + 5);
    t.memory.present = true;
    EXPECT_GT(t.data(0x1000), 12u);
    EXPECT_EQ(t.memory.walks, 2u);
}

} // namespace
