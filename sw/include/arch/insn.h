/* SPDX-License-Identifier: Apache-2.0 */
/* Single instructions that C has no words for, one inline function each. */
#ifndef ARCH_INSN_H
#define ARCH_INSN_H

#include <stdint.h>

static inline void outb(uint16_t port, uint8_t value) { __asm__ volatile("outb %0, %1" ::"a"(value), "Nd"(port)); }
static inline void outl(uint16_t port, uint32_t value) { __asm__ volatile("outl %0, %1" ::"a"(value), "Nd"(port)); }
static inline uint8_t inb(uint16_t port)
{
    uint8_t value;
    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}
static inline uint32_t inl(uint16_t port)
{
    uint32_t value;
    __asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline uint64_t rdmsr(uint32_t msr)
{
    uint32_t low, high;
    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr) : "memory");
    return (uint64_t)high << 32 | low;
}
static inline void wrmsr(uint32_t msr, uint64_t value)
{
    __asm__ volatile("wrmsr" ::"c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)) : "memory");
}
static inline uint64_t rdtsc(void)
{
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high)::"memory");
    return (uint64_t)high << 32 | low;
}

struct cpuid_result {
    uint32_t eax, ebx, ecx, edx;
};
static inline struct cpuid_result cpuid(uint32_t leaf, uint32_t subleaf)
{
    struct cpuid_result r;
    __asm__ volatile("cpuid" : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx) : "a"(leaf), "c"(subleaf));
    return r;
}

#define CONTROL_REGISTER(name)                                                                                         \
    static inline uint64_t read_##name(void)                                                                           \
    {                                                                                                                  \
        uint64_t value;                                                                                                \
        __asm__ volatile("mov %%" #name ", %0" : "=r"(value)::"memory");                                               \
        return value;                                                                                                  \
    }                                                                                                                  \
    static inline void write_##name(uint64_t value) { __asm__ volatile("mov %0, %%" #name ::"r"(value) : "memory"); }
CONTROL_REGISTER(cr0)
CONTROL_REGISTER(cr2)
CONTROL_REGISTER(cr3)
CONTROL_REGISTER(cr4)
CONTROL_REGISTER(cr8)
CONTROL_REGISTER(dr6)
CONTROL_REGISTER(dr7)
#undef CONTROL_REGISTER

static inline uint64_t read_flags(void)
{
    uint64_t value;
    __asm__ volatile("pushfq; popq %0" : "=r"(value)::"memory");
    return value;
}
static inline void write_flags(uint64_t value) { __asm__ volatile("pushq %0; popfq" ::"r"(value) : "memory", "cc"); }

static inline uint16_t read_cs(void)
{
    uint16_t selector;
    __asm__ volatile("mov %%cs, %0" : "=r"(selector));
    return selector;
}
static inline uint16_t read_ss(void)
{
    uint16_t selector;
    __asm__ volatile("mov %%ss, %0" : "=r"(selector));
    return selector;
}
static inline uint64_t read_rsp(void)
{
    uint64_t value;
    __asm__ volatile("mov %%rsp, %0" : "=r"(value));
    return value;
}

static inline void cpu_pause(void) { __asm__ volatile("pause" ::: "memory"); }
static inline void cli(void) { __asm__ volatile("cli" ::: "memory"); }
static inline void sti(void) { __asm__ volatile("sti" ::: "memory"); }
/* STI holds interrupts off until HLT has begun: no wake-up is lost between a test and the HLT. */
static inline void sti_hlt(void) { __asm__ volatile("sti; hlt" ::: "memory"); }
/* Lets everything takeable in: STI's shadow, then one boundary with IF = 1, then off again. */
static inline void sti_nop_cli(void) { __asm__ volatile("sti; nop; nop; cli" ::: "memory"); }
static inline void invlpg(const void *address) { __asm__ volatile("invlpg (%0)" ::"r"(address) : "memory"); }

#endif
