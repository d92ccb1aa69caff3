// SPDX-License-Identifier: Apache-2.0
// SENDUIPI, one case per rule. SDM Vol. 2, "SENDUIPI". S.. are the lines of the conformance checklist.
#include "fake_machine.h"

namespace
{

constexpr std::uint64_t UITT = 0xffff880000010000, UPID = 0xffff880000020040;

class uintr_send_test : public ::testing::Test
{
  protected:
    fake_machine m;

    void SetUp() override
    {
        m.write(0x98a, UITT | 1);
        m.write(0x988, 0x3); // UITTSZ = 3
        entry(0, 0x0501, UPID);
        upid(0x00000200'00ec'0000, 0);
    }
    void entry(std::uint64_t index, std::uint64_t low, std::uint64_t upidaddr)
    {
        m.memory.put64(UITT + 16 * index, low);
        m.memory.put64(UITT + 16 * index + 8, upidaddr);
    }
    void upid(std::uint64_t low, std::uint64_t pir)
    {
        m.memory.put64(UPID, low);
        m.memory.put64(UPID + 8, pir);
    }
    std::uint64_t low() { return m.memory.get64(UPID); }
    std::uint64_t pir() { return m.memory.get64(UPID + 8); }
    enum vp_status send(std::uint64_t index)
    {
        m.log.clear();
        m.steps.clear();
        return uintr_send(m.u, index, &m.fault);
    }
    // The send is refused with #GP(0), and memory and the unit stay as they were.
    void expect_send_gp0(std::uint64_t index)
    {
        auto memory = m.memory.bytes;
        auto state = m.state();
        EXPECT_EQ(send(index), VP_FAULT);
        expect_gp0(m.fault);
        EXPECT_EQ(m.memory.bytes, memory);
        EXPECT_EQ(m.state(), state);
        EXPECT_TRUE(m.calls("ipi").empty());
    }
};

TEST_F(uintr_send_test, S02_the_index_may_equal_uittsz)
{
    entry(3, 0x0501, UPID);
    EXPECT_EQ(send(3), VP_OK);
    EXPECT_EQ(pir(), 0x20u);
}

TEST_F(uintr_send_test, S03_an_index_above_uittsz_is_gp)
{
    entry(4, 0x0501, UPID);
    expect_send_gp0(4);
    EXPECT_TRUE(m.calls("load").empty());
}

TEST_F(uintr_send_test, S04_the_index_is_compared_with_64_bits)
{
    m.write(0x988, 0xffffffff);
    expect_send_gp0(0x100000000);
}

TEST_F(uintr_send_test, S05_the_index_is_unsigned)
{
    expect_send_gp0(~std::uint64_t{0});
    m.write(0x988, 0xffffffff);
    expect_send_gp0(~std::uint64_t{0});
    expect_send_gp0(0x8000000000000000);
}

TEST_F(uintr_send_test, S04_the_highest_index_addresses_its_own_entry)
{
    m.write(0x988, 0xffffffff);
    entry(0xffffffff, 0x0501, UPID);
    EXPECT_EQ(send(0xffffffff), VP_OK);
    EXPECT_EQ(m.calls("load")[0].a, UITT + 0xffffffff0);
}

TEST_F(uintr_send_test, the_enable_bit_is_not_part_of_the_table_address)
{
    EXPECT_EQ(send(0), VP_OK);
    EXPECT_EQ(m.calls("load"), (std::vector<fake_call>{{"load", UITT, 16}}));
    EXPECT_EQ(m.calls("modify"), (std::vector<fake_call>{{"modify", UPID, 16}}));
}

TEST_F(uintr_send_test, S07_an_invalid_entry_is_gp)
{
    entry(0, 0x0500, UPID);
    expect_send_gp0(0);
}

TEST_F(uintr_send_test, S08_every_reserved_bit_of_an_entry_is_gp)
{
    for (unsigned bit = 1; bit < 64; bit++) {
        if (bit >= 8 && bit <= 13)
            continue;
        SCOPED_TRACE(bit);
        entry(0, 0x0501 | ONE << bit, UPID);
        expect_send_gp0(0);
    }
}

TEST_F(uintr_send_test, S09_a_misaligned_upidaddr_is_gp)
{
    for (unsigned bit = 0; bit < 6; bit++) {
        SCOPED_TRACE(bit);
        entry(0, 0x0501, UPID | ONE << bit);
        expect_send_gp0(0);
    }
}

TEST_F(uintr_send_test, S10_every_reserved_bit_of_a_upid_is_gp_and_nothing_is_stored)
{
    for (unsigned bit = 0; bit < 64; bit++) {
        SCOPED_TRACE(bit);
        upid(ONE << bit, 0x8000);
        if ((bit >= 2 && bit <= 15) || (bit >= 24 && bit <= 31))
            expect_send_gp0(0);
        else
            EXPECT_EQ(send(0), VP_OK);
    }
}

TEST_F(uintr_send_test, S11_with_on_and_sn_clear_a_notification_is_sent)
{
    EXPECT_EQ(send(0), VP_OK);
    EXPECT_EQ(pir(), 0x20u);
    EXPECT_EQ(low(), 0x0000020000ec0001u);
    EXPECT_EQ(m.calls("ipi"), (std::vector<fake_call>{{"ipi", 0x200, 0xec}}));
}

TEST_F(uintr_send_test, S12_with_on_set_the_request_is_posted_without_ipi)
{
    upid(0x0000020000ec0001, 0);
    EXPECT_EQ(send(0), VP_OK);
    EXPECT_EQ(pir(), 0x20u);
    EXPECT_EQ(low(), 0x0000020000ec0001u);
    EXPECT_TRUE(m.calls("ipi").empty());
}

TEST_F(uintr_send_test, S13_with_sn_set_on_stays_clear_and_no_ipi_is_sent)
{
    upid(0x0000020000ec0002, 0);
    EXPECT_EQ(send(0), VP_OK);
    EXPECT_EQ(pir(), 0x20u);
    EXPECT_EQ(low(), 0x0000020000ec0002u);
    EXPECT_TRUE(m.calls("ipi").empty());
}

TEST_F(uintr_send_test, S14_with_sn_and_on_set_no_ipi_is_sent)
{
    upid(0x0000020000ec0003, 0);
    EXPECT_EQ(send(0), VP_OK);
    EXPECT_EQ(pir(), 0x20u);
    EXPECT_EQ(low(), 0x0000020000ec0003u);
    EXPECT_TRUE(m.calls("ipi").empty());
}

TEST_F(uintr_send_test, S15_each_user_vector_sets_exactly_its_pir_bit)
{
    for (unsigned uv = 0; uv < 64; uv++) {
        entry(0, 1 | std::uint64_t{uv} << 8, UPID);
        upid(0, 0);
        EXPECT_EQ(send(0), VP_OK);
        EXPECT_EQ(pir(), ONE << uv);
    }
}

TEST_F(uintr_send_test, S16_other_fields_and_pir_bits_are_kept)
{
    upid(0xdeadbeef'00a5'0000, 0x8000000000000001);
    EXPECT_EQ(send(0), VP_OK);
    EXPECT_EQ(low(), 0xdeadbeef00a50001u);
    EXPECT_EQ(pir(), 0x8000000000000021u);
    EXPECT_EQ(m.calls("ipi"), (std::vector<fake_call>{{"ipi", 0xdeadbeef, 0xa5}}));
}

TEST_F(uintr_send_test, S17_S18_the_apic_gets_ndst_as_it_is)
{
    for (std::uint64_t ndst : {0x00000200u, 0x00000102u, 0xffffffffu}) {
        upid(ndst << 32 | 0xec0000, 0);
        EXPECT_EQ(send(0), VP_OK);
        EXPECT_EQ(m.calls("ipi"), (std::vector<fake_call>{{"ipi", ndst, 0xec}}));
    }
}

TEST_F(uintr_send_test, S20_a_fault_of_the_entry_is_passed_on_and_a_retry_works)
{
    auto memory = m.memory.bytes;
    m.fail_what = "load";
    m.fail_with = {14, true, 0, 0};
    EXPECT_EQ(send(0), VP_FAULT);
    EXPECT_EQ(m.fault.vector, 14);
    EXPECT_EQ(m.fault.error_code, 0u);
    EXPECT_EQ(m.fault.address, UITT);
    EXPECT_EQ(m.memory.bytes, memory);
    EXPECT_EQ(m.step_order(), (std::vector<enum uintr_step>{UINTR_STEP_SEND_BEGIN}));
    m.fail_what.clear();
    EXPECT_EQ(send(0), VP_OK);
    EXPECT_EQ(pir(), 0x20u);
}

TEST_F(uintr_send_test, S21_S22_a_fault_of_the_upid_is_passed_on_and_a_retry_works)
{
    auto memory = m.memory.bytes;
    auto state = m.state();
    m.fail_what = "modify";
    EXPECT_EQ(send(0), VP_FAULT);
    EXPECT_EQ(m.fault.vector, 14);
    EXPECT_EQ(m.fault.error_code, 2u);
    EXPECT_EQ(m.fault.address, UPID);
    EXPECT_EQ(m.memory.bytes, memory);
    EXPECT_EQ(m.state(), state);
    EXPECT_TRUE(m.calls("ipi").empty());
    m.fail_what.clear();
    EXPECT_EQ(send(0), VP_OK);
    EXPECT_EQ(low() & 1, 1u);
}

TEST_F(uintr_send_test, S24_each_entry_is_read_at_its_own_linear_address)
{
    m.write(0x988, 511);
    for (std::uint64_t index : {0u, 1u, 255u, 256u, 511u}) {
        entry(index, 0x0501, UPID);
        EXPECT_EQ(send(index), VP_OK);
        EXPECT_EQ(m.calls("load"), (std::vector<fake_call>{{"load", UITT + 16 * index, 16}}));
    }
}

TEST_F(uintr_send_test, S25_the_address_of_the_entry_is_not_limited_by_the_unit)
{
    m.write(0x98a, 0x00007ffffffffff1);
    m.fail_what = "load";
    m.fail_with = {13, true, 0, 0};
    EXPECT_EQ(send(1), VP_FAULT);
    EXPECT_EQ(m.calls("load")[0].a, 0x0000800000000000u);
    expect_gp0(m.fault);
}

TEST_F(uintr_send_test, the_order_of_checks_is_index_entry_upid)
{
    m.fail_what = "modify";
    entry(0, 0, UPID); // invalid entry and a UPID that faults
    expect_send_gp0(0);
    EXPECT_TRUE(m.calls("modify").empty());
    m.fail_what = "load";
    expect_send_gp0(9);
    EXPECT_TRUE(m.calls("load").empty());
}

TEST_F(uintr_send_test, T31_the_ipi_follows_the_store)
{
    EXPECT_EQ(send(0), VP_OK);
    const std::vector<fake_call> expected = {{"step", UINTR_STEP_SEND_BEGIN, 0}, {"load", UITT, 16},
                                             {"step", UINTR_STEP_UITTE_READ, 0}, {"modify", UPID, 16},
                                             {"step", UINTR_STEP_POSTED, 0},     {"ipi", 0x200, 0xec},
                                             {"step", UINTR_STEP_SENT, 0}};
    EXPECT_EQ(m.log, expected);
}

TEST_F(uintr_send_test, the_posted_step_tells_what_was_found)
{
    for (std::uint64_t status = 0; status < 4; status++) {
        for (std::uint64_t before : {0x0u, 0x20u, 0x40u}) {
            upid(status, before);
            EXPECT_EQ(send(0), VP_OK);
            struct uintr_step_info info = m.steps.at(2).second;
            EXPECT_EQ(m.steps.at(2).first, UINTR_STEP_POSTED);
            EXPECT_EQ(info.upid_la, UPID);
            EXPECT_EQ(info.vector, 5);
            EXPECT_EQ(info.notify, status == 0);
            EXPECT_EQ(info.suppressed, (status & 2) != 0);
            EXPECT_EQ(info.again, before == 0x20);
            EXPECT_EQ(m.steps.size(), status == 0 ? 4u : 3u);
        }
    }
}

TEST_F(uintr_send_test, S29_the_unit_itself_is_unchanged)
{
    auto before = m.state();
    EXPECT_EQ(send(0), VP_OK);
    EXPECT_EQ(m.state(), before);
}

TEST_F(uintr_send_test, S12_posting_twice_sends_once)
{
    entry(1, 0x3f01, UPID);
    EXPECT_EQ(send(0), VP_OK);
    EXPECT_EQ(m.calls("ipi").size(), 1u);
    EXPECT_EQ(send(1), VP_OK);
    EXPECT_TRUE(m.calls("ipi").empty());
    EXPECT_EQ(pir(), 0x8000000000000020u);
}

} // namespace
