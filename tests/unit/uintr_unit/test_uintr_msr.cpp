// SPDX-License-Identifier: Apache-2.0
// Creation, reset, UIF and the six MSRs. SDM Vol. 3, chapter "User Interrupts", "User-Interrupt State and MSRs".
// M.., E.., I.. are the lines of the conformance checklist.
#include "fake_machine.h"

namespace
{

enum : std::uint32_t { RR = 0x985, HANDLER, STACKADJUST, MISC, PD, TT };
constexpr std::uint64_t NOT_CANONICAL_48 = 0x0000800000000000;
constexpr std::uint64_t NOT_CANONICAL_57 = 0x0100000000000000;

// A write that must be refused and must leave the old value.
void expect_refused(fake_machine &m, std::uint32_t msr, std::uint64_t value)
{
    std::uint64_t before = m.read(msr);
    EXPECT_EQ(uintr_msr_write(m.u, msr, value), VP_FAULT) << std::hex << msr << " " << value;
    EXPECT_EQ(m.read(msr), before);
}

TEST(uintr_create, refuses_a_missing_callback_or_a_bad_width)
{
    struct uintr_config config = {48, false};
    struct uintr_bus good = fake_machine::make_bus(nullptr);
    EXPECT_EQ(uintr_create(nullptr, &good), nullptr);
    EXPECT_EQ(uintr_create(&config, nullptr), nullptr);
    for (unsigned width : {0u, 47u, 49u, 52u, 58u, 64u}) {
        config.linear_width = width;
        EXPECT_EQ(uintr_create(&config, &good), nullptr) << width;
    }
    config.linear_width = 57;
    void (*const remove[])(struct uintr_bus &) = {
        [](struct uintr_bus &b) { b.load_supervisor = nullptr; },
        [](struct uintr_bus &b) { b.modify_supervisor = nullptr; },
        [](struct uintr_bus &b) { b.load_stack = nullptr; },
        [](struct uintr_bus &b) { b.store_stack = nullptr; },
        [](struct uintr_bus &b) { b.send_ipi = nullptr; },
        [](struct uintr_bus &b) { b.eoi = nullptr; },
        [](struct uintr_bus &b) { b.step = nullptr; },
    };
    for (auto fn : remove) {
        struct uintr_bus bus = good;
        fn(bus);
        EXPECT_EQ(uintr_create(&config, &bus), nullptr);
    }
    struct uintr *u = uintr_create(&config, &good);
    EXPECT_NE(u, nullptr);
    uintr_destroy(u);
    uintr_destroy(nullptr);
}

TEST(uintr_reset, E11_everything_is_zero_after_creation_and_after_reset)
{
    fake_machine m;
    const std::array<std::uint64_t, 7> zero{};
    EXPECT_EQ(m.state(), zero);
    m.write(RR, 1);
    m.write(HANDLER, 0x1000);
    m.write(STACKADJUST, 128);
    m.write(MISC, 0xec000000ff);
    m.write(PD, 0x2000);
    m.write(TT, 0x3001);
    uintr_set_uif(m.u, true);
    EXPECT_TRUE(uintr_is_pending(m.u));
    uintr_reset(m.u);
    EXPECT_EQ(m.state(), zero);
    EXPECT_FALSE(uintr_is_pending(m.u));
    EXPECT_FALSE(uintr_senduipi_enabled(m.u));
    EXPECT_EQ(uintr_uinv(m.u), 0);
}

TEST(uintr_reset, keeps_the_configuration)
{
    fake_machine m(57);
    uintr_reset(m.u);
    m.write(HANDLER, NOT_CANONICAL_48);
}

TEST(uintr_uif, clui_and_stui_change_uif_and_nothing_else)
{
    fake_machine m;
    m.write(RR, 5);
    m.write(MISC, 0xec00000003);
    auto before = m.state();
    uintr_set_uif(m.u, true);
    EXPECT_TRUE(uintr_uif(m.u));
    before[6] = 1;
    EXPECT_EQ(m.state(), before);
    uintr_set_uif(m.u, false);
    EXPECT_FALSE(uintr_uif(m.u));
    before[6] = 0;
    EXPECT_EQ(m.state(), before);
    EXPECT_TRUE(m.log.empty());
}

TEST(uintr_msr, M01_rr_takes_any_value)
{
    fake_machine m;
    m.write(RR, ~std::uint64_t{0});
    EXPECT_EQ(m.read(RR), ~std::uint64_t{0});
}

TEST(uintr_msr, M02_handler_must_be_canonical)
{
    fake_machine m;
    m.write(HANDLER, 0xffff800000000000);
    expect_refused(m, HANDLER, NOT_CANONICAL_48);
    expect_refused(m, HANDLER, 0xffff7fffffffffff);
    m.write(HANDLER, 0x00007fffffffffff);
    EXPECT_EQ(m.read(HANDLER), 0x00007fffffffffffu);
}

TEST(uintr_msr, M03_stackadjust_must_be_canonical)
{
    fake_machine m;
    m.write(STACKADJUST, 128);
    expect_refused(m, STACKADJUST, NOT_CANONICAL_48);
}

TEST(uintr_msr, M04_stackadjust_has_no_reserved_bits)
{
    fake_machine m;
    m.write(STACKADJUST, 0x87);
    EXPECT_EQ(m.read(STACKADJUST), 0x87u);
}

TEST(uintr_msr, M05_misc_holds_uittsz_and_uinv)
{
    fake_machine m;
    m.write(MISC, 0x000000ffffffffff);
    EXPECT_EQ(m.read(MISC), 0x000000ffffffffffu);
    EXPECT_EQ(uintr_uinv(m.u), 0xff);
    for (unsigned bit = 0; bit < 40; bit++) {
        m.write(MISC, ONE << bit);
        EXPECT_EQ(m.read(MISC), ONE << bit);
        EXPECT_EQ(uintr_uinv(m.u), bit < 32 ? 0 : 1 << (bit - 32));
    }
}

TEST(uintr_msr, M06_misc_bits_63_to_40_are_reserved)
{
    fake_machine m;
    m.write(MISC, 0xec000000ff);
    for (unsigned bit = 40; bit < 64; bit++)
        expect_refused(m, MISC, 0xec000000ff | ONE << bit);
}

TEST(uintr_msr, M07_pd_bits_5_to_0_are_reserved)
{
    fake_machine m;
    m.write(PD, 0x40);
    for (unsigned bit = 0; bit < 6; bit++)
        expect_refused(m, PD, 0x1000 | ONE << bit);
}

TEST(uintr_msr, M08_writing_pd_touches_no_memory)
{
    fake_machine m;
    for (unsigned bit = 6; bit < 47; bit++) {
        m.write(PD, ONE << bit);
        EXPECT_EQ(m.read(PD), ONE << bit);
    }
    EXPECT_TRUE(m.log.empty());
    EXPECT_TRUE(m.memory.bytes.empty());
}

TEST(uintr_msr, M09_pd_must_be_canonical)
{
    fake_machine m;
    expect_refused(m, PD, NOT_CANONICAL_48);
}

TEST(uintr_msr, M10_tt_bits_3_to_1_are_reserved)
{
    fake_machine m;
    for (unsigned bit = 1; bit < 4; bit++)
        expect_refused(m, TT, 0x1000 | ONE << bit);
    expect_refused(m, TT, NOT_CANONICAL_48);
}

TEST(uintr_msr, M11_tt_bit_0_enables_senduipi)
{
    fake_machine m;
    m.write(TT, 0x1010 | 1);
    EXPECT_EQ(m.read(TT), 0x1011u);
    EXPECT_TRUE(uintr_senduipi_enabled(m.u));
    m.write(TT, 0x1010);
    EXPECT_EQ(m.read(TT), 0x1010u);
    EXPECT_FALSE(uintr_senduipi_enabled(m.u));
}

TEST(uintr_msr, M12_uif_does_not_show_in_misc)
{
    fake_machine m;
    m.write(MISC, 0xec00000001);
    uintr_set_uif(m.u, true);
    EXPECT_EQ(m.read(MISC), 0xec00000001u);
    m.write(MISC, 0x2);
    EXPECT_TRUE(uintr_uif(m.u));
}

TEST(uintr_msr, M13_canonicality_is_judged_by_the_widest_address)
{
    fake_machine m(57);
    for (std::uint32_t msr : {HANDLER, STACKADJUST, PD, TT}) {
        m.write(msr, NOT_CANONICAL_48);
        expect_refused(m, msr, NOT_CANONICAL_57);
    }
}

TEST(uintr_msr, M14_writing_rr_recognises_but_delivers_nothing)
{
    fake_machine m;
    uintr_set_uif(m.u, true);
    m.write(RR, 8);
    EXPECT_TRUE(uintr_is_pending(m.u));
    EXPECT_TRUE(m.log.empty());
    EXPECT_TRUE(uintr_uif(m.u));
}

TEST(uintr_msr, M16_writing_zero_to_rr_withdraws_the_request)
{
    fake_machine m;
    m.write(RR, 8);
    m.write(RR, 0);
    EXPECT_FALSE(uintr_is_pending(m.u));
}

TEST(uintr_msr, writing_one_register_leaves_the_others)
{
    const std::uint64_t values[] = {0x11, 0x2000, 0x80, 0xec00000003, 0x4000, 0x5001};
    for (std::uint32_t i = 0; i < 6; i++) {
        fake_machine m;
        m.write(RR + i, values[i]);
        for (std::uint32_t k = 0; k < 6; k++)
            EXPECT_EQ(m.read(RR + k), k == i ? values[i] : 0) << i << " " << k;
    }
}

} // namespace
