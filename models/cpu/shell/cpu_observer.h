// SPDX-License-Identifier: Apache-2.0
// What a platform may want to know of its cores: for statistics, traces and the end of the run. Every function has an
// empty body, so an observer implements what it needs. None may call back into the core unless it says so.
#ifndef CPU_SHELL_CPU_OBSERVER_H
#define CPU_SHELL_CPU_OBSERVER_H

#include "cpu.h"
#include "uintr.h"

#include <cstdint>

class cpu_observer
{
  public:
    virtual ~cpu_observer() = default;

    // User interrupts; see uintr_track.h. pd is IA32_UINTR_PD of the core.
    virtual void uintr_step(std::uint32_t core, enum uintr_step step, const struct uintr_step_info &info,
                            std::uint64_t cycle, std::uint64_t pd)
    {
        (void)core, (void)step, (void)info, (void)cycle, (void)pd;
    }
    // Number of the user interrupt whose notification the core is about to send; 0 if none.
    virtual std::uint64_t uintr_number(std::uint32_t core)
    {
        (void)core;
        return 0;
    }

    // Traces; called only if the core was created with the flag.
    virtual void trace_insn(std::uint32_t core, const struct cpu_trace_insn &insn) { (void)core, (void)insn; }
    virtual void trace_mem(std::uint32_t core, const struct cpu_trace_mem &access) { (void)core, (void)access; }
    virtual void trace_event(std::uint32_t core, enum cpu_trace_event event, std::uint32_t detail, std::uint64_t value,
                             std::uint64_t cycle)
    {
        (void)core, (void)event, (void)detail, (void)value, (void)cycle;
    }

    // The guest met #UD at an instruction that exists, but not in this model.
    virtual void unimplemented(std::uint32_t core, std::uint64_t rip, const std::uint8_t *bytes, std::uint32_t length,
                               const char *name)
    {
        (void)core, (void)rip, (void)bytes, (void)length, (void)name;
    }

    // EOI of a level-triggered interrupt at `cycle`, for I/O APICs.
    virtual void eoi_broadcast(std::uint8_t vector, std::uint64_t cycle) { (void)vector, (void)cycle; }
    // The core acknowledges an ExtINT: the vector that the 8259s supply.
    virtual std::uint8_t inta(std::uint64_t cycle)
    {
        (void)cycle;
        return 0xff;
    }

    // The core has reached `cycle` and lets the others run; the place to end the run (lookahead::end_at).
    virtual void synced(std::uint32_t core, std::uint64_t cycle) { (void)core, (void)cycle; }
    // The core cannot go on: cpu_last_fault tells why.
    virtual void shut_down(std::uint32_t core, std::uint64_t cycle) { (void)core, (void)cycle; }
    // Every core waits and nothing will ever wake one.
    virtual void all_idle(std::uint64_t cycle) { (void)cycle; }
};

#endif
