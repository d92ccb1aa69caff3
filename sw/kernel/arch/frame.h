/* SPDX-License-Identifier: Apache-2.0 */
/* User registers as every kernel entry leaves them on the kernel stack: entry.S pushes what the CPU did not. */
#ifndef KERNEL_FRAME_H
#define KERNEL_FRAME_H

#define FRAME_SYSCALL 256 /* in `vector`: entered by SYSCALL */

#ifndef __ASSEMBLER__
#include <stdint.h>

struct frame {
    uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax;
    uint64_t vector;
    uint64_t error; /* the CPU's error code, or for SYSCALL the call's number (Linux's orig_rax); -1: not restartable */
    uint64_t rip, cs, rflags, rsp, ss;
};
_Static_assert(sizeof(struct frame) == 22 * 8, "known to assembly");
#endif

#endif
