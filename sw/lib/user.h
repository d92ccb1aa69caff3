/* SPDX-License-Identifier: Apache-2.0 */
/* User mode: run a function of this image at CPL 3 and come back with its value; calls from there into the kernel by
 * SYSCALL (returns with SYSRET) or INT 80H (returns with IRETQ). The low 1 GiB is user-accessible, see boot/entry.S.
 */
#ifndef USER_H
#define USER_H

#include "arch/control.h"
#include "user_call.h"
#include <stdint.h>

#define USER_STACK_BYTES 16384

/* fn(arg) at CPL 3 on this core's user stack, with IF = 1; returns its value. Does not nest. */
uint64_t run_in_user(uint64_t (*fn)(void *arg), void *arg);
/* The same with the RFLAGS and the RSP (16-byte aligned) of the caller's choice. */
uint64_t run_in_user_with(uint64_t (*fn)(void *arg), void *arg, uint64_t rflags, uint64_t rsp);
uint64_t user_stack_top(void); /* of the calling core */

_Noreturn void user_leave(uint64_t value); /* kernel: ends the run_in_user() of this core */

/* Called in user mode. */
static inline uint64_t user_syscall(uint64_t number, uint64_t a, uint64_t b)
{
    uint64_t result;
    __asm__ volatile("syscall"
                     : "=a"(result), "+D"(a), "+S"(b)
                     : "a"(number)
                     : "rcx", "r11", "rdx", "r8", "r9", "r10", "memory", "cc");
    return result;
}
static inline uint64_t user_int80(uint64_t number, uint64_t a, uint64_t b)
{
    uint64_t result;
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(number), "D"(a), "S"(b) : "memory", "cc");
    return result;
}
/* fn(arg) at CPL 0; back by SYSRET or by IRETQ. */
static inline uint64_t call_kernel(uint64_t (*fn)(void *arg), void *arg)
{
    return user_syscall(USER_CALL_KERNEL, (uint64_t)fn, (uint64_t)arg);
}
static inline uint64_t call_kernel_iret(uint64_t (*fn)(void *arg), void *arg)
{
    return user_int80(USER_CALL_KERNEL, (uint64_t)fn, (uint64_t)arg);
}
/* printf from CPL 3: formats there, writes through the kernel. */
void user_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Kernel side. */
void user_init(void);
void syscall_entry(void);
uint64_t user_enter(uint64_t (*fn)(void *arg), void *arg, uint64_t rsp, uint64_t rflags);
uint64_t user_call_dispatch(uint64_t number, uint64_t a, uint64_t b, uint64_t c);

#endif
