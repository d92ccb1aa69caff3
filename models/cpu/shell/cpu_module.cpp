// SPDX-License-Identifier: Apache-2.0
// The thread of a core: slices of cpu_run between synchronisations, waiting while halted. See lookahead.h for the rule
// that makes arrivals exact, cpu_bus.cpp for everything the core reaches.
#include "cpu_module.h"

#include <algorithm>
#include <stdexcept>

cpu_module::cpu_module(const sc_core::sc_module_name &name, const cpu_module_config &config, lookahead &keeper,
                       struct cpu_code_map *code_map, const struct timing *timing, cpu_observer &observer)
    : sc_core::sc_module(name), mem_isock("mem_isock"), io_isock("io_isock"), apic_isock("apic_isock"),
      lapic_port("lapic_port"), m_config(config), m_keeper(keeper), m_observer(observer), m_wake("wake")
{
    const struct cpu_bus bus = make_bus();
    m_cpu = cpu_create(&m_config.core, &bus, code_map, timing);
    if (m_cpu == nullptr)
        throw std::invalid_argument(std::string(this->name()) + ": the core refuses its configuration");
    mem_isock.register_invalidate_direct_mem_ptr(this, &cpu_module::invalidate_direct_mem_ptr);
    SC_HAS_PROCESS(cpu_module);
    SC_THREAD(run);
}

cpu_module::~cpu_module() { cpu_destroy(m_cpu); }

// --- time ---

sc_core::sc_time cpu_module::time_of(std::uint64_t cycle) const
{
    return sc_core::sc_time::from_value(m_config.period.value() * cycle);
}

// Rounds up: the first cycle at or after `time`.
std::uint64_t cpu_module::cycle_of(const sc_core::sc_time &time) const
{
    std::uint64_t period = m_config.period.value();
    return (time.value() + period - 1) / period;
}

sc_core::sc_time cpu_module::local_delay() const
{
    sc_core::sc_time local = time_of(cpu_now(m_cpu));
    sc_core::sc_time now = sc_core::sc_time_stamp();
    return local > now ? local - now : sc_core::SC_ZERO_TIME;
}

void cpu_module::sync()
{
    sc_core::sc_time delay = local_delay();
    if (delay != sc_core::SC_ZERO_TIME)
        wait(delay);
}

// --- the thread ---

void cpu_module::run()
{
    while (cpu_now(m_cpu) < m_keeper.end()) {
        lapic_port->advance(cpu_now(m_cpu));
        cpu_signal_interrupt(m_cpu);
        if (cpu_is_waiting(m_cpu))
            wait_until_woken();
        else
            run_slice();
    }
}

// Runs up to the limit that the keeper allows, in pieces: each piece ends where the APIC next has something to do.
void cpu_module::run_slice()
{
    const std::uint32_t index = m_config.core.index;
    std::uint64_t now = cpu_now(m_cpu);
    m_keeper.set_running(index, now);
    m_slice_end = m_keeper.run_limit(index, now);

    // Quanta of n instructions: steps to the next boundary, while somebody else runs who could tell the difference.
    std::uint64_t steps = m_keeper.is_alone(index) ? 0 : m_keeper.config().quantum_insns;
    bool by_insn = steps != 0;
    enum cpu_stop stop = CPU_STOP_UNTIL;
    for (;;) {
        std::uint64_t until = std::min(m_slice_end, lapic_port->next_event());
        until = by_insn ? now + 1 : std::max(until, now + 1);
        m_run_until = until;
        m_running = true;
        stop = cpu_run(m_cpu, until);
        m_running = false;
        now = cpu_now(m_cpu);
        m_passed = std::min(m_run_until, now);
        m_slice_end = std::min(m_slice_end, m_keeper.end()); // the core may have ended the run
        if (stop != CPU_STOP_UNTIL || now >= m_slice_end || (by_insn && --steps == 0))
            break;
        lapic_port->advance(now);
        cpu_signal_interrupt(m_cpu);
    }
    m_keeper.set_running(index, now);
    if (stop == CPU_STOP_SHUTDOWN)
        m_observer.shut_down(index, now);
    m_observer.synced(index, now);
    // A core that halts before its limit waits for its event at once; past it, arrivals up to `now` may yet be unknown.
    if (stop == CPU_STOP_UNTIL || now >= m_slice_end)
        sync();
}

// HLT, MWAIT, UMWAIT, TPAUSE, wait-for-SIPI: costs nothing. The event is notified for the cycle of the next thing that
// can wake the core, and again by wake() if something earlier turns up.
void cpu_module::wait_until_woken()
{
    const std::uint32_t index = m_config.core.index;
    const std::uint64_t local = cpu_now(m_cpu);
    const std::uint64_t next = std::min(lapic_port->next_wake(cpu_listens(m_cpu)), cpu_wake_cycle(m_cpu));
    m_keeper.set_waiting(index, local, next);
    if (m_keeper.is_all_idle())
        m_observer.all_idle(m_keeper.latest());

    m_wake.cancel();
    if (next != CYCLE_NEVER)
        notify_wake(std::max(next, local));
    m_waiting = true;
    wait(m_wake);
    m_waiting = false;
    // Time may lag behind a core that halted in the middle of its slice.
    cpu_idle_until(m_cpu, std::max(local, cycle_of(sc_core::sc_time_stamp())));
}

// An earlier notification overrides a later one; a later one is ignored (IEEE 1666, "sc_event").
void cpu_module::notify_wake(std::uint64_t cycle)
{
    if (cycle > UINT64_MAX / m_config.period.value())
        return; // after the end of time
    sc_core::sc_time at = time_of(cycle);
    sc_core::sc_time now = sc_core::sc_time_stamp();
    m_wake.notify(at > now ? at - now : sc_core::SC_ZERO_TIME);
}

void cpu_module::finish(std::uint64_t cycle)
{
    if (!cpu_is_waiting(m_cpu) || cpu_now(m_cpu) >= cycle)
        return;
    cpu_idle_until(m_cpu, cycle);
    lapic_port->advance(cycle); // expiries that could not wake it
}

// --- called by the local APIC ---

void cpu_module::nmi() { cpu_signal_nmi(m_cpu); }
void cpu_module::init() { cpu_signal_init(m_cpu); }
void cpu_module::startup(std::uint8_t vector) { cpu_signal_startup(m_cpu, vector); }
void cpu_module::eoi_broadcast(std::uint8_t vector) { m_observer.eoi_broadcast(vector, cpu_now(m_cpu)); }
std::uint8_t cpu_module::inta() { return m_observer.inta(cpu_now(m_cpu)); }

// Another core may act on this IPI from `arrives` on, so it must catch up by then.
void cpu_module::ipi_sent(std::uint64_t, std::uint64_t arrives)
{
    m_slice_end = std::min(m_slice_end, arrives);
    limit_run(arrives);
}

void cpu_module::wake(std::uint64_t at)
{
    if (m_waiting) {
        m_keeper.set_wake(m_config.core.index, at);
        notify_wake(std::max(at, cpu_now(m_cpu)));
    } else if (m_running) {
        limit_run(at); // from this core itself
    } else if (at < m_passed) {
        m_keeper.count_late(cpu_now(m_cpu) - at); // only with a quantum longer than the lookahead
    }
}

void cpu_module::limit_run(std::uint64_t until)
{
    if (m_running && until < m_run_until) {
        m_run_until = until;
        cpu_limit(m_cpu, until);
    }
}
