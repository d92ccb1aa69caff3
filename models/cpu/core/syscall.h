/* SPDX-License-Identifier: Apache-2.0 */
/* The work of SYSCALL, SYSRET, SYSENTER, SYSEXIT, for insn_interrupt.c. On VP_OK cpu->rip is the target; VP_FAULT:
 * raised, nothing changed. */
#ifndef CPU_SYSCALL_H
#define CPU_SYSCALL_H

#include "cpu_state.h"

VP_NODISCARD enum vp_status cpu_syscall(struct cpu *cpu, uint64_t next_rip);
VP_NODISCARD enum vp_status cpu_sysret(struct cpu *cpu, unsigned size);
VP_NODISCARD enum vp_status cpu_sysenter(struct cpu *cpu);
VP_NODISCARD enum vp_status cpu_sysexit(struct cpu *cpu, unsigned size);

#endif
