// SPDX-License-Identifier: Apache-2.0
// Three local APICs and an interconnect, wired once (SystemC elaborates once per process). APIC 0 and 1 have a fake
// core, APIC 2 has none; a device sends through the interconnect's extra socket. One cycle is 500 ps, an IPI takes
// LATENCY.
#ifndef TESTS_SHELL_LAPIC_LAPIC_BENCH_H
#define TESTS_SHELL_LAPIC_LAPIC_BENCH_H

#include "interconnect_module.h"
#include "lapic_module.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <systemc>
#include <tlm_utils/simple_initiator_socket.h>
#include <vector>

constexpr std::uint64_t LATENCY = 150;

// Notes what the APIC tells it; reaches the APIC as a core does.
class fake_core : public sc_core::sc_module, public lapic_core_if
{
  public:
    tlm_utils::simple_initiator_socket<fake_core> apic_isock;
    sc_core::sc_port<lapic_if> lapic_port;

    explicit fake_core(const sc_core::sc_module_name &name);

    void nmi() override { nmis++; }
    void init() override { inits++; }
    void startup(std::uint8_t vector) override { startups.push_back(vector); }
    void ipi_sent(std::uint64_t sent, std::uint64_t arrives) override { sends.push_back({sent, arrives}); }
    void wake(std::uint64_t at) override { wakes.push_back(at); }
    void eoi_broadcast(std::uint8_t vector) override { eois.push_back(vector); }
    std::uint8_t inta() override { return 0x77; }
    void forget();

    // Register access at a cycle not before simulated time.
    tlm::tlm_response_status access(tlm::tlm_command command, std::uint64_t address, void *bytes, unsigned size,
                                    std::uint64_t cycle);
    std::uint32_t read(std::uint32_t offset, std::uint64_t cycle);
    void write(std::uint32_t offset, std::uint32_t value, std::uint64_t cycle);

    struct send_record {
        std::uint64_t sent, arrives;
    };
    int nmis = 0, inits = 0;
    std::vector<std::uint8_t> startups, eois;
    std::vector<send_record> sends;
    std::vector<std::uint64_t> wakes;
};

class lapic_bench : public sc_core::sc_module
{
  public:
    explicit lapic_bench(const sc_core::sc_module_name &name);
    void reset(); // every APIC as after RESET, software enabled, nothing queued; time goes on

    const sc_core::sc_time period;
    std::uint32_t extra_latency = 0; // what the timing model adds
    struct timing timing;
    std::vector<std::unique_ptr<lapic_module>> apics;
    std::vector<std::unique_ptr<fake_core>> cores;
    std::unique_ptr<interconnect_module> interconnect;
    tlm_utils::simple_initiator_socket<lapic_bench> device_isock;
    std::uint64_t used = 0; // no APIC has been told a later cycle
};

extern lapic_bench *bench; // made by sc_main

// Every test starts at a fresh cycle t0, which is also simulated time.
class lapic_shell_test : public ::testing::Test
{
  public:
    void SetUp() override;
    lapic_module &apic(std::size_t i) { return *bench->apics[i]; }
    fake_core &core(std::size_t i) { return *bench->cores[i]; }
    // A message from the device, `delay` cycles from t0.
    tlm::tlm_response_status send(struct ipi_msg &msg, std::uint64_t delay);
    static struct ipi_msg to(std::uint32_t destination, std::uint8_t vector, std::uint8_t mode = IPI_FIXED);
    bool is_requested(std::size_t i, std::uint8_t vector);
    void advance(std::size_t i, std::uint64_t cycle)
    {
        apic(i).advance(cycle);
        bench->used = std::max(bench->used, cycle);
    }

    std::uint64_t t0 = 0;
};

#endif
