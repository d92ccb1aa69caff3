/* SPDX-License-Identifier: Apache-2.0 */
/* What each core owns, and the kernel lock. GS.base points at struct cpu in the kernel (SWAPGS at the border). */
#ifndef KERNEL_CPU_H
#define KERNEL_CPU_H

#define CPU_KERNEL_STACK 8 /* top of the current task's, for SYSCALL */
#define CPU_USER_RSP 16
#define KERNEL_BASE_ASM 0xffffffff80000000
#define BOOT_STACK_BYTES 16384

#define TRACE_PORT 0x5e0
#define TRACE_PORT_WORK 0x608 /* eight ports that are open to programs: sw/user/include/work_trace.h */

#ifndef __ASSEMBLER__
#include "arch/segment.h"
#include "lib/list.h"
#include "sched/task.h"

struct cpu {
    struct cpu *self;
    uint64_t kernel_stack_top, user_rsp; /* known to assembly */
    uint32_t index, apic_id;
    volatile bool is_online;
    struct task *running, *idle;
    struct mm *loaded_mm;
    struct task *fpu_owner; /* whose extended state is in the registers; NULL: nobody's */
    /* sched/sched.c */
    struct list run_queue; /* struct task.in_queue, by virtual_time */
    uint32_t runnable;
    uint64_t virtual_time; /* greatest of those that ran */
    /* sched/time.c */
    struct list timers;
    /* mm/pagetable.c */
    volatile bool flush_wanted;
    /* for /proc */
    uint64_t interrupts[256], switches;
    struct tss tss __attribute__((aligned(16)));
    uint8_t io_map[TRACE_PORT_WORK / 8 + 2]; /* of the TSS */
    uint64_t gdt[GDT_ENTRIES] __attribute__((aligned(16)));
    uint8_t ist_stack[2][4096] __attribute__((aligned(16)));
};
_Static_assert(offsetof(struct cpu, kernel_stack_top) == CPU_KERNEL_STACK &&
                   offsetof(struct cpu, user_rsp) == CPU_USER_RSP,
               "known to assembly");

extern struct cpu cpus[CPUS_MAX];
extern uint32_t cpu_count;
static inline struct cpu *this_cpu(void)
{
    struct cpu *cpu;
    __asm__ volatile("movq %%gs:0, %0" : "=r"(cpu));
    return cpu;
}

/* The kernel lock: every entry takes it, every return to user mode and the idle loop's HLT gives it up. While a core
 * waits for it, it does what tlb shootdowns ask of it. */
void klock_acquire(void);
void klock_release(void);

/* Vectors of our own. */
enum {
    VECTOR_RESCHEDULE = 0xe8, /* look at the run queue and at pending signals */
    VECTOR_SHOOTDOWN = 0xe9,
    VECTOR_TIMER = 0xea,
    VECTOR_UINTR_KERNEL = 0xeb, /* UPID.NV while its owner waits in the kernel */
    VECTOR_UINTR = 0xec,        /* UINV */
    VECTOR_SERIAL = 0x24,       /* COM1, I/O APIC pin 4 */
    VECTOR_BLOCK = 0x2b,        /* the disk, pin 11 */
    VECTOR_SPURIOUS = 0xff
};

/* --- arch/cpu.c --- */
void cpu_init(uint32_t index);     /* of the calling core: tables, control registers, APIC, extended state */
void cpu_set_task(struct task *t); /* stacks and segment bases for t, which is about to run here */

/* --- arch/apic.c --- */
void apic_init(void); /* of this core */
void apic_eoi(void);
void apic_send(uint32_t cpu_index, uint8_t vector); /* fixed, edge */
void apic_send_self(uint8_t vector);
void apic_send_to(uint32_t apic_id, uint32_t command); /* INIT or start-up, and what the others are made of */
void apic_timer_set(uint64_t deadline_ns);             /* of this core; NEVER: off. What is past fires at once */
void ioapic_route(uint32_t pin, uint8_t vector, uint32_t cpu_index); /* edge, unmasked */

/* --- arch/fpu.c: extended state, eagerly saved at switches with XSAVES --- */
struct fpu;
void fpu_init_cpu(void);
struct fpu *fpu_create(void);            /* initial state; NULL: no memory. To be kfree'd */
struct fpu *fpu_copy(struct task *from); /* of the calling task, without component 14 */
void fpu_reset(struct task *t);          /* initial state: exec */
/* Brings t's state into memory (XSAVES if it is live: clears UINV) and disowns the registers. */
void fpu_save(struct task *t);
void fpu_restore_current(void); /* XRSTORS of the current task unless live; on the way to user mode */
/* The frame of a signal: writes the current task's non-compacted image (x87, SSE and what else XCR0 has) at `to`,
 * 64-byte aligned, with Linux's software bytes; and back. 0 or -EFAULT (-EINVAL: bad image). */
size_t fpu_signal_bytes(void);
int fpu_to_user(uint64_t to);
int fpu_from_user(uint64_t from);

/* --- arch/trap.c, entry.S --- */
void trap_dispatch(struct frame *f);
/* Work before any return to user mode: reschedule, signals, extended state, uintr. Gives up the kernel lock. */
void prepare_return(struct frame *f);
bool syscall_trap(struct frame *f);

/* --- arch/boot.S and what it calls --- */
extern uint64_t boot_pml4[512];   /* kernel half and the identity map, for cores that start */
extern uint64_t kernel_pml4[512]; /* the kernel half alone                                 */
extern uint64_t ap_stack_top;     /* for the core that starts next                         */
extern volatile uint32_t ap_index;

_Noreturn void kernel_main(uint32_t magic, uint32_t info);
_Noreturn void kernel_main_ap(void);

/* --- arch/smp.c --- */
void smp_start(void);

/* --- arch/trace.c: points on the simulator's timeline --- */
enum trace_point {
    TRACE_SWITCH = 1,
    TRACE_SYSCALL,
    TRACE_SYSCALL_END,
    TRACE_UINTR_RESUME,
    TRACE_UINTR_WAKE,
    TRACE_NAME,
    TRACE_URING_SUBMIT = 8, /* opcode | serial number << 8 */
    TRACE_URING_COMPLETE
};
void trace(enum trace_point point, uint32_t value);
void trace_name(int tid, const char *name);
#endif
#endif
