// SPDX-License-Identifier: Apache-2.0
// The bus and the device shell: decoding, absent addresses, split accesses, DMI in translated addresses, TLM rules. The
// trace port on such a bus, and the timer of a device.
#include "atomic_extension.h"
#include "bus/address_bus.h"
#include "devices/device_module.h"
#include "devices/device_timer.h"
#include "devices/trace_port.h"
#include "memory_lt_module.h"
#include "port_extension.h"

#include <gtest/gtest.h>
#include <tlm_utils/simple_initiator_socket.h>

#include <cstring>
#include <stdexcept>
#include <vector>

namespace
{

// Registers that remember; reading gives the offset plus 10H.
struct fake_device : vp::device {
    struct access {
        std::uint64_t offset, now_ps;
        unsigned size;
        std::uint32_t value;
    };
    unsigned access_width;
    std::vector<access> writes;
    explicit fake_device(unsigned w) : access_width(w) {}
    unsigned width() const override { return access_width; }
    std::uint64_t size() const override { return 8; }
    std::uint32_t read(std::uint64_t offset, unsigned, std::uint64_t) override
    {
        return static_cast<std::uint32_t>(offset + 0x10);
    }
    void write(std::uint64_t offset, unsigned size, std::uint32_t value, std::uint64_t now_ps) override
    {
        writes.push_back({offset, now_ps, size, value});
    }
};

struct initiator : sc_core::sc_module {
    tlm_utils::simple_initiator_socket<initiator> isock{"isock"};
    std::vector<std::pair<std::uint64_t, std::uint64_t>> invalidated;
    explicit initiator(const sc_core::sc_module_name &name) : sc_core::sc_module(name)
    {
        isock.register_invalidate_direct_mem_ptr(this, &initiator::invalidate);
    }
    void invalidate(sc_dt::uint64 first, sc_dt::uint64 last) { invalidated.emplace_back(first, last); }

    tlm::tlm_response_status access(tlm::tlm_command command, std::uint64_t address, void *bytes, unsigned size,
                                    sc_core::sc_time delay = sc_core::SC_ZERO_TIME)
    {
        tlm::tlm_generic_payload p;
        fill(p, command, address, bytes, size);
        isock->b_transport(p, delay);
        EXPECT_EQ(p.get_address(), address) << "the bus gives the address back";
        return p.get_response_status();
    }
    static void fill(tlm::tlm_generic_payload &p, tlm::tlm_command command, std::uint64_t address, void *bytes,
                     unsigned size)
    {
        p.set_command(command);
        p.set_address(address);
        p.set_data_ptr(static_cast<unsigned char *>(bytes));
        p.set_data_length(size);
        p.set_streaming_width(size);
    }
    std::uint64_t read(std::uint64_t address, unsigned size)
    {
        std::uint64_t value = 0;
        EXPECT_EQ(access(tlm::TLM_READ_COMMAND, address, &value, size), tlm::TLM_OK_RESPONSE);
        return value;
    }
};

lookahead_config one_waiting_core()
{
    lookahead_config c;
    c.lookahead_cycles = 100;
    return c;
}

struct bench {
    vp::address_bus bus{"bus"};
    memory_lt_module ram{"ram", 0x4000};
    fake_device narrow{1}, wide{4};
    vp::device_module narrow_module{"narrow", narrow}, wide_module{"wide", wide};
    struct event {
        std::uint32_t core, value;
        vp::guest_event kind;
        sc_core::sc_time at;
    };
    std::vector<event> events;
    vp::trace_port trace{
        "trace", [this](std::uint32_t core, vp::guest_event kind, std::uint32_t value, const sc_core::sc_time &at) {
            events.push_back({core, value, kind, at});
        }};
    lookahead keeper{one_waiting_core()};
    vp::device_timer timer{"timer", keeper, 3, sc_core::sc_time(500, sc_core::SC_PS)};
    vp::device_timer writer{"writer", keeper, 4, sc_core::sc_time(500, sc_core::SC_PS),
                            vp::device_timer::felt::in_memory};
    initiator first{"first"}, second{"second"};

    bench()
    {
        unsigned port = bus.attach(ram.mem_tsock, 0, 0x3000);
        bus.map(port, 0x100000, 0x1000, 0x3000);
        bus.attach(narrow_module.tsock, 0x8000, 8);
        bus.attach(wide_module.tsock, 0x9000, 8);
        bus.attach(trace.tsock, 0xa000, vp::trace_port::SIZE);
        first.isock.bind(bus.tsock);
        second.isock.bind(bus.tsock);
    }
};

bench *b;

} // namespace

TEST(address_bus, ram_in_two_pieces_is_one_memory)
{
    std::uint32_t value = 0x12345678;
    EXPECT_EQ(b->first.access(tlm::TLM_WRITE_COMMAND, 0x100010, &value, 4), tlm::TLM_OK_RESPONSE);
    EXPECT_EQ(b->second.read(0x100010, 4), 0x12345678u);
    std::uint32_t direct = 0;
    EXPECT_EQ(mem_read(b->ram.core(), 0x3010, &direct, 4), MEM_OK);
    EXPECT_EQ(direct, value);
}

TEST(address_bus, absent_addresses_read_all_ones_and_swallow_writes)
{
    EXPECT_EQ(b->first.read(0x500000, 8), UINT64_MAX);
    std::uint32_t value = 1;
    EXPECT_EQ(b->first.access(tlm::TLM_WRITE_COMMAND, UINT64_MAX - 7, &value, 4), tlm::TLM_OK_RESPONSE);
}

TEST(address_bus, accesses_over_the_end_of_a_region_are_split)
{
    EXPECT_EQ(b->first.read(0x8007, 2), 0xff17u);
    EXPECT_EQ(b->first.read(0x7fff, 2), 0x10ffu);
}

TEST(address_bus, dmi_is_granted_for_each_piece_in_bus_addresses)
{
    tlm::tlm_generic_payload p;
    tlm::tlm_dmi dmi;
    p.set_command(tlm::TLM_READ_COMMAND);
    p.set_address(0x100800);
    ASSERT_TRUE(b->first.isock->get_direct_mem_ptr(p, dmi));
    EXPECT_EQ(dmi.get_start_address(), 0x100000u);
    EXPECT_EQ(dmi.get_end_address(), 0x100fffu) << "inclusive";
    EXPECT_EQ(dmi.get_dmi_ptr(), mem_bytes(b->ram.core()) + 0x3000);
    p.set_address(0x1234);
    ASSERT_TRUE(b->first.isock->get_direct_mem_ptr(p, dmi));
    EXPECT_EQ(dmi.get_start_address(), 0u);
    EXPECT_EQ(dmi.get_end_address(), 0x2fffu);
    p.set_address(0x8000);
    EXPECT_FALSE(b->first.isock->get_direct_mem_ptr(p, dmi)) << "devices never";
    p.set_address(0x700000);
    EXPECT_FALSE(b->first.isock->get_direct_mem_ptr(p, dmi));
}

TEST(address_bus, invalidation_reaches_every_initiator_in_bus_addresses)
{
    b->ram.mem_tsock->invalidate_direct_mem_ptr(0x2800, 0x37ff);
    using range = std::pair<std::uint64_t, std::uint64_t>;
    const std::vector<range> expected{{0x2800, 0x2fff}, {0x100000, 0x1007ff}};
    EXPECT_EQ(b->first.invalidated, expected);
    EXPECT_EQ(b->second.invalidated, expected);
}

TEST(address_bus, atomic_accesses_pass_to_memory_and_are_refused_by_devices)
{
    auto increment = [](void *, void *bytes) {
        ++*static_cast<unsigned char *>(bytes);
        return true;
    };
    for (bool is_device : {false, true}) {
        atomic_extension atomic;
        atomic.modify = increment;
        std::uint32_t dummy = 0;
        tlm::tlm_generic_payload p;
        initiator::fill(p, tlm::TLM_WRITE_COMMAND, is_device ? 0x9000 : 0x40, &dummy, 4);
        p.set_extension(&atomic);
        sc_core::sc_time delay;
        b->first.isock->b_transport(p, delay);
        p.clear_extension(&atomic);
        EXPECT_EQ(atomic.done, !is_device);
        EXPECT_EQ(p.is_response_error(), is_device);
    }
    EXPECT_TRUE(b->wide.writes.empty());
}

TEST(address_bus, regions_must_not_overlap_or_wrap)
{
    EXPECT_THROW(b->bus.map(0, 0x2fff, 2, 0), std::invalid_argument);
    EXPECT_THROW(b->bus.map(0, 0x600000, 0, 0), std::invalid_argument);
    EXPECT_THROW(b->bus.map(0, UINT64_MAX, 2, 0), std::invalid_argument);
}

TEST(device_module, wide_accesses_of_narrow_devices_are_split_and_time_is_local)
{
    std::uint32_t value = 0x44332211;
    b->narrow.writes.clear();
    EXPECT_EQ(b->first.access(tlm::TLM_WRITE_COMMAND, 0x8002, &value, 4, sc_core::sc_time(5, sc_core::SC_NS)),
              tlm::TLM_OK_RESPONSE);
    ASSERT_EQ(b->narrow.writes.size(), 4u);
    EXPECT_EQ(b->narrow.writes[3].offset, 5u);
    EXPECT_EQ(b->narrow.writes[3].value, 0x44u);
    EXPECT_EQ(b->narrow.writes[0].now_ps, 5000u);
    EXPECT_EQ(b->first.read(0x8000, 2), 0x1110u);
    b->first.access(tlm::TLM_WRITE_COMMAND, 0x9004, &value, 4);
    ASSERT_EQ(b->wide.writes.size(), 1u);
    EXPECT_EQ(b->wide.writes[0].value, 0x44332211u);
}

TEST(device_module, byte_enables_and_short_streams_are_refused)
{
    std::uint32_t value = 0;
    unsigned char enables[4] = {0xff, 0, 0xff, 0};
    tlm::tlm_generic_payload p;
    initiator::fill(p, tlm::TLM_READ_COMMAND, 0x9000, &value, 4);
    p.set_byte_enable_ptr(enables);
    p.set_byte_enable_length(4);
    sc_core::sc_time delay;
    b->first.isock->b_transport(p, delay);
    EXPECT_EQ(p.get_response_status(), tlm::TLM_BYTE_ENABLE_ERROR_RESPONSE);
    p.set_byte_enable_ptr(nullptr);
    p.set_streaming_width(2);
    b->first.isock->b_transport(p, delay);
    EXPECT_EQ(p.get_response_status(), tlm::TLM_BURST_ERROR_RESPONSE);
}

// --- the trace port ---

namespace
{

// A write as core `core` makes it; answers whether it was free.
bool write_port(std::uint64_t address, std::uint32_t value, unsigned size, std::uint32_t core)
{
    tlm::tlm_generic_payload p;
    port_extension port;
    port.core = core;
    sc_core::sc_time delay(7, sc_core::SC_NS);
    initiator::fill(p, tlm::TLM_WRITE_COMMAND, address, &value, size);
    p.set_extension(&port);
    b->first.isock->b_transport(p, delay);
    p.clear_extension(&port);
    EXPECT_EQ(p.get_response_status(), tlm::TLM_OK_RESPONSE);
    return port.is_free;
}

} // namespace

TEST(trace_port, a_write_is_an_event_of_its_core_at_its_time_and_free)
{
    b->events.clear();
    EXPECT_TRUE(write_port(0xa004, 42, 4, 5));
    ASSERT_EQ(b->events.size(), 1u);
    EXPECT_EQ(b->events[0].kind, vp::guest_event::task_switch);
    EXPECT_EQ(b->events[0].core, 5u);
    EXPECT_EQ(b->events[0].value, 42u);
    EXPECT_EQ(b->events[0].at, sc_core::sc_time_stamp() + sc_core::sc_time(7, sc_core::SC_NS));
    EXPECT_TRUE(write_port(0xa01c, 1, 4, 0));
    EXPECT_EQ(b->events.back().kind, vp::guest_event::name_bytes);
    EXPECT_FALSE(write_port(0x9000, 1, 4, 0)) << "other devices cost";
}

TEST(trace_port, narrow_and_misaligned_writes_are_swallowed)
{
    b->events.clear();
    EXPECT_TRUE(write_port(0xa004, 1, 1, 0));
    EXPECT_TRUE(write_port(0xa006, 1, 4, 0));
    write_port(0xa01e, 1, 4, 0); // over its end: byte by byte
    std::uint32_t value = 1;
    EXPECT_EQ(b->first.access(tlm::TLM_WRITE_COMMAND, 0xa004, &value, 4), tlm::TLM_OK_RESPONSE) << "whose?";
    EXPECT_TRUE(b->events.empty());
}

TEST(trace_port, reads_answer_its_name)
{
    EXPECT_EQ(b->first.read(0xa000, 4), 0x50545655u);
    EXPECT_EQ(b->first.read(0xa018, 4), 0x50545655u);
    EXPECT_EQ(b->first.read(0xa002, 1), std::uint64_t{'T'});
    EXPECT_EQ(b->first.read(0xa003, 4), 0x54565550u);
}

// --- the timer of a device ---

TEST(device_timer, acts_in_time_and_tells_the_time_keeper)
{
    std::uint64_t next = UINT64_MAX;
    std::vector<std::uint64_t> acted, sent, idle;
    b->keeper.set_waiting(0, 0, CYCLE_NEVER);
    b->timer.next_ps = [&] { return next; };
    b->timer.act = [&](std::uint64_t now_ps) {
        acted.push_back(now_ps);
        next = acted.size() < 3 ? next + 2000 : UINT64_MAX;
    };
    b->timer.on_sent = [&](std::uint64_t, std::uint64_t arrives) { sent.push_back(arrives); };
    b->timer.on_idle = [&](std::uint64_t cycle) { idle.push_back(cycle); };
    b->timer.plan(0);
    EXPECT_TRUE(b->keeper.is_all_idle()) << "nothing planned";

    const auto start = static_cast<std::uint64_t>(sc_core::sc_time_stamp() / sc_core::sc_time(1, sc_core::SC_PS));
    next = start + 10200;
    b->timer.plan(start);
    b->timer.plan(start); // the same plan is no news
    EXPECT_FALSE(b->keeper.is_all_idle());
    EXPECT_EQ(sent, (std::vector<std::uint64_t>{(next + 499) / 500 + 100})) << "felt a lookahead later";
    sc_core::sc_start(sc_core::sc_time(10, sc_core::SC_NS));
    EXPECT_TRUE(acted.empty());
    sc_core::sc_start(sc_core::sc_time(10, sc_core::SC_NS));
    EXPECT_EQ(acted, (std::vector<std::uint64_t>{start + 10200, start + 12200, start + 14200}));
    EXPECT_EQ(idle.size(), 1u) << "the last one woke nobody";

    next = start + 30000;
    b->timer.plan(start + 20000);
    next = UINT64_MAX;
    b->timer.plan(start + 20000);
    sc_core::sc_start(sc_core::sc_time(20, sc_core::SC_NS));
    EXPECT_EQ(acted.size(), 3u) << "a plan that was given up";
}

// It is alone in the machine, and could run for much longer.
TEST(device_timer, no_core_passes_the_cycle_at_which_a_device_writes_memory)
{
    std::uint64_t next = UINT64_MAX, arrives_at = 0;
    b->writer.next_ps = [&] { return next; };
    b->writer.act = [&](std::uint64_t) { next = UINT64_MAX; };
    b->writer.on_sent = [&](std::uint64_t, std::uint64_t arrives) { arrives_at = arrives; };
    b->writer.on_idle = [](std::uint64_t) {};
    const auto start = static_cast<std::uint64_t>(sc_core::sc_time_stamp() / sc_core::sc_time(1, sc_core::SC_PS));
    const std::uint64_t now = start / 500;
    b->keeper.set_running(0, now);
    next = start + 1000100;
    b->writer.plan(start);
    EXPECT_EQ(arrives_at, (next + 499) / 500);
    EXPECT_EQ(b->keeper.run_limit(0, now), (next + 499) / 500);
    sc_core::sc_start(sc_core::sc_time(2, sc_core::SC_US));
    EXPECT_EQ(next, UINT64_MAX);
    EXPECT_GT(b->keeper.run_limit(0, now), now + 100000) << "nothing is planned";
    b->keeper.set_waiting(0, now, CYCLE_NEVER);
}

int sc_main(int argc, char *argv[])
{
    testing::InitGoogleTest(&argc, argv);
    bench the_bench;
    b = &the_bench;
    sc_core::sc_start(sc_core::SC_ZERO_TIME);
    return RUN_ALL_TESTS();
}
