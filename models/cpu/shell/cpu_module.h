// SPDX-License-Identifier: Apache-2.0
// An x86-64 core (models/cpu/core) as a TLM-2.0 initiator: one thread that runs the core for as long as the time keeper
// allows, waits without polling while the core is halted, and keeps the core's cycles and simulated time in step. The
// bus side (C callbacks to TLM and DMI) is in cpu_bus.cpp. No architecture here.
//
// Sockets: mem_isock (memory and devices), io_isock (address = port; writes carry a port_extension), apic_isock (xAPIC
// page, address = offset).
// Not done: nb_transport; translations that the core has cached survive invalidate_direct_mem_ptr, so a platform may
// only take DMI back before the core has used it.
#ifndef CPU_SHELL_CPU_MODULE_H
#define CPU_SHELL_CPU_MODULE_H

#include "atomic_extension.h"
#include "cpu.h"
#include "cpu_observer.h"
#include "lapic_if.h"
#include "lookahead.h"
#include "port_extension.h"

#include <systemc>
#include <tlm>
#include <tlm_utils/simple_initiator_socket.h>

#include <string>
#include <vector>

struct cpu_module_config {
    struct cpu_config core;
    sc_core::sc_time period;   // of one cycle; exact
    bool trace_insns = false;  // cpu_observer::trace_insn
    bool trace_mem = false;    // cpu_observer::trace_mem
    bool trace_events = false; // cpu_observer::trace_event
};

class cpu_module : public sc_core::sc_module, public lapic_core_if
{
  public:
    tlm_utils::simple_initiator_socket<cpu_module> mem_isock;
    tlm_utils::simple_initiator_socket<cpu_module> io_isock;
    tlm_utils::simple_initiator_socket<cpu_module> apic_isock;
    sc_core::sc_port<lapic_if> lapic_port;

    // keeper, code_map, timing and observer must outlive the module. Throws std::invalid_argument for a configuration
    // that the core refuses.
    cpu_module(const sc_core::sc_module_name &name, const cpu_module_config &config, lookahead &keeper,
               struct cpu_code_map *code_map, const struct timing *timing, cpu_observer &observer);
    ~cpu_module() override;

    struct cpu *core() { return m_cpu; }
    std::uint32_t index() const { return m_config.core.index; }
    // After the run: a waiting core's time passes up to the end, so that its idle cycles are counted.
    void finish(std::uint64_t cycle);

    // lapic_core_if
    void nmi() override;
    void init() override;
    void startup(std::uint8_t vector) override;
    void ipi_sent(std::uint64_t sent, std::uint64_t arrives) override;
    void wake(std::uint64_t at) override;
    void eoi_broadcast(std::uint8_t vector) override;
    std::uint8_t inta() override;

  private:
    friend struct cpu_bus_callbacks; // cpu_bus.cpp: the C side

    struct dmi_region {
        std::uint64_t first, last; // physical, inclusive
        unsigned char *bytes;      // of `first`
    };

    // Time
    sc_core::sc_time time_of(std::uint64_t cycle) const;
    std::uint64_t cycle_of(const sc_core::sc_time &time) const;
    sc_core::sc_time local_delay() const; // from sc_time_stamp to the core's current cycle
    void run();
    void run_slice();
    void wait_until_woken();
    void sync();
    void notify_wake(std::uint64_t cycle);
    void limit_run(std::uint64_t until);

    // Bus
    struct cpu_bus make_bus();
    bool is_apic_page(std::uint64_t pa);
    void transport(tlm_utils::simple_initiator_socket<cpu_module> &socket, tlm::tlm_command command,
                   std::uint64_t address, void *bytes, std::uint32_t size);
    void mem_access(tlm::tlm_command command, std::uint64_t pa, void *bytes, std::uint32_t size);
    void mem_modify(std::uint64_t pa, std::uint32_t size, cpu_modify_fn *fn, void *arg);
    unsigned char *direct_page(std::uint64_t pa);
    void apic_changed();
    void invalidate_direct_mem_ptr(sc_dt::uint64 first, sc_dt::uint64 last);

    const cpu_module_config m_config;
    lookahead &m_keeper;
    cpu_observer &m_observer;
    struct cpu *m_cpu = nullptr;
    sc_core::sc_event m_wake;      // a waiting core must look again
    bool m_waiting = false;        // the thread waits for m_wake
    std::uint64_t m_slice_end = 0; // the current slice's limit: others catch up here
    bool m_running = false;        // inside cpu_run
    std::uint64_t m_run_until = 0; // limit of the current or last cpu_run
    std::uint64_t m_passed = 0;    // every boundary before this cycle has been passed
    tlm::tlm_generic_payload m_payload;
    atomic_extension m_atomic;
    port_extension m_port;
    std::vector<dmi_region> m_dmi;
};

#endif
