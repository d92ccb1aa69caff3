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

/* Flat segments in the order of the selectors above, and the TSS. gdt has GDT_ENTRIES. */
static inline void gdt_build(uint64_t *gdt, const struct tss *tss)
{
    uint64_t base = (uint64_t)tss;
    gdt[SEL_KERNEL_CODE / 8] = 0x00af9b000000ffff;
    gdt[SEL_KERNEL_DATA / 8] = 0x00cf93000000ffff;
    gdt[SEL_USER_CODE32 / 8] = 0x00cffb000000ffff;
    gdt[SEL_USER_DATA / 8] = 0x00cff3000000ffff;
    gdt[SEL_USER_CODE / 8] = 0x00affb000000ffff;
    gdt[SEL_TSS / 8] = (sizeof *tss - 1) | (base & 0xffffff) << 16 | 0x89ull << 40 | (base >> 24 & 0xff) << 56;
    gdt[SEL_TSS / 8 + 1] = base >> 32;
}

/* Makes it the calling core's: GDTR, data segments, CS, TR. */
static inline void gdt_load(uint64_t *gdt)
{
    struct descriptor_pointer gdtr = {GDT_ENTRIES * sizeof *gdt - 1, (uint64_t)gdt};
    __asm__ volatile("lgdt %0\n\t"
                     "mov %1, %%ds; mov %1, %%es; mov %1, %%ss\n\t"
                     "pushq %2; leaq 1f(%%rip), %%rax; pushq %%rax; lretq\n"
                     "1: ltr %w3" ::"m"(gdtr),
                     "r"(SEL_KERNEL_DATA), "i"(SEL_KERNEL_CODE), "r"(SEL_TSS)
                     : "rax", "memory");
}

_Static_assert(sizeof(struct gate) == 16, "an IDT gate of long mode has 16 bytes");
_Static_assert(sizeof(struct tss) == 104, "a 64-bit TSS has 104 bytes");
#endif

#endif
