/* SPDX-License-Identifier: Apache-2.0 */
/* One line per expectation: what raises which exception, at CPL 0 or CPL 3, and what raises none. */
#ifndef EXPECT_H
#define EXPECT_H

#include <stdbool.h>
#include <stdint.h>

struct trap;

/* fn(arg) at CPL 0 raises the vector with the error code (0 where there is none), or nothing. */
void expect(const char *what, void (*fn)(void *arg), uint64_t arg, unsigned vector, uint64_t error);
void expect_ok(const char *what, void (*fn)(void *arg), uint64_t arg);
/* The same for fn(arg) at CPL 3: the exception must come from there. */
void expect_user(const char *what, uint64_t (*fn)(void *arg), void *arg, unsigned vector, uint64_t error);
void expect_user_ok(const char *what, uint64_t (*fn)(void *arg), void *arg);
/* With RFLAGS of the caller's choice. */
void expect_user_with(const char *what, uint64_t (*fn)(void *arg), void *arg, uint64_t rflags, unsigned vector,
                      uint64_t error);
void expect_user_ok_with(const char *what, uint64_t (*fn)(void *arg), void *arg, uint64_t rflags);
/* What they look at: fn(arg) at CPL 3 as a value; struct trap is trap.h's. */
struct trap user_trap(uint64_t (*fn)(void *arg), void *arg, uint64_t rflags);

/* True, and a SKIP line with the reason, under QEMU: what follows is the manual's rule, which QEMU does not follow. */
bool qemu_deviates(const char *what);

/* A function around a few instructions that find their argument in RDI and may use RAX, RCX and RDX. */
#define KERNEL_CODE(name, text)                                                                                        \
    static __attribute__((noinline, noclone)) void name(void *arg)                                                     \
    {                                                                                                                  \
        __asm__ volatile(text : "+D"(arg)::"rax", "rcx", "rdx", "memory", "cc");                                       \
    }
#define USER_CODE(name, text)                                                                                          \
    static __attribute__((noinline, noclone)) uint64_t name(void *arg)                                                 \
    {                                                                                                                  \
        uint64_t result = 0;                                                                                           \
        __asm__ volatile(text : "+a"(result), "+D"(arg)::"rcx", "rdx", "memory", "cc");                                \
        return result;                                                                                                 \
    }

#endif
