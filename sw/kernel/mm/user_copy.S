/* SPDX-License-Identifier: Apache-2.0 */
/* The only code of the kernel that touches user addresses. A page fault between user_copy_start and user_copy_end that
 * cannot be resolved continues at user_copy_failed: user_copy_fixup(). Addresses have been checked. */
#include <asm/errno.h>

    .text
    .globl user_copy, user_copy_start, user_copy_end, user_copy_failed

user_copy_start:
/* int user_copy(void *to, const void *from, size_t bytes): 0 or -EFAULT. A word is read and written at once. */
user_copy:
    stac                                /* SMAP: user pages are reachable while AC = 1 */
    cmpq $4, %rdx
    je   4f
    cmpq $8, %rdx
    je   8f
    movq %rdx, %rcx
    shrq $3, %rcx
    andl $7, %edx
    rep movsq
    movl %edx, %ecx
    rep movsb
    jmp  done
4:  movl (%rsi), %eax
    movl %eax, (%rdi)
    jmp  done
8:  movq (%rsi), %rax
    movq %rax, (%rdi)
    jmp  done
user_copy_end:

user_copy_failed:
    movl $-EFAULT, %eax
    clac
    ret
done:
    xorl %eax, %eax
    clac
    ret

    .section .note.GNU-stack, "", @progbits
