// SPDX-License-Identifier: Apache-2.0
// The devices alone: registers as their data sheets say.
#include "address_map.h"
#include "devices/acpi_tables.h"
#include "devices/ioapic.h"
#include "devices/pic8259.h"
#include "devices/pit8254.h"
#include "devices/rtc.h"
#include "devices/simple_ports.h"
#include "devices/uart16550.h"

#include <gtest/gtest.h>

#include <cstring>
#include <numeric>
#include <string>

using namespace vp;

namespace
{

constexpr std::uint64_t MS = 1000000000; // in ps

std::uint32_t in(device &d, std::uint64_t offset, std::uint64_t now = 0) { return d.read(offset, 1, now); }
void out(device &d, std::uint64_t offset, std::uint32_t value, std::uint64_t now = 0)
{
    d.write(offset, 1, value, now);
}

} // namespace

TEST(uart, transmits_and_is_always_ready)
{
    std::string sent;
    uart16550 u([&](unsigned char c) { sent.push_back(static_cast<char>(c)); });
    out(u, 3, 0x80); // DLAB: the divisor must not be transmitted
    out(u, 0, 1);
    out(u, 1, 0);
    EXPECT_EQ(in(u, 0), 1u);
    out(u, 3, 3);
    EXPECT_EQ(in(u, 5), 0x60u);
    out(u, 0, 'h');
    out(u, 0, 'i');
    EXPECT_EQ(sent, "hi");
    EXPECT_EQ(in(u, 0), 0u);
}

TEST(uart, registers_hold_what_is_written)
{
    uart16550 u([](unsigned char) {});
    out(u, 7, 0x5a);
    EXPECT_EQ(in(u, 7), 0x5au);
    out(u, 1, 0xff);
    EXPECT_EQ(in(u, 1), 0x0fu);
    out(u, 2, 1); // FIFOs on: IIR shows them
    EXPECT_EQ(in(u, 2) & 0xc0, 0xc0u);
}

TEST(uart, transmitter_empty_interrupt_is_identified_once)
{
    uart16550 u([](unsigned char) {});
    EXPECT_EQ(in(u, 2), 1u);
    out(u, 1, 2);
    EXPECT_EQ(in(u, 2), 2u);
    EXPECT_EQ(in(u, 2), 1u);
    out(u, 0, 'x');
    EXPECT_EQ(in(u, 2), 2u);
}

TEST(uart, loopback_returns_the_byte_and_the_modem_lines)
{
    std::string sent;
    uart16550 u([&](unsigned char c) { sent.push_back(static_cast<char>(c)); });
    out(u, 4, 0x1a); // loopback, OUT2, RTS
    EXPECT_EQ(in(u, 6), 0x90u);
    out(u, 0, 0xae);
    EXPECT_EQ(in(u, 5) & 1, 1u);
    EXPECT_EQ(in(u, 0), 0xaeu);
    EXPECT_EQ(in(u, 5) & 1, 0u);
    EXPECT_EQ(sent, "");
}

TEST(exit_port, reports_value_and_time)
{
    std::uint32_t value = 0;
    std::uint64_t when = 0;
    exit_port e([&](std::uint32_t v, std::uint64_t t) { value = v, when = t; });
    EXPECT_EQ(e.read(0, 4, 0), UINT32_MAX);
    e.write(1, 1, 9, 5);
    EXPECT_EQ(when, 0u);
    e.write(0, 4, 42, 77);
    EXPECT_EQ(value, 42u);
    EXPECT_EQ(when, 77u);
}

TEST(debug_port, reads_e9_and_prints)
{
    std::string sent;
    debug_port d([&](unsigned char c) { sent.push_back(static_cast<char>(c)); });
    EXPECT_EQ(in(d, 0), 0xe9u);
    out(d, 0, 'A');
    EXPECT_EQ(sent, "A");
}

TEST(pic, initialisation_sets_base_and_clears_mask)
{
    pic8259 p(true);
    out(p, 1, 0xff);
    EXPECT_EQ(in(p, 1), 0xffu);
    out(p, 0, 0x11); // ICW1: cascade, ICW4 follows
    out(p, 1, 0x20); // ICW2
    out(p, 1, 0x04); // ICW3
    out(p, 1, 0x01); // ICW4
    EXPECT_EQ(p.vector_base(), 0x20);
    EXPECT_EQ(in(p, 1), 0u);
    out(p, 1, 0xfb); // OCW1 again
    EXPECT_EQ(in(p, 1), 0xfbu);
}

TEST(pic, request_acknowledge_and_end_of_interrupt)
{
    pic8259 p(true);
    out(p, 0, 0x13); // single, ICW4 follows
    out(p, 1, 0x20);
    out(p, 1, 0x01);
    p.set_line(3, true);
    p.set_line(5, true);
    EXPECT_TRUE(p.output());
    EXPECT_EQ(in(p, 0), 0x28u); // IRR
    EXPECT_EQ(p.acknowledge(), 0x23);
    EXPECT_FALSE(p.output()); // 5 waits for 3
    out(p, 0, 0x0b);          // OCW3: read ISR
    EXPECT_EQ(in(p, 0), 0x08u);
    out(p, 0, 0x20); // non-specific EOI
    EXPECT_EQ(in(p, 0), 0u);
    EXPECT_TRUE(p.output());
    out(p, 1, 0x20); // mask 5
    EXPECT_FALSE(p.output());
    EXPECT_EQ(p.acknowledge(), 0x27); // spurious
}

TEST(pic, rotation_moves_the_lowest_priority)
{
    pic8259 p(true);
    out(p, 0, 0x13);
    out(p, 1, 0x20);
    out(p, 1, 0x01);
    out(p, 0, 0xc3); // set priority: 3 lowest, so 4 is highest
    p.set_line(0, true);
    p.set_line(4, true);
    EXPECT_EQ(p.acknowledge(), 0x24);
}

TEST(pit, counts_down_with_simulated_time)
{
    pit8254 p;
    out(p, 3, 0x34); // counter 0, both bytes, mode 2
    out(p, 0, 0xe8);
    out(p, 0, 0x03); // 1000
    std::uint32_t low = in(p, 0, 0), high = in(p, 0, 0);
    EXPECT_EQ(high << 8 | low, 1000u);
    // 0.5 ms are 596 ticks
    low = in(p, 0, MS / 2);
    high = in(p, 0, MS / 2);
    EXPECT_EQ(high << 8 | low, 1000u - 596u);
    // 1 ms are 1193 ticks: reloaded once
    low = in(p, 0, MS);
    high = in(p, 0, MS);
    EXPECT_EQ(high << 8 | low, 2000u - 1193u);
}

TEST(pit, latch_holds_the_count_and_read_back_the_status)
{
    pit8254 p;
    out(p, 3, 0xb0); // counter 2, both bytes, mode 0
    out(p, 2, 0x00);
    out(p, 2, 0x10);     // 4096
    out(p, 3, 0x80, MS); // latch counter 2
    std::uint32_t low = in(p, 2, 2 * MS), high = in(p, 2, 2 * MS);
    EXPECT_EQ(high << 8 | low, 4096u - 1193u);
    EXPECT_FALSE(p.output(2, MS));
    EXPECT_TRUE(p.output(2, 4 * MS)); // terminal count
    out(p, 3, 0xe8, 4 * MS);          // read back: status of counter 2
    EXPECT_EQ(in(p, 2, 4 * MS), 0xb0u);
}

TEST(pit, square_wave_and_low_byte_access)
{
    pit8254 p;
    out(p, 3, 0x16); // counter 0, low byte, mode 3
    out(p, 0, 100);
    EXPECT_TRUE(p.output(0, 0));
    std::uint64_t half = 60 * 1000000000000 / pit8254::CLOCK_HZ; // after 60 ticks
    EXPECT_FALSE(p.output(0, half));
    EXPECT_EQ(in(p, 3), 0xffu);
}

TEST(rtc, date_is_fixed_and_advances)
{
    rtc r;
    auto reg = [&](std::uint8_t index, std::uint64_t now) {
        out(r, 0, index, now);
        return in(r, 1, now);
    };
    EXPECT_EQ(reg(9, 0), 0x24u); // BCD
    EXPECT_EQ(reg(0x32, 0), 0x20u);
    EXPECT_EQ(reg(8, 0), 1u);
    EXPECT_EQ(reg(7, 0), 1u);
    std::uint64_t later = (60ull * 86400 + 3661) * 1000000000000; // 2024 is a leap year: 1 March
    EXPECT_EQ(reg(8, later), 3u);
    EXPECT_EQ(reg(7, later), 1u);
    EXPECT_EQ(reg(4, later), 1u);
    EXPECT_EQ(reg(2, later), 1u);
    EXPECT_EQ(reg(0, later), 1u);
    EXPECT_EQ(reg(13, 0), 0x80u);
    out(r, 0, 0x40);
    out(r, 1, 0x77);
    EXPECT_EQ(reg(0x40, 0), 0x77u);
}

TEST(ioapic, redirection_table_has_its_access_rights)
{
    ioapic io(2);
    auto read = [&](std::uint32_t index) {
        io.write(0, 4, index, 0);
        return io.read(0x10, 4, 0);
    };
    auto write = [&](std::uint32_t index, std::uint32_t value) {
        io.write(0, 4, index, 0);
        io.write(0x10, 4, value, 0);
    };
    EXPECT_EQ(read(0), 2u << 24);
    EXPECT_EQ(read(1), 0x00170020u); // with the EOI register
    EXPECT_EQ(read(0x10), 0x10000u); // masked after reset
    write(0x10, 0xffffffff);
    EXPECT_EQ(read(0x10), 0x0001afffu);
    write(0x11, 0xffffffff);
    EXPECT_EQ(read(0x11), 0xff000000u);
    write(0x3f, 0x05000000);
    EXPECT_EQ(read(0x3f), 0x05000000u);
    EXPECT_EQ(read(0x40), 0u); // beyond the last pin
    EXPECT_EQ(io.read(0x10, 1, 0), 0u);
}

TEST(acpi, tables_have_right_checksums_and_list_the_cores)
{
    constexpr std::uint32_t base = 0xe0000;
    auto t = acpi_tables({3, 3}, base);
    auto sum = [&](std::size_t at, std::size_t size) {
        return std::accumulate(t.begin() + static_cast<long>(at), t.begin() + static_cast<long>(at + size), 0u) & 0xff;
    };
    auto word = [&](std::size_t at) {
        std::uint32_t v = 0;
        std::memcpy(&v, &t[at], 4);
        return v;
    };
    ASSERT_EQ(std::memcmp(t.data(), "RSD PTR ", 8), 0);
    EXPECT_EQ(sum(0, 20), 0u);
    EXPECT_EQ(sum(0, 36), 0u);
    std::size_t rsdt = word(16) - base, xsdt = word(24) - base;
    for (std::size_t at : {rsdt, xsdt}) {
        std::size_t madt = word(at + 36) - base;
        EXPECT_EQ(sum(at, word(at + 4)), 0u);
        EXPECT_EQ(std::memcmp(&t[madt], "APIC", 4), 0);
        EXPECT_EQ(sum(madt, word(madt + 4)), 0u);
        unsigned cores = 0;
        for (std::size_t e = madt + 44; e < madt + word(madt + 4); e += t[e + 1])
            cores += t[e] == 0 ? 1 : 0;
        EXPECT_EQ(cores, 3u);
    }
}
