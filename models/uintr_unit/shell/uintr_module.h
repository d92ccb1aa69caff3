// SPDX-License-Identifier: Apache-2.0
// The user-interrupt tracker of a platform (core/uintr_track.h) as a SystemC module: cores report their steps to it,
// and whoever is bound to record_out gets one report per user interrupt. The UINTR unit itself has no shell: it is part
// of each core. Bookkeeping only: nothing here consumes simulated time or changes what the guest sees.
#ifndef UINTR_MODULE_H
#define UINTR_MODULE_H

#include "uintr.h"
#include "uintr_track.h"

#include <cstdint>
#include <memory>
#include <systemc>
#include <tlm>
#include <vector>

// What record_out carries: a record, and whether it went all the way to UIRET.
struct uintr_report {
    struct uintr_record record;
    bool complete;
};

class uintr_module : public sc_core::sc_module
{
  public:
    // One write per user interrupt, while the core that caused it executes; see uintr_track_done_fn for the when. The
    // listener must not call back into this module. May stay unbound.
    tlm::tlm_analysis_port<uintr_report> record_out;

    // Throws std::invalid_argument without cores, std::bad_alloc without memory.
    uintr_module(const sc_core::sc_module_name &name, std::uint32_t cores);
    ~uintr_module() override = default;

    // A step of `core` (enum uintr_step) at that cycle; pd is IA32_UINTR_PD of the core.
    void step(unsigned core, int step, const struct uintr_step_info &info, std::uint64_t cycle, std::uint64_t pd);
    // Before the steps NOTIFIED and DELIVERED: uintr_track_own_ipi, uintr_track_receiver.
    void own_ipi(unsigned core) { uintr_track_own_ipi(m_track.get(), core); }
    void receiver(unsigned core, std::uint64_t user_since, std::uint64_t woken)
    {
        uintr_track_receiver(m_track.get(), core, user_since, woken);
    }
    // Number of the user interrupt whose notification `core` is sending: valid from POSTED to SENT; 0 otherwise.
    std::uint64_t number_for_ipi(unsigned core) const { return m_number.at(core); }
    // The notification that carries `number` was in the IRR of `core` at `cycle`.
    void arrived(std::uint64_t number, unsigned core, std::uint64_t cycle);
    // Reports what is still under way as incomplete, in the order of numbers. For the end of the run; may be repeated.
    void finish();

    std::uint32_t core_count() const { return static_cast<std::uint32_t>(m_number.size()); }
    const struct uintr_track_stats &stats(unsigned core) const { return *uintr_track_core_stats(m_track.get(), core); }
    struct uintr_track_stats total_stats() const; // sum over the cores

  private:
    static void done(void *ctx, const struct uintr_record *record, bool complete);

    struct track_deleter {
        void operator()(struct uintr_track *t) const { uintr_track_destroy(t); }
    };
    std::unique_ptr<struct uintr_track, track_deleter> m_track;
    std::vector<std::uint64_t> m_number; // by core; see number_for_ipi
};

#endif
