/* SPDX-License-Identifier: Apache-2.0 */
/* Page tables. SDM Vol. 3A, "4-Level Paging and 5-Level Paging". */
#include "paging.h"

#include "arch/insn.h"
#include "spinlock.h"
#include "string.h"

#define POOL_START 0x1000000ull /* 16 MiB: above any image, boot information and its modules are smaller */
#define POOL_END 0x3000000ull

extern uint64_t boot_pml4[512];

static struct spinlock lock;
static uint64_t pool_next = POOL_START;

void *page_alloc(void)
{
    uint64_t page = __atomic_fetch_add(&pool_next, PAGE_BYTES, __ATOMIC_RELAXED);
    if (page >= POOL_END)
        __asm__ volatile("ud2");
    return memset((void *)page, 0, PAGE_BYTES);
}

static uint64_t *table_below(uint64_t *entry, int level)
{
    if (*entry & PTE_P && *entry & PTE_PS) {
        uint64_t *table = page_alloc();
        uint64_t step = level == 3 ? LARGE_PAGE_BYTES : PAGE_BYTES;
        uint64_t value = level == 3 ? *entry : *entry & ~PTE_PS;
        for (uint64_t i = 0; i < 512; i++)
            table[i] = value + i * step;
        *entry = (uint64_t)table | PTE_P | PTE_W | PTE_U;
        write_cr3(read_cr3());
    } else if (!(*entry & PTE_P)) {
        *entry = (uint64_t)page_alloc() | PTE_P | PTE_W | PTE_U;
    }
    return (uint64_t *)(*entry & PTE_ADDRESS_MASK);
}

uint64_t *page_entry(uint64_t va, int level)
{
    spinlock_acquire(&lock);
    uint64_t *table = boot_pml4;
    for (int l = 4; l > level; l--)
        table = table_below(&table[va >> (12 + 9 * (l - 1)) & 511], l);
    spinlock_release(&lock);
    return &table[va >> (12 + 9 * (level - 1)) & 511];
}

void page_map(uint64_t va, uint64_t pa, uint64_t flags)
{
    *(volatile uint64_t *)page_entry(va, 1) = pa | flags;
    invlpg((void *)va);
}

void page_unmap(uint64_t va) { page_map(va, 0, 0); }

void *page_map_new(uint64_t va, uint64_t flags)
{
    void *page = page_alloc();
    page_map(va, (uint64_t)page, flags);
    return page;
}
