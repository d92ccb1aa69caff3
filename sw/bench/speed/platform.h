/* SPDX-License-Identifier: Apache-2.0 */
/* The bare-metal machine: ports, descriptor tables, exit. */
#ifndef PLATFORM_H
#define PLATFORM_H
#include <stdint.h>

static inline void outb(uint16_t port, uint8_t v) { __asm__ volatile("outb %0, %1" ::"a"(v), "Nd"(port)); }
static inline void outl(uint16_t port, uint32_t v) { __asm__ volatile("outl %0, %1" ::"a"(v), "Nd"(port)); }
static inline uint8_t inb(uint16_t port)
{
    uint8_t v;
    __asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
    return v;
}
static inline void wrmsr(uint32_t msr, uint64_t v)
{
    __asm__ volatile("wrmsr" ::"c"(msr), "a"((uint32_t)v), "d"((uint32_t)(v >> 32)));
}

struct tss {
    uint32_t reserved0;
    uint64_t rsp[3], reserved1, ist[7], reserved2;
    uint16_t reserved3, iomap;
} __attribute__((packed));

extern struct tss tss;
extern uint64_t gdt[], pml4[];

void set_gate(int vector, void *handler, int dpl); /* 64-bit interrupt gate */
_Noreturn void guest_exit(uint8_t code);           /* host sees code << 1 | 1 */
#endif
