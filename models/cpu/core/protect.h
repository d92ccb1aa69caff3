/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of protected-mode mechanics: segment.c, gate.c, far.c, idt.c, iret.c, exception.c,
 * insn_interrupt.c. Descriptor fields, stacks that are not yet current, and transfers of control that are checked
 * before they are done. Source: SDM Vol. 3, "Protected-Mode Memory Management" and "Protection". */
#ifndef CPU_PROTECT_H
#define CPU_PROTECT_H

#include "cpu_state.h"

/* --- descriptors --- */
#define SEG_TYPE_ACCESSED 0x1u
#define SEG_TYPE_WRITABLE 0x2u   /* data */
#define SEG_TYPE_READABLE 0x2u   /* code */
#define SEG_TYPE_CONFORMING 0x4u /* code */
#define SEG_TYPE_CODE 0x8u

enum {
    SYSTEM_TSS16 = 1,
    SYSTEM_LDT = 2,
    SYSTEM_TSS16_BUSY = 3,
    SYSTEM_CALL_GATE16 = 4,
    SYSTEM_TASK_GATE = 5,
    SYSTEM_INTERRUPT_GATE16 = 6,
    SYSTEM_TRAP_GATE16 = 7,
    SYSTEM_TSS = 9,
    SYSTEM_TSS_BUSY = 11,
    SYSTEM_CALL_GATE = 12,
    SYSTEM_INTERRUPT_GATE = 14,
    SYSTEM_TRAP_GATE = 15,
};

static inline uint16_t descriptor_attr(uint64_t d) { return (uint16_t)((d >> 40) & 0xf0ff); }
static inline unsigned attr_type(uint16_t attr) { return attr & SEG_ATTR_TYPE_MASK; }
static inline unsigned attr_dpl(uint16_t attr) { return (attr & SEG_ATTR_DPL_MASK) >> SEG_ATTR_DPL_SHIFT; }
static inline bool attr_is_code(uint16_t attr) { return (attr & SEG_ATTR_S) && (attr & SEG_TYPE_CODE); }
static inline bool attr_is_data(uint16_t attr) { return (attr & SEG_ATTR_S) && !(attr & SEG_TYPE_CODE); }
static inline bool attr_is_conforming(uint16_t attr) { return attr_is_code(attr) && (attr & SEG_TYPE_CONFORMING); }
static inline bool attr_is_writable(uint16_t attr) { return attr_is_data(attr) && (attr & SEG_TYPE_WRITABLE); }

static inline bool selector_is_null(uint16_t selector) { return (selector & ~3u) == 0; }
static inline unsigned selector_rpl(uint16_t selector) { return selector & 3u; }
static inline uint32_t selector_error(uint16_t selector) { return selector & 0xfffcu; }
static inline uint16_t selector_with_rpl(uint16_t selector, unsigned rpl)
{
    return (uint16_t)((selector & 0xfffcu) | rpl);
}

static inline bool cpu_is_long(const struct cpu *cpu) { return (cpu->efer & EFER_LMA) != 0; }

/* As cpu_read_descriptor, with the exception for a selector beyond its table chosen by the caller (#GP or #TS). */
VP_NODISCARD enum vp_status cpu_fetch_descriptor(struct cpu *cpu, uint16_t selector, uint64_t descriptor[2], bool wide,
                                                 uint8_t vector);
/* Sets the accessed bit of a code or data descriptor in memory if it is clear. */
VP_NODISCARD enum vp_status cpu_mark_accessed(struct cpu *cpu, uint16_t selector, uint64_t descriptor);
/* Base of a 16-byte system descriptor. */
static inline uint64_t descriptor_base(uint64_t d) { return bits_get(d, 39, 16) | bits_get(d, 63, 56) << 24; }
static inline uint64_t wide_base(const uint64_t d[2]) { return descriptor_base(d[0]) | (d[1] & 0xffffffffu) << 32; }

/* Makes a code segment current: selector's RPL becomes cpl. Blocks chained under another base are cut off. */
void cpu_set_cs(struct cpu *cpu, uint16_t selector, uint64_t descriptor, unsigned cpl);
/* The flat segments that SYSCALL, SYSRET, SYSENTER, SYSEXIT load without looking at a descriptor. */
void cpu_set_flat_cs(struct cpu *cpu, uint16_t selector, unsigned cpl, bool is_64);
void cpu_set_flat_ss(struct cpu *cpu, uint16_t selector, unsigned cpl);
/* A segment of virtual-8086 mode. */
void cpu_set_segment_v86(struct cpu *cpu, int seg, uint16_t selector);
/* A null SS, as interrupt delivery to an inner level of 64-bit mode leaves it. */
void cpu_set_null_segment(struct cpu *cpu, int seg, uint16_t selector);
/* After a return to an outer level: data segments the new CPL may not use become null. */
void cpu_drop_inner_segments(struct cpu *cpu);

/* --- stacks --- */
/* A stack that need not be the current one: its pointer moves only here, the caller commits it. */
struct stack {
    struct segment seg;
    uint64_t sp;
    unsigned width; /* bytes of the stack pointer: 2, 4, 8          */
    enum mmu_view view;
    uint32_t error; /* error code of #SS: 0, or the selector        */
};
struct stack cpu_current_stack(const struct cpu *cpu);
VP_NODISCARD enum vp_status stack_push(struct cpu *cpu, struct stack *s, uint64_t value, unsigned size);
VP_NODISCARD enum vp_status stack_pop(struct cpu *cpu, struct stack *s, uint64_t *value, unsigned size);
void stack_skip(struct stack *s, uint64_t bytes);
/* Writes the pointer back to rSP, with the width of the stack. */
void stack_commit(struct cpu *cpu, const struct stack *s);
static inline enum mmu_view cpu_view_of_level(unsigned cpl) { return cpl == 3 ? MMU_USER : MMU_SUPERVISOR; }
/* The stack of an inner level, from the TSS. *selector: the new SS (null with RPL in long mode). */
VP_NODISCARD enum vp_status cpu_tss_stack(struct cpu *cpu, unsigned level, struct stack *s);
/* In long mode: entry `slot` of the TSS (0..2: RSPn, 3 + n: ISTn+1). */
VP_NODISCARD enum vp_status cpu_tss_rsp(struct cpu *cpu, unsigned slot, uint64_t *rsp);

/* --- returns to a code segment of the same or an outer level (far RET, IRET) --- */
struct return_target {
    uint16_t cs, ss;
    uint64_t cs_descriptor, ss_descriptor;
    unsigned cpl;
    bool ss_null;
};
VP_NODISCARD enum vp_status cpu_check_return_cs(struct cpu *cpu, uint16_t selector, uint64_t rip,
                                                struct return_target *t);
VP_NODISCARD enum vp_status cpu_check_return_ss(struct cpu *cpu, uint16_t selector, struct return_target *t);
/* CS, SS if with_ss, CPL, data segments. Cannot fail except for the accessed bits. */
VP_NODISCARD enum vp_status cpu_return_to(struct cpu *cpu, const struct return_target *t, bool with_ss);
/* RIP inside CS.limit, or canonical: #GP(0) otherwise. */
VP_NODISCARD enum vp_status cpu_check_code_offset(struct cpu *cpu, uint64_t descriptor, uint64_t rip);
/* L and D both set is no code segment in long mode. */
bool cpu_is_bad_long_code(const struct cpu *cpu, uint16_t attr);

/* --- events through the IDT --- */
enum idt_cause {
    IDT_HARDWARE, /* exception, interrupt, NMI            */
    IDT_SOFTWARE, /* INT n, INT3, INTO: DPL is checked    */
};
struct idt_event {
    uint8_t vector;
    enum idt_cause cause;
    bool has_error_code;
    uint32_t error_code;
    uint64_t rflags; /* the image to push */
    uint64_t rip;    /* the RIP to push   */
};
/* VP_FAULT: raised (without EXT), nothing but memory has changed. */
VP_NODISCARD enum vp_status cpu_enter_through_idt(struct cpu *cpu, const struct idt_event *event);

/* INT n, INT3, INTO (check_dpl) and INT1: true if delivered, false if an exception of the instruction was delivered
 * instead. cpu->rip is the instruction's. */
bool cpu_software_interrupt(struct cpu *cpu, uint8_t vector, bool check_dpl, uint64_t next_rip);

#endif
