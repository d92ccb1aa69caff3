/* SPDX-License-Identifier: Apache-2.0 */
/* Start of every other core. SMP code copies trampoline_start..trampoline_end to TRAMPOLINE_ADDRESS; a start-up IPI enters
 * it there in real mode with CS = address / 16, IP = 0. Real mode -> protected mode -> long mode with the page tables of
 * the first core, then ap_start64, which each kind of image has for itself.
 * SDM Vol. 3A, "Multiple-Processor (MP) Initialization".
 */
#include "arch/segment.h"
#include "trampoline.h"

#define AT(symbol) ((symbol) - trampoline_start + TRAMPOLINE_ADDRESS)

    .text
    .globl trampoline_start, trampoline_end
    .code16
    .balign 16
trampoline_start:
    cli
    cld
    xorw %ax, %ax
    movw %ax, %ds
    lgdtl AT(trampoline_gdt_pointer)
    movl %cr0, %eax
    orl  $1, %eax                       /* CR0.PE */
    movl %eax, %cr0
    ljmpl $0x18, $AT(trampoline32)

    .code32
trampoline32:
    movl $SEL_KERNEL_DATA, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    movl $AT(trampoline_call_stack_top), %esp
    movl $enter_long_mode, %eax
    call *%eax
    ljmp $SEL_KERNEL_CODE, $AT(trampoline64)

    .code64
trampoline64:
    movabs $ap_start64, %rax
    jmp  *%rax

    .balign 8
trampoline_gdt:
    .quad 0
    .quad 0x00af9b000000ffff            /* SEL_KERNEL_CODE */
    .quad 0x00cf93000000ffff            /* SEL_KERNEL_DATA */
    .quad 0x00cf9b000000ffff            /* 18H: flat 32-bit code */
trampoline_gdt_pointer:
    .word trampoline_gdt_pointer - trampoline_gdt - 1
    .long AT(trampoline_gdt)
    .balign 16
    .skip 64                            /* return address only; several cores may share it: they push the same value */
trampoline_call_stack_top:
trampoline_end:

    .section .note.GNU-stack, "", @progbits
