/* SPDX-License-Identifier: Apache-2.0 */
/* User mode, C half. Assembly half: user_entry.S. */
#include "user.h"

#include "console.h"
#include "percpu.h"
#include "printf.h"
#include "trap.h"

static uint8_t user_stacks[MAX_CPUS][USER_STACK_BYTES] __attribute__((aligned(4096)));

uint64_t user_stack_top(void) { return (uint64_t)(user_stacks[this_cpu()->index] + USER_STACK_BYTES); }

uint64_t run_in_user(uint64_t (*fn)(void *arg), void *arg)
{
    return user_enter(fn, arg, user_stack_top(), RFLAGS_ONE | RFLAGS_IF);
}

uint64_t run_in_user_with(uint64_t (*fn)(void *arg), void *arg, uint64_t rflags, uint64_t rsp)
{
    return user_enter(fn, arg, rsp, rflags | RFLAGS_ONE);
}

uint64_t user_call_dispatch(uint64_t number, uint64_t a, uint64_t b, uint64_t c)
{
    (void)c;
    switch (number) {
    case USER_CALL_EXIT: user_leave(a);
    case USER_CALL_KERNEL: return ((uint64_t(*)(void *))a)((void *)b);
    case USER_CALL_WRITE: console_write((const char *)a); return 0;
    default: panic("user call %lu does not exist", number);
    }
}

static bool on_int80(struct trap_frame *f)
{
    f->rax = user_call_dispatch(f->rax, f->rdi, f->rsi, f->rdx);
    return true;
}

void user_init(void)
{
    trap_set_gate(USER_CALL_VECTOR, GATE_INTERRUPT | GATE_DPL3, 0);
    trap_install(USER_CALL_VECTOR, on_int80);
}

void user_printf(const char *format, ...)
{
    char line[256];
    va_list list;
    va_start(list, format);
    vsnprintf(line, sizeof line, format, list);
    va_end(list);
    user_syscall(USER_CALL_WRITE, (uint64_t)line, 0);
}
