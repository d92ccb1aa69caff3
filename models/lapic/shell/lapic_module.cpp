// SPDX-License-Identifier: Apache-2.0
// See lapic_module.h. Every entry from the core first delivers what is due, so that the C core sees time in order; what
// the entry itself sent to this APIC (a self-IPI) is queued by ipi_tsock and delivered right after it.
#include "lapic_module.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>

// Static functions with C signatures; ctx is the module. core_port may be unbound: an APIC without a core.
struct lapic_bus_callbacks {
    static lapic_module &self(void *ctx) { return *static_cast<lapic_module *>(ctx); }
    static lapic_core_if *core(void *ctx) { return self(ctx).core_port.size() != 0 ? self(ctx).core_port[0] : nullptr; }

    static void send(void *ctx, const struct ipi_msg *msg) { self(ctx).send(*msg); }
    static void nmi(void *ctx)
    {
        if (core(ctx) != nullptr)
            core(ctx)->nmi();
    }
    static void init(void *ctx)
    {
        if (core(ctx) != nullptr)
            core(ctx)->init();
    }
    static void startup(void *ctx, std::uint8_t vector)
    {
        if (core(ctx) != nullptr)
            core(ctx)->startup(vector);
    }
    static void eoi_broadcast(void *ctx, std::uint8_t vector)
    {
        if (core(ctx) != nullptr)
            core(ctx)->eoi_broadcast(vector);
    }
    static std::uint8_t inta(void *ctx) { return core(ctx) != nullptr ? core(ctx)->inta() : std::uint8_t{0xff}; }
};

lapic_module::lapic_module(const sc_core::sc_module_name &name, const struct lapic_config &config,
                           const sc_core::sc_time &period)
    : sc_core::sc_module(name), mmio_tsock("mmio_tsock"), ipi_isock("ipi_isock"), ipi_tsock("ipi_tsock"),
      core_port("core_port"), m_period(period.value())
{
    using cb = lapic_bus_callbacks;
    const struct lapic_bus bus = {this, cb::send, cb::nmi, cb::init, cb::startup, cb::eoi_broadcast, cb::inta};
    if (m_period == 0)
        throw std::invalid_argument(std::string(this->name()) + ": the clock period is zero");
    m_lapic = lapic_create(&config, &bus);
    if (m_lapic == nullptr)
        throw std::invalid_argument(std::string(this->name()) + ": the local APIC refuses its configuration");
    mmio_tsock.register_b_transport(this, &lapic_module::mmio_transport);
    mmio_tsock.register_transport_dbg(this, &lapic_module::mmio_debug);
    ipi_tsock.register_b_transport(this, &lapic_module::ipi_transport);
}

lapic_module::~lapic_module() { lapic_destroy(m_lapic); }

// --- time ---

sc_core::sc_time lapic_module::time_of(std::uint64_t cycle) const
{
    return sc_core::sc_time::from_value(m_period * cycle);
}

// An access by the core: cores only act on their own clock's edges.
std::uint64_t lapic_module::exact_cycle(const sc_core::sc_time &delay) const
{
    const std::uint64_t time = (sc_core::sc_time_stamp() + delay).value();
    VP_ASSERT(time % m_period == 0);
    return time / m_period;
}

// A message, which may come from a device with another clock: the first edge at or after it.
std::uint64_t lapic_module::first_cycle(const sc_core::sc_time &delay) const
{
    const std::uint64_t time = (sc_core::sc_time_stamp() + delay).value();
    return time / m_period + (time % m_period != 0 ? 1 : 0);
}

std::uint64_t lapic_module::first_arrival() const { return m_queue.empty() ? VP_NEVER : m_queue.top().cycle; }

std::uint64_t lapic_module::next_event() { return std::min(lapic_next_deadline(m_lapic), first_arrival()); }

std::uint64_t lapic_module::next_wake(bool listens)
{
    return listens ? std::min(lapic_next_interrupt(m_lapic), first_arrival()) : first_arrival();
}

void lapic_module::advance(std::uint64_t now)
{
    while (!m_queue.empty() && m_queue.top().cycle <= now) {
        const arrival a = m_queue.top();
        m_queue.pop();
        deliver(a);
    }
    advance_timer(now);
}

void lapic_module::advance_timer(std::uint64_t cycle)
{
    if (on_event)
        for (std::uint64_t at = lapic_next_deadline(m_lapic); at <= cycle && at != VP_NEVER;
             at = lapic_next_deadline(m_lapic)) {
            lapic_advance(m_lapic, at);
            emit(lapic_event::TIMER, at, nullptr);
        }
    lapic_advance(m_lapic, cycle);
    m_advanced = std::max(m_advanced, cycle);
}

void lapic_module::deliver(const arrival &a)
{
    const std::uint64_t at = std::max(a.cycle, m_advanced); // a late one is felt from now on
    advance_timer(at);
    if (a.is_pin) {
        lapic_set_pin(m_lapic, a.pin, m_wires[a.pin - LAPIC_LVT_LINT0], at);
        return;
    }
    const bool accepted = lapic_accept(m_lapic, &a.msg, at);
    emit(accepted ? lapic_event::ARRIVED : lapic_event::DROPPED, at, &a.msg);
    if (accepted && a.msg.number != 0 && on_user_arrival)
        on_user_arrival(a.msg.number, at);
}

void lapic_module::tell_if_enabled(bool before, std::uint64_t now)
{
    if (!before && on_enabled && lapic_accepts_fixed(m_lapic))
        on_enabled(now);
}

void lapic_module::emit(lapic_event::kind_t kind, std::uint64_t cycle, const struct ipi_msg *msg)
{
    if (on_event)
        on_event(lapic_event{kind, cycle, msg});
}

// --- called by the core ---

std::uint8_t lapic_module::ack(std::uint64_t &number, std::uint64_t &arrived_at)
{
    return lapic_ack(m_lapic, &number, &arrived_at);
}

bool lapic_module::msr_read(std::uint32_t msr, std::uint64_t now, std::uint64_t &value)
{
    advance(now);
    return lapic_msr_read(m_lapic, msr, now, &value) == VP_OK;
}

bool lapic_module::msr_write(std::uint32_t msr, std::uint64_t now, std::uint64_t value)
{
    advance(now);
    const std::uint64_t expiries = stats().timer_expiries;
    const bool accepted = lapic_accepts_fixed(m_lapic);
    const bool ok = lapic_msr_write(m_lapic, msr, value, now) == VP_OK;
    if (stats().timer_expiries != expiries)
        emit(lapic_event::TIMER, now, nullptr); // a deadline in the past
    advance(now);
    tell_if_enabled(accepted, now);
    return ok;
}

void lapic_module::send_user_ipi(std::uint32_t ndst, std::uint8_t nv, std::uint64_t number, std::uint64_t now)
{
    advance(now);
    lapic_send_user_ipi(m_lapic, ndst, nv, number, now);
    advance(now);
}

void lapic_module::set_tsc_offset(std::uint64_t offset, std::uint64_t now)
{
    advance(now);
    lapic_set_tsc_offset(m_lapic, offset, now);
}

// --- register page ---

void lapic_module::mmio_transport(tlm::tlm_generic_payload &payload, sc_core::sc_time &delay)
{
    const std::uint64_t offset = payload.get_address();
    const std::uint32_t size = payload.get_data_length();
    payload.set_dmi_allowed(false);
    if (offset >= LAPIC_MMIO_SIZE || size > LAPIC_MMIO_SIZE - offset) {
        payload.set_response_status(tlm::TLM_ADDRESS_ERROR_RESPONSE);
        return;
    }
    if (payload.get_byte_enable_ptr() != nullptr) {
        payload.set_response_status(tlm::TLM_BYTE_ENABLE_ERROR_RESPONSE);
        return;
    }
    if (size == 0 || payload.get_streaming_width() < size) {
        payload.set_response_status(tlm::TLM_BURST_ERROR_RESPONSE);
        return;
    }
    const std::uint64_t now = exact_cycle(delay);
    std::uint64_t value = 0;
    const std::size_t bytes = std::min<std::size_t>(size, sizeof value); // wider accesses are undefined: zeros
    advance(now);
    const bool accepted = lapic_accepts_fixed(m_lapic);
    if (payload.is_read()) {
        value = lapic_mmio_read(m_lapic, static_cast<std::uint32_t>(offset), size, now);
        std::memset(payload.get_data_ptr(), 0, size);
        std::memcpy(payload.get_data_ptr(), &value, bytes);
    } else if (payload.is_write()) {
        std::memcpy(&value, payload.get_data_ptr(), bytes);
        lapic_mmio_write(m_lapic, static_cast<std::uint32_t>(offset), size, value, now);
    }
    advance(now);
    tell_if_enabled(accepted, now);
    payload.set_response_status(tlm::TLM_OK_RESPONSE);
}

// Reads only: there is no write without side effects. Registers fill the first 4 of each 16 bytes.
unsigned int lapic_module::mmio_debug(tlm::tlm_generic_payload &payload)
{
    if (!payload.is_read() || payload.get_address() >= LAPIC_MMIO_SIZE)
        return 0;
    const auto offset = static_cast<std::uint32_t>(payload.get_address());
    const std::uint32_t size = std::min(payload.get_data_length(), LAPIC_MMIO_SIZE - offset);
    const std::uint64_t now = std::max(m_advanced, first_cycle(sc_core::SC_ZERO_TIME));
    for (std::uint32_t i = 0; i < size; i++) {
        const std::uint32_t at = offset + i;
        const std::uint32_t reg = lapic_debug_read(m_lapic, at & ~0xfu, now);
        payload.get_data_ptr()[i] = at % 16 < 4 ? static_cast<unsigned char>(reg >> 8 * (at % 4)) : 0;
    }
    return size;
}

// --- messages ---

void lapic_module::ipi_transport(tlm::tlm_generic_payload &payload, sc_core::sc_time &delay)
{
    if (!payload.is_write() || payload.get_data_length() != sizeof(struct ipi_msg)) {
        payload.set_response_status(tlm::TLM_COMMAND_ERROR_RESPONSE);
        return;
    }
    arrival a = {first_cycle(delay), m_order++, {}, false, LAPIC_LVT_LINT0};
    std::memcpy(&a.msg, payload.get_data_ptr(), sizeof a.msg);
    queue(a);
    payload.set_response_status(tlm::TLM_OK_RESPONSE);
}

void lapic_module::set_pin(enum lapic_lvt pin, bool asserted, std::uint64_t cycle)
{
    m_wires[pin - LAPIC_LVT_LINT0] = asserted;
    if (asserted)
        queue(arrival{cycle, m_order++, {}, true, pin});
    else
        lapic_set_pin(m_lapic, pin, false, m_advanced);
}

void lapic_module::queue(const arrival &a)
{
    if (a.cycle < m_advanced) {
        m_stats.late_arrivals++;
        m_stats.worst_lateness_cycles = std::max(m_stats.worst_lateness_cycles, m_advanced - a.cycle);
    }
    m_queue.push(a);
    if (core_port.size() != 0)
        core_port->wake(a.cycle);
}

void lapic_module::send(const struct ipi_msg &msg)
{
    struct ipi_msg copy = msg;
    tlm::tlm_generic_payload payload;
    payload.set_command(tlm::TLM_WRITE_COMMAND);
    payload.set_data_ptr(reinterpret_cast<unsigned char *>(&copy));
    payload.set_data_length(sizeof copy);
    payload.set_streaming_width(sizeof copy);
    emit(lapic_event::SENT, msg.sent_at, &msg);

    const sc_core::sc_time left = std::max(time_of(msg.sent_at), sc_core::sc_time_stamp());
    const sc_core::sc_time delay = left - sc_core::sc_time_stamp();
    sc_core::sc_time arrives = delay;
    ipi_isock->b_transport(payload, arrives);
    if (payload.get_response_status() != tlm::TLM_OK_RESPONSE)
        SC_REPORT_ERROR(name(), "the interconnect refused a message");
    if (arrives != delay && core_port.size() != 0)
        core_port->ipi_sent(msg.sent_at, first_cycle(arrives));
}
