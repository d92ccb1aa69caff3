// SPDX-License-Identifier: Apache-2.0
// Building, booting and running a platform. Statistics are in platform_statistics.cpp.
#include "platform.h"

#include "address_map.h"
#include "config/crash_guard.h"
#include "config/user_error.h"
#include "devices/acpi_tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <sstream>
#include <stdexcept>
#include <string>

namespace vp
{

namespace
{

constexpr std::uint64_t FS_PER_SECOND = 1000000000000000;

// One cycle, exact: configuration.cpp checks that it is a whole number of femtoseconds.
sc_core::sc_time period_of(std::uint64_t clock_hz)
{
    const std::uint64_t femtoseconds = FS_PER_SECOND / clock_hz;
    return sc_core::sc_time(static_cast<double>(femtoseconds), sc_core::SC_FS);
}

// Tiles of the cores: "rows", or a list of one per core.
void place_cores(struct mesh_config &mesh, const configuration &config, std::uint32_t cores)
{
    const std::string &text = config.text("interconnect.placement");
    const auto refuse = [&](const std::string &why) {
        throw user_error(
            fmt::format("{}interconnect.placement = '{}': {}; expected rows, or {} different tiles from 0 to {}",
                        config.blame("interconnect.placement platform.cores interconnect.rows interconnect.columns"),
                        text, why, cores, mesh.rows * mesh.columns - 1));
    };
    if (text == "rows") {
        if (!mesh_place_by_rows(&mesh, cores))
            refuse(fmt::format("{} cores do not fit on {} by {} tiles", cores, mesh.rows, mesh.columns));
        return;
    }
    std::stringstream list(text);
    std::string word;
    for (mesh.cores = 0; std::getline(list, word, ','); mesh.cores++) {
        if (word.empty() || word.size() > 4 || word.find_first_not_of("0123456789") != std::string::npos)
            refuse(fmt::format("'{}' is no tile", word));
        if (mesh.cores == MESH_CORES_MAX)
            break;
        mesh.tile[mesh.cores] = static_cast<std::uint16_t>(std::stoul(word));
    }
    if (mesh.cores != cores)
        refuse(fmt::format("{} tiles for {} cores", mesh.cores, cores));
    if (!mesh_config_is_good(&mesh))
        refuse("a tile is taken twice or does not exist");
}

struct interconnect_config interconnect_config_of(const configuration &config)
{
    struct interconnect_config c = {};
    c.latency_cycles = static_cast<std::uint32_t>(config.integer("interconnect.latency_cycles"));
    if (config.text("interconnect.model") != "mesh")
        return c;
    c.mesh.rows = static_cast<std::uint32_t>(config.integer("interconnect.rows"));
    c.mesh.columns = static_cast<std::uint32_t>(config.integer("interconnect.columns"));
    c.mesh.hop_cycles = static_cast<std::uint32_t>(config.integer("interconnect.hop_cycles"));
    c.mesh.link_cycles = static_cast<std::uint32_t>(config.integer("interconnect.link_cycles"));
    place_cores(c.mesh, config, static_cast<std::uint32_t>(config.integer("platform.cores")));
    return c;
}

lookahead_config keeper_config(const configuration &config)
{
    lookahead_config c;
    const std::uint64_t clock_hz = config.integer("cpu.clock_hz");
    c.cores = static_cast<std::uint32_t>(config.integer("platform.cores"));
    const struct interconnect_config ic = interconnect_config_of(config);
    c.lookahead_cycles = interconnect_config_lookahead(&ic);
    c.quantum_cycles = c.lookahead_cycles;
    c.alone_cycles = std::max<std::uint64_t>(1, clock_hz / 1000); // 1 ms of simulated time
    const quantum q = config.quantum_setting();
    if (q.of == quantum::unit::insn)
        c.quantum_insns = q.count;
    else if (q.of == quantum::unit::cycles)
        c.quantum_cycles = q.count;
    else if (q.of == quantum::unit::ns)
        c.quantum_cycles = std::max<std::uint64_t>(
            1, static_cast<std::uint64_t>(static_cast<double>(q.count) * 1e-9 * static_cast<double>(clock_hz)));
    return c;
}

struct cpu_features features_of(const configuration &config)
{
    struct cpu_features features = config.features();
    if (!config.boolean("lapic.x2apic"))
        features.has[CPU_FEATURE_x2apic] = false;
    return features;
}

struct lapic_config lapic_config_of(const configuration &config, std::uint32_t index)
{
    struct lapic_config c = {};
    c.apic_id = index;
    c.bsp = index == 0;
    c.x2apic = features_of(config).has[CPU_FEATURE_x2apic];
    c.tsc_deadline = features_of(config).has[CPU_FEATURE_tsc_deadline];
    c.focus_checking = config.boolean("lapic.focus_checking");
    c.physical_address_width = static_cast<std::uint8_t>(config.integer("cpu.physical_address_width"));
    c.timer_cycles_per_tick = static_cast<std::uint32_t>(config.integer("lapic.timer_cycles_per_tick"));
    return c;
}

apic_event trace_name(lapic_event::kind_t kind)
{
    switch (kind) {
    case lapic_event::SENT: return apic_event::sent;
    case lapic_event::ARRIVED: return apic_event::arrived;
    case lapic_event::DROPPED: return apic_event::dropped;
    case lapic_event::TIMER: break;
    }
    return apic_event::timer;
}

} // namespace

// On a mesh cache lines travel as messages do, from tile to tile.
void platform::give_lines_their_way(struct timing_setup &setup)
{
    setup.distance_ctx = this;
    setup.distance = [](void *self, std::uint32_t from, std::uint32_t to) {
        const auto *mesh = &static_cast<const platform *>(self)->m_interconnect_config.mesh;
        return mesh_distance(mesh, mesh_tile_of(mesh, from), mesh_tile_of(mesh, to));
    };
    setup.slice_distance = [](void *self, std::uint32_t core, std::uint64_t line) {
        const auto *mesh = &static_cast<const platform *>(self)->m_interconnect_config.mesh;
        return mesh_distance(mesh, mesh_tile_of(mesh, core), mesh_home_of(mesh, line));
    };
    setup.send_between = [](void *self, std::uint32_t from, std::uint32_t to, std::uint64_t cycle) {
        auto *p = static_cast<platform *>(self);
        const auto *mesh = &p->m_interconnect_config.mesh;
        return p->line_way(mesh_tile_of(mesh, from), mesh_tile_of(mesh, to), cycle);
    };
    setup.send_slice = [](void *self, std::uint32_t core, std::uint64_t line, bool to_core, std::uint64_t cycle) {
        auto *p = static_cast<platform *>(self);
        const auto *mesh = &p->m_interconnect_config.mesh;
        const std::uint32_t slice = mesh_home_of(mesh, line), tile = mesh_tile_of(mesh, core);
        return p->line_way(to_core ? slice : tile, to_core ? tile : slice, cycle);
    };
}

// A model that asks in its create, before anything moves, meets no other line.
std::uint32_t platform::line_way(std::uint32_t from, std::uint32_t to, std::uint64_t cycle)
{
    return m_interconnect ? m_interconnect->line(from, to, cycle)
                          : mesh_distance(&m_interconnect_config.mesh, from, to);
}

platform::platform(const sc_core::sc_module_name &name, const configuration &config, const run_options &options,
                   std::FILE *guest_output, const volatile std::sig_atomic_t *interrupted)
    : sc_core::sc_module(name), m_config(config), m_options(options), m_interrupted(interrupted),
      m_clock_hz(config.integer("cpu.clock_hz")), m_period(period_of(m_clock_hz)),
      m_layout(config.integer("platform.memory_bytes")),
      m_core_count(static_cast<std::uint32_t>(config.integer("platform.cores"))),
      m_code_map(cpu_code_map_create(m_layout.top())), m_interconnect_config(interconnect_config_of(config)),
      m_keeper(keeper_config(config)), m_console(guest_output), m_input(config.text("console.input"), interrupted),
      m_progress(options.quiet ? progress_mode::off : options.progress),
      m_timeline(options.trace_path.empty() ? nullptr
                                            : std::make_unique<timeline>(options.trace_path, m_core_count, m_clock_hz)),
      m_guest_trace(m_core_count, m_timeline.get()), m_ram("ram", config.integer("platform.memory_bytes")),
      m_ram_core(m_ram.core()), m_bus("bus"), m_io_bus("io_bus"),
      m_com1([this](unsigned char c) { m_console.put(c); },
             [this](bool level, std::uint64_t ps) { m_router->set_irq(IRQ_COM1, level, ps); }, &m_input),
      m_debug([this](unsigned char c) { m_console.put(c); }), m_exit([this](std::uint32_t value, std::uint64_t ps) {
          request_end(cycle_of_ps(ps), end_reason::guest_exit, value);
      }),
      m_pic_master(true), m_pic_slave(false),
      m_ioapic(static_cast<std::uint8_t>(m_core_count & 0xf),
               [this](const struct ipi_msg &msg, std::uint64_t ps) { return m_router->send(msg, ps); }),
      m_msi([this](const struct ipi_msg &msg, std::uint64_t ps) { return m_router->send(msg, ps); }),
      m_trace_port("trace_port",
                   [this](std::uint32_t core, enum guest_event kind, std::uint32_t value, const sc_core::sc_time &at) {
                       m_guest_trace.event(core, kind, value, at.value() / m_period.value());
                   }),
      m_uintr("uintr", m_core_count), m_end_changed("end_changed"), m_alone_cycles(m_keeper.config().alone_cycles)
{
    if (m_period.to_seconds() == 0 || sc_core::sc_get_time_resolution() != sc_core::sc_time(1, sc_core::SC_FS))
        throw std::logic_error("the SystemC time resolution must be 1 fs");
    if (!m_code_map)
        throw user_error(fmt::format("platform.memory_bytes = {}: no memory for the code map", m_layout.top()));
    std::vector<double> values = config.timing_values();
    struct timing_setup setup = {};
    setup.cores = m_core_count;
    setup.clock_hz = m_clock_hz;
    setup.values = values.data();
    if (m_interconnect_config.mesh.rows != 0)
        give_lines_their_way(setup);
    std::array<char, 512> error{};
    const std::string &chosen = m_timing.name = config.text("timing.model");
    if (!crash_guard::call("timing model " + chosen, "in create", [&] {
            return timing_create(&m_timing.model, config.timing_model(), &setup, error.data(), error.size());
        })) {
        const std::string place = config.blame(error.data());
        throw user_error(fmt::format("{}timing model {}: {}", place.empty() ? config.blame("timing.model") : place,
                                     chosen, error.data()));
    }
    if (!options.itrace_path.empty())
        m_insn_trace = std::make_unique<insn_trace>(options.itrace_path);
    if (!options.opcodes_path.empty())
        m_opcode_log = std::make_unique<opcode_log>(options.opcodes_path);
    build_lint();

    for (std::uint32_t i = 0; i < m_core_count; i++)
        build_core(i);
    std::vector<struct lapic *> apics;
    for (const auto &l : m_lapics)
        apics.push_back(l->core());
    m_interconnect = std::make_unique<interconnect_module>("interconnect", m_interconnect_config, apics, m_period,
                                                           &m_timing.model, 1);
    build_devices();
    connect_console();
    bind();
    m_uintr.record_out.bind(*this);

    SC_HAS_PROCESS(platform);
    SC_METHOD(stop_when_due);
}

platform::~platform() = default;

struct cpu_module_config platform::core_config(std::uint32_t index) const
{
    struct cpu_module_config c = {};
    c.core.index = index;
    c.core.cores = m_core_count;
    c.core.apic_id = index;
    c.core.bsp = index == 0;
    c.core.clock_hz = m_clock_hz;
    c.core.timer_cycles_per_tick = static_cast<std::uint32_t>(m_config.integer("lapic.timer_cycles_per_tick"));
    c.core.features = features_of(m_config);
    c.core.physical_address_width = static_cast<std::uint8_t>(m_config.integer("cpu.physical_address_width"));
    c.period = m_period;
    c.trace_insns = m_insn_trace != nullptr || m_lint != nullptr;
    c.trace_mem = m_lint != nullptr;
    c.trace_events = m_timeline != nullptr || m_lint != nullptr;
    return c;
}

void platform::build_core(std::uint32_t index)
{
    m_lapics.push_back(std::make_unique<lapic_module>(fmt::format("lapic{}", index).c_str(),
                                                      lapic_config_of(m_config, index), m_period));
    m_cores.push_back(std::make_unique<cpu_module>(fmt::format("cpu{}", index).c_str(), core_config(index), m_keeper,
                                                   m_code_map.get(), &m_timing.model,
                                                   static_cast<cpu_observer &>(*this)));
    if (m_opcode_log)
        m_opcode_log->watch(m_cores.back()->core());
    lapic_module &lapic = *m_lapics.back();
    lapic.on_user_arrival = [this, index](std::uint64_t number, std::uint64_t cycle) {
        m_uintr.arrived(number, index, cycle);
    };
    lapic.on_enabled = [this](std::uint64_t cycle) { m_ioapic.retry(ps_of_cycle(cycle)); };
    if (m_timeline)
        lapic.on_event = [this, index](const lapic_event &event) {
            m_timeline->apic(index, trace_name(event.kind), event.cycle, event.msg);
        };
}

device_module &platform::add_device(const char *name, device &target, address_bus &bus, std::uint64_t first)
{
    m_devices.push_back(std::make_unique<device_module>(name, target));
    bus.attach(m_devices.back()->tsock, first, target.size());
    return *m_devices.back();
}

void platform::build_devices()
{
    std::vector<lapic_module *> lapics;
    for (const auto &l : m_lapics)
        lapics.push_back(l.get());
    m_router = std::make_unique<irq_router>("irq_router", m_pic_master, m_pic_slave, m_pit, m_ioapic, lapics, m_keeper,
                                            m_period);
    m_router->message_isock.bind(*m_interconnect->message_tsock[0]);
    // Whoever feels it may act from `arrives` on, so every core that is running stops there.
    m_router->on_sent = [this](std::uint64_t sent, std::uint64_t arrives) {
        for (const auto &c : m_cores)
            c->ipi_sent(sent, arrives);
    };
    m_router->on_idle = [this](std::uint64_t cycle) { all_idle(cycle); };
    unsigned ram = m_bus.attach(m_ram.mem_tsock, 0, m_layout.low_bytes);
    if (m_layout.high_bytes != 0)
        m_bus.map(ram, HIGH_RAM_FIRST, m_layout.high_bytes, m_layout.low_bytes);
    m_router->watch(add_device("ioapic", m_ioapic, m_bus, IOAPIC_BASE));
    add_device("msi", m_msi, m_bus, MSI_FIRST);
    m_router->watch(add_device("pic_master", m_pic_master, m_io_bus, PORT_PIC_MASTER));
    m_router->watch(add_device("pic_slave", m_pic_slave, m_io_bus, PORT_PIC_SLAVE));
    m_router->watch(add_device("pit", m_pit, m_io_bus, PORT_PIT));
    add_device("rtc", m_rtc, m_io_bus, PORT_RTC);
    add_device("debug_port", m_debug, m_io_bus, PORT_DEBUG);
    add_device("exit_port", m_exit, m_io_bus, PORT_EXIT);
    device_module &com1 = add_device("com1", m_com1, m_io_bus, PORT_COM1);
    m_com1_timer = std::make_unique<device_timer>("com1_timer", m_keeper, DEVICE_COM1, m_period);
    m_com1_timer->next_ps = [this] { return m_com1.next_ps(); };
    m_com1_timer->act = [this](std::uint64_t now_ps) { m_com1.look(now_ps); };
    m_com1_timer->on_sent = m_router->on_sent;
    m_com1_timer->on_idle = m_router->on_idle;
    com1.after_access = [this](std::uint64_t now_ps) { m_com1_timer->plan(now_ps); };
    m_io_bus.attach(m_trace_port.tsock, PORT_TRACE, trace_port::SIZE);
    build_block();
}

void platform::bind()
{
    for (std::uint32_t i = 0; i < m_core_count; i++) {
        cpu_module &core = *m_cores[i];
        lapic_module &lapic = *m_lapics[i];
        core.mem_isock.bind(m_bus.tsock);
        core.io_isock.bind(m_io_bus.tsock);
        core.apic_isock.bind(lapic.mmio_tsock);
        core.lapic_port.bind(lapic);
        lapic.core_port.bind(core);
        lapic.ipi_isock.bind(*m_interconnect->ipi_tsock[i]);
        m_interconnect->ipi_isock[i]->bind(lapic.ipi_tsock);
    }
}

void platform::boot()
{
    auto write = [this](std::uint64_t physical, const void *bytes, std::uint64_t size) {
        if (mem_write(m_ram_core, physical, bytes, size) != MEM_OK)
            throw std::logic_error("the loader wrote outside of RAM");
    };
    const boot_result result = load_multiboot(m_options.boot, m_layout, write);
    const auto acpi = acpi_tables({m_core_count, m_core_count & 0xf}, static_cast<std::uint32_t>(ACPI_FIRST));
    write(ACPI_FIRST, acpi.data(), acpi.size());
    cpu_start_multiboot(m_cores[0]->core(), result.entry, MULTIBOOT_BOOT_MAGIC, result.info);
    set_firmware_state();
    if (m_timeline)
        m_timeline->core_event(0, CPU_TRACE_CPL, 0, 0, 0);
}

// What a PC's firmware leaves behind: memory types on every core, the 8259s initialised and masked, the first core in
// virtual wire mode (MultiProcessor Specification 1.4, "Virtual Wire Mode").
void platform::set_firmware_state()
{
    for (const auto &c : m_cores)
        cpu_set_memory_types(c->core(), HOLE_FIRST);
    constexpr std::uint8_t ICW1 = 0x11, ICW4 = 0x01, CASCADE_LINE = 2;
    const auto start = [](pic8259 &pic, std::uint8_t base, std::uint8_t cascade) {
        for (std::uint32_t word : {std::uint32_t{base}, std::uint32_t{cascade}, std::uint32_t{ICW4}, 0xffu}) {
            if (word == base)
                pic.write(0, 1, ICW1, 0);
            pic.write(1, 1, word, 0);
        }
    };
    start(m_pic_master, 0x08, 1u << CASCADE_LINE);
    start(m_pic_slave, 0x70, CASCADE_LINE);

    constexpr std::uint32_t SVR = 0xf0, LINT0 = 0x350, LINT1 = 0x360;
    constexpr std::uint32_t ENABLED_SPURIOUS_FF = 0x1ff, EXTINT = 0x700, NMI = 0x400;
    struct lapic *first = m_lapics[0]->core();
    lapic_mmio_write(first, SVR, 4, ENABLED_SPURIOUS_FF, 0);
    lapic_mmio_write(first, LINT0, 4, EXTINT, 0);
    lapic_mmio_write(first, LINT1, 4, NMI, 0);
}

// --- the run and its end ---

sc_core::sc_time platform::time_of(std::uint64_t cycle) const
{
    return sc_core::sc_time::from_value(m_period.value() * cycle);
}

// Rounds to the nearest cycle: the picoseconds come from a time that was a whole number of cycles.
std::uint64_t platform::cycle_of_ps(std::uint64_t ps) const
{
    const std::uint64_t period_fs = FS_PER_SECOND / m_clock_hz;
    return ps / period_fs * 1000 + (ps % period_fs * 1000 + period_fs - 1) / period_fs;
}

std::uint64_t platform::ps_of_cycle(std::uint64_t cycle) const
{
    const std::uint64_t period_fs = FS_PER_SECOND / m_clock_hz;
    return cycle / 1000 * period_fs + cycle % 1000 * period_fs / 1000;
}

std::uint64_t platform::time_ps() const { return ps_of_cycle(m_end.cycle); }

std::uint64_t platform::instructions() const
{
    std::uint64_t sum = 0;
    for (const auto &c : m_cores)
        sum += cpu_stats(c->core())->instructions;
    return sum;
}

void platform::simulate()
{
    request_end(cycle_of_ps(LONGEST_TIME_PS), end_reason::end_of_time);
    if (m_options.max_time_ps != 0)
        request_end(cycle_of_ps(m_options.max_time_ps), end_reason::max_time);
    if (m_options.max_insns != 0)
        m_keeper.set_alone_cycles(std::min(m_alone_cycles, m_options.max_insns));
    // Another platform of the same simulation pauses it at its own end. In slices, so that the user can stop what wakes
    // no core, such as a device's timer, and type.
    const sc_core::sc_time slice(1, sc_core::SC_MS);
    while (!m_is_over && sc_core::sc_get_status() != sc_core::SC_STOPPED) {
        sc_core::sc_start(slice, sc_core::SC_RUN_TO_TIME);
        if (!m_is_over)
            serve_console();
        check_interrupted(m_keeper.latest());
        if (!m_is_over && !sc_core::sc_pending_activity() && !can_wait_for_input())
            break;
    }
    m_input.restore_terminal();
    m_progress.finish();
    m_host_seconds = m_progress.seconds();
    m_console.flush();
    if (m_end.reason == end_reason::none)
        throw std::logic_error("the simulation stopped without a reason");
    for (const auto &c : m_cores)
        c->finish(m_end.cycle);
    m_uintr.finish();
    if (m_internal_error)
        std::rethrow_exception(m_internal_error);
}

// The earliest end counts: a core that is behind may yet end the run before this one did.
void platform::request_end(std::uint64_t cycle, end_reason reason, std::uint32_t value)
{
    if (cycle >= m_end.cycle)
        return;
    m_end = run_end{reason, cycle, value};
    m_keeper.end_at(cycle);
    if (sc_core::sc_get_status() >= sc_core::SC_RUNNING)
        m_end_changed.notify(sc_core::SC_ZERO_TIME);
}

// Cores that are behind the end run up to it; then simulated time reaches it and simulate() returns.
void platform::stop_when_due()
{
    if (m_end.reason == end_reason::none || m_end.cycle > UINT64_MAX / m_period.value()) {
        next_trigger(m_end_changed);
        return;
    }
    const sc_core::sc_time due = time_of(m_end.cycle), now = sc_core::sc_time_stamp();
    if (due > now) {
        next_trigger(due - now, m_end_changed);
        return;
    }
    m_is_over = true;
    sc_core::sc_pause();
    next_trigger(m_end_changed);
}

void platform::synced(std::uint32_t, std::uint64_t cycle)
{
    m_progress.tick(cycle / 1000 * (FS_PER_SECOND / m_clock_hz), [this] { return instructions(); });
    if (m_options.max_insns != 0) {
        const std::uint64_t done = instructions();
        if (done >= m_options.max_insns)
            request_end(cycle, end_reason::max_insns);
        else // but for OUT to the trace port none takes less than a cycle: an undisturbed core hardly overshoots
            m_keeper.set_alone_cycles(std::min(m_alone_cycles, m_options.max_insns - done));
    }
    check_interrupted(cycle);
}

void platform::check_interrupted(std::uint64_t cycle)
{
    if (m_interrupted != nullptr && *m_interrupted != 0)
        request_end(cycle, end_reason::interrupted);
}

void platform::shut_down(std::uint32_t core, std::uint64_t cycle) { request_end(cycle, end_reason::shutdown, core); }

void platform::all_idle(std::uint64_t cycle)
{
    if (!can_wait_for_input())
        request_end(cycle, end_reason::all_idle);
}

// --- observing ---

void platform::uintr_step(std::uint32_t core, enum uintr_step step, const struct uintr_step_info &info,
                          std::uint64_t cycle, std::uint64_t pd)
{
    if (step == UINTR_STEP_NOTIFIED && lapic_acked_own_ipi(m_lapics[core]->core()))
        m_uintr.own_ipi(core);
    if (step == UINTR_STEP_DELIVERED)
        m_uintr.receiver(core, cpu_user_since(m_cores[core]->core()), m_guest_trace.woken(core));
    m_uintr.step(core, step, info, cycle, pd);
    if (m_lint)
        m_lint->step(core, step, info);
}

std::uint64_t platform::uintr_number(std::uint32_t core) { return m_uintr.number_for_ipi(core); }

void platform::write(const uintr_report &report)
{
    // Called from inside a core, which is C: the exception has to wait for the end of the run.
    try {
        m_stages.add(report.record);
    } catch (const std::logic_error &) {
        if (!m_internal_error)
            m_internal_error = std::current_exception();
    }
    if (m_timeline)
        m_timeline->user_interrupt(report.record);
}

void platform::trace_insn(std::uint32_t core, const struct cpu_trace_insn &insn)
{
    if (m_insn_trace)
        m_insn_trace->add(core, insn);
    if (m_lint)
        m_lint->insn(core, insn);
}

void platform::trace_mem(std::uint32_t core, const struct cpu_trace_mem &access) { m_lint->mem(core, access); }

void platform::unimplemented(std::uint32_t core, std::uint64_t rip, const std::uint8_t *bytes, std::uint32_t length,
                             const char *name)
{
    const std::string text = m_missing.text(rip, bytes, length, name);
    if (!text.empty())
        SC_REPORT_WARNING(("core " + std::to_string(core)).c_str(), text.c_str());
}

void platform::trace_event(std::uint32_t core, enum cpu_trace_event event, std::uint32_t detail, std::uint64_t value,
                           std::uint64_t cycle)
{
    if (m_timeline)
        m_timeline->core_event(core, event, detail, value, cycle);
    if (m_lint && event == CPU_TRACE_CPL)
        m_lint->cpl_changed(core, detail);
}

void platform::eoi_broadcast(std::uint8_t vector, std::uint64_t cycle) { m_ioapic.eoi(vector, ps_of_cycle(cycle)); }

std::uint8_t platform::inta(std::uint64_t cycle) { return m_router->inta(ps_of_cycle(cycle)); }

void platform::close_traces()
{
    m_guest_trace.finish(m_end.cycle);
    if (m_timeline)
        m_timeline->finish(m_end.cycle);
    if (m_insn_trace)
        m_insn_trace->finish();
    if (m_opcode_log)
        m_opcode_log->finish();
}

} // namespace vp
