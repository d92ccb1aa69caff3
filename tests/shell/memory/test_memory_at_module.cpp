// SPDX-License-Identifier: Apache-2.0
// memory_at_module by the rules of the base protocol: order and times of the phases, exclusion rules, backpressure,
// memory management, and what the initiator may answer.
#include "memory_bench.h"

#include <cstring>

namespace
{

using sc_core::sc_max_time;
using sc_core::sc_time;
using sc_core::sc_time_stamp;

class memory_at_test : public ::testing::Test
{
  protected:
    memory_at_test() : user(bench->at_user), memory(bench->at) {}
    void SetUp() override
    {
        user.forget();
        bench->slow_write_user.forget();
        bench->instant_user.forget();
        sc_core::sc_start(ns(1000)); // a fresh time, nothing under way
        t0 = sc_time_stamp();
        old = memory.at_stats();
    }
    void TearDown() override
    {
        sc_core::sc_start(ns(1000));
        EXPECT_EQ(memory.at_stats().requests, memory.at_stats().responses) << "a transaction was lost";
    }
    // Time from t0 at which a phase came.
    sc_time when(const managed_payload &p, const tlm::tlm_phase &phase) const { return user.time_of(p, phase) - t0; }
    bool came(const managed_payload &p, const tlm::tlm_phase &phase) const
    {
        return user.time_of(p, phase) != sc_max_time();
    }
    void poke(std::uint64_t address, std::uint64_t value)
    {
        std::memcpy(mem_bytes(memory.core()) + address, &value, sizeof value);
    }
    std::uint64_t peek(std::uint64_t address)
    {
        std::uint64_t value = 0;
        std::memcpy(&value, mem_bytes(memory.core()) + address, sizeof value);
        return value;
    }

    at_initiator &user;
    memory_at_module &memory;
    memory_at_stats old;
    sc_time t0;
};

TEST_F(memory_at_test, a_read_passes_its_phases_at_their_times)
{
    poke(64, 0x1122334455667788);
    managed_payload p(tlm::TLM_READ_COMMAND, 64, 0);
    EXPECT_EQ(user.send(p.trans, tlm::BEGIN_REQ, ns(3)), tlm::TLM_ACCEPTED);
    EXPECT_TRUE(user.seen.empty()) << "nothing comes back from within the call";
    sc_core::sc_start(ns(100));
    ASSERT_EQ(user.seen.size(), 2u);
    EXPECT_EQ(user.seen[0].phase, tlm::END_REQ);
    EXPECT_EQ(user.seen[0].at - t0, ns(13)) << "the annotated delay counts";
    EXPECT_EQ(user.seen[0].status, tlm::TLM_INCOMPLETE_RESPONSE);
    EXPECT_EQ(user.seen[0].data, 0u) << "the data moves with the response";
    EXPECT_EQ(user.seen[1].phase, tlm::BEGIN_RESP);
    EXPECT_EQ(user.seen[1].at - t0, ns(43));
    EXPECT_EQ(user.seen[1].status, tlm::TLM_OK_RESPONSE);
    EXPECT_EQ(user.seen[1].data, 0x1122334455667788u);
    EXPECT_FALSE(p.trans.is_dmi_allowed());
}

TEST_F(memory_at_test, a_write_takes_its_own_latency_and_lands_with_its_response)
{
    poke(64, 5);
    managed_payload p(tlm::TLM_WRITE_COMMAND, 64, 77);
    user.send(p.trans, tlm::BEGIN_REQ);
    sc_core::sc_start(ns(29.5));
    EXPECT_TRUE(came(p, tlm::END_REQ));
    EXPECT_EQ(peek(64), 5u);
    sc_core::sc_start(ns(10));
    EXPECT_EQ(when(p, tlm::BEGIN_RESP), ns(30));
    EXPECT_EQ(peek(64), 77u);
}

TEST_F(memory_at_test, an_error_response_passes_the_same_phases)
{
    managed_payload p(tlm::TLM_READ_COMMAND, MEMORY_BYTES, 0);
    user.send(p.trans, tlm::BEGIN_REQ);
    sc_core::sc_start(ns(100));
    EXPECT_EQ(when(p, tlm::BEGIN_RESP), ns(40));
    EXPECT_EQ(p.trans.get_response_status(), tlm::TLM_ADDRESS_ERROR_RESPONSE);
}

TEST_F(memory_at_test, the_next_request_may_come_from_within_end_req)
{
    managed_payload a(tlm::TLM_READ_COMMAND, 0, 0), b(tlm::TLM_READ_COMMAND, 8, 0);
    user.on_phase = [&](tlm::tlm_generic_payload &trans, const tlm::tlm_phase &phase) {
        if (&trans == &a.trans && phase == tlm::END_REQ)
            user.send(b.trans, tlm::BEGIN_REQ);
    };
    user.send(a.trans, tlm::BEGIN_REQ);
    sc_core::sc_start(ns(100));
    EXPECT_EQ(when(a, tlm::END_REQ), ns(10));
    EXPECT_EQ(when(b, tlm::END_REQ), ns(20));
    EXPECT_EQ(when(a, tlm::BEGIN_RESP), ns(40));
    EXPECT_EQ(when(b, tlm::BEGIN_RESP), ns(50)) << "latencies overlap";
    EXPECT_EQ(memory.at_stats().stalled, old.stalled);
}

TEST_F(memory_at_test, a_full_queue_holds_back_end_req_until_a_response_has_ended)
{
    managed_payload a(tlm::TLM_READ_COMMAND, 0, 0), b(tlm::TLM_READ_COMMAND, 8, 0), c(tlm::TLM_READ_COMMAND, 16, 0);
    user.to_response = at_initiator::answer::accept;
    user.send(a.trans, tlm::BEGIN_REQ);
    sc_core::sc_start(ns(11));
    user.send(b.trans, tlm::BEGIN_REQ);
    sc_core::sc_start(ns(11));
    user.send(c.trans, tlm::BEGIN_REQ);
    sc_core::sc_start(ns(178)); // at 200: both responses are long ready
    EXPECT_TRUE(came(a, tlm::BEGIN_RESP));
    EXPECT_FALSE(came(c, tlm::END_REQ));
    EXPECT_EQ(memory.at_stats().stalled, old.stalled + 1);
    user.send(a.trans, tlm::END_RESP);
    sc_core::sc_start(ns(100));
    EXPECT_EQ(when(c, tlm::END_REQ), ns(210)) << "accept latency after the slot is free";
    EXPECT_EQ(when(b, tlm::BEGIN_RESP), ns(200));
    user.send(b.trans, tlm::END_RESP);
    sc_core::sc_start(ns(100));
    EXPECT_EQ(when(c, tlm::BEGIN_RESP), ns(300)) << "it was ready at 240 and waited for b's END_RESP";
    user.send(c.trans, tlm::END_RESP);
    sc_core::sc_start(ns(1));
    EXPECT_EQ(memory.at_stats().most_in_flight, 2u);
}

TEST_F(memory_at_test, one_response_at_a_time)
{
    managed_payload a(tlm::TLM_READ_COMMAND, 0, 0), b(tlm::TLM_READ_COMMAND, 8, 0);
    user.to_response = at_initiator::answer::accept;
    user.send(a.trans, tlm::BEGIN_REQ);
    sc_core::sc_start(ns(11));
    user.send(b.trans, tlm::BEGIN_REQ);
    sc_core::sc_start(ns(89)); // at 100
    EXPECT_TRUE(came(a, tlm::BEGIN_RESP));
    EXPECT_FALSE(came(b, tlm::BEGIN_RESP));
    EXPECT_EQ(memory.at_stats().held_back, old.held_back + 1);
    user.send(a.trans, tlm::END_RESP, ns(7)); // ends at 107
    sc_core::sc_start(ns(6));
    EXPECT_FALSE(came(b, tlm::BEGIN_RESP));
    sc_core::sc_start(ns(50));
    EXPECT_EQ(when(b, tlm::BEGIN_RESP), ns(107));
    user.send(b.trans, tlm::END_RESP);
    sc_core::sc_start(ns(1));
}

TEST_F(memory_at_test, an_updated_answer_ends_the_response_after_its_delay)
{
    managed_payload a(tlm::TLM_READ_COMMAND, 0, 0), b(tlm::TLM_READ_COMMAND, 8, 0);
    user.response_delay = ns(60);
    user.send(a.trans, tlm::BEGIN_REQ);
    sc_core::sc_start(ns(11));
    user.send(b.trans, tlm::BEGIN_REQ);
    sc_core::sc_start(ns(500));
    EXPECT_EQ(when(a, tlm::BEGIN_RESP), ns(40));
    EXPECT_EQ(when(b, tlm::BEGIN_RESP), ns(100));
}

TEST_F(memory_at_test, a_completed_answer_ends_the_response_too)
{
    managed_payload a(tlm::TLM_READ_COMMAND, 0, 0), b(tlm::TLM_READ_COMMAND, 8, 0);
    user.to_response = at_initiator::answer::complete;
    user.send(a.trans, tlm::BEGIN_REQ);
    sc_core::sc_start(ns(200));
    EXPECT_EQ(a.trans.get_ref_count(), 1);
    user.send(b.trans, tlm::BEGIN_REQ);
    sc_core::sc_start(ns(200));
    EXPECT_EQ(when(b, tlm::BEGIN_RESP), ns(240));
}

TEST_F(memory_at_test, end_resp_may_come_from_within_begin_resp)
{
    managed_payload a(tlm::TLM_READ_COMMAND, 0, 0);
    user.to_response = at_initiator::answer::accept;
    user.on_phase = [&](tlm::tlm_generic_payload &trans, const tlm::tlm_phase &phase) {
        if (phase == tlm::BEGIN_RESP)
            user.send(trans, tlm::END_RESP);
    };
    user.send(a.trans, tlm::BEGIN_REQ);
    sc_core::sc_start(ns(200));
    EXPECT_EQ(a.trans.get_ref_count(), 1);
    EXPECT_EQ(user.seen.size(), 2u);
}

TEST_F(memory_at_test, a_transaction_is_held_from_request_to_end_of_response)
{
    managed_payload p(tlm::TLM_READ_COMMAND, 0, 0);
    user.to_response = at_initiator::answer::accept;
    user.send(p.trans, tlm::BEGIN_REQ);
    EXPECT_EQ(p.trans.get_ref_count(), 2);
    sc_core::sc_start(ns(100));
    EXPECT_EQ(p.trans.get_ref_count(), 2);
    user.send(p.trans, tlm::END_RESP);
    sc_core::sc_start(ns(1));
    EXPECT_EQ(p.trans.get_ref_count(), 1);
}

TEST_F(memory_at_test, a_fast_read_does_not_overtake_a_slow_write_to_the_same_place)
{
    at_initiator &slow = bench->slow_write_user;
    managed_payload w(tlm::TLM_WRITE_COMMAND, 128, 4242), r(tlm::TLM_READ_COMMAND, 128, 0);
    slow.send(w.trans, tlm::BEGIN_REQ);
    sc_core::sc_start(ns(5));
    slow.send(r.trans, tlm::BEGIN_REQ);
    sc_core::sc_start(ns(200));
    EXPECT_EQ(slow.time_of(w, tlm::BEGIN_RESP) - t0, ns(51));
    EXPECT_EQ(slow.time_of(r, tlm::BEGIN_RESP) - t0, ns(51));
    EXPECT_EQ(r.data, 4242u);
}

TEST_F(memory_at_test, with_no_latency_at_all_the_phases_still_come_in_order)
{
    at_initiator &instant = bench->instant_user;
    managed_payload a(tlm::TLM_WRITE_COMMAND, 0, 7), b(tlm::TLM_READ_COMMAND, 0, 0);
    instant.send(a.trans, tlm::BEGIN_REQ);
    sc_core::sc_start(ns(1));
    instant.send(b.trans, tlm::BEGIN_REQ);
    sc_core::sc_start(ns(1));
    ASSERT_EQ(instant.seen.size(), 4u);
    EXPECT_EQ(instant.seen[0].at, t0);
    EXPECT_EQ(instant.seen[1].at, t0);
    EXPECT_EQ(instant.seen[1].phase, tlm::BEGIN_RESP);
    EXPECT_EQ(b.data, 7u);
}

TEST_F(memory_at_test, an_atomic_access_takes_a_read_and_a_write)
{
    poke(256, 41);
    managed_payload p(tlm::TLM_WRITE_COMMAND, 256, 0);
    atomic_extension atomic;
    atomic.modify = [](void *, void *bytes) {
        ++*static_cast<unsigned char *>(bytes);
        return true;
    };
    p.trans.set_extension(&atomic);
    user.send(p.trans, tlm::BEGIN_REQ);
    sc_core::sc_start(ns(100));
    p.trans.clear_extension(&atomic);
    EXPECT_TRUE(atomic.done);
    EXPECT_EQ(peek(256), 42u);
    EXPECT_EQ(when(p, tlm::BEGIN_RESP), ns(60));
}

TEST_F(memory_at_test, a_loosely_timed_access_passes_the_queue_by)
{
    std::uint64_t value = 99;
    payload w(tlm::TLM_WRITE_COMMAND, 32, &value, 8), bad(tlm::TLM_READ_COMMAND, MEMORY_BYTES, &value, 8);
    sc_time delay = ns(1);
    user.isock->b_transport(w, delay);
    EXPECT_TRUE(w.is_response_ok());
    EXPECT_EQ(delay, ns(31));
    EXPECT_EQ(peek(32), 99u);
    user.isock->b_transport(bad, delay);
    EXPECT_EQ(bad.get_response_status(), tlm::TLM_ADDRESS_ERROR_RESPONSE);
    EXPECT_EQ(delay, ns(31));
    EXPECT_EQ(sc_time_stamp(), t0);
}

TEST_F(memory_at_test, debug_access_takes_no_phase_and_is_not_counted)
{
    poke(8, 123);
    const std::uint64_t reads = memory.stats().reads;
    std::uint64_t value = 0;
    payload r(tlm::TLM_READ_COMMAND, 8, &value, 8);
    EXPECT_EQ(user.isock->transport_dbg(r), 8u);
    EXPECT_EQ(value, 123u);
    EXPECT_EQ(memory.stats().reads, reads);
    EXPECT_TRUE(user.seen.empty());
}

TEST_F(memory_at_test, gives_no_dmi)
{
    payload p(tlm::TLM_READ_COMMAND, 0, nullptr, 0);
    tlm::tlm_dmi dmi;
    EXPECT_FALSE(user.isock->get_direct_mem_ptr(p, dmi));
}

// --- breaches of the protocol are errors, and change nothing ---

DECLARE_EXTENDED_PHASE(a_phase_of_somebody_else);

TEST_F(memory_at_test, a_transaction_without_memory_manager_is_an_error)
{
    std::uint64_t value = 0;
    payload p(tlm::TLM_READ_COMMAND, 0, &value, 8);
    EXPECT_THROW(user.send(p, tlm::BEGIN_REQ), sc_core::sc_report);
    EXPECT_EQ(memory.at_stats().requests, old.requests);
}

TEST_F(memory_at_test, a_second_request_before_end_req_is_an_error)
{
    managed_payload a(tlm::TLM_READ_COMMAND, 0, 0), b(tlm::TLM_READ_COMMAND, 8, 0);
    user.send(a.trans, tlm::BEGIN_REQ);
    EXPECT_THROW(user.send(b.trans, tlm::BEGIN_REQ), sc_core::sc_report);
    sc_core::sc_start(ns(100));
    EXPECT_TRUE(came(a, tlm::BEGIN_RESP));
    EXPECT_FALSE(came(b, tlm::END_REQ));
}

TEST_F(memory_at_test, an_end_of_a_response_that_did_not_begin_is_an_error)
{
    managed_payload a(tlm::TLM_READ_COMMAND, 0, 0);
    EXPECT_THROW(user.send(a.trans, tlm::END_RESP), sc_core::sc_report);
    user.to_response = at_initiator::answer::accept;
    user.send(a.trans, tlm::BEGIN_REQ);
    EXPECT_THROW(user.send(a.trans, tlm::END_RESP), sc_core::sc_report);
    sc_core::sc_start(ns(100));
    user.send(a.trans, tlm::END_RESP);
    EXPECT_THROW(user.send(a.trans, tlm::END_RESP), sc_core::sc_report) << "twice";
    sc_core::sc_start(ns(1));
}

TEST_F(memory_at_test, phases_that_belong_to_the_target_are_errors)
{
    managed_payload a(tlm::TLM_READ_COMMAND, 0, 0);
    EXPECT_THROW(user.send(a.trans, tlm::END_REQ), sc_core::sc_report);
    EXPECT_THROW(user.send(a.trans, tlm::BEGIN_RESP), sc_core::sc_report);
}

TEST_F(memory_at_test, extended_phases_are_ignored)
{
    managed_payload a(tlm::TLM_READ_COMMAND, 0, 0);
    EXPECT_EQ(user.send(a.trans, a_phase_of_somebody_else), tlm::TLM_ACCEPTED);
    sc_core::sc_start(ns(100));
    EXPECT_TRUE(user.seen.empty());
}

} // namespace
