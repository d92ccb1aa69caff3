/* SPDX-License-Identifier: Apache-2.0 */
/* tlb: read-modify-writes of random 4 KiB pages of a 64 MiB window that is
 * mapped onto 8 MiB, with remapping + invlpg and whole flushes now and then. */
#include "guest.h"
#include "platform.h"
const char kernel_name[] = "tlb";
const uint64_t kernel_iters = 300000;

enum { PAGES = 16384, FRAMES = 2048, TABLES = PAGES / 512 };
#define WINDOW 0x0000400000000000ull /* PML4 entry 128 */
static uint64_t frame[FRAMES][512] __attribute__((aligned(4096)));
static uint64_t pt[PAGES] __attribute__((aligned(4096)));
static uint64_t pd[512] __attribute__((aligned(4096)));
static uint64_t pdpt[512] __attribute__((aligned(4096)));

static void map(uint32_t page, uint32_t f) { pt[page] = (uint64_t)frame[f % FRAMES] | 3; }
static inline void flush_all(void) { __asm__ volatile("mov %0, %%cr3" ::"r"(pml4) : "memory"); }

uint64_t kernel(uint64_t n)
{
    uint64_t sum = 0, r = 88172645463325252ull;

    pml4[128] = (uint64_t)pdpt | 3;
    pdpt[0] = (uint64_t)pd | 3;
    for (uint32_t i = 0; i < TABLES; i++)
        pd[i] = (uint64_t)&pt[i * 512] | 3;
    for (uint32_t i = 0; i < PAGES; i++)
        map(i, i * 17);
    flush_all();
    for (uint64_t i = 0; i < n; i++) {
        r ^= r << 13, r ^= r >> 7, r ^= r << 17; /* xorshift */
        uint32_t page = r % PAGES;
        volatile uint64_t *p = (uint64_t *)(WINDOW + page * 4096ull + (r >> 40 & 511) * 8);
        sum += *p;
        *p = sum ^ r;
        if ((i & 15) == 15) {
            map(page, r >> 20);
            __asm__ volatile("invlpg %0" ::"m"(*(char *)(WINDOW + page * 4096ull)) : "memory");
        }
        if ((i & 4095) == 4095)
            flush_all();
    }
    return sum;
}
