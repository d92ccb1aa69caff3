// SPDX-License-Identifier: Apache-2.0
// The model `cache` through the ABI: known sequences with their cycles, the stages of a user interrupt taken apart and
// put together again, flushes, what it refuses, and what it reports.
#include "timing_fixture.h"

#include <cstring>
#include <map>

namespace
{

constexpr std::uint32_t DRAM = 214 - 5, TRANSFER = 120;

// A core's memory without paging, unless a walk is given.
class cache_model : public timing_instance
{
  public:
    cache_model() : timing_instance(timing_find("cache")) {}
    std::uint32_t access(std::uint32_t core, enum timing_access kind, std::uint64_t physical, std::uint32_t bytes = 8)
    {
        struct timing_mem m = {};
        m.core = core;
        m.access = kind;
        m.linear = m.physical = physical;
        m.bytes = bytes;
        m.walk = walk;
        m.cycle = now += 100000; // nobody meets a line on its way
        return timing_mem_cost(&timing, &m);
    }
    std::uint32_t fault(enum timing_access kind, std::uint64_t linear)
    {
        struct timing_mem m = {};
        m.access = kind;
        m.linear = linear;
        m.bytes = 1;
        m.walk = walk;
        return timing_fault_cost(&timing, &m);
    }
    std::uint32_t line_op(std::uint32_t core, enum timing_cache_op op, std::uint64_t physical)
    {
        struct timing_mem m = {};
        m.core = core;
        m.linear = m.physical = physical;
        m.bytes = 1;
        m.walk = walk;
        m.cycle = now += 100000;
        return timing_cache_op(&timing, &m, op);
    }
    std::uint32_t stage(std::uint32_t core, enum timing_stage s) { return timing_uintr_cost(&timing, core, s, 0); }
    std::map<std::string, double> report()
    {
        std::map<std::string, double> values;
        timing.model->report(timing.self, &values,
                             [](void *ctx, const char *name, double value, const char *unit, const char *sentence) {
                                 EXPECT_TRUE(unit[0] && sentence[0]) << name;
                                 (*static_cast<std::map<std::string, double> *>(ctx))[name] = value;
                             });
        return values;
    }
    bool (*walk)(void *, std::uint64_t, struct timing_walk *) = nullptr;
    std::uint64_t now = 0;
};

TEST(timing_cache, memory_then_l1_and_a_transfer_from_another_core)
{
    cache_model c;
    ASSERT_TRUE(c.create()) << c.error;
    EXPECT_EQ(c.access(0, TIMING_LOAD, 0x1000), DRAM);
    EXPECT_EQ(c.access(0, TIMING_LOAD, 0x1008), 0u);
    EXPECT_EQ(c.access(0, TIMING_STORE, 0x1010), 0u);
    EXPECT_EQ(c.access(0, TIMING_STORE, 0x1010), 0u);
    EXPECT_EQ(c.access(1, TIMING_LOAD, 0x1000), TRANSFER);
    EXPECT_EQ(c.access(1, TIMING_LOAD, 0x1000), 0u);
    EXPECT_EQ(c.access(0, TIMING_MODIFY, 0x1000), TRANSFER) << "what core 0 remembers must not let it write";
    EXPECT_EQ(c.access(1, TIMING_LOAD, 0x1000), TRANSFER) << "what core 1 remembers is gone";
    EXPECT_EQ(c.access(0, TIMING_LOAD, 0x203c), 2 * DRAM) << "two lines";
    EXPECT_EQ(c.access(0, TIMING_FETCH, 0x3000, 20), DRAM);
    EXPECT_EQ(c.access(0, TIMING_FETCH, 0x3020, 20), 0u);
    auto r = c.report();
    EXPECT_EQ(r["cores[0].caches.l1d_hits"], 4); // with the upgrade
    EXPECT_EQ(r["cores[0].caches.dram"], 4);
    EXPECT_EQ(r["cores[0].caches.upgrades"], 1);
    EXPECT_EQ(r["cores[1].caches.transfers"], 2);
    EXPECT_EQ(r["cores[1].caches.invalidated"], 1);
    EXPECT_EQ(r["cores[1].tlb.dtlb_hits"], 0) << "paging is off";
}

// What the filter knows costs nothing, and nothing else is known.
TEST(timing_cache, the_filter_knows_lines_that_need_not_be_asked_for)
{
    cache_model c;
    ASSERT_TRUE(c.create()) << c.error;
    const struct timing_filter *f[] = {timing_filter(&c.timing, 0), timing_filter(&c.timing, 1)};
    auto knows = [](const struct timing_lines &known, std::uint64_t address) {
        std::uint64_t line = address >> TIMING_LINE_SHIFT;
        return known.line[line & known.mask] == line;
    };
    EXPECT_FALSE(knows(f[0]->load, 0x1000));
    c.access(0, TIMING_LOAD, 0x1000);
    EXPECT_TRUE(knows(f[0]->load, 0x1008));
    EXPECT_FALSE(knows(f[0]->load, 0x1040));
    EXPECT_FALSE(knows(f[0]->store, 0x1000)) << "the first store makes it modified";
    c.access(0, TIMING_STORE, 0x1000);
    EXPECT_TRUE(knows(f[0]->store, 0x1000));
    EXPECT_FALSE(knows(f[0]->fetch, 0x1000));
    EXPECT_FALSE(knows(f[1]->load, 0x1000));
    c.access(1, TIMING_LOAD, 0x1000);
    EXPECT_FALSE(knows(f[0]->store, 0x1000)) << "shared now";
    c.access(0, TIMING_STORE, 0x1000);
    EXPECT_FALSE(knows(f[1]->load, 0x1000)) << "taken away";
    c.access(0, TIMING_LOAD, 0x2000);
    EXPECT_FALSE(knows(f[0]->load, 0x1000)) << "no longer the last of its set";
    c.access(0, TIMING_FETCH, 0x3000, 100);
    EXPECT_TRUE(knows(f[0]->fetch, 0x3000) && knows(f[0]->fetch, 0x3040));
    timing_tlb_flush(&c.timing, 0, TIMING_FLUSH_ALL, 0);
    EXPECT_FALSE(knows(f[0]->load, 0x2000) || knows(f[0]->fetch, 0x3000)) << "another address space";
    timing_instance table(timing_find("table"));
    ASSERT_TRUE(table.create());
    EXPECT_EQ(timing_filter(&table.timing, 0), nullptr);
}

// The second time two lines of one set are accessed in turn, nothing changes.
TEST(timing_cache, two_lines_of_a_set_may_take_turns)
{
    cache_model c;
    ASSERT_TRUE(c.create()) << c.error;
    EXPECT_TRUE(timing_keeps_two(&c.timing));
    const struct timing_filter *f = timing_filter(&c.timing, 0);
    c.access(0, TIMING_LOAD, 0x1000);
    c.access(0, TIMING_STORE, 0x2000);
    const struct timing_filter before = *f;
    for (int i = 0; i < 3; i++) {
        EXPECT_EQ(c.access(0, TIMING_LOAD, 0x1008), 0u);
        EXPECT_EQ(c.access(0, TIMING_STORE, 0x2008), 0u);
        EXPECT_EQ(std::memcmp(before.load.line, f->load.line, sizeof before.load.line), 0);
        EXPECT_EQ(std::memcmp(before.store.line, f->store.line, sizeof before.store.line), 0);
    }
    for (const char *one : {"l1d_ways", "dtlb_entries", "dtlb_large"}) {
        cache_model single;
        single.value(one) = 1;
        ASSERT_TRUE(single.create()) << single.error;
        EXPECT_FALSE(timing_keeps_two(&single.timing)) << one;
    }
    timing_instance table(timing_find("table"));
    ASSERT_TRUE(table.create());
    EXPECT_FALSE(timing_keeps_two(&table.timing));
    EXPECT_EQ(timing_branches(&table.timing, 0), nullptr);
}

// A loop's branch is known once it is predicted right and changes nothing; another outcome is not.
TEST(timing_cache, branches_that_are_known_need_not_be_asked_about)
{
    cache_model c;
    ASSERT_TRUE(c.create()) << c.error;
    struct timing_branches *known = timing_branches(&c.timing, 0), *others = timing_branches(&c.timing, 1);
    ASSERT_TRUE(known != nullptr && others != nullptr && known != others);
    struct timing_branch b = {};
    b.from = 0xffff800000401000;
    b.conditional = b.taken = true;
    auto is_known = [&](struct timing_branches *k, bool taken) {
        const struct timing_known_branch *e = timing_branch_at(k, b.from);
        return e->branch == timing_branch_key(b.from, taken) && e->history == k->history;
    };
    EXPECT_FALSE(is_known(known, true));
    for (int i = 0; i < 200; i++)
        timing_branch_cost(&c.timing, &b);
    EXPECT_TRUE(is_known(known, true));
    EXPECT_FALSE(is_known(known, false));
    EXPECT_FALSE(is_known(others, true));
    EXPECT_EQ(known->hits, 0u) << "hits are the core's";
    known->hits = 7;
    EXPECT_EQ(c.report()["cores[0].branches.conditional"], 200 + 7);
    b.taken = false;
    EXPECT_EQ(timing_branch_cost(&c.timing, &b), 17u);
    EXPECT_TRUE(known->jumps_are_free);
}

TEST(timing_cache, misses_may_be_hidden_in_part)
{
    cache_model c;
    c.value("load_exposed") = 50;
    c.value("store_exposed") = 0;
    ASSERT_TRUE(c.create()) << c.error;
    EXPECT_EQ(c.access(0, TIMING_LOAD, 0x1000), DRAM / 2);
    EXPECT_EQ(c.access(0, TIMING_STORE, 0x2000), 0u);
    EXPECT_EQ(c.access(0, TIMING_MODIFY, 0x3000), DRAM) << "a locked access waits";
    EXPECT_EQ(c.access(0, TIMING_FETCH, 0x4000), DRAM);
}

// The sum of the components, with the UPID's line where it is: nobody wrote these totals down anywhere.
TEST(timing_cache, a_user_interrupt_costs_what_was_measured_when_its_lines_are_where_they_were)
{
    cache_model c;
    ASSERT_TRUE(c.create()) << c.error;
    constexpr std::uint64_t UITT = 0x10000, UPID = 0x20000, STACK = 0x30000;
    auto send = [&](bool notifies) {
        std::uint32_t cycles = c.insn(TIMING_CLASS_senduipi) + c.access(0, TIMING_LOAD, UITT, 16);
        cycles += c.access(0, TIMING_MODIFY, UPID, 16) + c.stage(0, TIMING_STAGE_post);
        return notifies ? cycles + c.stage(0, TIMING_STAGE_issue) : cycles;
    };
    auto receive = [&] {
        std::uint32_t cycles = c.stage(1, TIMING_STAGE_accept) + c.access(1, TIMING_MODIFY, UPID, 16);
        cycles += c.stage(1, TIMING_STAGE_notify) + c.stage(1, TIMING_STAGE_deliver);
        for (std::uint64_t i = 1; i <= 4; i++)
            cycles += c.access(1, TIMING_STORE, STACK - 8 * i);
        for (std::uint64_t i = 4; i >= 1; i--)
            cycles += c.access(1, TIMING_LOAD, STACK - 8 * i);
        return cycles + c.stage(1, TIMING_STAGE_return) + c.insn(TIMING_CLASS_uiret);
    };
    send(true);
    receive();
    EXPECT_EQ(send(true), 383u) << "SENDUIPI, xUI";
    EXPECT_EQ(send(false), 167u) << "SENDUIPI that finds ON set, Skyloft";
    EXPECT_EQ(receive(), 696u) << "receiver: 720 with the handler's own instructions, xUI";
}

TEST(timing_cache, translations_walk_through_the_caches_and_flushes_are_felt)
{
    cache_model c;
    ASSERT_TRUE(c.create()) << c.error;
    c.walk = [](void *, std::uint64_t linear, struct timing_walk *w) {
        w->count = 4;
        w->page_shift = 12;
        w->global = linear >= 0x100000;
        for (unsigned i = 0; i < 4; i++)
            w->entry[i] = 0x800000 + 0x1000 * i + (linear >> (39 - 9 * i) & 511) * 8;
        return true;
    };
    constexpr std::uint32_t WALK = 7 + 5;
    EXPECT_EQ(c.access(0, TIMING_LOAD, 0x1000), WALK + 4 * (DRAM + 5) + DRAM);
    EXPECT_EQ(c.access(0, TIMING_LOAD, 0x1000), 0u);
    EXPECT_EQ(c.access(0, TIMING_LOAD, 0x2000), WALK + 5 + DRAM) << "one entry, on a line that is in L1";
    EXPECT_EQ(c.access(0, TIMING_LOAD, 0x100000), WALK + 5 + DRAM + DRAM);
    timing_tlb_flush(&c.timing, 0, TIMING_FLUSH_NOT_GLOBAL, 0);
    EXPECT_EQ(c.access(0, TIMING_LOAD, 0x100000), 0u);
    EXPECT_EQ(c.access(0, TIMING_LOAD, 0x1000), WALK + 4 * 5);
    timing_tlb_flush(&c.timing, 0, TIMING_FLUSH_PAGE, 0x1234);
    EXPECT_EQ(c.access(0, TIMING_LOAD, 0x1000), WALK + 4 * 5);
    EXPECT_EQ(c.access(0, TIMING_WALK, 0x77000), 0u) << "it walks itself";
    auto r = c.report();
    EXPECT_EQ(r["cores[0].tlb.walks"], 5);
    EXPECT_EQ(r["cores[0].tlb.dtlb_hits"], 2);
}

// Of a page fault the entries up to the absent one are read, each time anew.
TEST(timing_cache, a_page_fault_costs_its_walk)
{
    cache_model c;
    ASSERT_TRUE(c.create()) << c.error;
    c.walk = [](void *, std::uint64_t linear, struct timing_walk *w) {
        *w = {};
        w->count = linear >= 0x40000000 ? 2 : 4;
        w->page_shift = 12;
        for (unsigned i = 0; i < w->count; i++)
            w->entry[i] = 0x800000 + 0x1000 * i + (linear >> (39 - 9 * i) & 511) * 8;
        return linear < 0x10000000;
    };
    constexpr std::uint32_t WALK = 7 + 5;
    EXPECT_EQ(c.fault(TIMING_LOAD, 0x20000000), WALK + 4 * (DRAM + 5));
    EXPECT_EQ(c.fault(TIMING_LOAD, 0x20000000), WALK + 4 * 5) << "nothing is kept but the lines";
    EXPECT_EQ(c.fault(TIMING_FETCH, 0x40000000), WALK + 2 * 5) << "the entries lie beside those";
    EXPECT_EQ(c.access(0, TIMING_LOAD, 0x1000), WALK + 3 * 5 + (DRAM + 5) + DRAM);
    EXPECT_EQ(c.fault(TIMING_STORE, 0x1000), WALK + 5) << "a right is missing: the leaf is read again";
    EXPECT_EQ(c.access(0, TIMING_LOAD, 0x1000), 0u);
    auto r = c.report();
    EXPECT_EQ(r["cores[0].tlb.walks"], 5);
    EXPECT_EQ(r["cores[0].tlb.itlb_misses"], 1);
    EXPECT_EQ(r["cores[0].cycles.fetch"], WALK + 10);
}

TEST(timing_cache, a_flushed_line_comes_from_memory_and_a_prefetched_one_is_there)
{
    cache_model c;
    ASSERT_TRUE(c.create()) << c.error;
    c.access(0, TIMING_STORE, 0x1000);
    c.access(1, TIMING_LOAD, 0x1000);
    EXPECT_EQ(c.line_op(0, TIMING_CACHE_WRITE_BACK, 0x1000), 0u);
    EXPECT_EQ(c.access(1, TIMING_LOAD, 0x1000), 0u) << "CLWB leaves it";
    EXPECT_EQ(c.line_op(0, TIMING_CACHE_FLUSH, 0x1010), 0u);
    EXPECT_EQ(c.access(1, TIMING_LOAD, 0x1000), DRAM);
    EXPECT_EQ(c.line_op(0, TIMING_CACHE_PREFETCH, 0x2000), 0u);
    EXPECT_EQ(c.access(0, TIMING_LOAD, 0x2000), 0u);
    c.access(1, TIMING_LOAD, 0x3000);
    EXPECT_EQ(c.line_op(0, TIMING_CACHE_PREFETCH_WRITE, 0x3000), 0u);
    EXPECT_EQ(c.access(0, TIMING_STORE, 0x3000), 0u) << "it may be written already";
    EXPECT_EQ(c.access(1, TIMING_LOAD, 0x3000), TRANSFER);
    EXPECT_EQ(c.line_op(0, TIMING_CACHE_FLUSH_ALL, 0), (32 + 48 + 2048 + 53760) * 1024u / 64)
        << "a cycle per line that there is room for";
    EXPECT_EQ(c.access(0, TIMING_LOAD, 0x2000), DRAM);
    EXPECT_EQ(c.line_op(0, static_cast<enum timing_cache_op>(7), 0x2000), 0u) << "an operation of a later platform";
    EXPECT_EQ(c.access(0, TIMING_LOAD, 0x2000), 0u);
}

TEST(timing_cache, a_flush_and_a_prefetch_translate_their_address)
{
    cache_model c;
    ASSERT_TRUE(c.create()) << c.error;
    c.walk = [](void *, std::uint64_t, struct timing_walk *w) {
        *w = {};
        w->count = 1;
        w->page_shift = 12;
        w->entry[0] = 0x800000;
        return true;
    };
    constexpr std::uint32_t WALK = 7 + 5;
    EXPECT_EQ(c.line_op(0, TIMING_CACHE_FLUSH, 0x1000), WALK + DRAM + 5);
    EXPECT_EQ(c.line_op(0, TIMING_CACHE_FLUSH, 0x1000), 0u);
    EXPECT_EQ(c.line_op(0, TIMING_CACHE_PREFETCH, 0x5000), 0u) << "nobody waits for a prefetch";
    EXPECT_EQ(c.access(0, TIMING_LOAD, 0x5000), 0u) << "its translation is there as well";
    EXPECT_EQ(c.report()["cores[0].cycles.data"], WALK + DRAM + 5);
}

TEST(timing_cache, branches_are_learned)
{
    cache_model c;
    ASSERT_TRUE(c.create()) << c.error;
    std::uint32_t last = 0;
    for (unsigned i = 0; i < 3000; i++) {
        struct timing_branch b = {};
        b.conditional = true;
        b.from = 0x400;
        b.taken = i % 7 != 6;
        std::uint32_t cost = timing_branch_cost(&c.timing, &b);
        EXPECT_TRUE(cost == 0 || cost == 17);
        last = i >= 2000 ? last + cost : 0;
    }
    EXPECT_LE(last, 34u);
    struct timing_branch call = {};
    call.call = true;
    call.next = 0x405;
    EXPECT_EQ(timing_branch_cost(&c.timing, &call), 0u);
    struct timing_branch ret = {};
    ret.ret = true;
    ret.to = 0x405;
    EXPECT_EQ(timing_branch_cost(&c.timing, &ret), 0u);
    EXPECT_EQ(timing_branch_cost(&c.timing, &ret), 17u);
}

TEST(timing_cache, the_rest_costs_what_the_table_says)
{
    cache_model c;
    timing_instance table(timing_find("table"));
    ASSERT_TRUE(c.create() && table.create());
    for (unsigned i = 0; i < TIMING_CLASS_COUNT; i++)
        EXPECT_EQ(c.insn(static_cast<enum timing_class>(i)), table.insn(static_cast<enum timing_class>(i))) << i;
    for (unsigned i = 0; i < TIMING_EVENT_COUNT; i++) {
        auto e = static_cast<enum timing_event>(i);
        EXPECT_EQ(timing_event_cost(&c.timing, 0, e),
                  e == TIMING_EVENT_page_walk ? 0 : timing_event_cost(&table.timing, 0, e));
    }
}

TEST(timing_cache, refuses_what_cannot_be_built)
{
    cache_model ways, order, fraction, many;
    ways.value("l1d_ways") = 7;
    EXPECT_FALSE(ways.create());
    EXPECT_HAS(ways.error, "timing.l1d_kib = 48: 768 lines do not divide into timing.l1d_ways = 7");
    order.value("l3_cycles") = 10;
    EXPECT_FALSE(order.create());
    EXPECT_HAS(order.error, "timing.l3_cycles = 10: expected at least timing.l2_cycles = 16");
    fraction.value("mispredict_cycles") = 1.5;
    EXPECT_FALSE(fraction.create());
    EXPECT_HAS(fraction.error, "timing.mispredict_cycles = 1.5: expected a whole number");
    cache_model prime, large;
    prime.value("stlb_entries") = 65521;
    EXPECT_FALSE(prime.create());
    EXPECT_HAS(prime.error, "timing.stlb_entries = 65521: would be sets of 65521 ways, expected at most 16383");
    large.value("stlb_entries") = 65528;
    EXPECT_TRUE(large.create()) << large.error;
    many.cores = 65;
    EXPECT_FALSE(many.create());
    EXPECT_HAS(many.error, "at most 64 cores");
}

// As a mesh would have them: core 1 is far away, and so is every second slice.
struct ways {
    std::uint32_t between = 0, slice = 0, waiting = 0;
    void give_to(struct timing_setup &setup)
    {
        setup.distance_ctx = this;
        setup.distance = [](void *self, std::uint32_t from, std::uint32_t to) {
            return from == to ? 0 : static_cast<const ways *>(self)->between;
        };
        setup.slice_distance = [](void *self, std::uint32_t, std::uint64_t line) {
            return line % 2 == 0 ? 0 : static_cast<const ways *>(self)->slice;
        };
        setup.send_between = [](void *self, std::uint32_t, std::uint32_t, std::uint64_t) {
            return static_cast<const ways *>(self)->between + static_cast<const ways *>(self)->waiting;
        };
        setup.send_slice = [](void *self, std::uint32_t, std::uint64_t line, bool, std::uint64_t) {
            const auto *w = static_cast<const ways *>(self);
            return (line % 2 == 0 ? 0 : w->slice) + w->waiting;
        };
    }
};

TEST(timing_cache, refuses_ways_that_cost_more_than_is_believed)
{
    constexpr std::uint32_t MOST = TIMING_COST_MAX - 214;
    for (std::uint32_t ways::*way : {&ways::between, &ways::slice}) {
        ways w;
        cache_model fits, does_not;
        w.give_to(fits.setup);
        w.give_to(does_not.setup);
        w.*way = MOST;
        EXPECT_TRUE(fits.create()) << fits.error;
        w.*way = MOST + 1;
        EXPECT_FALSE(does_not.create());
        EXPECT_HAS(does_not.error, "the longest way of a cache line on the mesh (interconnect.hop_cycles");
        EXPECT_HAS(does_not.error,
                   "999787 cycles, and timing.dram_cycles = 214 are more than an access may cost, 1000000");
    }
}

TEST(timing_cache, many_lines_and_waiting_for_links_end_at_what_is_believed)
{
    ways w;
    cache_model c;
    w.give_to(c.setup);
    ASSERT_TRUE(c.create()) << c.error;
    w.waiting = TIMING_COST_MAX;
    EXPECT_EQ(c.access(0, TIMING_LOAD, 0x1000), TIMING_COST_MAX);
    EXPECT_EQ(c.access(0, TIMING_FETCH, 0x2000, 128), TIMING_COST_MAX) << "two lines";
    w.waiting = 0;
    EXPECT_EQ(c.access(0, TIMING_LOAD, 0x4000), DRAM);
    auto r = c.report();
    EXPECT_EQ(r["cores[0].cycles.data"], TIMING_COST_MAX + DRAM);
    EXPECT_EQ(r["cores[0].cycles.fetch"], TIMING_COST_MAX);
    EXPECT_EQ(r["cores[0].cycles.cut"], DRAM + TIMING_COST_MAX + 2 * DRAM);
}

} // namespace
