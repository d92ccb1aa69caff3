/* SPDX-License-Identifier: Apache-2.0 */
/* For assembly: entry points of all vectors, and the registers that an entry saves above what the CPU pushed. A C
 * structure of the frame begins with R15 and goes on in the order of POP_REGISTERS: vector, error code, RIP, CS, RFLAGS,
 * RSP, SS. SDM Vol. 3A, "Error Code", "Exception and Interrupt Reference". */
#ifndef ARCH_TRAP_ENTRY_H
#define ARCH_TRAP_ENTRY_H

#ifdef __ASSEMBLER__
/* 256 entry points of 16 bytes each; each pushes an error code if the CPU did not, and its vector. */
    .macro TRAP_STUBS common
    .set vector, 0
    .rept 256
    .balign 16
    .if vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21 || vector == 29 || vector == 30
    .else
    pushq $0                            /* the CPU pushed no error code */
    .endif
    pushq $vector
    jmp  \common
    .set vector, vector + 1
    .endr
    .endm

    .macro PUSH_REGISTERS
    pushq %rax
    pushq %rbx
    pushq %rcx
    pushq %rdx
    pushq %rsi
    pushq %rdi
    pushq %rbp
    pushq %r8
    pushq %r9
    pushq %r10
    pushq %r11
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    .endm

    .macro POP_REGISTERS
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %r11
    popq %r10
    popq %r9
    popq %r8
    popq %rbp
    popq %rdi
    popq %rsi
    popq %rdx
    popq %rcx
    popq %rbx
    popq %rax
    .endm
#endif

#endif
