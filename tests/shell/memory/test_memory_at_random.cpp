// SPDX-License-Identifier: Apache-2.0
// Thousands of random transactions against memory_at_module. A monitor checks the exclusion rules and the depth of the
// queue at every phase; a plain array, changed in the order of the requests, says what every read must bring.
#include "memory_bench.h"

#include <cstring>
#include <deque>
#include <random>

namespace
{

using sc_core::sc_time;

class random_run
{
  public:
    random_run(at_initiator &user, memory_at_module &memory, unsigned depth, unsigned seed)
        : m_user(user), m_memory(memory), m_depth(depth), m_random(seed),
          m_model(mem_bytes(memory.core()), mem_bytes(memory.core()) + MEMORY_BYTES)
    {
        m_user.forget();
        m_user.on_phase = [this](tlm::tlm_generic_payload &trans, const tlm::tlm_phase &phase) { on(trans, phase); };
    }
    ~random_run() { m_user.forget(); }

    // As fast as the protocol lets it, or with pauses.
    void run(unsigned count)
    {
        for (unsigned i = 0; i < count; i++) {
            choose_answer();
            begin_one();
            while (m_open != nullptr && !is_stuck())
                step();
            if (pick(4) == 0)
                sc_core::sc_start(ns(1 + pick(40)));
        }
        while (!m_flying.empty() && !is_stuck())
            step();
        EXPECT_FALSE(is_stuck());
        for (unsigned i = 0; i < 100; i++)
            step();
    }

  private:
    struct flight {
        flight(tlm::tlm_command command, std::uint64_t address, std::uint64_t value, unsigned length)
            : p(command, address, value, length)
        {
        }
        managed_payload p;
        std::uint64_t expected = 0;
        tlm::tlm_response_status status = tlm::TLM_OK_RESPONSE;
    };

    // A broken target must not hang the test: the slowest transaction takes less than a tenth of this.
    bool is_stuck() const { return m_steps - m_steps_at_response > 10000; }
    unsigned pick(unsigned n) { return static_cast<unsigned>(m_random() % n); }

    void choose_answer()
    {
        using answer = at_initiator::answer;
        m_user.to_response = std::array<answer, 3>{answer::accept, answer::update, answer::complete}[pick(3)];
        m_user.response_delay = ns(pick(3) * pick(30));
    }

    void step()
    {
        sc_core::sc_start(ns(1));
        m_steps++;
        if (m_to_end != nullptr && pick(8) == 0) {
            tlm::tlm_generic_payload *trans = m_to_end;
            m_to_end = nullptr;
            m_user.send(*trans, tlm::END_RESP, ns(pick(5)));
        }
        // What has ended is let go by the target at that time.
        while (!m_ended.empty() && m_ended.front()->p.trans.get_ref_count() == 1)
            m_ended.pop_front();
    }

    void begin_one()
    {
        const unsigned length = 1 + pick(8);
        const std::uint64_t address = pick(50) == 0 ? MEMORY_BYTES - length + 1 : pick(48); // few places, many overlaps
        const bool write = pick(2) == 0;
        auto f = std::make_unique<flight>(write ? tlm::TLM_WRITE_COMMAND : tlm::TLM_READ_COMMAND, address, m_random(),
                                          length);
        if (address + length > MEMORY_BYTES)
            f->status = tlm::TLM_ADDRESS_ERROR_RESPONSE;
        else if (write)
            std::memcpy(m_model.data() + address, &f->p.data, length);
        f->expected = f->p.data;
        if (!write && f->status == tlm::TLM_OK_RESPONSE)
            std::memcpy(&f->expected, m_model.data() + address, length);
        m_open = &f->p.trans;
        m_flying.push_back(std::move(f));
        m_user.send(*m_open, tlm::BEGIN_REQ, ns(pick(3) * pick(10)));
    }

    void on(tlm::tlm_generic_payload &trans, const tlm::tlm_phase &phase)
    {
        if (phase == tlm::END_REQ) {
            EXPECT_EQ(&trans, m_open) << "END_REQ of another transaction";
            m_open = nullptr;
            m_accepted++;
            EXPECT_LE(m_accepted - m_done, m_depth) << "more in flight than the queue holds";
            return;
        }
        ASSERT_EQ(phase, tlm::BEGIN_RESP);
        ASSERT_FALSE(m_flying.empty());
        const flight &f = *m_flying.front();
        ASSERT_EQ(&trans, &f.p.trans) << "responses come in the order of the requests";
        EXPECT_EQ(m_to_end, nullptr) << "a response before the end of the one before";
        EXPECT_GE(sc_core::sc_time_stamp(), m_response_free) << "a response before the end of the one before";
        EXPECT_EQ(trans.get_response_status(), f.status);
        EXPECT_EQ(f.p.data, f.expected);
        if (m_user.to_response == at_initiator::answer::accept)
            m_to_end = &trans;
        else
            m_response_free = sc_core::sc_time_stamp() + m_user.response_delay;
        m_done++;
        m_steps_at_response = m_steps;
        m_ended.push_back(std::move(m_flying.front()));
        m_flying.pop_front();
    }

    at_initiator &m_user;
    memory_at_module &m_memory;
    const unsigned m_depth;
    std::mt19937_64 m_random;
    std::vector<unsigned char> m_model;
    std::deque<std::unique_ptr<flight>> m_flying, m_ended;
    tlm::tlm_generic_payload *m_open = nullptr, *m_to_end = nullptr;
    sc_time m_response_free;
    unsigned m_accepted = 0, m_done = 0;
    std::uint64_t m_steps = 0, m_steps_at_response = 0;
};

void check(at_initiator &user, memory_at_module &memory, unsigned depth)
{
    for (unsigned seed = 1; seed <= 5; seed++) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        const memory_at_stats before = memory.at_stats();
        random_run(user, memory, depth, seed).run(1000);
        EXPECT_EQ(memory.at_stats().requests - before.requests, 1000u);
        EXPECT_EQ(memory.at_stats().responses - before.responses, 1000u);
    }
    EXPECT_LE(memory.at_stats().most_in_flight, depth);
}

TEST(memory_at_random, keeps_the_rules_with_two_in_flight) { check(bench->at_user, bench->at, 2); }

TEST(memory_at_random, keeps_the_rules_with_slow_writes_and_eight_in_flight)
{
    check(bench->slow_write_user, bench->slow_write, 8);
    EXPECT_GT(bench->slow_write.at_stats().most_in_flight, 4u) << "the queue was hardly used";
}

TEST(memory_at_random, keeps_the_rules_without_any_latency) { check(bench->instant_user, bench->instant, 1); }

} // namespace
