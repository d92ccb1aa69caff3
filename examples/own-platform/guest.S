/* SPDX-License-Identifier: Apache-2.0 */
/* 32-bit protected mode, paging off. Says hello, interrupts itself through the local APIC, and exits with 55, the sum of
 * 1 to 10 that the interrupt handler leaves in EBX. */
    .text
    .globl _start
_start:
    lgdt gdtr
    ljmp $8, $0f
0:  movl $16, %eax
    movl %eax, %ss
    movl %eax, %ds
    movl $stack_top, %esp
    movl $text, %esi
1:  lodsb
    testb %al, %al
    jz   2f
    outb %al, $0xe9
    jmp  1b
2:  movw %cs, %ax
    movw %ax, gate + 2
    movl $handler, %eax
    movw %ax, gate
    shrl $16, %eax
    movw %ax, gate + 6
    lidt idtr
    movl $0x1ff, 0xfee000f0             /* APIC on, spurious vector FFH */
    movl $0x44030, 0xfee00300           /* ICR: to self, vector 30H */
    xorl %ebx, %ebx
    sti
3:  testl %ebx, %ebx
    jz   3b
    movl %ebx, %eax
    outl %eax, $0xf4
4:  hlt
    jmp  4b

handler:
    movl $10, %ecx
5:  addl %ecx, %ebx
    loop 5b
    movl $0, 0xfee000b0                 /* EOI */
    iret

text:
    .asciz "hello from a platform of one's own\n"
    .balign 8
gdt:
    .quad 0, 0x00cf9b000000ffff, 0x00cf93000000ffff
gdtr:
    .word 3 * 8 - 1
    .long gdt
    .balign 8
idt:
    .fill 0x30, 8, 0
gate:
    .word 0, 0, 0x8e00, 0               /* 32-bit interrupt gate; offset and selector are filled in */
idtr:
    .word 0x31 * 8 - 1
    .long idt
    .balign 16
    .fill 1024, 1, 0
stack_top:
