// SPDX-License-Identifier: Apache-2.0
// See irq_router.h.
#include "irq_router.h"

#include <algorithm>

namespace vp
{

irq_router::irq_router(const sc_core::sc_module_name &name, pic8259 &master, pic8259 &slave, pit8254 &pit, ioapic &io,
                       std::vector<lapic_module *> lapics, lookahead &keeper, const sc_core::sc_time &period)
    : sc_core::sc_module(name), message_isock("message_isock"), m_master(master), m_slave(slave), m_pit(pit),
      m_ioapic(io), m_lapics(std::move(lapics)), m_keeper(keeper), m_period(period.value()),
      m_pit_timer("pit_timer", keeper, DEVICE_PIT, period)
{
    m_pit_timer.next_ps = [this] { return next_edge_ps(); };
    m_pit_timer.act = [this](std::uint64_t now_ps) { catch_up(now_ps); };
    m_pit_timer.on_sent = [this](std::uint64_t sent, std::uint64_t arrives) { on_sent(sent, arrives); };
    m_pit_timer.on_idle = [this](std::uint64_t cycle) { on_idle(cycle); };
}

void irq_router::watch(device_module &module)
{
    module.before_access = [this](std::uint64_t now_ps) { catch_up(now_ps); };
    module.after_access = [this](std::uint64_t now_ps) { look(now_ps); };
}

void irq_router::set_irq(unsigned irq, bool level, std::uint64_t now_ps)
{
    constexpr unsigned LINES = 8, PIT_PIN = 2;
    if (irq < LINES)
        m_master.set_line(irq, level);
    else
        m_slave.set_line(irq - LINES, level);
    m_ioapic.set_line(irq == IRQ_PIT ? PIT_PIN : irq, level, now_ps);
    update_intr(now_ps);
}

bool irq_router::send(const struct ipi_msg &msg, std::uint64_t now_ps)
{
    struct ipi_msg copy = msg;
    copy.sent_at = m_pit_timer.cycle_of(now_ps);
    tlm::tlm_generic_payload payload;
    payload.set_command(tlm::TLM_WRITE_COMMAND);
    payload.set_data_ptr(reinterpret_cast<unsigned char *>(&copy));
    payload.set_data_length(sizeof copy);
    payload.set_streaming_width(sizeof copy);
    // A core may be a little ahead of the others; a device that it meets there cannot send into the past.
    const sc_core::sc_time now = sc_core::sc_time_stamp();
    const sc_core::sc_time delay = std::max(sc_core::sc_time::from_value(copy.sent_at * m_period), now) - now;
    sc_core::sc_time arrives = delay;
    message_isock->b_transport(payload, arrives);
    if (arrives == delay)
        return false;
    on_sent(copy.sent_at, ((now + arrives).value() + m_period - 1) / m_period);
    return true;
}

// The 8259s' output. All LINT0 pins see it; whose entry is ExtINT and not masked answers.
void irq_router::update_intr(std::uint64_t now_ps)
{
    m_master.set_line(IRQ_CASCADE, m_slave.output());
    const bool intr = m_master.output();
    if (intr == m_intr)
        return;
    m_intr = intr;
    const std::uint64_t now = m_pit_timer.cycle_of(now_ps), arrives = now + m_keeper.config().lookahead_cycles;
    for (lapic_module *l : m_lapics)
        l->set_pin(LAPIC_LVT_LINT0, intr, arrives);
    if (intr)
        on_sent(now, arrives);
}

std::uint8_t irq_router::inta(std::uint64_t now_ps)
{
    catch_up(now_ps);
    std::uint8_t vector = m_master.acknowledge();
    if (vector == m_master.vector_base() + IRQ_CASCADE)
        vector = m_slave.acknowledge();
    look(now_ps);
    return vector;
}

// --- the PIT ---

// Several edges since the last look are one: nobody could tell, or they would have been planned.
void irq_router::catch_up(std::uint64_t now_ps)
{
    if (now_ps <= m_caught_up_ps)
        return; // a core that lags behind another
    const std::uint64_t edge = m_pit.next_rise(0, m_caught_up_ps);
    m_caught_up_ps = now_ps;
    if (edge <= now_ps) {
        set_irq(IRQ_PIT, false, edge);
        set_irq(IRQ_PIT, true, edge);
    }
}

void irq_router::look(std::uint64_t now_ps)
{
    set_irq(IRQ_PIT, m_pit.output(0, std::max(now_ps, m_caught_up_ps)), now_ps);
    m_pit_timer.plan(now_ps);
}

// Only while somebody could feel it.
std::uint64_t irq_router::next_edge_ps() const
{
    constexpr unsigned PIT_PIN = 2;
    const bool matters = m_master.is_waiting_for(IRQ_PIT) || !m_ioapic.is_masked(PIT_PIN);
    return matters ? m_pit.next_rise(0, m_caught_up_ps) : UINT64_MAX;
}

} // namespace vp
