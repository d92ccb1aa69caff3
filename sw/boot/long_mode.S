/* SPDX-License-Identifier: Apache-2.0 */
/* From protected mode to long mode, for the first core and for those that the trampoline starts. The linker script says
 * where boot_pml4 lies in physical memory. SDM Vol. 3A, "Initializing IA-32e Mode".
 */
#include "arch/segment.h"

    .section .text.boot, "ax"
    .code32
/* Sets CR4.PAE, CR3 = boot_pml4, EFER.LME, CR0.PG: the caller is then in compatibility mode and jumps far. From
 * identity-mapped 32-bit code; clobbers EAX, ECX, EDX. */
    .globl enter_long_mode
enter_long_mode:
    movl $0x20, %eax                    /* CR4.PAE */
    movl %eax, %cr4
    movl $boot_pml4_physical, %eax
    movl %eax, %cr3
    movl $0xc0000080, %ecx              /* EFER: LME; NXE and SCE are for the C code to set */
    rdmsr
    orl  $0x100, %eax
    wrmsr
    lgdt boot_gdt_pointer
    movl $0x80010031, %eax              /* PG, WP, NE, ET, PE */
    movl %eax, %cr0
    ret

    .align 8
boot_gdt_pointer:
    .word boot_gdt_end - boot_gdt - 1
    .long boot_gdt
    .align 8
boot_gdt:
    .quad 0
    .quad 0x00af9b000000ffff            /* SEL_KERNEL_CODE: 64-bit */
    .quad 0x00cf93000000ffff            /* SEL_KERNEL_DATA */
boot_gdt_end:

    .section .note.GNU-stack, "", @progbits
