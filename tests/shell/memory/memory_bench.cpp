// SPDX-License-Identifier: Apache-2.0
// The bench, its initiators, and sc_main.
#include "memory_bench.h"

#include <stdexcept>

memory_bench *bench = nullptr;
std::vector<std::string> refusals;

payload::payload(tlm::tlm_command command, std::uint64_t address, void *data, unsigned length)
{
    set_command(command);
    set_address(address);
    set_data_ptr(static_cast<unsigned char *>(data));
    set_data_length(length);
    set_streaming_width(length);
}

managed_payload::managed_payload(tlm::tlm_command command, std::uint64_t address, std::uint64_t value, unsigned length)
    : data(value), trans(command, address, &data, length)
{
    trans.set_mm(this);
    trans.acquire();
}

managed_payload::~managed_payload()
{
    EXPECT_EQ(trans.get_ref_count(), 1) << "the target still holds the transaction";
    trans.release();
    EXPECT_EQ(freed, 1);
    trans.set_mm(nullptr);
}

at_initiator::at_initiator(const sc_core::sc_module_name &module_name) : sc_core::sc_module(module_name), isock("isock")
{
    isock.register_nb_transport_bw(this, &at_initiator::nb_transport_bw);
}

void at_initiator::forget()
{
    to_response = answer::update;
    response_delay = sc_core::SC_ZERO_TIME;
    on_phase = nullptr;
    seen.clear();
}

tlm::tlm_sync_enum at_initiator::send(tlm::tlm_generic_payload &trans, const tlm::tlm_phase &phase,
                                      const sc_core::sc_time &delay)
{
    tlm::tlm_phase p = phase;
    sc_core::sc_time d = delay;
    const tlm::tlm_sync_enum answer = isock->nb_transport_fw(trans, p, d);
    EXPECT_EQ(p, phase);
    EXPECT_EQ(d, delay);
    return answer;
}

sc_core::sc_time at_initiator::time_of(const managed_payload &p, const tlm::tlm_phase &phase) const
{
    for (const seen_phase &s : seen)
        if (s.trans == &p.trans && s.phase == phase)
            return s.at;
    return sc_core::sc_max_time();
}

std::size_t at_initiator::count(const tlm::tlm_phase &phase) const
{
    std::size_t n = 0;
    for (const seen_phase &s : seen)
        n += s.phase == phase;
    return n;
}

tlm::tlm_sync_enum at_initiator::nb_transport_bw(tlm::tlm_generic_payload &trans, tlm::tlm_phase &phase,
                                                 sc_core::sc_time &delay)
{
    std::uint64_t data = 0;
    std::memcpy(&data, trans.get_data_ptr(), std::min<std::size_t>(trans.get_data_length(), sizeof data));
    seen.push_back({&trans, phase, sc_core::sc_time_stamp() + delay, trans.get_response_status(), data});
    const bool response = phase == tlm::BEGIN_RESP;
    if (on_phase)
        on_phase(trans, phase);
    if (!response || to_response == answer::accept)
        return tlm::TLM_ACCEPTED;
    delay = response_delay;
    if (to_response == answer::complete)
        return tlm::TLM_COMPLETED;
    phase = tlm::END_RESP;
    return tlm::TLM_UPDATED;
}

memory_bench::memory_bench()
    : at_config{{ns(30), ns(20)}, ns(10), 2}, slow_write_config{{ns(2), ns(50)}, ns(1), 8},
      lt("lt", MEMORY_BYTES, lt_timing), lt_initiator_module("lt_initiator"), at("at", MEMORY_BYTES, at_config),
      slow_write("slow_write", MEMORY_BYTES, slow_write_config), instant("instant", MEMORY_BYTES, {{}, {}, 1}),
      at_user("at_user"), slow_write_user("slow_write_user"), instant_user("instant_user")
{
    lt_initiator_module.isock.bind(lt.mem_tsock);
    at_user.isock.bind(at.mem_tsock);
    slow_write_user.isock.bind(slow_write.mem_tsock);
    instant_user.isock.bind(instant.mem_tsock);
}

namespace
{

template <class make>
void collect_refusal(make m)
{
    try {
        m();
        refusals.push_back("(not refused)");
    } catch (const std::invalid_argument &e) {
        refusals.push_back(e.what());
    }
}

} // namespace

int sc_main(int argc, char **argv)
{
    ::testing::InitGoogleTest(&argc, argv);
    collect_refusal([] { memory_lt_module("odd", 4097); });
    collect_refusal([] { memory_lt_module("huge", std::uint64_t{1} << 62); });
    collect_refusal([] { memory_at_module("none", 0); });
    collect_refusal([] { memory_at_module("no_queue", 4096, {{}, {}, 0}); });
    memory_bench b;
    bench = &b;
    sc_core::sc_start(sc_core::SC_ZERO_TIME); // elaborates: sockets can be called
    return RUN_ALL_TESTS();
}
