// SPDX-License-Identifier: Apache-2.0
// Messages between lapic_modules through interconnect_module: time of arrival, order, receivers, what the sender is
// told.
#include "lapic_bench.h"

namespace
{

constexpr std::uint32_t ICR = 0x300, ICR_HIGH = 0x310;
constexpr std::uint32_t ASSERT_BIT = 0x4000, TO_ALL = 0x80000, TO_OTHERS = 0xc0000, NMI = 0x400, INIT = 0x500,
                        SIPI = 0x600;

TEST_F(lapic_shell_test, an_ipi_arrives_exactly_the_latency_later)
{
    core(0).write(ICR_HIGH, 0x01000000, t0 + 40);
    core(0).write(ICR, ASSERT_BIT | 0x41, t0 + 40);
    EXPECT_EQ(apic(1).next_event(), t0 + 40 + LATENCY);
    advance(1, t0 + 40 + LATENCY - 1);
    EXPECT_FALSE(apic(1).has_interrupt());
    advance(1, t0 + 40 + LATENCY);
    EXPECT_TRUE(apic(1).has_interrupt());
    EXPECT_EQ(apic(1).next_event(), UINT64_MAX);
    EXPECT_FALSE(apic(0).has_interrupt());
    EXPECT_EQ(core(1).wakes, std::vector<std::uint64_t>{t0 + 40 + LATENCY});
}

TEST_F(lapic_shell_test, the_sender_learns_the_earliest_arrival_elsewhere)
{
    core(0).write(ICR, TO_ALL | 0x41, t0 + 40);
    ASSERT_EQ(core(0).sends.size(), 1u);
    EXPECT_EQ(core(0).sends[0].sent, t0 + 40);
    EXPECT_EQ(core(0).sends[0].arrives, t0 + 40 + LATENCY);
    EXPECT_TRUE(is_requested(0, 0x41)); // its own copy is there at once
    EXPECT_EQ(apic(1).next_event(), t0 + 40 + LATENCY);
    EXPECT_EQ(apic(2).next_event(), t0 + 40 + LATENCY);
}

TEST_F(lapic_shell_test, a_message_to_nobody_is_counted_and_the_sender_not_limited)
{
    const std::uint64_t before = bench->interconnect->stats().unclaimed;
    core(0).write(ICR_HIGH, 0x77000000, t0);
    core(0).write(ICR, 0x41, t0);
    EXPECT_EQ(bench->interconnect->stats().unclaimed, before + 1);
    EXPECT_TRUE(core(0).sends.empty());
}

TEST_F(lapic_shell_test, the_timing_model_adds_to_the_latency)
{
    bench->extra_latency = 900;
    core(0).write(ICR_HIGH, 0x01000000, t0);
    core(0).write(ICR, 0x41, t0);
    EXPECT_EQ(apic(1).next_event(), t0 + LATENCY + 900);
    ASSERT_EQ(core(0).sends.size(), 1u);
    EXPECT_EQ(core(0).sends[0].arrives, t0 + LATENCY + 900);
    core(1).write(ICR, 0x40042, t0); // to itself: nothing is added
    EXPECT_TRUE(apic(1).has_interrupt());
    EXPECT_EQ(bench->interconnect->lookahead_cycles(), LATENCY);
}

TEST_F(lapic_shell_test, arrivals_are_taken_by_cycle_and_then_in_the_order_of_sending)
{
    std::vector<std::uint8_t> order;
    apic(1).on_event = [&](const lapic_event &e) {
        if (e.kind == lapic_event::ARRIVED)
            order.push_back(e.msg->vector);
    };
    const struct {
        std::uint64_t delay;
        std::uint8_t vector;
    } sends[] = {{300, 0x50}, {200, 0x51}, {200, 0x52}, {0, 0x53}, {200, 0x54}};
    for (const auto &s : sends) {
        struct ipi_msg msg = to(1, s.vector);
        EXPECT_EQ(send(msg, s.delay), tlm::TLM_OK_RESPONSE);
    }
    EXPECT_EQ(apic(1).next_event(), t0 + LATENCY);
    advance(1, t0 + LATENCY + 250);
    EXPECT_EQ(order, (std::vector<std::uint8_t>{0x53, 0x51, 0x52, 0x54}));
    EXPECT_EQ(apic(1).next_event(), t0 + LATENCY + 300);
}

TEST_F(lapic_shell_test, init_startup_and_nmi_reach_the_other_cores_on_time)
{
    core(0).write(ICR, TO_OTHERS | ASSERT_BIT | INIT, t0);
    core(0).write(ICR, TO_OTHERS | ASSERT_BIT | SIPI | 0x08, t0 + 10);
    core(0).write(ICR, TO_OTHERS | ASSERT_BIT | NMI, t0 + 20);
    EXPECT_EQ(core(1).inits, 0);
    advance(1, t0 + LATENCY);
    EXPECT_EQ(core(1).inits, 1);
    EXPECT_TRUE(core(1).startups.empty());
    advance(1, t0 + LATENCY + 20);
    EXPECT_EQ(core(1).startups, std::vector<std::uint8_t>{8});
    EXPECT_EQ(core(1).nmis, 1);
    EXPECT_EQ(core(0).inits, 0);
    advance(2, t0 + LATENCY + 20); // an APIC without a core swallows them
}

TEST_F(lapic_shell_test, a_user_interrupt_carries_its_number_to_the_acknowledge)
{
    std::vector<std::uint64_t> heard;
    apic(1).on_user_arrival = [&](std::uint64_t number, std::uint64_t cycle) {
        heard.push_back(number);
        heard.push_back(cycle - t0);
    };
    apic(0).send_user_ipi(0x0100, 0xec, 7, t0 + 3);
    apic(0).send_user_ipi(0x0100, 0xec, 8, t0 + 4);
    advance(1, t0 + 1000);
    EXPECT_EQ(heard, (std::vector<std::uint64_t>{7, 3 + LATENCY, 8, 4 + LATENCY}));
    std::uint64_t number = 0, cycle = 0;
    EXPECT_EQ(apic(1).ack(number, cycle), 0xec);
    EXPECT_EQ(number, 7u);
    EXPECT_EQ(cycle, t0 + 3 + LATENCY);
}

TEST_F(lapic_shell_test, a_dropped_user_interrupt_does_not_arrive)
{
    bool heard = false;
    std::vector<lapic_event::kind_t> kinds;
    apic(1).on_user_arrival = [&](std::uint64_t, std::uint64_t) { heard = true; };
    apic(1).on_event = [&](const lapic_event &e) { kinds.push_back(e.kind); };
    core(1).write(0xf0, 0xff, t0); // software disabled
    apic(0).send_user_ipi(0x0100, 0xec, 7, t0);
    advance(1, t0 + 1000);
    EXPECT_FALSE(heard);
    EXPECT_EQ(kinds, std::vector<lapic_event::kind_t>{lapic_event::DROPPED});
}

TEST_F(lapic_shell_test, a_late_arrival_is_counted_and_delivered_at_once)
{
    const struct lapic_shell_stats before = apic(1).shell_stats();
    advance(1, t0 + 1000); // as with a quantum longer than the lookahead
    core(0).write(ICR_HIGH, 0x01000000, t0);
    core(0).write(ICR, 0x41, t0);
    EXPECT_EQ(apic(1).shell_stats().late_arrivals, before.late_arrivals + 1);
    EXPECT_EQ(apic(1).shell_stats().worst_lateness_cycles, 1000 - LATENCY);
    EXPECT_EQ(apic(1).next_event(), t0 + LATENCY);
    advance(1, t0 + 1000);
    EXPECT_TRUE(apic(1).has_interrupt());
    std::uint64_t number = 0, cycle = 0;
    apic(1).ack(number, cycle);
    EXPECT_EQ(cycle, t0 + 1000);
    EXPECT_EQ(apic(0).shell_stats().late_arrivals, 0u);
}

TEST_F(lapic_shell_test, every_copy_is_shown_to_the_trace_hook)
{
    std::vector<std::uint64_t> copies;
    bench->interconnect->on_copy = [&](const struct ipi_msg &msg, std::size_t from, std::size_t to, std::uint64_t sent,
                                       std::uint64_t arrives) {
        EXPECT_EQ(msg.vector, 0x41);
        copies.insert(copies.end(), {from, to, sent - t0, arrives - t0});
    };
    core(1).write(ICR, TO_ALL | 0x41, t0 + 5);
    EXPECT_EQ(copies, (std::vector<std::uint64_t>{1, 0, 5, 5 + LATENCY, 1, 1, 5, 5, 1, 2, 5, 5 + LATENCY}));
}

TEST_F(lapic_shell_test, a_device_off_the_clock_edge_arrives_at_the_next_one)
{
    struct ipi_msg msg = to(1, 0x41);
    tlm::tlm_generic_payload payload;
    payload.set_command(tlm::TLM_WRITE_COMMAND);
    payload.set_data_ptr(reinterpret_cast<unsigned char *>(&msg));
    payload.set_data_length(sizeof msg);
    sc_core::sc_time offset(501, sc_core::SC_PS);
    bench->device_isock->b_transport(payload, offset);
    EXPECT_EQ(apic(1).next_event(), t0 + 2 + LATENCY);
}

TEST_F(lapic_shell_test, anything_but_a_write_of_a_message_is_refused)
{
    std::uint64_t bytes[16] = {};
    tlm::tlm_generic_payload payload;
    payload.set_command(tlm::TLM_WRITE_COMMAND);
    payload.set_data_ptr(reinterpret_cast<unsigned char *>(bytes));
    payload.set_data_length(8);
    sc_core::sc_time offset = sc_core::SC_ZERO_TIME;
    bench->device_isock->b_transport(payload, offset);
    EXPECT_EQ(payload.get_response_status(), tlm::TLM_COMMAND_ERROR_RESPONSE);
    payload.set_command(tlm::TLM_READ_COMMAND);
    payload.set_data_length(sizeof(struct ipi_msg));
    bench->device_isock->b_transport(payload, offset);
    EXPECT_EQ(payload.get_response_status(), tlm::TLM_COMMAND_ERROR_RESPONSE);
}

} // namespace
