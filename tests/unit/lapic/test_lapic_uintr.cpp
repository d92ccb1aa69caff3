// SPDX-License-Identifier: Apache-2.0
// A local APIC and a UINTR unit together, where no guest image can look: APIC IDs above 255, and the EOI of a
// level-triggered interrupt that is a notification. Judge: SDM Vol. 3, "User Interrupts"; Vol. 2, "SENDUIPI".
#include "lapic_fixture.h"
#include "uintr.h"

#include <cstring>

namespace
{
constexpr std::uint64_t UITT = 0x1000, UPID = 0x2000;
constexpr std::uint8_t NV = 0xec;

// The unit's bus on the fixture's APIC; memory is two table entries' worth.
class lapic_uintr : public lapic_test
{
  public:
    void SetUp() override
    {
        lapic_test::SetUp();
        struct uintr_config config = {48, false};
        struct uintr_bus bus_of_unit = {};
        bus_of_unit.ctx = this;
        bus_of_unit.load_supervisor = [](void *ctx, std::uint64_t la, void *bytes, std::uint32_t size,
                                         struct vp_fault *) {
            std::memcpy(bytes, self(ctx).at(la), size);
            return VP_OK;
        };
        bus_of_unit.modify_supervisor = [](void *ctx, std::uint64_t la, std::uint32_t, uintr_modify_fn *fn, void *arg,
                                           struct vp_fault *) {
            (void)fn(arg, self(ctx).at(la));
            return VP_OK;
        };
        bus_of_unit.load_stack = [](void *, std::uint64_t, std::uint64_t *, struct vp_fault *) { return VP_FAULT; };
        bus_of_unit.store_stack = [](void *, std::uint64_t, std::uint64_t, struct vp_fault *) { return VP_FAULT; };
        bus_of_unit.send_ipi = [](void *ctx, std::uint32_t ndst, std::uint8_t nv) {
            lapic_send_user_ipi(self(ctx).l, ndst, nv, 0, self(ctx).now);
        };
        bus_of_unit.eoi = [](void *ctx) { lapic_eoi(self(ctx).l); };
        bus_of_unit.step = [](void *, enum uintr_step, const struct uintr_step_info *) {};
        u = uintr_create(&config, &bus_of_unit);
        ASSERT_NE(u, nullptr);
        ASSERT_EQ(uintr_msr_write(u, UINTR_MSR_TT, UITT | 1), VP_OK);
        ASSERT_EQ(uintr_msr_write(u, UINTR_MSR_PD, UPID), VP_OK);
        ASSERT_EQ(uintr_msr_write(u, UINTR_MSR_MISC, std::uint64_t{NV} << 32), VP_OK);
    }
    void TearDown() override
    {
        uintr_destroy(u);
        lapic_test::TearDown();
    }
    void post(std::uint64_t ndst)
    {
        const std::uint64_t entry[2] = {1 | 5u << 8, UPID}, upid[2] = {std::uint64_t{NV} << 16 | ndst << 32, 0};
        std::memcpy(at(UITT), entry, sizeof entry);
        std::memcpy(at(UPID), upid, sizeof upid);
        struct vp_fault fault = {};
        bus.sent.clear();
        EXPECT_EQ(uintr_send(u, 0, &fault), VP_OK);
        std::uint64_t pir = 0;
        std::memcpy(&pir, at(UPID) + 8, sizeof pir);
        EXPECT_EQ(pir, 1u << 5);
    }

  protected:
    static lapic_uintr &self(void *ctx) { return *static_cast<lapic_uintr *>(ctx); }
    std::uint8_t *at(std::uint64_t la) { return la >= UPID ? &m_memory[16 + (la - UPID)] : &m_memory[la - UITT]; }
    struct uintr *u = nullptr;

  private:
    std::uint8_t m_memory[48] = {};
};

TEST_F(lapic_uintr, S18_in_x2apic_mode_the_destination_has_32_bits)
{
    enter_x2apic();
    for (std::uint32_t id : {0x102u, 0x10000u, 0xfedcba98u, 0u}) {
        post(id);
        ASSERT_EQ(bus.sent.size(), 1u);
        EXPECT_EQ(bus.sent[0].destination, id);
        EXPECT_EQ(bus.sent[0].vector, NV);
        EXPECT_EQ(bus.sent[0].delivery_mode, IPI_FIXED);
        EXPECT_TRUE(bus.sent[0].x2apic);
    }
}

TEST_F(lapic_uintr, S17_in_xapic_mode_the_destination_is_byte_1)
{
    for (std::uint32_t ndst : {0x200u, 0xabcd02efu}) {
        post(ndst);
        ASSERT_EQ(bus.sent.size(), 1u);
        EXPECT_EQ(bus.sent[0].destination, 2u);
        EXPECT_FALSE(bus.sent[0].x2apic);
    }
}

TEST_F(lapic_uintr, S32_icr_esr_irr_and_isr_of_the_sender_stay)
{
    write(ICR_HIGH, 0x07000000);
    write(ICR, 0x4031);
    const std::uint32_t low = read(ICR), high = read(ICR_HIGH);
    post(0x900);
    EXPECT_EQ(read(ICR), low);
    EXPECT_EQ(read(ICR_HIGH), high);
    EXPECT_EQ(errors(), 0u);
    for (unsigned v = 0; v < 256; v++) {
        EXPECT_FALSE(bit(IRR, static_cast<std::uint8_t>(v)));
        EXPECT_FALSE(bit(ISR, static_cast<std::uint8_t>(v)));
    }
}

TEST_F(lapic_uintr, N23_the_eoi_of_a_level_triggered_notification_is_broadcast)
{
    for (bool level : {true, false}) {
        bus.eoi_broadcasts.clear();
        ASSERT_TRUE(level ? accept_level(NV) : accept(NV));
        ASSERT_EQ(ack(), NV);
        EXPECT_EQ(bit(TMR, NV), level);
        EXPECT_TRUE(bit(ISR, NV));
        struct vp_fault fault = {};
        ASSERT_EQ(uintr_notify(u, &fault), VP_OK);
        EXPECT_FALSE(bit(ISR, NV));
        EXPECT_EQ(bus.eoi_broadcasts, level ? std::vector<std::uint8_t>{NV} : std::vector<std::uint8_t>{});
    }
}
} // namespace
