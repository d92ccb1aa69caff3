// SPDX-License-Identifier: Apache-2.0
// A whole machine: N cores with their local APICs, the interconnect, memory, buses and devices, built from a
// configuration, bound, loaded and observed. Nothing is global: several platforms may live in one simulation, each with
// an end of its own.
#ifndef PLATFORM_PLATFORM_H
#define PLATFORM_PLATFORM_H

#include "bus/address_bus.h"
#include "config/configuration.h"
#include "console.h"
#include "cpu_module.h"
#include "devices/block_device.h"
#include "devices/console_input.h"
#include "devices/device_module.h"
#include "devices/device_timer.h"
#include "devices/ioapic.h"
#include "devices/irq_router.h"
#include "devices/msi.h"
#include "devices/pic8259.h"
#include "devices/pit8254.h"
#include "devices/rtc.h"
#include "devices/simple_ports.h"
#include "devices/trace_port.h"
#include "devices/uart16550.h"
#include "interconnect_module.h"
#include "lapic_module.h"
#include "lint/uintr_lint.h"
#include "memory_lt_module.h"
#include "progress.h"
#include "run_options.h"
#include "statistics/stage_stats.h"
#include "statistics/stat_tree.h"
#include "trace/guest_trace.h"
#include "trace/insn_trace.h"
#include "trace/missing_insns.h"
#include "trace/opcode_log.h"
#include "trace/timeline.h"
#include "uintr_module.h"

#include <csignal>
#include <exception>
#include <memory>
#include <systemc>
#include <vector>

namespace vp
{

class platform : public sc_core::sc_module,
                 private cpu_observer,
                 private tlm::tlm_analysis_if<uintr_report>,
                 private lint_machine
{
  public:
    // interrupted: becomes nonzero when the user wants to stop (a signal handler's flag); may be null. guest_output:
    // where the consoles write. All arguments must outlive the platform. Throws user_error.
    platform(const sc_core::sc_module_name &name, const configuration &config, const run_options &options,
             std::FILE *guest_output, const volatile std::sig_atomic_t *interrupted = nullptr);
    ~platform() override;

    void boot();     // loads the image and sets the first core; throws user_error
    void simulate(); // sc_start until the end of this platform's run; the simulation is paused then, not stopped

    const run_end &end() const { return m_end; }
    std::uint64_t instructions() const;
    std::uint64_t time_ps() const; // simulated time at the end
    double host_seconds() const { return m_host_seconds; }
    const stage_stats &stages() const { return m_stages; }

    stat_tree statistics() const;
    void close_traces();                             // throws user_error if one could not be written
    void save_disk();                                // block.writes = keep; throws user_error likewise
    void write_state(const std::string &path) const; // registers of each core, digest of RAM
    std::string why_stuck() const; // for triple fault and endless idle: vector, error code, registers of each core

  private:
    // Building
    void build_core(std::uint32_t index);
    void build_devices();
    device_module &add_device(const char *name, device &target, address_bus &bus, std::uint64_t first);
    void bind();
    void set_firmware_state();
    struct cpu_module_config core_config(std::uint32_t index) const;

    // Observing (cpu_observer)
    void uintr_step(std::uint32_t core, enum uintr_step step, const struct uintr_step_info &info, std::uint64_t cycle,
                    std::uint64_t pd) override;
    std::uint64_t uintr_number(std::uint32_t core) override;
    void trace_insn(std::uint32_t core, const struct cpu_trace_insn &insn) override;
    void trace_mem(std::uint32_t core, const struct cpu_trace_mem &access) override;
    void unimplemented(std::uint32_t core, std::uint64_t rip, const std::uint8_t *bytes, std::uint32_t length,
                       const char *name) override;
    void trace_event(std::uint32_t core, enum cpu_trace_event event, std::uint32_t detail, std::uint64_t value,
                     std::uint64_t cycle) override;
    void eoi_broadcast(std::uint8_t vector, std::uint64_t cycle) override;
    std::uint8_t inta(std::uint64_t cycle) override;
    void synced(std::uint32_t core, std::uint64_t cycle) override;
    void shut_down(std::uint32_t core, std::uint64_t cycle) override;
    void all_idle(std::uint64_t cycle) override;
    void write(const uintr_report &report) override; // a user interrupt is complete

    void give_lines_their_way(struct timing_setup &setup);
    std::uint32_t line_way(std::uint32_t from_tile, std::uint32_t to_tile, std::uint64_t cycle);

    // Answering the lint (platform_lint.cpp)
    void build_lint();
    std::uint32_t core_count() const override { return m_core_count; }
    struct cpu_regs registers(std::uint32_t core) override;
    std::uint64_t uintr_msr(std::uint32_t core, std::uint32_t msr) override;
    bool is_x2apic(std::uint32_t core) override;
    bool read(std::uint32_t core, std::uint64_t linear, void *bytes, std::size_t size) override;
    bool translate(std::uint32_t core, std::uint64_t linear, std::uint64_t *physical) override;

    // Ending
    void request_end(std::uint64_t cycle, end_reason reason, std::uint32_t value = 0);
    void check_interrupted(std::uint64_t cycle);
    void stop_when_due(); // SC_METHOD
    sc_core::sc_time time_of(std::uint64_t cycle) const;
    std::uint64_t cycle_of_ps(std::uint64_t ps) const;
    std::uint64_t ps_of_cycle(std::uint64_t cycle) const;

    // The guest's input (platform_console.cpp)
    void connect_console();
    void serve_console();
    bool can_wait_for_input() const;
    bool guest_waits_for_input() const;

    // The block device (platform_block.cpp)
    void build_block();
    void report_block(stat_tree &tree) const;

    // Statistics (platform_statistics.cpp)
    void report_sim(stat_tree &tree) const;
    void report_config(stat_tree &tree) const;
    void report_cores(stat_tree &tree) const;
    void report_apics(stat_tree &tree) const;
    void report_uintr(stat_tree &tree) const;
    void report_rest(stat_tree &tree) const;
    void report_timing(stat_tree &tree) const; // throws user_error

    struct code_map_deleter {
        void operator()(struct cpu_code_map *map) const { cpu_code_map_destroy(map); }
    };
    // The timing model's instance; destroyed after everything that asks it.
    struct timing_instance {
        struct timing model = {};
        std::string name; // as the user gave it: for a plug-in its file
        ~timing_instance() { timing_destroy(&model); }
    };

    const configuration &m_config;
    const run_options &m_options;
    const volatile std::sig_atomic_t *m_interrupted;
    const std::uint64_t m_clock_hz;
    const sc_core::sc_time m_period;
    const ram_layout m_layout;
    const std::uint32_t m_core_count;

    timing_instance m_timing;
    std::unique_ptr<struct cpu_code_map, code_map_deleter> m_code_map;
    struct interconnect_config m_interconnect_config; // before the keeper and the timing model, which look at it
    lookahead m_keeper;
    console m_console;
    console_input m_input;
    sc_core::sc_time m_end_of_file_due, m_end_of_file_gap; // of ^D at the end of the input
    progress m_progress;
    stage_stats m_stages;
    std::unique_ptr<timeline> m_timeline;
    guest_trace m_guest_trace;
    std::unique_ptr<insn_trace> m_insn_trace;
    std::unique_ptr<opcode_log> m_opcode_log;
    missing_insns m_missing;
    std::unique_ptr<uintr_lint> m_lint;

    memory_lt_module m_ram;
    struct memory *const m_ram_core;
    address_bus m_bus, m_io_bus;
    uart16550 m_com1;
    debug_port m_debug;
    exit_port m_exit;
    pic8259 m_pic_master, m_pic_slave;
    pit8254 m_pit;
    rtc m_rtc;
    ioapic m_ioapic;
    msi_window m_msi;
    trace_port m_trace_port;
    std::vector<std::unique_ptr<device_module>> m_devices;
    uintr_module m_uintr;
    std::vector<std::unique_ptr<lapic_module>> m_lapics;
    std::unique_ptr<interconnect_module> m_interconnect;
    std::vector<std::unique_ptr<cpu_module>> m_cores;
    std::unique_ptr<irq_router> m_router;
    std::unique_ptr<device_timer> m_com1_timer;
    std::unique_ptr<block_device> m_block; // null: no disk
    std::unique_ptr<device_timer> m_block_timer;

    run_end m_end;
    bool m_is_over = false; // simulated time has reached the end
    std::exception_ptr m_internal_error;
    sc_core::sc_event m_end_changed;
    double m_host_seconds = 0;
    std::uint64_t m_alone_cycles;
};

} // namespace vp

#endif
