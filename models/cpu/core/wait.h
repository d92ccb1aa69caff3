/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting for a store, an interrupt or a time. See wait.c. */
#ifndef CPU_WAIT_H
#define CPU_WAIT_H

#include "cpu_state.h"

#define MONITOR_LINE 64u /* CPUID 05H: smallest and largest line */

void cpu_monitor_arm(struct cpu *cpu, uint64_t pa);
void cpu_monitor_disarm(struct cpu *cpu);
/* A store to pa at the writer's cycle: true if it ended this core's wait. */
bool cpu_monitor_hit(struct cpu *cpu, uint64_t pa, uint64_t size, uint64_t cycle);

/* The instruction's wait begins, unless what it waits for has come already. */
void cpu_wait(struct cpu *cpu, const struct cpu_wait *wait);
bool cpu_wait_is_over(const struct cpu *cpu); /* a store or the time has ended it */
void cpu_wake_up(struct cpu *cpu);            /* from HLT or a wait, for whatever reason */

#endif
