/* SPDX-License-Identifier: Apache-2.0 */
/* 256 entry points of 16 bytes each, the common entry and exit, and the assembly half of test_for_exception(). */
#include "arch/trap_entry.inc"

    .text
    .globl trap_stubs
    .balign 16
trap_stubs:
    TRAP_STUBS trap_common

    .globl trap_exit
trap_common:
    PUSH_REGISTERS
    cld
    movq %rsp, %rdi                     /* 16-byte aligned: the CPU aligned before 22 pushes of 8 */
    call trap_dispatch
    POP_REGISTERS
    addq $16, %rsp
    iretq

/* uint64_t catch_call(struct catch_context *, fn, arg): 0 if fn returned, 1 if trap_dispatch sent us to catch_resume with
 * RSP as saved here. */
    .globl catch_call, catch_resume
catch_call:
    pushq %rbx
    pushq %rbp
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    pushfq
    movq %rsp, (%rdi)
    movq %rdx, %rdi
    call *%rsi
    xorl %eax, %eax
    jmp  1f
catch_resume:
    movl $1, %eax
1:  popfq
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbp
    popq %rbx
    ret

    .section .note.GNU-stack, "", @progbits
