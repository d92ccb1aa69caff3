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

TEST_F(lapic_test, extint_on_a_pin_is_a_level_whatever_the_trigger_mode)
{
    write(LVT_LINT0, 0x700);
    lapic_set_pin(l, LAPIC_LVT_LINT0, true, now);
    EXPECT_EQ(ack(), 0x77);
    EXPECT_EQ(ack(), 0x77) << "the 8259 has another one";
    write(LVT_LINT0, MASKED | 0x700);
    EXPECT_FALSE(lapic_has_interrupt(l));
    write(LVT_LINT0, LEVEL | 0x700);
    EXPECT_TRUE(lapic_has_interrupt(l));
    lapic_set_pin(l, LAPIC_LVT_LINT0, false, now);
    EXPECT_FALSE(lapic_has_interrupt(l));
    EXPECT_EQ(read(LVT_LINT0), LEVEL | 0x700u);
}

TEST_F(lapic_test, without_an_apic_the_pins_are_intr_and_nmi)
{
    write(LVT_LINT0, MASKED);
    ASSERT_TRUE(msr_write(MSR_BASE, 0xfee00000));
    lapic_set_pin(l, LAPIC_LVT_LINT0, true, now);
    EXPECT_EQ(ack(), 0x77);
    lapic_set_pin(l, LAPIC_LVT_LINT0, false, now);
    EXPECT_FALSE(lapic_has_interrupt(l));
    lapic_set_pin(l, LAPIC_LVT_LINT1, true, now);
    EXPECT_EQ(bus.nmis, 1);
    lapic_set_pin(l, LAPIC_LVT_LINT1, false, now);
    EXPECT_EQ(bus.nmis, 1);
}

// The trigger mode of NMI and INIT is ignored: writing the entry again is no new edge.
TEST_F(lapic_test, an_nmi_pin_is_an_edge_even_if_programmed_as_level)
{
    write(LVT_LINT1, LEVEL | 0x400);
    lapic_set_pin(l, LAPIC_LVT_LINT1, true, now);
    EXPECT_EQ(bus.nmis, 1);
    write(LVT_LINT1, LEVEL | 0x400);
    EXPECT_EQ(bus.nmis, 1);
    EXPECT_EQ(read(LVT_LINT1), LEVEL | 0x400u);
}

// Every delivery mode of every entry that has the field.
TEST_F(lapic_test, delivery_modes_of_the_entries)
{
    const struct {
        std::uint32_t offset;
        enum lapic_lvt lvt;
    } entries[] = {{LVT_CMCI, LAPIC_LVT_CMCI},
                   {LVT_THERMAL, LAPIC_LVT_THERMAL},
                   {LVT_PERF, LAPIC_LVT_PERF},
                   {LVT_LINT0, LAPIC_LVT_LINT0},
                   {LVT_LINT1, LAPIC_LVT_LINT1}};
    for (const auto &entry : entries)
        for (std::uint32_t mode = 0; mode < 8; mode++)
            for (std::uint32_t mask : {0u, MASKED}) {
                start(default_config());
                write(entry.offset, mask | mode << 8 | 0x61);
                const bool is_pin = entry.lvt == LAPIC_LVT_LINT0 || entry.lvt == LAPIC_LVT_LINT1;
                if (is_pin)
                    lapic_set_pin(l, entry.lvt, true, now);
                else
                    lapic_signal(l, entry.lvt, now);
                const bool open = mask == 0;
                EXPECT_EQ(bit(IRR, 0x61), open && mode == 0) << std::hex << entry.offset << " " << mode;
                EXPECT_EQ(bus.nmis, open && mode == 4 ? 1 : 0) << std::hex << entry.offset << " " << mode;
                EXPECT_EQ(bus.inits, open && mode == 5 ? 1 : 0) << std::hex << entry.offset << " " << mode;
                const bool extint = open && mode == 7 && is_pin;
                EXPECT_EQ(lapic_has_interrupt(l), (open && mode == 0) || extint) << std::hex << entry.offset;
                EXPECT_EQ(errors(), 0u);
            }
}

TEST_F(lapic_test, without_tsc_deadline_mode_its_bit_and_its_msr_do_not_exist)
{
    struct lapic_config config = default_config();
    config.tsc_deadline = false;
    start(config);
    EXPECT_FALSE(msr_read(MSR_DEADLINE));
    EXPECT_FALSE(msr_write(MSR_DEADLINE, 1));
    write(LVT_TIMER, 0x700ff);
    EXPECT_EQ(read(LVT_TIMER), 0x300ffu);
    enter_x2apic();
    EXPECT_FALSE(msr_write(MSR_X2 + LVT_TIMER / 16, 0x40041));
    EXPECT_TRUE(msr_write(MSR_X2 + LVT_TIMER / 16, 0x20041));
}

} // namespace
