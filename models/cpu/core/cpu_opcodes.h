/* SPDX-License-Identifier: Apache-2.0 */
/* What the core implements, as data: every encoding of the opcode table, and which of them a core has completed. For
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

/* Bit n % 64 of word n / 64: row n. */
struct cpu_opcode_set {
    uint64_t word[32];
};
static inline bool cpu_opcode_is_in(const struct cpu_opcode_set *set, size_t n)
{
    return (set->word[n / 64] >> (n % 64)) & 1;
}

/* Between runs. From now on the core notes which rows complete: executed to the end, without a fault. That costs time.
 * False: no memory. */
bool cpu_opcode_watch(struct cpu *cpu);
/* Adds what has completed since the last call. */
void cpu_opcode_take(struct cpu *cpu, struct cpu_opcode_set *completed);

#ifdef __cplusplus
}
#endif
#endif
