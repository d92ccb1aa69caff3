/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of protect.c's image that have files of their own. */
#ifndef PROTECT_H
#define PROTECT_H

void check_smap(void);      /* SMEP and SMAP: explicit and implicit accesses, RFLAGS.AC */
void check_alignment(void); /* #AC */
void check_syscalls(void);  /* SYSCALL, SYSRET, SYSENTER, SYSEXIT */

#endif
