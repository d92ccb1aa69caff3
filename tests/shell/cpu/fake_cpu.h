// SPDX-License-Identifier: Apache-2.0
// A core for tests of the shell: it implements cpu.h, but instead of instructions it plays a script given by APIC ID
// before it is created, and notes when it did what.
#ifndef TESTS_SHELL_CPU_FAKE_CPU_H
#define TESTS_SHELL_CPU_FAKE_CPU_H

#include <cstdint>
#include <vector>

struct fake_step {
    enum kind_t { RUN, SEND, HALT, SHUTDOWN, OUT } kind;
    std::uint64_t value; // RUN: instructions of fake_script::insn_cycles; SEND: vector; OUT: port
};

struct fake_taken {
    std::uint8_t vector;
    std::uint64_t cycle; // boundary at which the interrupt was taken
};

struct fake_script {
    std::uint64_t insn_cycles = 7;
    std::vector<fake_step> steps; // after the last one the core halts

    // What happened.
    std::vector<fake_taken> taken;
    std::uint64_t runs = 0;            // calls of cpu_run
    std::uint64_t idle = 0;            // cycles that passed while halted
    std::vector<std::uint64_t> limits; // cycles at which cpu_run came back
};

fake_script &fake_script_of(std::uint32_t apic_id);

#endif
