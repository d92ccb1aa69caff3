// SPDX-License-Identifier: Apache-2.0
// The wires between a core and its local APIC, as SystemC interfaces. Registers in the APIC page go over TLM
// (lapic_module::mmio_tsock); everything that a real core reaches without a bus goes here. Cycles are absolute cycles
// of the core's clock (cycle c is at c clock periods of simulated time).
#ifndef LAPIC_IF_H
#define LAPIC_IF_H

#include <cstdint>
#include <systemc>

// Called by the core. Implemented by lapic_module.
class lapic_if : public virtual sc_core::sc_interface
{
  public:
    // Earliest cycle at which advance() may change something: a queued arrival or the timer. UINT64_MAX if none.
    virtual std::uint64_t next_event() = 0;
    // The same for a core that waits: what may wake it. `listens`: an interrupt can, not only NMI and INIT.
    virtual std::uint64_t next_wake(bool listens) = 0;
    // Delivers arrivals and fires the timer up to and including cycle `now`.
    virtual void advance(std::uint64_t now) = 0;
    virtual bool has_interrupt() = 0;
    // IRR -> ISR; number and arrival cycle of the user interrupt that came with it (0 if none).
    virtual std::uint8_t ack(std::uint64_t &number, std::uint64_t &arrived_at) = 0;
    virtual void eoi() = 0;
    virtual bool msr_read(std::uint32_t msr, std::uint64_t now, std::uint64_t &value) = 0; // false: #GP(0)
    virtual bool msr_write(std::uint32_t msr, std::uint64_t now, std::uint64_t value) = 0;
    virtual std::uint8_t cr8() = 0;
    virtual void set_cr8(std::uint8_t value) = 0;
    virtual void send_user_ipi(std::uint32_t ndst, std::uint8_t nv, std::uint64_t number, std::uint64_t now) = 0;
    virtual void set_tsc_offset(std::uint64_t offset, std::uint64_t now) = 0;
    virtual void init_reset() = 0;    // the core took INIT
    virtual std::uint64_t base() = 0; // physical base of the register page
    virtual bool mmio_enabled() = 0;  // the page answers (globally enabled, xAPIC mode)
};

// Called by the local APIC. Implemented by cpu_module. None of these may call back into the APIC.
class lapic_core_if : public virtual sc_core::sc_interface
{
  public:
    virtual void nmi() = 0;
    virtual void init() = 0;
    virtual void startup(std::uint8_t vector) = 0;
    // An IPI left this core's APIC at cycle `sent`; no other core can feel it before `arrives`.
    virtual void ipi_sent(std::uint64_t sent, std::uint64_t arrives) = 0;
    // Something new will happen at cycle `at` (an arrival was queued): a waiting core must look again.
    virtual void wake(std::uint64_t at) = 0;
    virtual void eoi_broadcast(std::uint8_t vector) = 0;
    // INTA cycle for ExtINT: the vector. May change the APIC's pins.
    virtual std::uint8_t inta() = 0;
};

#endif
