/* SPDX-License-Identifier: Apache-2.0 */
/* Start of every core. A Multiboot 1 loader enters boot_start on the first one in 32-bit protected mode with paging off,
 * EAX = magic, EBX = boot information; the others come from a start-up IPI through the trampoline in real mode. Both
 * switch to long mode with boot_pml4, where the first 4 GiB are mapped three times: to themselves, at DIRECT_MAP and (the
 * first GiB) at KERNEL_BASE. SDM Vol. 3A, "Initializing IA-32e Mode", "Multiple-Processor (MP) Initialization".
 */
#include "arch/cpu.h"
#include "arch/multiboot.h"
#include "arch/data_segments.inc"
#include "arch/segment.h"

#define PA(symbol) ((symbol) - KERNEL_BASE_ASM)

    .section .multiboot, "a"
    .align 4
    .long MULTIBOOT_HEADER_MAGIC, MULTIBOOT_HEADER_FLAGS, -(MULTIBOOT_HEADER_MAGIC + MULTIBOOT_HEADER_FLAGS)

    .section .text.boot, "ax"
    .code32
    .globl boot_start
boot_start:
    cli
    cld
    movl %eax, %esi                     /* the magic survives in ESI */
    movl $bss_start_physical, %edi
    movl $bss_bytes, %ecx
    shrl $2, %ecx
    xorl %eax, %eax
    rep stosl
    movl $PA(boot_stack_top), %esp

    movl $PA(direct_pdpt) + 3, %eax     /* present, writable */
    movl %eax, PA(boot_pml4)
    movl %eax, PA(boot_pml4) + 256 * 8  /* DIRECT_MAP */
    movl %eax, PA(kernel_pml4) + 256 * 8
    movl $PA(image_pdpt) + 3, %eax
    movl %eax, PA(boot_pml4) + 511 * 8
    movl %eax, PA(kernel_pml4) + 511 * 8
    movl $PA(boot_pds) + 3, %eax
    movl %eax, PA(image_pdpt) + 510 * 8
    movl $PA(direct_pdpt), %edi
    movl $4, %ecx
1:  movl %eax, (%edi)
    addl $0x1000, %eax
    addl $8, %edi
    decl %ecx
    jnz  1b

    movl $0x183, %eax                   /* present, writable, 2 MiB, global */
    movl $PA(boot_pds), %edi
    movl $2048, %ecx
2:  movl %eax, (%edi)
    addl $0x200000, %eax
    addl $8, %edi
    decl %ecx
    jnz  2b
    orl  $0x18, PA(boot_pds) + 0x3fb0   /* uncached: the I/O APIC's and the local APIC's 2 MiB */
    orl  $0x18, PA(boot_pds) + 0x3fb8
    call enter_long_mode
    ljmp $SEL_KERNEL_CODE, $first64

    .code64
first64:
    movabs $high64, %rax
    jmp  *%rax

    .text
high64:
    load_data_segments
    leaq boot_stack_top(%rip), %rsp
    movl %esi, %edi
    movl %ebx, %esi
    xorl %ebp, %ebp
    call kernel_main
    ud2

/* Where the trampoline leads. */
    .globl ap_start64
ap_start64:
    load_data_segments
    movq ap_stack_top(%rip), %rsp
    xorl %ebp, %ebp
    call kernel_main_ap
    ud2

    .bss
    .align 4096
    .globl boot_pml4, kernel_pml4
boot_pml4:   .skip 4096
kernel_pml4: .skip 4096
direct_pdpt: .skip 4096
image_pdpt:  .skip 4096
boot_pds:    .skip 4 * 4096
boot_stack:  .skip BOOT_STACK_BYTES
boot_stack_top:

    .section .note.GNU-stack, "", @progbits
