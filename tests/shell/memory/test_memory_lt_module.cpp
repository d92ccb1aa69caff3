// SPDX-License-Identifier: Apache-2.0
// memory_lt_module by the rules of TLM-2.0: response status, annotated delay, DMI hint and region, debug access, and
// the atomic extension.
#include "memory_bench.h"

#include <array>
#include <cstring>
#include <limits>
#include <numeric>

namespace
{

class memory_lt_test : public ::testing::Test
{
  protected:
    void SetUp() override
    {
        std::iota(ram(), ram() + MEMORY_BYTES, std::uint8_t{1});
        before.assign(ram(), ram() + MEMORY_BYTES);
        data.fill(0xcc);
        reads = bench->lt.stats().reads;
        writes = bench->lt.stats().writes;
        modifies = bench->lt.stats().modifies;
    }
    static unsigned char *ram() { return mem_bytes(bench->lt.core()); }

    tlm::tlm_response_status transport(tlm::tlm_generic_payload &p)
    {
        p.set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
        p.set_dmi_allowed(false);
        delay = ns(100);
        bench->lt_initiator_module.isock->b_transport(p, delay);
        EXPECT_EQ(p.is_dmi_allowed(), p.is_response_ok()) << "the DMI hint is for successful accesses";
        return p.get_response_status();
    }
    // Refused, and as if it had not been sent.
    void expect_refused(tlm::tlm_generic_payload &p, tlm::tlm_response_status status)
    {
        EXPECT_EQ(transport(p), status) << p.get_response_string();
        EXPECT_EQ(delay, ns(100));
        EXPECT_TRUE(std::equal(before.begin(), before.end(), ram()));
        for (unsigned char byte : data)
            EXPECT_EQ(byte, 0xcc);
        EXPECT_EQ(bench->lt.stats().reads, reads);
        EXPECT_EQ(bench->lt.stats().writes, writes);
        EXPECT_EQ(bench->lt.stats().modifies, modifies);
    }
    payload read(std::uint64_t address, unsigned length = 8)
    {
        return {tlm::TLM_READ_COMMAND, address, data.data(), length};
    }
    payload write(std::uint64_t address, unsigned length = 8)
    {
        return {tlm::TLM_WRITE_COMMAND, address, data.data(), length};
    }

    std::array<unsigned char, 32> data{};
    std::vector<unsigned char> before;
    std::uint64_t reads = 0, writes = 0, modifies = 0;
    sc_core::sc_time delay;
};

TEST(memory_modules, refuse_sizes_and_queues_that_cannot_be_by_name)
{
    ASSERT_EQ(refusals.size(), 4u);
    EXPECT_EQ(refusals[0], "odd: no memory of 4097 bytes: expected a multiple of 4096 that this host can reserve");
    EXPECT_NE(refusals[1].find("huge: no memory of 4611686018427387904 bytes"), std::string::npos) << refusals[1];
    EXPECT_NE(refusals[2].find("none: no memory of 0 bytes"), std::string::npos) << refusals[2];
    EXPECT_EQ(refusals[3], "no_queue: queue_depth is 0, expected at least 1");
}

TEST_F(memory_lt_test, a_read_brings_the_bytes_and_adds_the_read_latency)
{
    payload p = read(4094);
    EXPECT_EQ(transport(p), tlm::TLM_OK_RESPONSE);
    EXPECT_EQ(std::memcmp(data.data(), ram() + 4094, 8), 0);
    EXPECT_EQ(data[8], 0xcc);
    EXPECT_EQ(delay, ns(105));
    EXPECT_EQ(bench->lt.stats().reads, reads + 1);
}

TEST_F(memory_lt_test, a_write_stores_the_bytes_and_adds_the_write_latency)
{
    payload p = write(64, 3);
    EXPECT_EQ(transport(p), tlm::TLM_OK_RESPONSE);
    before[64] = before[65] = before[66] = 0xcc;
    EXPECT_TRUE(std::equal(before.begin(), before.end(), ram()));
    EXPECT_EQ(delay, ns(107));
    EXPECT_EQ(bench->lt.stats().writes, writes + 1);
}

TEST_F(memory_lt_test, the_last_byte_can_be_reached_and_the_one_after_is_an_address_error)
{
    payload last = read(MEMORY_BYTES - 1, 1), over = read(MEMORY_BYTES - 1, 2), past = read(MEMORY_BYTES, 1);
    EXPECT_EQ(transport(last), tlm::TLM_OK_RESPONSE);
    data.fill(0xcc);
    reads++;
    expect_refused(over, tlm::TLM_ADDRESS_ERROR_RESPONSE);
    expect_refused(past, tlm::TLM_ADDRESS_ERROR_RESPONSE);
}

TEST_F(memory_lt_test, an_address_whose_end_overflows_is_an_address_error)
{
    payload w = write(std::numeric_limits<std::uint64_t>::max() - 3);
    expect_refused(w, tlm::TLM_ADDRESS_ERROR_RESPONSE);
}

TEST_F(memory_lt_test, a_streaming_width_below_the_length_is_a_burst_error)
{
    for (unsigned width : {0u, 1u, 7u}) {
        payload w = write(0), r = read(0);
        w.set_streaming_width(width);
        r.set_streaming_width(width);
        expect_refused(w, tlm::TLM_BURST_ERROR_RESPONSE);
        expect_refused(r, tlm::TLM_BURST_ERROR_RESPONSE);
    }
    payload wide = read(0);
    wide.set_streaming_width(64);
    EXPECT_EQ(transport(wide), tlm::TLM_OK_RESPONSE);
}

TEST_F(memory_lt_test, an_access_of_no_bytes_is_a_burst_error)
{
    payload p = read(0, 0);
    p.set_streaming_width(8);
    expect_refused(p, tlm::TLM_BURST_ERROR_RESPONSE);
}

TEST_F(memory_lt_test, an_access_without_data_pointer_is_a_generic_error)
{
    payload p(tlm::TLM_READ_COMMAND, 0, nullptr, 8);
    expect_refused(p, tlm::TLM_GENERIC_ERROR_RESPONSE);
}

TEST_F(memory_lt_test, byte_enables_choose_what_moves)
{
    std::array<unsigned char, 2> enables{TLM_BYTE_ENABLED, TLM_BYTE_DISABLED};
    payload w = write(10, 6);
    w.set_byte_enable_ptr(enables.data());
    w.set_byte_enable_length(2);
    EXPECT_EQ(transport(w), tlm::TLM_OK_RESPONSE);
    before[10] = before[12] = before[14] = 0xcc;
    EXPECT_TRUE(std::equal(before.begin(), before.end(), ram()));
    EXPECT_EQ(delay, ns(107)) << "one access, one latency";
    EXPECT_EQ(bench->lt.stats().writes, writes + 1);

    payload r = read(100, 4);
    r.set_byte_enable_ptr(enables.data());
    r.set_byte_enable_length(2);
    EXPECT_EQ(transport(r), tlm::TLM_OK_RESPONSE);
    EXPECT_EQ(data[0], before[100]);
    EXPECT_EQ(data[1], 0xcc) << "a byte that is not enabled is not touched";
    EXPECT_EQ(data[2], before[102]);
}

TEST_F(memory_lt_test, byte_enables_do_not_shorten_the_range_that_is_checked)
{
    std::array<unsigned char, 2> enables{TLM_BYTE_ENABLED, TLM_BYTE_DISABLED};
    payload w = write(MEMORY_BYTES - 1, 2);
    w.set_byte_enable_ptr(enables.data());
    w.set_byte_enable_length(2);
    expect_refused(w, tlm::TLM_ADDRESS_ERROR_RESPONSE);
}

TEST_F(memory_lt_test, byte_enables_that_mean_nothing_are_a_byte_enable_error)
{
    std::array<unsigned char, 2> enables{TLM_BYTE_ENABLED, 1};
    payload w = write(0, 2);
    w.set_byte_enable_ptr(enables.data());
    w.set_byte_enable_length(2);
    expect_refused(w, tlm::TLM_BYTE_ENABLE_ERROR_RESPONSE);
    w.set_byte_enable_length(0);
    expect_refused(w, tlm::TLM_BYTE_ENABLE_ERROR_RESPONSE);
}

TEST_F(memory_lt_test, the_ignore_command_does_nothing_and_is_ok)
{
    payload p(tlm::TLM_IGNORE_COMMAND, MEMORY_BYTES + 100, data.data(), 8);
    EXPECT_EQ(transport(p), tlm::TLM_OK_RESPONSE);
    EXPECT_EQ(delay, ns(100));
    EXPECT_TRUE(std::equal(before.begin(), before.end(), ram()));
    EXPECT_EQ(data[0], 0xcc);
}

// --- debug ---

TEST_F(memory_lt_test, debug_access_moves_bytes_and_nothing_else)
{
    auto &isock = bench->lt_initiator_module.isock;
    payload r = read(200);
    EXPECT_EQ(isock->transport_dbg(r), 8u);
    EXPECT_EQ(data[7], before[207]);
    payload w = write(300, 4);
    EXPECT_EQ(isock->transport_dbg(w), 4u);
    EXPECT_EQ(ram()[303], data[3]);
    EXPECT_EQ(r.get_response_status(), tlm::TLM_INCOMPLETE_RESPONSE);
    EXPECT_FALSE(r.is_dmi_allowed());
    EXPECT_EQ(bench->lt.stats().reads, reads);
    EXPECT_EQ(bench->lt.stats().writes, writes);
}

TEST_F(memory_lt_test, debug_access_answers_how_much_was_inside)
{
    auto &isock = bench->lt_initiator_module.isock;
    payload part = read(MEMORY_BYTES - 3), past = read(MEMORY_BYTES);
    payload none(tlm::TLM_READ_COMMAND, 0, nullptr, 0), ignored(tlm::TLM_IGNORE_COMMAND, 0, data.data(), 8);
    EXPECT_EQ(isock->transport_dbg(part), 3u);
    EXPECT_EQ(data[2], before[MEMORY_BYTES - 1]);
    EXPECT_EQ(data[3], 0xcc);
    EXPECT_EQ(isock->transport_dbg(past), 0u);
    EXPECT_EQ(isock->transport_dbg(none), 0u);
    EXPECT_EQ(isock->transport_dbg(ignored), 0u);
}

// --- DMI ---

TEST_F(memory_lt_test, dmi_gives_the_whole_memory_with_an_inclusive_end_and_the_latencies)
{
    for (tlm::tlm_command command : {tlm::TLM_READ_COMMAND, tlm::TLM_WRITE_COMMAND})
        for (std::uint64_t address : {std::uint64_t{0}, MEMORY_BYTES / 2, MEMORY_BYTES - 1}) {
            payload p(command, address, nullptr, 0);
            tlm::tlm_dmi dmi;
            ASSERT_TRUE(bench->lt_initiator_module.isock->get_direct_mem_ptr(p, dmi));
            EXPECT_EQ(dmi.get_start_address(), 0u);
            EXPECT_EQ(dmi.get_end_address(), MEMORY_BYTES - 1);
            EXPECT_TRUE(dmi.is_read_write_allowed());
            EXPECT_EQ(dmi.get_dmi_ptr(), ram());
            EXPECT_EQ(dmi.get_read_latency(), ns(5));
            EXPECT_EQ(dmi.get_write_latency(), ns(7));
        }
}

TEST_F(memory_lt_test, dmi_outside_is_denied_for_all_that_is_outside_and_nothing_inside)
{
    payload p(tlm::TLM_READ_COMMAND, MEMORY_BYTES + 5, nullptr, 0);
    tlm::tlm_dmi dmi;
    EXPECT_FALSE(bench->lt_initiator_module.isock->get_direct_mem_ptr(p, dmi));
    EXPECT_TRUE(dmi.is_none_allowed());
    EXPECT_EQ(dmi.get_start_address(), MEMORY_BYTES);
    EXPECT_EQ(dmi.get_end_address(), std::numeric_limits<sc_dt::uint64>::max());
}

TEST_F(memory_lt_test, what_goes_by_dmi_is_seen_by_transport_and_the_other_way_round)
{
    payload p(tlm::TLM_READ_COMMAND, 0, nullptr, 0);
    tlm::tlm_dmi dmi;
    ASSERT_TRUE(bench->lt_initiator_module.isock->get_direct_mem_ptr(p, dmi));
    dmi.get_dmi_ptr()[40] = 0x5a;
    payload r = read(40, 1), w = write(41, 1);
    EXPECT_EQ(transport(r), tlm::TLM_OK_RESPONSE);
    EXPECT_EQ(data[0], 0x5a);
    EXPECT_EQ(transport(w), tlm::TLM_OK_RESPONSE);
    EXPECT_EQ(dmi.get_dmi_ptr()[41], 0x5a);
}

// --- atomic extension ---

struct exchange {
    int calls = 0;
    bool store = true;
    std::uint8_t saw = 0;

    static bool run(void *arg, void *bytes)
    {
        auto *e = static_cast<exchange *>(arg);
        e->calls++;
        e->saw = *static_cast<std::uint8_t *>(bytes);
        *static_cast<std::uint8_t *>(bytes) = 0xee;
        return e->store;
    }
};

class memory_lt_atomic_test : public memory_lt_test
{
  protected:
    memory_lt_atomic_test()
    {
        atomic.modify = exchange::run;
        atomic.arg = &e;
    }
    tlm::tlm_response_status modify(payload &p)
    {
        p.set_extension(&atomic);
        const tlm::tlm_response_status status = transport(p);
        p.clear_extension(&atomic);
        return status;
    }
    void expect_atomic_refused(payload &p, tlm::tlm_response_status status)
    {
        p.set_extension(&atomic);
        expect_refused(p, status);
        p.clear_extension(&atomic);
        EXPECT_FALSE(atomic.done);
        EXPECT_EQ(e.calls, 0);
    }

    exchange e;
    atomic_extension atomic;
};

TEST_F(memory_lt_atomic_test, a_write_with_the_extension_changes_in_place_and_leaves_the_payload_alone)
{
    payload p = write(4095, 16);
    EXPECT_EQ(modify(p), tlm::TLM_OK_RESPONSE);
    EXPECT_TRUE(atomic.done);
    EXPECT_EQ(e.calls, 1);
    EXPECT_EQ(e.saw, before[4095]);
    before[4095] = 0xee;
    EXPECT_TRUE(std::equal(before.begin(), before.end(), ram()));
    EXPECT_EQ(data[0], 0xcc);
    EXPECT_EQ(delay, ns(112)) << "a read and a write";
    EXPECT_EQ(bench->lt.stats().modifies, modifies + 1);
    EXPECT_EQ(bench->lt.stats().writes, writes);
}

TEST_F(memory_lt_atomic_test, the_function_may_decide_not_to_store)
{
    e.store = false;
    payload p = write(8, 8);
    EXPECT_EQ(modify(p), tlm::TLM_OK_RESPONSE);
    EXPECT_TRUE(atomic.done);
    EXPECT_TRUE(std::equal(before.begin(), before.end(), ram()));
}

TEST_F(memory_lt_atomic_test, needs_no_data_pointer)
{
    payload p(tlm::TLM_WRITE_COMMAND, 8, nullptr, 8);
    EXPECT_EQ(modify(p), tlm::TLM_OK_RESPONSE);
    EXPECT_EQ(ram()[8], 0xee);
}

TEST_F(memory_lt_atomic_test, is_refused_whole_and_the_function_not_called)
{
    payload out = write(MEMORY_BYTES - 8, 16), large = write(0, 17), none = write(0, 0), masked = write(0, 8);
    unsigned char enable = TLM_BYTE_ENABLED;
    masked.set_byte_enable_ptr(&enable);
    masked.set_byte_enable_length(1);
    expect_atomic_refused(out, tlm::TLM_ADDRESS_ERROR_RESPONSE);
    expect_atomic_refused(large, tlm::TLM_BURST_ERROR_RESPONSE);
    expect_atomic_refused(none, tlm::TLM_BURST_ERROR_RESPONSE);
    expect_atomic_refused(masked, tlm::TLM_BYTE_ENABLE_ERROR_RESPONSE);
    atomic.modify = nullptr;
    payload p = write(0, 8);
    expect_atomic_refused(p, tlm::TLM_GENERIC_ERROR_RESPONSE);
}

TEST_F(memory_lt_atomic_test, belongs_to_writes_and_a_read_stays_a_read)
{
    payload p = read(16, 4);
    EXPECT_EQ(modify(p), tlm::TLM_OK_RESPONSE);
    EXPECT_FALSE(atomic.done);
    EXPECT_EQ(e.calls, 0);
    EXPECT_EQ(data[0], before[16]);
}

TEST_F(memory_lt_atomic_test, is_copied_with_the_payload)
{
    std::unique_ptr<atomic_extension> copy(static_cast<atomic_extension *>(atomic.clone()));
    EXPECT_EQ(copy->arg, &e);
    atomic_extension other;
    other.copy_from(*copy);
    EXPECT_EQ(other.modify, &exchange::run);
}

} // namespace
