/* SPDX-License-Identifier: Apache-2.0 */
/* The groups of cpu_int: name, seed-to-checksum function. Shared by the guest image and the native program. */
#ifndef CPU_INT_GROUPS_H
#define CPU_INT_GROUPS_H

#include <stdint.h>

#define CPU_INT_GROUPS(X)                                                                                              \
    X(alu) X(unary) X(shift) X(muldiv) X(bit) X(exchange) X(condition) X(string) X(misc) X(compiled)
#define DECLARE(name) uint64_t group_##name(uint64_t seed);
CPU_INT_GROUPS(DECLARE)
#undef DECLARE

#define CPU_INT_SEED 0x243f6a8885a308d3

#endif
