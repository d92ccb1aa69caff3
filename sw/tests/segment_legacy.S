/* SPDX-License-Identifier: Apache-2.0 */
/* Protected mode without paging, virtual-8086 mode and real mode, entered from long mode and left again. Each case runs
 * between CASE and DONE and ends by itself or by an exception; DONE writes vector (FFH: none), error code and EBX to
 * legacy_results, which segment_legacy.c judges. Ring 3 comes back by INT 30H.
 * SDM Vol. 3A, "Switching Out of IA-32e Mode Operation", "Mode Switching", "Task Management".
 */
#include "segment.h"
#include "arch/segment.h"

    .macro CASE
    movl $991f, legacy_resume
    movl %esp, legacy_esp
    movl $0xff, legacy_vector
    movl $0, legacy_error
    xorl %ebx, %ebx
    .endm
    .macro DONE
    movl %ebx, legacy_value
991:
    call legacy_note
    .endm
/* CPL 3 at the label, on a stack of its own, with flat data segments. */
    .macro RING3 label
    pushl $(L_UDATA32 | 3)
    pushl $legacy_user_stack
    pushl $(L_UCODE32 | 3)
    pushl $\label
    lret
    .endm

    .text
/* void legacy_run(void): IF = 0, GDT = t_gdt; GS.base is lost. */
    .globl legacy_run
legacy_run:
    pushq %rbx
    pushq %rbp
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, legacy_rsp
    sidt legacy_idtr64
    ljmp *legacy_entry

    .code32
legacy32:
    movl $L_DATA32, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    movl %cr0, %eax
    andl $0x7fffffff, %eax
    movl %eax, %cr0                     /* PG = 0: out of IA-32e mode */
    movl $0xc0000080, %ecx
    rdmsr
    andl $~0x100, %eax
    wrmsr
    lidt legacy_idtr32
    movl $L_TSS, %eax
    ltr %ax
    movl $legacy_results, %edi

    CASE                                /* 0: a plain transfer */
    lcall $L_CODE32, $legacy_same
    DONE
    CASE                                /* 1: a call gate, same level */
    lcall $L_GATE_SAME, $0xdeadbeef
    DONE
    CASE                                /* 2: a call gate from ring 3, two parameters */
    RING3 user_gate
    DONE
    CASE                                /* 3: JMP through a gate to ring 0 */
    RING3 user_gate_jump
    DONE
    CASE                                /* 4: a gate whose descriptor is absent */
    lcall $L_GATE_ABSENT, $0
    DONE
    movl $0, legacy_tss + 16            /* SS1 = 0 */
    CASE                                /* 5: ring 1 without a stack */
    RING3 user_gate_ring1
    DONE
    movl $L_DATA32, legacy_tss + 16     /* RPL 0 */
    CASE                                /* 6: ring 1 with a stack of ring 0 */
    RING3 user_gate_ring1
    DONE
    CASE                                /* 7: INT through a gate of DPL 0 */
    RING3 user_int32
    DONE
    CASE                                /* 8: INT beyond the IDT */
    int $0x50
    DONE
    CASE                                /* 9: INT through an absent gate */
    int $0x33
    DONE
    CASE                                /* 10: CALL of a task and IRET */
    lcall $L_TSS_OTHER, $0
    movl task_count, %ebx
    DONE
    CASE                                /* 11: the task goes on behind its IRET */
    lcall $L_TASK_GATE, $0
    movl task_count, %ebx
    DONE
    CASE                                /* 12: a task gate in the IDT */
    int $0x31
    movl task_count, %ebx
    DONE
    CASE                                /* 13: what the nested task saw: NT, TS, TR */
    movl task_seen, %ebx
    DONE
    movl $1, task_jumps
    CASE                                /* 14: JMP to a task that jumps back */
    ljmp $L_TSS_OTHER, $0
    movl task_count, %ebx
    DONE
    CASE                                /* 15: what that task saw: no NT */
    movl task_seen, %ebx
    DONE
    CASE                                /* 16: JMP to the busy task */
    ljmp $L_TSS, $0
    DONE
    CASE                                /* 17: a TSS that is too short */
    lcall $L_TSS_SHORT, $0
    DONE
    movw $L_TSS_OTHER, legacy_tss       /* back link to a task that is not busy */
    CASE                                /* 18: IRET with NT to it */
    pushl $0x4002
    popfl
    iret
    DONE
    CASE                                /* 19: beyond the limit */
    movl $L_SMALL, %eax
    movl %eax, %fs
    movl $16, %eax
    movb %fs:(%eax), %bl
    DONE
    CASE                                /* 20: an expand-down segment below its limit */
    movl $L_DOWN, %eax
    movl %eax, %fs
    movl $0xffe, %eax
    movb %fs:(%eax), %bl
    DONE
    CASE                                /* 21: 16-bit code and a 16-bit stack that wraps */
    movl %esp, %ebp
    ljmp $L_CODE16, $0
back_from_16:
    movl $L_DATA32, %eax
    movl %eax, %ss
    movl %ebp, %esp
    DONE
    CASE                                /* 22: virtual-8086 mode: INT with IOPL 0 */
    pushl $0
    pushl $0
    pushl $0
    pushl $0
    pushl $(V86_BASE / 16)              /* SS, ESP */
    pushl $0x800
    pushl $0x20002                      /* VM */
    pushl $(V86_BASE / 16)
    pushl $0
    iret
    DONE
    CASE                                /* 23: INT in real mode */
    movl %esp, %ebp
    ljmp $L_REAL16, $0
back_from_real:
    movl $L_DATA32, %eax
    movl %eax, %ds
    lidt legacy_idtr32
    movl %eax, %es
    movl %eax, %ss
    movl %ebp, %esp
    movl real_value + REAL_BASE - segment_real, %ebx
    DONE
    CASE                                /* 24: its segment limit */
    movl real_vector + REAL_BASE - segment_real, %ebx
    DONE

    movl $0xc0000080, %ecx
    rdmsr
    orl  $0x100, %eax
    wrmsr
    movl %cr0, %eax
    orl  $0x80000000, %eax
    andl $~8, %eax                      /* task switches have set TS */
    movl %eax, %cr0
    ljmp $SEL_KERNEL_CODE, $legacy_back

    .code64
legacy_back:
    movq legacy_rsp, %rsp
    movl $SEL_KERNEL_DATA, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    xorl %eax, %eax
    movl %eax, %fs
    lidt legacy_idtr64
    movl $SEL_TSS, %eax
    ltr  %ax
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbp
    popq %rbx
    ret

    .code32
legacy_note:
    movl legacy_vector, %eax
    movl %eax, (%edi)
    movl legacy_error, %eax
    movl %eax, 4(%edi)
    movl legacy_value, %eax
    movl %eax, 8(%edi)
    addl $12, %edi
    ret

legacy_same:
    movl $0x77, %ebx
    lret
    .globl legacy_gate_same, legacy_service
legacy_gate_same:
    movl $0x78, %ebx
    lret
legacy_service:                         /* ESP: EIP, CS, second parameter, first parameter, ESP, SS */
    movl 12(%esp), %ebx
    shll $16, %ebx
    orl  8(%esp), %ebx
    lret $8

    .macro USER_DATA
    movl $(L_UDATA32 | 3), %eax
    movl %eax, %ds
    movl %eax, %es
    .endm
user_gate:
    USER_DATA
    movl %esp, %esi
    pushl $0x1111
    pushl $0x2222
    lcall $L_GATE32, $0
    subl %esp, %esi
    orl  %esi, %ebx
    int  $0x30
user_gate_jump:
    USER_DATA
    ljmp $L_GATE32, $0
user_gate_ring1:
    USER_DATA
    lcall $L_GATE_RING1, $0
user_int32:
    int  $0x32

    .globl legacy_task
legacy_task:                            /* of L_TSS_OTHER */
    incl task_count
    pushfl
    popl %eax
    andl $0x4000, %eax
    str  %cx
    movzwl %cx, %ecx
    orl  %ecx, %eax
    movl %cr0, %ecx
    shll $13, %ecx                      /* TS to bit 16 */
    andl $0x10000, %ecx
    orl  %ecx, %eax
    clts
    movl %eax, task_seen
    cmpl $0, task_jumps
    jne  1f
    iret
    jmp  legacy_task
1:  ljmp $L_TSS, $0
    jmp  legacy_task

/* Stubs of the IDT, 16 bytes each. */
    .globl legacy_stubs
    .balign 16
legacy_stubs:
    .set vector, 0
    .rept 64
    .balign 16
    .if vector == 8 || (vector >= 10 && vector <= 14) || vector == 17
    .else
    pushl $0
    .endif
    pushl $vector
    jmp  legacy_fault
    .set vector, vector + 1
    .endr
legacy_fault:
    movl $L_DATA32, %eax
    movl %eax, %ds
    movl %eax, %es
    popl legacy_vector
    popl legacy_error
    movl %ebx, legacy_value
    movl legacy_esp, %esp
    movl $L_DATA32, %eax
    movl %eax, %ss
    pushl $2
    popfl
    jmp  *legacy_resume

    .code16
    .globl legacy16
legacy16:                               /* at offset 0 of L_CODE16 */
    movw $L_DATA16, %ax
    movw %ax, %ss
    xorl %esp, %esp
    movl $0x12345678, %ebx
    pushw %bx                           /* wraps to FFFEH */
    movl %esp, %ebx
    ljmpl $L_CODE32, $back_from_16

/* Copied to REAL_BASE; entered in 16-bit protected mode at offset 0. */
    .globl segment_real, segment_real_end, real_int40, real_int13
    .balign 16
segment_real:
    movw $L_DATA16, %ax                 /* segment registers keep the limit of 64 KiB */
    movw %ax, %ds
    movw %ax, %ss
    movl %cr0, %eax
    andb $0xfe, %al
    movl %eax, %cr0
    ljmp $(REAL_BASE / 16), $(1f - segment_real)
1:  movw %cs, %ax
    movw %ax, %ds
    movw %ax, %ss
    movw $0xff0, %sp
    lidtl real_idtr - segment_real
    xorl %ebx, %ebx
    int  $0x40
    movl %ebx, real_value - segment_real
    xorl %ebx, %ebx
    movl $0xffff, %eax
    movw (%eax), %cx                    /* crosses 64 KiB */
2:  movl %ebx, real_vector - segment_real
    movl %cr0, %eax
    orb  $1, %al
    movl %eax, %cr0
    ljmpl $L_CODE32, $back_from_real
real_int40:
    movl $0xbeef, %ebx
    iret
real_int13:
    movl $13, %ebx
    movw %sp, %bp
    movw $(2b - segment_real), (%bp)
    iret
    .balign 4
real_idtr: .word 0x3ff
    .long 0
    .balign 4
real_value: .long 0
real_vector: .long 0
segment_real_end:
    .code64

    .data
    .balign 8
legacy_entry: .long legacy32
    .word L_CODE32
    .balign 8
legacy_rsp: .quad 0
legacy_idtr64: .skip 10
    .globl legacy_idtr32, legacy_results, legacy_tss, legacy_tss_other, task_count
    .balign 8
legacy_idtr32: .skip 8
legacy_resume: .long 0
legacy_esp: .long 0
legacy_vector: .long 0
legacy_error: .long 0
legacy_value: .long 0
task_count: .long 0
task_seen: .long 0
task_jumps: .long 0
    .balign 128
legacy_tss: .skip 128
legacy_tss_other: .skip 128
legacy_results: .skip LEGACY_CASES * 12
    .skip 1024
legacy_user_stack: .long 0

    .section .note.GNU-stack, "", @progbits
