/* SPDX-License-Identifier: Apache-2.0 */
/* Where the trampoline leads: each core draws a number, takes the stack of that number and calls ap_main(number). */
#include "arch/data_segments.inc"
#include "arch/segment.h"
#include "trampoline.h"

    .text
    .globl ap_start64
ap_start64:
    load_data_segments
    movl $1, %edi
    lock xaddl %edi, ap_ticket          /* EDI = number of this core, from 1 */
    cmpl $MAX_CPUS, %edi
    jae  1f
    movl %edi, %eax
    imull $AP_STACK_BYTES, %eax, %eax
    leaq ap_stacks(%rax), %rsp          /* core n owns the stack that ends at n * AP_STACK_BYTES */
    xorl %ebp, %ebp
    call ap_main
1:  cli
    hlt
    jmp  1b

    .data
    .align 4
ap_ticket: .long 1

    .bss
    .align 4096
ap_stacks:
    .skip AP_STACK_BYTES * MAX_CPUS

    .section .note.GNU-stack, "", @progbits
