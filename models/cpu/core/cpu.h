/* SPDX-License-Identifier: Apache-2.0 */
/* An instruction-level x86-64 core: real, protected and long mode, paging, exceptions, the UINTR unit.
 * Source: Intel SDM Vol. 1 to 4. Plain C17; knows no SystemC, no picoseconds, no device.
 *
 * Time: a core counts cycles of its own clock, absolute since the start of simulation. cpu_run executes until the first
 * instruction boundary at or after `until`. What each instruction costs is asked from the timing model given at
 * creation. The local APIC, memory and ports are reached through struct cpu_bus. Callbacks may call the functions
 * marked "from callbacks", nothing else. Guest mistakes become exceptions in the guest. Nothing is allocated after
 * cpu_create except the code cache, whose size is bounded.
 */
#ifndef CPU_H
#define CPU_H

#include "timing.h"
#include "vp.h"

#ifdef __cplusplus
extern "C" {
#endif

struct cpu;
struct cpu_code_map; /* which physical pages hold cached code; shared by the cores of one platform */
struct uintr_step_info;

/* Named CPUID features, in cpu_features.def. */
enum cpu_feature {
#define CPU_FEATURE(name, leaf, subleaf, reg, bit, is_default, sentence) CPU_FEATURE_##name,
#include "cpu_features.def"
#undef CPU_FEATURE
    CPU_FEATURE_COUNT
};

struct cpu_features {
    bool has[CPU_FEATURE_COUNT]; /* by enum cpu_feature */
};

struct cpu_config {
    uint32_t index;                 /* 0 .. cores-1                                              */
    uint32_t cores;                 /* number of logical processors: CPUID topology             */
    uint32_t apic_id;               /* initial APIC ID                                           */
    bool bsp;                       /* starts running; others wait for INIT-SIPI                 */
    uint64_t clock_hz;              /* cycles per second, for CPUID 15H and 16H                  */
    uint32_t timer_cycles_per_tick; /* crystal = clock_hz / this, for CPUID 15H          */
    struct cpu_features features;   /* what CPUID enumerates and the decoder knows               */
    uint8_t physical_address_width; /* MAXPHYADDR, 36..46                                */
    uint64_t random_seed;           /* of RDRAND and RDSEED, with the index              */
};

/* Why cpu_run returned. */
enum cpu_stop {
    CPU_STOP_UNTIL,    /* reached `until`, or cpu_stop() was called                                    */
    CPU_STOP_HALT,     /* HLT, MWAIT, UMWAIT, TPAUSE: waits; see cpu_wake_cycle                        */
    CPU_STOP_SIPI,     /* waits for INIT-SIPI                                                          */
    CPU_STOP_SHUTDOWN, /* triple fault: cpu_last_fault tells which                                     */
};

/* One instruction about to execute, for the instruction trace. */
struct cpu_trace_insn {
    uint64_t cycle, rip, linear;
    uint8_t bytes[15], length;
    uint8_t mode_bits; /* 16, 32 or 64 */
    uint8_t cpl;
};

/* One data access that an instruction has made: explicit operands and the stack, not those of the UINTR unit. */
struct cpu_trace_mem {
    uint64_t linear, physical;
    uint32_t bytes;
    uint32_t access; /* enum timing_access */
};

/* Things a trace wants to know besides instructions. */
enum cpu_trace_event {
    CPU_TRACE_EXCEPTION, /* detail: vector, value: error code    */
    CPU_TRACE_INTERRUPT, /* detail: vector                       */
    CPU_TRACE_CPL,       /* detail: new CPL                      */
    CPU_TRACE_HALT,
    CPU_TRACE_WAKE,
    CPU_TRACE_SYSCALL,
    CPU_TRACE_START, /* SIPI: detail: vector */
};

/* A modify function for a locked access; see memory.h. */
typedef bool cpu_modify_fn(void *arg, void *bytes);

struct cpu_bus {
    void *ctx;
    /* Physical memory and memory-mapped devices; size 1..16 (within one 4 KiB page). Absent memory reads all ones. */
    void (*read)(void *ctx, uint64_t pa, void *bytes, uint32_t size);
    void (*write)(void *ctx, uint64_t pa, const void *bytes, uint32_t size);
    void (*modify)(void *ctx, uint64_t pa, uint32_t size, cpu_modify_fn *fn, void *arg); /* indivisible */
    /* Host pointer to the 4 KiB page at pa if it is plain memory that may be accessed directly, else NULL. */
    uint8_t *(*direct_page)(void *ctx, uint64_t pa);
    uint32_t (*io_read)(void *ctx, uint16_t port, uint32_t size); /* size 1, 2, 4 */
    void (*io_write)(void *ctx, uint16_t port, uint32_t size, uint32_t value);
    /* The local APIC. Current time is cpu_now(). */
    uint8_t (*apic_ack)(void *ctx, uint64_t *number, uint64_t *arrived_at);
    void (*apic_eoi)(void *ctx);
    bool (*apic_has_interrupt)(void *ctx);
    VP_NODISCARD enum vp_status (*apic_msr_read)(void *ctx, uint32_t msr, uint64_t *value);
    VP_NODISCARD enum vp_status (*apic_msr_write)(void *ctx, uint32_t msr, uint64_t value);
    uint8_t (*apic_cr8)(void *ctx);
    void (*apic_set_cr8)(void *ctx, uint8_t value);
    void (*apic_send_user_ipi)(void *ctx, uint32_t ndst, uint8_t nv);
    void (*apic_set_tsc_offset)(void *ctx, uint64_t offset);
    void (*apic_init)(void *ctx); /* the core took INIT */
    /* Observers; may be NULL. uintr_step: enum uintr_step of uintr.h, with the cycle at which the step ended. */
    void (*uintr_step)(void *ctx, int step, const struct uintr_step_info *info, uint64_t cycle);
    void (*trace_insn)(void *ctx, const struct cpu_trace_insn *insn);
    void (*trace_mem)(void *ctx, const struct cpu_trace_mem *access); /* after the trace_insn of its instruction */
    void (*trace_event)(void *ctx, enum cpu_trace_event event, uint32_t detail, uint64_t value, uint64_t cycle);
    /* Optional. A store at the writer's cycle (0: a device's) hit the line that this core waits for: look again. */
    void (*monitor_hit)(void *ctx, uint64_t cycle);
    /* Optional. This core's store at `cycle` ended the wait of another, which may act from now on. */
    void (*monitor_woke)(void *ctx, uint64_t cycle);
    /* Optional. #UD for an instruction that exists but not in this core. */
    void (*unimplemented)(void *ctx, uint64_t rip, const uint8_t *bytes, uint32_t length, unsigned mode_bits,
                          const char *name);
};

struct cpu_stats { /* listed in cpu_stats.def */
#define CPU_STAT(name, unit, sentence) uint64_t name;
#include "cpu_stats.def"
#undef CPU_STAT
};

/* Registers as a debugger or a loader sees them. */
struct cpu_regs {
    uint64_t gpr[16]; /* RAX RCX RDX RBX RSP RBP RSI RDI R8..R15 */
    uint64_t rip, rflags;
    uint64_t cr0, cr2, cr3, cr4, efer;
    uint16_t cs, ss, ds, es, fs, gs;
    uint64_t fs_base, gs_base;
    uint8_t cpl, mode_bits;
};

/* memory_bytes: RAM covered by the map, from physical address 0. */
struct cpu_code_map *cpu_code_map_create(uint64_t memory_bytes);
void cpu_code_map_destroy(struct cpu_code_map *map); /* after the cores; accepts NULL */
/* A device or a debugger wrote physical memory: drop cached code of every core. */
void cpu_code_map_written(struct cpu_code_map *map, uint64_t pa, uint64_t size);

/* All three are used by reference: code_map and timing must outlive the core. NULL if a required callback is missing or
 * the configuration is out of range. */
struct cpu *cpu_create(const struct cpu_config *config, const struct cpu_bus *bus, struct cpu_code_map *code_map,
                       const struct timing *timing);
void cpu_destroy(struct cpu *cpu); /* accepts NULL */
void cpu_reset(struct cpu *cpu);   /* RESET: the BSP would start at the reset vector */

/* Multiboot 1 machine state: 32-bit protected mode, flat segments, paging off, EAX = magic, EBX = info. */
void cpu_start_multiboot(struct cpu *cpu, uint32_t entry, uint32_t magic, uint32_t info);
/* The memory type range registers as firmware leaves them on every core: all memory is write-back but A0000H to BFFFFH
 * and [hole, 4 GiB), a power of two. */
void cpu_set_memory_types(struct cpu *cpu, uint64_t hole);

VP_NODISCARD enum cpu_stop cpu_run(struct cpu *cpu, uint64_t until);
uint64_t cpu_now(const struct cpu *cpu);              /* from callbacks: cycle of the current instruction       */
void cpu_idle_until(struct cpu *cpu, uint64_t cycle); /* while halted or waiting: time passes                   */

/* From callbacks and between runs. */
void cpu_stop(struct cpu *cpu);                  /* cpu_run returns at the next instruction boundary      */
void cpu_limit(struct cpu *cpu, uint64_t until); /* lowers `until` of the current cpu_run                 */
/* From io_write: the OUT that makes this access costs no cycles, whatever the timing model says: its target is no
 * hardware but the simulator's own. Fetching the instruction costs what it costs; OUTS is charged as ever. */
void cpu_write_is_free(struct cpu *cpu);
void cpu_signal_interrupt(struct cpu *cpu); /* the APIC's pending state may have changed: look again */
void cpu_signal_nmi(struct cpu *cpu);
void cpu_signal_init(struct cpu *cpu);
void cpu_signal_startup(struct cpu *cpu, uint8_t vector);

/* Between runs. */
bool cpu_is_waiting(const struct cpu *cpu);     /* halted, waiting for SIPI, or shut down, with nothing to take */
bool cpu_listens(const struct cpu *cpu);        /* an interrupt of the local APIC could end the waiting */
uint64_t cpu_wake_cycle(const struct cpu *cpu); /* at which a waiting core goes on by itself; VP_NEVER if not */
void cpu_get_regs(const struct cpu *cpu, struct cpu_regs *regs);
void cpu_set_regs(struct cpu *cpu, const struct cpu_regs *regs); /* gpr, rip, rflags only */
#pragma GCC diagnostic push                                      /* C++: the function and the struct share a name */
#pragma GCC diagnostic ignored "-Wshadow"
const struct cpu_stats *cpu_stats(const struct cpu *cpu);
#pragma GCC diagnostic pop
const struct vp_fault *cpu_last_fault(const struct cpu *cpu); /* the exception that led to shutdown */

/* Looking on, also from callbacks (where RIP of cpu_get_regs may be that of the block, not of the instruction). */
uint64_t cpu_uintr_msr(const struct cpu *cpu, uint32_t msr); /* UINTR_MSR_* of uintr.h */
uint64_t cpu_user_since(const struct cpu *cpu); /* cycle at which a more privileged CPL last became 3; 0: never has */
/* Debug accesses through the current translation, whatever the privilege. Read answers the number of bytes that could
 * be read; translate whether the page is present. */
size_t cpu_debug_read(struct cpu *cpu, uint64_t linear, void *bytes, size_t size);
bool cpu_debug_translate(struct cpu *cpu, uint64_t linear, uint64_t *physical);

/* CPUID feature names for configuration. NULL past the last; -1 if unknown. */
const char *cpu_feature_name(enum cpu_feature feature);
int cpu_feature_find(const char *name);
struct cpu_features cpu_features_default(void);

/* A disassembler for traces: "mov rax, rbx". Independent of any core. create: NULL if Capstone is not to be had. */
struct decoder;
struct decoder *cpu_disassembler_create(void);
void cpu_disassembler_destroy(struct decoder *disassembler); /* accepts NULL */
/* Answers the instruction's length, 0 if it is none; text_size >= 1. */
uint32_t cpu_disassemble(struct decoder *disassembler, const uint8_t *bytes, size_t size, uint64_t rip,
                         unsigned mode_bits, char *text, size_t text_size);

#ifdef __cplusplus
}
#endif
#endif
