// SPDX-License-Identifier: Apache-2.0
// The I/O APIC's pins and messages, MSI, and the lines of PIT and COM1. 82093AA data sheet; SDM Vol. 3, "Message
// Signalled Interrupts". Constants are written out here on purpose.
#include "devices/ioapic.h"
#include "devices/msi.h"
#include "devices/pit8254.h"
#include "devices/uart16550.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

using namespace vp;

namespace
{

constexpr std::uint32_t LOGICAL = 0x800, PENDING = 0x1000, ACTIVE_LOW = 0x2000, REMOTE_IRR = 0x4000, LEVEL = 0x8000,
                        MASKED = 0x10000;

class ioapic_test : public ::testing::Test
{
  public:
    ioapic_test()
        : io(5, [this](const struct ipi_msg &msg, std::uint64_t) {
              sent.push_back(msg);
              return claimed;
          })
    {
    }
    std::uint32_t read(std::uint32_t index)
    {
        io.write(0, 4, index, 0);
        return io.read(0x10, 4, 0);
    }
    void write(std::uint32_t index, std::uint32_t value)
    {
        io.write(0, 4, index, 0);
        io.write(0x10, 4, value, 0);
    }
    void program(unsigned pin, std::uint32_t low, std::uint32_t destination = 3)
    {
        write(0x11 + 2 * pin, destination << 24);
        write(0x10 + 2 * pin, low);
        sent.clear();
    }
    std::uint32_t entry(unsigned pin) { return read(0x10 + 2 * pin); }
    void line(unsigned pin, bool level) { io.set_line(pin, level, 0); }

    std::vector<struct ipi_msg> sent;
    bool claimed = true;
    ioapic io;
};

TEST_F(ioapic_test, read_only_registers_and_bits_stay)
{
    EXPECT_EQ(read(0), 0x05000000u);
    EXPECT_EQ(read(1), 0x00170020u);
    EXPECT_EQ(read(2), 0x05000000u);
    for (std::uint32_t index : {1u, 2u, 3u, 0x0fu, 0x40u, 0xffu})
        write(index, 0xffffffff);
    EXPECT_EQ(read(1), 0x00170020u);
    EXPECT_EQ(read(2), 0x05000000u);
    EXPECT_EQ(read(3), 0u);
    EXPECT_EQ(read(0x40), 0u);
    write(0, 0xffffffff);
    EXPECT_EQ(read(0), 0x0f000000u);
    EXPECT_EQ(read(2), 0x0f000000u) << "the arbitration ID is loaded with the ID";
    for (unsigned pin = 0; pin < 24; pin++) {
        EXPECT_EQ(entry(pin), MASKED);
        write(0x10 + 2 * pin, 0xffffffff);
        EXPECT_EQ(entry(pin), 0x1afffu);
        write(0x11 + 2 * pin, 0xffffffff);
        EXPECT_EQ(read(0x11 + 2 * pin), 0xff000000u);
    }
    EXPECT_TRUE(sent.empty());
}

TEST_F(ioapic_test, the_index_register_has_8_bits)
{
    io.write(0, 4, 0xffffff01, 0);
    EXPECT_EQ(io.read(0, 4, 0), 1u);
    EXPECT_EQ(io.read(0x10, 4, 0), 0x00170020u);
    EXPECT_EQ(io.read(0x10, 2, 0), 0u);
    EXPECT_EQ(io.read(0x20, 4, 0), 0u);
}

// Every pin, trigger mode, polarity and mask: when does a message leave?
TEST_F(ioapic_test, edges_levels_and_polarities_of_every_pin)
{
    for (unsigned pin = 0; pin < 24; pin++)
        for (std::uint32_t trigger : {0u, LEVEL})
            for (std::uint32_t polarity : {0u, ACTIVE_LOW})
                for (std::uint32_t mask : {0u, MASKED}) {
                    SCOPED_TRACE(::testing::Message() << pin << " " << trigger << " " << polarity << " " << mask);
                    const bool active = polarity == 0;
                    line(pin, !active);
                    program(pin, trigger | polarity | mask | 0x61);
                    line(pin, active);
                    ASSERT_EQ(sent.size(), mask == 0 ? 1u : 0u);
                    if (mask == 0) {
                        EXPECT_EQ(sent[0].vector, 0x61);
                        EXPECT_EQ(sent[0].destination, 3u);
                        EXPECT_EQ(sent[0].level, trigger != 0);
                        EXPECT_FALSE(sent[0].x2apic);
                    }
                    EXPECT_EQ((entry(pin) & REMOTE_IRR) != 0, mask == 0 && trigger != 0);
                    line(pin, active);
                    line(pin, !active);
                    EXPECT_EQ(sent.size(), mask == 0 ? 1u : 0u);
                    program(pin, MASKED);
                }
}

TEST_F(ioapic_test, a_level_repeats_after_eoi_and_not_before)
{
    program(9, LEVEL | 0x61);
    line(9, true);
    line(9, false);
    line(9, true);
    EXPECT_EQ(sent.size(), 1u) << "remote IRR holds it back";
    io.eoi(0x62, 0);
    EXPECT_EQ(sent.size(), 1u);
    io.eoi(0x61, 0);
    EXPECT_EQ(sent.size(), 2u);
    EXPECT_TRUE(entry(9) & REMOTE_IRR);
    line(9, false);
    io.eoi(0x61, 0);
    EXPECT_EQ(sent.size(), 2u);
    EXPECT_FALSE(entry(9) & REMOTE_IRR);
}

TEST_F(ioapic_test, the_eoi_register_is_a_directed_eoi)
{
    program(9, LEVEL | 0x61);
    line(9, true);
    io.write(0x40, 1, 0x61, 0); // not 32 bits
    EXPECT_TRUE(entry(9) & REMOTE_IRR);
    line(9, false);
    io.write(0x40, 4, 0x61, 0);
    EXPECT_FALSE(entry(9) & REMOTE_IRR);
}

TEST_F(ioapic_test, one_eoi_ends_every_pin_of_the_vector)
{
    for (unsigned pin : {5u, 9u, 11u})
        program(pin, LEVEL | (pin == 11 ? 0x62 : 0x61));
    for (unsigned pin : {5u, 9u, 11u})
        line(pin, true);
    EXPECT_EQ(sent.size(), 3u);
    io.eoi(0x61, 0);
    EXPECT_EQ(sent.size(), 5u);
}

TEST_F(ioapic_test, unmasking_shows_a_waiting_level_but_no_edge)
{
    program(9, MASKED | LEVEL | 0x61);
    line(9, true);
    write(0x10 + 18, LEVEL | 0x61);
    EXPECT_EQ(sent.size(), 1u);
    program(10, MASKED | 0x61);
    line(10, true);
    write(0x10 + 20, 0x61);
    EXPECT_TRUE(sent.empty());
}

TEST_F(ioapic_test, masking_keeps_remote_irr_and_edge_mode_clears_it)
{
    program(9, LEVEL | 0x61);
    line(9, true);
    write(0x10 + 18, MASKED | LEVEL | 0x61);
    EXPECT_EQ(entry(9), MASKED | LEVEL | REMOTE_IRR | 0x61);
    write(0x10 + 18, MASKED | 0x61);
    EXPECT_EQ(entry(9), MASKED | 0x61);
    write(0x10 + 18, LEVEL | 0x61);
    EXPECT_EQ(sent.size(), 2u);
}

TEST_F(ioapic_test, delivery_modes_and_destination_modes)
{
    for (std::uint32_t mode = 0; mode < 8; mode++)
        for (std::uint32_t logical : {0u, LOGICAL})
            for (std::uint32_t trigger : {0u, LEVEL}) {
                program(9, trigger | logical | mode << 8 | 0x61, 0xa5);
                line(9, true);
                const bool is_reserved = mode == 3 || mode == 6;
                ASSERT_EQ(sent.size(), is_reserved ? 0u : 1u) << mode;
                if (!is_reserved) {
                    EXPECT_EQ(sent[0].delivery_mode, mode);
                    EXPECT_EQ(sent[0].logical, logical != 0);
                    EXPECT_EQ(sent[0].destination, 0xa5u);
                    EXPECT_EQ(sent[0].level, trigger != 0 && mode <= 1) << "all others are edges";
                }
                EXPECT_EQ((entry(9) & REMOTE_IRR) != 0, trigger != 0 && mode <= 1);
                line(9, false);
                io.eoi(0x61, 0);
            }
}

TEST_F(ioapic_test, a_level_that_nobody_claims_is_tried_again)
{
    claimed = false;
    program(9, LEVEL | 0x61);
    line(9, true);
    EXPECT_EQ(entry(9), LEVEL | PENDING | 0x61);
    claimed = true;
    write(0x11 + 18, 0x04000000);
    EXPECT_EQ(entry(9), LEVEL | REMOTE_IRR | 0x61);
    EXPECT_EQ(sent.back().destination, 4u);
}

// --- MSI ---

// All data words that matter, with all address bits.
TEST(msi, every_mode_trigger_level_and_address_form)
{
    for (std::uint32_t mode = 0; mode < 8; mode++)
        for (std::uint32_t trigger : {0u, 0x4000u, 0x8000u, 0xc000u})
            for (std::uint64_t form : {0u, 4u, 8u, 12u}) {
                struct ipi_msg msg = {};
                const bool is_message = msi_message(0xa5000 | form, trigger | mode << 8 | 0x61, msg);
                const bool is_ordinary = mode <= 1;
                const bool deassert = is_ordinary && trigger == 0x8000;
                ASSERT_EQ(is_message, mode != 3 && mode != 6 && !deassert) << mode << " " << trigger;
                if (!is_message)
                    continue;
                EXPECT_EQ(msg.destination, 0xa5u);
                EXPECT_EQ(msg.vector, 0x61);
                EXPECT_EQ(msg.logical, (form & 4) != 0);
                EXPECT_EQ(msg.level, is_ordinary && trigger == 0xc000);
                EXPECT_EQ(msg.delivery_mode, mode == 0 && form == 12 ? 1 : mode) << "redirected";
                EXPECT_FALSE(msg.x2apic);
                EXPECT_EQ(msg.shorthand, IPI_TO_DESTINATION);
            }
}

TEST(msi, reserved_address_bits_and_narrow_writes_send_nothing)
{
    std::vector<struct ipi_msg> sent;
    msi_window window([&](const struct ipi_msg &msg, std::uint64_t) {
        sent.push_back(msg);
        return true;
    });
    for (unsigned b = 0; b < 12; b++)
        if (b < 2 || b >= 4)
            window.write(0x1000 | 1u << b, 4, 0x61, 0);
    window.write(0x1000, 2, 0x61, 0);
    window.write(0x1000, 1, 0x61, 0);
    EXPECT_TRUE(sent.empty());
    window.write(0x1000, 4, 0x61, 0);
    EXPECT_EQ(sent.size(), 1u);
    EXPECT_EQ(window.read(0x1000, 4, 0), 0xffffffffu);
    EXPECT_EQ(window.size(), 0x100000u);
}

// --- lines of devices ---

TEST(uart, the_line_follows_enable_identification_and_out2)
{
    std::vector<bool> levels;
    uart16550 u([](unsigned char) {}, [&](bool level, std::uint64_t) { levels.push_back(level); });
    u.write(1, 1, 2, 0); // transmitter empty, but OUT2 is off
    EXPECT_TRUE(levels.empty());
    u.write(4, 1, 8, 0);
    EXPECT_EQ(levels, std::vector<bool>({true}));
    EXPECT_EQ(u.read(2, 1, 0), 2u);
    EXPECT_EQ(levels, std::vector<bool>({true, false})) << "reading IIR ends it";
    u.write(0, 1, 'x', 0);
    EXPECT_EQ(levels, std::vector<bool>({true, false, true}));
    u.write(0, 1, 'y', 0);
    EXPECT_EQ(levels, std::vector<bool>({true, false, true, false, true})) << "an edge for each byte";
    u.write(4, 1, 0x18, 0);
    EXPECT_EQ(levels.back(), false) << "loopback holds OUT2 off";
    u.write(4, 1, 8, 0);
    u.write(1, 1, 0, 0);
    EXPECT_EQ(levels.back(), false);
}

// The planned edge is where the output really rises: before it low (or about to fall), at it high.
TEST(pit, next_rise_is_the_rise_of_the_output)
{
    std::mt19937 random(7);
    constexpr std::uint64_t TICK_PS = 1000000000000 / pit8254::CLOCK_HZ;
    for (unsigned mode = 0; mode < 8; mode++)
        for (int n = 0; n < 50; n++) {
            pit8254 pit;
            const auto reload = static_cast<std::uint32_t>(2 + random() % 3000);
            const std::uint64_t start = random();
            pit.write(3, 1, 0x30 | mode << 1, start);
            EXPECT_EQ(pit.next_rise(0, start), UINT64_MAX) << "not loaded";
            pit.write(0, 1, reload & 0xff, start);
            pit.write(0, 1, reload >> 8, start);
            std::uint64_t at = start;
            for (int i = 0; i < 3; i++) {
                const std::uint64_t rise = pit.next_rise(0, at);
                if (rise == UINT64_MAX) {
                    EXPECT_TRUE(mode < 2 || mode == 4 || mode == 5);
                    EXPECT_EQ(i, 1) << "one-shot modes rise once";
                    break;
                }
                ASSERT_GT(rise, at);
                EXPECT_TRUE(pit.output(0, rise));
                EXPECT_FALSE(pit.output(0, rise - 1)) << mode << " " << reload;
                if (mode == 2 || mode == 3) {
                    EXPECT_NEAR(static_cast<double>(rise - at), static_cast<double>(reload * TICK_PS),
                                static_cast<double>(2 * TICK_PS));
                }
                at = rise;
            }
        }
}

} // namespace
