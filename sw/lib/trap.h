/* SPDX-License-Identifier: Apache-2.0 */
/* Interrupts and exceptions: one IDT for all cores, handlers by vector, and exceptions as values.
 * A vector without a handler ends the image with a register dump, unless a test_for_exception() is active on the core.
 */
#ifndef TRAP_H
#define TRAP_H

#include <stdbool.h>
#include <stdint.h>

/* As pushed by trap_entry.S, lowest address first. */
struct trap_frame {
    uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax;
    uint64_t vector, error;
    uint64_t rip, cs, rflags, rsp, ss;
};

/* Returns false to decline: the trap is then a value, or the end. Runs with IF = 0. */
typedef bool trap_handler(struct trap_frame *frame);

void trap_init(void); /* once, first core */
void trap_load_idt(void);
/* Installs a handler and returns the former one; NULL removes. */
trap_handler *trap_install(unsigned vector, trap_handler *handler);
/* Changes a gate: type is GATE_..., ist 0..7. */
void trap_set_gate(unsigned vector, uint8_t type, uint8_t ist);
/* The gate's offset: test code that wants the CPU's own frame goes there without the common entry. NULL: the common
 * one. */
void trap_set_entry(unsigned vector, void (*entry)(void));

/* What happened in a function called by test_for_exception(). */
struct trap {
    bool is_raised;
    unsigned vector;
    uint64_t error, cr2, rip, rsp, rflags, cs;
};

/* Calls fn(arg) and comes back when it returns or raises an exception. Nests; one per core at a time is active. */
struct trap test_for_exception(void (*fn)(void *arg), void *arg);

_Noreturn void panic(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* What trap_entry.S needs. */
struct catch_context {
    uint64_t rsp; /* first field: known to assembly */
    struct catch_context *outer;
    struct trap trap;
};
uint64_t catch_call(struct catch_context *context, void (*fn)(void *arg), void *arg);
void catch_resume(void);
void trap_dispatch(struct trap_frame *frame);

#endif
