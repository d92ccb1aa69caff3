// SPDX-License-Identifier: Apache-2.0
// The callbacks of a core (struct cpu_bus) on TLM-2.0: memory and devices, ports, the local APIC. Blocking transport
// with the core's local time annotated; the delay that a target adds is not used, because costs belong to the timing
// model.
#include "cpu_module.h"

#include <algorithm>
#include <cstring>

namespace
{

constexpr std::uint64_t PAGE_SIZE_BYTES = 0x1000;
constexpr std::uint64_t PAGE_MASK = PAGE_SIZE_BYTES - 1;

} // namespace

// Static functions with C signatures; ctx is the module.
struct cpu_bus_callbacks {
    static cpu_module &self(void *ctx) { return *static_cast<cpu_module *>(ctx); }

    static void read(void *ctx, std::uint64_t pa, void *bytes, std::uint32_t size)
    {
        self(ctx).mem_access(tlm::TLM_READ_COMMAND, pa, bytes, size);
    }
    static void write(void *ctx, std::uint64_t pa, const void *bytes, std::uint32_t size)
    {
        // TLM payloads carry a pointer to mutable bytes for both directions; targets do not write to it.
        self(ctx).mem_access(tlm::TLM_WRITE_COMMAND, pa, const_cast<void *>(bytes), size);
    }
    static void modify(void *ctx, std::uint64_t pa, std::uint32_t size, cpu_modify_fn *fn, void *arg)
    {
        self(ctx).mem_modify(pa, size, fn, arg);
    }
    static std::uint8_t *direct_page(void *ctx, std::uint64_t pa) { return self(ctx).direct_page(pa); }

    static std::uint32_t io_read(void *ctx, std::uint16_t port, std::uint32_t size)
    {
        std::uint32_t value = 0;
        self(ctx).transport(self(ctx).io_isock, tlm::TLM_READ_COMMAND, port, &value, size);
        return value;
    }
    static void io_write(void *ctx, std::uint16_t port, std::uint32_t size, std::uint32_t value)
    {
        cpu_module &m = self(ctx);
        m.m_port.core = m.index();
        m.m_port.is_free = false;
        m.m_payload.set_extension(&m.m_port);
        m.transport(m.io_isock, tlm::TLM_WRITE_COMMAND, port, &value, size);
        m.m_payload.clear_extension(&m.m_port);
        if (m.m_port.is_free)
            cpu_write_is_free(m.m_cpu);
        m.limit_run(m.m_keeper.end()); // it may have been the exit port
    }

    static std::uint8_t apic_ack(void *ctx, std::uint64_t *number, std::uint64_t *arrived_at)
    {
        cpu_module &m = self(ctx);
        std::uint64_t user_number = 0;
        std::uint64_t arrived = 0;
        std::uint8_t vector = m.lapic_port->ack(user_number, arrived);
        if (number != nullptr)
            *number = user_number;
        if (arrived_at != nullptr)
            *arrived_at = arrived;
        return vector;
    }
    static void apic_eoi(void *ctx)
    {
        self(ctx).lapic_port->eoi();
        self(ctx).apic_changed();
    }
    static bool apic_has_interrupt(void *ctx) { return self(ctx).lapic_port->has_interrupt(); }
    static enum vp_status apic_msr_read(void *ctx, std::uint32_t msr, std::uint64_t *value)
    {
        cpu_module &m = self(ctx);
        return m.lapic_port->msr_read(msr, cpu_now(m.m_cpu), *value) ? VP_OK : VP_FAULT;
    }
    static enum vp_status apic_msr_write(void *ctx, std::uint32_t msr, std::uint64_t value)
    {
        cpu_module &m = self(ctx);
        bool ok = m.lapic_port->msr_write(msr, cpu_now(m.m_cpu), value);
        m.apic_changed();
        return ok ? VP_OK : VP_FAULT;
    }
    static std::uint8_t apic_cr8(void *ctx) { return self(ctx).lapic_port->cr8(); }
    static void apic_set_cr8(void *ctx, std::uint8_t value)
    {
        self(ctx).lapic_port->set_cr8(value);
        self(ctx).apic_changed();
    }
    static void apic_send_user_ipi(void *ctx, std::uint32_t ndst, std::uint8_t nv)
    {
        cpu_module &m = self(ctx);
        m.lapic_port->send_user_ipi(ndst, nv, m.m_observer.uintr_number(m.index()), cpu_now(m.m_cpu));
        m.apic_changed();
    }
    static void apic_set_tsc_offset(void *ctx, std::uint64_t offset)
    {
        cpu_module &m = self(ctx);
        m.lapic_port->set_tsc_offset(offset, cpu_now(m.m_cpu));
        m.apic_changed();
    }
    static void apic_init(void *ctx)
    {
        self(ctx).lapic_port->init_reset();
        self(ctx).apic_changed();
    }

    static void uintr_step(void *ctx, int step, const struct uintr_step_info *info, std::uint64_t cycle)
    {
        cpu_module &m = self(ctx);
        m.m_observer.uintr_step(m.index(), static_cast<enum uintr_step>(step), *info, cycle,
                                cpu_uintr_msr(m.m_cpu, UINTR_MSR_PD));
    }
    static void trace_insn(void *ctx, const struct cpu_trace_insn *insn)
    {
        self(ctx).m_observer.trace_insn(self(ctx).index(), *insn);
    }
    static void trace_mem(void *ctx, const struct cpu_trace_mem *access)
    {
        self(ctx).m_observer.trace_mem(self(ctx).index(), *access);
    }
    static void trace_event(void *ctx, enum cpu_trace_event event, std::uint32_t detail, std::uint64_t value,
                            std::uint64_t cycle)
    {
        self(ctx).m_observer.trace_event(self(ctx).index(), event, detail, value, cycle);
    }

    static void unimplemented(void *ctx, std::uint64_t rip, const std::uint8_t *bytes, std::uint32_t length,
                              unsigned mode_bits, const char *name)
    {
        (void)mode_bits;
        self(ctx).m_observer.unimplemented(self(ctx).index(), rip, bytes, length, name);
    }

    // A store to the line that this core waits for. If its thread has not begun to wait, it will look first.
    static void monitor_hit(void *ctx, std::uint64_t cycle)
    {
        if (self(ctx).m_waiting)
            self(ctx).wake(cycle);
    }
    // Another core goes on from here, so this one must let it catch up.
    static void monitor_woke(void *ctx, std::uint64_t cycle) { self(ctx).ipi_sent(cycle, cycle + 1); }
};

struct cpu_bus cpu_module::make_bus()
{
    using cb = cpu_bus_callbacks;
    struct cpu_bus bus = {};
    bus.ctx = this;
    bus.read = cb::read;
    bus.write = cb::write;
    bus.modify = cb::modify;
    bus.direct_page = cb::direct_page;
    bus.io_read = cb::io_read;
    bus.io_write = cb::io_write;
    bus.apic_ack = cb::apic_ack;
    bus.apic_eoi = cb::apic_eoi;
    bus.apic_has_interrupt = cb::apic_has_interrupt;
    bus.apic_msr_read = cb::apic_msr_read;
    bus.apic_msr_write = cb::apic_msr_write;
    bus.apic_cr8 = cb::apic_cr8;
    bus.apic_set_cr8 = cb::apic_set_cr8;
    bus.apic_send_user_ipi = cb::apic_send_user_ipi;
    bus.apic_set_tsc_offset = cb::apic_set_tsc_offset;
    bus.apic_init = cb::apic_init;
    bus.uintr_step = cb::uintr_step;
    bus.trace_insn = m_config.trace_insns ? cb::trace_insn : nullptr;
    bus.trace_mem = m_config.trace_mem ? cb::trace_mem : nullptr;
    bus.trace_event = m_config.trace_events ? cb::trace_event : nullptr;
    bus.monitor_hit = cb::monitor_hit;
    bus.monitor_woke = cb::monitor_woke;
    bus.unimplemented = cb::unimplemented;
    return bus;
}

// The APIC's state may have changed by this core's own instruction: look again at the next boundary, and do not run
// past what the APIC now plans (a timer just started, a self-IPI).
void cpu_module::apic_changed()
{
    cpu_signal_interrupt(m_cpu);
    limit_run(lapic_port->next_event());
}

bool cpu_module::is_apic_page(std::uint64_t pa)
{
    return (pa & ~PAGE_MASK) == lapic_port->base() && lapic_port->mmio_enabled();
}

void cpu_module::transport(tlm_utils::simple_initiator_socket<cpu_module> &socket, tlm::tlm_command command,
                           std::uint64_t address, void *bytes, std::uint32_t size)
{
    m_payload.set_command(command);
    m_payload.set_address(address);
    m_payload.set_data_ptr(static_cast<unsigned char *>(bytes));
    m_payload.set_data_length(size);
    m_payload.set_streaming_width(size);
    m_payload.set_byte_enable_ptr(nullptr);
    m_payload.set_dmi_allowed(false);
    m_payload.set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
    sc_core::sc_time delay = local_delay();
    socket->b_transport(m_payload, delay);
    if (m_payload.get_response_status() == tlm::TLM_INCOMPLETE_RESPONSE)
        SC_REPORT_ERROR(name(), "a target returned without setting the response status");
    if (m_payload.is_response_error() && command == tlm::TLM_READ_COMMAND)
        std::memset(bytes, 0xff, size); // nobody answers: the data lines float high
}

void cpu_module::mem_access(tlm::tlm_command command, std::uint64_t pa, void *bytes, std::uint32_t size)
{
    if (!is_apic_page(pa)) {
        transport(mem_isock, command, pa, bytes, size);
        return;
    }
    transport(apic_isock, command, pa & PAGE_MASK, bytes, size);
    if (command == tlm::TLM_WRITE_COMMAND)
        apic_changed();
}

// One indivisible access at the target. The APIC page has no atomic access: read, modify, write; nobody else can get in
// between, because the page belongs to this core.
void cpu_module::mem_modify(std::uint64_t pa, std::uint32_t size, cpu_modify_fn *fn, void *arg)
{
    unsigned char bytes[16] = {};
    if (is_apic_page(pa)) {
        mem_access(tlm::TLM_READ_COMMAND, pa, bytes, size);
        if (fn(arg, bytes))
            mem_access(tlm::TLM_WRITE_COMMAND, pa, bytes, size);
        return;
    }
    m_atomic.modify = fn;
    m_atomic.arg = arg;
    m_atomic.done = false;
    m_payload.set_extension(&m_atomic);
    transport(mem_isock, tlm::TLM_WRITE_COMMAND, pa, bytes, size);
    m_payload.clear_extension(&m_atomic);
    if (!m_atomic.done) {
        // Absent memory or a device without atomic accesses: a read and a write with nobody in between.
        transport(mem_isock, tlm::TLM_READ_COMMAND, pa, bytes, size);
        if (fn(arg, bytes))
            transport(mem_isock, tlm::TLM_WRITE_COMMAND, pa, bytes, size);
    }
}

unsigned char *cpu_module::direct_page(std::uint64_t pa)
{
    pa &= ~PAGE_MASK;
    if (is_apic_page(pa))
        return nullptr;
    for (const dmi_region &r : m_dmi)
        if (pa >= r.first && pa + PAGE_MASK <= r.last)
            return r.bytes + (pa - r.first);

    m_payload.set_command(tlm::TLM_READ_COMMAND);
    m_payload.set_address(pa);
    tlm::tlm_dmi dmi;
    if (!mem_isock->get_direct_mem_ptr(m_payload, dmi) || !dmi.is_read_write_allowed())
        return nullptr;
    if (pa < dmi.get_start_address() || pa + PAGE_MASK > dmi.get_end_address())
        return nullptr;
    m_dmi.push_back(dmi_region{dmi.get_start_address(), dmi.get_end_address(), dmi.get_dmi_ptr()});
    return m_dmi.back().bytes + (pa - m_dmi.back().first);
}

void cpu_module::invalidate_direct_mem_ptr(sc_dt::uint64 first, sc_dt::uint64 last)
{
    m_dmi.erase(std::remove_if(m_dmi.begin(), m_dmi.end(),
                               [=](const dmi_region &r) { return r.first <= last && first <= r.last; }),
                m_dmi.end());
}
