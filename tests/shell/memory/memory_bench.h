// SPDX-License-Identifier: Apache-2.0
// A loosely-timed memory and three approximately-timed ones, each with an initiator, wired once (SystemC elaborates
// once per process). Tests call the sockets from outside any process and let time pass with sc_start.
#ifndef TESTS_SHELL_MEMORY_MEMORY_BENCH_H
#define TESTS_SHELL_MEMORY_MEMORY_BENCH_H

#include "memory_at_module.h"
#include "memory_lt_module.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <systemc>
#include <tlm_utils/simple_initiator_socket.h>
#include <vector>

constexpr std::uint64_t MEMORY_BYTES = 8192;

inline sc_core::sc_time ns(double n) { return {n, sc_core::SC_NS}; }

// A write or read of `data` with every attribute as the generic payload wants it.
struct payload : tlm::tlm_generic_payload {
    payload(tlm::tlm_command command, std::uint64_t address, void *data, unsigned length);
};

class lt_initiator : public sc_core::sc_module
{
  public:
    tlm_utils::simple_initiator_socket<lt_initiator> isock;
    explicit lt_initiator(const sc_core::sc_module_name &module_name) : sc_core::sc_module(module_name), isock("isock")
    {
    }
};

// A payload with a memory manager that only counts: the test owns it.
struct managed_payload : tlm::tlm_mm_interface {
    managed_payload(tlm::tlm_command command, std::uint64_t address, std::uint64_t value, unsigned length = 8);
    ~managed_payload() override;
    void free(tlm::tlm_generic_payload *) override { freed++; }

    std::uint64_t data;
    payload trans;
    int freed = 0;
};

// What the initiator saw of a transaction, and when.
struct seen_phase {
    tlm::tlm_generic_payload *trans;
    tlm::tlm_phase phase;
    sc_core::sc_time at;
    tlm::tlm_response_status status; // when the phase came
    std::uint64_t data;
};

class at_initiator : public sc_core::sc_module
{
  public:
    enum class answer { accept, update, complete }; // to BEGIN_RESP
    tlm_utils::simple_initiator_socket<at_initiator> isock;

    explicit at_initiator(const sc_core::sc_module_name &module_name);
    void forget();
    tlm::tlm_sync_enum send(tlm::tlm_generic_payload &trans, const tlm::tlm_phase &phase,
                            const sc_core::sc_time &delay = sc_core::SC_ZERO_TIME);
    // The time at which the phase of this transaction came; SC_MAX_TIME if it did not.
    sc_core::sc_time time_of(const managed_payload &p, const tlm::tlm_phase &phase) const;
    std::size_t count(const tlm::tlm_phase &phase) const;

    answer to_response = answer::update;
    sc_core::sc_time response_delay = sc_core::SC_ZERO_TIME;                          // with update and complete
    std::function<void(tlm::tlm_generic_payload &, const tlm::tlm_phase &)> on_phase; // from within the call
    std::vector<seen_phase> seen;

  private:
    tlm::tlm_sync_enum nb_transport_bw(tlm::tlm_generic_payload &trans, tlm::tlm_phase &phase, sc_core::sc_time &delay);
};

struct memory_bench {
    memory_bench();

    memory_timing lt_timing{ns(5), ns(7)};
    memory_at_config at_config, slow_write_config;
    memory_lt_module lt;
    lt_initiator lt_initiator_module;
    memory_at_module at;         // accept 10 ns, read 30 ns, write 20 ns, two in flight
    memory_at_module slow_write; // accept 1 ns, read 2 ns, write 50 ns, eight in flight
    memory_at_module instant;    // everything 0, one in flight
    at_initiator at_user, slow_write_user, instant_user;
};

extern memory_bench *bench;               // made by sc_main
extern std::vector<std::string> refusals; // what constructors that cannot work said, collected before elaboration

#endif
