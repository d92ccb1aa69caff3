/* SPDX-License-Identifier: Apache-2.0 */
/* A window into a core for the tests of its system side: state that the public interface does not show, and internal
 * operations one at a time. The private headers are C only; this file is what C++ tests see of them. */
#ifndef CORE_ACCESS_H
#define CORE_ACCESS_H

#include "cpu.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { CORE_ES, CORE_CS, CORE_SS, CORE_DS, CORE_FS, CORE_GS, CORE_LDTR, CORE_TR, CORE_SEGMENTS };
enum { CORE_READ, CORE_WRITE, CORE_EXEC };
enum { CORE_USER, CORE_SUPERVISOR, CORE_SUPERVISOR_AC };

struct core_segment {
    uint64_t base;
    uint32_t limit;
    uint16_t selector, attr;
};

struct core_state {
    uint64_t rip, rsp, rflags, cr0, cr2, cr3, cr4, efer, dr6, dr7;
    uint64_t gdt_base, idt_base;
    uint16_t gdt_limit, idt_limit;
    struct core_segment seg[CORE_SEGMENTS];
    uint8_t cpl;
    bool nmi_blocked, shutdown;
    bool code64, code32, stack32;
};

/* What an operation raised; raised is false if it succeeded. Taking it clears it. */
struct core_fault {
    bool raised;
    uint8_t vector;
    bool has_error_code;
    uint32_t error_code;
    uint64_t address;
};

struct core_translation {
    uint64_t pa;
    bool writable, executable, global, large;
};

void core_get(const struct cpu *cpu, struct core_state *s);
void core_set(struct cpu *cpu, const struct core_state *s); /* translations are flushed */

struct core_fault core_walk(struct cpu *cpu, uint64_t la, int access, int view, struct core_translation *t);
bool core_debug_translate(struct cpu *cpu, uint64_t la, uint64_t *pa);
struct core_fault core_view_write(struct cpu *cpu, int view, uint64_t la, uint64_t value);
struct core_fault core_msr_read(struct cpu *cpu, uint32_t msr, uint64_t *value);
struct core_fault core_msr_write(struct cpu *cpu, uint32_t msr, uint64_t value);
struct core_fault core_write_cr(struct cpu *cpu, int number, uint64_t value);
void core_cpuid(struct cpu *cpu, uint32_t leaf, uint32_t subleaf, uint32_t out[4]);
struct core_fault core_load_segment(struct cpu *cpu, int seg, uint16_t selector);
struct core_fault core_load_ldtr(struct cpu *cpu, uint16_t selector);
struct core_fault core_load_tr(struct cpu *cpu, uint16_t selector);
struct core_fault core_far_jump(struct cpu *cpu, uint16_t selector, uint64_t offset, unsigned size);
struct core_fault core_far_call(struct cpu *cpu, uint16_t selector, uint64_t offset, unsigned size, uint64_t next_rip);
struct core_fault core_far_return(struct cpu *cpu, unsigned size, uint32_t pop_bytes);
struct core_fault core_iret(struct cpu *cpu, unsigned size);
struct core_fault core_check_io(struct cpu *cpu, uint16_t port, unsigned size);
/* Delivered to the end: double faults and shutdown included. */
void core_deliver_exception(struct cpu *cpu, uint8_t vector, uint32_t error_code, uint64_t address);
void core_deliver_interrupt(struct cpu *cpu, uint8_t vector);
void core_deliver_software(struct cpu *cpu, uint8_t vector, uint64_t next_rip);

#ifdef __cplusplus
}
#endif
#endif
