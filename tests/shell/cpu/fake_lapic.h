// SPDX-License-Identifier: Apache-2.0
// A local APIC for tests: a queue of arrivals, no registers but one: writing MSR 830H sends the value as vector to the
// peer, LATENCY cycles later.
#ifndef TESTS_SHELL_CPU_FAKE_LAPIC_H
#define TESTS_SHELL_CPU_FAKE_LAPIC_H

#include "lapic_if.h"

#include <cstdint>
#include <map>
#include <systemc>
#include <vector>

class fake_lapic : public sc_core::sc_module, public lapic_if
{
  public:
    static constexpr std::uint64_t LATENCY = 200;
    static constexpr std::uint64_t PAGE = 0xfee00000;

    explicit fake_lapic(const sc_core::sc_module_name &name) : sc_core::sc_module(name) {}

    lapic_core_if *core = nullptr; // whose APIC this is
    fake_lapic *peer = nullptr;    // where IPIs go; may be null

    void post(std::uint64_t at, std::uint8_t vector); // arrives at cycle `at`
    void set_timer(std::uint64_t at) { m_timer = at; }

    std::uint64_t next_event() override;
    std::uint64_t next_wake(bool) override { return next_event(); }
    void advance(std::uint64_t now) override;
    bool has_interrupt() override { return !m_pending.empty(); }
    std::uint8_t ack(std::uint64_t &number, std::uint64_t &arrived_at) override;
    void eoi() override {}
    bool msr_read(std::uint32_t, std::uint64_t, std::uint64_t &value) override
    {
        value = 0;
        return true;
    }
    bool msr_write(std::uint32_t msr, std::uint64_t now, std::uint64_t value) override;
    std::uint8_t cr8() override { return 0; }
    void set_cr8(std::uint8_t) override {}
    void send_user_ipi(std::uint32_t, std::uint8_t nv, std::uint64_t, std::uint64_t now) override
    {
        msr_write(0x830, now, nv);
    }
    void set_tsc_offset(std::uint64_t, std::uint64_t) override {}
    void init_reset() override {}
    std::uint64_t base() override { return PAGE; }
    bool mmio_enabled() override { return true; }

  private:
    std::multimap<std::uint64_t, std::uint8_t> m_queue;
    std::vector<std::uint8_t> m_pending;
    std::uint64_t m_timer = UINT64_MAX; // vector EFH
};

#endif
