/* SPDX-License-Identifier: Apache-2.0 */
/* From a number to a function. */
#include "arch/syscall.h"

#include "arch/cpu.h"
#include <asm/unistd_64.h>

#define SYSCALL(name) long sys_##name(const uint64_t *arguments);
#define SYSCALL_AS(name, function) SYSCALL(function)
#define SYSCALL_AT(number, name) SYSCALL(name)
#include "arch/syscalls.def"
#undef SYSCALL
#undef SYSCALL_AS
#undef SYSCALL_AT

typedef long syscall_function(const uint64_t *arguments);

static syscall_function *const table[] = {
#define SYSCALL(name) [__NR_##name] = sys_##name,
#define SYSCALL_AS(name, function) [__NR_##name] = sys_##function,
#define SYSCALL_AT(number, name) [number] = sys_##name,
#include "arch/syscalls.def"
#undef SYSCALL
#undef SYSCALL_AS
#undef SYSCALL_AT
};

SYSCALL0(nothing) { return 0; }

static uint64_t named[ARRAY_SIZE(table) / 64 + 1]; /* calls without a function that were reported */

long syscall_dispatch(struct frame *f)
{
    uint64_t number = f->rax;
    const uint64_t arguments[6] = {f->rdi, f->rsi, f->rdx, f->r10, f->r8, f->r9};
    if (number < ARRAY_SIZE(table) && table[number])
        return table[number](arguments);
    if (number < ARRAY_SIZE(table) && !(named[number / 64] >> number % 64 & 1)) {
        named[number / 64] |= UINT64_C(1) << number % 64;
        klog("system call %lu is not implemented (%s, process %d)", number, current->name, current->process->pid);
    }
    return -ENOSYS;
}
