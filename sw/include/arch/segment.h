/* SPDX-License-Identifier: Apache-2.0 */
/* Selectors, descriptors, gates and the 64-bit TSS: SDM Vol. 3A, "Protected-Mode Memory Management" and
 * "64-Bit Mode Interrupt and Exception Handling". The order of the user segments is what SYSRET wants.
 */
#ifndef ARCH_SEGMENT_H
#define ARCH_SEGMENT_H

#define SEL_KERNEL_CODE 0x08
#define SEL_KERNEL_DATA 0x10
#define SEL_USER_CODE32 0x1b /* SYSRET's base: 32-bit code, then data, then 64-bit code */
#define SEL_USER_DATA 0x23
#define SEL_USER_CODE 0x2b
#define SEL_TSS 0x30
#define SEL_SPARE 0x40 /* four descriptors for tests to fill */
#define GDT_ENTRIES 12

#define IST_DOUBLE_FAULT 1
#define IST_NMI 2
#define IST_TEST 3

#define GATE_INTERRUPT 0x8e
#define GATE_TRAP 0x8f
#define GATE_DPL3 0x60
#define GATE_PRESENT 0x80

#ifndef __ASSEMBLER__
#include <stdint.h>

struct gate {
    uint16_t offset_low, selector;
    uint8_t ist, type;
    uint16_t offset_middle;
    uint32_t offset_high, reserved;
};

struct tss {
    uint32_t reserved0;
    uint64_t rsp[3];
    uint64_t reserved1;
    uint64_t ist[7]; /* ist[n - 1] is IST n */
    uint64_t reserved2;
    uint16_t reserved3, io_map;
} __attribute__((packed));

struct descriptor_pointer {
    uint16_t limit;
    uint64_t base;
} __attribute__((packed));

_Static_assert(sizeof(struct gate) == 16, "an IDT gate of long mode has 16 bytes");
_Static_assert(sizeof(struct tss) == 104, "a 64-bit TSS has 104 bytes");
#endif

#endif
