/* SPDX-License-Identifier: Apache-2.0 */
/* Into user mode by IRETQ and back: SYSCALL's entry point, and leaving user mode for good. C half: user.c.
 * SYSCALL does not switch stacks: the entry does, through GS. SDM Vol. 2B, SYSCALL and SYSRET.
 */
#include "arch/segment.h"
#include "percpu.h"
#include "user_call.h"

    .text
/* uint64_t user_enter(fn, arg, user_rsp, rflags): returns what user_leave() is given. */
    .globl user_enter
user_enter:
    pushq %rbx
    pushq %rbp
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    pushfq
    movq %rsp, %gs:CPU_LEAVE_RSP
    pushq $SEL_USER_DATA
    pushq %rdx
    pushq %rcx
    pushq $SEL_USER_CODE
    pushq $user_start
    movq %rdi, %rax
    movq %rsi, %rdi
    xorl %ebx, %ebx
    xorl %ecx, %ecx
    xorl %edx, %edx
    xorl %esi, %esi
    xorl %ebp, %ebp
    iretq

user_start:                             /* CPL 3, RSP 16-byte aligned */
    call *%rax
    movq %rax, %rdi
    movl $USER_CALL_EXIT, %eax
    syscall
    ud2

    .globl user_leave
/* _Noreturn void user_leave(value): abandons the trap stack; user_enter() returns value. */
user_leave:
    movq %rdi, %rax
    movq %gs:CPU_LEAVE_RSP, %rsp
    popfq
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbp
    popq %rbx
    ret

/* RAX = number, RDI RSI RDX = arguments, RCX = user RIP, R11 = user RFLAGS. Keeps RBX RBP R12-R15 (C does) and RSP. */
    .globl syscall_entry
syscall_entry:
    movq %rsp, %gs:CPU_USER_RSP
    movq %gs:CPU_TRAP_STACK_TOP, %rsp
    pushq %gs:CPU_USER_RSP
    pushq %rcx
    pushq %r11
    pushq %rax                          /* keeps RSP 16-byte aligned */
    movq %rdx, %rcx
    movq %rsi, %rdx
    movq %rdi, %rsi
    movq %rax, %rdi
    call user_call_dispatch
    addq $8, %rsp
    cli
    popq %r11
    popq %rcx
    popq %rsp
    sysretq

    .section .note.GNU-stack, "", @progbits
