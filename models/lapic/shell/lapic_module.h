// SPDX-License-Identifier: Apache-2.0
// A local APIC (models/lapic/core) as a TLM-2.0 module. Sockets: mmio_tsock (register page, address = offset in the
// page), ipi_isock (messages leave: TLM write of struct ipi_msg), ipi_tsock (messages arrive, queued to the cycle given
// by their delay). The core's other wires are lapic_if and lapic_core_if. No architecture here.
//
// Delays: what comes in on a socket happens at sc_time_stamp() + delay. On ipi_isock the delay comes back as the time
// at which the first other APIC gets the message; unchanged if none does.
#ifndef LAPIC_SHELL_LAPIC_MODULE_H
#define LAPIC_SHELL_LAPIC_MODULE_H

#include "lapic.h"
#include "lapic_if.h"

#include <functional>
#include <queue>
#include <systemc>
#include <tlm>
#include <tlm_utils/simple_initiator_socket.h>
#include <tlm_utils/simple_target_socket.h>
#include <vector>

struct lapic_shell_stats { // counters since creation; listed in lapic_shell_stats.def
#define LAPIC_SHELL_STAT(name, unit, sentence) std::uint64_t name;
#include "lapic_shell_stats.def"
#undef LAPIC_SHELL_STAT
};

// What a trace may want to know.
struct lapic_event {
    enum kind_t { SENT, ARRIVED, DROPPED, TIMER } kind;
    std::uint64_t cycle;
    const struct ipi_msg *msg; // null for TIMER; valid during the call
};

class lapic_module : public sc_core::sc_module, public lapic_if
{
  public:
    tlm_utils::simple_target_socket<lapic_module> mmio_tsock;
    tlm_utils::simple_initiator_socket<lapic_module> ipi_isock;
    tlm_utils::simple_target_socket<lapic_module> ipi_tsock;
    sc_core::sc_port<lapic_core_if, 1, sc_core::SC_ZERO_OR_MORE_BOUND> core_port;

    // Hooks; may be empty, must not call back into this module. on_user_arrival: the notification of that user
    // interrupt reached IRR at that cycle, whether or not its bit was set already.
    std::function<void(std::uint64_t number, std::uint64_t cycle)> on_user_arrival;
    std::function<void(const lapic_event &)> on_event;
    std::function<void(std::uint64_t cycle)> on_enabled; // fixed interrupts are taken from now on

    // period: of one cycle, exact. Throws std::invalid_argument for a configuration that the core refuses.
    lapic_module(const sc_core::sc_module_name &name, const struct lapic_config &config,
                 const sc_core::sc_time &period);
    ~lapic_module() override;

    struct lapic *core() { return m_lapic; }
    const struct lapic_stats &stats() const { return *lapic_stats(m_lapic); }
    const struct lapic_shell_stats &shell_stats() const { return m_stats; }

    // Electrical level of LINT0 or LINT1. A rise is felt at `cycle`, a fall at once: an 8259 takes its request back in
    // the INTA cycle.
    void set_pin(enum lapic_lvt pin, bool asserted, std::uint64_t cycle);

    // lapic_if
    std::uint64_t next_event() override;
    std::uint64_t next_wake(bool listens) override;
    void advance(std::uint64_t now) override;
    bool has_interrupt() override { return lapic_has_interrupt(m_lapic); }
    std::uint8_t ack(std::uint64_t &number, std::uint64_t &arrived_at) override;
    void eoi() override { lapic_eoi(m_lapic); }
    bool msr_read(std::uint32_t msr, std::uint64_t now, std::uint64_t &value) override;
    bool msr_write(std::uint32_t msr, std::uint64_t now, std::uint64_t value) override;
    std::uint8_t cr8() override { return lapic_cr8(m_lapic); }
    void set_cr8(std::uint8_t value) override { lapic_set_cr8(m_lapic, value); }
    void send_user_ipi(std::uint32_t ndst, std::uint8_t nv, std::uint64_t number, std::uint64_t now) override;
    void set_tsc_offset(std::uint64_t offset, std::uint64_t now) override;
    void init_reset() override { lapic_init(m_lapic); }
    std::uint64_t base() override { return lapic_base(m_lapic); }
    bool mmio_enabled() override { return lapic_mmio_enabled(m_lapic); }

  private:
    friend struct lapic_bus_callbacks; // the C side

    struct arrival {
        std::uint64_t cycle;
        std::uint64_t order; // of sending, among equal cycles
        struct ipi_msg msg;
        bool is_pin; // not a message: look at `pin`
        enum lapic_lvt pin;
        bool operator>(const arrival &other) const
        {
            return cycle != other.cycle ? cycle > other.cycle : order > other.order;
        }
    };

    std::uint64_t exact_cycle(const sc_core::sc_time &delay) const;
    std::uint64_t first_cycle(const sc_core::sc_time &delay) const;
    sc_core::sc_time time_of(std::uint64_t cycle) const;
    void mmio_transport(tlm::tlm_generic_payload &payload, sc_core::sc_time &delay);
    unsigned int mmio_debug(tlm::tlm_generic_payload &payload);
    void ipi_transport(tlm::tlm_generic_payload &payload, sc_core::sc_time &delay);
    void send(const struct ipi_msg &msg);
    void queue(const arrival &a);
    void tell_if_enabled(bool before, std::uint64_t now);
    std::uint64_t first_arrival() const;
    void deliver(const arrival &a);
    void advance_timer(std::uint64_t cycle);
    void emit(lapic_event::kind_t kind, std::uint64_t cycle, const struct ipi_msg *msg);

    const std::uint64_t m_period; // in units of the time resolution
    struct lapic *m_lapic;
    std::priority_queue<arrival, std::vector<arrival>, std::greater<arrival>> m_queue;
    bool m_wires[2] = {false, false}; // LINT0, LINT1
    std::uint64_t m_order = 0;        // arrivals queued so far
    std::uint64_t m_advanced = 0;     // everything up to this cycle has been delivered
    struct lapic_shell_stats m_stats = {};
};

#endif
