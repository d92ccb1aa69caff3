/* SPDX-License-Identifier: Apache-2.0 */
/* Known to the start-up assembly and to C. */
#ifndef KERNEL_BOOT_H
#define KERNEL_BOOT_H

#define KERNEL_BASE_ASM 0xffffffff80000000
#define BOOT_STACK_BYTES 16384

#ifndef __ASSEMBLER__
#include <stdint.h>

extern uint64_t boot_pml4[512];   /* kernel half and the identity map, for cores that start */
extern uint64_t kernel_pml4[512]; /* the kernel half alone                                 */
extern uint64_t ap_stack_top;     /* for the core that starts next                         */
extern volatile uint32_t ap_index;

_Noreturn void kernel_main(uint32_t magic, uint32_t info);
_Noreturn void kernel_main_ap(void);
#endif

#endif
