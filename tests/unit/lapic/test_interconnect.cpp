// SPDX-License-Identifier: Apache-2.0
// Routing and latency between several APICs.
#include "interconnect.h"
#include "lapic_fixture.h"

#include <array>

namespace
{

constexpr std::size_t APICS = 4;

class interconnect_test : public ::testing::Test
{
  public:
    void SetUp() override
    {
        for (std::uint32_t i = 0; i < APICS; i++) {
            const struct lapic_config config = default_config(i);
            const struct lapic_bus callbacks = bus.callbacks();
            apics[i] = lapic_create(&config, &callbacks);
            lapic_mmio_write(apics[i], SVR, 4, 0x1ff, 0);
            lapic_mmio_write(apics[i], LDR, 4, 0x01000000u << i, 0);
        }
        struct interconnect_config config = {};
        config.latency_cycles = 150;
        ic = interconnect_create(&config);
        msg.vector = 0x41;
        msg.assert_level = true;
    }
    void TearDown() override
    {
        interconnect_destroy(ic);
        for (struct lapic *apic : apics)
            lapic_destroy(apic);
    }
    std::vector<std::size_t> route(std::size_t source)
    {
        msg.source = source < APICS ? lapic_id(apics[source]) : 0;
        std::array<std::size_t, APICS> targets = {};
        const std::size_t count = interconnect_route(ic, &msg, apics.data(), APICS, source, targets.data());
        return std::vector<std::size_t>(targets.begin(), targets.begin() + static_cast<std::ptrdiff_t>(count));
    }

    using indexes = std::vector<std::size_t>;
    fake_bus bus;
    std::array<struct lapic *, APICS> apics = {};
    struct interconnect *ic = nullptr;
    struct ipi_msg msg = {};
};

TEST_F(interconnect_test, a_latency_of_zero_is_refused)
{
    const struct interconnect_config config = {};
    EXPECT_EQ(interconnect_create(&config), nullptr);
    interconnect_destroy(nullptr);
}

TEST_F(interconnect_test, latency_is_fixed_between_cores_and_zero_to_oneself)
{
    EXPECT_EQ(interconnect_latency(ic, 0, 1, 77), 150u);
    EXPECT_EQ(interconnect_latency(ic, 3, 0, 0), 150u);
    EXPECT_EQ(interconnect_latency(ic, 2, 2, 77), 0u);
    EXPECT_EQ(interconnect_latency(ic, APICS, 2, 77), 150u);
    EXPECT_EQ(interconnect_lookahead(ic), 150u);
}

TEST_F(interconnect_test, a_physical_destination_reaches_one)
{
    msg.destination = 2;
    EXPECT_EQ(route(0), indexes({2}));
    EXPECT_EQ(route(2), indexes({2})); // itself, legal
}

TEST_F(interconnect_test, an_absent_destination_reaches_nobody)
{
    msg.destination = 9;
    EXPECT_EQ(route(0), indexes());
    EXPECT_EQ(interconnect_stats(ic)->unclaimed, 1u);
    EXPECT_EQ(interconnect_stats(ic)->messages, 1u);
    EXPECT_EQ(interconnect_stats(ic)->deliveries, 0u);
}

TEST_F(interconnect_test, a_broadcast_reaches_all_and_the_sender)
{
    msg.destination = 0xff;
    EXPECT_EQ(route(1), indexes({0, 1, 2, 3}));
    EXPECT_EQ(interconnect_stats(ic)->deliveries, 4u);
}

TEST_F(interconnect_test, shorthands_go_by_position)
{
    msg.shorthand = IPI_TO_SELF;
    EXPECT_EQ(route(1), indexes({1}));
    msg.shorthand = IPI_TO_ALL;
    EXPECT_EQ(route(1), indexes({0, 1, 2, 3}));
    msg.shorthand = IPI_TO_OTHERS;
    EXPECT_EQ(route(1), indexes({0, 2, 3}));
}

TEST_F(interconnect_test, init_to_others_reaches_software_disabled_apics)
{
    lapic_mmio_write(apics[2], SVR, 4, 0xff, 0);
    msg.shorthand = IPI_TO_OTHERS;
    msg.delivery_mode = IPI_INIT;
    EXPECT_EQ(route(0), indexes({1, 2, 3}));
}

TEST_F(interconnect_test, globally_disabled_apics_get_nothing)
{
    ASSERT_EQ(lapic_msr_write(apics[2], MSR_BASE, 0xfee00000, 0), VP_OK);
    msg.shorthand = IPI_TO_OTHERS;
    EXPECT_EQ(route(0), indexes({1, 3}));
    msg.shorthand = IPI_TO_DESTINATION;
    msg.destination = 2;
    EXPECT_EQ(route(0), indexes());
}

TEST_F(interconnect_test, a_logical_destination_reaches_a_set)
{
    msg.logical = true;
    msg.destination = 0x0a;
    EXPECT_EQ(route(0), indexes({1, 3}));
}

TEST_F(interconnect_test, logical_x2apic_destinations_reach_a_set)
{
    for (struct lapic *apic : apics)
        ASSERT_EQ(lapic_msr_write(apic, MSR_BASE, 0xfee00c00, 0), VP_OK);
    msg.logical = true;
    msg.x2apic = true;
    msg.destination = 0x5;
    EXPECT_EQ(route(3), indexes({0, 2}));
}

TEST_F(interconnect_test, lowest_priority_reaches_the_one_with_the_lowest_priority)
{
    lapic_set_cr8(apics[0], 5);
    lapic_set_cr8(apics[1], 4);
    lapic_set_cr8(apics[2], 2);
    lapic_set_cr8(apics[3], 3);
    msg.logical = true;
    msg.destination = 0xff;
    msg.delivery_mode = IPI_LOWEST_PRIORITY;
    EXPECT_EQ(route(0), indexes({2}));
    msg.destination = 0x0b;
    EXPECT_EQ(route(0), indexes({3}));
    EXPECT_EQ(interconnect_stats(ic)->deliveries, 2u);
}

TEST_F(interconnect_test, equal_priorities_take_turns)
{
    msg.logical = true;
    msg.destination = 0xff;
    msg.delivery_mode = IPI_LOWEST_PRIORITY;
    for (std::size_t i : {0u, 1u, 2u, 3u, 0u, 1u})
        EXPECT_EQ(route(0), indexes({i}));
}

// P6 family: who has the vector in service or pending gets it again, whatever the priorities.
TEST_F(interconnect_test, the_focus_wins_if_focus_checking_exists_and_is_on)
{
    for (bool exists : {false, true})
        for (bool is_on : {false, true}) {
            struct lapic_config config = default_config(2);
            config.focus_checking = exists;
            const struct lapic_bus callbacks = bus.callbacks();
            lapic_destroy(apics[2]);
            apics[2] = lapic_create(&config, &callbacks);
            lapic_mmio_write(apics[2], LDR, 4, 0x04000000, 0);
            lapic_mmio_write(apics[2], SVR, 4, is_on ? 0x1ff : 0x3ff, 0);
            lapic_set_cr8(apics[2], 9);
            struct ipi_msg pending = {};
            pending.vector = 0x41;
            ASSERT_TRUE(lapic_accept(apics[2], &pending, 0));
            msg.logical = true;
            msg.destination = 0xff;
            msg.delivery_mode = IPI_LOWEST_PRIORITY;
            EXPECT_EQ(route(0) == indexes({2}), exists && is_on);
            msg.vector = 0x42;
            EXPECT_NE(route(0), indexes({2}));
            msg.vector = 0x41;
        }
}

TEST_F(interconnect_test, lowest_priority_skips_software_disabled_apics)
{
    lapic_mmio_write(apics[0], SVR, 4, 0xff, 0);
    msg.logical = true;
    msg.destination = 0x03;
    msg.delivery_mode = IPI_LOWEST_PRIORITY;
    EXPECT_EQ(route(2), indexes({1}));
    EXPECT_EQ(route(2), indexes({1}));
}

TEST_F(interconnect_test, a_sender_that_is_no_apic_can_reach_all)
{
    msg.shorthand = IPI_TO_DESTINATION;
    msg.destination = 0xff;
    EXPECT_EQ(route(APICS), indexes({0, 1, 2, 3}));
}

} // namespace
