/* SPDX-License-Identifier: Apache-2.0 */
/* Shared declarations of the guest benchmarks. */
#ifndef GUEST_H
#define GUEST_H
#include <stddef.h>
#include <stdint.h>

/* Every workload (k_*.c) defines these.  kernel() does `n` iterations of its
 * work and answers a checksum that depends on nothing but n. */
extern const char kernel_name[];
extern const uint64_t kernel_iters; /* iterations at SCALE=1 (about 10 M instructions) */
uint64_t kernel(uint64_t n);

#ifndef SCALE
#define SCALE 1
#endif

/* Output, shared by the bare-metal (platform.c) and the Linux (linux.c) ends. */
void put(const char *s);
static inline void put_u64(uint64_t v, unsigned base)
{
    char b[24], *p = b + sizeof b - 1;
    *p = 0;
    do {
        *--p = "0123456789abcdef"[v % base];
        v /= base;
    } while (v);
    put(p);
}
static inline uint64_t rdtsc(void)
{
    uint32_t lo, hi;
    __asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
    return (uint64_t)hi << 32 | lo;
}

/* Runs the kernel between the two markers and reports.  `tsc` is the time-stamp
 * counter's advance: on a simulator that advances it once per instruction it is
 * the instruction count of the kernel; `hint` is the count measured beforehand
 * (insns.def), 0 where unknown. */
uint64_t instructions_hint(const char *name, uint64_t iters);
static inline void run_kernel(void)
{
    uint64_t n = kernel_iters * SCALE;
    put("BEGIN ");
    put(kernel_name);
    put(" iters=");
    put_u64(n, 10);
    put("\n");
    uint64_t t0 = rdtsc(), sum = kernel(n), t1 = rdtsc();
    put("END ");
    put(kernel_name);
    put(" sum=");
    put_u64(sum, 16);
    put(" tsc=");
    put_u64(t1 - t0, 10);
    put(" retired-instructions-hint=");
    put_u64(instructions_hint(kernel_name, n), 10);
    put("\n");
}
#endif
