// SPDX-License-Identifier: Apache-2.0
// The mesh: distances, placement, waiting for links, and the lookahead that follows from all of it.
#include "interconnect.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace
{

struct interconnect_config three_by_four(std::uint32_t cores = 12)
{
    struct interconnect_config c = {};
    c.latency_cycles = 100;
    c.mesh.rows = 3;
    c.mesh.columns = 4;
    c.mesh.hop_cycles = 10;
    c.mesh.link_cycles = 3;
    EXPECT_TRUE(mesh_place_by_rows(&c.mesh, cores));
    return c;
}

class mesh_test : public ::testing::Test
{
  public:
    void TearDown() override { interconnect_destroy(ic); }
    void create(const struct interconnect_config &config)
    {
        ic = interconnect_create(&config);
        ASSERT_NE(ic, nullptr);
    }
    std::uint64_t latency(std::size_t from, std::size_t to, std::uint64_t now)
    {
        return interconnect_latency(ic, from, to, now);
    }
    struct interconnect *ic = nullptr;
};

TEST_F(mesh_test, each_hop_after_the_first_takes_its_time)
{
    create(three_by_four());
    EXPECT_EQ(latency(0, 0, 0), 0u);
    EXPECT_EQ(latency(0, 1, 1000), 100u);
    EXPECT_EQ(latency(4, 0, 2000), 100u);
    EXPECT_EQ(latency(0, 11, 3000), 100u + 4 * 10) << "three columns and two rows";
    EXPECT_EQ(latency(11, 0, 4000), 100u + 4 * 10);
    EXPECT_EQ(latency(12, 5, 5000), 100u + 10) << "any other sender is at tile 0";
    EXPECT_EQ(latency(12, 0, 6000), 100u);
    EXPECT_EQ(interconnect_stats(ic)->waits, 0u);
}

// Slices of the shared cache: one per tile, lines spread evenly, the same for every core.
TEST_F(mesh_test, lines_have_their_homes_on_all_tiles)
{
    const struct mesh_config mesh = three_by_four().mesh;
    std::map<std::uint32_t, unsigned> from_the_corner;
    for (std::uint64_t line = 0; line < 12000; line++)
        from_the_corner[mesh_distance(&mesh, mesh_tile_of(&mesh, 0), mesh_home_of(&mesh, line))]++;
    // 3 by 4 tiles seen from a corner: three at most one hop away, then 3, 3, 2 and 1.
    const std::map<std::uint32_t, unsigned> tiles{{0, 3}, {10, 3}, {20, 3}, {30, 2}, {40, 1}};
    ASSERT_EQ(from_the_corner.size(), tiles.size());
    for (const auto &[cycles, count] : tiles)
        EXPECT_NEAR(from_the_corner[cycles], count * 1000, 150) << cycles;
    EXPECT_EQ(mesh_tile_of(&mesh, 11), 11u);
    EXPECT_EQ(mesh_tile_of(&mesh, 12), 0u) << "any other sender";
}

TEST_F(mesh_test, a_taken_link_is_waited_for)
{
    create(three_by_four());
    EXPECT_EQ(latency(0, 1, 500), 100u);
    EXPECT_EQ(latency(0, 1, 500), 103u);
    EXPECT_EQ(latency(0, 2, 501), 105u + 10) << "the third on the link from 0 to 1";
    EXPECT_EQ(latency(1, 0, 501), 100u) << "the other direction is another link";
    EXPECT_EQ(latency(0, 1, 509), 100u) << "free again";
    EXPECT_EQ(interconnect_stats(ic)->waits, 2u);
    EXPECT_EQ(interconnect_stats(ic)->wait_cycles, 3u + 5);
}

TEST_F(mesh_test, messages_that_cross_meet_on_the_second_link)
{
    create(three_by_four());
    // 0 to 2 goes by 1; it is at tile 1 at cycle 510. 1 to 2 takes that link from 509 to 512.
    EXPECT_EQ(latency(1, 2, 509), 100u);
    EXPECT_EQ(latency(0, 2, 500), 110u + 2);
}

// Cores run ahead of each other: who comes with an earlier cycle finds the link as it was then.
TEST_F(mesh_test, an_earlier_message_takes_the_gap_that_was_there)
{
    create(three_by_four());
    EXPECT_EQ(latency(0, 1, 600), 100u);
    EXPECT_EQ(latency(0, 1, 500), 100u) << "before it";
    EXPECT_EQ(latency(0, 1, 604), 100u) << "taken from 600 to 603 only";
    EXPECT_EQ(latency(0, 1, 598), 100u + 9) << "598 to 601 is not free, nor 603 to 606: the first gap is at 607";
    EXPECT_EQ(latency(0, 1, 597), 100u) << "597 to 600 is";
    EXPECT_EQ(interconnect_stats(ic)->waits, 1u);
}

TEST_F(mesh_test, a_queue_is_never_forgotten)
{
    create(three_by_four());
    for (std::uint64_t i = 0; i < 1000; i++)
        ASSERT_EQ(latency(0, 1, 500), 100 + 3 * i);
    EXPECT_EQ(latency(0, 1, 3499), 100u + 1);
}

// Against a list of all occupations, which forgets nothing, for cycles out of order within a quantum.
TEST_F(mesh_test, links_agree_with_a_list_of_all_occupations)
{
    std::mt19937 random(11);
    create(three_by_four());
    std::vector<std::uint64_t> taken;
    const auto expected = [&taken](std::uint64_t at) {
        for (bool again = true; again;) {
            again = false;
            for (std::uint64_t t : taken)
                if (t < at + 3 && at < t + 3) {
                    at = t + 3;
                    again = true;
                }
        }
        taken.push_back(at);
        return at;
    };
    for (std::uint64_t i = 0; i < 3000; i++) {
        const std::uint64_t now = 8 * i + random() % 120;
        ASSERT_EQ(latency(0, 1, now), 100 + expected(now) - now) << i;
    }
    EXPECT_GT(interconnect_stats(ic)->waits, 100u);
}

TEST_F(mesh_test, lines_and_messages_take_the_same_links)
{
    create(three_by_four());
    EXPECT_EQ(interconnect_line(ic, 0, 2, 500), 10u);
    EXPECT_EQ(latency(0, 1, 501), 102u) << "after the line";
    EXPECT_EQ(interconnect_line(ic, 0, 1, 501), 5u) << "after both";
    EXPECT_EQ(interconnect_line(ic, 5, 5, 501), 0u) << "the slice of its own tile";
    EXPECT_EQ(interconnect_stats(ic)->lines, 3u);
    EXPECT_EQ(interconnect_stats(ic)->line_waits, 1u);
    EXPECT_EQ(interconnect_stats(ic)->line_wait_cycles, 5u);
    EXPECT_EQ(interconnect_stats(ic)->waits, 1u);
}

TEST_F(mesh_test, without_link_cycles_nobody_waits)
{
    struct interconnect_config c = three_by_four();
    c.mesh.link_cycles = 0;
    create(c);
    for (int i = 0; i < 10; i++)
        EXPECT_EQ(latency(0, 3, 7), 100u + 20);
}

TEST_F(mesh_test, the_lookahead_is_the_least_latency_of_the_placement)
{
    struct interconnect_config c = three_by_four(2);
    EXPECT_EQ(interconnect_config_lookahead(&c), 100u);
    c.mesh.tile[0] = 3; // three hops from tile 0
    c.mesh.tile[1] = 8; // two hops from tile 0, five from the other
    EXPECT_EQ(interconnect_config_lookahead(&c), 110u) << "from the sender that is no core";
    create(c);
    EXPECT_EQ(interconnect_lookahead(ic), 110u);
    EXPECT_EQ(latency(0, 1, 0), 140u);
    c.mesh.rows = 0;
    EXPECT_EQ(interconnect_config_lookahead(&c), 100u) << "model fixed";
}

TEST_F(mesh_test, nothing_is_ever_faster_than_the_lookahead)
{
    std::mt19937 random(3);
    struct interconnect_config c = three_by_four(6);
    const std::uint16_t tiles[] = {1, 11, 6, 8, 3, 4};
    for (unsigned i = 0; i < 6; i++)
        c.mesh.tile[i] = tiles[i];
    create(c);
    for (int i = 0; i < 5000; i++) {
        std::size_t from = random() % 7, to = random() % 6;
        if (from == to)
            continue;
        std::uint64_t now = static_cast<std::uint64_t>(i) * 2 + random() % 100; // slightly out of order
        ASSERT_GE(latency(from, to, now), interconnect_lookahead(ic));
    }
    EXPECT_GT(interconnect_stats(ic)->waits, 0u);
}

TEST_F(mesh_test, what_does_not_fit_is_refused)
{
    struct interconnect_config c = three_by_four();
    EXPECT_FALSE(mesh_place_by_rows(&c.mesh, 13));
    c.mesh.tile[3] = 12;
    EXPECT_EQ(interconnect_create(&c), nullptr) << "no such tile";
    c.mesh.tile[3] = 4;
    EXPECT_EQ(interconnect_create(&c), nullptr) << "taken twice";
    c.mesh.tile[3] = 3;
    c.mesh.columns = 0;
    EXPECT_EQ(interconnect_create(&c), nullptr);
}

} // namespace
