/* SPDX-License-Identifier: Apache-2.0 */
/* Every way into the kernel and out: 256 vectors, SYSCALL, and the switch between tasks. Each entry leaves a struct frame
 * (arch/frame.h) at the top of the task's kernel stack. GS is the kernel's while CPL is 0. SDM Vol. 2, "SYSCALL",
 * "SWAPGS"; Vol. 3A, "Interrupt and Exception Handling in 64-Bit Mode".
 */
#include "arch/cpu.h"
#include "arch/frame.h"
#include "arch/segment.h"
#include "arch/trap_entry.inc"

#define FRAME_CS 144

    .text
    .globl trap_stubs
    .balign 16
trap_stubs:
    TRAP_STUBS trap_common

trap_common:
    testb $3, 24(%rsp)                  /* CS of the interrupted code */
    jz   1f
    swapgs
1:  PUSH_REGISTERS
    cld
    movq %rsp, %rdi
    xorl %ebp, %ebp
    call trap_dispatch
    testb $3, FRAME_CS(%rsp)
    jnz  leave_by_iret
    POP_REGISTERS
    addq $16, %rsp
    iretq

    .globl syscall_entry
syscall_entry:
    swapgs
    movq %rsp, %gs:CPU_USER_RSP
    movq %gs:CPU_KERNEL_STACK, %rsp
    pushq $SEL_USER_DATA
    pushq %gs:CPU_USER_RSP
    pushq %r11                          /* RFLAGS */
    pushq $SEL_USER_CODE
    pushq %rcx                          /* RIP */
    pushq %rax                          /* the number, for a restart */
    pushq $FRAME_SYSCALL
    PUSH_REGISTERS
    movq %rsp, %rdi
    xorl %ebp, %ebp
    call syscall_trap                   /* 1: SYSRET restores all that the frame holds */
    testb %al, %al
    jz   leave_by_iret
    POP_REGISTERS                       /* RCX and R11 hold RIP and RFLAGS: the caller of SYSCALL expects that */
    addq $16, %rsp
    movq 24(%rsp), %rsp
    swapgs
    sysretq
leave_by_iret:
    POP_REGISTERS
    addq $16, %rsp
    swapgs
    iretq

/* A new task's first instructions in the kernel: switch_to() "returns" here, with its frame on top of the stack. */
    .globl first_run
first_run:
    movq %rsp, %rdi
    call task_first_run
    jmp  leave_by_iret

/* void switch_to(uint64_t *save_rsp, uint64_t load_rsp): what C expects to survive a call lies on the stack. */
    .globl switch_to
switch_to:
    pushq %rbx
    pushq %rbp
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbp
    popq %rbx
    ret

    .section .note.GNU-stack, "", @progbits
