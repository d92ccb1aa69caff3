/* SPDX-License-Identifier: Apache-2.0 */
/* Where the other cores start and how many there may be; shared by C and assembly. */
#ifndef TRAMPOLINE_H
#define TRAMPOLINE_H

#define TRAMPOLINE_ADDRESS 0x8000 /* a start-up IPI's vector is this / 4096 */
#define MAX_CPUS 64
#define AP_STACK_BYTES 16384

#ifndef __ASSEMBLER__
extern char trampoline_start[], trampoline_end[];
#endif

#endif
