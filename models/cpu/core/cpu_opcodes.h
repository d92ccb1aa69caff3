/* SPDX-License-Identifier: Apache-2.0 */
/* What the core implements, as data: every encoding of the opcode table, and which of them a core has met. For
 * documentation, coverage of tests, and tools. */
#ifndef CPU_OPCODES_H
#define CPU_OPCODES_H

#include "cpu.h"

#ifdef __cplusplus
extern "C" {
#endif

struct cpu_opcode {
    const char *mnemonic;
    char encoding[40];   /* as in SDM Vol. 2: "F3 0F C7 /6"             */
    const char *feature; /* name in cpu_features.def; NULL: always there */
    bool in_64_bit_mode, in_other_modes;
};

size_t cpu_opcode_count(void);
void cpu_opcode_describe(size_t n, struct cpu_opcode *opcode); /* n < cpu_opcode_count() */
/* Was it decoded by this core since its creation? */
bool cpu_opcode_was_met(const struct cpu *cpu, size_t n);

#ifdef __cplusplus
}
#endif
#endif
