/* SPDX-License-Identifier: Apache-2.0 */
/* Private state of a core, and the functions that the files of models/cpu/core offer each other. One section per file.
 * The shape of decoded code (struct op, struct block) is in op.h; the handlers' tools are in handler.h. */
#ifndef CPU_STATE_H
#define CPU_STATE_H

#include "bits.h"
#include "cpu.h"
#include "op.h"
#include "uintr.h"
#include "vec.h"
#include "x87.h"

/* --- registers --- */
enum { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15, REG_ZERO, REG_COUNT };

enum { SEG_ES, SEG_CS, SEG_SS, SEG_DS, SEG_FS, SEG_GS, SEG_LDTR, SEG_TR, SEG_COUNT, SEG_NONE = 15 };

/* Attributes as in a descriptor's second doubleword, bits 23:8 moved to 15:0 (SDM Vol. 3, "Segment Descriptors"). */
#define SEG_ATTR_TYPE_MASK 0x000fu
#define SEG_ATTR_S 0x0010u
#define SEG_ATTR_DPL_SHIFT 5
#define SEG_ATTR_DPL_MASK 0x0060u
#define SEG_ATTR_P 0x0080u
#define SEG_ATTR_L 0x2000u
#define SEG_ATTR_DB 0x4000u
#define SEG_ATTR_G 0x8000u

struct segment {
    uint64_t base;
    uint32_t limit; /* in bytes, granularity applied */
    uint16_t selector;
    uint16_t attr;
};

struct table_register {
    uint64_t base;
    uint16_t limit;
};

#define FLAG_CF 0x0001u
#define FLAG_PF 0x0004u
#define FLAG_AF 0x0010u
#define FLAG_ZF 0x0040u
#define FLAG_SF 0x0080u
#define FLAG_TF 0x0100u
#define FLAG_IF 0x0200u
#define FLAG_DF 0x0400u
#define FLAG_OF 0x0800u
#define FLAG_IOPL 0x3000u
#define FLAG_NT 0x4000u
#define FLAG_RF 0x10000u
#define FLAG_VM 0x20000u
#define FLAG_AC 0x40000u
#define FLAG_VIF 0x80000u
#define FLAG_VIP 0x100000u
#define FLAG_ID 0x200000u
#define FLAGS_STATUS (FLAG_CF | FLAG_PF | FLAG_AF | FLAG_ZF | FLAG_SF | FLAG_OF)

#define CR0_PE 0x1u
#define CR0_MP 0x2u
#define CR0_EM 0x4u
#define CR0_TS 0x8u
#define CR0_ET 0x10u
#define CR0_NE 0x20u
#define CR0_WP 0x10000u
#define CR0_AM 0x40000u
#define CR0_NW 0x20000000u
#define CR0_CD 0x40000000u
#define CR0_PG 0x80000000u
#define CR4_TSD 0x4u
#define CR4_DE 0x8u
#define CR4_PSE 0x10u
#define CR4_PAE 0x20u
#define CR4_MCE 0x40u
#define CR4_PGE 0x80u
#define CR4_PCE 0x100u
#define CR4_OSFXSR 0x200u
#define CR4_OSXMMEXCPT 0x400u
#define CR4_UMIP 0x800u
#define CR4_FSGSBASE 0x10000u
#define CR4_PCIDE 0x20000u
#define CR4_OSXSAVE 0x40000u
#define CR4_SMEP 0x100000u
#define CR4_SMAP 0x200000u
#define CR4_UINTR 0x2000000u
#define EFER_SCE 0x1u
#define EFER_LME 0x100u
#define EFER_LMA 0x400u
#define EFER_NXE 0x800u
#define MISC_ENABLE_FAST_STRINGS 0x1u
#define MISC_ENABLE_BTS_UNAVAILABLE 0x800u
#define MISC_ENABLE_PEBS_UNAVAILABLE 0x1000u
#define MISC_ENABLE_MONITOR 0x40000u
#define MISC_ENABLE_LIMIT_CPUID 0x400000u
#define MISC_ENABLE_XD_DISABLE UINT64_C(0x400000000)
#define DEBUGCTL_LBR 0x1u
#define DEBUGCTL_BTF 0x2u
#define MTRR_ENABLE 0x800u /* IA32_MTRR_DEF_TYPE; the same bit makes an IA32_MTRR_PHYSMASK valid */
#define MTRR_FIXED_ENABLE 0x400u

enum {
    EXC_DE = 0,
    EXC_DB = 1,
    EXC_NMI = 2,
    EXC_BP = 3,
    EXC_OF = 4,
    EXC_BR = 5,
    EXC_UD = 6,
    EXC_NM = 7,
    EXC_DF = 8,
    EXC_TS = 10,
    EXC_NP = 11,
    EXC_SS = 12,
    EXC_GP = 13,
    EXC_PF = 14,
    EXC_MF = 16,
    EXC_AC = 17,
    EXC_MC = 18,
    EXC_XM = 19,
};

/* Page-fault error code bits. */
#define PF_P 0x1u
#define PF_W 0x2u
#define PF_U 0x4u
#define PF_RSVD 0x8u
#define PF_I 0x10u

/* --- lazy status flags (flags.h) --- */
/* The status flags are a function of cc_op, cc_dst (the result) and cc_src (second operand, or flags). */
enum {
    CC_FLAGS, /* cc_src holds the flags themselves  */
    CC_ADD8,
    CC_ADD16,
    CC_ADD32,
    CC_ADD64, /* dst = a + src                      */
    CC_SUB8,
    CC_SUB16,
    CC_SUB32,
    CC_SUB64, /* dst = a - src: SUB, CMP, NEG       */
    CC_LOGIC8,
    CC_LOGIC16,
    CC_LOGIC32,
    CC_LOGIC64, /* AND OR XOR TEST                    */
    CC_INC8,
    CC_INC16,
    CC_INC32,
    CC_INC64, /* cc_src: CF before                  */
    CC_DEC8,
    CC_DEC16,
    CC_DEC32,
    CC_DEC64,
    CC_RESULT8,
    CC_RESULT16,
    CC_RESULT32,
    CC_RESULT64, /* SF ZF PF of dst; src: CF AF OF */
};

/* --- software translation cache (mem.h, mem_access.c) --- */
#define OPCODE_TABLE_MAX 2048u /* rows */
#define TLB_BITS 10
#define TLB_SIZE (1u << TLB_BITS)
#define TLB_REGION_BITS 12
#define PAGE_SHIFT 12
#define PAGE_SIZE 4096u
#define PAGE_MASK (~(uint64_t)4095)
#define TLB_INVALID 1u /* never equal to a page address */

struct tlb_entry {
    uint64_t read;  /* page address, or TLB_INVALID where reads must take the slow path  */
    uint64_t write; /* the same for writes: dirty, writable, no code cached on the page   */
    uint64_t exec;  /* the same for fetches                                               */
    uintptr_t host; /* host address = host + linear (mod 2^64), valid with read or write  */
    uint64_t pa;    /* physical page address, valid with any of the three                 */
    uint64_t page;  /* page address of whatever the entry holds, for invalidation         */
    uint32_t flags; /* TLBF_*                                                             */
};
#define TLBF_GLOBAL 1u
#define TLBF_LARGE 2u
#define TLBF_READ 4u  /* a data read was translated: pa is valid for it, also where `read` misses (devices)     */
#define TLBF_WRITE 8u /* the same for writes, also where `write` misses (devices, pages with cached code)     */

/* Privilege view of an access: which TLB serves it. */
enum mmu_view {
    MMU_USER,          /* CPL 3                                                             */
    MMU_SUPERVISOR,    /* CPL < 3 with EFLAGS.AC = 0, and implicit supervisor accesses      */
    MMU_SUPERVISOR_AC, /* explicit accesses with EFLAGS.AC = 1: SMAP does not apply         */
    MMU_VIEWS,
};

enum mem_access { ACCESS_READ, ACCESS_WRITE, ACCESS_EXEC };

/* --- pending events: everything that makes the loop look up --- */
#define PEND_INTR 0x01u /* ask the APIC when IF allows           */
#define PEND_NMI 0x02u
#define PEND_INIT 0x04u
#define PEND_SIPI 0x08u
#define PEND_STOP 0x10u   /* cpu_stop()                            */
#define PEND_UINTR 0x20u  /* UIRR != 0: look whether it is deliverable */
#define PEND_DB 0x40u     /* debug trap of the last instruction: DR6 and debug_hits tell which */
#define PEND_UTIMER 0x80u /* the deadline of the user timer has passed: look whether the event may be taken */

enum activity { ACTIVE, ACTIVITY_HALT, ACTIVITY_WAIT, ACTIVITY_SIPI, ACTIVITY_SHUTDOWN };

/* What ends ACTIVITY_WAIT (MWAIT, UMWAIT, TPAUSE) besides interrupts: wait.c. */
struct cpu_wait {
    uint64_t until;      /* cycle; VP_NEVER: no limit                                    */
    bool monitors;       /* a store to the monitored line                                */
    bool ends_by_masked; /* an interrupt ends it even while RFLAGS.IF is clear           */
    bool by_limit;       /* `until` is the limit of IA32_UMWAIT_CONTROL                  */
};

#define SHADOW_STI 1u
#define SHADOW_MOV_SS 2u

/* Why threaded code was left before the end of a block: cpu->leave. */
enum leave {
    LEAVE_NONE,
    LEAVE_FAULT,   /* cpu->exc holds an exception of the instruction at cpu->rip            */
    LEAVE_RESTART, /* run the instruction at cpu->rip alone: it leaves RAM or writes code   */
};

/* Bits of the mode word: part of the key of cached blocks. */
#define MODE_CODE64 0x01u
#define MODE_CODE32 0x02u  /* CS.D; neither bit: 16-bit code       */
#define MODE_STACK32 0x04u /* SS.B (outside 64-bit mode)           */
#define MODE_PROT 0x08u    /* CR0.PE, but not virtual-8086 mode    */
#define MODE_USER 0x10u    /* CPL = 3                              */
#define MODE_STEP 0x20u    /* block of one instruction             */
#define MODE_SSE_OFF 0x40u /* SSE raises #UD or #NM: CR0.EM, CR0.TS, CR4.OSFXSR */
#define MODE_X87_OFF 0x80u /* x87 and MMX do: CR0.EM, CR0.TS       */

/* Where the host's own floating-point control is while threaded code runs: host_fp.h. */
enum host_fp {
    HOST_FP_AWAY,    /* MXCSR of the host is the simulator's                                  */
    HOST_FP_LIVE,    /* ... is the guest's: all exceptions masked, sticky flags accumulate     */
    HOST_FP_CAREFUL, /* ... is the guest's with masks added: each instruction looks at its flags */
};

struct cpu {
    /* hot */
    uint64_t gpr[REG_COUNT]; /* [REG_ZERO] is always 0                                           */
    uint64_t rip;            /* valid between blocks                                             */
    uint64_t cycles;         /* cycle at the start of the current block                          */
    uint64_t deadline;       /* no instruction may start at or after this in threaded code       */
    uint64_t cc_dst, cc_src;
    uint32_t cc_op;
    uint32_t mode;                    /* MODE_*                                                           */
    struct tlb_entry *tlb;            /* of the current view, for explicit data accesses                  */
    uint64_t chain_gen;               /* chains and jump-cache entries of other generations are void      */
    uint32_t chain_limit;             /* CS.limit that the blocks in them keep, outside 64-bit mode       */
    uint64_t insns;                   /* retired                                                          */
    struct timing_filter *filter;     /* accesses that the timing model need not be asked about           */
    struct timing_branches *branches; /* the same for branches                                        */
    enum leave leave;
    bool stepping;                       /* the current block holds one instruction: devices may be touched  */
    struct chain *link;                  /* chain to be filled with the next block found                     */
    struct jump_cache_entry *jump_cache; /* of block.c: successors of indirect jumps               */

    enum host_fp host_fp;
    uint32_t host_mxcsr; /* the simulator's, while host_fp is not AWAY                       */
    uint32_t mxcsr;      /* the guest's; sticky flags of HOST_FP_LIVE are still in the host  */
    union vec mem_vec;   /* of the slow paths of accesses wider than 8 bytes                  */
    union vec xmm[16];
    struct x87 x87; /* MM0..7 are in it                                                  */

    uint64_t rflags;  /* without the status flags                                         */
    uint32_t pending; /* PEND_*                                                           */
    uint32_t shadow;  /* SHADOW_*, for the one instruction after STI, MOV SS              */
    enum activity activity;
    uint64_t until;      /* of the current cpu_run                                           */
    struct vp_fault exc; /* with leave = LEAVE_FAULT                                         */
    struct vp_fault last_fault;
    bool exc_external; /* EXT: the event in delivery came from outside the program          */
    bool exc_soft;     /* INT n, INT3, INTO: no error code EXT, DPL checked                */
    bool trace_again;  /* the instruction was traced before LEAVE_RESTART                   */
    bool free_write;   /* the port write in progress costs nothing: cpu_write_is_free       */

    struct segment seg[SEG_COUNT];
    struct table_register gdtr, idtr;
    uint64_t cr0, cr2, cr3, cr4, efer;
    uint64_t dr[8];
    bool debug_code, debug_data, debug_io; /* DR7 enables a breakpoint of this kind: debug.c */
    bool step_is_decided; /* the instruction has decided itself whether a single-step trap follows it */
    uint32_t debug_hits;  /* DR6 bits of data and I/O breakpoints that are not yet reported */
    uint8_t cpl;
    uint8_t sipi_vector;
    bool nmi_blocked;

    /* MSR storage (msr_table.c) */
    uint64_t star, lstar, cstar, sfmask, kernel_gs_base, tsc_aux, tsc_offset, pat, sysenter_cs, sysenter_esp,
        sysenter_eip;
    uint64_t misc_enable, mtrr_def_type, mtrr_fix[11], mtrr_var[16], xss, xcr0, spec_ctrl, mcg_status;
    uint64_t debugctl, c_state_config, power_ctl, perf_ctl;

    uint64_t umwait_control; /* IA32_UMWAIT_CONTROL */
    struct cpu_wait wait;    /* with ACTIVITY_WAIT */
    uint64_t monitor_pa;     /* line watched by MONITOR, UMONITOR */
    bool monitor_armed;
    uint64_t random; /* state of RDRAND and RDSEED */

    struct uintr *uintr;
    uint32_t uintr_insn_cost;  /* of the SENDUIPI or UIRET in progress, charged after its first step */
    uint64_t user_timer_cycle; /* at which the user timer's deadline passes; VP_NEVER: it is off     */
    uint64_t retired_idle;     /* cycles spent waiting                                             */
    uint64_t user_since;       /* cpu_user_since                                                   */
    uint64_t perf_offset[2];   /* IA32_MPERF, IA32_APERF: what a write added to the cycles not waited */

    struct tlb_entry tlb_sets[MMU_VIEWS][TLB_SIZE];
    struct tlb_entry tlb_never[TLB_SIZE];             /* misses always: the current view while alignment is checked */
    uint64_t tlb_used[MMU_VIEWS][TLB_SIZE / 64];      /* a bit per entry: may be valid                       */
    uint64_t tlb_large[(1u << TLB_REGION_BITS) / 64]; /* bit: parts of 2 MiB pages, by a hash of where */
    uint64_t tlb_huge;                                /* the same for parts of larger pages, by GiB                 */
    struct block_cache *blocks;                       /* block.c                                                   */
    struct cpu_code_map *code_map;
    const struct engine *engine; /* handler table: plain, timed or observed                   */
    struct cpu_twin *twins;      /* twin.c; NULL unless the engine is the timed one           */
    const struct timing *timing;
    bool keeps_two;                  /* struct timing_model */
    bool timing_has_cache_op;        /* it wants to be told of flushes and prefetches */
    bool timing_is_integer;          /* its hooks of memory and branches need no floating-point control of their own */
    struct timing_filter ask_always; /* a filter that knows nothing */
    struct timing_branches ask_about_branches;
    struct decoder *decoder; /* decode.c                                                  */
    struct cpu_config config;
    struct cpu_bus bus;
    struct cpu_stats stats;
    struct coverage *coverage; /* coverage.c; NULL: the core is not watched                 */
};

/* --- host_fp.c: the world outside the core sees the host's own floating-point control --- */
void cpu_host_fp_leave(struct cpu *cpu);
static inline const struct cpu_bus *cpu_bus(struct cpu *cpu)
{
    if (VP_UNLIKELY(cpu->host_fp != HOST_FP_AWAY))
        cpu_host_fp_leave(cpu);
    return &cpu->bus;
}
static inline const struct timing *cpu_timing(struct cpu *cpu)
{
    (void)cpu_bus(cpu);
    return cpu->timing;
}

/* For the hooks mem_cost and branch_cost. */
static inline const struct timing *cpu_timing_of_block(struct cpu *cpu)
{
    return VP_LIKELY(cpu->timing_is_integer) ? cpu->timing : cpu_timing(cpu);
}

/* --- exception.c --- */
/* Notes a fault of the current instruction; threaded code is left through LEAVE_FAULT. Returns VP_FAULT. */
void cpu_note_fault(struct cpu *cpu, const struct vp_fault *fault);
void cpu_note_exception(struct cpu *cpu, uint8_t vector, uint32_t error_code, uint64_t address);
static inline enum vp_status cpu_raise_fault(struct cpu *cpu, const struct vp_fault *fault)
{
    cpu_note_fault(cpu, fault);
    return VP_FAULT;
}
static inline enum vp_status cpu_raise(struct cpu *cpu, uint8_t vector, uint32_t error_code)
{
    cpu_note_exception(cpu, vector, error_code, 0);
    return VP_FAULT;
}
static inline enum vp_status cpu_raise_page_fault(struct cpu *cpu, uint64_t la, uint32_t error_code)
{
    cpu_note_exception(cpu, EXC_PF, error_code, la);
    return VP_FAULT;
}
/* Delivers cpu->exc at cpu->rip (a fault: RIP of the instruction; a trap: RIP of the next). Handles #DF and triple
 * fault (activity = ACTIVITY_SHUTDOWN). Clears leave. */
void cpu_deliver_exception(struct cpu *cpu);
/* Interrupts through the IDT; software = INT n, INT3, INTO (cpu->rip is the next instruction's; on a fault of the
 * delivery itself RIP must be put back to insn_rip). */
void cpu_deliver_interrupt(struct cpu *cpu, uint8_t vector, bool software, uint64_t insn_rip);
/* IRET with the given operand size (2, 4, 8). VP_FAULT: raised, nothing changed. */
VP_NODISCARD enum vp_status cpu_iret(struct cpu *cpu, unsigned size, uint64_t next_rip);

/* --- segment.c, far.c --- */
void cpu_set_segment_real(struct cpu *cpu, int seg, uint16_t selector);
/* MOV/POP/LDS into ES, SS, DS, FS, GS with all checks of the current mode. */
VP_NODISCARD enum vp_status cpu_load_segment(struct cpu *cpu, int seg, uint16_t selector);
VP_NODISCARD enum vp_status cpu_load_ldtr(struct cpu *cpu, uint16_t selector);
VP_NODISCARD enum vp_status cpu_load_tr(struct cpu *cpu, uint16_t selector);
/* Reads a descriptor (8 bytes; 16 where wide) from GDT or LDT; VP_FAULT with #GP(selector) beyond the limit. */
VP_NODISCARD enum vp_status cpu_read_descriptor(struct cpu *cpu, uint16_t selector, uint64_t descriptor[2], bool wide);
void cpu_segment_from_descriptor(struct segment *s, uint16_t selector, uint64_t descriptor);
VP_NODISCARD enum vp_status cpu_far_jump(struct cpu *cpu, uint16_t selector, uint64_t offset, unsigned size,
                                         uint64_t next_rip);
VP_NODISCARD enum vp_status cpu_far_call(struct cpu *cpu, uint16_t selector, uint64_t offset, unsigned size,
                                         uint64_t next_rip);
VP_NODISCARD enum vp_status cpu_far_return(struct cpu *cpu, unsigned size, uint32_t pop_bytes);

/* --- mode.c: after any change of CR0, CR4, EFER, CS, SS, CPL or EFLAGS.AC --- */
void cpu_update_mode(struct cpu *cpu); /* recomputes mode, tlb */
void cpu_set_cpl(struct cpu *cpu, uint8_t cpl);
VP_NODISCARD enum vp_status cpu_write_cr0(struct cpu *cpu, uint64_t value);
VP_NODISCARD enum vp_status cpu_write_cr3(struct cpu *cpu, uint64_t value);
VP_NODISCARD enum vp_status cpu_write_cr4(struct cpu *cpu, uint64_t value);
VP_NODISCARD enum vp_status cpu_write_efer(struct cpu *cpu, uint64_t value);
static inline bool cpu_is_code64(const struct cpu *cpu) { return (cpu->mode & MODE_CODE64) != 0; }
/* Protected mode proper: segments have descriptors. Virtual-8086 mode has segments of real mode. */
static inline bool cpu_is_protected(const struct cpu *cpu)
{
    return (cpu->cr0 & CR0_PE) != 0 && !(cpu->rflags & FLAG_VM);
}
static inline bool cpu_is_v86(const struct cpu *cpu) { return (cpu->cr0 & CR0_PE) != 0 && (cpu->rflags & FLAG_VM); }
static inline unsigned cpu_iopl(const struct cpu *cpu) { return (unsigned)((cpu->rflags & FLAG_IOPL) >> 12); }
static inline bool cpu_has_feature(const struct cpu *cpu, enum cpu_feature f) { return cpu->config.features.has[f]; }
#define CPU_LINEAR_WIDTH 48u /* LA57 is not enumerated */

/* --- paging.c --- */
struct translation {
    uint64_t pa;     /* physical address of la                                             */
    bool writable;   /* a write through this view would succeed now, D bit already set    */
    bool executable; /* a fetch would                                                     */
    bool global;
    unsigned size_log2; /* of the page: 12, 21, 22 or 30                                    */
};
/* Page walk for la (canonicality is the caller's); sets A and D bits; VP_FAULT: #PF raised with CR2 set by delivery. */
VP_NODISCARD enum vp_status cpu_page_walk(struct cpu *cpu, uint64_t la, enum mem_access access, enum mmu_view view,
                                          struct translation *t);
/* Which table entries translate la now, without side effects: struct timing_mem's walk. ctx: the core. False: nothing
 * does; the entries up to the one that says so. */
bool cpu_timing_walk(void *ctx, uint64_t la, struct timing_walk *out);

/* --- tlb.c --- */
void cpu_tlb_init(struct cpu *cpu); /* once, before anything else here */
void cpu_tlb_flush(struct cpu *cpu, bool keep_global);
void cpu_tlb_invalidate(struct cpu *cpu, uint64_t la);   /* INVLPG */
void cpu_tlb_protect_code(struct cpu *cpu, uint64_t pa); /* code was cached on this page: writes take the slow path */
/* Walks and fills the TLB entry of la in view; VP_FAULT: #PF raised. */
VP_NODISCARD enum vp_status cpu_tlb_fill(struct cpu *cpu, uint64_t la, enum mem_access access, enum mmu_view view);

/* --- mem_access.c: slow paths; handlers use mem.h --- */
/* Linear accesses of 1..8 bytes in the current view, page crossing and devices included. On a fault leave is set and 0
 * is answered. */
uint64_t cpu_mem_read_slow(struct cpu *cpu, uint64_t la, unsigned size);
void cpu_mem_write_slow(struct cpu *cpu, uint64_t la, uint64_t value, unsigned size);
/* The same for 9..16 bytes, through cpu->mem_vec. */
void cpu_mem_read_wide_slow(struct cpu *cpu, uint64_t la, unsigned size);
void cpu_mem_write_wide_slow(struct cpu *cpu, uint64_t la, unsigned size);
/* For read-modify-write: reads with write permission checked; then writes if memory still holds `expected` (always true
 * for RAM in this kernel; a device may differ: false means do it again, nothing was written). */
uint64_t cpu_mem_rmw_read_slow(struct cpu *cpu, uint64_t la, unsigned size);
bool cpu_mem_rmw_write_slow(struct cpu *cpu, uint64_t la, uint64_t expected, uint64_t value, unsigned size);
/* Accesses of descriptors, stacks of other levels, page-independent structures: explicit view, faults as status with
 * leave set. size 1..16. These may be used by exception delivery (outside threaded code) too. */
VP_NODISCARD enum vp_status cpu_view_read(struct cpu *cpu, enum mmu_view view, uint64_t la, void *bytes, unsigned size);
VP_NODISCARD enum vp_status cpu_view_write(struct cpu *cpu, enum mmu_view view, uint64_t la, const void *bytes,
                                           unsigned size);
VP_NODISCARD enum vp_status cpu_view_modify(struct cpu *cpu, enum mmu_view view, uint64_t la, unsigned size,
                                            cpu_modify_fn *fn, void *arg);
/* Physical address of la for a data read, checked like one byte. */
VP_NODISCARD enum vp_status cpu_view_translate(struct cpu *cpu, enum mmu_view view, uint64_t la, uint64_t *pa);
/* Checks that all bytes can be written (fills the TLB), writes nothing. */
VP_NODISCARD enum vp_status cpu_view_probe_write(struct cpu *cpu, enum mmu_view view, uint64_t la, unsigned size);
static inline enum mmu_view cpu_current_view(const struct cpu *cpu)
{
    return cpu->cpl == 3 ? MMU_USER : (cpu->rflags & FLAG_AC) ? MMU_SUPERVISOR_AC : MMU_SUPERVISOR;
}
/* Physical accesses (page tables): RAM or device; absent memory reads all ones. */
uint64_t cpu_phys_read64(struct cpu *cpu, uint64_t pa);
uint32_t cpu_phys_read32(struct cpu *cpu, uint64_t pa);
bool cpu_phys_cmpxchg64(struct cpu *cpu, uint64_t pa, uint64_t expected, uint64_t desired); /* indivisible */
bool cpu_phys_cmpxchg32(struct cpu *cpu, uint64_t pa, uint32_t expected, uint32_t desired);
/* Linear address of offset `offset` in segment seg for an access of `size` bytes, with limit, type and canonical checks
 * of the current mode; on a fault leave is set. */
uint64_t cpu_segment_address(struct cpu *cpu, int seg, uint64_t offset, unsigned size, bool write);

/* --- flags.c --- */
uint64_t cpu_status_flags(const struct cpu *cpu); /* the six status flags, computed                     */
uint64_t cpu_rflags(const struct cpu *cpu);       /* complete RFLAGS, bit 1 set                         */
/* Replaces the bits of RFLAGS selected by mask; updates what depends on them (AC view, TF). */
void cpu_set_rflags(struct cpu *cpu, uint64_t value, uint64_t mask);
bool cpu_condition(const struct cpu *cpu, unsigned cc); /* cc: 0..15 as in Jcc                                */
void cpu_settle_flags(struct cpu *cpu);                 /* makes cc_op CC_FLAGS or one of CC_RESULT         */

/* --- msr_table.c, cpuid.c --- */
VP_NODISCARD enum vp_status cpu_msr_read(struct cpu *cpu, uint32_t msr, uint64_t *value); /* VP_FAULT: #GP(0) raised */
VP_NODISCARD enum vp_status cpu_msr_write(struct cpu *cpu, uint32_t msr, uint64_t value);
void cpu_cpuid(struct cpu *cpu, uint32_t leaf, uint32_t subleaf, uint32_t out[4]); /* eax ebx ecx edx        */

/* --- io.c --- */
/* May the program use these ports: IOPL, then the I/O permission bitmap of the TSS. VP_FAULT: #GP(0) raised. */
VP_NODISCARD enum vp_status cpu_check_io(struct cpu *cpu, uint16_t port, unsigned size);

/* --- event.c: between two instructions --- */
/* Takes at most one event, by SDM priority; true if something was taken or the activity changed. */
bool cpu_take_event(struct cpu *cpu);
/* CR4.UINTR, UIF, CPL 3, 64-bit mode, running or in a wait that an event may end. */
bool cpu_accepts_user_events(const struct cpu *cpu);

/* --- cpu.c: RESET, or INIT (keeps what SDM Vol. 3, table "IA-32 and Intel 64 Processor States" keeps) --- */
void cpu_init_state(struct cpu *cpu, bool reset);
void cpu_book_time(struct cpu *cpu); /* brings stats.instructions, cycles, idle_cycles up to date */

/* --- charge.c: where cycles are charged --- */
void cpu_charge(struct cpu *cpu, uint32_t cycles);
void cpu_charge_event(struct cpu *cpu, enum timing_event event);
void cpu_charge_stage(struct cpu *cpu, enum timing_stage stage, uint64_t upid_pa);
/* cpu_view_* outside the handlers' hooks, with its cost: system structures, the stack of an event's delivery, what the
 * UINTR unit reads and writes. */
VP_NODISCARD enum vp_status cpu_charged_read(struct cpu *cpu, enum mmu_view view, uint64_t la, void *bytes,
                                             unsigned size);
VP_NODISCARD enum vp_status cpu_charged_write(struct cpu *cpu, enum mmu_view view, uint64_t la, const void *bytes,
                                              unsigned size);
VP_NODISCARD enum vp_status cpu_charged_modify(struct cpu *cpu, enum mmu_view view, uint64_t la, unsigned size,
                                               cpu_modify_fn *fn, void *arg);
void cpu_charge_walk(struct cpu *cpu, uint64_t la); /* after it: the event and the table entries */
/* What a page fault costs on top of its walk. */
void cpu_charge_fault(struct cpu *cpu, enum mmu_view view, uint64_t la, enum mem_access access);
/* la: of a byte that was found to be there, or of one that need not be (prefetches). */
void cpu_charge_cache_op(struct cpu *cpu, uint64_t la, enum timing_cache_op op);
void cpu_charge_tlb_flush(struct cpu *cpu, enum timing_flush scope, uint64_t la);

/* --- twin.c --- */
struct cpu_twin;
VP_NODISCARD struct cpu_twin *cpu_twins_create(void);     /* freed with free() */
op_fn *cpu_asking_twin(const struct cpu *cpu, op_fn *fn); /* itself, where it asks */

/* --- uintr_glue.c: the callbacks of struct uintr_bus, and the steps that are charged --- */
struct uintr *cpu_uintr_create(struct cpu *cpu);
void cpu_uintr_changed(struct cpu *cpu);      /* UIRR or UIF may have changed: recompute PEND_UINTR */
void cpu_user_timer_changed(struct cpu *cpu); /* IA32_UINTR_TIMER or the TSC has changed */

/* --- block.c, translate.c, decode.c --- */
struct block_cache *block_cache_create(struct cpu *cpu);
void block_cache_destroy(struct block_cache *cache);
/* The block at cpu->rip in cpu->mode (| MODE_STEP if step), decoded if need be. NULL: fetch faulted, leave is set. */
struct block *block_find(struct cpu *cpu, bool step);
/* Number of a record's place, for tables beside the records; below block_places(). */
size_t block_place(const struct cpu *cpu, const struct op *op);
size_t block_places(void);
void block_drop_page(struct cpu *cpu, uint64_t pa);
void block_drop_all(struct cpu *cpu);

/* Remembers blocks by linear RIP for indirect jumps; valid while gen equals cpu->chain_gen. */
#define JUMP_CACHE_SIZE 4096u
struct jump_cache_entry {
    uint64_t rip, gen;
    struct block *block;
    uint32_t mode;
};
static inline struct jump_cache_entry *jump_cache_slot(const struct cpu *cpu, uint64_t rip)
{
    return &cpu->jump_cache[(rip ^ (rip >> 12)) & (JUMP_CACHE_SIZE - 1)];
}
struct decoder *decoder_create(const struct cpu_features *features);
void decoder_destroy(struct decoder *decoder);

/* --- code_map.c --- */
bool code_map_register(struct cpu_code_map *map, struct cpu *cpu);
void code_map_unregister(struct cpu_code_map *map, struct cpu *cpu);
void code_map_mark(struct cpu_code_map *map, uint64_t pa,
                   uint32_t size); /* code cached here: every core protects the page */
/* Lines that MONITOR watches: stores to them come to cpu_code_map_written too. */
void code_map_watch(struct cpu_code_map *map, uint64_t pa, uint32_t size);
void code_map_unwatch(struct cpu_code_map *map, uint64_t pa); /* what other cores watch stays */
/* Stores to this page take the slow path. */
bool code_map_is_code_page(const struct cpu_code_map *map, uint64_t pa);
/* Any cached code, or a watched line, among these bytes? Then a store goes through code_map_written first. */
bool code_map_hits(const struct cpu_code_map *map, uint64_t pa, uint64_t size);
void code_map_written(struct cpu_code_map *map, uint64_t pa, uint64_t size, struct cpu *writer);

#endif
