// SPDX-License-Identifier: Apache-2.0
// The arrays of tags and the directory against naive ones: a list per set in the order of use, and a map.
#include "cache_array.h"
#include "cache_directory.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <random>
#include <vector>

namespace
{

struct line {
    std::uint64_t number;
    unsigned state;
};

// Front: used last.
class naive_array
{
  public:
    naive_array(unsigned sets, unsigned ways) : m_ways(ways), m_sets(sets) {}

    unsigned peek(std::uint64_t n)
    {
        auto it = find(n);
        return it == set(n).end() ? 0 : it->state;
    }
    unsigned touch(std::uint64_t n)
    {
        auto it = find(n);
        if (it == set(n).end())
            return 0;
        line l = *it;
        set(n).erase(it);
        set(n).push_front(l);
        return l.state;
    }
    std::uint32_t age(std::uint64_t n)
    {
        auto it = find(n);
        return it == set(n).end() ? m_ways : static_cast<std::uint32_t>(it - set(n).begin());
    }
    std::uint64_t oldest(std::uint64_t n) { return set(n).size() == m_ways ? set(n).back().number : CACHE_ARRAY_NONE; }
    std::uint64_t insert(std::uint64_t n, unsigned state)
    {
        std::uint64_t victim = CACHE_ARRAY_NONE;
        if (set(n).size() == m_ways) {
            victim = set(n).back().number;
            set(n).pop_back();
        }
        set(n).push_front({n, state});
        return victim;
    }
    void set_state(std::uint64_t n, unsigned state)
    {
        auto it = find(n);
        if (it != set(n).end())
            it->state = state;
    }
    void remove(std::uint64_t n)
    {
        auto it = find(n);
        if (it != set(n).end())
            set(n).erase(it);
    }
    void remove_state(unsigned state)
    {
        for (auto &s : m_sets)
            s.erase(std::remove_if(s.begin(), s.end(), [&](const line &l) { return l.state == state; }), s.end());
    }

  private:
    std::deque<line> &set(std::uint64_t n) { return m_sets[n % m_sets.size()]; }
    std::deque<line>::iterator find(std::uint64_t n)
    {
        return std::find_if(set(n).begin(), set(n).end(), [&](const line &l) { return l.number == n; });
    }
    unsigned m_ways;
    std::vector<std::deque<line>> m_sets;
};

void compare(unsigned sets, unsigned ways, unsigned numbers)
{
    SCOPED_TRACE(testing::Message() << sets << " sets of " << ways);
    struct cache_array a;
    ASSERT_TRUE(cache_array_create(&a, sets, ways));
    naive_array naive(sets, ways);
    std::mt19937 random(sets * 100 + ways);
    for (int i = 0; i < 20000; i++) {
        std::uint64_t n = random() % numbers;
        auto state = static_cast<unsigned>(1 + random() % 3);
        switch (random() % 8) {
        case 0: naive.remove(n), cache_array_remove(&a, n); break;
        case 1: naive.set_state(n, state), cache_array_set_state(&a, n, state); break;
        case 2:
            if (random() % 100 == 0)
                naive.remove_state(state), cache_array_remove_state(&a, state);
            break;
        case 3:
            ASSERT_EQ(cache_array_peek(&a, n), naive.peek(n));
            ASSERT_EQ(cache_array_age(&a, n), naive.age(n));
            ASSERT_EQ(cache_array_oldest(&a, n), naive.oldest(n));
            break;
        default:
            unsigned have = cache_array_touch(&a, n);
            ASSERT_EQ(have, naive.touch(n)) << i;
            if (have == 0) {
                ASSERT_EQ(cache_array_insert(&a, n, state).number, naive.insert(n, state)) << i;
            }
        }
    }
    for (std::uint64_t n = 0; n < numbers; n++)
        ASSERT_EQ(cache_array_peek(&a, n), naive.peek(n));
    cache_array_clear(&a);
    for (std::uint64_t n = 0; n < numbers; n++)
        ASSERT_EQ(cache_array_peek(&a, n), 0u);
    cache_array_destroy(&a);
}

TEST(cache_array, does_what_a_list_per_set_does)
{
    compare(1, 1, 3);
    compare(1, 8, 20);
    compare(4, 2, 30);
    compare(64, 12, 2000);
    compare(3, 5, 60); // no power of two
    compare(16, 16, 200);
    compare(4, 7, 80);
    compare(4, 8, 90);
    compare(4, 9, 100);
    compare(2, 17, 100);
    compare(3, 64, 600);
    compare(1, 301, 900);
}

TEST(cache_array, number_zero_is_a_number)
{
    struct cache_array a;
    ASSERT_TRUE(cache_array_create(&a, 2, 2));
    EXPECT_EQ(cache_array_touch(&a, 0), 0u);
    EXPECT_EQ(cache_array_insert(&a, 0, 1).number, CACHE_ARRAY_NONE);
    EXPECT_EQ(cache_array_touch(&a, 0), 1u);
    EXPECT_EQ(cache_array_peek(&a, 2), 0u);
    cache_array_insert(&a, 2, 2);
    struct cache_victim v = cache_array_insert(&a, 4, 3);
    EXPECT_EQ(v.number, 0u);
    EXPECT_EQ(v.state, 1u);
    cache_array_destroy(&a);
}

TEST(cache_directory, does_what_a_map_does)
{
    constexpr unsigned LINES = 500; // of which at most 300 at a time
    struct directory d;
    ASSERT_TRUE(directory_create(&d, 300));
    std::map<std::uint64_t, std::pair<std::uint64_t, bool>> map;
    std::mt19937_64 random(7);
    for (int i = 0; i < 50000; i++) {
        std::uint64_t line = (random() % LINES) << (random() % 2 ? 0 : 20);
        bool remove = map.size() >= 300 || random() % 3 == 0;
        std::uint64_t sharers = random() | 1;
        bool owned = random() % 2;
        if (remove) {
            if (struct directory_entry *old = directory_find(&d, line))
                directory_remove(&d, old);
            map.erase(line);
        } else {
            struct directory_entry *e = directory_add(&d, line);
            ASSERT_EQ(e->sharers, map.count(line) ? map[line].first : 0u) << "a new entry is empty";
            e->sharers = sharers;
            e->owned = owned;
            map[line] = {sharers, owned};
        }
        line = (random() % LINES) << (random() % 2 ? 0 : 20);
        const struct directory_entry *e = directory_find(&d, line);
        auto it = map.find(line);
        ASSERT_EQ(e != nullptr, it != map.end()) << i;
        if (e) {
            ASSERT_EQ(e->sharers, it->second.first);
            ASSERT_EQ(e->owned, it->second.second);
        }
        ASSERT_EQ(d.used, map.size());
    }
    directory_destroy(&d);
}

} // namespace
