// SPDX-License-Identifier: Apache-2.0
// See fake_lapic.h.
#include "fake_lapic.h"

#include <algorithm>

namespace
{

constexpr std::uint8_t TIMER_VECTOR = 0xef;
constexpr std::uint32_t MSR_ICR = 0x830;

} // namespace

void fake_lapic::post(std::uint64_t at, std::uint8_t vector)
{
    m_queue.emplace(at, vector);
    core->wake(at);
}

std::uint64_t fake_lapic::next_event()
{
    return std::min(m_timer, m_queue.empty() ? UINT64_MAX : m_queue.begin()->first);
}

void fake_lapic::advance(std::uint64_t now)
{
    while (!m_queue.empty() && m_queue.begin()->first <= now) {
        m_pending.push_back(m_queue.begin()->second);
        m_queue.erase(m_queue.begin());
    }
    if (m_timer <= now) {
        m_timer = UINT64_MAX;
        m_pending.push_back(TIMER_VECTOR);
    }
}

std::uint8_t fake_lapic::ack(std::uint64_t &number, std::uint64_t &arrived_at)
{
    number = arrived_at = 0;
    std::uint8_t vector = m_pending.front();
    m_pending.erase(m_pending.begin());
    return vector;
}

bool fake_lapic::msr_write(std::uint32_t msr, std::uint64_t now, std::uint64_t value)
{
    if (msr != MSR_ICR)
        return false;
    if (peer != nullptr) {
        core->ipi_sent(now, now + LATENCY);
        peer->post(now + LATENCY, static_cast<std::uint8_t>(value));
    } else {
        post(now, static_cast<std::uint8_t>(value)); // to itself: at once
    }
    return true;
}
