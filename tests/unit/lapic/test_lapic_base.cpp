// SPDX-License-Identifier: Apache-2.0
// Creation, RESET, INIT, IA32_APIC_BASE and its mode transitions, identity.
#include "lapic_fixture.h"

namespace
{

constexpr std::uint64_t DISABLED = 0xfee00000, XAPIC = 0xfee00800, X2APIC = 0xfee00c00, ILLEGAL = 0xfee00400;

TEST(lapic_create_test, refuses_missing_callbacks)
{
    const struct lapic_config config = default_config();
    fake_bus bus;
    for (int missing = 0; missing < 5; missing++) {
        struct lapic_bus callbacks = bus.callbacks();
        switch (missing) {
        case 0: callbacks.send = nullptr; break;
        case 1: callbacks.nmi = nullptr; break;
        case 2: callbacks.init = nullptr; break;
        case 3: callbacks.startup = nullptr; break;
        default: callbacks.eoi_broadcast = nullptr; break;
        }
        EXPECT_EQ(lapic_create(&config, &callbacks), nullptr) << missing;
    }
}

TEST(lapic_create_test, refuses_fields_out_of_range)
{
    fake_bus bus;
    const struct lapic_bus callbacks = bus.callbacks();
    struct lapic_config config = default_config();
    config.timer_cycles_per_tick = 0;
    EXPECT_EQ(lapic_create(&config, &callbacks), nullptr);
    config = default_config();
    config.physical_address_width = 53;
    EXPECT_EQ(lapic_create(&config, &callbacks), nullptr);
    config.physical_address_width = 31;
    EXPECT_EQ(lapic_create(&config, &callbacks), nullptr);
    config = default_config(0xffffffff);
    EXPECT_EQ(lapic_create(&config, &callbacks), nullptr);
    config = default_config(0xff);
    config.x2apic = false;
    EXPECT_EQ(lapic_create(&config, &callbacks), nullptr);
    lapic_destroy(nullptr);
}

TEST_F(lapic_test, reset_state_is_xapic_mode_at_the_default_base)
{
    lapic_reset(l);
    EXPECT_EQ(msr(MSR_BASE), XAPIC);
    EXPECT_EQ(lapic_base(l), 0xfee00000u);
    EXPECT_TRUE(lapic_mmio_enabled(l));
    EXPECT_FALSE(lapic_is_x2apic(l));
}

TEST_F(lapic_test, bsp_flag_follows_the_configuration)
{
    struct lapic_config config = default_config(0);
    config.bsp = true;
    start(config);
    EXPECT_EQ(msr(MSR_BASE), XAPIC | BASE_BSP);
}

TEST_F(lapic_test, base_address_can_move)
{
    ASSERT_TRUE(msr_write(MSR_BASE, 0x3abcdef12000 | BASE_EN));
    EXPECT_EQ(lapic_base(l), 0x3abcdef12000u);
}

TEST_F(lapic_test, reserved_bits_of_apic_base_are_gp)
{
    for (unsigned b = 0; b < 64; b++) {
        const bool reserved = b <= 7 || b == 9 || b >= 46;
        const bool legal = !reserved;
        ASSERT_TRUE(msr_write(MSR_BASE, XAPIC));
        if (b == 10) {
            continue; // EXTD, see the transitions
        }
        EXPECT_EQ(msr_write(MSR_BASE, XAPIC | UINT64_C(1) << b), legal) << b;
    }
}

TEST_F(lapic_test, extd_is_reserved_without_x2apic_support)
{
    struct lapic_config config = default_config();
    config.x2apic = false;
    start(config);
    EXPECT_FALSE(msr_write(MSR_BASE, X2APIC));
    EXPECT_EQ(msr(MSR_BASE), XAPIC);
}

// "Local x2APIC State Transitions": rows are the state before, columns the state written.
TEST_F(lapic_test, every_mode_transition_is_as_the_manual_draws_it)
{
    struct transition {
        std::uint64_t from, to;
        bool legal;
    };
    const transition table[] = {
        {DISABLED, DISABLED, true}, {DISABLED, XAPIC, true}, {DISABLED, X2APIC, false}, {DISABLED, ILLEGAL, false},
        {XAPIC, DISABLED, true},    {XAPIC, XAPIC, true},    {XAPIC, X2APIC, true},     {XAPIC, ILLEGAL, false},
        {X2APIC, DISABLED, true},   {X2APIC, XAPIC, false},  {X2APIC, X2APIC, true},    {X2APIC, ILLEGAL, false},
    };
    for (const transition &t : table) {
        lapic_reset(l);
        if (t.from != XAPIC) {
            ASSERT_TRUE(msr_write(MSR_BASE, t.from));
        }
        EXPECT_EQ(msr_write(MSR_BASE, t.to), t.legal) << std::hex << t.from << " to " << t.to;
        EXPECT_EQ(msr(MSR_BASE), t.legal ? t.to : t.from);
    }
}

TEST_F(lapic_test, switching_off_and_on_gives_the_state_after_reset)
{
    write(TPR, 0x30);
    write(LDR, 0x01000000);
    write(LVT_TIMER, 0x40);
    write(INITIAL, 100);
    accept(0x50);
    ASSERT_TRUE(msr_write(MSR_BASE, DISABLED));
    EXPECT_FALSE(lapic_mmio_enabled(l));
    EXPECT_EQ(lapic_next_deadline(l), VP_NEVER);
    ASSERT_TRUE(msr_write(MSR_BASE, XAPIC));
    EXPECT_EQ(read(TPR), 0u);
    EXPECT_EQ(read(LDR), 0u);
    EXPECT_EQ(read(SVR), 0xffu);
    EXPECT_EQ(read(LVT_TIMER), 0x10000u);
    EXPECT_EQ(read(INITIAL), 0u);
    EXPECT_FALSE(lapic_has_interrupt(l));
}

TEST_F(lapic_test, off_and_on_leads_from_x2apic_to_xapic)
{
    enter_x2apic();
    ASSERT_TRUE(msr_write(MSR_BASE, DISABLED));
    ASSERT_TRUE(msr_write(MSR_BASE, XAPIC));
    EXPECT_EQ(read(ID), 0x03000000u);
}

TEST_F(lapic_test, entering_x2apic_keeps_state_but_derives_ldr_and_clears_the_destination)
{
    write(TPR, 0x30);
    write(LVT_ERROR, 0x41);
    write(ICR_HIGH, 0x05000000);
    write(LDR, 0x80000000);
    accept(0x50);
    enter_x2apic();
    EXPECT_EQ(read(TPR), 0x30u);
    EXPECT_EQ(read(LVT_ERROR), 0x41u);
    EXPECT_EQ(read(SVR), 0x1ffu);
    EXPECT_EQ(msr(MSR_X2 + ICR / 16) >> 32, 0u);
    EXPECT_EQ(read(LDR), 0x8u);
    EXPECT_TRUE(lapic_has_interrupt(l));
}

TEST_F(lapic_test, init_resets_registers_but_keeps_mode_base_and_id)
{
    enter_x2apic();
    write(TPR, 0x30);
    write(SVR, 0x1fe);
    accept(0x50);
    lapic_init(l);
    EXPECT_TRUE(lapic_is_x2apic(l));
    EXPECT_EQ(read(ID), 3u);
    EXPECT_EQ(read(LDR), 8u);
    EXPECT_EQ(read(TPR), 0u);
    EXPECT_EQ(read(SVR), 0xffu);
    EXPECT_EQ(lapic_id(l), 3u);
    EXPECT_FALSE(lapic_has_interrupt(l));
}

TEST_F(lapic_test, reset_leaves_x2apic_mode)
{
    enter_x2apic();
    lapic_reset(l);
    EXPECT_FALSE(lapic_is_x2apic(l));
    EXPECT_EQ(msr(MSR_BASE), XAPIC);
}

TEST_F(lapic_test, id_has_8_bits_in_xapic_and_32_in_x2apic_mode)
{
    start(default_config(0x12345));
    EXPECT_EQ(lapic_id(l), 0x45u);
    EXPECT_EQ(read(ID), 0x45000000u);
    enter_x2apic();
    EXPECT_EQ(lapic_id(l), 0x12345u);
    EXPECT_EQ(read(ID), 0x12345u);
}

TEST_F(lapic_test, writing_the_id_has_no_effect)
{
    write(ID, 0x7f000000);
    EXPECT_EQ(read(ID), 0x03000000u);
    EXPECT_EQ(errors(), 0u);
}

TEST_F(lapic_test, a_globally_disabled_apic_takes_and_sends_nothing)
{
    ASSERT_TRUE(msr_write(MSR_BASE, DISABLED));
    EXPECT_FALSE(accept(0x50));
    EXPECT_FALSE(accept(0, IPI_NMI));
    EXPECT_FALSE(accept(0, IPI_INIT));
    EXPECT_EQ(bus.nmis, 0);
    EXPECT_EQ(bus.inits, 0);
    lapic_mmio_write(l, ICR, 4, 0x40041, now);
    lapic_send_user_ipi(l, 0x0100, 0x41, 1, now);
    EXPECT_TRUE(bus.sent.empty());
    EXPECT_EQ(lapic_stats(l)->ipis_sent, 0u);
}

} // namespace
