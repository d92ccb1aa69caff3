// SPDX-License-Identifier: Apache-2.0
// The local vector table: masks, delivery modes, software disable, the pins.
#include "lapic_fixture.h"

namespace
{

constexpr std::uint32_t MASKED = 0x10000, LEVEL = 0x8000, REMOTE_IRR = 0x4000;

TEST_F(lapic_test, software_disable_masks_every_entry_and_keeps_it_masked)
{
    const std::uint32_t entries[] = {LVT_CMCI, LVT_TIMER, LVT_THERMAL, LVT_PERF, LVT_LINT0, LVT_LINT1, LVT_ERROR};
    for (std::uint32_t entry : entries)
        write(entry, 0x41);
    write(SVR, 0xff);
    for (std::uint32_t entry : entries) {
        EXPECT_EQ(read(entry), MASKED | 0x41u) << std::hex << entry;
        write(entry, 0x42);
        EXPECT_EQ(read(entry), MASKED | 0x42u) << std::hex << entry;
    }
    write(SVR, 0x1ff);
    for (std::uint32_t entry : entries)
        EXPECT_EQ(read(entry), MASKED | 0x42u) << "enabling does not unmask";
    write(LVT_TIMER, 0x42);
    EXPECT_EQ(read(LVT_TIMER), 0x42u);
}

TEST_F(lapic_test, an_unmasked_source_delivers_its_vector)
{
    write(LVT_THERMAL, 0x61);
    lapic_signal(l, LAPIC_LVT_THERMAL, now);
    EXPECT_EQ(ack(), 0x61);
    lapic_eoi(l);
    write(LVT_CMCI, 0x62);
    lapic_signal(l, LAPIC_LVT_CMCI, now);
    EXPECT_EQ(ack(), 0x62);
}

TEST_F(lapic_test, a_masked_source_delivers_nothing)
{
    write(LVT_THERMAL, MASKED | 0x61);
    lapic_signal(l, LAPIC_LVT_THERMAL, now);
    EXPECT_FALSE(lapic_has_interrupt(l));
}

TEST_F(lapic_test, the_performance_entry_masks_itself)
{
    write(LVT_PERF, 0x400); // NMI
    lapic_signal(l, LAPIC_LVT_PERF, now);
    lapic_signal(l, LAPIC_LVT_PERF, now);
    EXPECT_EQ(bus.nmis, 1);
    EXPECT_EQ(read(LVT_PERF), MASKED | 0x400u);
    write(LVT_PERF, 0x400);
    lapic_signal(l, LAPIC_LVT_PERF, now);
    EXPECT_EQ(bus.nmis, 2);
}

TEST_F(lapic_test, a_local_source_with_an_illegal_vector_is_a_receive_error)
{
    write(LVT_THERMAL, 0x0f);
    lapic_signal(l, LAPIC_LVT_THERMAL, now);
    EXPECT_EQ(errors(), 0x40u);
}

TEST_F(lapic_test, pins_deliver_by_mode)
{
    write(LVT_LINT0, 0x400);
    lapic_set_pin(l, LAPIC_LVT_LINT0, true, now);
    EXPECT_EQ(bus.nmis, 1);
    write(LVT_LINT1, 0x500);
    lapic_set_pin(l, LAPIC_LVT_LINT1, true, now);
    EXPECT_EQ(bus.inits, 1);
    EXPECT_FALSE(lapic_has_interrupt(l));
}

TEST_F(lapic_test, an_edge_pin_acts_when_it_rises)
{
    write(LVT_LINT0, 0x61);
    lapic_set_pin(l, LAPIC_LVT_LINT0, true, now);
    EXPECT_EQ(ack(), 0x61);
    lapic_eoi(l);
    lapic_set_pin(l, LAPIC_LVT_LINT0, true, now);
    EXPECT_FALSE(lapic_has_interrupt(l));
    lapic_set_pin(l, LAPIC_LVT_LINT0, false, now);
    EXPECT_FALSE(lapic_has_interrupt(l));
    lapic_set_pin(l, LAPIC_LVT_LINT0, true, now);
    EXPECT_TRUE(lapic_has_interrupt(l));
}

TEST_F(lapic_test, a_level_pin_repeats_after_eoi_while_asserted)
{
    write(LVT_LINT0, LEVEL | 0x61);
    lapic_set_pin(l, LAPIC_LVT_LINT0, true, now);
    EXPECT_EQ(read(LVT_LINT0), LEVEL | REMOTE_IRR | 0x61u);
    EXPECT_TRUE(bit(TMR, 0x61));
    EXPECT_EQ(ack(), 0x61);
    EXPECT_FALSE(lapic_has_interrupt(l));
    lapic_eoi(l);
    EXPECT_EQ(ack(), 0x61);
    lapic_set_pin(l, LAPIC_LVT_LINT0, false, now);
    lapic_eoi(l);
    EXPECT_FALSE(lapic_has_interrupt(l));
    EXPECT_EQ(read(LVT_LINT0), LEVEL | 0x61u);
}

TEST_F(lapic_test, a_level_waits_behind_the_mask)
{
    write(LVT_LINT1, MASKED | LEVEL | 0x61);
    lapic_set_pin(l, LAPIC_LVT_LINT1, true, now);
    EXPECT_FALSE(lapic_has_interrupt(l));
    write(LVT_LINT1, LEVEL | 0x61);
    EXPECT_EQ(ack(), 0x61);
}

TEST_F(lapic_test, remote_irr_is_read_only)
{
    write(LVT_LINT0, LEVEL | REMOTE_IRR | 0x61);
    EXPECT_EQ(read(LVT_LINT0), LEVEL | 0x61u);
    lapic_set_pin(l, LAPIC_LVT_LINT0, true, now);
    write(LVT_LINT0, LEVEL | 0x61);
    EXPECT_EQ(read(LVT_LINT0), LEVEL | REMOTE_IRR | 0x61u);
}

} // namespace
