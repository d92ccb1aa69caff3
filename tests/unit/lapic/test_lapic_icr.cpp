// SPDX-License-Identifier: Apache-2.0
// Sending: ICR, self-IPI MSR, SENDUIPI's last step.
#include "lapic_fixture.h"

namespace
{

constexpr std::uint32_t LOGICAL = 0x800, ASSERT_BIT = 0x4000, LEVEL = 0x8000, TO_SELF = 0x40000, TO_ALL = 0x80000,
                        TO_OTHERS = 0xc0000;
constexpr std::uint32_t SEND_ILLEGAL_VECTOR = 0x20;

TEST_F(lapic_test, writing_icr_low_sends_and_writing_icr_high_does_not)
{
    write(ICR_HIGH, 0x05000000);
    EXPECT_TRUE(bus.sent.empty());
    write(ICR, ASSERT_BIT | 0x41);
    ASSERT_EQ(bus.sent.size(), 1u);
    const struct ipi_msg &msg = bus.sent[0];
    EXPECT_EQ(msg.destination, 5u);
    EXPECT_EQ(msg.source, 3u);
    EXPECT_EQ(msg.vector, 0x41);
    EXPECT_EQ(msg.delivery_mode, IPI_FIXED);
    EXPECT_EQ(msg.shorthand, IPI_TO_DESTINATION);
    EXPECT_FALSE(msg.logical);
    EXPECT_FALSE(msg.level);
    EXPECT_FALSE(msg.x2apic);
    EXPECT_FALSE(msg.user);
    EXPECT_EQ(msg.number, 0u);
    EXPECT_EQ(msg.sent_at, now);
    EXPECT_EQ(lapic_stats(l)->ipis_sent, 1u);
}

TEST_F(lapic_test, x2apic_icr_sends_with_a_32_bit_destination)
{
    enter_x2apic();
    write(ICR, UINT64_C(0x00012345) << 32 | LOGICAL | 0x41);
    ASSERT_EQ(bus.sent.size(), 1u);
    EXPECT_EQ(bus.sent[0].destination, 0x12345u);
    EXPECT_TRUE(bus.sent[0].x2apic);
    EXPECT_TRUE(bus.sent[0].logical);
}

TEST_F(lapic_test, every_write_of_icr_low_sends_again)
{
    for (int i = 0; i < 3; i++)
        write(ICR, 0x41);
    EXPECT_EQ(bus.sent.size(), 3u);
}

// Mode by mode and shorthand by shorthand; vector 41H is legal everywhere.
TEST_F(lapic_test, valid_combinations_send_and_invalid_ones_do_not)
{
    const bool valid[8][4] = {
        // destination, self, all, others
        {true, true, true, true},     // fixed
        {true, false, false, true},   // lowest priority
        {true, false, false, true},   // SMI
        {false, false, false, false}, // reserved
        {true, false, false, true},   // NMI
        {true, false, false, true},   // INIT
        {true, false, false, true},   // start-up
        {false, false, false, false}, // ExtINT: local vector table only
    };
    for (std::uint32_t mode = 0; mode < 8; mode++)
        for (std::uint32_t shorthand = 0; shorthand < 4; shorthand++) {
            bus.sent.clear();
            write(ICR, shorthand << 18 | ASSERT_BIT | mode << 8 | 0x41);
            EXPECT_EQ(bus.sent.size(), valid[mode][shorthand] ? 1u : 0u) << mode << " " << shorthand;
            if (!bus.sent.empty()) {
                EXPECT_EQ(bus.sent[0].delivery_mode, mode);
                EXPECT_EQ(bus.sent[0].shorthand, shorthand);
            }
        }
}

TEST_F(lapic_test, illegal_vectors_of_fixed_and_lowest_priority_set_esr_and_send_nothing)
{
    for (std::uint32_t mode : {0u, 1u})
        for (std::uint32_t vector = 0; vector < 20; vector++) {
            bus.sent.clear();
            write(ICR, mode << 8 | vector);
            EXPECT_EQ(bus.sent.size(), vector < 16 ? 0u : 1u) << vector;
            EXPECT_EQ(errors(), vector < 16 ? SEND_ILLEGAL_VECTOR : 0u) << vector;
        }
}

TEST_F(lapic_test, other_modes_send_any_vector)
{
    write(ICR, 0x600 | 0x08); // SIPI to 8000H
    write(ICR, 0x400 | 0x02);
    write(ICR, 0x500 | ASSERT_BIT);
    ASSERT_EQ(bus.sent.size(), 3u);
    EXPECT_EQ(bus.sent[0].vector, 8);
    EXPECT_EQ(errors(), 0u);
}

TEST_F(lapic_test, level_and_trigger_bits_matter_for_init_only)
{
    write(ICR, LEVEL | 0x41);
    ASSERT_EQ(bus.sent.size(), 1u);
    EXPECT_FALSE(bus.sent[0].level);
    EXPECT_TRUE(bus.sent[0].assert_level);
    write(ICR, LEVEL | 0x500);
    ASSERT_EQ(bus.sent.size(), 2u);
    EXPECT_TRUE(bus.sent[1].level);
    EXPECT_FALSE(bus.sent[1].assert_level);
}

TEST_F(lapic_test, a_software_disabled_apic_still_sends)
{
    write(SVR, 0xff);
    write(ICR, 0x41);
    lapic_send_user_ipi(l, 0x0500, 0x42, 1, now);
    EXPECT_EQ(bus.sent.size(), 2u);
}

TEST_F(lapic_test, a_self_ipi_leaves_like_any_other)
{
    write(ICR, TO_SELF | 0x41);
    ASSERT_EQ(bus.sent.size(), 1u);
    EXPECT_EQ(bus.sent[0].shorthand, IPI_TO_SELF);
    EXPECT_FALSE(lapic_has_interrupt(l));
}

TEST_F(lapic_test, self_ipi_msr_sends_a_fixed_edge_to_self_and_leaves_icr_alone)
{
    enter_x2apic();
    EXPECT_TRUE(msr_write(0x83f, 0x41));
    ASSERT_EQ(bus.sent.size(), 1u);
    EXPECT_EQ(bus.sent[0].shorthand, IPI_TO_SELF);
    EXPECT_EQ(bus.sent[0].vector, 0x41);
    EXPECT_EQ(bus.sent[0].delivery_mode, IPI_FIXED);
    EXPECT_FALSE(bus.sent[0].level);
    EXPECT_EQ(msr(MSR_X2 + ICR / 16), 0u);
    EXPECT_FALSE(msr_read(0x83f));
}

TEST_F(lapic_test, self_ipi_msr_with_an_illegal_vector_sets_esr)
{
    enter_x2apic();
    EXPECT_TRUE(msr_write(0x83f, 0x0f));
    EXPECT_TRUE(bus.sent.empty());
    EXPECT_EQ(errors(), SEND_ILLEGAL_VECTOR);
}

// --- SENDUIPI ---

TEST_F(lapic_test, user_ipi_takes_the_second_byte_of_ndst_in_xapic_mode)
{
    lapic_send_user_ipi(l, 0xaabb05cc, 0x41, 77, 1234);
    ASSERT_EQ(bus.sent.size(), 1u);
    const struct ipi_msg &msg = bus.sent[0];
    EXPECT_EQ(msg.destination, 5u);
    EXPECT_EQ(msg.vector, 0x41);
    EXPECT_EQ(msg.delivery_mode, IPI_FIXED);
    EXPECT_EQ(msg.shorthand, IPI_TO_DESTINATION);
    EXPECT_FALSE(msg.logical);
    EXPECT_FALSE(msg.level);
    EXPECT_FALSE(msg.x2apic);
    EXPECT_TRUE(msg.user);
    EXPECT_EQ(msg.number, 77u);
    EXPECT_EQ(msg.sent_at, 1234u);
}

TEST_F(lapic_test, user_ipi_takes_all_of_ndst_in_x2apic_mode)
{
    enter_x2apic();
    lapic_send_user_ipi(l, 0x00000102, 0x41, 77, now);
    ASSERT_EQ(bus.sent.size(), 1u);
    EXPECT_EQ(bus.sent[0].destination, 0x102u);
    EXPECT_TRUE(bus.sent[0].x2apic);
}

TEST_F(lapic_test, user_ipi_neither_uses_nor_changes_icr)
{
    write(ICR_HIGH, 0x07000000);
    write(ICR, TO_OTHERS | LOGICAL | 0x55);
    bus.sent.clear();
    lapic_send_user_ipi(l, 0x0500, 0x41, 1, now);
    EXPECT_EQ(read(ICR), TO_OTHERS | LOGICAL | 0x55u);
    EXPECT_EQ(read(ICR_HIGH), 0x07000000u);
    ASSERT_EQ(bus.sent.size(), 1u);
    EXPECT_EQ(bus.sent[0].shorthand, IPI_TO_DESTINATION);
    EXPECT_FALSE(bus.sent[0].logical);
    EXPECT_EQ(bus.sent[0].destination, 5u);
}

TEST_F(lapic_test, user_ipi_with_an_illegal_vector_sets_esr_and_sends_nothing)
{
    for (std::uint8_t nv = 0; nv < 16; nv++) {
        lapic_send_user_ipi(l, 0x0500, nv, 1, now);
        EXPECT_EQ(errors(), SEND_ILLEGAL_VECTOR);
    }
    EXPECT_TRUE(bus.sent.empty());
    lapic_send_user_ipi(l, 0x0500, 16, 1, now);
    EXPECT_EQ(bus.sent.size(), 1u);
}

} // namespace
