/* SPDX-License-Identifier: Apache-2.0 */
/* Multiboot 1 entry: 32-bit protected mode, paging off.  Builds an identity map
 * of the first 4 GiB in 2 MiB pages, enters long mode, enables SSE and calls
 * main().  All pages are user-accessible: k_irq.c runs code in ring 3. */
    .set MB_MAGIC, 0x1badb002
    .set MB_FLAGS, 0x00000003           /* page-align modules, want memory map */

    .section .multiboot, "a"
    .align 4
    .long MB_MAGIC, MB_FLAGS, -(MB_MAGIC + MB_FLAGS)

    .section .text.boot, "ax"
    .code32
    .globl _start
_start:
    cli
    cld
    movl $stack_top, %esp

    movl $pdpt + 7, pml4
    movl $pds + 7, %eax                 /* four page directories */
    movl $pdpt, %edi
    movl $4, %ecx
1:  movl %eax, (%edi)
    addl $0x1000, %eax
    addl $8, %edi
    loop 1b

    movl $0x87, %eax                    /* present, writable, user, 2 MiB */
    movl $pds, %edi
    movl $2048, %ecx
2:  movl %eax, (%edi)
    addl $0x200000, %eax
    addl $8, %edi
    loop 2b
    orl  $0x18, pds + 0x3fb8            /* uncached: the local APIC's 2 MiB, 0xfee00000 */

    movl $0x620, %eax                   /* PAE, OSFXSR, OSXMMEXCPT */
    movl %eax, %cr4
    movl $pml4, %eax
    movl %eax, %cr3
    movl $0xc0000080, %ecx              /* EFER: LME, SCE */
    rdmsr
    orl  $0x101, %eax
    wrmsr
    movl $0x80010033, %eax              /* PG, WP, NE, ET, MP, PE */
    movl %eax, %cr0
    lgdt gdt_ptr
    ljmp $0x08, $start64

    .code64
start64:
    movl $0x10, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %fs
    movl %eax, %gs
    movl %eax, %ss
    movl $stack_top, %esp
    call main
    ud2

    .section .rodata
    .align 4
gdt_ptr:
    .word gdt_end - gdt - 1
    .long gdt

    .data
    .align 16
    .globl gdt
gdt:
    .quad 0
    .quad 0x00af9b000000ffff            /* 0x08 kernel code */
    .quad 0x00cf93000000ffff            /* 0x10 kernel data */
    .quad 0x00cffb000000ffff            /* 0x18 user code, 32-bit (sysret's base) */
    .quad 0x00cff3000000ffff            /* 0x20 user data */
    .quad 0x00affb000000ffff            /* 0x28 user code */
    .quad 0, 0                          /* 0x30 TSS, filled by platform.c */
gdt_end:

    .bss
    .align 4096
    .globl pml4
pml4:   .skip 4096
pdpt:   .skip 4096
pds:    .skip 4 * 4096
        .skip 65536
stack_top:

    .section .note.GNU-stack, "", @progbits
