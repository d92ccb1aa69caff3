// SPDX-License-Identifier: Apache-2.0
// Two cores on one RAM with a trivial local APIC, in a random start state made from a seed. The same seed makes the
// same machine, so that two flavours of the core can be compared.
#ifndef FUZZ_MACHINE_H
#define FUZZ_MACHINE_H

#include "core_access.h"
#include "cpu.h"
#include "fuzz_code.h"
#include "timing.h"

#include <array>
#include <cstdint>
#include <string>
#include <vector>

class fuzz_machine
{
  public:
    static constexpr std::uint64_t RAM_SIZE = 1u << 20;
    static constexpr unsigned CORES = 2;

    // observed: every instruction and every access is traced, so none goes past the timing model. timing: NULL for one
    // cycle per instruction.
    fuzz_machine(std::uint64_t seed, bool observed, const struct timing *timing = nullptr);
    ~fuzz_machine();
    fuzz_machine(const fuzz_machine &) = delete;
    fuzz_machine &operator=(const fuzz_machine &) = delete;

    // Runs turns of random length, with NMIs, interrupts, INIT and STARTUP in between. Empty, or what went wrong.
    std::string run();
    // Runs the first core alone, without events from outside. True: it halted or shut down, and has read no clock.
    // Faults without end retire nothing: hence the cycles.
    bool run_alone(std::uint64_t instructions, std::uint64_t cycles = UINT64_MAX);
    // All registers and RAM, for comparison.
    std::string state(bool with_time = true) const;
    std::uint64_t instructions() const;

  private:
    struct core_side { // what a core's callbacks get
        fuzz_machine *machine;
        struct cpu *core = nullptr;
        bool interrupt = false;
        std::uint8_t cr8 = 0;
        struct uintr_ipi {
            std::uint32_t ndst;
        };
    };
    static struct cpu_bus make_bus(core_side *side, bool observed);
    void make_memory();
    void make_page_tables();
    void make_tables();
    void start(unsigned index);
    void put(std::uint64_t pa, std::uint64_t value, unsigned size);

    struct fuzz_random m_random;
    std::vector<std::uint8_t> m_ram;
    struct timing_model m_model = {};
    struct timing m_timing = {};
    struct cpu_code_map *m_map;
    std::array<core_side, CORES> m_sides;
    unsigned m_mode = 0; // index of the start mode
};

#endif
