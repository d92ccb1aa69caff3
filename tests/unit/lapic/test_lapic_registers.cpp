// SPDX-License-Identifier: Apache-2.0
// Every register's access rights, width and reset value in both modes, from a table written independently of the
// model's.
#include "lapic_fixture.h"

namespace
{

constexpr std::uint64_t GP = ~UINT64_C(0); // "any write is #GP" / "any read is #GP"

// xr, xw: xAPIC read and write defined; xmask: bits that a write changes and a read shows.
// x2read: RDMSR allowed; x2bits: bits that WRMSR may set without #GP, GP: no write at all.
struct expectation {
    const char *name;
    std::uint32_t offset;
    bool xr, xw;
    std::uint32_t reset, xmask;
    bool x2read;
    std::uint64_t x2bits;
};

// Reset values are those of an APIC with ID 3; an x2APIC MSR of a register that does not exist is #GP.
const expectation TABLE[] = {
    {"ID", 0x020, true, true, 0x03000000, 0, true, GP},
    {"version", 0x030, true, false, 0x01060015, 0, true, GP},
    {"TPR", 0x080, true, true, 0, 0xff, true, 0xff},
    {"APR", 0x090, true, false, 0, 0, false, GP},
    {"PPR", 0x0a0, true, false, 0, 0, true, GP},
    {"EOI", 0x0b0, false, true, 0, 0, false, 0},
    {"RRD", 0x0c0, true, false, 0, 0, false, GP},
    {"LDR", 0x0d0, true, true, 0, 0xff000000, true, GP},
    {"DFR", 0x0e0, true, true, 0xffffffff, 0xf0000000, false, GP},
    {"SVR", 0x0f0, true, true, 0xff, 0x13ff, true, 0x13ff},
    {"ISR0", 0x100, true, false, 0, 0, true, GP},
    {"ISR1", 0x110, true, false, 0, 0, true, GP},
    {"ISR2", 0x120, true, false, 0, 0, true, GP},
    {"ISR3", 0x130, true, false, 0, 0, true, GP},
    {"ISR4", 0x140, true, false, 0, 0, true, GP},
    {"ISR5", 0x150, true, false, 0, 0, true, GP},
    {"ISR6", 0x160, true, false, 0, 0, true, GP},
    {"ISR7", 0x170, true, false, 0, 0, true, GP},
    {"TMR0", 0x180, true, false, 0, 0, true, GP},
    {"TMR1", 0x190, true, false, 0, 0, true, GP},
    {"TMR2", 0x1a0, true, false, 0, 0, true, GP},
    {"TMR3", 0x1b0, true, false, 0, 0, true, GP},
    {"TMR4", 0x1c0, true, false, 0, 0, true, GP},
    {"TMR5", 0x1d0, true, false, 0, 0, true, GP},
    {"TMR6", 0x1e0, true, false, 0, 0, true, GP},
    {"TMR7", 0x1f0, true, false, 0, 0, true, GP},
    {"IRR0", 0x200, true, false, 0, 0, true, GP},
    {"IRR1", 0x210, true, false, 0, 0, true, GP},
    {"IRR2", 0x220, true, false, 0, 0, true, GP},
    {"IRR3", 0x230, true, false, 0, 0, true, GP},
    {"IRR4", 0x240, true, false, 0, 0, true, GP},
    {"IRR5", 0x250, true, false, 0, 0, true, GP},
    {"IRR6", 0x260, true, false, 0, 0, true, GP},
    {"IRR7", 0x270, true, false, 0, 0, true, GP},
    {"ESR", 0x280, true, true, 0, 0, true, 0},
    {"LVT CMCI", 0x2f0, true, true, 0x10000, 0x107ff, true, 0x117ff},
    {"ICR", 0x300, true, true, 0, 0xccfff & ~0x1000u, true, 0xffffffff000cdfff},
    {"ICR high", 0x310, true, true, 0, 0xff000000, false, GP},
    {"LVT timer", 0x320, true, true, 0x10000, 0x700ff, true, 0x710ff},
    {"LVT thermal", 0x330, true, true, 0x10000, 0x107ff, true, 0x117ff},
    {"LVT perf", 0x340, true, true, 0x10000, 0x107ff, true, 0x117ff},
    {"LVT LINT0", 0x350, true, true, 0x10000, 0x1a7ff, true, 0x1f7ff},
    {"LVT LINT1", 0x360, true, true, 0x10000, 0x1a7ff, true, 0x1f7ff},
    {"LVT error", 0x370, true, true, 0x10000, 0x100ff, true, 0x110ff},
    {"initial count", 0x380, true, true, 0, 0xffffffff, true, 0xffffffff},
    {"current count", 0x390, true, false, 0, 0, true, GP},
    {"divide", 0x3e0, true, true, 0, 0xb, true, 0xb},
    {"self IPI", 0x3f0, false, false, 0, 0, false, 0xff},
};

const expectation *expected(std::uint32_t offset)
{
    for (const expectation &e : TABLE)
        if (e.offset == offset)
            return &e;
    return nullptr;
}

constexpr std::uint32_t ILLEGAL_REGISTER = 0x80;

// One case per 16 bytes of the page: 256 cases each.
class lapic_register_test : public lapic_test, public ::testing::WithParamInterface<std::uint32_t>
{
  public:
    std::uint32_t offset() const { return GetParam() * 16; }
    const expectation *row() const { return expected(offset()); }
    const char *label() const { return row() != nullptr ? row()->name : "reserved"; }
};

TEST_P(lapic_register_test, xapic_read_gives_the_reset_value_or_an_illegal_register_error)
{
    lapic_reset(l);
    const bool readable = row() != nullptr && row()->xr;
    EXPECT_EQ(lapic_mmio_read(l, offset(), 4, now), readable ? row()->reset : 0u) << label();
    const bool exists = readable || (row() != nullptr && row()->xw); // ESR[7] is for reserved addresses
    EXPECT_EQ(errors(), exists ? 0u : ILLEGAL_REGISTER) << label();
}

TEST_P(lapic_register_test, xapic_write_changes_writable_bits_only)
{
    const bool exists = row() != nullptr && (row()->xr || row()->xw);
    if (exists && (offset() == 0x300 || offset() == 0x0f0))
        GTEST_SKIP() << "has effects of its own, see test_lapic_icr.cpp and test_lapic_lvt.cpp";
    const std::uint32_t before = lapic_debug_read(l, offset(), now);
    lapic_mmio_write(l, offset(), 4, 0xffffffff, now);
    EXPECT_EQ(errors(), exists ? 0u : ILLEGAL_REGISTER) << label();
    const std::uint32_t mask = exists && row()->xw ? row()->xmask : 0;
    if (offset() != 0x390) { // runs when nothing has stopped it
        EXPECT_EQ(lapic_debug_read(l, offset(), now), before | mask) << label();
    }
    EXPECT_TRUE(bus.sent.empty());
}

TEST_P(lapic_register_test, xapic_write_of_zero_clears_writable_bits)
{
    if (row() == nullptr || !row()->xw || row()->xmask == 0 || offset() == 0x300)
        GTEST_SKIP();
    lapic_mmio_write(l, offset(), 4, 0xffffffff, now);
    lapic_mmio_write(l, 0xf0, 4, 0x1ff, now);
    lapic_mmio_write(l, offset(), 4, 0, now);
    const std::uint32_t value = lapic_debug_read(l, offset(), now);
    EXPECT_EQ(value & row()->xmask, 0u) << label();
    if (offset() == 0xe0) {
        EXPECT_EQ(value, 0x0fffffffu);
    }
}

TEST_P(lapic_register_test, accesses_other_than_aligned_32_bits_do_nothing)
{
    lapic_mmio_write(l, 0x80, 4, 0x5a, now);
    for (std::uint32_t size : {1u, 2u, 8u}) {
        EXPECT_EQ(lapic_mmio_read(l, offset(), size, now), 0u);
        lapic_mmio_write(l, offset(), size, 0xffffffffffffffff, now);
    }
    for (std::uint32_t shift : {1u, 4u, 8u, 12u}) {
        EXPECT_EQ(lapic_mmio_read(l, offset() + shift, 4, now), 0u);
        lapic_mmio_write(l, offset() + shift, 4, 0xffffffff, now);
    }
    EXPECT_EQ(lapic_debug_read(l, 0x80, now), 0x5au);
    EXPECT_EQ(errors(), 0u);
    EXPECT_TRUE(bus.sent.empty());
}

TEST_P(lapic_register_test, rdmsr_is_gp_unless_in_x2apic_mode)
{
    EXPECT_FALSE(msr_read(MSR_X2 + GetParam()));
    EXPECT_FALSE(msr_write(MSR_X2 + GetParam(), 0));
    ASSERT_TRUE(msr_write(MSR_BASE, 0xfee00000)); // globally disabled
    EXPECT_FALSE(msr_read(MSR_X2 + GetParam()));
    EXPECT_FALSE(msr_write(MSR_X2 + GetParam(), 0));
}

TEST_P(lapic_register_test, rdmsr_in_x2apic_mode_reads_or_is_gp)
{
    enter_x2apic();
    EXPECT_EQ(msr_read(MSR_X2 + GetParam()), row() != nullptr && row()->x2read) << label();
}

TEST_P(lapic_register_test, wrmsr_in_x2apic_mode_checks_every_reserved_bit)
{
    enter_x2apic();
    const bool writable = row() != nullptr && row()->x2bits != GP;
    // Zero is legal wherever anything is; as a vector of ICR and self IPI it only sets ESR.
    EXPECT_EQ(msr_write(MSR_X2 + GetParam(), 0), writable) << label();
    for (unsigned b = 0; b < 64; b++) {
        const bool legal = writable && (row()->x2bits >> b & 1) != 0;
        EXPECT_EQ(msr_write(MSR_X2 + GetParam(), UINT64_C(1) << b), legal) << label() << " bit " << b;
    }
}

TEST_P(lapic_register_test, the_page_does_not_answer_in_x2apic_mode)
{
    enter_x2apic();
    write(TPR, 0x77);
    EXPECT_EQ(lapic_mmio_read(l, offset(), 4, now), 0u);
    lapic_mmio_write(l, offset(), 4, 0xffffffff, now);
    EXPECT_EQ(read(TPR), 0x77u);
    EXPECT_EQ(errors(), 0u);
    EXPECT_TRUE(bus.sent.empty());
}

TEST_P(lapic_register_test, debug_read_has_no_side_effect)
{
    (void)lapic_debug_read(l, offset(), now);
    EXPECT_EQ(errors(), 0u);
    EXPECT_EQ(lapic_stats(l)->errors, 0u);
}

INSTANTIATE_TEST_SUITE_P(page, lapic_register_test, ::testing::Range(0u, 256u));

TEST_F(lapic_test, x2apic_reset_values_match_the_table)
{
    enter_x2apic();
    lapic_init(l);
    for (const expectation &e : TABLE) {
        if (!e.x2read)
            continue;
        std::uint32_t reset = e.reset;
        if (e.offset == ID)
            reset = 3;
        if (e.offset == LDR)
            reset = 1u << 3;
        EXPECT_EQ(msr(MSR_X2 + e.offset / 16), reset) << e.name;
    }
}

TEST_F(lapic_test, x2apic_icr_is_one_64_bit_register)
{
    enter_x2apic();
    write(ICR, 0x1234567800004041);
    EXPECT_EQ(msr(MSR_X2 + ICR / 16), 0x1234567800004041u);
}

TEST_F(lapic_test, icr_delivery_status_reads_idle_and_ignores_writes)
{
    write(ICR, 0x1041);
    EXPECT_EQ(read(ICR), 0x41u);
    enter_x2apic();
    write(ICR, 0x1041);
    EXPECT_EQ(read(ICR), 0x41u);
}

TEST_F(lapic_test, reserved_bits_of_icr_are_ignored_in_xapic_mode)
{
    write(ICR_HIGH, 0xffffffff);
    EXPECT_EQ(read(ICR_HIGH), 0xff000000u);
    write(ICR, 0xffff2041);
    EXPECT_EQ(read(ICR), 0xc0041u);
}

TEST_F(lapic_test, x2apic_eoi_and_esr_take_only_zero)
{
    enter_x2apic();
    EXPECT_FALSE(msr_write(MSR_X2 + EOI / 16, 1));
    EXPECT_TRUE(msr_write(MSR_X2 + EOI / 16, 0));
    EXPECT_FALSE(msr_write(MSR_X2 + ESR / 16, 0x80));
    EXPECT_TRUE(msr_write(MSR_X2 + ESR / 16, 0));
}

TEST_F(lapic_test, a_faulting_wrmsr_changes_nothing)
{
    enter_x2apic();
    write(TPR, 0x20);
    EXPECT_FALSE(msr_write(MSR_X2 + TPR / 16, 0x130));
    EXPECT_EQ(read(TPR), 0x20u);
    EXPECT_FALSE(msr_write(MSR_X2 + ICR / 16, 0x2041));
    EXPECT_TRUE(bus.sent.empty());
}

TEST_F(lapic_test, msrs_outside_the_three_ranges_are_gp)
{
    enter_x2apic();
    for (std::uint32_t number : {0x1au, 0x1cu, 0x6dfu, 0x6e1u, 0x7ffu, 0x840u, 0x8ffu, 0x900u}) {
        EXPECT_FALSE(msr_read(number)) << std::hex << number;
        EXPECT_FALSE(msr_write(number, 0)) << std::hex << number;
    }
}

TEST_F(lapic_test, offsets_beyond_the_page_do_nothing)
{
    EXPECT_EQ(lapic_mmio_read(l, 0x1020, 4, now), 0u);
    lapic_mmio_write(l, 0x1080, 4, 0xff, now);
    EXPECT_EQ(read(TPR), 0u);
    EXPECT_EQ(errors(), 0u);
}

} // namespace
