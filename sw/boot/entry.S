/* SPDX-License-Identifier: Apache-2.0 */
/* Start of the first core. A Multiboot 1 loader enters _start in 32-bit protected mode with paging off, EAX = magic,
 * EBX = boot information. This file clears BSS, maps the first 4 GiB to themselves in 2 MiB pages, switches to long mode
 * and calls boot_main(magic, info). The first 1 GiB is user-accessible, so that CPL 3 code can live in the same image;
 * the rest is not. Start of the other cores: trampoline.S. SDM Vol. 3A, "Initializing IA-32e Mode".
 */
#include "arch/multiboot.h"
#include "arch/data_segments.inc"
#include "arch/segment.h"

    .section .multiboot, "a"
    .align 4
    .long MULTIBOOT_HEADER_MAGIC, MULTIBOOT_HEADER_FLAGS, -(MULTIBOOT_HEADER_MAGIC + MULTIBOOT_HEADER_FLAGS)

    .section .text.boot, "ax"
    .code32
    .globl _start
_start:
    cli
    cld
    movl %eax, %esi                     /* the magic survives the clearing of BSS in ESI */
    movl $bss_start, %edi
    movl $bss_end, %ecx
    subl %edi, %ecx
    shrl $2, %ecx
    xorl %eax, %eax
    rep stosl
    movl $boot_stack_top, %esp

    movl $boot_pdpt + 7, boot_pml4      /* present, writable, user */
    movl $boot_pds + 7, %eax
    movl $boot_pdpt, %edi
    movl $4, %ecx
1:  movl %eax, (%edi)
    addl $0x1000, %eax
    addl $8, %edi
    decl %ecx
    jnz  1b

    movl $0x87, %eax                    /* present, writable, user, 2 MiB */
    movl $boot_pds, %edi
    movl $512, %ecx
2:  movl %eax, (%edi)
    addl $0x200000, %eax
    addl $8, %edi
    decl %ecx
    jnz  2b
    andl $~4, %eax                      /* above 1 GiB: supervisor only */
    movl $1536, %ecx
3:  movl %eax, (%edi)
    addl $0x200000, %eax
    addl $8, %edi
    decl %ecx
    jnz  3b
    orl  $0x18, boot_pds + 0x3fb8       /* uncached: the local APIC's 2 MiB at FEE00000H */

    call enter_long_mode
    ljmp $SEL_KERNEL_CODE, $start64

    .code64
start64:
    load_data_segments
    movl $boot_stack_top, %esp          /* zero-extends: the upper halves are undefined after the switch */
    movl %esi, %edi
    movl %ebx, %esi
    xorl %ebp, %ebp
    call boot_main
    ud2

    .bss
    .align 4096
    .globl boot_pml4
boot_pml4: .skip 4096
boot_pdpt: .skip 4096
boot_pds:  .skip 4 * 4096
    .skip 32768
    .globl boot_stack_top
boot_stack_top:

    .section .note.GNU-stack, "", @progbits
