// SPDX-License-Identifier: Apache-2.0
// lapic_module alone: register page over TLM, debug access, the timer as an event, lapic_if.
#include "lapic_bench.h"

#include <stdexcept>

namespace
{

constexpr std::uint32_t ID = 0x20, TPR = 0x80, SVR = 0xf0, ESR = 0x280, ICR = 0x300, LVT_TIMER = 0x320, INITIAL = 0x380,
                        CURRENT = 0x390, DIVIDE = 0x3e0;
constexpr std::uint32_t TO_SELF = 0x40000;

TEST_F(lapic_shell_test, registers_read_and_write_over_tlm)
{
    EXPECT_EQ(core(1).read(ID, t0), 0x01000000u);
    core(1).write(TPR, 0x30, t0);
    EXPECT_EQ(core(1).read(TPR, t0), 0x30u);
    EXPECT_EQ(apic(1).cr8(), 3);
}

TEST_F(lapic_shell_test, odd_sizes_and_offsets_read_zero_and_write_nothing)
{
    std::uint8_t bytes[16];
    for (unsigned size : {1u, 2u, 8u, 16u}) {
        std::fill(std::begin(bytes), std::end(bytes), std::uint8_t{0xee});
        EXPECT_EQ(core(0).access(tlm::TLM_READ_COMMAND, ID, bytes, size, t0), tlm::TLM_OK_RESPONSE);
        for (unsigned i = 0; i < 16; i++)
            EXPECT_EQ(bytes[i], i < size ? 0 : 0xee);
        std::fill(std::begin(bytes), std::end(bytes), std::uint8_t{0x11});
        EXPECT_EQ(core(0).access(tlm::TLM_WRITE_COMMAND, TPR, bytes, size, t0), tlm::TLM_OK_RESPONSE);
        EXPECT_EQ(core(0).read(TPR, t0), 0u);
    }
    EXPECT_EQ(core(0).read(ID + 4, t0), 0u);
}

TEST_F(lapic_shell_test, accesses_outside_the_page_are_address_errors)
{
    std::uint32_t value = 0;
    EXPECT_EQ(core(0).access(tlm::TLM_READ_COMMAND, 0x1000, &value, 4, t0), tlm::TLM_ADDRESS_ERROR_RESPONSE);
    EXPECT_EQ(core(0).access(tlm::TLM_READ_COMMAND, 0xffe, &value, 4, t0), tlm::TLM_ADDRESS_ERROR_RESPONSE);
    EXPECT_EQ(core(0).access(tlm::TLM_READ_COMMAND, 0xffffffffffffffff, &value, 4, t0),
              tlm::TLM_ADDRESS_ERROR_RESPONSE);
}

TEST_F(lapic_shell_test, byte_enables_and_streaming_are_refused)
{
    std::uint32_t value = 0x30;
    unsigned char enables[4] = {0xff, 0, 0, 0};
    tlm::tlm_generic_payload payload;
    payload.set_command(tlm::TLM_WRITE_COMMAND);
    payload.set_address(TPR);
    payload.set_data_ptr(reinterpret_cast<unsigned char *>(&value));
    payload.set_data_length(4);
    payload.set_streaming_width(4);
    payload.set_byte_enable_ptr(enables);
    payload.set_byte_enable_length(4);
    sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
    core(0).apic_isock->b_transport(payload, delay);
    EXPECT_EQ(payload.get_response_status(), tlm::TLM_BYTE_ENABLE_ERROR_RESPONSE);
    payload.set_byte_enable_ptr(nullptr);
    payload.set_streaming_width(2);
    core(0).apic_isock->b_transport(payload, delay);
    EXPECT_EQ(payload.get_response_status(), tlm::TLM_BURST_ERROR_RESPONSE);
    EXPECT_EQ(core(0).read(TPR, t0), 0u);
}

TEST_F(lapic_shell_test, debug_reads_show_registers_without_side_effects)
{
    unsigned char page[0x1000];
    tlm::tlm_generic_payload payload;
    payload.set_command(tlm::TLM_READ_COMMAND);
    payload.set_address(0);
    payload.set_data_ptr(page);
    payload.set_data_length(sizeof page);
    payload.set_streaming_width(sizeof page);
    core(1).write(TPR, 0x5a, t0);
    EXPECT_EQ(core(1).apic_isock->transport_dbg(payload), sizeof page); // reserved registers and EOI among them
    EXPECT_EQ(page[TPR], 0x5a);
    EXPECT_EQ(page[ID + 3], 1);
    EXPECT_EQ(page[ID + 4], 0);
    EXPECT_EQ(page[SVR], 0xff);
    EXPECT_EQ(page[SVR + 1], 1);
    core(1).write(ESR, 0, t0);
    EXPECT_EQ(core(1).read(ESR, t0), 0u);
}

TEST_F(lapic_shell_test, debug_reads_of_a_part_stop_at_the_end_of_the_page)
{
    unsigned char bytes[8] = {};
    tlm::tlm_generic_payload payload;
    payload.set_command(tlm::TLM_READ_COMMAND);
    payload.set_address(SVR + 1);
    payload.set_data_ptr(bytes);
    payload.set_data_length(1);
    EXPECT_EQ(core(0).apic_isock->transport_dbg(payload), 1u);
    EXPECT_EQ(bytes[0], 1);
    payload.set_address(0xffc);
    payload.set_data_length(8);
    EXPECT_EQ(core(0).apic_isock->transport_dbg(payload), 4u);
    payload.set_address(0x1000);
    EXPECT_EQ(core(0).apic_isock->transport_dbg(payload), 0u);
}

TEST_F(lapic_shell_test, debug_writes_are_refused)
{
    unsigned char bytes[4] = {0x30, 0, 0, 0};
    tlm::tlm_generic_payload payload;
    payload.set_command(tlm::TLM_WRITE_COMMAND);
    payload.set_address(TPR);
    payload.set_data_ptr(bytes);
    payload.set_data_length(4);
    EXPECT_EQ(core(0).apic_isock->transport_dbg(payload), 0u);
    EXPECT_EQ(core(0).read(TPR, t0), 0u);
}

TEST_F(lapic_shell_test, dmi_is_never_given)
{
    tlm::tlm_generic_payload payload;
    tlm::tlm_dmi dmi;
    payload.set_address(TPR);
    EXPECT_FALSE(core(0).apic_isock->get_direct_mem_ptr(payload, dmi));
}

TEST_F(lapic_shell_test, the_timer_is_the_next_event_and_fires_on_time)
{
    EXPECT_EQ(apic(0).next_event(), UINT64_MAX);
    core(0).write(DIVIDE, 0xb, t0 + 10);
    core(0).write(LVT_TIMER, 0x41, t0 + 10);
    core(0).write(INITIAL, 500, t0 + 10);
    EXPECT_EQ(apic(0).next_event(), t0 + 510);
    EXPECT_EQ(apic(0).next_wake(true), t0 + 510);
    EXPECT_EQ(apic(0).next_wake(false), UINT64_MAX) << "a core that does not listen sleeps through";
    EXPECT_EQ(core(0).read(CURRENT, t0 + 110), 400u);
    advance(0, t0 + 509);
    EXPECT_FALSE(apic(0).has_interrupt());
    advance(0, t0 + 510);
    EXPECT_TRUE(apic(0).has_interrupt());
    EXPECT_EQ(apic(0).next_event(), UINT64_MAX);
}

TEST_F(lapic_shell_test, arrivals_and_expiries_interleave_by_cycle)
{
    std::vector<std::uint64_t> arrivals;
    std::vector<std::uint64_t> expiries;
    std::vector<char> order;
    apic(0).on_event = [&](const lapic_event &e) {
        order.push_back(e.kind == lapic_event::TIMER ? 't' : 'm');
        (e.kind == lapic_event::TIMER ? expiries : arrivals).push_back(e.cycle - t0);
    };
    core(0).write(DIVIDE, 0xb, t0);
    core(0).write(LVT_TIMER, 0x20041, t0); // periodic
    core(0).write(INITIAL, 100, t0);
    for (std::uint64_t delay : {0u, 100u, 50u}) {
        struct ipi_msg msg = to(0, 0x50);
        send(msg, delay);
    }
    advance(0, t0 + 320);
    EXPECT_EQ(arrivals, (std::vector<std::uint64_t>{150, 200, 250}));
    EXPECT_EQ(expiries, (std::vector<std::uint64_t>{100, 200, 300}));
    EXPECT_EQ(order, (std::vector<char>{'t', 'm', 't', 'm', 'm', 't'}));
}

TEST_F(lapic_shell_test, a_self_ipi_is_pending_when_the_write_returns)
{
    core(0).write(ICR, TO_SELF | 0x41, t0 + 25);
    EXPECT_TRUE(apic(0).has_interrupt());
    std::uint64_t number = 9, cycle = 0;
    EXPECT_EQ(apic(0).ack(number, cycle), 0x41);
    EXPECT_EQ(number, 0u);
    EXPECT_EQ(cycle, t0 + 25);
    EXPECT_TRUE(core(0).sends.empty()); // nobody else can feel it
    EXPECT_EQ(core(0).wakes, std::vector<std::uint64_t>{t0 + 25});
}

TEST_F(lapic_shell_test, the_self_ipi_msr_and_a_user_ipi_to_oneself_take_no_time_either)
{
    EXPECT_TRUE(apic(0).msr_write(0x1b, t0, 0xfee00d00));
    EXPECT_TRUE(apic(0).msr_write(0x83f, t0 + 5, 0x41));
    EXPECT_TRUE(is_requested(0, 0x41));
    std::uint64_t heard = 0, at = 0;
    apic(0).on_user_arrival = [&](std::uint64_t number, std::uint64_t cycle) {
        heard = number;
        at = cycle;
    };
    apic(0).send_user_ipi(0, 0x42, 77, t0 + 9);
    EXPECT_TRUE(is_requested(0, 0x42));
    EXPECT_EQ(heard, 77u);
    EXPECT_EQ(at, t0 + 9);
    bench->used = t0 + 9;
}

TEST_F(lapic_shell_test, msrs_fault_through_the_interface)
{
    std::uint64_t value = 0;
    EXPECT_FALSE(apic(0).msr_read(0x808, t0, value));
    EXPECT_FALSE(apic(0).msr_write(0x1b, t0, 0xfee00400));
    EXPECT_TRUE(apic(0).msr_read(0x1b, t0, value));
    EXPECT_EQ(value, 0xfee00900u);
    EXPECT_EQ(apic(0).base(), 0xfee00000u);
    EXPECT_TRUE(apic(0).mmio_enabled());
    EXPECT_TRUE(apic(0).msr_write(0x1b, t0, 0xfee00d00));
    EXPECT_FALSE(apic(0).mmio_enabled());
}

TEST_F(lapic_shell_test, the_tsc_deadline_and_its_offset_pass_through)
{
    core(0).write(LVT_TIMER, 0x40041, t0);
    apic(0).set_tsc_offset(1000, t0);
    EXPECT_TRUE(apic(0).msr_write(0x6e0, t0, t0 + 3000));
    EXPECT_EQ(apic(0).next_event(), t0 + 2000);
}

TEST_F(lapic_shell_test, a_deadline_in_the_past_is_traced_as_an_expiry)
{
    std::uint64_t expired = 0;
    apic(0).on_event = [&](const lapic_event &e) { expired = e.kind == lapic_event::TIMER ? e.cycle : 0; };
    core(0).write(LVT_TIMER, 0x40041, t0);
    EXPECT_TRUE(apic(0).msr_write(0x6e0, t0 + 7, 1));
    EXPECT_TRUE(apic(0).has_interrupt());
    EXPECT_EQ(expired, t0 + 7);
    bench->used = t0 + 7;
}

TEST_F(lapic_shell_test, cr8_and_eoi_pass_through)
{
    apic(0).set_cr8(5);
    EXPECT_EQ(core(0).read(TPR, t0), 0x50u);
    apic(0).set_cr8(0);
    struct ipi_msg msg = to(0, 0x61);
    msg.level = true;
    send(msg, 0);
    advance(0, t0 + LATENCY);
    std::uint64_t number = 0, cycle = 0;
    EXPECT_EQ(apic(0).ack(number, cycle), 0x61);
    apic(0).eoi();
    EXPECT_EQ(core(0).eois, std::vector<std::uint8_t>{0x61});
}

TEST_F(lapic_shell_test, a_pin_rises_at_its_cycle_and_falls_at_once)
{
    core(0).write(0x350, 0x700, t0); // LINT0: ExtINT
    apic(0).set_pin(LAPIC_LVT_LINT0, true, t0 + 50);
    EXPECT_EQ(apic(0).next_event(), t0 + 50);
    EXPECT_EQ(core(0).wakes.back(), t0 + 50);
    advance(0, t0 + 49);
    EXPECT_FALSE(apic(0).has_interrupt());
    advance(0, t0 + 50);
    EXPECT_TRUE(apic(0).has_interrupt());
    std::uint64_t number = 0, cycle = 0;
    EXPECT_EQ(apic(0).ack(number, cycle), 0x77) << "what the core's INTA cycle brings";
    apic(0).set_pin(LAPIC_LVT_LINT0, false, t0 + 60);
    EXPECT_FALSE(apic(0).has_interrupt());
    // A fall overtakes the rise that is still under way.
    apic(0).set_pin(LAPIC_LVT_LINT0, true, t0 + 80);
    apic(0).set_pin(LAPIC_LVT_LINT0, false, t0 + 70);
    advance(0, t0 + 100);
    EXPECT_FALSE(apic(0).has_interrupt());
}

TEST_F(lapic_shell_test, init_reset_clears_registers)
{
    core(0).write(TPR, 0x30, t0);
    apic(0).init_reset();
    EXPECT_EQ(core(0).read(TPR, t0), 0u);
}

} // namespace
