// SPDX-License-Identifier: Apache-2.0
// Which destinations an APIC answers to.
#include "lapic_fixture.h"

namespace
{

class lapic_dest_test : public lapic_test
{
  public:
    bool matches(std::uint32_t destination, bool logical, bool x2apic, std::uint8_t shorthand = IPI_TO_DESTINATION,
                 std::uint32_t source = 9)
    {
        struct ipi_msg msg = message(0x41);
        msg.destination = destination;
        msg.logical = logical;
        msg.x2apic = x2apic;
        msg.shorthand = shorthand;
        msg.source = source;
        return lapic_matches(l, &msg);
    }
    bool physical(std::uint32_t destination, bool x2apic = false) { return matches(destination, false, x2apic); }
    bool logical(std::uint32_t destination, bool x2apic = false) { return matches(destination, true, x2apic); }
};

TEST_F(lapic_dest_test, physical_is_the_own_id_or_the_broadcast)
{
    for (std::uint32_t id = 0; id < 256; id++)
        EXPECT_EQ(physical(id), id == 3 || id == 0xff) << id;
}

TEST_F(lapic_dest_test, ff_is_no_broadcast_from_an_x2apic_sender)
{
    enter_x2apic();
    EXPECT_FALSE(physical(0xff, true));
    EXPECT_TRUE(physical(0xffffffff, true));
    EXPECT_TRUE(physical(3, true));
    EXPECT_FALSE(physical(0x103, true));
}

TEST_F(lapic_dest_test, an_x2apic_receiver_compares_all_32_bits)
{
    start(default_config(0x103));
    enter_x2apic();
    EXPECT_TRUE(physical(0x103, true));
    EXPECT_FALSE(physical(0x3, true));
    EXPECT_TRUE(physical(0xff, false)); // broadcast of an 8-bit sender
}

TEST_F(lapic_dest_test, flat_model_matches_any_common_bit)
{
    write(LDR, 0x04000000);
    for (std::uint32_t mda = 0; mda < 256; mda++)
        EXPECT_EQ(logical(mda), (mda & 4) != 0) << mda;
}

TEST_F(lapic_dest_test, flat_model_with_ldr_zero_takes_only_the_broadcast)
{
    for (std::uint32_t mda = 0; mda < 256; mda++)
        EXPECT_EQ(logical(mda), mda == 0xff) << mda;
}

TEST_F(lapic_dest_test, cluster_model_compares_the_cluster_and_then_bits)
{
    write(DFR, 0x0fffffff);
    write(LDR, 0x24000000); // cluster 2, member bit 2
    for (std::uint32_t mda = 0; mda < 256; mda++)
        EXPECT_EQ(logical(mda), mda == 0xff || (mda >> 4 == 2 && (mda & 4) != 0)) << mda;
}

TEST_F(lapic_dest_test, other_models_match_only_the_broadcast)
{
    write(DFR, 0x7fffffff);
    write(LDR, 0xff000000);
    EXPECT_FALSE(logical(0x01));
    EXPECT_FALSE(logical(0xf1));
    EXPECT_TRUE(logical(0xff));
}

TEST_F(lapic_dest_test, logical_x2apic_id_is_cluster_and_bit_of_the_id)
{
    start(default_config(0x12345));
    enter_x2apic();
    EXPECT_EQ(read(LDR), 0x12340020u);
    EXPECT_TRUE(logical(0x12340020, true));
    EXPECT_TRUE(logical(0x1234ffff, true));
    EXPECT_FALSE(logical(0x1234ffdf, true));
    EXPECT_FALSE(logical(0x12350020, true));
    EXPECT_FALSE(logical(0x12340000, true));
    EXPECT_TRUE(logical(0xffffffff, true));
}

TEST_F(lapic_dest_test, logical_ids_of_all_members_of_a_cluster_are_distinct)
{
    for (std::uint32_t id = 0x20; id < 0x30; id++) {
        start(default_config(id));
        enter_x2apic();
        for (std::uint32_t member = 0; member < 16; member++)
            EXPECT_EQ(logical(0x20000 | 1u << member, true), member == (id & 15));
    }
}

TEST_F(lapic_dest_test, a_wide_logical_destination_never_matches_an_xapic_receiver)
{
    write(LDR, 0xff000000);
    EXPECT_FALSE(logical(0x10001, true));
    EXPECT_TRUE(logical(0x01, true));
}

TEST_F(lapic_dest_test, shorthands_ignore_the_destination)
{
    EXPECT_TRUE(matches(0x77, false, false, IPI_TO_SELF, 3));
    EXPECT_FALSE(matches(3, false, false, IPI_TO_SELF, 9));
    EXPECT_TRUE(matches(0x77, false, false, IPI_TO_ALL, 3));
    EXPECT_TRUE(matches(0x77, false, false, IPI_TO_ALL, 9));
    EXPECT_FALSE(matches(3, false, false, IPI_TO_OTHERS, 3));
    EXPECT_TRUE(matches(0x77, false, false, IPI_TO_OTHERS, 9));
}

TEST_F(lapic_dest_test, a_globally_disabled_apic_matches_nothing)
{
    ASSERT_TRUE(msr_write(MSR_BASE, 0xfee00000));
    EXPECT_FALSE(physical(3));
    EXPECT_FALSE(physical(0xff));
    EXPECT_FALSE(matches(0, false, false, IPI_TO_ALL));
}

TEST_F(lapic_dest_test, a_software_disabled_apic_still_matches)
{
    write(SVR, 0xff); // it must hear INIT, NMI and SIPI
    EXPECT_TRUE(physical(3));
}

} // namespace
