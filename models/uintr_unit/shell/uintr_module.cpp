// SPDX-License-Identifier: Apache-2.0
// Steps of the UINTR units, turned into calls of the tracker; contract in uintr_module.h.
#include "uintr_module.h"

#include <new>
#include <stdexcept>

uintr_module::uintr_module(const sc_core::sc_module_name &name, std::uint32_t cores)
    : sc_core::sc_module(name), record_out("record_out"), m_number(cores)
{
    if (cores == 0)
        throw std::invalid_argument("uintr_module: the number of cores must be at least 1");
    m_track.reset(uintr_track_create(cores, &uintr_module::done, this));
    if (!m_track)
        throw std::bad_alloc();
}

void uintr_module::step(unsigned core, int step, const struct uintr_step_info &info, std::uint64_t cycle,
                        std::uint64_t pd)
{
    struct uintr_track *t = m_track.get();
    switch (static_cast<enum uintr_step>(step)) {
    case UINTR_STEP_SEND_BEGIN:
        m_number.at(core) = 0;
        uintr_track_send_begin(t, core, cycle);
        break;
    case UINTR_STEP_UITTE_READ: // inside stage `post`
        break;
    case UINTR_STEP_POSTED: {
        std::uint64_t number =
            uintr_track_posted(t, core, info.upid_la, info.vector, info.notify, info.suppressed, info.again, cycle);
        m_number.at(core) = info.notify ? number : 0;
        break;
    }
    case UINTR_STEP_SENT:
        m_number.at(core) = 0;
        uintr_track_sent(t, core, cycle);
        break;
    case UINTR_STEP_NOTIFY_BEGIN: uintr_track_notify_begin(t, core, cycle); break;
    case UINTR_STEP_NOTIFIED: uintr_track_notified(t, core, info.upid_la, info.mask, info.already, cycle); break;
    case UINTR_STEP_DELIVER_BEGIN: uintr_track_deliver_begin(t, core, pd, info.vector, cycle); break;
    case UINTR_STEP_DELIVERED: uintr_track_delivered(t, core, info.frame_la, cycle); break;
    case UINTR_STEP_UIRET_BEGIN: uintr_track_uiret_begin(t, core, pd, info.frame_la, cycle); break;
    case UINTR_STEP_RETURNED: uintr_track_returned(t, core, cycle); break;
    }
}

void uintr_module::arrived(std::uint64_t number, unsigned core, std::uint64_t cycle)
{
    uintr_track_arrived(m_track.get(), number, core, cycle);
}

void uintr_module::finish() { uintr_track_finish(m_track.get()); }

struct uintr_track_stats uintr_module::total_stats() const
{
    struct uintr_track_stats sum = {};
    for (unsigned core = 0; core < core_count(); core++) {
        const struct uintr_track_stats &s = stats(core);
        sum.posted += s.posted;
        sum.sent += s.sent;
        sum.coalesced += s.coalesced;
        sum.suppressed += s.suppressed;
        sum.merged += s.merged;
        sum.delivered += s.delivered;
        sum.returned += s.returned;
        sum.untracked += s.untracked;
        sum.dropped += s.dropped;
    }
    return sum;
}

void uintr_module::done(void *ctx, const struct uintr_record *record, bool complete)
{
    static_cast<uintr_module *>(ctx)->record_out.write(uintr_report{*record, complete});
}
