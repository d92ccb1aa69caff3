// SPDX-License-Identifier: Apache-2.0
// The time keeper that the cores of one platform share: how far may a core run before somebody else could disturb it?
//
// The answer rests on the lookahead L, the least time in which one core can affect another: what core j does at cycle t
// is felt by others at t + L at the earliest. So core i may pass every cycle before min over j of (earliest cycle at
// which j can act) + L, and every arrival is known before its cycle is passed. Everything here is in cycles; no
// SystemC.
#ifndef CPU_SHELL_LOOKAHEAD_H
#define CPU_SHELL_LOOKAHEAD_H

#include <cstdint>
#include <vector>

constexpr std::uint64_t CYCLE_NEVER = UINT64_MAX;

struct lookahead_config {
    std::uint32_t cores = 1;
    std::uint64_t lookahead_cycles = 1;   // least latency from core to core, >= 1
    std::uint64_t quantum_cycles = 1;     // longest run while another core runs too, >= 1
    std::uint64_t quantum_insns = 0;      // not 0: the quantum is so many instructions, quantum_cycles bounds it
    std::uint64_t alone_cycles = 2000000; // longest run of a core that nobody can disturb
};

struct lookahead_stats {
    std::uint64_t late_arrivals = 0;     // arrivals at a cycle that the receiver had passed already
    std::uint64_t worst_late_cycles = 0; // the latest of them
};

class lookahead
{
  public:
    explicit lookahead(const lookahead_config &config);

    // What each core does. `local` is the cycle that it has reached.
    void set_running(std::uint32_t core, std::uint64_t local);
    // The core waits; `next` is the next cycle at which it can act by itself (CYCLE_NEVER if none).
    void set_waiting(std::uint32_t core, std::uint64_t local, std::uint64_t next);
    // A device, one of a few, will act by itself at cycle `next` (CYCLE_NEVER: it will not); cores feel it a lookahead
    // later.
    void set_device(std::uint64_t next, unsigned device = 0);
    // Something will reach the waiting core at cycle `at`.
    void set_wake(std::uint32_t core, std::uint64_t at);

    // Cycle at which the core, now at `now`, must let the others catch up. Always after `now`, unless the run has
    // ended.
    std::uint64_t run_limit(std::uint32_t core, std::uint64_t now) const;
    bool is_alone(std::uint32_t core) const; // every other core waits
    bool is_all_waiting() const;             // every core waits; some may be woken by a timer or a device
    bool is_all_idle() const;                // every core waits and nothing, devices included, will wake one
    std::uint64_t latest() const;            // the cycle of the core that is furthest ahead

    // The run ends at this cycle: no core executes at or after it. The earliest of several calls counts.
    void end_at(std::uint64_t cycle);
    std::uint64_t end() const { return m_end; }
    // Changes alone_cycles during the run; at least 1.
    void set_alone_cycles(std::uint64_t cycles) { m_config.alone_cycles = cycles == 0 ? 1 : cycles; }

    void count_late(std::uint64_t cycles);
    const lookahead_stats &stats() const { return m_stats; }
    const lookahead_config &config() const { return m_config; }

  private:
    struct core_state {
        bool waiting = false;
        std::uint64_t local = 0;
        std::uint64_t earliest = 0; // earliest cycle at which this core can act
    };

    lookahead_config m_config;
    std::vector<core_state> m_cores;
    std::vector<std::uint64_t> m_devices; // what each has told
    std::uint64_t m_device = CYCLE_NEVER; // the earliest of them
    std::uint64_t m_end = CYCLE_NEVER;
    lookahead_stats m_stats;
};

#endif
