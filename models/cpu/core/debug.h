/* SPDX-License-Identifier: Apache-2.0 */
/* Breakpoints of the debug registers. See debug.c. */
#ifndef CPU_DEBUG_H
#define CPU_DEBUG_H

#include "cpu_state.h"

#define DR6_BD 0x2000u
#define DR6_BS 0x4000u
#define DR6_BT 0x8000u
#define DR7_GD 0x2000u
#define DR7_LOCAL 0x155u /* L0..L3, LE: cleared by a task switch */

/* Error code (not pushed) of a #DB that is a fault and restarts: RF is set in the pushed image. */
#define DB_GENERAL_DETECT 1u

void cpu_debug_update(struct cpu *cpu); /* after any change of DR7 or CR4.DE */
/* Is any breakpoint enabled? */
static inline bool cpu_debug_is_on(const struct cpu *cpu)
{
    return cpu->debug_code || cpu->debug_data || cpu->debug_io;
}
void cpu_debug_check_data(struct cpu *cpu, uint64_t la, unsigned size, bool write);
void cpu_debug_check_io(struct cpu *cpu, uint16_t port, unsigned size);
/* Instruction breakpoint at RIP: true if #DB was raised. */
bool cpu_debug_breaks_here(struct cpu *cpu);

/* INT n, INT1, INT3, INTO, SYSCALL, SYSRET: TF as they leave it decides whether a single-step trap follows them, so
 * that a debugger of CPL 3 does not stop at CPL 0. SDM Vol. 3, "Single-Step Exception Condition". */
void cpu_debug_step_by_new_tf(struct cpu *cpu);

#endif
