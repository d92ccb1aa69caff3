// SPDX-License-Identifier: Apache-2.0
// The wires of a PC between devices, interrupt controllers and cores: IRQ n is pin n of the I/O APIC (IRQ 0: pin 2, as
// the MADT says) and line n of the two 8259s, whose INTR is LINT0 of every core. Messages of the I/O APIC and MSI leave
// through message_isock.
//
// Time: a device acts at a time in picoseconds; messages and INTR reach a core at the earliest one interconnect latency
// later, so the rule of lookahead.h holds. The PIT acts by itself (device_timer.h), but only while somebody could feel
// it.
#ifndef PLATFORM_DEVICES_IRQ_ROUTER_H
#define PLATFORM_DEVICES_IRQ_ROUTER_H

#include "device_module.h"
#include "device_timer.h"
#include "ioapic.h"
#include "lapic_module.h"
#include "lookahead.h"
#include "pic8259.h"
#include "pit8254.h"

#include <functional>
#include <systemc>
#include <tlm_utils/simple_initiator_socket.h>
#include <vector>

namespace vp
{

constexpr unsigned IRQ_PIT = 0, IRQ_CASCADE = 2, IRQ_COM1 = 4, IRQ_BLOCK = 11;
// Devices that act by themselves, to the time keeper.
constexpr unsigned DEVICE_PIT = 0, DEVICE_COM1 = 1, DEVICE_BLOCK = 2;

class irq_router : public sc_core::sc_module
{
  public:
    tlm_utils::simple_initiator_socket<irq_router> message_isock;

    // A message or INTR left at cycle `sent`; no core can feel it before `arrives`.
    std::function<void(std::uint64_t sent, std::uint64_t arrives)> on_sent;
    // Every core waits, and the device that could have ended it has acted without waking one.
    std::function<void(std::uint64_t cycle)> on_idle;

    // All arguments must outlive the module. period: of a core's cycle.
    irq_router(const sc_core::sc_module_name &name, pic8259 &master, pic8259 &slave, pit8254 &pit, ioapic &io,
               std::vector<lapic_module *> lapics, lookahead &keeper, const sc_core::sc_time &period);

    // The module's device is one of those given: its accesses may change what is to be planned.
    void watch(device_module &module);
    void set_irq(unsigned irq, bool level, std::uint64_t now_ps);
    bool send(const struct ipi_msg &msg, std::uint64_t now_ps); // false: no local APIC claims it
    std::uint8_t inta(std::uint64_t now_ps);

  private:
    void catch_up(std::uint64_t now_ps);
    void look(std::uint64_t now_ps);
    void update_intr(std::uint64_t now_ps);
    std::uint64_t next_edge_ps() const; // of the PIT

    pic8259 &m_master, &m_slave;
    pit8254 &m_pit;
    ioapic &m_ioapic;
    const std::vector<lapic_module *> m_lapics;
    lookahead &m_keeper;
    const std::uint64_t m_period; // of a cycle, in units of the time resolution
    device_timer m_pit_timer;
    std::uint64_t m_caught_up_ps = 0; // the PIT's edges up to here have been seen
    bool m_intr = false;
};

} // namespace vp

#endif
