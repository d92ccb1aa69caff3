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
        from_the_corner[mesh_home_distance(&mesh, 0, line)]++;
    // 3 by 4 tiles seen from a corner: three at most one hop away, then 3, 3, 2 and 1.
    const std::map<std::uint32_t, unsigned> tiles{{0, 3}, {10, 3}, {20, 3}, {30, 2}, {40, 1}};
    ASSERT_EQ(from_the_corner.size(), tiles.size());
    for (const auto &[cycles, count] : tiles)
        EXPECT_NEAR(from_the_corner[cycles], count * 1000, 150) << cycles;
    for (std::uint64_t line = 0; line < 1000; line++)
        if (mesh_home_distance(&mesh, 0, line) == 40) { // its home is the opposite corner, where core 11 sits
            ASSERT_EQ(mesh_home_distance(&mesh, 11, line), 0u);
        }
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
