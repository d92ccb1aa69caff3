/* SPDX-License-Identifier: Apache-2.0 */
/* What each core owns: stacks, GDT, TSS and the state of traps and user mode. GS.base points at it in kernel and in
 * user mode alike (there is no SWAPGS: user code of these images leaves GS alone). The first fields are known to
 * assembly.
 */
#ifndef PERCPU_H
#define PERCPU_H

#define CPU_TRAP_STACK_TOP 8
#define CPU_USER_RSP 16
#define CPU_LEAVE_RSP 24

#define TRAP_STACK_BYTES 16384
#define IST_STACK_BYTES 4096

#ifndef __ASSEMBLER__
#include "arch/segment.h"
#include "trampoline.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct catch_context;

struct cpu_local {
    struct cpu_local *self;
    uint64_t trap_stack_top; /* TSS.RSP0, and the stack SYSCALL switches to   */
    uint64_t user_rsp;       /* RSP of user code during a SYSCALL             */
    uint64_t leave_rsp;      /* kernel stack to return to when user code ends */
    struct catch_context *catching;
    uint32_t index;   /* 0 is the first core                */
    uint32_t apic_id; /* read from the local APIC           */
    bool x2apic;      /* the local APIC is in x2APIC mode   */
    volatile bool is_online;
    /* Work for this core: written by on_cpu() of another one, taken in the idle loop. */
    uint64_t (*volatile work)(void *arg);
    void *volatile work_arg;
    volatile uint64_t work_result;
    volatile bool work_done;
    struct tss tss __attribute__((aligned(16)));
    uint64_t gdt[GDT_ENTRIES] __attribute__((aligned(16)));
    uint8_t trap_stack[TRAP_STACK_BYTES] __attribute__((aligned(16)));
    uint8_t ist_stack[3][IST_STACK_BYTES] __attribute__((aligned(16)));
};

_Static_assert(offsetof(struct cpu_local, trap_stack_top) == CPU_TRAP_STACK_TOP, "known to assembly");
_Static_assert(offsetof(struct cpu_local, user_rsp) == CPU_USER_RSP, "known to assembly");
_Static_assert(offsetof(struct cpu_local, leave_rsp) == CPU_LEAVE_RSP, "known to assembly");

extern struct cpu_local cpus[MAX_CPUS];

static inline struct cpu_local *this_cpu(void)
{
    struct cpu_local *cpu;
    __asm__ volatile("movq %%gs:0, %0" : "=r"(cpu));
    return cpu;
}

/* Loads GDT, TSS, IDT, GS.base, EFER and the SYSCALL MSRs of the calling core. */
void percpu_init(uint32_t index);

#endif
#endif
