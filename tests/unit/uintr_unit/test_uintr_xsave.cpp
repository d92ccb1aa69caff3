// SPDX-License-Identifier: Apache-2.0
// XSAVE state component 14. SDM Vol. 1, "User-Interrupt State". X.. are the lines of the conformance checklist; those
// about headers and placement are the CPU's tests.
#include "fake_machine.h"

namespace
{

using image = std::array<std::uint8_t, UINTR_XSAVE_SIZE>;
constexpr std::uint64_t UIF = ONE << 63;
enum : std::size_t { AT_HANDLER = 0, AT_STACKADJUST = 8, AT_MISC = 16, AT_PD = 24, AT_RR = 32, AT_TT = 40 };

void put(image &bytes, std::size_t at, std::uint64_t v)
{
    for (unsigned i = 0; i < 8; i++)
        bytes[at + i] = static_cast<std::uint8_t>(v >> (8 * i));
}

image good_image()
{
    image bytes{};
    put(bytes, AT_HANDLER, 0x1122334455667788 & 0x7fffffffffff);
    put(bytes, AT_STACKADJUST, 0x87);
    put(bytes, AT_MISC, UIF | 0xec0a0b0c0d);
    put(bytes, AT_PD, 0xffff8800aabbccc0);
    put(bytes, AT_RR, 0x8123456789abcdef);
    put(bytes, AT_TT, 0xffff8800ddeeff01);
    return bytes;
}

void fill(fake_machine &m)
{
    m.write(0x985, 0x8123456789abcdef);
    m.write(0x986, 0x334455667788);
    m.write(0x987, 0x87);
    m.write(0x988, 0xec0a0b0c0d);
    m.write(0x989, 0xffff8800aabbccc0);
    m.write(0x98a, 0xffff8800ddeeff01);
    uintr_set_uif(m.u, true);
}

// The restore is refused and nothing has changed; UINV is 0 as it was.
void expect_refused(const image &bytes)
{
    fake_machine m;
    fill(m);
    m.write(0x988, 0x12);
    auto before = m.state();
    EXPECT_EQ(uintr_xrstor(m.u, bytes.data()), VP_FAULT);
    EXPECT_EQ(m.state(), before);
    EXPECT_EQ(uintr_uinv(m.u), 0); // X15
}

TEST(uintr_xsave, X01_the_layout_byte_by_byte)
{
    fake_machine m;
    fill(m);
    image bytes;
    bytes.fill(0xaa);
    uintr_xsave(m.u, bytes.data());
    const image expected = {
        0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0,    0,    // HANDLER
        0x87, 0,    0,    0,    0,    0,    0,    0,    // STACKADJUST
        0x0d, 0x0c, 0x0b, 0x0a,                         // UITTSZ
        0xec, 0,    0,    0x80,                         // UINV, reserved, UIF in bit 7
        0xc0, 0xcc, 0xbb, 0xaa, 0x00, 0x88, 0xff, 0xff, // PD
        0xef, 0xcd, 0xab, 0x89, 0x67, 0x45, 0x23, 0x81, // RR
        0x01, 0xff, 0xee, 0xdd, 0x00, 0x88, 0xff, 0xff, // TT
    };
    EXPECT_EQ(bytes, expected);
    EXPECT_EQ(bytes, good_image());
}

TEST(uintr_xsave, X01_uif_clear_leaves_byte_23_zero)
{
    fake_machine m;
    fill(m);
    uintr_set_uif(m.u, false);
    image bytes;
    uintr_xsave(m.u, bytes.data());
    EXPECT_EQ(bytes[23], 0);
}

TEST(uintr_xsave, X02_X03_saving_clears_uinv_and_nothing_else_and_only_when_done)
{
    fake_machine m;
    fill(m);
    auto before = m.state();
    image bytes;
    uintr_xsave(m.u, bytes.data());
    EXPECT_EQ(m.state(), before); // a store may still fault
    uintr_xsave_done(m.u);
    before[3] = 0x0a0b0c0d;
    EXPECT_EQ(m.state(), before);
    image second;
    uintr_xsave(m.u, second.data());
    bytes[20] = 0;
    EXPECT_EQ(second, bytes);
}

TEST(uintr_xsave, X04_X05_in_use_if_anything_is_not_zero)
{
    fake_machine m;
    EXPECT_FALSE(uintr_xsave_in_use(m.u));
    uintr_set_uif(m.u, true);
    EXPECT_TRUE(uintr_xsave_in_use(m.u));
    uintr_set_uif(m.u, false);
    const std::uint64_t values[] = {1, 1, 1, 1, 0x40, 1};
    for (std::uint32_t i = 0; i < 6; i++) {
        m.write(0x985 + i, values[i]);
        EXPECT_TRUE(uintr_xsave_in_use(m.u)) << i;
        m.write(0x985 + i, 0);
        EXPECT_FALSE(uintr_xsave_in_use(m.u)) << i;
    }
    m.write(0x988, ONE << 32); // UINV alone
    EXPECT_TRUE(uintr_xsave_in_use(m.u));
    uintr_xsave_done(m.u);
    EXPECT_FALSE(uintr_xsave_in_use(m.u));
}

TEST(uintr_xsave, X09_restoring_gives_back_all_msrs_and_uif)
{
    fake_machine from, to;
    fill(from);
    image bytes;
    uintr_xsave(from.u, bytes.data());
    EXPECT_EQ(uintr_xrstor(to.u, bytes.data()), VP_OK);
    EXPECT_EQ(to.state(), from.state());
    EXPECT_EQ(to.read(0x988), 0xec0a0b0c0du); // T70: UIF has not leaked into MISC
    uintr_xsave_done(to.u);
    put(bytes, AT_MISC, 0x5); // UIF = 0 in the image
    EXPECT_EQ(uintr_xrstor(to.u, bytes.data()), VP_OK);
    EXPECT_FALSE(uintr_uif(to.u));
    EXPECT_EQ(to.read(0x988), 5u);
}

TEST(uintr_xsave, X10_restoring_while_uinv_is_set_is_gp)
{
    fake_machine m;
    fill(m);
    auto before = m.state();
    EXPECT_EQ(uintr_xrstor(m.u, good_image().data()), VP_FAULT);
    EXPECT_EQ(m.state(), before);
    for (unsigned bit = 0; bit < 8; bit++) {
        m.write(0x988, ONE << (32 + bit));
        EXPECT_EQ(uintr_xrstor(m.u, good_image().data()), VP_FAULT);
    }
    m.write(0x988, 0xffffffff); // UITTSZ is not looked at
    EXPECT_EQ(uintr_xrstor(m.u, good_image().data()), VP_OK);
}

TEST(uintr_xsave, X11_initialising_clears_everything)
{
    fake_machine m;
    fill(m);
    m.write(0x988, 0x3);
    EXPECT_TRUE(uintr_is_pending(m.u));
    uintr_xrstor_init(m.u);
    EXPECT_EQ(m.state(), (std::array<std::uint64_t, 7>{}));
    EXPECT_FALSE(uintr_is_pending(m.u));
    EXPECT_FALSE(uintr_xsave_in_use(m.u));
}

TEST(uintr_xsave, X12_noncanonical_addresses_in_the_image_are_gp)
{
    for (std::size_t at : {AT_HANDLER, AT_STACKADJUST, AT_PD, AT_TT}) {
        image bytes = good_image();
        put(bytes, at, 0x0000800000000000);
        expect_refused(bytes);
        fake_machine wide(57);
        EXPECT_EQ(uintr_xrstor(wide.u, bytes.data()), VP_OK) << at;
    }
}

TEST(uintr_xsave, X13_misc_bits_62_to_40_in_the_image_are_gp)
{
    for (unsigned bit = 40; bit < 63; bit++) {
        image bytes = good_image();
        put(bytes, AT_MISC, UIF | 0xec00000003 | ONE << bit);
        expect_refused(bytes);
    }
    fake_machine m;
    EXPECT_EQ(uintr_xrstor(m.u, good_image().data()), VP_OK);
}

TEST(uintr_xsave, X14_reserved_bits_of_pd_and_tt_in_the_image_are_gp)
{
    for (unsigned bit = 0; bit < 6; bit++) {
        image bytes = good_image();
        put(bytes, AT_PD, 0x1000 | ONE << bit);
        expect_refused(bytes);
    }
    for (unsigned bit = 1; bit < 4; bit++) {
        image bytes = good_image();
        put(bytes, AT_TT, 0x1000 | ONE << bit);
        expect_refused(bytes);
    }
}

TEST(uintr_xsave, X16_X17_restoring_recomputes_recognition)
{
    fake_machine m;
    EXPECT_EQ(uintr_xrstor(m.u, good_image().data()), VP_OK);
    EXPECT_TRUE(uintr_is_pending(m.u));
    uintr_xsave_done(m.u);
    image bytes = good_image();
    put(bytes, AT_RR, 0);
    EXPECT_EQ(uintr_xrstor(m.u, bytes.data()), VP_OK);
    EXPECT_FALSE(uintr_is_pending(m.u));
}

} // namespace
