// SPDX-License-Identifier: Apache-2.0
// Arrival, priorities, acknowledge, EOI, ESR.
#include "lapic_fixture.h"

namespace
{

constexpr std::uint32_t RECEIVE_ILLEGAL_VECTOR = 0x40, ILLEGAL_REGISTER = 0x80;

TEST_F(lapic_test, a_fixed_interrupt_sets_its_irr_bit_and_is_deliverable)
{
    EXPECT_TRUE(accept(0x41));
    EXPECT_TRUE(bit(IRR, 0x41));
    EXPECT_FALSE(bit(ISR, 0x41));
    EXPECT_TRUE(lapic_has_interrupt(l));
    EXPECT_EQ(lapic_stats(l)->ipis_accepted, 1u);
}

TEST_F(lapic_test, every_legal_vector_goes_from_irr_to_isr_and_away)
{
    for (unsigned v = 16; v < 256; v++) {
        const auto vector = static_cast<std::uint8_t>(v);
        ASSERT_TRUE(accept(vector));
        ASSERT_TRUE(bit(IRR, vector));
        ASSERT_EQ(ack(), vector);
        ASSERT_FALSE(bit(IRR, vector));
        ASSERT_TRUE(bit(ISR, vector));
        write(EOI, 0);
        ASSERT_FALSE(bit(ISR, vector));
        ASSERT_FALSE(lapic_has_interrupt(l));
    }
}

TEST_F(lapic_test, vectors_below_16_set_receive_illegal_vector)
{
    for (unsigned v = 0; v < 16; v++) {
        EXPECT_FALSE(accept(static_cast<std::uint8_t>(v)));
        EXPECT_EQ(errors(), RECEIVE_ILLEGAL_VECTOR);
    }
    EXPECT_FALSE(lapic_has_interrupt(l));
}

TEST_F(lapic_test, lowest_priority_is_taken_like_fixed)
{
    EXPECT_TRUE(accept(0x41, IPI_LOWEST_PRIORITY));
    EXPECT_EQ(ack(), 0x41);
}

TEST_F(lapic_test, nmi_init_and_startup_go_to_the_core_and_not_to_irr)
{
    EXPECT_TRUE(accept(0x41, IPI_NMI));
    EXPECT_TRUE(accept(0x42, IPI_INIT));
    EXPECT_TRUE(accept(0x08, IPI_STARTUP));
    EXPECT_EQ(bus.nmis, 1);
    EXPECT_EQ(bus.inits, 1);
    ASSERT_EQ(bus.startups.size(), 1u);
    EXPECT_EQ(bus.startups[0], 8);
    EXPECT_FALSE(lapic_has_interrupt(l));
    EXPECT_EQ(errors(), 0u);
}

TEST_F(lapic_test, init_level_deassert_is_ignored)
{
    struct ipi_msg msg = message(0, IPI_INIT);
    msg.level = true;
    msg.assert_level = false;
    EXPECT_FALSE(lapic_accept(l, &msg, now));
    EXPECT_EQ(bus.inits, 0);
    msg.assert_level = true;
    EXPECT_TRUE(lapic_accept(l, &msg, now));
    EXPECT_EQ(bus.inits, 1);
}

TEST_F(lapic_test, smi_and_the_reserved_mode_have_no_effect)
{
    for (std::uint8_t mode : std::vector<std::uint8_t>{2, 3})
        EXPECT_FALSE(accept(0x41, mode));
    EXPECT_FALSE(lapic_has_interrupt(l));
}

TEST_F(lapic_test, extint_brings_the_vector_of_an_inta_cycle_past_irr_isr_and_priorities)
{
    write(TPR, 0xf0);
    EXPECT_TRUE(accept(0x41, IPI_EXTINT)); // its own vector means nothing
    EXPECT_TRUE(lapic_has_interrupt(l));
    EXPECT_FALSE(bit(IRR, 0x41));
    EXPECT_EQ(ack(), 0x77);
    EXPECT_EQ(bus.intas, 1);
    EXPECT_FALSE(bit(ISR, 0x77));
    EXPECT_FALSE(lapic_has_interrupt(l));
    EXPECT_EQ(lapic_stats(l)->extints, 1u);
}

TEST_F(lapic_test, extint_does_nothing_without_8259s_or_when_disabled)
{
    write(SVR, 0xff);
    EXPECT_FALSE(accept(0, IPI_EXTINT));
    EXPECT_FALSE(lapic_has_interrupt(l));
    lapic_destroy(l);
    const struct lapic_config config = default_config();
    struct lapic_bus callbacks = bus.callbacks();
    callbacks.inta = nullptr;
    l = lapic_create(&config, &callbacks);
    write(SVR, 0x1ff);
    EXPECT_FALSE(accept(0, IPI_EXTINT));
    lapic_set_pin(l, LAPIC_LVT_LINT0, true, now);
    write(LVT_LINT0, 0x700);
    EXPECT_FALSE(lapic_has_interrupt(l));
}

TEST_F(lapic_test, init_forgets_a_waiting_extint)
{
    EXPECT_TRUE(accept(0, IPI_EXTINT));
    lapic_init(l);
    EXPECT_FALSE(lapic_has_interrupt(l));
}

TEST_F(lapic_test, a_software_disabled_apic_drops_fixed_but_hears_nmi_init_and_startup)
{
    write(SVR, 0xff);
    EXPECT_FALSE(accept(0x41));
    EXPECT_FALSE(accept(0x41, IPI_LOWEST_PRIORITY));
    EXPECT_FALSE(bit(IRR, 0x41));
    EXPECT_TRUE(accept(0, IPI_NMI));
    EXPECT_TRUE(accept(0, IPI_INIT));
    EXPECT_TRUE(accept(8, IPI_STARTUP));
}

TEST_F(lapic_test, what_was_pending_before_software_disable_is_held)
{
    accept(0x41);
    write(SVR, 0xff);
    EXPECT_TRUE(bit(IRR, 0x41));
    EXPECT_EQ(ack(), 0x41);
}

// --- order and priority ---

TEST_F(lapic_test, the_highest_vector_comes_first)
{
    for (std::uint8_t vector : std::vector<std::uint8_t>{0x41, 0x90, 0x20, 0xff, 0x42})
        accept(vector);
    for (std::uint8_t vector : std::vector<std::uint8_t>{0xff, 0x90, 0x42, 0x41, 0x20}) {
        EXPECT_EQ(ack(), vector);
        lapic_eoi(l);
    }
}

TEST_F(lapic_test, a_vector_in_service_blocks_its_own_class_and_lower_ones)
{
    accept(0x45);
    EXPECT_EQ(ack(), 0x45);
    accept(0x4f);
    accept(0x30);
    EXPECT_FALSE(lapic_has_interrupt(l));
    accept(0x50);
    EXPECT_TRUE(lapic_has_interrupt(l));
    EXPECT_EQ(ack(), 0x50); // nested
    lapic_eoi(l);
    EXPECT_FALSE(lapic_has_interrupt(l));
    lapic_eoi(l);
    EXPECT_EQ(ack(), 0x4f);
}

TEST_F(lapic_test, the_same_vector_can_be_in_service_and_pending)
{
    accept(0x41);
    ack();
    accept(0x41);
    EXPECT_TRUE(bit(ISR, 0x41));
    EXPECT_TRUE(bit(IRR, 0x41));
    lapic_eoi(l);
    EXPECT_EQ(ack(), 0x41);
}

TEST_F(lapic_test, a_third_arrival_coalesces)
{
    accept(0x41);
    EXPECT_TRUE(accept(0x41));
    EXPECT_EQ(lapic_stats(l)->interrupts_coalesced, 1u);
    EXPECT_EQ(ack(), 0x41);
    lapic_eoi(l);
    EXPECT_FALSE(lapic_has_interrupt(l));
}

TEST_F(lapic_test, tpr_holds_back_its_class_and_lower)
{
    for (std::uint32_t tpr = 0; tpr < 256; tpr += 8)
        for (unsigned v = 16; v < 256; v += 5) {
            const auto vector = static_cast<std::uint8_t>(v);
            write(TPR, tpr);
            accept(vector);
            ASSERT_EQ(lapic_has_interrupt(l), vector >> 4 > tpr >> 4) << tpr << " " << v;
            write(TPR, 0);
            ack();
            lapic_eoi(l);
        }
}

TEST_F(lapic_test, ppr_is_the_higher_class_of_tpr_and_isrv)
{
    write(TPR, 0x35);
    EXPECT_EQ(read(PPR), 0x35u);
    accept(0x47);
    ack();
    EXPECT_EQ(read(PPR), 0x40u); // class of ISRV, low bits 0
    write(TPR, 0x4a);
    EXPECT_EQ(read(PPR), 0x4au); // equal classes: TPR
    write(TPR, 0x52);
    EXPECT_EQ(read(PPR), 0x52u);
    write(TPR, 0);
    lapic_eoi(l);
    EXPECT_EQ(read(PPR), 0u);
}

TEST_F(lapic_test, cr8_is_the_upper_half_of_tpr)
{
    write(TPR, 0xa7);
    EXPECT_EQ(lapic_cr8(l), 0xa);
    lapic_set_cr8(l, 0x5);
    EXPECT_EQ(read(TPR), 0x50u); // TPR[3:0] is cleared
    lapic_set_cr8(l, 0xff);
    EXPECT_EQ(read(TPR), 0xf0u);
}

TEST_F(lapic_test, arbitration_priority_is_the_highest_of_the_three_classes)
{
    EXPECT_EQ(lapic_arbitration_priority(l), 0);
    write(TPR, 0x35);
    EXPECT_EQ(lapic_arbitration_priority(l), 0x35);
    accept(0x47);
    EXPECT_EQ(lapic_arbitration_priority(l), 0x40);
    ack();
    EXPECT_EQ(lapic_arbitration_priority(l), 0x40);
    write(TPR, 0x55);
    EXPECT_EQ(lapic_arbitration_priority(l), 0x55);
    EXPECT_EQ(read(APR), 0x55u);
}

// --- acknowledge ---

TEST_F(lapic_test, acknowledge_without_anything_is_spurious)
{
    write(SVR, 0x1ef);
    EXPECT_EQ(ack(), 0xef);
    EXPECT_FALSE(bit(ISR, 0xef));
    EXPECT_EQ(lapic_stats(l)->spurious, 1u);
    EXPECT_EQ(lapic_stats(l)->acknowledged, 0u);
}

TEST_F(lapic_test, raising_tpr_after_arrival_makes_the_acknowledge_spurious)
{
    accept(0x41);
    write(TPR, 0x40);
    EXPECT_EQ(ack(), 0xff);
    EXPECT_TRUE(bit(IRR, 0x41)); // kept for later
    write(TPR, 0);
    EXPECT_EQ(ack(), 0x41);
}

TEST_F(lapic_test, acknowledge_gives_number_and_cycle_of_the_first_user_arrival)
{
    struct ipi_msg msg = message(0x41);
    msg.number = 7;
    lapic_accept(l, &msg, 2000);
    msg.number = 8;
    lapic_accept(l, &msg, 3000);
    std::uint64_t number = 0, cycle = 0;
    EXPECT_EQ(lapic_ack(l, &number, &cycle), 0x41);
    EXPECT_EQ(number, 7u);
    EXPECT_EQ(cycle, 2000u);
}

TEST_F(lapic_test, an_anonymous_arrival_does_not_hide_a_user_interrupt)
{
    struct ipi_msg msg = message(0x41);
    lapic_accept(l, &msg, 2000);
    msg.number = 8;
    lapic_accept(l, &msg, 3000);
    std::uint64_t number = 0, cycle = 0;
    lapic_ack(l, &number, &cycle);
    EXPECT_EQ(number, 8u);
    EXPECT_EQ(cycle, 3000u);
}

TEST_F(lapic_test, a_number_is_not_left_behind_for_the_next_arrival)
{
    struct ipi_msg msg = message(0x41);
    msg.number = 7;
    lapic_accept(l, &msg, 2000);
    ack();
    lapic_eoi(l);
    msg.number = 0;
    lapic_accept(l, &msg, 4000);
    std::uint64_t number = 99, cycle = 0;
    lapic_ack(l, &number, &cycle);
    EXPECT_EQ(number, 0u);
    EXPECT_EQ(cycle, 4000u);
}

TEST_F(lapic_test, a_spurious_acknowledge_has_no_number)
{
    std::uint64_t number = 99, cycle = 99;
    lapic_ack(l, &number, &cycle);
    EXPECT_EQ(number, 0u);
    EXPECT_EQ(cycle, 0u);
}

// --- EOI ---

TEST_F(lapic_test, eoi_clears_the_highest_vector_in_service)
{
    accept(0x41);
    ack();
    accept(0x91);
    ack();
    lapic_eoi(l);
    EXPECT_FALSE(bit(ISR, 0x91));
    EXPECT_TRUE(bit(ISR, 0x41));
    EXPECT_EQ(lapic_stats(l)->eois, 1u);
}

TEST_F(lapic_test, eoi_with_nothing_in_service_does_nothing)
{
    accept(0x41);
    lapic_eoi(l);
    EXPECT_TRUE(bit(IRR, 0x41));
    EXPECT_TRUE(bus.eoi_broadcasts.empty());
}

TEST_F(lapic_test, any_value_written_to_eoi_ends_the_interrupt_in_xapic_mode)
{
    accept(0x41);
    ack();
    write(EOI, 0x12345678);
    EXPECT_FALSE(bit(ISR, 0x41));
}

TEST_F(lapic_test, only_level_interrupts_broadcast_their_eoi)
{
    accept(0x41);
    ack();
    lapic_eoi(l);
    EXPECT_TRUE(bus.eoi_broadcasts.empty());
    accept_level(0x41);
    EXPECT_TRUE(bit(TMR, 0x41));
    ack();
    lapic_eoi(l);
    ASSERT_EQ(bus.eoi_broadcasts.size(), 1u);
    EXPECT_EQ(bus.eoi_broadcasts[0], 0x41);
}

TEST_F(lapic_test, tmr_follows_the_latest_trigger_mode_of_the_vector)
{
    accept_level(0x41);
    EXPECT_TRUE(bit(TMR, 0x41));
    ack();
    lapic_eoi(l);
    EXPECT_TRUE(bit(TMR, 0x41)); // EOI leaves it
    accept(0x41);
    EXPECT_FALSE(bit(TMR, 0x41));
}

TEST_F(lapic_test, eoi_broadcast_can_be_suppressed)
{
    write(SVR, 0x11ff);
    accept_level(0x41);
    ack();
    lapic_eoi(l);
    EXPECT_TRUE(bus.eoi_broadcasts.empty());
    EXPECT_FALSE(bit(ISR, 0x41));
}

// --- ESR ---

TEST_F(lapic_test, esr_shows_errors_only_after_a_write)
{
    accept(5);
    EXPECT_EQ(read(ESR), 0u);
    write(ESR, 0);
    EXPECT_EQ(read(ESR), RECEIVE_ILLEGAL_VECTOR);
    write(ESR, 0xffffffff);
    EXPECT_EQ(read(ESR), 0u);
}

TEST_F(lapic_test, errors_gather_until_they_are_read)
{
    accept(5);
    write(ICR, 5);
    (void)read(0x40);
    EXPECT_EQ(errors(), 0x20u | RECEIVE_ILLEGAL_VECTOR | ILLEGAL_REGISTER);
    EXPECT_EQ(lapic_stats(l)->errors, 3u);
}

// ESR[7] is for reserved addresses; the EOI register exists.
TEST_F(lapic_test, reading_a_write_only_register_is_no_error)
{
    EXPECT_EQ(read(EOI), 0u);
    EXPECT_EQ(errors(), 0u);
}

TEST_F(lapic_test, writing_a_read_only_register_is_no_error)
{
    for (std::uint32_t offset : {VERSION, APR, PPR, RRD, ISR, TMR, IRR, CURRENT})
        write(offset, 0xffffffff);
    EXPECT_EQ(errors(), 0u);
}

TEST_F(lapic_test, an_error_raises_the_error_interrupt_once_until_rearmed)
{
    write(LVT_ERROR, 0x61);
    accept(5);
    EXPECT_EQ(ack(), 0x61);
    lapic_eoi(l);
    accept(6);
    EXPECT_FALSE(lapic_has_interrupt(l));
    write(ESR, 0);
    accept(7);
    EXPECT_EQ(ack(), 0x61);
}

TEST_F(lapic_test, an_error_entry_with_an_illegal_vector_is_one_more_error_and_no_loop)
{
    write(LVT_ERROR, 0x05);
    write(ICR, 5);
    EXPECT_EQ(errors(), 0x20u | RECEIVE_ILLEGAL_VECTOR);
}

TEST_F(lapic_test, a_masked_error_entry_raises_nothing)
{
    write(LVT_ERROR, 0x10061);
    accept(5);
    EXPECT_FALSE(lapic_has_interrupt(l));
    EXPECT_EQ(errors(), RECEIVE_ILLEGAL_VECTOR);
}

TEST_F(lapic_test, an_ipi_of_its_own_is_told_from_others_at_the_acknowledge)
{
    const auto acked_own = [&](struct ipi_msg msg) {
        EXPECT_TRUE(lapic_accept(l, &msg, now));
        EXPECT_EQ(ack(), msg.vector);
        lapic_eoi(l);
        return lapic_acked_own_ipi(l);
    };
    EXPECT_FALSE(lapic_acked_own_ipi(l));
    write(ICR, 1u << 18 | 0x41); // self
    ASSERT_EQ(bus.sent.size(), 1u);
    EXPECT_TRUE(acked_own(bus.sent[0]));
    write(ICR_HIGH, 3u << 24);
    write(ICR, 0x42); // to its ID
    EXPECT_TRUE(acked_own(bus.sent[1]));
    lapic_send_user_ipi(l, 3u << 8, 0x43, 7, now);
    EXPECT_FALSE(acked_own(bus.sent[2])) << "SENDUIPI to itself";
    struct ipi_msg other = bus.sent[0];
    other.source = 4;
    EXPECT_FALSE(acked_own(other));
    struct ipi_msg device = message(0x44);
    device.source = 3; // devices do not set it
    EXPECT_FALSE(acked_own(device));
    // A user interrupt that finds the vector pending is what is told of.
    EXPECT_TRUE(lapic_accept(l, &bus.sent[0], now));
    struct ipi_msg user = bus.sent[2];
    user.vector = 0x41;
    EXPECT_FALSE(acked_own(user));
}

} // namespace
